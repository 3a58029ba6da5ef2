"""Images: whether one is sound, and a form of it that every provider accepts."""

import hashlib
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PIL import Image, ImageCms, ImageOps

from nejm_inspect.cases.cache import cache_folder, write_atomically

SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",  # a JPEG with further pictures behind it, as some cameras write
    "PNG": ".png",
    "GIF": ".gif",
    "WEBP": ".webp",
}
"""The formats that every provider accepts, and how their files are named here."""
OTHER_SUFFIXES = {"BMP": ".bmp", "JPEG2000": ".jp2", "TIFF": ".tiff"}
"""The formats that are read to be converted, likewise."""
READ_FORMATS = tuple(f for f in (*SUFFIXES, *OTHER_SUFFIXES) if f != "MPO")
"""What is read at all, MPO as JPEG. Pillow knows many more, PostScript among them,
which would be run as a program."""
ACCEPTED_MODES = ("1", "L", "P", "RGB")
"""Grey or colour at 8 bits; a palette counts as colour."""
MAX_SIDE = 8_000
"""Pixels; Anthropic's limit, the tightest of the large providers'."""
MAX_BYTES = 5 * 2**20 * 3 // 4
"""A file of this size is 5 MiB in base64, the form in which providers count."""
MAX_PIXELS = 50_000_000
"""Refused unread: a small file that unpacks to more is a decompression bomb. Few
photographs have as many, and a conversion keeps several copies in memory."""
JPEG_QUALITIES = (95, 90, 85)


class ImageError(Exception):
    """An image that cannot be used; the message says why."""


@dataclass(frozen=True)
class CaseImage:
    """A file that may be sent to a model."""

    path: Path
    conversion: str | None
    """What was done to the original, or None if these are its own bytes."""
    original: Path | None = None
    """The file as it came, where this is another with other bytes."""


def check_image(data: bytes) -> None:
    """Decodes an image to its last pixel.

    Raises:
        ImageError: If it is no image, a broken one, or too large to be decoded.
    """
    with _opened(data) as image:
        _decode(image)


def image_suffix(data: bytes) -> str:
    """The file name's ending for what the bytes are, whatever a name or header says.

    Raises:
        ImageError: If it is no image.
    """
    with _opened(data) as image:
        return {**SUFFIXES, **OTHER_SUFFIXES}[str(image.format)]


def prepare_image(path: Path) -> CaseImage:
    """Decodes an image, and gives it in a form that providers accept.

    Bytes that are acceptable as they are stay as they are. Others are converted once,
    losing as little as possible, into the cache, under a name made of their hash. So
    are good bytes under a wrong ending copied, since the ending becomes the media type
    that providers are told.

    Args:
        path: The file; it is only read.

    Raises:
        ImageError: As `check_image` does.
        OSError: If the file cannot be read.
    """
    data = path.read_bytes()
    stem = cache_folder() / "converted" / hashlib.sha256(data).hexdigest()[:32]
    with _opened(data) as image:
        _decode(image)
        reasons = _unacceptable(image, len(data))
        if not reasons:
            suffix = SUFFIXES[str(image.format)]
            if path.suffix.lower().replace("jpeg", "jpg") == suffix:
                return CaseImage(path, None)
            write_atomically(stem.with_suffix(suffix), data)
            return CaseImage(stem.with_suffix(suffix), None)
        candidates = (stem.with_suffix(".png"), stem.with_suffix(".jpg"))
        done = next(filter(Path.exists, candidates), None)
        if done is None:
            suffix, converted = _encode(_to_plain(image))
            done = stem.with_suffix(suffix)
            write_atomically(done, converted)
    pages = _pages(data)
    if pages > 1:
        reasons.append(f"first of {pages} pages")
    with Image.open(done) as result:
        form = f"{result.format} {result.mode} {result.width}×{result.height}"
    return CaseImage(done, f"{', '.join(reasons)} → {form}", path)


def _opened(data: bytes) -> Image.Image:
    try:
        # Pillow warns of large images below our limit; the limit is ours to set.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=READ_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(str(error)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError("not an image") from error
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width:,}×{image.height:,}"
        raise ImageError(f"{size} pixels, more than {MAX_PIXELS:,}")
    return image


def _decode(image: Image.Image) -> None:
    # Pillow's decoders raise whatever the broken bytes lead them to.
    try:
        image.load()
    except Exception as error:
        raise ImageError(f"damaged {image.format} image: {error}") from error


def _pages(data: bytes) -> int:
    with _opened(data) as image:
        try:
            return int(getattr(image, "n_frames", 1))
        except Exception:  # damage behind the first page, which is sound
            return 1


def _unacceptable(image: Image.Image, size: int) -> list[str]:
    """Everything about the image that some provider would refuse."""
    reasons = []
    if image.format not in SUFFIXES:
        reasons.append(str(image.format))
    if image.mode not in ACCEPTED_MODES or image.has_transparency_data:
        reasons.append(f"mode {image.mode}")
    if max(image.size) > MAX_SIDE:
        reasons.append(f"{image.width}×{image.height} pixels")
    if size > MAX_BYTES:
        reasons.append(f"{size:,} bytes")
    return reasons


def _to_plain(image: Image.Image) -> Image.Image:
    """8-bit grey or RGB, upright, opaque, no side over the limit."""
    profile = image.info.get("icc_profile")
    plain = ImageOps.exif_transpose(image)
    if plain.mode.startswith(("I", "F")):
        # 16 bits and more: scaled, since Pillow's own conversion would clip at 255.
        low, high = 0.0, 65_535.0
        if not plain.mode.startswith("I;16"):
            low, high = cast(tuple[float, float], plain.getextrema())
        scale = 255 / ((high - low) or 1)
        plain = plain.convert("F").point(lambda v: v * scale - low * scale).convert("L")
    elif plain.has_transparency_data:
        opaque = Image.new("RGBA", plain.size, "white")
        opaque.alpha_composite(plain.convert("RGBA"))
        plain = opaque.convert("RGB")
    elif plain.mode == "CMYK" and profile:
        plain = _cmyk_to_srgb(plain, profile)
    elif plain.mode not in ("L", "RGB"):
        plain = plain.convert("L" if plain.mode == "1" else "RGB")
    plain.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return plain


def _cmyk_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        result = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a broken profile is no profile
        result = None
    return result or image.convert("RGB")


def _encode(image: Image.Image) -> tuple[str, bytes]:
    """PNG if small enough, else the best JPEG that is, scaled down as a last resort."""
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
