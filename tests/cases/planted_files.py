"""Image files with names planted wherever their formats have room."""

import io
import struct
import zlib

import numpy as np
import piexif

from tests.cases.planted import (
    BEHIND_IHDR,
    BEHIND_JFIF,
    BEHIND_START,
    GREY,
    PICTURE,
    RAMP,
    RAMP_AT_8_BITS,
    RAMP_WITH_HOLES,
    Pixels,
    Planted,
    by_exiv2,
    by_pypng,
    by_tifffile,
    chunk,
    exif,
    icc_profile,
    image,
    plant,
    put,
    segment,
    text_chunks,
    xmp,
)
from tests.loopback import encoded

JPEG, PNG = encoded(image()), encoded(image(), "PNG")
JPEG_OPTIMIZED = encoded(image(), optimize=True)
SECOND = image(PICTURE[::-1])
TWO_FRAMES = {"save_all": True, "append_images": [SECOND]}
COLOR_AT_16_BITS, COLOR_AT_8_BITS = (np.dstack([ramp] * 3) for ramp in (RAMP, RAMP_AT_8_BITS))

# What the sample's metadata must say, in parts.
BARE, TO_PNG, TO_GREY = "metadata removed", " → PNG RGB 64×48", " → PNG L 64×48"
TURNED = ", turned as EXIF says → PNG RGB 48×64"


def comment(file: Planted) -> bytes:
    return segment(0xFE, file.ascii())


def everything(file: Planted) -> dict[str, bytes]:
    return {"exif": exif(file), "icc_profile": icc_profile(file)}


def grey_with_two_comments(file: Planted) -> bytes:
    data = encoded(image(GREY), icc_profile=icc_profile(file, b"GRAY"))
    return put(put(data, BEHIND_JFIF, comment(file)), BEHIND_START, comment(file))


def text(file: Planted) -> bytes:
    return chunk(b"tEXt", b"Title\0" + file.ascii())


def piexif_in_color(file: Planted) -> bytes:
    buffer = io.BytesIO()
    piexif.insert(exif(file), encoded(image(), subsampling=2), buffer)
    return buffer.getvalue()


def photoshop_segments(file: Planted) -> bytes:
    caption = b"\x1c\x02\x78" + struct.pack(">H", 15) + file.ascii()
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption
    extended = b"http://ns.adobe.com/xmp/extension/\0" + file.ascii()
    photoshop = segment(0xED, b"Photoshop 3.0\0" + resource)
    return put(JPEG, BEHIND_JFIF, photoshop, segment(0xE1, extended))


def jpeg_thumbnails(file: Planted) -> bytes:
    jfif = segment(0xE0, JPEG[6:18] + b"\5\1" + file.ascii())  # as 5 pixels of 3 bytes
    jfxx = segment(0xE0, b"JFXX\0\x13\5\1" + file.ascii())
    return JPEG[:BEHIND_START] + jfif + jfxx + JPEG[BEHIND_JFIF:]


def profile_in_two_parts(file: Planted) -> bytes:
    profile = icc_profile(file)
    first, second = (
        segment(0xE2, b"ICC_PROFILE\0" + bytes((number, 2)) + half)
        for number, half in enumerate((profile[:900], profile[900:]), start=1)
    )
    return put(JPEG, BEHIND_JFIF, second, first)


def progressive_scans(file: Planted) -> bytes:
    data = encoded(image(), progressive=True)
    later = put(data, data.rindex(b"\xff\xda"), segment(0xE1, file.ascii()))
    return put(later, data.index(b"\xff\xda"), comment(file))


def second_picture(file: Planted) -> bytes:
    second = SECOND.copy()
    second.info["comment"] = file.ascii()
    data = encoded(image(), "MPO", save_all=True, append_images=[second])
    return put(data, BEHIND_START, comment(file)) + file.ascii()


def pypng_with_exif(file: Planted) -> bytes:
    raw_profile = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(exif(file)))
    return by_pypng(PICTURE, text(file), raw_profile)


def every_other_chunk(file: Planted) -> bytes:
    # The last is the suggested palette of a color image.
    kinds = (b"tIME", b"pHYs", b"sPLT", b"prVt", b"dSIG", b"vpAg", b"gAMA", b"PLTE")
    return put(PNG, BEHIND_IHDR, *(chunk(kind, file.ascii()) for kind in kinds))


def damaged_text_chunk(file: Planted) -> bytes:
    damaged = bytearray(text(file))
    damaged[-1] ^= 1
    return put(PNG, BEHIND_IHDR, damaged)


