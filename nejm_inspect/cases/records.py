"""From a row of a table to a case, whatever the columns are called."""

import functools
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from nejm_inspect.cases.schema import OPTION_LETTERS, Case, question_type
from nejm_inspect.cases.tables import Table
from nejm_inspect.cases.web_images import check_url
from nejm_inspect.errors import NejmInspectError, describe_validation

FIELDS = (
    "id",
    "history",
    "reference",
    "image",
    "options",
    "correct_option",
    "date",
    "reader_votes",
    "total_votes",
    "brier_score",
    "difficulty",
    "question_type",
    "has_history",
)
"""What a row may hold, by the names that columns are mapped from."""
OTHER_NAMES = {
    "history": ("question",),
    "reference": ("answer",),
    "image": ("images", "file_name", "file_names"),
}
"""Names that columns often have instead; the last two are those of image folders."""
LISTS = {"options", "reader_votes"}

_WHOLE_NUMBER = re.compile(r"(0|-?[1-9][0-9]{0,17})(\.0)?")


@dataclass(frozen=True)
class Embedded:
    """An image that is in the table itself."""

    column: str
    row: int
    """The row, counted from 1."""
    position: int
    """Its place among the images of the row, counted from 0."""


ImagePlace = Path | str | Embedded
"""Where an image is: a file, an https URL, or the table."""


@dataclass(frozen=True)
class Record:
    """A row that has been read."""

    row: int
    """Counted from 1."""
    case: Case
    images: tuple[ImagePlace, ...]


def read_records(table: Table, columns: Mapping[str, str]) -> list[Record]:
    """Reads every row of a table.

    Columns that are no field's are ignored, and named on standard error. Without ids,
    the rows are numbered from 1.

    Args:
        table: The table.
        columns: For fields whose column has another name, that name.

    Raises:
        NejmInspectError: If columns or values are missing or wrong; names the row, the
            field and the value.
    """
    names = _column_names(table, columns)
    used = list(dict.fromkeys(names.values()))
    unused = sorted(set(table.columns) - set(used))
    if unused:
        _tell_once(f"{table.where}: columns not used: {_quoted(unused)}.")
    records = [
        _read_row(table, number, {field: row[names[field]] for field in names}, names)
        for number, row in enumerate(table.rows(used), start=1)
    ]
    if not records:
        raise NejmInspectError(f"{table.where}: it has no rows.")
    uses = Counter(record.case.id for record in records)
    for record in records:
        if uses[record.case.id] > 1:
            rows = [str(r.row) for r in records if r.case.id == record.case.id]
            raise NejmInspectError(
                f"{table.where}: id={record.case.id!r} is used twice, in rows {', '.join(rows)}."
            )
    return records


