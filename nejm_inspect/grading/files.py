"""Reads files of grades: CSV as spreadsheets save it, or JSON. Imports nothing of the report."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import Design
from nejm_inspect.rubric import MAX_POINTS
from nejm_inspect.text import one_line, unique_keys

TEXTS = ("history", "reference", "response")
GIVEN = ("points", "cannot_judge", "remark")  # what a rater fills in
IDS = ("draw", "rater", "response_id")
COLUMNS, READ = (*IDS, *TEXTS, *GIVEN), (*IDS, *GIVEN)
YES, NO = ("yes", "true", "x", "1"), ("", "no", "false", "0")


class Grade(NamedTuple):
    """One rater's grade of one response."""

    place: str  # file and row, for messages
    response_id: str  # with the hash after the dash
    rater: int
    points: int | None  # None: cannot judge
    remark: str


def read_files(files: Sequence[str]) -> tuple[Design, list[Grade]]:
    """Reads the grades of one draw; rows that are not graded yet are left out.

    Raises:
        NejmInspectError: If a file cannot be read, a row is invalid, the rows are of several draws,
            a rater has graded a response twice, or nothing is graded. Names file and row.
    """
    draws, grades = dict[str, str](), dict[tuple[str, int], Grade]()
    for file in files:
        for place, row in _rows(file):
            draws.setdefault(row["draw"], place)
            if (grade := _grade(place, row)) is None:
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
    """The rows of a file that are not empty, each with its place; a header is row 1."""
    is_json = file.lower().endswith(".json")
    try:
        text = _decoded(Path(file).read_bytes())
        rows = _json_rows(text) if is_json else _csv_rows(text)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, csv.Error) as error:
        raise NejmInspectError(f"{file} cannot be read as grades: {one_line(str(error))}") from None
    for number, row in enumerate(rows, start=1 if is_json else 2):
        place = f"{file}, row {number}"
        if any(row.pop(None, ())):
            raise NejmInspectError(
                f"{place}: has more cells than the header. Put a text with a separator in quotes."
            )
        if any(row.values()):
            if missing := [name for name in READ if name not in row]:
                raise NejmInspectError(
                    f"{place}: has no {', '.join(missing)}. Give a grade.csv, or a file that "
                    "grade.html saved."
                )
            yield place, {name: row[name].strip() for name in READ}


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:  # Excel's CSV in Western Europe; only remarks have such letters
        return data.decode("cp1252", "replace")


def _json_rows(text: str) -> list[dict[Any, Any]]:
    rows = json.loads(text, parse_constant=str, object_pairs_hook=unique_keys)
    return [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]


def _csv_rows(text: str) -> list[dict[Any, Any]]:
    """Cells beyond the header stand under None."""
    # A spreadsheet saves the separator that its language uses.
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="")
    names = [name for name in rows.fieldnames or () if name in COLUMNS]
    if len({*names}) < len(names):
        raise ValueError("it has a column twice")
    return [*rows]


def _design(text: str, place: str) -> Design:
    if design := Design.of(text):
        return design
    raise NejmInspectError(
        f"{place}: the draw {text!r} is not as nejm-inspect grade wrote it. Change only the "
        f"columns {', '.join(GIVEN)}."
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
