"""Scores by properties of the cases."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.report.estimates import score_of
from nejm_inspect.report.formats import counted, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Section, Table, dots
from nejm_inspect.report.statistics import columns
from nejm_inspect.report.table import SCORE

# Properties of cases: a table's caption, and the group or groups that a value belongs to.
KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "difficulty": ("By difficulty; hard includes the expert cases", levels_of),
    "question_type": ("By question type", str),
    "has_history": ("By whether there is a history", {True: "history", False: "no history"}.get),
    "year": ("By year of publication", "{:.0f}".format),
}
DRAWN = "Levels of difficulty; hard includes expert. Not drawn: fewer than 5 cases."
NOTE = "Readers: NEJM's readers' mean accuracy with five options; not a like-for-like human score."


def section(chapter: Chapter) -> Section | None:
    """A table for each property that some cases have."""
    values = {f"{SCORE}{name}": name for name in chapter.order}
    tables = [
        Table("breakdowns", caption, frame, ["group", "cases", "readers", *values])
        for kind, (caption, groups_of) in KINDS.items()
        if len(frame := _groups(chapter, kind, groups_of)) > (kind != "difficulty")
    ]
    if not tables:
        return None
    figures = []
    drawn = tables[0].frame.query("by == 'difficulty' and cases >= 5")
    if len(drawn) and chapter.models:
        sizes = [counted(number, "case") for number in drawn["cases"]]
        drawn = drawn.assign(name=drawn["group"] + ": " + sizes)
        values = {value: name for value, name in values.items() if name in chapter.models}
        colours = {value: chapter.colour(name) for value, name in values.items()}
        draw = partial(dots, drawn, values, percent, "score, %", colours=colours)
        title = "Scores by difficulty, with 95% intervals"
        figures = [Figure("difficulty", title, DRAWN, tables[0], draw)]
    return Section("Scores by kind of case", tables, figures, [NOTE])


def _groups(chapter: Chapter, kind: str, groups_of: Callable[[Any], Any]) -> pd.DataFrame:
    groups = chapter.cases[kind].dropna().map(groups_of).explode()
    rows = []
    # Levels of difficulty from easy to expert, then others by name.
    for group in sorted(groups.unique(), key=lambda g: ([g != d for d in DIFFICULTIES], g)):
        cases = chapter.cases.loc[groups.index[groups == group]]
        readers = cases["reader_accuracy"].astype(float).mean()
        row = {"by": kind, "group": group, "cases": len(cases), "readers": readers}
        inside = chapter.responses[chapter.responses["case_id"].isin(cases.index)]
        for name in chapter.order:
            score = score_of(inside[inside["name"] == name], chapter.scale)
            row |= columns(f"{SCORE}{name}", score)
        rows.append(row)
    return pd.DataFrame(rows)
