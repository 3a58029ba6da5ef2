"""JPEG files with names planted wherever the format has room."""

import io
import struct

import piexif

from tests.cases.planted import (
    GREY,
    PICTURE,
    Planted,
    by_exiv2,
    exif,
    icc_profile,
    image,
    maker,
    segment,
    xmp,
)
from tests.loopback import encoded

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
