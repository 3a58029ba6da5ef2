"""A table is a frame at full precision; its columns' names say how it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape
from rich.table import Table as RichTable
from rich.text import Text

from nejm_inspect.report import formats as fmt
from nejm_inspect.report.formats import as_markdown, visible

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]

SCORE, POINTS = "score: ", "points: "
"""Begin the names of columns that hold a model's scores, and its points."""

NAMES = {"name", "first", "second"}  # of models
TEXTS = {"judge", "case_id", "group", "run", "same_family", "category", "contradiction"}
TEXTS |= {"prompt_version", "inputs", "scorer", "dataset"}
TEXTS |= {"level", "pairs", "adds", "cutoff", "date", "difficulty", "question_type"}
TEXTS |= {"model", "settings", "started", "rubric_points", "task", "task_version", "solver"}

HEADINGS = {"name": "model", "model": "identifier", "case_id": "case"}

_NUMBERS: Mapping[Callable[[Any], str], str] = {
    fmt.percent: "overall on_shared accuracy exact verbatim readers threshold in_range "
    "apart same_points both alone before after readers_before readers_after "
    "first_judge second_judge",
    fmt.signed: "difference adjusted",
    fmt.hundredfold: "standard_error",
    fmt.decimals: "alpha weighted_kappa absolute_error bias shift mean_points",
    fmt.signed_points: "moved",
    fmt.points: "spread",
    fmt.p_value: "p holm exact_p exact_holm",
    fmt.dollars: "cost",
    fmt.duration: "time",
}
WRITERS = {name: write for write, names in _NUMBERS.items() for name in names.split()}
"""How the numbers of a column are written; others are whole."""


@dataclass(frozen=True)
class Table:
    """A table of a section."""

    name: str
    """Of its CSV file, which holds the whole frame."""
    caption: str
    frame: "pd.DataFrame"
    columns: Sequence[str]
    """Those that are shown, the first one naming the row. A number's bounds are in
    columns of the same name with `_lower` and `_upper`."""
    notes: Sequence[str] = ()
    in_terminal: Sequence[str] = ()
    """The columns that are printed."""
    most_points: int | None = None
    """Of the points in it; such a table is sorted and filtered by the page's script."""
    anchors: Sequence[str] = ()
    """The ids of what the rows' first cells lead to."""

    @property
    def rows(self) -> list[Row]:
        """The rows as mappings from the frame's columns."""
        return self.frame.to_dict("records")  # type: ignore[return-value]

    def records(self) -> "pd.DataFrame":
        """The frame as its CSV file holds it: no colours, nothing that computes."""
        frame = self.frame.drop(columns=["colour", "baseline"], errors="ignore")
        return fmt.safe_records(frame)

    def to_markdown(self) -> Markup:
        """The table in Markdown."""
        lines: list[Sequence[str]]
        ruler = ["---" if _kind(c) in ("name", "text") else "---:" for c in self.columns]
        lines = [
            [as_markdown(heading(column)) for column in self.columns],
            ruler,
            *[[as_markdown(cell(r, c)) for c in self.columns] for r in self.rows],
        ]
        written = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return Markup(written)  # noqa: S704 - written by as_markdown

    def to_terminal(self) -> RichTable:
        """The table for a terminal."""
        table = RichTable(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        shown = [column for column in self.columns if column in self.in_terminal]
        for column in shown:
            if column == shown[0]:
                table.add_column(heading(column), overflow="fold", min_width=12)
            else:
                table.add_column(heading(column), justify="right", no_wrap=True)
        for row in self.rows:
            # In Text, brackets are brackets; in a str, rich takes them for markup.
            table.add_row(*(Text(cell(row, column)) for column in shown))
        return table

    def to_html(self) -> Markup:
        """The table's head and body."""
        th = Markup('<th scope="col" class="{}">{}</th>')
        heads = (th.format(_kind(c), _breakable(heading(c))) for c in self.columns)
        rows = Markup("\n").join(map(self._html_row, range(len(self.frame)), self.rows))
        whole = Markup("<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>")
        return whole.format(Markup().join(heads), rows)

    def _html_row(self, place: int, row: Row) -> Markup:
        first, *others = (self._html_cell(row, column) for column in self.columns)
        if self.anchors:
            first = Markup('<td class="text"><a href="#{}">{}</a></td>').format(
                self.anchors[place], cell(row, self.columns[0])
            )
        kind = Markup(' class="apart"') if row.get("baseline") else ""
        head = Markup("<tr{}><th scope=row {}/th>").format(kind, first[4:-4])
        return head + Markup().join(others) + Markup("</tr>")

    def _html_cell(self, row: Row, column: str) -> Markup:
        kind, value, written = _kind(column), row[column], visible(cell(row, column))
        shown = _breakable(written) if kind in ("name", "text") else escape(written)
        number, interval, rest = written.partition(" (")
        if interval and f"{column}_lower" in row:
            shown = Markup("{} <small>{}</small>").format(number, rest[:-1])
        if kind == "name" and not fmt.is_missing(row.get("colour")):
            key = Markup('<i class="key m{}"></i>{}')
            shown = key.format(int(row["colour"]), shown)
        if kind == "points":
            kind = f"points {shade(value, self.most_points or 1)}"
        order = ""
        known = isinstance(value, int | float) and not fmt.is_missing(value)
        if self.most_points and known:
            order = Markup(' data-v="{}"').format(f"{value:.6g}")
        return Markup('<td class="{}"{}>{}</td>').format(kind, order, shown)


def heading(column: str) -> str:
    """What a column is called: `p`, `In range`; of a model's scores, its name."""
    for begin in (SCORE, POINTS):
        if column.startswith(begin):
            return fmt.short(column.removeprefix(begin))
    words = HEADINGS.get(column, column).replace("_", " ")
    return words if len(words) == 1 else words[0].upper() + words[1:]


def cell(row: Row, column: str) -> str:
    """A row's value as it is read, with its interval if it has one."""
    value, kind = row[column], _kind(column)
    if fmt.is_missing(value):
        return fmt.UNDEFINED
    if kind in ("name", "text") or isinstance(value, str):
        mark = f" {row['mark']}" if column == "name" and row.get("mark") else ""
        return fmt.short(value) + mark
    write = {"points": fmt.points, "score": fmt.percent}.get(kind)
    write = write or WRITERS.get(column, fmt.whole)
    plain = {fmt.percent: fmt.hundredfold, fmt.signed: fmt.hundredfold}.get(write, write)
    lower, upper = (row.get(f"{column}_{end}") for end in ("lower", "upper"))
    return write(value) + fmt.bounds(lower, upper, plain)


def shade(given: float | None, most: float) -> str:
    """The CSS class of so many points out of the most possible: p0 to p10, or none."""
    return "none" if given is None or given != given else f"p{round(10 * given / most)}"


def _kind(column: str) -> str:
    kinds = ((NAMES, "name"), (TEXTS, "text"))
    begun = {SCORE: "score", POINTS: "points"}
    of_model = next((kind for b, kind in begun.items() if column.startswith(b)), "")
    return of_model or next((kind for known, kind in kinds if column in known), "number")


def _breakable(name: str) -> Markup:
    """A name that may break behind its slashes."""
    return Markup("/<wbr>").join(visible(name).split("/"))
