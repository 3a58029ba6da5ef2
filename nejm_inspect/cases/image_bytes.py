"""Image files as bytes: a JPEG without its metadata, and whether others have any."""

import re
import struct
import zlib

_MARKER = re.compile(rb"\xff[^\x00\xff]")
"""Searching for it skips garbage and fill bytes between segments, as libjpeg does."""
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""The first marker behind a scan. Restart markers are a part of the scan."""
_END, _SCAN, _LINES = 0xD9, 0xDA, 0xDC
_WITHOUT_PAYLOAD = {0x01, *range(0xD0, 0xD9)}
_FOR_DECODING = {*range(0xC0, 0xD0), _SCAN, 0xDB, 0xDD} - {0xC8}
"""Frame and scan headers, tables and the restart interval (ITU-T T.81, table B.1)."""
_MAX_UNPACKED = 2**29
"""Bytes; more than the 50 million pixels of the largest image that is accepted."""


class ImageError(Exception):
    """An image that cannot be used; the message says why."""


def bare_jpeg(data: bytes) -> bytes:
    """A JPEG file with what the decoding of its first picture needs; others are returned as given.

    Compressed pixels are copied as they are. Of application segments only JFIF's density and
    Adobe's colour transform stay.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return data
    kept = [data[:2]]
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
        elif code == _LINES:
            kept.append(_segment(code, payload[:2]))
        elif code == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
            kept.append(_segment(code, payload[:12] + b"\0\0"))  # no thumbnail
        elif code == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
            kept.append(_segment(code, payload[:12]))
        if code == _SCAN:
            end = _SCAN_END.search(data, at)
            kept.append(data[at : end.start() if end else None])
            at += len(kept[-1])
    return b"".join(kept)


def _segment(code: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, 2 + len(payload)) + payload


def is_bare(data: bytes) -> bool:
    """Whether a PNG or WebP file holds the pixels of one picture and nothing else.

    Raises:
        ImageError: If checksums show that the pixels of a PNG file are damaged.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _is_bare_png(data)
    # A WebP file that has metadata, a profile or frames starts with another chunk.
    size = 20 + int.from_bytes(data[16:20], "little")
    return data[8:16] in (b"WEBPVP8 ", b"WEBPVP8L") and len(data) == size + size % 2


def _is_bare_png(data: bytes) -> bool:
    # The palette of a picture without one is a suggestion, in which a text can stand.
    needed = {b"IHDR", b"IDAT", b"tRNS", b"IEND", *([b"PLTE"] if data[25:26] == b"\3" else [])}
    kinds, pixels, at = set(), bytearray(), 8
    while at + 12 <= len(data) and b"IEND" not in kinds:
        size, kind = struct.unpack_from(">I4s", data, at)
        content, checksum = data[at + 4 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        if kind in (b"IHDR", b"PLTE", b"IDAT") and zlib.crc32(content).to_bytes(4) != checksum:
            raise ImageError(f"damaged PNG image: checksum of {kind.decode()}")
        kinds.add(kind)
        pixels += content[4:] if kind == b"IDAT" else b""
        at += 12 + size
    return kinds <= needed and at == len(data) and _is_one_stream(pixels)


def _is_one_stream(data: bytearray) -> bool:
    """Whether nothing stands behind a zlib stream."""
    inflate, unpacked = zlib.decompressobj(), 0
    try:
        for at in range(0, len(data), 2**16):
            if inflate.eof or unpacked > _MAX_UNPACKED:
                return False
            unpacked += len(inflate.decompress(data[at : at + 2**16]))
    except zlib.error:
        return False
    return inflate.eof and not inflate.unused_data
