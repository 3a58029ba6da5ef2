"""Image files with names planted wherever their formats have room."""

import io
import struct
import zlib

import numpy as np
import piexif
from PIL import PngImagePlugin

from tests.cases.planted import (
    GREY,
    MAKERS,
    PICTURE,
    RAMP,
    RAMP_AT_8_BITS,
    RAMP_WITH_HOLES,
    Planted,
    by_exiv2,
    by_pypng,
    by_tifffile,
    chunk,
    exif,
    icc_profile,
    image,
    maker,
    segment,
    text_chunks,
    with_chunks,
    xmp,
)
from tests.loopback import encoded


def planted_files() -> dict[str, Planted]:
    """All files, by the names of their makers."""
    for file, make in MAKERS.values():
        file.data = file.data or make(file)
    return {name: file for name, (file, _) in MAKERS.items()}


kept_jpeg = maker(".jpg", keeps_scan=True)


@kept_jpeg
def jpeg_of_pillow(file: Planted) -> bytes:
    return encoded(
        image(),
        exif=exif(file),
        comment=file.ascii(),
        icc_profile=icc_profile(file),
        xmp=xmp(file, orientation=6),  # of which viewers take no notice
    )


@kept_jpeg
def jpeg_of_exiv2(file: Planted) -> bytes:
    data = by_exiv2(file, encoded(image(), quality=90, subsampling=0))
    return data[:2] + segment(0xFE, file.ascii()) + data[2:]


@kept_jpeg
def jpeg_of_piexif_in_color(file: Planted) -> bytes:
    buffer = io.BytesIO()
    piexif.insert(exif(file), encoded(image(), subsampling=2), buffer)
    return buffer.getvalue()


@kept_jpeg
def jpeg_in_grey_with_two_comments(file: Planted) -> bytes:
    data = encoded(image(GREY), icc_profile=icc_profile(file, b"GRAY"))
    comments = segment(0xFE, file.ascii()), segment(0xFE, file.ascii())
    return data[:2] + comments[0] + data[2:20] + comments[1] + data[20:]


@kept_jpeg
def jpeg_with_restart_markers(file: Planted) -> bytes:
    return encoded(image(), restart_marker_blocks=2, comment=file.ascii())


@kept_jpeg
def jpeg_with_every_application_segment(file: Planted) -> bytes:
    data = encoded(image(), optimize=True)
    others = [segment(0xE0 + n, file.ascii()) for n in range(16)]
    return data[:20] + b"".join(others) + data[20:]


@kept_jpeg
def jpeg_with_photoshop_segments(file: Planted) -> bytes:
    caption = b"\x1c\x02\x78" + struct.pack(">H", 15) + file.ascii()
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption
    extended = b"http://ns.adobe.com/xmp/extension/\0" + file.ascii()
    data = encoded(image())
    segments = segment(0xED, b"Photoshop 3.0\0" + resource) + segment(0xE1, extended)
    return data[:20] + segments + data[20:]


@kept_jpeg
def jpeg_with_thumbnails(file: Planted) -> bytes:
    data = encoded(image())
    thumbnail = file.ascii()  # as 5 pixels of 3 bytes
    jfif = segment(0xE0, data[6:18] + b"\5\1" + thumbnail)
    jfxx = segment(0xE0, b"JFXX\0\x13\5\1" + file.ascii())
    return data[:2] + jfif + jfxx + data[20:]


@kept_jpeg
def jpeg_with_a_long_adobe_segment(file: Planted) -> bytes:
    data = encoded(image())
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + file.ascii())
    return data[:2] + adobe + data[20:]


@kept_jpeg
def jpeg_with_garbage_between_segments(file: Planted) -> bytes:
    data = encoded(image())
    garbage = file.ascii() + b"\xff\0" + file.ascii() + b"\xff\xff\xff"
    return data[:20] + garbage + data[20:]


@kept_jpeg
def jpeg_with_bytes_behind_its_end(file: Planted) -> bytes:
    return encoded(image()) + file.ascii() + b"PK\3\4" + file.ascii() + b"\xff\xd9"


@kept_jpeg
def jpeg_with_a_profile_in_two_parts(file: Planted) -> bytes:
    profile = icc_profile(file)
    halves = profile[:900], profile[900:]
    parts = [
        segment(0xE2, b"ICC_PROFILE\0" + bytes((number, 2)) + half)
        for number, half in enumerate(halves, start=1)
    ]
    data = encoded(image())
    return data[:20] + parts[1] + parts[0] + data[20:]


@kept_jpeg
def jpeg_in_progressive_scans(file: Planted) -> bytes:
    data = encoded(image(), progressive=True)
    first, scan = data.index(b"\xff\xda"), data.rindex(b"\xff\xda")
    comments = segment(0xFE, file.ascii()), segment(0xE1, file.ascii())
    return data[:first] + comments[0] + data[first:scan] + comments[1] + data[scan:]


@maker(".jpg", keeps_scan=True, conversion="metadata removed, first of 2 frames")
def jpeg_with_a_second_picture(file: Planted) -> bytes:
    second = image(PICTURE[::-1])
    second.info["comment"] = file.ascii()
    data = encoded(image(), "MPO", save_all=True, append_images=[second])
    return data[:2] + segment(0xFE, file.ascii()) + data[2:] + file.ascii()


@maker(".jpg", turned=3, conversion="metadata removed, turned as EXIF says → PNG RGB 48×64")
def jpeg_on_its_side(file: Planted) -> bytes:
    return encoded(image(), exif=exif(file, orientation=6), comment=file.ascii())


