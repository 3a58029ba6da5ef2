"""The user's cache: where it is, how files are written to it, and what its user is told."""

import os
import tempfile
from pathlib import Path

import click
from platformdirs import user_cache_path

from nejm_inspect.errors import NejmInspectError

RIGHTS_NOTICE = """\
The texts and images of the NEJM Image Challenge belong to the Massachusetts Medical
Society. They are fetched from their sources for your own use and kept in
{folder}
(NEJM_INSPECT_CACHE names another place). Do not redistribute them, nor logs that
contain them."""


def cache_folder() -> Path:
    """Returns the folder for everything fetched: `NEJM_INSPECT_CACHE`, else the platform's.

    Raises:
        NejmInspectError: If the variable holds a relative path. Inspect builds a task in the folder
            of its file, so that path would mean several folders.
    """
    configured = os.environ.get("NEJM_INSPECT_CACHE")
    folder = Path(configured).expanduser() if configured else user_cache_path("nejm-inspect", False)
    if not folder.is_absolute():
        raise NejmInspectError(f"NEJM_INSPECT_CACHE={configured} must be an absolute path.")
    return folder


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file unless it has this content already; no process ever reads a part of it.

    Raises:
        NejmInspectError: If the folder, which is made if need be, cannot be written to.
    """
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            temporary = Path(folder) / path.name
            temporary.write_bytes(data)
            temporary.replace(path)
    except OSError as error:
        raise NejmInspectError(
            f"The cache cannot be written to: {path}: {error.strerror}. Make room, or name another "
            "folder by NEJM_INSPECT_CACHE."
        ) from error


def tell_rights_once() -> None:
    """Says who owns the content and where it is kept, the first time only."""
    notice = cache_folder() / "NOTICE.txt"
    if not notice.exists():
        text = RIGHTS_NOTICE.format(folder=cache_folder())
        click.echo(text, err=True)
        write_atomically(notice, f"{text}\n".encode())
