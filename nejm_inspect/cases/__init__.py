"""The cases: what a case is, where cases come from, and which of them a run takes."""

import os
from pathlib import Path

from nejm_inspect.cases.files import DEMO_FILE, file_source
from nejm_inspect.cases.nejm import nejm_source
from nejm_inspect.cases.source import CaseSource
from nejm_inspect.errors import NejmInspectError


def open_source(cases: str, image_dir: str | None = None) -> CaseSource:
    """Opens a source of cases by the name that users give it.

    Args:
        cases: `nejm`, `demo`, or the path of a JSON file of cases.
        image_dir: A folder with the user's own images of NEJM cases.

    Raises:
        NejmInspectError: If there is no such source or it cannot be read.
    """
    if cases == "nejm":
        return nejm_source(_user_path(image_dir) if image_dir else None)
    if image_dir is not None:
        raise NejmInspectError(
            f"image_dir is for cases=nejm; the images of cases={cases} lie beside its "
            "file."
        )
    if cases == "demo":
        return file_source(DEMO_FILE, "demo")
    file = _user_path(cases)
    if file.suffix.lower() != ".json" or not file.is_file():
        raise NejmInspectError(
            f"cases={cases!r}: Input should be 'nejm', 'demo' or the path of a JSON "
            f"file of cases; there is none at {file}."
        )
    return file_source(file, file.name)


def _user_path(path: str) -> Path:
    # Whole, so that messages show where a relative one led: Inspect builds a task in
    # the folder of its file.
    return Path(os.path.expanduser(path)).absolute()
