"""Scores by properties of the cases."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.report.estimates import score_of
from nejm_inspect.report.formats import counted, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Section, Table, dots
from nejm_inspect.report.statistics import columns
from nejm_inspect.report.table import SCORE

FEWEST = 5  # groups of fewer cases are not drawn
KINDS = {
    "difficulty": "By difficulty; hard includes the expert cases",
    "question_type": "By question type",
    "has_history": "By whether the text holds a history",
    "year": "By year of publication",
}
NOTE = (
    "Readers: mean share of NEJM's readers who chose the correct of five options; not a "
    "like-for-like human score."
)


def section(chapter: Chapter) -> Section | None:
    """A table for each property that some cases have."""
    shown = ["group", "cases", "readers", *(f"{SCORE}{name}" for name in chapter.order)]
    tables = [
        Table("breakdowns", caption, frame, shown)
        for kind, caption in KINDS.items()
        if len(frame := _groups(chapter, kind)) > (kind != "difficulty")
    ]
    drawn = [_figure(chapter, t) for t in tables if t.caption == KINDS["difficulty"]]
    figures = [figure for figure in drawn if figure]
    return Section("Scores by kind of case", tables, figures, [NOTE]) if tables else None


def _groups(chapter: Chapter, kind: str) -> pd.DataFrame:
    groups = chapter.cases[kind].dropna().map(partial(_of, kind)).explode()
    rows = []
    for group in sorted(groups.unique(), key=_place):
        cases = chapter.cases.loc[groups.index[groups == group]]
        row = {"by": kind, "group": group, "cases": len(cases)}
        row["readers"] = cases["reader_accuracy"].astype(float).mean()
        inside = chapter.responses[chapter.responses["case_id"].isin(cases.index)]
        for name in chapter.order:
            own = score_of(inside[inside["name"] == name], chapter.scale)
            row |= columns(f"{SCORE}{name}", own)
        rows.append(row)
    return pd.DataFrame(rows)


def _of(kind: str, value: Any) -> tuple[str, ...]:
    if kind == "difficulty":
        return levels_of(value)
    if kind == "has_history":
        return ("history" if value else "no history",)
    return (f"{value:.0f}" if kind == "year" else str(value),)


def _place(group: str) -> tuple[int, str]:
    known = [*map(str, DIFFICULTIES)]
    return (known.index(group) if group in known else len(known), group)


def _figure(chapter: Chapter, table: Table) -> Figure | None:
    frame = table.frame[table.frame["cases"] >= FEWEST]
    if frame.empty or not chapter.models:
        return None
    sizes = [counted(number, "case") for number in frame["cases"]]
    frame = frame.assign(group=frame["group"] + ": " + pd.Series(sizes, frame.index))
    values = {f"{SCORE}{name}": name for name in chapter.models}
    colours = {value: chapter.colour(name) for value, name in values.items()}
    options: Any = {"label": "group", "colours": colours}
    draw = partial(dots, frame, values, percent, "score, %", **options)
    caption = (
        "Levels of the Brier score of the readers' votes; hard includes expert. Levels with fewer "
        f"than {FEWEST} cases are not drawn."
    )
    return Figure("difficulty", "Scores by difficulty, with 95% intervals", caption, table, draw)
