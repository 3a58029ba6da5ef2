"""The user's own cases: the rows of a table, with column names of the user's."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence

import click
from pydantic import ValidationError

from nejm_inspect.cases.manifest import CaseImage, checked_image
from nejm_inspect.cases.own_images import fetch_web_images
from nejm_inspect.cases.schema import CASE_COLUMNS, Case, CaseId
from nejm_inspect.cases.source import CaseImages, CaseSource, collect_images
from nejm_inspect.cases.tables import Table, open_table
from nejm_inspect.errors import NejmInspectError, describe_validation, masked

FIELDS = tuple(dict.fromkeys(CASE_COLUMNS.values()))
"""The names that users map to columns."""


def own_source(place: str, columns: Mapping[str, str]) -> CaseSource:
    """Reads the cases that the parameter `cases` names (see `open_source`), one a row.

    Columns that stand for no field are ignored, and named on standard error. Without ids, the rows
    are numbered from 1.

    Raises:
        NejmInspectError: If they cannot be read, or columns or values are missing or wrong. Names
            row, field and value.
    """
    table = open_table(place)
    columns_read = _columns_read(table, columns)
    has_ids = "id" in {CASE_COLUMNS[name] for name in columns_read}
    row_numbers: dict[CaseId, int] = {}
    cases = []
    rows = table.rows(list(dict.fromkeys(columns_read.values())))
    for number, values in enumerate(rows, start=1):
        row = {name: values[column] for name, column in columns_read.items()}
        if not has_ids:
            row["id"] = number
        try:
            case = Case.model_validate(row, context=table)
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
            problem = describe_validation(error, masked)
            problem += "".join(f" ({f} is column {c!r})" for f, c in columns.items() if f in wrong)
            raise NejmInspectError(f"{table.where}, row {number}: {problem}") from error
        if not case.images:
            raise NejmInspectError(f"{table.where}, row {number}: image: Field required")
        first = row_numbers.setdefault(case.id, number)
        if first != number:
            raise NejmInspectError(
                f"{table.where}: id={case.id!r} is used twice, in rows {first}, {number}."
            )
        cases.append(case)
    if not cases:
        raise NejmInspectError(f"{table.where}: it has no rows.")
    return CaseSource(table.name, cases, _images)


def _columns_read(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """Returns the columns to read, by a name that `Case` knows: the column's own, or its field."""
    for field, column in columns.items():
        if field not in FIELDS:
            raise NejmInspectError(
                f"columns: {field!r} is not one of {', '.join(FIELDS)}. A column's own name comes "
                "second, as in columns='{reference: diagnosis}'."
            )
        if column not in table.columns:
            raise NejmInspectError(
                f"columns: {field}={column!r}, but the columns of {table.where} are "
                f"{_quoted(table.columns)}."
            )
    free = [column for column in table.columns if column not in columns.values()]
    known: dict[str, str] = {}
    for name, field in CASE_COLUMNS.items():
        # Of two columns for one field, the first name counts; options have a column each.
        if name in free and field not in columns:
            known.setdefault(name if name.startswith("option_") else field, name)
    columns_read = {column: column for column in known.values()} | dict(columns)
    given = {CASE_COLUMNS[name] for name in columns_read}
    unused = sorted(set(free) - set(known.values()))
    for column in unused:
        meant = CASE_COLUMNS.get(column.strip().lower())
        if meant and meant not in given:
            raise NejmInspectError(
                f"{table.where}: there is a column {column!r}, but {meant} has none. Rename it, or "
                f"say columns='{{{meant}: {json.dumps(column)}}}'."
            )
    needed = ["history", "image"]
    if not {"options", "correct_option"} <= given:  # which give the reference
        needed.append("reference")
    if absent := [field for field in needed if field not in given]:
        raise NejmInspectError(
            f"{table.where}: no column {' and no column '.join(absent)}. The columns are "
            f"{_quoted(table.columns)}: say which it is, as in columns='{{{absent[0]}: …}}'."
        )
    if unused:
        _tell_once(f"{table.where}: columns not used: {_quoted(unused)}.")
    return columns_read


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


@functools.cache
def _tell_once(message: str) -> None:
    # A benchmark opens the same table once for each model.
    click.echo(message, err=True)


def _images(cases: Sequence[Case]) -> CaseImages:
    urls = {place for case in cases for place in case.images if isinstance(place, str)}
    files = fetch_web_images(urls)

    def get(case: Case) -> list[CaseImage]:
        paths = (files[place] if isinstance(place, str) else place for place in case.images)
        return [checked_image(path) for path in paths]

    return collect_images(cases, get)