def gif_extensions(file: Planted) -> bytes:
    data = encoded(image().convert("P"), "GIF")
    behind_palette = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    text = b"!\x01\x0c" + bytes(12) + b"\x0f" + file.ascii() + b"\0"
    application = b"!\xff\x0bXMP DataXMP\x0f" + file.ascii() + b"\0"
    return put(data, behind_palette, text, application, b"!\xfe\x0f" + file.ascii() + b"\0")


def gif_frames(file: Planted) -> bytes:
    options = {"save_all": True, "append_images": [SECOND.convert("P")], "comment": file.ascii()}
    return encoded(image().convert("P"), "GIF", **options) + file.ascii()


def webp(**options: object) -> bytes:
    return encoded(image(), "WEBP", lossless=True, **options)


def tiff(file: Planted, pixels: Pixels, **options: object) -> bytes:
    return by_tifffile(pixels, description=file.name(), **options)


def tiff_pages(file: Planted) -> bytes:
    return tiff(
        file,
        np.stack([PICTURE, PICTURE[::-1]]),
        photometric="rgb",
        software=file.name(),
        metadata=None,
        extratags=[(65_000, "s", 0, file.name(), False)],
        iccprofile=icc_profile(file),
    )


def bmp_around_pixels(file: Planted) -> bytes:
    data, gap = encoded(image(), "BMP"), file.ascii()
    header = data[:10] + struct.pack("<I", 54 + len(gap)) + data[14:54]
    return header + gap + data[54:] + file.ascii()


JPEGS = {
    "of_pillow": lambda file: encoded(
        image(),
        exif=exif(file),
        comment=file.ascii(),
        icc_profile=icc_profile(file),
        xmp=xmp(file, orientation=6),  # of which viewers take no notice
    ),
    "of_exiv2": lambda file: put(
        by_exiv2(file, encoded(image(), quality=90, subsampling=0)), BEHIND_START, comment(file)
    ),
    "of_piexif_in_color": piexif_in_color,
    "in_grey_with_two_comments": grey_with_two_comments,
    "with_restart_markers": lambda file: encoded(
        image(), restart_marker_blocks=2, comment=file.ascii()
    ),
    "with_every_application_segment": lambda file: put(
        JPEG_OPTIMIZED, BEHIND_JFIF, *(segment(0xE0 + n, file.ascii()) for n in range(16))
    ),
    "with_photoshop_segments": photoshop_segments,
    "with_thumbnails": jpeg_thumbnails,
    "with_a_long_adobe_segment": lambda file: put(
        JPEG, BEHIND_START, segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + file.ascii())
    ),
    "with_garbage_between_segments": lambda file: put(
        JPEG, BEHIND_JFIF, file.ascii(), b"\xff\0", file.ascii(), b"\xff\xff\xff"
    ),
    "with_bytes_behind_its_end": lambda file: (
        JPEG + file.ascii() + b"PK\3\4" + file.ascii() + b"\xff\xd9"
    ),
    "with_a_profile_in_two_parts": profile_in_two_parts,
    "in_progressive_scans": progressive_scans,
}
PNGS = {
    "of_pillow": lambda file: encoded(
        image(), "PNG", **everything(file), pnginfo=text_chunks(file), dpi=(72, 72)
    ),
    "of_exiv2": lambda file: by_exiv2(file, PNG),
    "of_pypng": pypng_with_exif,
    "with_every_other_chunk": every_other_chunk,
    "with_a_damaged_text_chunk": damaged_text_chunk,
    "with_bytes_behind_its_end": lambda file: PNG + file.ascii() + PNG,
    "interlaced": lambda file: by_pypng(PICTURE, text(file), interlace=True),
}
for name, make in JPEGS.items():
    plant(f"{name}.jpg", BARE, keeps_scan=True)(make)
for name, make in PNGS.items():
    plant(f"{name}.png", BARE, PICTURE, keeps_scan=True)(make)
