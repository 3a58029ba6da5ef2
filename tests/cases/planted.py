"""Parts of image files with planted names, which no model and no log may see."""

import io
import itertools
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import piexif
import png
import pyexiv2
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from tests.loopback import encoded

Pixels = NDArray[Any]

_Y, _X = np.mgrid[0:48, 0:64]
PICTURE: Pixels = np.stack([_X * 4, _Y * 5, _X + _Y], axis=-1).astype(np.uint8)
"""Unlike itself however it is turned or mirrored."""
GREY = PICTURE[..., 0]
RAMP: Pixels = (1_000 + _X * 4).astype(np.uint16)
"""As a CT slice has it: few of the values that 16 bits have room for."""
RAMP_AT_8_BITS = np.rint(_X * 255 / 63).astype(np.uint8)
RAMP_WITH_HOLES = RAMP_AT_8_BITS.copy()
RAMP_WITH_HOLES[0, :3] = 0, 255, 0  # where it is undefined, and beyond both ends


NAMES = itertools.count()
BEHIND_START, BEHIND_JFIF, BEHIND_IHDR = 2, 20, 33


@dataclass
class Planted:
    """A file, what is planted in it, and the pixels that a model must see."""

    suffix: str
    conversion: str | None = None
    """What the sample's metadata must say."""
    pixels: Pixels | None = None
    """None if they are what a decoder makes of the file."""
    turned: int = 0
    """How many quarters to the left."""
    keeps_scan: bool = False
    """Whether the compressed pixels must arrive as they are."""
    data: bytes = b""
    names: list[str] = field(default_factory=list)

    def name(self) -> str:
        """Another name that nobody may see."""
        self.names.append(f"Zeno-Quill-{next(NAMES):04}")
        return self.names[-1]

    def ascii(self) -> bytes:
        return self.name().encode()


FILES: dict[str, Planted] = {}


def plant(name: str, *expected: Any, **more: Any) -> Callable[[Callable[[Planted], bytes]], None]:
    """Gives what is called with the maker of a file, and keeps the file in `FILES`."""

    def make(maker: Callable[[Planted], bytes]) -> None:
        file = Planted(Path(name).suffix, *expected, **more)
        file.data = maker(file)
        FILES[name] = file

    return make


def image(pixels: Pixels = PICTURE) -> Image.Image:
    return Image.fromarray(pixels)


def segment(code: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, 2 + len(payload)) + payload


def chunk(kind: bytes, value: bytes) -> bytes:
    checksum = zlib.crc32(kind + value)
    return struct.pack(">I4s", len(value), kind) + value + struct.pack(">I", checksum)


def put(data: bytes, at: int, *parts: bytes) -> bytes:
    return data[:at] + b"".join(parts) + data[at:]


def icc_profile(file: Planted, space: bytes = b"RGB ") -> bytes:
    """An sRGB profile with names in texts, header and the space between the tags."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = int.from_bytes(profile[128:132])
    tags = [
        (tag, profile[start : start + size])
        for tag, start, size in struct.iter_unpack(">4sII", profile[132 : 132 + 12 * count])
        if tag not in (b"desc", b"cprt")
    ]
    wide = file.name().encode("utf-16-be")
    mluc = struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(wide), 28)
    tags += [(b"desc", mluc + wide), (b"cprt", b"text\0\0\0\0" + file.ascii() + b"\0")]
    table, values = b"", b""
    for tag, value in tags:
        values += file.ascii().ljust(64, b"\0")
        start = 132 + 12 * len(tags) + len(values)
        table += struct.pack(">4sII", tag, start, len(value))
        values += value + bytes(-len(value) % 4)
    header = bytearray(profile[:128])
    header[16:20] = space
    header[100:128] = file.ascii().ljust(28)
    whole = bytes(header) + struct.pack(">I", len(tags)) + table + values
    return struct.pack(">I", len(whole)) + whole[4:]


def exif(file: Planted, orientation: int = 1) -> bytes:
    """EXIF in all its parts, a thumbnail included."""
    thumbnail = encoded(image(PICTURE[:8, :8]), comment=file.ascii())
    return piexif.dump(
        {
            "0th": {
                piexif.ImageIFD.Orientation: orientation,
                piexif.ImageIFD.ImageDescription: file.ascii(),
                piexif.ImageIFD.XPTitle: file.name().encode("utf-16-le"),
                piexif.ImageIFD.Artist: file.ascii(),
            },
            "Exif": {
                piexif.ExifIFD.UserComment: b"UNICODE\0" + file.name().encode("utf-16-be"),
                piexif.ExifIFD.MakerNote: file.ascii(),
            },
            "GPS": {piexif.GPSIFD.GPSAreaInformation: file.ascii()},
            "1st": {piexif.ImageIFD.Make: file.ascii()},
            "thumbnail": thumbnail,
        }
    )


def xmp(file: Planted, orientation: int = 1) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/'
        '1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://'
        'purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}" dc:format="{file.name()}"/></rdf:RDF>'
        "</x:xmpmeta>"
    ).encode()


def by_exiv2(file: Planted, data: bytes, *, iptc: bool = True) -> bytes:
    """Has Exiv2 write everything that it can write."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{file.suffix}"
        path.write_bytes(data)
        with pyexiv2.Image(str(path)) as written:
            written.modify_exif(
                {
                    "Exif.Image.ImageDescription": file.name(),
                    "Exif.Photo.UserComment": f"charset=Unicode {file.name()}",
                    "Exif.GPSInfo.GPSProcessingMethod": file.name(),
                }
            )
            written.modify_xmp({"Xmp.dc.description": file.name()})
            if iptc:
                written.modify_iptc({"Iptc.Application2.Caption": file.name()})
        return path.read_bytes()


def by_pypng(pixels: Pixels, *chunks: bytes, **options: Any) -> bytes:
    buffer = io.BytesIO()
    height, width = pixels.shape[:2]
    writer = png.Writer(width, height, greyscale=pixels.ndim == 2, **options)
    writer.write(buffer, pixels.reshape(height, -1).tolist())
    return put(buffer.getvalue(), BEHIND_IHDR, *chunks)


def by_tifffile(pixels: Pixels, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def text_chunks(file: Planted) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", file.name())
    info.add_text("Patient", file.name(), zip=True)
    info.add_itxt("Author", file.name(), file.name(), file.name())
    info.add_itxt("Comment", file.name(), zip=True)
    return info
