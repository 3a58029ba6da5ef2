"""Scores on cases published before a model's training cut-off, and after."""

import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import score_of
from nejm_inspect.report.formats import bounds, percent, signed, whole
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots

ADJUSTED = "Brier score, length of text and question type"
COLUMNS = "name cutoff cases_before before readers_before text_before cases_after after "
COLUMNS += "readers_after text_after difference adjusted"
LEAD = (
    "A lower score after the cut-off is compatible with contamination, that is with cases seen in "
    "training. But later cases differ: they carry more text, and may be harder. Cut-offs are as "
    "given."
)
NOTE = (
    f"Difference: after less before, of different cases. Adjusted: the same at equal {ADJUSTED}, "
    "by linear regression with standard errors clustered by case. Text: median number of "
    "characters."
)


def section(chapter: Chapter) -> Section | None:
    """The models whose cut-off is given."""
    rows = [
        _split(chapter, name, day)
        for name in chapter.models
        for given, day in chapter.options.cutoffs.items()
        if given in (name, chapter.of(name)["model"].iloc[0])
    ]
    if not rows:
        return None
    caption = "Scores before and after the cut-off, differences in percentage points"
    table = Table("cutoffs", caption, pd.DataFrame(rows), COLUMNS.split())
    sides = {side: f"{side} the cut-off" for side in ("before", "after")}
    draw = partial(dots, table.frame, sides, percent, "score, %")
    title = "Scores before and after the cut-off, with 95% intervals"
    figure = Figure("cutoffs", title, "The two sides are different cases.", table, draw)
    findings, title = [_finding(row) for row in rows], "Before and after the training cut-off"
    return Section(title, [table], [figure], [NOTE], findings, LEAD)


def _split(chapter: Chapter, name: str, cutoff: datetime.date) -> dict[str, Any]:
    rows = chapter.responses[chapter.responses["name"] == name].dropna(subset="points")
    cases = chapter.cases.assign(share=chapter.shares[name]).dropna(subset="share")
    cases["length"] = rows.groupby("case_id")["history_length"].first()
    # Others' datasets write dates as they like.
    cases["day"] = pd.to_datetime(cases["date"], format="%Y-%m-%d", errors="coerce")
    dated = cases.dropna(subset="day")
    after = dated["day"] > pd.Timestamp(cutoff)
    found = {"name": name, "colour": chapter.colour(name), "cutoff": f"{cutoff}"}
    for side, some in (("before", dated[~after]), ("after", dated[after])):
        score = score_of(rows[rows["case_id"].isin(some.index)], chapter.scale)
        found |= {f"cases_{side}": len(some), **st.columns(side, score)}
        found[f"readers_{side}"] = some["reader_accuracy"].astype(float).mean()
        found[f"text_{side}"] = some["length"].median()
    shares = dated["share"]
    raw = st.independent_difference(shares[after], shares[~after])
    known = dated.dropna(subset=["brier_score", "length", "question_type"])
    covariates = np.column_stack(
        [
            known["brier_score"].astype(float),
            np.log1p(known["length"].astype(float)),
            known["question_type"] == "diagnosis",
        ]
    )
    equal = st.adjusted_difference(known["share"], after[known.index], covariates, known.index)
    found |= st.columns("difference", raw) | st.columns("adjusted", equal)
    return found | {"undated": len(cases) - len(dated)}


def _finding(row: dict[str, Any]) -> Finding:
    name, day, before, after = (row[c] for c in ("name", "cutoff", "cases_before", "cases_after"))
    undated = f" {row['undated']} cases have no date." if row["undated"] else ""
    if not before or not after:
        told = f": {before} scored cases before it, {after} after.{undated}"
        return Finding(f"{name}: its cut-off {day} separates nothing", told, limits=True)
    told = bounds(row, "difference")
    if interval := bounds(row, "adjusted"):
        told += f"; {signed(row['adjusted'])}{interval} at equal {ADJUSTED}"
    if row["text_after"] > row["text_before"]:
        lengths = whole(row["text_after"]), whole(row["text_before"])
        told += ". Later cases carry more text (median {} against {} characters)".format(*lengths)
    lead = f"{name}: {signed(row['difference'])} percentage points after {day}"
    return Finding(lead, f"{told}.{undated}")