@maker(".jpg", conversion="metadata removed, mode CMYK → PNG RGB 64×48")
def jpeg_for_print(file: Planted) -> bytes:
    picture = image().convert("CMYK")
    return encoded(picture, comment=file.ascii(), exif=exif(file))


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


@maker(".gif", conversion="GIF, first of 2 frames → PNG RGB 64×48")
def gif_with_frames(file: Planted) -> bytes:
    pages = [image(PICTURE[::-1]).convert("P")]
    options = {"save_all": True, "append_images": pages, "comment": file.ascii()}
    return encoded(image().convert("P"), "GIF", **options) + file.ascii()


@maker(".gif", conversion="GIF → PNG RGB 64×48")
def gif_with_extensions(file: Planted) -> bytes:
    data = encoded(image().convert("P"), "GIF")
    behind_palette = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    text = b"!\x01\x0c" + bytes(12) + b"\x0f" + file.ascii() + b"\0"
    application = b"!\xff\x0bXMP DataXMP\x0f" + file.ascii() + b"\0"
    comment = b"!\xfe\x0f" + file.ascii() + b"\0"
    extensions = text + application + comment
    return data[:behind_palette] + extensions + data[behind_palette:]


@maker(".webp", pixels=PICTURE, conversion="metadata removed → PNG RGB 64×48")
def webp_without_loss(file: Planted) -> bytes:
    more = {"exif": exif(file), "xmp": xmp(file), "icc_profile": icc_profile(file)}
    return encoded(image(), "WEBP", lossless=True, **more)


@maker(".webp", conversion="metadata removed → PNG RGB 64×48")
def webp_of_exiv2(file: Planted) -> bytes:
    return by_exiv2(file, encoded(image(), "WEBP"), iptc=False)


@maker(
    ".webp",
    pixels=PICTURE,
    turned=2,
    conversion="metadata removed, turned as EXIF says → PNG RGB 64×48",
)
def webp_upside_down(file: Planted) -> bytes:
    return encoded(image(), "WEBP", lossless=True, exif=exif(file, orientation=3))


@maker(".webp", pixels=PICTURE, conversion="metadata removed, first of 2 frames → PNG RGB 64×48")
def webp_with_frames(file: Planted) -> bytes:
    options = {"save_all": True, "append_images": [image(PICTURE[::-1])]}
    return encoded(image(), "WEBP", lossless=True, xmp=xmp(file), **options)


@maker(".webp", conversion="metadata removed → PNG RGB 64×48")
def webp_with_bytes_behind_its_end(file: Planted) -> bytes:
    return encoded(image(), "WEBP") + file.ascii()


@maker(".tiff", pixels=PICTURE, conversion="TIFF, first of 2 pages → PNG RGB 64×48")
def tiff_with_pages(file: Planted) -> bytes:
    pages = np.stack([PICTURE, PICTURE[::-1]])
    return by_tifffile(
        pages,
        photometric="rgb",
        description=file.name(),
        software=file.name(),
        metadata=None,
        extratags=[(65_000, "s", 0, file.name(), False)],
        iccprofile=icc_profile(file),
    )


@maker(".tif", pixels=PICTURE, conversion="TIFF → PNG RGB 64×48")
def tiff_of_exiv2(file: Planted) -> bytes:
    return by_exiv2(file, encoded(image(), "TIFF", icc_profile=icc_profile(file)))


@maker(".tif", pixels=PICTURE, turned=3, conversion="TIFF, turned as EXIF says → PNG RGB 48×64")
def tiff_on_its_side(file: Planted) -> bytes:
    turned = [(274, "H", 1, 6, True)]
    return by_tifffile(PICTURE, photometric="rgb", extratags=turned, description=file.name())


@maker(".tif", pixels=RAMP_WITH_HOLES, conversion="TIFF, mode F → PNG L 64×48")
def tiff_of_numbers_not_all_finite(file: Planted) -> bytes:
    values = RAMP.astype(np.float32) / 7
    values[0, :3] = np.nan, np.inf, -np.inf
    return by_tifffile(values, description=file.name())


@maker(".tif", pixels=255 - RAMP_AT_8_BITS, conversion="TIFF, mode I;16 → PNG L 64×48")
def tiff_of_a_slice_where_low_is_bright(file: Planted) -> bytes:
    return by_tifffile(RAMP, photometric="miniswhite", description=file.name())


@maker(".tif", pixels=RAMP_AT_8_BITS, conversion="TIFF, mode I;16B → PNG L 64×48")
def tiff_of_a_slice_in_the_other_byte_order(file: Planted) -> bytes:
    return by_tifffile(RAMP, byteorder=">", description=file.name())


@maker(
    ".tif",
    pixels=np.stack([RAMP_AT_8_BITS] * 3, axis=-1),
    conversion="TIFF, 16 bits a channel → PNG RGB 64×48",
)
def tiff_of_a_deep_photograph(file: Planted) -> bytes:
    pixels = np.stack([RAMP] * 3, axis=-1)
    options = {"photometric": "rgb", "compression": "zlib", "predictor": True}
    return by_tifffile(pixels, description=file.name(), **options)


@maker(".bmp", pixels=PICTURE, conversion="BMP → PNG RGB 64×48")
def bmp_with_bytes_around_its_pixels(file: Planted) -> bytes:
    data = encoded(image(), "BMP")
    gap = file.ascii()
    header = data[:10] + struct.pack("<I", 54 + len(gap)) + data[14:54]
    return header + gap + data[54:] + file.ascii()


@maker(".jp2", pixels=PICTURE, conversion="JPEG2000 → PNG RGB 64×48")
def jpeg_2000(file: Planted) -> bytes:
    comment = file.name()
    box = struct.pack(">I4s", 23, b"uuid") + file.ascii()
    return encoded(image(), "JPEG2000", comment=comment) + box