def _column_names(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """For each field that the table has, the name of its column."""
    there = table.columns
    for field, given in columns.items():
        if field not in FIELDS:
            raise NejmInspectError(
                f"columns: {field!r} is none of {', '.join(FIELDS)}. A column's own "
                "name comes second, as in columns='{reference: diagnosis}'."
            )
        if given not in there:
            raise NejmInspectError(
                f"columns: {field}={given!r}, but the columns of {table.where} are "
                f"{_quoted(there)}."
            )
    free = set(there) - set(columns.values())
    names: dict[str, str] = {}
    for field in FIELDS:
        usual = [n for n in (field, *OTHER_NAMES.get(field, ())) if n in free]
        candidates = [columns[field]] if field in columns else usual
        if candidates:
            names[field] = candidates[0]
    for column in sorted(free):
        meant = column.strip().lower()
        for field in set(FIELDS) - set(names):
            if meant in (field, *OTHER_NAMES.get(field, ())):
                raise NejmInspectError(
                    f"{table.where}: there is a column {column!r}, but none {meant!r}. "
                    f"Rename it, or say columns='{{{field}: {json.dumps(column)}}}'."
                )
    needed = ["history", "image"]
    if not {"options", "correct_option"} <= set(names):  # from which it follows
        needed.append("reference")
    if absent := [field for field in needed if field not in names]:
        raise NejmInspectError(
            f"{table.where}: no column {' and no column '.join(absent)}. The columns "
            f"are {_quoted(there)}: say which it is, as in "
            f"columns='{{{absent[0]}: …}}'."
        )
    return names


def _quoted(names: Iterable[str]) -> str:
    """Names from a table, so written that a terminal takes none for a command."""
    return ", ".join(map(repr, names))


@functools.cache
def _tell_once(message: str) -> None:
    # A benchmark opens the same table once for each model.
    click.echo(message, err=True)


def _read_row(
    table: Table, row: int, values: Mapping[str, Any], names: Mapping[str, str]
) -> Record:
    fields = {k: v for k, v in values.items() if v is not None and v != ""}
    try:
        images = _image_places(table, names["image"], row, fields.pop("image", None))
        for field in LISTS & fields.keys():
            fields[field] = _as_list(field, fields[field])
        fields["id"] = _as_id(values["id"]) if "id" in names else row
        _complete_reference(fields)
        fields.setdefault("history", "")
        fields.setdefault("question_type", question_type(str(fields["history"])))
        return Record(row, Case.model_validate(fields), images)
    except ValidationError as error:
        problem = describe_validation(error)
        wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
    except ValueError as error:
        problem = str(error)
        wrong = {problem.partition("=")[0]}
    renamed = [f for f in sorted(wrong & names.keys()) if names[f] != f]
    note = "".join(f" ({field} is column {names[field]!r})" for field in renamed)
    raise NejmInspectError(f"{table.where}, row {row}: {problem}{note}")


def _as_list(field: str, value: Any) -> Any:
    """A list, which a cell of text holds as JSON."""
    listed = _from_json(value)
    if not isinstance(listed, list):
        raise ValueError(
            f"{field}={value!r:.80} must be a list; in a cell of a CSV file, a JSON "
            'list such as ["Gout", "Lupus"]'
        )
    return listed


def _from_json(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _as_id(value: Any) -> Any:
    """The same id whatever type a file format gave it: 7, 7.0, "7" and "7.0" are one.

    Whole numbers of up to 18 digits are numbers, all else is text.
    """
    if value is None or value == "":
        raise ValueError(f"id={value!r} must be given in every row or in none")
    match = _WHOLE_NUMBER.fullmatch(str(value).strip())
    exact = type(value) in (int, str) or (type(value) is float and abs(value) < 2**53)
    if match and exact:
        return int(match[1])
    if type(value) not in (int, str):
        raise ValueError(f"id={value!r:.80} must be a whole number or text")
    if not str(value).isprintable():
        raise ValueError(f"id={value!r:.80} must be printable: messages show it")
    return str(value)


def _complete_reference(fields: dict[str, Any]) -> None:
    """Without a reference, the correct option is it; an option's letter is none."""
    letter, options = fields.get("correct_option"), fields.get("options", ())
    reference = fields.setdefault("reference", "")
    if not reference and letter in OPTION_LETTERS[: len(options)]:
        fields["reference"] = options[OPTION_LETTERS.index(letter)]
    elif options and reference in OPTION_LETTERS and reference not in options:
        raise ValueError(
            f"reference={reference!r} looks like an option's letter. Say so, "
            "as in columns='{correct_option: answer}'"
        )


def stored_images(value: Any) -> list[Any]:
    """What a cell of images holds, one by one: bytes or a place.

    Args:
        value: The cell: an image or a list of images, as `Table.rows` gives it.
    """
    value = _from_json(value)
    values = value if isinstance(value, list) else [value]
    return [
        (v["path"] if v["bytes"] is None else v["bytes"])
        if isinstance(v, dict) and v.keys() == {"bytes", "path"}
        else v
        for v in values
    ]


def _image_places(table: Table, column: str, row: int, value: Any) -> tuple[ImagePlace, ...]:
    images = stored_images(value)
    if not images:
        raise ValueError("image=[] must hold an image")
    return tuple(
        _image_place(table, Embedded(column, row, n), image) for n, image in enumerate(images)
    )


def _image_place(table: Table, embedded: Embedded, value: Any) -> ImagePlace:
    if isinstance(value, bytes):
        return embedded
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"image={value!r:.80} must be a path, an https URL or bytes")
    if "://" in value or value.startswith("data:"):
        check_url(value)
        return value
    folder = table.folder or (table.downloads if Path(value).is_absolute() else None)
    if folder is None:
        raise ValueError(
            f"image={value!r} is a path, but no files lie beside these rows. A dataset "
            "at a URL or of the Hub must hold the images or their https URLs"
        )
    # Unlike Path.resolve, which raises errors for links that lead in a circle.
    path = folder / value
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"image={value!r} leaves the folder {folder}")
    return path
