"""The removal of metadata from image files, with compressed pixels untouched."""

import re
import struct
import zlib
from typing import NamedTuple

_MARKER = re.compile(rb"\xff[^\x00\xff]")
"""Searching for it skips garbage and fill bytes between segments, as libjpeg does."""
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""The first marker after a scan; restart markers belong to the scan."""
_END, _SCAN = 0xD9, 0xDA
_WITHOUT_PAYLOAD = {0x01, *range(0xD0, 0xD9)}
_FOR_DECODING = {*range(0xC0, 0xD0), _SCAN, 0xDB, 0xDD} - {0xC8}
"""Frame and scan headers, tables and the restart interval (ITU-T T.81, table B.1)."""
_PROFILE_PART = 65_519
"""Bytes of a colour profile that fit in a segment (ICC.1:2022, annex B.4)."""
_NUMERIC = {b"XYZ ", b"curv", b"para", b"sf32", b"mft1", b"mft2", b"mAB ", b"mBA "}
"""Types of the tags that define a profile's colours (ICC.1:2022, chapter 10)."""

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_MAX_UNPACKED = 2**29  # more bytes than the largest accepted image has


class ImageError(Exception):
    """An image that cannot be used; the message says why."""


class BareImage(NamedTuple):
    """An image file without the metadata that `bare_image` can remove."""

    data: bytes
    exif: bytes
    """The EXIF block that was removed, or no bytes."""
    is_bare: bool
    """Whether `data` holds pixels alone."""


def bare_image(data: bytes) -> BareImage:
    """Removes all that is not needed to decode the first picture of a JPEG or PNG file.

    Compressed pixels are copied. A colour profile keeps its numbers and loses its texts. Other
    formats are returned unchanged.

    Raises:
        ImageError: If checksums show that pixels are damaged.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _bare_jpeg(data)
    if data.startswith(_PNG_START):
        return _bare_png(data)
    # A WebP file that has metadata, a profile or frames starts with another chunk.
    size = 20 + int.from_bytes(data[16:20], "little")
    simple = data[8:16] in (b"WEBPVP8 ", b"WEBPVP8L") and len(data) == size + size % 2
    return BareImage(data, b"", simple)


def _bare_jpeg(data: bytes) -> BareImage:
    kept = [data[:2]]
    exif, profile, profile_place = b"", {}, 0
    at = 2
    while marker := _MARKER.search(data, at):
        code = marker[0][1]
        if code == _END:
            kept.append(marker[0])
            break
        at = marker.end()
        if code in _WITHOUT_PAYLOAD:
            continue
        payload = data[at + 2 : at + int.from_bytes(data[at : at + 2])]
        at += 2 + len(payload)
        if code in _FOR_DECODING:
            kept.append(data[marker.start() : at])
        elif code == 0xDC:  # number of lines
            kept.append(_segment(code, payload[:2]))
        elif code == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
            kept.append(_segment(code, payload[:12] + b"\0\0"))  # no thumbnail
        elif code == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
            kept.append(_segment(code, payload[:12]))
        elif code == 0xE1 and payload.startswith(b"Exif\0\0"):
            exif = exif or payload
        elif code == 0xE2 and payload.startswith(b"ICC_PROFILE\0"):
            profile_place = profile_place or len(kept)
            profile[payload[12:13]] = payload[14:]
        if code == _SCAN:
            end = _SCAN_END.search(data, at)
            kept.append(data[at : end.start() if end else None])
            at += len(kept[-1])
    whole = _bare_profile(b"".join(profile[number] for number in sorted(profile)))
    starts = range(0, len(whole), _PROFILE_PART)[:255]  # as many as can be numbered
    parts = [whole[start : start + _PROFILE_PART] for start in starts]
    kept[profile_place:profile_place] = [
        _segment(0xE2, b"ICC_PROFILE\0%c%c%b" % (number, len(parts), part))
        for number, part in enumerate(parts, start=1)
    ]
    return BareImage(b"".join(kept), exif, True)


def _segment(code: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, 2 + len(payload)) + payload


def _bare_profile(profile: bytes) -> bytes:
    """Returns the numbers of an ICC profile without its texts; no bytes if it is malformed."""
    count = int.from_bytes(profile[128:132])
    table = profile[132 : 132 + 12 * count]
    entries = struct.iter_unpack(">4sII", table[: len(table) // 12 * 12])
    tags = [(tag, (at, size)) for tag, at, size in entries if profile[at : at + 4] in _NUMERIC]
    places = dict.fromkeys(place for _, place in tags)  # several tags may share one
    if profile[36:40] != b"acsp" or sum(n for _, n in places) > len(profile):
        return b""
    first = 132 + 12 * len(tags)
    values, moved = bytearray(), {}
    for start, size in places:
        moved[start, size] = struct.pack(">II", first + len(values), size)
        values += profile[start : start + size].ljust(size + -size % 4, b"\0")
    header = bytearray(132)
    for numbers in (slice(8, 24), slice(36, 40), slice(64, 80)):
        header[numbers] = profile[numbers]
    struct.pack_into(">I", header, 0, first + len(values))
    struct.pack_into(">I", header, 128, len(tags))
    return bytes(header) + b"".join(name + moved[p] for name, p in tags) + values


def _bare_png(data: bytes) -> BareImage:
    kept, pixels, exif = [_PNG_START], bytearray(), b""
    at = len(_PNG_START)
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + size]
        at += len(chunk)
        is_sound = zlib.crc32(chunk[4:-4]).to_bytes(4) == chunk[-4:]
        if kind == b"IEND":
            break
        if kind in (b"IHDR", b"PLTE", b"IDAT") and not is_sound:
            raise ImageError(f"damaged PNG image: checksum of {kind.decode()}")
        if kind == b"IDAT":
            pixels += chunk[8:-4]
        is_palette = kind == b"PLTE" and data[25:26] == b"\3"  # otherwise it is a suggestion
        if kind in (b"IHDR", b"IDAT") or is_palette or (kind == b"tRNS" and is_sound):
            kept.append(chunk)
        elif kind == b"eXIf" and is_sound:
            exif = exif or chunk[8:-4]
    return BareImage(b"".join(kept) + _PNG_END, exif, _is_one_stream(pixels))


def _is_one_stream(data: bytearray) -> bool:
    """Returns whether the data is one zlib stream, with nothing after it."""
    inflate, unpacked = zlib.decompressobj(), 0
    try:
        for at in range(0, len(data), 2**16):
            if inflate.eof or unpacked > _MAX_UNPACKED:
                return False
            unpacked += len(inflate.decompress(data[at : at + 2**16]))
    except zlib.error:
        return False
    return inflate.eof and not inflate.unused_data
