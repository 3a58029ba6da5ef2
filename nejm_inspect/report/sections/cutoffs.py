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

COLUMNS = "name cutoff cases_before before readers_before text_before cases_after after "
COLUMNS += "readers_after text_after difference adjusted"
SIDES = {"before": "before the cut-off", "after": "after the cut-off"}
ADJUSTED = "Brier score, length of text and question type"
LEAD = (
    "A lower score after the cut-off is compatible with contamination (cases seen in training). "
    "But later cases differ: they carry more text, and may be harder. Cut-offs are as given."
)
NOTE = (
    f"Difference: after less before, of different cases. Adjusted: the same at equal {ADJUSTED}, "
    "by linear regression with standard errors clustered by case. Text: median characters."
)


def section(chapter: Chapter) -> Section | None:
    """The models whose cut-off is given."""
    rows = [
        _split(chapter, name, day)
        for name in chapter.models
        for given, day in chapter.options.cutoffs.items()
        if given in {name, *chapter.runs["model"][chapter.runs["name"] == name]}
    ]
    if not rows:
        return None
    caption = "Scores before and after the cut-off, differences in percentage points"
    table = Table("cutoffs", caption, pd.DataFrame(rows), COLUMNS.split())
    draw = partial(dots, table.frame, SIDES, percent, "score, %")
    title = "Scores before and after the cut-off, with 95% intervals"
    figure = Figure("cutoffs", title, "The two sides are different cases.", table, draw)
    findings, title = [_finding(row) for row in rows], "Before and after the training cut-off"
    return Section(title, [table], [figure], [NOTE], findings, LEAD)


def _split(chapter: Chapter, name: str, cutoff: datetime.date) -> dict[str, Any]:
    rows = chapter.responses[chapter.responses["name"] == name].dropna(subset="points")
    length = rows.groupby("case_id")["history_length"].first().astype(float)
    # Others' datasets write dates as they like.
    day = pd.to_datetime(chapter.cases["date"], format="%Y-%m-%d", errors="coerce")
    cases = chapter.cases.assign(share=chapter.shares[name], length=length, day=day)
    dated = cases.dropna(subset=["share", "day"])
    after = dated["day"] > pd.Timestamp(cutoff)
    found = {"name": name, "colour": chapter.colour(name), "cutoff": f"{cutoff}"}
    for side, some in (("before", dated[~after]), ("after", dated[after])):
        score = score_of(rows[rows["case_id"].isin(some.index)], chapter.scale)
        found |= {f"cases_{side}": len(some), **st.columns(side, score)}
        found[f"readers_{side}"] = some["reader_accuracy"].astype(float).mean()
        found[f"text_{side}"] = some["length"].median()
    raw = st.independent_difference(dated["share"][after], dated["share"][~after])
    known = dated.dropna(subset=["brier_score", "length", "question_type"])
    asked = known["question_type"] == "diagnosis"
    covariates = np.array([known["brier_score"], np.log1p(known["length"]), asked], dtype=float).T
    equal = st.adjusted_difference(known["share"], after[known.index], covariates, known.index)
    found |= st.columns("difference", raw) | st.columns("adjusted", equal)
    return found | {"undated": int(cases["share"].count()) - len(dated)}


def _finding(row: dict[str, Any]) -> Finding:
    undated = f" Cases without a date: {row['undated']}." if row["undated"] else ""
    if not row["cases_before"] or not row["cases_after"]:
        lead = f"{row['name']}: all its cases lie on one side of its cut-off {row['cutoff']}"
        told = " (scored before it: {cases_before}, after: {cases_after}).".format_map(row)
        return Finding(lead, told + undated, limits=True)
    told = bounds(row, "difference")
    if interval := bounds(row, "adjusted"):
        told += f"; {signed(row['adjusted'])}{interval} at equal {ADJUSTED}"
    if row["text_after"] > row["text_before"]:
        lengths = whole(row["text_after"]), whole(row["text_before"])
        told += ". Later cases carry more text (median {} against {} characters)".format(*lengths)
    lead = f"{row['name']}: {signed(row['difference'])} percentage points after {row['cutoff']}"
    return Finding(lead, f"{told}.{undated}")
