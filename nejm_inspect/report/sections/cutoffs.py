"""Scores on cases published before a model's training cut-off, and after."""

import datetime
import math
from functools import partial
from typing import Any

from nejm_inspect.report import statistics as st
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import score_of, spread
from nejm_inspect.report.figures import Figure, dots
from nejm_inspect.report.formats import bounds, percent, signed, whole
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import adjusted_difference
from nejm_inspect.report.table import Table

ADJUSTED = "Brier score, length of text and question type"
COLUMNS = "name cutoff cases_before before readers_before text_before cases_after after "
COLUMNS += "readers_after text_after difference adjusted"
LEAD = (
    "A lower score after the cut-off is compatible with contamination, that is with "
    "cases seen in training. But later cases differ: they carry more text, and may be "
    "harder. Cut-offs are as given."
)
NOTE = (
    "Difference: after less before, of different cases. Adjusted: the same at equal "
    f"{ADJUSTED}, by linear regression with standard errors clustered by case. Text: "
    "median number of characters."
)


def section(chapter: Chapter) -> Section | None:
    """The models whose cut-off is given."""
    import pandas as pd

    rows = [
        _split(chapter, name, day)
        for name in chapter.models
        for given, day in chapter.options.cutoffs.items()
        if given in (name, chapter.of(name)["model"].iloc[0])
    ]
    if chapter.topic != "models" or not rows:
        return None
    caption = "Scores before and after the cut-off, differences in percentage points"
    table = Table("cutoffs", caption, pd.DataFrame(rows), COLUMNS.split())
    sides = [
        {"name": row["name"], "colour": row["colour"], "side": f"{side} the cut-off"}
        | {f"score{end}": row[f"{side}{end}"] for end in ("", "_lower", "_upper")}
        for row in rows
        for side in ("before", "after")
    ]
    draw = partial(dots, pd.DataFrame(sides), "score", percent, "score, %", key="side")
    title = "Scores before and after the cut-off, with 95% intervals"
    figure = Figure("cutoffs", title, "The two sides are different cases.", table, draw)
    findings = [_finding(row) for row in rows]
    title = "Before and after the training cut-off"
    return Section(title, [table], [figure], [NOTE], findings, LEAD)


def _split(chapter: Chapter, name: str, cutoff: datetime.date) -> dict[str, Any]:
    rows = chapter.responses
    rows = rows[rows["name"].eq(name)].dropna(subset="points")
    cases = chapter.cases.assign(share=chapter.shares[name])
    cases["length"] = rows.groupby("case_id")["history_length"].first()
    cases["day"] = cases["date"].map(_date)
    dated = cases.dropna(subset=["share", "day"])
    after = dated["day"] > cutoff
    found = {"name": name, "colour": chapter.colour(name), "cutoff": f"{cutoff}"}
    for side, some in (("before", dated[~after]), ("after", dated[after])):
        own = rows[rows["case_id"].isin(some.index)]
        found |= {f"cases_{side}": len(some), **spread(side, score_of(own, chapter.scale))}
        found[f"readers_{side}"] = some["reader_accuracy"].astype(float).mean()
        found[f"text_{side}"] = some["length"].median()
    known = dated.dropna(subset=["brier_score", "length", "question_type"])
    values = zip(known["brier_score"], known["length"], known["question_type"], strict=True)
    covariates = [[float(b), math.log1p(n), kind == "diagnosis"] for b, n, kind in values]
    shares = dated["share"]
    found |= spread("difference", st.independent_difference(shares[after], shares[~after]))
    adjusted = st.Estimate(math.nan)
    if len(known):
        later = after[known.index]
        adjusted = adjusted_difference(known["share"], later, covariates, known.index)
    undated = int(cases["share"].notna().sum() - len(dated))
    return found | spread("adjusted", adjusted) | {"undated": undated}


def _date(text: object) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:  # others' datasets write dates as they like
        return None


def _finding(row: dict[str, Any]) -> Finding:
    name, day, before, after = (row[c] for c in ("name", "cutoff", "cases_before", "cases_after"))
    undated = f" {row['undated']} cases have no date." if row["undated"] else ""
    if not before or not after:
        told = f": {before} scored cases before it, {after} after.{undated}"
        return Finding(f"{name}: its cut-off {day} separates nothing", told, limits=True)
    told = bounds(row["difference_lower"], row["difference_upper"])
    if interval := bounds(row["adjusted_lower"], row["adjusted_upper"]):
        told += f"; {signed(row['adjusted'])}{interval} at equal {ADJUSTED}"
    if row["text_after"] > row["text_before"]:
        lengths = whole(row["text_after"]), whole(row["text_before"])
        told += ". Later cases carry more text (median {} against {} characters)".format(*lengths)
    lead = f"{name}: {signed(row['difference'])} percentage points after {day}"
    return Finding(lead, f"{told}.{undated}")
