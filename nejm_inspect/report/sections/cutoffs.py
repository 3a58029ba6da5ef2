"""Scores on cases published before a model's training cut-off, and after."""

import datetime
import math
from functools import partial
from typing import Any

from nejm_inspect.report import figures
from nejm_inspect.report import statistics as st
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import spread
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import bounds, percent, signed, whole
from nejm_inspect.report.regression import adjusted_difference
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import Table, estimate, model, number, text

ADJUSTED = "Brier score, length of text and question type"


def section(chapter: Chapter) -> Section | None:
    """The models whose cut-off is given."""
    import pandas as pd

    cutoffs = chapter.options.cutoffs or {}
    if chapter.topic != "models":
        return None
    rows = [
        _split(chapter, name, day)
        for name in chapter.models
        for given, day in cutoffs.items()
        if given in (name, chapter.of(name)["model"].iloc[0])
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    sides = [
        {"label": row["name"], "key": side, "colour": row["colour"], "value": row[at]}
        | {end: row[f"{at}_{end}"] for end in ("lower", "upper")}
        for row in rows
        for side, at in (("up to the cut-off", "earlier"), ("after it", "later"))
    ]
    table = Table(
        name="cutoffs",
        caption="Scores on cases published up to the cut-off and after, and the "
        "differences in percentage points",
        frame=frame,
        columns=[
            *(
                model(),
                text("Cut-off", "cutoff"),
                number("Cases up to it", "earlier_cases"),
            ),
            *(
                estimate("Score", "earlier"),
                number("Readers", "earlier_readers", percent),
            ),
            *(number("Cases after", "later_cases"), estimate("Score", "later")),
            number("Readers", "later_readers", percent),
            number("Text before, characters", "earlier_text"),
            number("Text after", "later_text"),
            estimate("Later less earlier", "difference", signed),
            estimate("Adjusted", "adjusted", signed),
        ],
    )
    return Section(
        title="Before and after the training cut-off",
        lead="A lower score after the cut-off is compatible with contamination, that is "
        "with cases seen in training. But later cases differ: they carry more text, and "
        "may be harder.",
        figures=[
            Figure(
                name="cutoffs",
                title="Scores before and after the cut-off",
                caption="With 95% intervals; the two sides are different cases.",
                table=table.caption,
                draw=partial(
                    figures.dots, pd.DataFrame(sides), percent, axis="score, %"
                ),
            )
        ],
        tables=[table],
        notes=[
            f"Adjusted: at equal {ADJUSTED}, by linear regression with standard errors "
            "clustered by case. Cut-offs are as given. Text: median length.",
        ],
        findings=[_finding(row) for row in rows],
    )


def _split(chapter: Chapter, name: str, cutoff: datetime.date) -> dict[str, Any]:
    cases = chapter.cases.assign(share=chapter.shares[name])
    own = chapter.responses[chapter.responses["name"] == name].groupby("case_id")
    cases["length"] = own["history_length"].first()
    cases["day"] = cases["date"].map(_date)
    dated = cases.dropna(subset=["share", "day"])
    later = dated["day"] > cutoff
    found: dict[str, Any] = {
        "name": name,
        "colour": chapter.colour(name),
        "cutoff": cutoff.isoformat(),
        "undated": int(cases["share"].notna().sum() - len(dated)),
    }
    for side, rows in (("earlier", dated[~later]), ("later", dated[later])):
        found |= {
            f"{side}_cases": len(rows),
            **spread(side, _score(chapter, rows["share"])),
            f"{side}_readers": rows["reader_accuracy"].astype(float).mean(),
            f"{side}_text": rows["length"].median(),
        }
    known = dated.dropna(subset=["brier_score", "length", "question_type"])
    covariates = [
        [float(brier), math.log1p(length), kind == "diagnosis"]
        for brier, length, kind in zip(
            *(known[c] for c in ("brier_score", "length", "question_type")), strict=True
        )
    ]
    apart = st.independent_difference(dated["share"][later], dated["share"][~later])
    adjusted = (
        adjusted_difference(known["share"], later[known.index], covariates, known.index)
        if len(known)
        else st.Estimate(math.nan)
    )
    return found | spread("difference", apart) | spread("adjusted", adjusted)


def _score(chapter: Chapter, shares: Any) -> st.Estimate:
    if chapter.is_choice and shares.isin([0, 1]).all():
        return st.rate_estimate(shares == 1, shares.index)
    return st.mean_estimate(shares)


def _date(text: object) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:  # others' datasets write dates as they like
        return None


def _finding(row: dict[str, Any]) -> Finding:
    name, day = row["name"], row["cutoff"]
    if not (row["earlier_cases"] and row["later_cases"]):
        return Finding(
            f"{name}: its cut-off {day} separates nothing",
            f" ({row['earlier_cases']} scored cases before it, {row['later_cases']} "
            f"after, {row['undated']} without a date).",
            limits=True,
        )
    interval = bounds(row["difference_lower"], row["difference_upper"])
    adjusted = bounds(row["adjusted_lower"], row["adjusted_upper"])
    return Finding(
        f"{name}: {signed(row['difference'])} percentage points after {day}",
        f" {interval}".rstrip()
        + (
            f"; {signed(row['adjusted'])} {adjusted} at equal {ADJUSTED}"
            if adjusted
            else ""
        )
        + f". Later cases carry more text (median {whole(row['later_text'])} against "
        f"{whole(row['earlier_text'])} characters)."
        * (row["later_text"] > row["earlier_text"]),
    )
