"""A table is a frame at full precision with typed columns; it writes itself."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup, escape
from rich.table import Table as RichTable
from rich.text import Text

from nejm_inspect.report.formats import (
    UNDEFINED,
    as_csv,
    as_markdown,
    bounds,
    hundredfold,
    is_missing,
    percent,
    points,
    short,
    visible,
    whole,
)

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and how a row's cell is written."""

    heading: str
    write: Callable[[Row], str]
    kind: Literal["text", "number", "estimate", "name", "points"] = "number"
    value: str = ""
    """The column of the frame that the table is sorted by."""
    full: float = 1
    """Of points: how many there are at most."""
    link: Callable[[Row], str] | None = None
    """The id of what a cell leads to."""


def text(heading: str, name: str, write: Callable[[Any], str] = short) -> Column:
    """A column of words."""
    return Column(heading, lambda row: write(row[name]), "text", name)


def model(heading: str = "Model", name: str = "name") -> Column:
    """A column of names, each with the key to its colour if rows have a `colour`."""
    return Column(heading, lambda row: short(row[name]), "name", name)


def number(heading: str, name: str, write: Callable[[Any], str] = whole) -> Column:
    """A column of numbers; a dash where there is none."""
    return Column(
        heading,
        lambda row: UNDEFINED if is_missing(row[name]) else write(row[name]),
        "number",
        name,
    )


def estimate(
    heading: str,
    name: str,
    write: Callable[[float], str] = percent,
    inner: Callable[[float], str] = hundredfold,
) -> Column:
    """A column of numbers with their bounds, which are in `{name}_lower` and so on."""

    def written(row: Row) -> str:
        interval = bounds(row[f"{name}_lower"], row[f"{name}_upper"], inner)
        return f"{write(row[name])} {interval}".rstrip()

    return Column(heading, written, "estimate", name)


def points_column(heading: str, name: str, scale: float) -> Column:
    """A column of points, shaded by how many of the most possible they are."""
    return Column(heading, lambda row: points(row[name]), "points", name, scale)


@dataclass(frozen=True)
class Table:
    """A table of a section."""

    name: str
    """Of its CSV file."""
    caption: str
    frame: "pd.DataFrame"
    columns: Sequence[Column]
    notes: Sequence[str] = ()
    """What is to be read below it."""
    in_terminal: Sequence[str] = ()
    """The headings of the columns that are printed, the first of them folded."""
    sortable: bool = False
    """Whether the page's script sorts and filters it."""

    @property
    def rows(self) -> list[Row]:
        """The rows as mappings from the frame's columns."""
        return self.frame.to_dict("records")  # type: ignore[return-value]

    @property
    def cells(self) -> list[list[str]]:
        """All cells as they are read."""
        return [[column.write(row) for column in self.columns] for row in self.rows]

    def records(self) -> "pd.DataFrame":
        """The frame as its CSV file holds it: no colours, nothing that computes."""
        frame = self.frame.drop(columns=["colour", "place"], errors="ignore")
        return frame.rename(columns=as_csv).map(lambda cell: as_csv(_plain(cell)))

    def to_markdown(self) -> str:
        """The table in Markdown."""
        ruler = [
            "---" if column.kind in ("text", "name") else "---:"
            for column in self.columns
        ]
        lines = [
            [as_markdown(column.heading) for column in self.columns],
            ruler,
            *([as_markdown(cell) for cell in row] for row in self.cells),
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_terminal(self) -> RichTable:
        """The table for a terminal."""
        table = RichTable(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        shown = [c for c in self.columns if c.heading in self.in_terminal]
        for column in shown:
            if column is shown[0]:
                table.add_column(Text(column.heading), overflow="fold", min_width=12)
            else:
                table.add_column(Text(column.heading), justify="right", no_wrap=True)
        for row in self.rows:
            # In Text, brackets are brackets; in a str, rich takes them for markup.
            table.add_row(*(Text(column.write(row)) for column in shown))
        return table

    def to_html(self) -> Markup:
        """The table's head and body."""
        head = Markup().join(
            Markup('<th scope="col" class="{}">{}</th>').format(
                column.kind, _breakable(column.heading)
            )
            for column in self.columns
        )
        body = Markup("\n").join(self._html_row(row) for row in self.rows)
        return Markup("<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>").format(
            head, body
        )

    def _html_row(self, row: Row) -> Markup:
        cells = (self._html_cell(column, row) for column in self.columns)
        return Markup("<tr{}><th scope=row {}/th>{}</tr>").format(
            Markup(' class="apart"') if row.get("baseline") else "",
            next(cells)[4:-4],
            Markup().join(cells),
        )

    def _html_cell(self, column: Column, row: Row) -> Markup:
        kind, cell = column.kind, visible(column.write(row))
        shown: str = _breakable(cell) if kind in ("text", "name") else escape(cell)
        if kind == "estimate":
            value, space, interval = cell.partition(" (")
            if space:
                shown = Markup("{} <small>{}</small>").format(value, interval[:-1])
        if kind == "name" and not is_missing(row.get("colour")):
            shown = Markup('<i class="key m{}"></i>{}').format(
                int(row["colour"]), shown
            )
        if column.link:
            shown = Markup('<a href="#{}">{}</a>').format(column.link(row), shown)
        value = row[column.value] if column.value else None
        if kind == "points":
            kind += (
                " none" if is_missing(value) else f" p{round(10 * value / column.full)}"
            )  # type: ignore[operator]
        order = ""
        if self.sortable and isinstance(value, int | float) and not is_missing(value):
            order = Markup(' data-v="{}"').format(f"{value:.6g}")
        return Markup('<td class="{}"{}>{}</td>').format(kind, order, shown)


def _breakable(name: str) -> Markup:
    """A name that may break behind its slashes."""
    return Markup("/<wbr>").join(visible(name).split("/"))


def _plain(cell: object) -> object:
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, dict):
        return ", ".join(f"{key}={value}" for key, value in cell.items())
    if isinstance(cell, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, cell)))
    return cell
