"""Cases with their images as a folder that `datasets` and `cases=` read anywhere."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nejm_inspect.cases.manifest import CaseImage
from nejm_inspect.cases.schema import Case, CaseId
from nejm_inspect.cases.tables import user_path
from nejm_inspect.errors import NejmInspectError

RIGHTS_FILE = "RIGHTS.txt"
RIGHTS_NOTE = """\
The texts and images of the NEJM Image Challenge belong to the Massachusetts Medical
Society. This copy is for the own use of whoever exported it with nejm-inspect. Do not
redistribute it, in part or converted, and keep it where only you can read it."""

_UNFINISHED = re.compile(rf"{re.escape(RIGHTS_FILE)}|data-.*\.arrow")
"""What an interrupted export leaves: all but what save_to_disk writes last."""
_HUB = re.compile(r"hf:|https?:|(www\.)?(huggingface\.co|hf\.co)\b", re.IGNORECASE)


def check_destination(place: str) -> str:
    """Refuses to write to the Hub, or where something is.

    Args:
        place: A path or any URL that fsspec writes to.

    Returns:
        The place; a path in full.

    Raises:
        NejmInspectError: If the place is refused or cannot be read.
    """
    if any(_HUB.match(part) for part in place.split("::")):
        raise NejmInspectError(
            f"{place}: the cases are not yours to publish, and nothing is exported to a hub or web "
            "server. Name a folder, or a bucket that only you can read."
        )
    place = place if "://" in place else str(user_path(place))
    with _writable(place) as (fs, path):
        # Writing to a bucket that is not there would make one of that name.
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
            f"{place} is not empty, and was left as it is. Name a new or an empty folder, or "
            "remove this one first."
        )
    return place


def export_cases(cases: Sequence[Case], images: Mapping[CaseId, CaseImage], place: str) -> None:
    """Writes cases and the original bytes of their images as a `datasets` folder.

    Args:
        cases: The cases, in the order of the rows.
        images: The image of each.
        place: From `check_destination`; what an unfinished export left there is removed.

    Raises:
        NejmInspectError: If the folder cannot be written.
    """
    from datasets import Dataset

    # Only paths for now: save_to_disk puts the bytes of the files in their place.
    files = {id: str(image.original or image.path) for id, image in images.items()}
    rows = [
        {**case.model_dump(by_alias=True), "difficulty": case.difficulty, "image": files[case.id]}
        for case in cases
    ]
    dataset = Dataset.from_list(rows, features=_features())
    with _writable(place) as (fs, path):
        for earlier in _files_in(fs, path):
            fs.rm(earlier["name"])
        fs.makedirs(path, exist_ok=True)
        # First of all, to mark what an interruption leaves as an export. It lacks what
        # save_to_disk writes last, and is refused as cases=.
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
    """What is in a folder; a file in its place counts as something."""
    return list(fs.ls(path, detail=True)) if fs.exists(path) else []


@contextmanager
def _writable(place: str) -> Iterator[tuple[Any, str]]:
    """The file system of a place and the path there, with errors that name it."""
    from fsspec.core import url_to_fs

    try:
        yield url_to_fs(place)
    except Exception as error:  # every file system of fsspec has errors of its own
        problem = str(error).strip().rstrip(".") or type(error).__name__
        raise NejmInspectError(
            f"{place} cannot be written to: {problem}. The cache still has everything."
        ) from error