plant("with_a_second_picture.jpg", f"{BARE}, first of 2 frames", keeps_scan=True)(second_picture)
plant("on_its_side.jpg", BARE + TURNED, turned=3)(
    lambda file: encoded(image(), exif=exif(file, orientation=6), comment=file.ascii())
)
plant("for_print.jpg", f"{BARE}, mode CMYK{TO_PNG}")(
    lambda file: encoded(image().convert("CMYK"), comment=file.ascii(), exif=exif(file))
)
plant("of_four_bits.png", BARE, GREY // 16 * 17, keeps_scan=True)(
    lambda file: by_pypng(GREY // 16, text(file), bitdepth=4)
)
plant("with_frames.png", f"{BARE}, first of 2 frames", PICTURE, keeps_scan=True)(
    lambda file: encoded(image(), "PNG", pnginfo=text_chunks(file), **TWO_FRAMES)
)
plant("with_bytes_behind_its_pixels.png", BARE + TO_PNG, PICTURE)(
    lambda file: put(PNG, len(PNG) - 12, chunk(b"IDAT", file.ascii()))
)
plant("on_its_side.png", BARE + TURNED, PICTURE, turned=1)(
    lambda file: encoded(image(), "PNG", exif=exif(file, orientation=8))
)
plant("of_a_slice.png", f"{BARE}, mode I;16{TO_GREY}", RAMP_AT_8_BITS)(
    lambda file: by_pypng(RAMP, text(file), bitdepth=16)
)
plant("deep.png", f"{BARE}, 16 bits a channel{TO_PNG}", COLOR_AT_8_BITS)(
    lambda file: by_pypng(COLOR_AT_16_BITS, text(file), bitdepth=16)
)
OPAQUE = np.dstack([COLOR_AT_16_BITS, np.full_like(RAMP, 0xFFFF)])
plant("deep_and_opaque.png", f"{BARE}, mode RGBA, 16 bits a channel{TO_PNG}", COLOR_AT_8_BITS)(
    lambda file: by_pypng(OPAQUE, text(file), bitdepth=16, alpha=True)
)
CLEAR = PICTURE[..., :1] >= 128
HALF_CLEAR = np.dstack([PICTURE, np.where(CLEAR, 0, 255).astype(np.uint8)])
plant("half_clear.png", f"{BARE}, mode RGBA{TO_PNG}", np.where(CLEAR, 255, PICTURE))(
    lambda file: encoded(image(HALF_CLEAR), "PNG", pnginfo=text_chunks(file))
)
plant("with_frames.gif", f"GIF, first of 2 frames{TO_PNG}")(gif_frames)
plant("with_extensions.gif", f"GIF{TO_PNG}")(gif_extensions)
plant("without_loss.webp", BARE + TO_PNG, PICTURE)(
    lambda file: webp(**everything(file), xmp=xmp(file))
)
plant("of_exiv2.webp", BARE + TO_PNG)(
    lambda file: by_exiv2(file, encoded(image(), "WEBP"), iptc=False)
)
plant("upside_down.webp", BARE + TURNED.replace("48×64", "64×48"), PICTURE, turned=2)(
    lambda file: webp(exif=exif(file, orientation=3))
)
plant("with_frames.webp", f"{BARE}, first of 2 frames{TO_PNG}", PICTURE)(
    lambda file: webp(xmp=xmp(file), **TWO_FRAMES)
)
plant("with_bytes_behind_its_end.webp", BARE + TO_PNG)(
    lambda file: encoded(image(), "WEBP") + file.ascii()
)
plant("with_pages.tiff", f"TIFF, first of 2 pages{TO_PNG}", PICTURE)(tiff_pages)
plant("of_exiv2.tif", f"TIFF{TO_PNG}", PICTURE)(
    lambda file: by_exiv2(file, encoded(image(), "TIFF", icc_profile=icc_profile(file)))
)
plant("on_its_side.tif", f"TIFF{TURNED}", PICTURE, turned=3)(
    lambda file: tiff(file, PICTURE, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
)
NUMBERS = RAMP.astype(np.float32) / 7
NUMBERS[0, :3] = np.nan, np.inf, -np.inf
plant("not_all_finite.tif", f"TIFF, mode F{TO_GREY}", RAMP_WITH_HOLES)(
    lambda file: tiff(file, NUMBERS)
)
plant("where_low_is_bright.tif", f"TIFF, mode I;16{TO_GREY}", 255 - RAMP_AT_8_BITS)(
    lambda file: tiff(file, RAMP, photometric="miniswhite")
)
plant("in_the_other_byte_order.tif", f"TIFF, mode I;16B{TO_GREY}", RAMP_AT_8_BITS)(
    lambda file: tiff(file, RAMP, byteorder=">")
)
COMPRESSED = {"photometric": "rgb", "compression": "zlib", "predictor": True}
plant("deep.tif", f"TIFF, 16 bits a channel{TO_PNG}", COLOR_AT_8_BITS)(
    lambda file: tiff(file, COLOR_AT_16_BITS, **COMPRESSED)
)
plant("with_bytes_around_its_pixels.bmp", f"BMP{TO_PNG}", PICTURE)(bmp_around_pixels)
plant("with_a_box.jp2", f"JPEG2000{TO_PNG}", PICTURE)(
    lambda file: (
        encoded(image(), "JPEG2000", comment=file.name())
        + struct.pack(">I4s", 23, b"uuid")
        + file.ascii()
    )
)
