"""Reads files of grades: CSV as spreadsheets save it, or JSON. Imports nothing of the report."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import Design
from nejm_inspect.rubric import MAX_POINTS
from nejm_inspect.text import one_line, unique_keys

TEXTS = ("history", "reference", "response")
GIVEN = ("points", "cannot_judge", "remark")  # what a rater fills in
COLUMNS = ("draw", "rater", "response_id", *TEXTS, *GIVEN)
YES, NO = ("yes", "true", "x", "1"), ("", "no", "false", "0")


class Grade(NamedTuple):
    """What a rater says of a response."""

    place: str  # file and row, for messages
    response_id: str  # with the check behind the dash
    rater: int
    points: int | None  # None: cannot judge
    remark: str


def read_files(files: Sequence[str]) -> tuple[Design, list[Grade]]:
    """Reads the grades of one draw; rows that are not graded yet are left out.

    Raises:
        NejmInspectError: If a file cannot be read, rows are of different draws, or one is not as a
            rater may fill it in. The message names file and row.
    """
    draws, grades = dict[str, str](), dict[tuple[str, int], Grade]()
    for file in files:
        for place, row in _rows(file):
            draws.setdefault(row["draw"], place)
            grade = _grade(place, row)
            if grade is None:
                continue
            earlier = grades.setdefault((grade.response_id, grade.rater), grade)
            if earlier is not grade:
                raise NejmInspectError(
                    f"{place}: rater {grade.rater} has graded {grade.response_id} before, in "
                    f"{earlier.place}. Give one file for each rater."
                )
    if not grades:
        raise NejmInspectError(f"{', '.join(files)}: nothing is graded yet.")
    if len(draws) > 1:
        (one, first), (other, second), *_ = draws.items()
        raise NejmInspectError(
            f"{second} is of another draw ({other}) than {first} ({one}). Grades of several draws "
            "cannot be taken together: give the files of one."
        )
    return _design(*draws.popitem()), [*grades.values()]


def _rows(file: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a file with their places; a header is row 1."""
    try:
        text = _decoded(Path(file).read_bytes())
        if file.lower().endswith(".json"):
            found = json.loads(text, parse_constant=str, object_pairs_hook=unique_keys)
            rows = [{k: "" if v is None else str(v) for k, v in row.items()} for row in found]
        else:
            head = text.partition("\n")[0]
            delimiter = max(",;\t", key=head.count)  # spreadsheets save what their language uses
            cells = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
            names = [name for name in cells.fieldnames or () if name in COLUMNS]
            if len({*names}) < len(names):
                raise ValueError("it has a column twice")
            rows = [*cells]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, csv.Error) as error:
        raise NejmInspectError(f"{file} cannot be read as grades: {one_line(str(error))}") from None
    for number, row in enumerate(rows, start=1 if file.lower().endswith(".json") else 2):
        place, beyond = f"{file}, row {number}", row.pop(None, ())
        if any(beyond):
            raise NejmInspectError(
                f"{place}: has more cells than the header. A text with a {delimiter} needs quotes."
            )
        if any(row.values()):
            if missing := [c for c in COLUMNS if c not in (*TEXTS, *row)]:
                raise NejmInspectError(
                    f"{place}: has no {', '.join(missing)}. A file of grades is a grade.csv, or "
                    "what the button of grade.html saves."
                )
            yield place, {name: row[name].strip() for name in COLUMNS if name not in TEXTS}


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:  # Excel's CSV in Western Europe; only remarks have such letters
        return data.decode("cp1252", "replace")


def _design(text: str, place: str) -> Design:
    if design := Design.of(text):
        return design
    raise NejmInspectError(
        f"{place}: the draw {text!r} is not as nejm-inspect grade wrote it. Only the columns "
        f"{', '.join(GIVEN)} are to be filled in."
    )


def _grade(place: str, row: dict[str, str]) -> Grade | None:
    """Reads a row; None if it is not graded yet."""

    def refuse(name: str, allowed: str) -> NejmInspectError:
        return NejmInspectError(f"{place}: {name} is {row[name]!r}, must be {allowed}.")

    raters = _design(row["draw"], place).raters
    # A spreadsheet may turn a number into 10.0, or 10,0.
    rater, points = (re.fullmatch(r"(\d{1,9})(?:[.,]0*)?", row[n]) for n in ("rater", "points"))
    if not rater or not 1 <= int(rater[1]) <= raters:
        raise refuse("rater", f"a number from 1 to {raters}")
    if row["points"] and (not points or int(points[1]) > MAX_POINTS):
        raise refuse("points", f"a whole number from 0 to {MAX_POINTS}, or empty")
    if (cannot := row["cannot_judge"].lower()) not in (*YES, *NO):
        raise refuse("cannot_judge", "yes or empty")
    if points and cannot in YES:
        raise refuse("cannot_judge", "empty where there are points")
    if not points and cannot in NO:
        return None
    given = int(points[1]) if points else None
    return Grade(place, row["response_id"], int(rater[1]), given, row["remark"])
