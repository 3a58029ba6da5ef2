"""The user's own cases: every row of a table becomes a case, whatever its columns are called."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
from pydantic import ValidationError

from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.manifest import CaseImage, checked_image
from nejm_inspect.cases.schema import CASE_COLUMNS, Case, CaseId
from nejm_inspect.cases.source import CaseImages, CaseSource, collect_images
from nejm_inspect.cases.tables import Table, open_table
from nejm_inspect.cases.web_images import fetch_web_images
from nejm_inspect.errors import NejmInspectError, describe_validation, masked

FIELDS = tuple(dict.fromkeys(CASE_COLUMNS.values()))
"""The names that columns are mapped from."""


def own_source(place: str, columns: Mapping[str, str]) -> CaseSource:
    """The cases of a file, a folder or a dataset.

    Args:
        place: Where they are; see `open_table`.
        columns: For fields whose column has another name, that name.

    Raises:
        NejmInspectError: If they cannot be read or a row is malformed.
    """
    table = open_table(place)
    return CaseSource(table.name, read_cases(table, columns), _images)


def read_cases(table: Table, columns: Mapping[str, str]) -> list[Case]:
    """Reads every row of a table.

    Columns that stand for no field are ignored, and named on standard error. Without ids, the rows
    are numbered from 1.

    Args:
        table: The table.
        columns: For fields whose column has another name, that name.

    Raises:
        NejmInspectError: If columns or values are missing or wrong; names row, field and value.
    """
    names = _column_fields(table, columns)
    used = list(dict.fromkeys([*names, *columns.values()]))
    has_ids = "id" in {*names.values(), *columns}
    rows: dict[CaseId, int] = {}
    cases = []
    for number, values in enumerate(table.rows(used), start=1):
        row = {column: values[column] for column in names}
        row |= {field: values[column] for field, column in columns.items()}
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
        if case.id in rows:
            raise NejmInspectError(
                f"{table.where}: id={case.id!r} is used twice, in rows {rows[case.id]}, {number}."
            )
        rows[case.id] = number
        cases.append(case)
    if not cases:
        raise NejmInspectError(f"{table.where}: it has no rows.")
    return cases


def _column_fields(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """For each column that is known by its own name, the field that it stands for."""
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
    names = {
        column: CASE_COLUMNS[column]
        for column in free
        if CASE_COLUMNS.get(column, "") not in {"", *columns}
    }
    given = {*names.values(), *columns}
    unused = sorted(set(free) - set(names))
    for column in unused:
        meant = CASE_COLUMNS.get(column.strip().lower())
        if meant and meant not in given:
            raise NejmInspectError(
                f"{table.where}: there is a column {column!r}, but {meant} has none. Rename it, or "
                f"say columns='{{{meant}: {json.dumps(column)}}}'."
            )
    # The reference follows from the options and the correct one.
    follows = {"options", "correct_option"} <= given
    needed = ["history", "image"] if follows else ["history", "image", "reference"]
    if absent := [field for field in needed if field not in given]:
        raise NejmInspectError(
            f"{table.where}: no column {' and no column '.join(absent)}. The columns are "
            f"{_quoted(table.columns)}: say which it is, as in columns='{{{absent[0]}: …}}'."
        )
    if unused:
        _tell_once(f"{table.where}: columns not used: {_quoted(unused)}.")
    return names


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


@functools.cache
def _tell_once(message: str) -> None:
    # A benchmark opens the same table once for each model.
    click.echo(message, err=True)


def _images(cases: Sequence[Case]) -> CaseImages:
    urls = {place for case in cases for place in case.images if isinstance(place, str)}
    downloads = fetch_web_images(urls)

    def prepared(place: Path | str) -> CaseImage:
        file = downloads[place] if isinstance(place, str) else place
        if isinstance(file, str):
            raise ImageError(file)
        return checked_image(file)

    return collect_images(cases, lambda case: [prepared(place) for place in case.images])
