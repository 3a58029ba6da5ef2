"""Images: whether one is sound, and its pixels in a form that providers accept.

Pillow and numpy take as much time and memory as all else of a warm start. Other modules import this
one where they use it.
"""

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, TiffImagePlugin

from nejm_inspect.cases.image_bytes import ImageError, bare_jpeg, is_bare

SENT = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""The formats that are sent, and how their files are named here."""
SUFFIXES = {**SENT, "BMP": ".bmp", "GIF": ".gif", "JPEG2000": ".jp2", "TIFF": ".tiff"}
"""The formats that are read. Pillow knows more; it would run a PostScript file as a program."""
ACCEPTED_MODES = ("1", "L", "P", "RGB")
"""Grey or colour at 8 bits; a palette counts as colour."""
MAX_SIDE = 8_000
"""Pixels; Anthropic's limit, the tightest of the large providers'."""
MAX_BYTES = 5 * 2**20 * 3 // 4
"""A file of this size is 5 MiB in base64, the form in which providers count."""
MAX_PIXELS = 50_000_000
"""Refused before decoding: a small file that unpacks to more is a decompression bomb. Few
photographs have as many, and a conversion keeps several copies in memory."""
JPEG_QUALITIES = (95, 90, 85)


class PreparedImage(NamedTuple):
    """The content of an image file in the form that is sent to models."""

    data: bytes
    suffix: str
    """The file name's ending, which becomes the media type that providers are told."""
    conversion: str | None
    """What was done to the original, or None if these are its own bytes."""


def check_image(data: bytes) -> str:
    """Decodes an image to its last pixel; returns the file name's ending for its format.

    Raises:
        ImageError: If it is not an image, damaged, or too large to be decoded.
    """
    bare = bare_jpeg(data)
    is_bare(bare)
    with _opened(bare) as image:
        _decode(image)
        return SUFFIXES[str(image.format)]


def prepare_image(data: bytes) -> PreparedImage:
    """Reduces an image file to its pixels, in a form that providers accept.

    The compressed pixels of a JPEG that providers accept stay as they are. All others are written
    anew with as little loss as possible, unless the file holds nothing but acceptable pixels.

    Raises:
        ImageError: As `check_image` does.
    """
    bare = bare_jpeg(data)
    has_more = bare != data or (not data.startswith(b"\xff\xd8\xff") and not is_bare(data))
    original = _metadata(data)
    with _opened(bare) as image:
        is_deep = ";16" in str(image.tile) and image.mode in ("RGB", "RGBA")
        _decode(image)
        is_accepted = image.mode in ACCEPTED_MODES and not image.has_transparency_data
        reasons = {
            str(image.format): image.format not in SENT,
            f"mode {image.mode}": not is_accepted,
            f"{image.width}×{image.height} pixels": max(image.size) > MAX_SIDE,
            f"{len(bare):,} bytes": len(bare) > MAX_BYTES,
            "turned as EXIF says": original.orientation != 1,
            "16 bits a channel": is_deep,
        }
        must_convert = [reason for reason, holds in reasons.items() if holds]
        removed = ["metadata removed"] if has_more and image.format in SENT else []
        changes = ", ".join([*removed, *must_convert, *original.frames])
        if not must_convert and (image.format == "JPEG" or not has_more):
            return PreparedImage(bare, SENT[str(image.format)], changes or None)
        plain = _to_plain(image, original) if must_convert else image
        plain.info = {}  # of which Pillow would write comments, EXIF and more
        suffix, converted = _encode(plain)
        if image.format == "PNG" and suffix == ".png" and not must_convert:
            return PreparedImage(converted, suffix, changes)
    with _opened(converted) as result:
        form = f"{result.format} {result.mode} {result.width}×{result.height}"
    return PreparedImage(converted, suffix, f"{changes} → {form}")


class _Metadata(NamedTuple):
    orientation: int = 1
    """From 1 to 8, as EXIF gives it."""
    frames: Sequence[str] = ()
    """Says that frames are left out."""
    profile: bytes = b""


def _metadata(data: bytes) -> _Metadata:
    """What the metadata of an image file say, as far as they can be read."""
    tags: Any = Image.Exif()
    try:
        with _opened(data) as image:
            tags.load(image.info.get("exif", b""))
            orientation = getattr(image, "tag_v2", tags).get(ExifTags.Base.Orientation)
            count = int(getattr(image, "n_frames", 1))
            kind = "pages" if image.format == "TIFF" else "frames"
            return _Metadata(
                orientation if orientation in range(1, 9) else 1,
                [f"first of {count} {kind}"] if count > 1 else [],
                image.info.get("icc_profile", b""),
            )
    except Exception:  # what Pillow raises depends on the damage
        return _Metadata()


def _opened(data: bytes) -> ImageFile.ImageFile:
    try:
        # Pillow warns of odd metadata, and of large images below the limit set here.
        with warnings.catch_warnings(action="ignore"):
            image = Image.open(io.BytesIO(data), formats=tuple(SUFFIXES))
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
    # Pillow's decoders raise whatever the broken bytes lead them to.
    try:
        image.load()
    except Exception as error:
        raise ImageError(f"damaged {image.format} image: {error}") from error


def _to_plain(image: Image.Image, original: _Metadata) -> Image.Image:
    """8-bit grey or RGB, upright, opaque, no side over the limit."""
    is_tiff = image.format == "TIFF"
    if image.mode.startswith(("I", "F")):
        plain = _scaled(np.asarray(image))
        if _tiff_tag(image, TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
            plain = ImageOps.invert(plain)  # low values are bright
    elif image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        plain = opaque.convert("RGB")
    elif image.mode == "CMYK" and original.profile:
        plain = _cmyk_to_srgb(image, original.profile)
    else:
        plain = image.convert("L" if image.mode in ("1", "L") else "RGB")
    if not is_tiff:  # which Pillow has turned while reading it
        plain.info = {}
        plain.getexif()[ExifTags.Base.Orientation] = original.orientation
        plain = ImageOps.exif_transpose(plain)
    plain.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return plain


def _scaled(values: NDArray[Any]) -> Image.Image:
    """Scales from the lowest and the highest finite value to 8 bits."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ImageError("no pixel has a finite value")
    extremes = (float(finite.min()), float(finite.max()))
    if extremes[0] == extremes[1]:
        return Image.fromarray(np.zeros(values.shape, np.uint8))
    scaled = np.empty(values.shape, np.uint8)
    for row, target in zip(values, scaled, strict=True):  # at once, it would take gigabytes
        target[:] = np.rint(np.nan_to_num(np.interp(row, extremes, (0, 255))))
    return Image.fromarray(scaled)


def _cmyk_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        result = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a broken profile is as good as none
        result = None
    return result or image.convert("RGB")


def _encode(image: Image.Image) -> tuple[str, bytes]:
    """PNG if small enough, else the best JPEG that is, scaled down as a last resort."""
    encoded = _saved(image, "PNG", optimize=True)
    if len(encoded) <= MAX_BYTES:
        return ".png", encoded
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
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
