"""The export of cases with their images to a folder that `datasets` and `cases=` read."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nejm_inspect.cases.manifest import CaseImage
from nejm_inspect.cases.schema import Case, CaseId
from nejm_inspect.cases.tables import user_path
from nejm_inspect.errors import NejmInspectError, masked

RIGHTS_FILE = "RIGHTS.txt"
RIGHTS_NOTE = """\
The texts and images of the NEJM Image Challenge belong to the Massachusetts Medical
Society. This copy is for the own use of whoever exported it with nejm-inspect. Do not
redistribute it, in part or converted, and keep it where only you can read it."""

_UNFINISHED = re.compile(rf"{re.escape(RIGHTS_FILE)}|data-.*\.arrow")
"""The files that an interrupted export leaves. It lacks those that save_to_disk writes last."""
_HUB = re.compile(r"hf:|https?:|(www\.)?(huggingface\.co|hf\.co)\b", re.IGNORECASE)


def check_destination(place: str) -> str:
    """Checks the destination of an export: a path or any URL that fsspec writes to.

    Returns:
        The place; of a path, the absolute one.

    Raises:
        NejmInspectError: If it is on a hub or web server, is not empty, or cannot be read.
    """
    if any(_HUB.match(part) for part in place.split("::")):
        raise NejmInspectError(
            f"{masked(place)}: the cases are not yours to publish, and nothing is exported to a "
            "hub or web server. Name a folder, or a bucket that only you can read."
        )
    place = place if "://" in place else str(user_path(place))
    with _writable(place) as (fs, path):
        # Writing to a bucket that does not exist would create it.
        root = path.partition("/")[0] or "/"
        try:
            fs.info(root)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"there is no {root}") from error
        there = _files_in(fs, path)
    names = {posixpath.basename(file["name"].rstrip("/")) for file in there}
    regular = all(f["type"] == "file" and not f.get("islink") for f in there)
    unfinished = RIGHTS_FILE in names and all(map(_UNFINISHED.fullmatch, names))
    if there and not (regular and unfinished):
        raise NejmInspectError(
            f"{masked(place)} is not empty, and was left as it is. Name a new or an empty folder, "
            "or remove this one first."
        )
    return place


def export_cases(cases: Sequence[Case], images: Mapping[CaseId, CaseImage], place: str) -> None:
    """Writes cases and the original bytes of their images as a `datasets` folder.

    Files of an unfinished export at the place, which is from `check_destination`, are removed.

    Raises:
        NejmInspectError: If the folder cannot be written.
    """
    from datasets import Dataset

    # Paths only: save_to_disk replaces them by the bytes of the files.
    files = {id: str(image.original or image.path) for id, image in images.items()}
    rows = [
        {**case.model_dump(), "difficulty": case.difficulty, "image": files[case.id]}
        for case in cases
    ]
    dataset = Dataset.from_list(rows, features=_features())
    with _writable(place) as (fs, path):
        for earlier in _files_in(fs, path):
            fs.rm(earlier["name"])
        fs.makedirs(path, exist_ok=True)
        # Written first, to mark an interrupted export as one.
        fs.pipe_file(posixpath.join(path, RIGHTS_FILE), f"{RIGHTS_NOTE}\n".encode())
        dataset.save_to_disk(place)


def _features() -> Any:
    from datasets import Features, Image, List, Value

    text, number = Value("string"), Value("float64")
    types = {"id": Value("int64"), "date": Value("date32"), "history": text, "image": Image()}
    types |= {"reference": text, "options": List(text), "correct_option": text}
    types |= {"reader_votes": List(number), "total_votes": Value("int64"), "brier_score": number}
    types |= {"difficulty": text, "question_type": text, "has_history": Value("bool")}
    return Features(types)


def _files_in(fs: Any, path: str) -> list[dict[str, Any]]:
    """Lists a folder; a file in its place is listed itself."""
    return list(fs.ls(path, detail=True)) if fs.exists(path) else []


@contextmanager
def _writable(place: str) -> Iterator[tuple[Any, str]]:
    """Gives the file system of a place and the path there; errors name the place."""
    from fsspec.core import url_to_fs

    try:
        yield url_to_fs(place)
    except Exception as error:  # every file system of fsspec has errors of its own
        problem = str(error).strip().rstrip(".") or type(error).__name__
        raise NejmInspectError(
            f"{masked(place)} cannot be written to: {masked(problem)}. The cache still has "
            "everything."
        ) from error
