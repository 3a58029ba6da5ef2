"""A table is a frame at full precision; its columns' names say how it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from nejm_inspect.report import formats as fmt
from nejm_inspect.rubric import MAX_POINTS

SCORE, POINTS = "score: ", "points: "
"""Begin the names of columns that hold a model's scores, and its points."""

HEADINGS = {"name": "model", "model": "identifier", "case_id": "case", "cutoff": "cut-off"}
HEADINGS |= {"exact_p": "exact: p", "exact_holm": "exact: Holm", "within": "SD within a pair"}
HIDDEN = ["colour", "baseline", "mark", "anchor", "image", "texts"]
"""Columns that are in no CSV file: of how a row looks (`mark` is the sign behind its name), and of
the case that it opens (at `anchor`; `texts` by model)."""

_NUMBERS: Mapping[fmt.Write, str] = {
    fmt.percent: "score overall on_shared accuracy exact verbatim readers threshold in_range apart "
    "same_points both alone before after readers_before readers_after overall_adjusted "
    "exact_adjusted judged sensitivity specificity share changed",
    fmt.signed: "difference adjusted",
    fmt.hundredfold: "standard_error detectable",
    fmt.decimals: "alpha weighted_kappa absolute_error bias shift kinder variance within",
    fmt.signed_points: "moved",
    fmt.points: "spread points",
    fmt.p_value: "p holm exact_p exact_holm",
    fmt.dollars: "cost",
    fmt.duration: "time",
    fmt.whole: "rank",  # a number in judge_scores
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

    @cached_property
    def kinds(self) -> dict[str, str]:
        """How each column looks: as a text, a number, or the points of a case."""
        numbers = {*self.frame.select_dtypes("number")}
        numbers |= {c for c in self.columns if c.partition(":")[0] in WRITERS}
        kinds = {c: "number" if c in numbers else "text" for c in self.columns}
        return kinds | {c: "points" for c in self.columns if c.startswith(POINTS)}

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


def heading(column: str) -> str:
    """What a column is called: `p`, `In range`; of a model's scores or points, its name."""
    if column.startswith((SCORE, POINTS)):
        return fmt.short(column.partition(": ")[2])
    words = HEADINGS.get(column, column).replace("_", " ").replace("holm", "Holm")
    return words if len(words) == 1 else words[0].upper() + words[1:]
