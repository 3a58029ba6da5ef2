"""The check of images, and their pixels in a form that providers accept.

Pillow and numpy take as much time and memory as all else of a warm start. Other modules therefore
import this one where they use it.
"""

import io
import math
import re
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, TiffImagePlugin

from nejm_inspect.cases.cache import write_atomically
from nejm_inspect.cases.image_bytes import BareImage, ImageError, bare_image

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""The formats that are sent, and the endings of their files here."""
OTHER_SUFFIXES = {"BMP": ".bmp", "GIF": ".gif", "JPEG2000": ".jp2", "TIFF": ".tiff"}
"""The formats that are converted."""
READ_FORMATS = (*SUFFIXES, *OTHER_SUFFIXES)
"""All formats that are read. Pillow knows more; it would run a PostScript file as a program."""
ACCEPTED_MODES = ("1", "L", "P", "RGB")  # grey or colour at 8 bits
MAX_SIDE = 8_000  # pixels; Anthropic's limit, the lowest of the large providers
MAX_BYTES = 5 * 2**20 * 3 // 4  # 5 MiB in base64, the form in which providers count
MAX_PIXELS = 50_000_000
"""Images with more are refused before they are decoded: a small file may be a decompression bomb,
and a conversion keeps several copies in memory."""
JPEG_QUALITIES = (95, 90, 85)

_DEEP_COLORS = re.compile("'RGB[AX]?;16[BLN]'")
"""The raw modes of a file's tiles for which `_deep_colors` reads all bits. For other modes (grey
with transparency, CMYK) Pillow gives the upper eight."""
_LOWER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Of 16 bits, Pillow keeps the upper byte. With the other byte order, that is the lower one."""


class PreparedImage(NamedTuple):
    """The content of an image file in the form that is sent to models."""

    data: bytes
    suffix: str
    """The ending of the file's name, from which Inspect derives the media type."""
    conversion: str | None
    """What was done to the original; None if nothing was."""


def check_image(data: bytes) -> str:
    """Decodes an image to its last pixel, and returns the ending of its format.

    Raises:
        ImageError: If it is not an image, damaged, or too large to be decoded.
    """
    with _opened(bare_image(data).data) as image:
        _decode(image)
        return {**SUFFIXES, **OTHER_SUFFIXES}[str(image.format)]


def keep_image(stem: Path, data: bytes) -> Path:
    """Checks an image and writes it to a path that lacks only the ending of its format."""
    path = stem.with_name(f"{stem.name}{check_image(data)}")
    write_atomically(path, data)
    return path


def prepare_image(data: bytes) -> PreparedImage:
    """Reduces the content of an image file to pixels in a form that providers accept.

    Compressed pixels that providers accept stay as they are. All others are converted with as
    little loss as possible.

    Raises:
        ImageError: As `check_image` does.
    """
    bare = bare_image(data)
    with _opened(bare.data) as image:
        orientation = _orientation(image, bare)
        is_deep = bool(_DEEP_COLORS.search(str(image.tile)))
        _decode(image)
        is_accepted = image.mode in ACCEPTED_MODES and not image.has_transparency_data
        reasons = {
            str(image.format): image.format not in SUFFIXES,
            f"mode {image.mode}": not is_accepted,
            f"{image.width}×{image.height} pixels": max(image.size) > MAX_SIDE,
            f"{len(bare.data):,} bytes": len(bare.data) > MAX_BYTES,
            "turned as EXIF says": orientation != 1,
            "16 bits a channel": is_deep,
        }
        must_convert = [reason for reason, holds in reasons.items() if holds]
        had_more = bare.data != data or (image.format in SUFFIXES and not bare.is_bare)
        changes = ", ".join(["metadata removed"] * had_more + must_convert + _frames(data))
        if bare.is_bare and not must_convert:
            return PreparedImage(bare.data, SUFFIXES[str(image.format)], changes or None)
        suffix, converted = _encode(_to_plain(image, orientation, bare.data if is_deep else None))
    with _opened(converted) as result:
        form = f"{result.format} {result.mode} {result.width}×{result.height}"
    return PreparedImage(converted, suffix, f"{changes} → {form}")


