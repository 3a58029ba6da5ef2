"""Checked images: each is read and decoded once, and then known by its size and time.

Beside the prepared images, the cache holds a small record for each file that was checked. A
record that is absent, damaged or out of date costs another check, nothing else.
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

State = tuple[int, int]
"""A file's size, and the time of its last change in nanoseconds."""


class Record(BaseModel):
    """A file that was checked, and the form in which it is sent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    state: State
    sha256: str
    sent: str | None = None
    """The file in the folder of prepared images that is sent instead; None: the file itself."""
    sent_state: State | None = None
    conversion: str | None = None

    def image(self, folder: Path) -> CaseImage | None:
        """The image, if neither its file nor the form to send has changed since the check."""
        path = folder / self.name
        with suppress(OSError, ImageError):
            if _state(path) == self.state:
                if self.sent is None:
                    return CaseImage(path, self.conversion)
                sent = _prepared_folder() / self.sent
                if _state(sent) == self.sent_state:
                    return CaseImage(sent, self.conversion, path)
        return None


def checked_image(path: Path) -> CaseImage:
    """Checks an image file and prepares it for sending, unless a record says that it was done.

    Raises:
        ImageError: If it cannot be read or is not a sound image; names the file.
    """
    record = _read_record(path)
    return (record and record.image(path.parent)) or _check(path, path)


def kept_image(stem: Path, *, verify: bool = False, fetched: bool = False) -> CaseImage | None:
    """Finds the image that was put into the cache under a name.

    Args:
        stem: Its path without the ending.
        verify: Whether to read and decode it even if its size and time have not changed.
        fetched: Whether it has just been put there, so that an earlier record does not count.

    Returns:
        The image, or None if there is no file.

    Raises:
        ImageError: If the file is damaged, or is not the one that was first put there.
    """
    record = None if fetched else _read_record(stem)
    if record and not verify and (image := record.image(stem.parent)):
        return image
    paths = [stem.with_name(f"{stem.name}{ending}") for ending in ENDINGS]
    # The latest first: what has just been fetched may differ in its format.
    files = sorted(filter(Path.exists, paths), key=lambda path: -path.stat().st_ctime_ns)
    errors = []
    for path in files:
        try:
            return _check(path, stem, record.sha256 if record else None)
        except ImageError as error:
            errors.append(str(error))
    if errors:
        raise ImageError("; ".join(errors))
    return None


def _check(path: Path, key: Path, sha256: str | None = None) -> CaseImage:
    """Reads, decodes and prepares a file, and records it."""
    from nejm_inspect.cases.images import prepare_image

    try:
        state = _state(path)  # first of all: a change while it is read is then noticed
        data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if sha256 not in (None, found):
            raise ImageError("its content has changed since it was fetched")
        prepared = prepare_image(data)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    record = Record(name=path.name, state=state, sha256=found, conversion=prepared.conversion)
    image = CaseImage(path, prepared.conversion)
    ending = path.suffix.lower().replace("jpeg", "jpg")
    if prepared.conversion or ending != prepared.suffix:
        record.sent = f"{found[:32]}{prepared.suffix}"
        image = CaseImage(_prepared_folder() / record.sent, prepared.conversion, path)
        write_once(image.path, prepared.data)
        record.sent_state = _state(image.path)
    with suppress(NejmInspectError):  # of a cache that cannot be written to
        write_atomically(_place(key), record.model_dump_json().encode())
    return image


def _state(path: Path) -> State:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
        raise ImageError("not a regular file")
    return status.st_size, status.st_mtime_ns


def _prepared_folder() -> Path:
    return cache_folder() / PREPARED


def _place(key: Path) -> Path:
    """Where the record of a path is; the cache as a whole may be moved."""
    cache = cache_folder()
    name = key.relative_to(cache) if key.is_relative_to(cache) else key
    return _prepared_folder() / f"{hashlib.sha256(bytes(name)).hexdigest()[:32]}.json"


def _read_record(key: Path) -> Record | None:
    try:
        return Record.model_validate_json(_place(key).read_bytes())
    except (OSError, ValueError):
        return None
