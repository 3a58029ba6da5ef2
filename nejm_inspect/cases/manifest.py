"""Checked images: a file is decoded once, and then recognized by its size and time."""

import hashlib
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from nejm_inspect.cases.cache import cache_folder, write_atomically
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.errors import NejmInspectError

PREPARED = "pixels"
"""The folder of the cache for prepared images and the records of checked files. A change in how
images are prepared needs a new name: images of version 0.2.0, in `converted`, hold metadata."""


@dataclass(frozen=True)
class CaseImage:
    """A file that may be sent to a model."""

    path: Path
    conversion: str | None
    """What was done to the original; None if nothing was."""
    original: Path | None = None
    """The file as it came, if `path` is another one."""


class _Record(BaseModel):
    """The result of checking a file."""

    sha256: str
    states: tuple[tuple[int, int], tuple[int, int]]
    """Size and time of change, in ns, of the file and of the one that is sent."""
    sent: str | None
    """The name of the prepared image that is sent instead of the file."""
    conversion: str | None


def checked_image(path: Path | str, *, is_ours: bool = False, verify: bool = False) -> CaseImage:
    """Checks an image file and prepares it for sending, unless that has been done.

    Args:
        path: The file, or as a text the reason why there is none.
        is_ours: Whether we fetched it. Its content must then be the same as at the first check.
        verify: Whether to read and decode it even if size and time are as recorded.

    Raises:
        ImageError: If it cannot be read, is not a sound image, or was replaced; names the file.
    """
    if isinstance(path, str):
        raise ImageError(path)
    # A file that replaces one that we fetched may have another ending.
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
    while True:
        states = (state, _state(image.path))
        record = _Record(sha256=sha256, states=states, sent=sent, conversion=image.conversion)
        with suppress(NejmInspectError):  # Without a record, the file is checked again next time.
            write_atomically(record_file, record.model_dump_json().encode())
        if states[1] == _state(image.path):  # else another process has just replaced it
            return image


def forget(path: Path) -> None:
    """Removes the record of a file that was fetched again."""
    _record_file(path.with_suffix("")).unlink(missing_ok=True)


def _record_file(key: Path) -> Path:
    return cache_folder() / PREPARED / f"{hashlib.sha256(bytes(key)).hexdigest()[:32]}.json"


def _prepared(path: Path, data: bytes, sha256: str) -> CaseImage:
    from nejm_inspect.cases.images import prepare_image  # imports Pillow and numpy

    prepared = prepare_image(data)
    ending = path.suffix.lower().replace("jpeg", "jpg")
    if prepared.data == data and ending == prepared.suffix:
        return CaseImage(path, None)
    image = _image(path, f"{sha256[:32]}{prepared.suffix}", prepared.conversion)
    write_atomically(image.path, prepared.data)
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
