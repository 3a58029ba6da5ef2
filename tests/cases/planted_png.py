"""PNG files with names planted wherever the format has room."""

import zlib

import numpy as np
from PIL import PngImagePlugin

from tests.cases.planted import (
    GREY,
    PICTURE,
    RAMP,
    RAMP_AT_8_BITS,
    Planted,
    by_exiv2,
    by_pypng,
    chunk,
    exif,
    icc_profile,
    image,
    maker,
    text_chunks,
    with_chunks,
)
from tests.loopback import encoded

kept_png = maker(".png", pixels=PICTURE, keeps_scan=True)


@kept_png
def png_of_pillow(file: Planted) -> bytes:
    return encoded(
        image(),
        "PNG",
        pnginfo=text_chunks(file),
        icc_profile=icc_profile(file),
        exif=exif(file),
        dpi=(72, 72),
    )


@kept_png
def png_of_exiv2(file: Planted) -> bytes:
    return by_exiv2(file, encoded(image(), "PNG"))


@kept_png
def png_of_pypng(file: Planted) -> bytes:
    text = chunk(b"tEXt", b"Title\0" + file.ascii())
    raw_profile = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(exif(file)))
    return by_pypng(PICTURE, text, raw_profile)


@kept_png
def png_with_every_other_chunk(file: Planted) -> bytes:
    return with_chunks(
        encoded(image(), "PNG"),
        *(
            chunk(kind, file.ascii())
            for kind in (b"tIME", b"pHYs", b"sPLT", b"prVt", b"dSIG", b"vpAg", b"gAMA")
        ),
        chunk(b"PLTE", file.ascii()),  # the suggested palette of a color image
    )


@kept_png
def png_with_a_damaged_text_chunk(file: Planted) -> bytes:
    damaged = bytearray(chunk(b"tEXt", b"Title\0" + file.ascii()))
    damaged[-1] ^= 1
    return with_chunks(encoded(image(), "PNG"), bytes(damaged))


@kept_png
def png_with_bytes_behind_its_end(file: Planted) -> bytes:
    return encoded(image(), "PNG") + file.ascii() + encoded(image(), "PNG")


@maker(".png", pixels=PICTURE, conversion="metadata removed → PNG RGB 64×48")
def png_with_bytes_behind_its_pixels(file: Planted) -> bytes:
    data = encoded(image(), "PNG")
    return data[:-12] + chunk(b"IDAT", file.ascii()) + data[-12:]


@maker(".png", pixels=PICTURE, keeps_scan=True, conversion="metadata removed, first of 2 frames")
def png_with_frames(file: Planted) -> bytes:
    second = [image(PICTURE[::-1])]
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", file.name())
    return encoded(image(), "PNG", save_all=True, append_images=second, pnginfo=info)


@maker(
    ".png",
    pixels=PICTURE,
    turned=1,
    conversion="metadata removed, turned as EXIF says → PNG RGB 48×64",
)
def png_on_its_side(file: Planted) -> bytes:
    return encoded(image(), "PNG", exif=exif(file, orientation=8))


@maker(".png", pixels=PICTURE, keeps_scan=True)
def png_interlaced(file: Planted) -> bytes:
    text = chunk(b"tEXt", b"Title\0" + file.ascii())
    return by_pypng(PICTURE, text, interlace=True)


@maker(".png", pixels=GREY // 16 * 17, keeps_scan=True)
def png_of_four_bits(file: Planted) -> bytes:
    text = chunk(b"tEXt", b"Title\0" + file.ascii())
    return by_pypng(GREY // 16, text, bitdepth=4)


@maker(".png", pixels=RAMP_AT_8_BITS, conversion="metadata removed, mode I;16 → PNG L 64×48")
def png_of_a_slice(file: Planted) -> bytes:
    text = chunk(b"tEXt", b"Patient\0" + file.ascii())
    return by_pypng(RAMP, text, bitdepth=16)


@maker(
    ".png",
    pixels=np.stack([RAMP_AT_8_BITS] * 3, axis=-1),
    conversion="metadata removed, 16 bits a channel → PNG RGB 64×48",
)
def png_of_a_deep_photograph(file: Planted) -> bytes:
    text = chunk(b"tEXt", b"Patient\0" + file.ascii())
    return by_pypng(np.stack([RAMP] * 3, axis=-1), text, bitdepth=16)


@maker(
    ".png",
    pixels=np.stack([RAMP_AT_8_BITS] * 3, axis=-1),
    conversion="metadata removed, mode RGBA, 16 bits a channel → PNG RGB 64×48",
)
def png_of_a_deep_photograph_with_transparency(file: Planted) -> bytes:
    text = chunk(b"tEXt", b"Patient\0" + file.ascii())
    pixels = np.stack([RAMP] * 3 + [np.full_like(RAMP, 0xFFFF)], axis=-1)
    return by_pypng(pixels, text, bitdepth=16, alpha=True)


@maker(
    ".png",
    pixels=np.where(PICTURE[..., :1] < 128, PICTURE, 255),
    conversion="metadata removed, mode RGBA → PNG RGB 64×48",
)
def png_with_transparency(file: Planted) -> bytes:
    alpha = np.where(PICTURE[..., :1] < 128, 255, 0).astype(np.uint8)
    picture = image(np.concatenate([PICTURE, alpha], axis=-1))
    return encoded(picture, "PNG", pnginfo=text_chunks(file))
