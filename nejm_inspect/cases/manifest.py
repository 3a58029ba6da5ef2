"""Checked images: a file is read and decoded once, and then known by its size and time."""

import hashlib
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from nejm_inspect.cases.cache import cache_folder, write_atomically, write_once
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.errors import NejmInspectError

PREPARED = "pixels"
"""A folder of the cache, for images in the form that is sent, and a record of each file that was
checked. A change in how images are prepared needs a new name: the images of version 0.2.0, in
`converted`, hold metadata."""


@dataclass(frozen=True)
class CaseImage:
    """A file that may be sent to a model."""

    path: Path
    conversion: str | None
    """What was done to the original, or None if these are its own bytes."""
    original: Path | None = None
    """The file as it came, where this is another."""


class _Record(BaseModel):
    """What is known of a file that was checked."""

    sha256: str
    states: tuple[tuple[int, int], tuple[int, int]]
    """Size and time of change, in ns, of the file and of the one that is sent."""
    sent: str | None
    """The prepared image that is sent instead."""
    conversion: str | None


def checked_image(path: Path, *, is_ours: bool = False, verify: bool = False) -> CaseImage:
    """Checks an image file and prepares it for sending, unless that has been done.

    Args:
        path: The file.
        is_ours: Whether we fetched it: its content must then be what came first.
        verify: Whether to read and decode it even if size and time are as recorded.

    Raises:
        ImageError: If it cannot be read, is not a sound image, or was replaced; names it.
    """
    # Of a file that we fetched, another under its name may have another ending.
    record_file = _record_file(path.with_suffix("") if is_ours else path)
    record = None
    with suppress(OSError, ValueError):
        record = _Record.model_validate_json(record_file.read_bytes())
    try:
        state = _state(path)
        if record and not verify:
            image = _image(path, record.sent, record.conversion)
            with suppress(OSError):
                if record.states == (state, _state(image.path)):
                    return image
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if is_ours and record and record.sha256 != sha256:
            raise ImageError("it is not the file that was fetched")
        image = _prepared(path, data, sha256)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    sent = image.path.name if image.original else None
    states = (state, _state(image.path))
    record = _Record(sha256=sha256, states=states, sent=sent, conversion=image.conversion)
    with suppress(NejmInspectError):  # of a cache that cannot be written to
        write_atomically(record_file, record.model_dump_json().encode())
    return image


def forget(path: Path) -> None:
    """Removes the record of a file that we fetched: the file has been fetched again."""
    _record_file(path.with_suffix("")).unlink(missing_ok=True)


def _record_file(key: Path) -> Path:
    return cache_folder() / PREPARED / f"{hashlib.sha256(bytes(key)).hexdigest()[:32]}.json"


def _prepared(path: Path, data: bytes, sha256: str) -> CaseImage:
    # Pillow and numpy take as long to import as all else of a start with checked images.
    from nejm_inspect.cases.images import prepare_image

    prepared = prepare_image(data)
    ending = path.suffix.lower().replace("jpeg", "jpg")
    if prepared.data == data and ending == prepared.suffix:
        return CaseImage(path, None)
    image = _image(path, f"{sha256[:32]}{prepared.suffix}", prepared.conversion)
    write_once(image.path, prepared.data)
    return image


def _image(path: Path, sent: str | None, conversion: str | None) -> CaseImage:
    if sent is None:
        return CaseImage(path, conversion)
    return CaseImage(cache_folder() / PREPARED / sent, conversion, path)


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
        raise ImageError("not a regular file")
    return status.st_size, status.st_mtime_ns
