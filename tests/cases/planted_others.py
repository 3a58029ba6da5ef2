"""Files of other formats with names planted wherever these have room."""

import struct

import numpy as np

from tests.cases.planted import (
    PICTURE,
    RAMP,
    RAMP_AT_8_BITS,
    RAMP_WITH_HOLES,
    Planted,
    by_exiv2,
    by_tifffile,
    exif,
    icc_profile,
    image,
    maker,
    xmp,
)
from tests.loopback import encoded


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
