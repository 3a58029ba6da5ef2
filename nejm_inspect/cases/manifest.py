"""Checked images: a file is read and decoded once, and then known by its size and time.

For each file that was checked, the cache holds a small record beside the prepared images. One that
is absent, damaged or out of date costs another check, nothing else.
"""

import hashlib
import stat
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from nejm_inspect.cases.cache import cache_folder, write_atomically, write_once
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.source import CaseImage
from nejm_inspect.errors import NejmInspectError

PREPARED = "pixels"
"""A folder of the cache. A change in how images are prepared needs a new name: those of version
0.2.0, in `converted`, hold metadata."""
ENDINGS = (
    *(".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff", ".jp2", ".jpeg", ".tif"),
    *(".jpe", ".jfif", ".apng", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
)
"""Of the formats that are read, as Pillow names them."""


class Record(BaseModel):
    """A file that was checked, and the form in which it is sent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    sha256: str
    sent: str | None
    """The prepared image that is sent instead, or None."""
    conversion: str | None
    states: tuple[tuple[int, int], ...] = ()
    """The size of the file, and of that sent instead, with the time in ns of its last change."""

    def image(self, folder: Path) -> CaseImage:
        """The image, whose file is in a folder."""
        path = folder / self.name
        if self.sent is None:
            return CaseImage(path, self.conversion)
        return CaseImage(cache_folder() / PREPARED / self.sent, self.conversion, path)


def checked_image(path: Path) -> CaseImage:
    """Checks an image file and prepares it for sending, unless both have been done.

    Raises:
        ImageError: If it cannot be read or is not a sound image; names the file.
    """
    return _unchanged_image(path, _read_record(path)) or _check(path, path)


def kept_image(stem: Path, *, verify: bool = False, fetched: bool = False) -> CaseImage | None:
    """Finds the image that was put into the cache under a name; None if there is none.

    Args:
        stem: Its path without the ending.
        verify: Whether to read and decode it even if size and time are as recorded.
        fetched: Whether it has just been put there; an earlier record then does not count.

    Raises:
        ImageError: If it is damaged, or not what was first put there.
    """
    record = None if fetched else _read_record(stem)
    if not verify and (image := _unchanged_image(stem, record)):
        return image
    paths = [stem.with_name(f"{stem.name}{ending}") for ending in ENDINGS]
    # The latest first: its format may differ from that of a damaged one.
    paths = sorted(filter(Path.exists, paths), key=lambda path: -path.stat().st_ctime_ns)
    problems = []
    for path in paths:
        try:
            return _check(path, stem, record.sha256 if record else None)
        except ImageError as error:
            problems.append(str(error))
    if problems:
        raise ImageError("; ".join(problems))
    return None


def _check(path: Path, key: Path, sha256: str | None = None) -> CaseImage:
    """Reads, decodes, prepares and records a file; any content will do if no hash is given."""
    from nejm_inspect.cases.images import prepare_image

    try:
        state = _state(path)  # before it is read, so that a change meanwhile is noticed later
        data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if sha256 not in (None, found):
            raise ImageError("it is not the file that was fetched")
        prepared = prepare_image(data)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    ending = path.suffix.lower().replace("jpeg", "jpg")
    is_sent = not prepared.conversion and ending == prepared.suffix
    record = Record(
        name=path.name,
        sha256=found,
        sent=None if is_sent else f"{found[:32]}{prepared.suffix}",
        conversion=prepared.conversion,
    )
    image = record.image(path.parent)
    if image.original:
        write_once(image.path, prepared.data)
    record.states = (state,) if is_sent else (state, _state(image.path))
    with suppress(NejmInspectError):  # of a cache that cannot be written to
        write_atomically(_record_file(key), record.model_dump_json().encode())
    return image


def _unchanged_image(key: Path, record: Record | None) -> CaseImage | None:
    with suppress(OSError, ImageError):
        if record:
            image = record.image(key.parent)
            files = filter(None, (image.original, image.path))
            if record.states == tuple(map(_state, files)):
                return image
    return None


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
        raise ImageError("not a regular file")
    return status.st_size, status.st_mtime_ns


def _read_record(key: Path) -> Record | None:
    try:
        return Record.model_validate_json(_record_file(key).read_bytes())
    except (OSError, ValueError):
        return None


def _record_file(key: Path) -> Path:
    cache = cache_folder()
    # The cache may be moved, or be in another place in a container.
    name = key.relative_to(cache) if key.is_relative_to(cache) else key
    return cache / PREPARED / f"{hashlib.sha256(bytes(name)).hexdigest()[:32]}.json"