def _opened(data: bytes) -> ImageFile.ImageFile:
    try:
        # Pillow warns about odd metadata, and about large images below our limit.
        with warnings.catch_warnings(action="ignore"):
            image = Image.open(io.BytesIO(data), formats=READ_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(str(error)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError("not an image") from error
    planar = _tiff_tag(image, TiffImagePlugin.PLANAR_CONFIGURATION) == 2
    if planar and 16 in (_tiff_tag(image, TiffImagePlugin.BITSPERSAMPLE) or ()):
        raise ImageError("a TIFF file with 16-bit planes, which Pillow misreads")
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(f"{image.width:,}×{image.height:,} pixels, more than {MAX_PIXELS:,}")
    return image


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)


def _decode(image: Image.Image) -> None:
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise all kinds, depending on the damage.
        raise ImageError(f"damaged {image.format} image: {error}") from error


def _orientation(image: Image.Image, bare: BareImage) -> int:
    """Returns the orientation by EXIF, from 1 to 8, of an image that is not yet decoded."""
    tags: Any = Image.Exif()
    try:
        tags.load(bare.exif or image.info.get("exif", b""))
        orientation = getattr(image, "tag_v2", tags).get(ExifTags.Base.Orientation)
    except Exception:  # of all kinds, as in `_decode`
        return 1
    return orientation if orientation in range(1, 9) else 1


def _frames(data: bytes) -> list[str]:
    """Says that further frames are left out, if the metadata can be read."""
    try:
        with _opened(data) as image:
            count = int(getattr(image, "n_frames", 1))
            name = "pages" if image.format == "TIFF" else "frames"
    except Exception:  # The damage is outside the first frame.
        return []
    return [f"first of {count} {name}"] if count > 1 else []


def _to_plain(image: Image.Image, orientation: int, deep_data: bytes | None) -> Image.Image:
    """Converts to 8-bit grey or RGB: upright, opaque, within the limit of sides, no metadata."""
    profile = image.info.get("icc_profile")
    is_tiff = image.format == "TIFF"
    if deep_data:
        colors = _scaled(_deep_colors(deep_data))
        if image.mode == "RGBA":
            colors.putalpha(image.getchannel("A"))
        image = colors
    if image.mode.startswith(("I", "F")):
        plain = _scaled(np.asarray(image))
        if _tiff_tag(image, TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
            plain = ImageOps.invert(plain)  # low values are bright
    elif image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        plain = opaque.convert("RGB")
    elif image.mode == "CMYK" and profile:
        plain = _cmyk_to_srgb(image, profile)
    else:
        plain = image.convert("L" if image.mode in ("1", "L") else "RGB")
    plain.info = {}  # Pillow would write its comments, EXIF and more.
    if not is_tiff:  # Pillow turns TIFF images when it reads them.
        plain.getexif()[ExifTags.Base.Orientation] = orientation
        plain = ImageOps.exif_transpose(plain)
    plain.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return plain


def _scaled(values: NDArray[Any]) -> Image.Image:
    """Scales values from the lowest and highest finite one to 8 bits."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ImageError("no pixel has a finite value")
    extremes = (float(finite.min()), float(finite.max()))
    if extremes[0] == extremes[1]:
        return Image.fromarray(np.zeros(values.shape, np.uint8))
    flat = values.reshape(-1)
    scaled = np.empty(flat.shape, np.uint8)
    for start in range(0, flat.size, 2**20):  # at once, it would take gigabytes
        part = np.interp(flat[start : start + 2**20], extremes, (0, 255))
        scaled[start : start + 2**20] = np.rint(np.nan_to_num(part))
    return Image.fromarray(scaled.reshape(values.shape))


def _deep_colors(data: bytes) -> NDArray[np.uint16]:
    """Reads RGB at 16 bits a channel; Pillow itself gives the upper eight bits."""
    with _opened(data) as upper, _opened(data) as lower:
        lower.tile = [tile._replace(args=_lower_byte(tile.args)) for tile in lower.tile]
        colors: NDArray[np.uint16] = np.asarray(upper) * np.uint16(256)
        colors += np.asarray(lower)
        return colors[..., :3]


def _lower_byte(args: Any) -> Any:
    """Changes the byte order in a decoder's arguments, the first of which is the raw mode."""
    mode, *others = (args,) if isinstance(args, str) else args
    return (mode[:-1] + _LOWER_BYTE[mode[-1]], *others)


def _cmyk_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        result = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # A broken profile is ignored.
        result = None
    return result or image.convert("RGB")


def _encode(image: Image.Image) -> tuple[str, bytes]:
    """Encodes as PNG if that is small enough, else as the best JPEG that is, or a smaller one."""
    encoded = _saved(image, "PNG", optimize=True)
    if len(encoded) <= MAX_BYTES:
        return ".png", encoded
    while True:
        for quality in JPEG_QUALITIES:
            encoded = _saved(image, "JPEG", quality=quality, subsampling=0)
            if len(encoded) <= MAX_BYTES:
                return ".jpg", encoded
        factor = 0.95 * math.sqrt(MAX_BYTES / len(encoded))
        smaller = (int(image.width * factor), int(image.height * factor))
        image = image.resize(smaller, Image.Resampling.LANCZOS)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
