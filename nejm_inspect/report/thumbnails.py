"""Small pictures of a log's images."""

import base64
import binascii
import io

SIDE = 640  # pixels at most
_PIXELS = 50_000_000  # an image of more is not opened


def thumbnail(data_url: str) -> bytes | None:
    """A JPEG of at most `SIDE` pixels a side; None if there is no image to be read.

    Args:
        data_url: A base64 data URL; anything else is no image.
    """
    from PIL import Image

    head, _, body = data_url.partition(";base64,")
    if not head.startswith("data:image/"):
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(body))) as image:
            if image.width * image.height > _PIXELS:
                return None
            image.draft("RGB", (SIDE, SIDE))
            small = image.convert("RGB")
        small.thumbnail((SIDE, SIDE))
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError):
        return None
    written = io.BytesIO()
    small.save(written, "JPEG", quality=70)
    return written.getvalue()
