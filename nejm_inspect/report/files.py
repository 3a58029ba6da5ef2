"""Writes a report's files, replaces those of an earlier one, and never others."""

import json
import os
import shutil
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path

from nejm_inspect.errors import NejmInspectError

MANIFEST = ".nejm-inspect-report.json"  # names the files written, with their contents' hashes
STAGED = ".nejm-inspect-report.unfinished"  # a folder for the new files, before any is replaced


def make_folder(folder: Path) -> None:
    """Makes the folder; raises `NejmInspectError` if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NejmInspectError(f"--out {folder} cannot be written to: {error.strerror}.") from error


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes contents to their paths in the folder, and removes the rest of an earlier report.

    The first of the contents is the page. If the process is killed while files are replaced, the
    folder has no page, and the next report completes it.

    Raises `NejmInspectError` and changes nothing if it cannot, or a file there is somebody else's.
    """
    page, staged = next(iter(contents)), folder / STAGED
    try:
        earlier = _hashes(folder / MANIFEST)
        shutil.rmtree(staged, ignore_errors=True)  # an interrupted report's; no file, no link
        for name in (*contents, MANIFEST, STAGED):
            if not _is_free(folder, name, earlier.get(name, ())):
                raise NejmInspectError(
                    f"{folder / name} was not written by an earlier report, or has changed since. "
                    "Move it away or choose another folder with --out."
                )
        fresh = {name: [sha256(content).hexdigest()] for name, content in contents.items()}
        # Both: the next report can then replace one that is interrupted here.
        both = {n: earlier.get(n, []) + fresh.get(n, []) for n in earlier | fresh}
        during, after = (json.dumps({"files": f}, indent=1).encode() for f in (both, fresh))
        staged.mkdir()
        try:
            for name, content in {**contents, MANIFEST: after, "during": during}.items():
                (staged / name).parent.mkdir(exist_ok=True)
                (staged / name).write_bytes(content)
            (staged / "during").replace(folder / MANIFEST)
            (folder / page).unlink(missing_ok=True)
            for name in earlier.keys() - contents.keys():
                if _is_free(folder, name, earlier[name]):
                    (folder / name).unlink(missing_ok=True)
            for name in (*list(contents)[1:], page, MANIFEST):
                (folder / name).parent.mkdir(exist_ok=True)
                (staged / name).replace(folder / name)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise NejmInspectError(f"--out {folder} cannot be written to: {error.strerror}.") from error


def _hashes(manifest: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(manifest.read_bytes())["files"]
        return {n: [*map(str, hashes)] for n, hashes in found.items() if n.isprintable()}
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _is_free(folder: Path, name: str, hashes: Collection[str]) -> bool:
    """Whether nothing is at a path in the folder, or a file with one of the hashes."""
    path = folder / name
    root, real = (Path(os.path.realpath(p)) for p in (folder, path))
    # Anybody may have written the manifest: its names must not lead out of the folder.
    if path.is_symlink() or real != root / name or root not in real.parents:
        return False
    if path.is_file():
        return name == MANIFEST or sha256(path.read_bytes()).hexdigest() in hashes
    return not path.exists() and (path.parent.is_dir() or not os.path.lexists(path.parent))
