"""Writes a report's files, replaces those of an earlier one, and never others."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from nejm_inspect.errors import NejmInspectError

MANIFEST = ".nejm-inspect-report.json"
"""Names the files that were written, with the hashes of their contents."""


def check_folder(folder: Path) -> None:
    """Makes the folder.

    Raises:
        NejmInspectError: If it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes the files and removes those of an earlier report.

    Args:
        folder: Where to.
        contents: The files' contents by their path in it.

    Raises:
        NejmInspectError: If a file there is not an earlier report's, as it was written,
            or the folder cannot be written to. Nothing is changed then.
    """
    try:
        ours = _earlier(folder)
        for name in {*contents, MANIFEST}:
            _check(folder, name, ours)
        fresh = {name: [_hash(content)] for name, content in contents.items()}
        names = {*ours, *fresh}
        # Both, so that a report that is interrupted here can be replaced by the next.
        _write_manifest(folder, {n: ours.get(n, []) + fresh.get(n, []) for n in names})
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            unfinished = path.with_name(f".{path.name}.unfinished")
            unfinished.write_bytes(content)
            os.replace(unfinished, path)
        for name in ours.keys() - contents.keys():
            if _is_ours(folder, name, ours):
                (folder / name).unlink()
        _write_manifest(folder, fresh)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _earlier(folder: Path) -> dict[str, list[str]]:
    """The hashes of the files of an earlier report, by their path."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))["files"]
        return {str(name): list(map(str, hashes)) for name, hashes in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _check(folder: Path, name: str, ours: Mapping[str, list[str]]) -> None:
    path = folder / name
    strange = name != MANIFEST and path.exists() and not _is_ours(folder, name, ours)
    linked = any(p.is_symlink() for p in (path, path.parent) if p != folder)
    if strange or linked or (path.parent.exists() and not path.parent.is_dir()):
        raise NejmInspectError(
            f"{path} is not of an earlier report, or was changed since. Move it away "
            "or choose another folder with --out."
        )


def _is_ours(folder: Path, name: str, ours: Mapping[str, list[str]]) -> bool:
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    linked = path.is_symlink() or path.parent.resolve() != folder.resolve() / Path(name).parent
    if name not in ours or not inside or linked or not path.is_file():
        return False
    return _hash(path.read_bytes()) in ours[name]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_manifest(folder: Path, files: Mapping[str, list[str]]) -> None:
    told = {"written by": "nejm-inspect report", "files": files}
    (folder / MANIFEST).write_text(json.dumps(told, indent=1), "utf-8")


def _unwritable(folder: Path, error: OSError) -> NejmInspectError:
    return NejmInspectError(f"--out {folder} cannot be written to: {error.strerror}.")
