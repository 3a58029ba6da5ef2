"""A table is a frame at full precision; its columns' names say how it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup
from rich.table import Column, Table as RichTable
from rich.text import Text

from nejm_inspect.report import formats as fmt
from nejm_inspect.rubric import MAX_POINTS

SCORE, POINTS = "score: ", "points: "
"""Begin the names of columns that hold a model's scores, and its points."""

HEADINGS = {"name": "model", "model": "identifier", "case_id": "case"}
HIDDEN = ["colour", "baseline", "anchor", "mark"]
"""Columns that say how a row looks: its colour's number, whether it is a baseline, where its first
cell leads to, the sign behind its name. No CSV file has them."""

_NUMBERS: Mapping[fmt.Write, str] = {
    fmt.percent: "score overall on_shared accuracy exact verbatim readers threshold in_range apart "
    "same_points both alone before after readers_before readers_after",
    fmt.signed: "difference adjusted",
    fmt.hundredfold: "standard_error",
    fmt.decimals: "alpha weighted_kappa absolute_error bias shift",
    fmt.signed_points: "moved",
    fmt.points: "spread points",
    fmt.p_value: "p holm exact_p exact_holm",
    fmt.dollars: "cost",
    fmt.duration: "time",
    fmt.whole: "rank",  # if it is one
}
WRITERS = {name: write for write, names in _NUMBERS.items() for name in names.split()}
"""How the numbers of a column are written, by its name up to a colon; others are whole."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a section."""

    name: str  # of its CSV file, which holds the whole frame
    caption: str
    frame: pd.DataFrame
    columns: Sequence[str]
    """Those that are shown, the first one naming the row. A number's bounds are in columns of the
    same name with `_lower` and `_upper`."""
    notes: Sequence[str] = ()
    in_terminal: Sequence[str] = ()  # the columns that are printed
    most_points: int = MAX_POINTS  # what the points in it are shaded by

    @cached_property
    def rows(self) -> list[dict[Any, Any]]:
        """The rows as mappings from the frame's columns."""
        return self.frame.to_dict("records")

    def kind(self, column: str) -> str:
        """How a column looks: as a text, a number, or the points of a case."""
        if column.startswith(POINTS):
            return "points"
        numeric = pd.api.types.is_numeric_dtype(self.frame[column])
        return "number" if numeric or column.partition(":")[0] in WRITERS else "text"

    def cell(self, row: Mapping[Any, Any], column: str) -> str:
        """A row's value as it is read, with its interval if it has one."""
        value = row[column]
        if fmt.is_missing(value) or isinstance(value, str):
            return f"{fmt.short(value)}{row.get('mark', '') if column == 'name' else ''}"
        write = WRITERS.get(column.partition(":")[0], fmt.whole)
        plain = fmt.hundredfold if write in (fmt.percent, fmt.signed) else write
        return write(value) + fmt.bounds(row, column, plain)

    def shade(self, given: Any) -> str:
        """The CSS class of so many points: p0 to p10, or none."""
        return "none" if fmt.is_missing(given) else f"p{round(10 * given / self.most_points)}"

    def to_markdown(self) -> Markup:
        """The table in Markdown."""
        cells = [[heading(c) for c in self.columns]]
        cells += [[self.cell(row, c) for c in self.columns] for row in self.rows]
        lines = [f"| {' | '.join(map(fmt.as_markdown, line))} |" for line in cells]
        ruler = ["---" if self.kind(column) == "text" else "---:" for column in self.columns]
        lines.insert(1, f"|{'|'.join(ruler)}|")
        return Markup("\n".join(lines))  # noqa: S704 - written by as_markdown

    def to_terminal(self) -> RichTable:
        """The table for a terminal."""
        first, *others = shown = [column for column in self.columns if column in self.in_terminal]
        head = [Column(heading(first), overflow="fold", min_width=12)]
        head += [Column(heading(column), justify="right", no_wrap=True) for column in others]
        table = RichTable(*head, box=None, padding=(0, 1, 0, 0), pad_edge=False)
        for row in self.rows:
            # In Text, brackets are brackets; in a str, rich takes them for markup.
            table.add_row(*(Text(self.cell(row, column)) for column in shown))
        return table


def heading(column: str) -> str:
    """What a column is called: `p`, `In range`; of a model's scores or points, its name."""
    if column.startswith((SCORE, POINTS)):
        return fmt.short(column.partition(": ")[2])
    words = HEADINGS.get(column, column).replace("_", " ")
    return words if len(words) == 1 else words[0].upper() + words[1:]
