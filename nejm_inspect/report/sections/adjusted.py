"""Scores adjusted to what physicians gave for randomly drawn responses."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.report import adjusting as adj, statistics as st
from nejm_inspect.report.estimates import RESPONSE, graded, rate_of, score_of
from nejm_inspect.report.formats import bounds, counted, listing, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots
from nejm_inspect.rubric import MAX_POINTS

TITLE = "Adjusted scores"
VALUES = {"overall": "by the judge", "overall_adjusted": "adjusted to physicians"}
COLUMNS = "name graded judged overall overall_adjusted exact exact_adjusted"
NOTES = [
    "Adjusted: what physicians would have given, estimated for each model from their grades of "
    "randomly drawn responses and the judge's points for all. Overall: prediction-powered "
    "inference (PPI++, arXiv 2311.01453). Exact: by the judge's sensitivity and specificity (Rogan "
    "and Gladen 1978, interval by Lang and Reiczigel 2014); not shown with fewer than "
    f"{adj.LEAST} graded responses that physicians find exact, or not exact, or if the judge is no "
    "better than chance.",
    "Adjusted intervals include the judge's errors; in simulations those of the overall score hold "
    "the truth in 95–98% with 50 to 200 grades of a model. They do not include how far other "
    "physicians would differ.",
]
JUDGED = (
    "Judged: cases with a diagnosis to judge. The others have 0 points by rule; the intervals "
    "allow for their number."
)


def section(chapter: Chapter) -> Section | None:
    """Adjusted scores of the models that have enough grades."""
    found = graded(chapter)
    if found.empty:
        return None
    own = {name: found[found["name"] == name] for name in chapter.models}
    enough = [name for name, some in own.items() if some["case_id"].nunique() >= MIN_CASES]
    findings = [*_too_few(own), *_without_points(chapter)]
    if not enough:
        lead = f"Adjusted scores need grades of {MIN_CASES} cases or more, which no model has."
        return Section(TITLE, findings=findings, lead=lead)
    frame = pd.DataFrame(_row(chapter, name, own[name]) for name in enough)
    shown = [c for c in COLUMNS.split() if c != "judged" or frame["judged"].min() < 1]
    notes = NOTES + [JUDGED] * ("judged" in shown)
    table = Table("adjusted", "Scores by the judge, and adjusted", frame, shown)
    title = "Overall scores by the judge and adjusted, with 95% intervals"
    draw = partial(dots, frame, VALUES, percent, "overall score, %")
    caption = "The judge's intervals do not include its errors; the adjusted ones do."
    findings.insert(0, _highest(frame))
    figure = Figure("adjusted", title, caption, table, draw)
    return Section(TITLE, [table], [figure], notes, findings)


def _row(chapter: Chapter, name: str, own: pd.DataFrame) -> dict[str, Any]:
    rows = chapter.responses[chapter.responses["name"] == name].dropna(subset="points")
    asked = rows["attempts"] > 0
    # Responses without a diagnosis have 0 points by rule: a case's other ones weigh less.
    weight = asked.groupby(rows["case_id"]).mean()
    share, cases = float((weight > 0).mean()), len(weight)
    by_judge = rows["points"].where(asked).groupby(rows["case_id"]).mean() / MAX_POINTS
    others = (by_judge * weight).drop(own["case_id"].unique()).dropna()
    both = own.groupby("case_id")[["physicians", "points"]].mean() / MAX_POINTS
    both = both.mul(weight[both.index], axis="index")
    overall = adj.adjusted_mean(both["physicians"], both["points"], others)
    exact = own["physicians"] == MAX_POINTS, own["exact"].astype(bool)
    rate = adj.rogan_gladen(rate_of(rows[asked], "exact").value, int((weight > 0).sum()), *exact)
    return {
        **{"name": name, "colour": chapter.colour(name), "graded": len(own), "judged": share},
        **st.columns("overall", score_of(rows, MAX_POINTS)),
        **st.columns("overall_adjusted", adj.of_all(overall, share, cases)),
        **st.columns("exact", rate_of(rows, "exact")),
        **st.columns("exact_adjusted", adj.of_all(rate, float(asked.mean()), cases)),
    }


def _highest(frame: pd.DataFrame) -> Finding:
    """The model with the highest adjusted score, and the judge's first if it is another."""
    first, best = (frame.nlargest(1, column).iloc[0] for column in VALUES)
    verb = "has the highest score," if len(frame) > 1 else "scores"
    lead = f"Adjusted to physicians' grades, {best['name']} {verb} "
    lead += percent(best["overall_adjusted"])
    told = f"{bounds(best, 'overall_adjusted')}; by the judge alone {percent(best['overall'])}"
    told += f"{bounds(best, 'overall')}."
    if first["name"] != best["name"]:
        told += f" {first['name']}, first by the judge with {percent(first['overall'])}, has "
        told += f"{percent(first['overall_adjusted'])}{bounds(first, 'overall_adjusted')}."
    return Finding(lead, told)


def _too_few(own: dict[str, pd.DataFrame]) -> Iterator[Finding]:
    if few := [f"{len(own[name])} of {name}" for name in own if len(own[name]) < adj.ENOUGH]:
        told = f": {listing(few)}. With fewer than {adj.ENOUGH} of a model, adjusted intervals are "
        told += f"wide; a model with fewer than {MIN_CASES} graded cases has no adjusted score."
        yield Finding("Too few physicians' grades", told, limits=True)


def _without_points(chapter: Chapter) -> Iterator[Finding]:
    assert chapter.grades is not None
    drawn = chapter.grades.attrs["design"].responses
    given = chapter.grades.groupby(RESPONSE)["points"].count()
    waiting, unclear = drawn - len(given), int(given.eq(0).sum())
    if missing := waiting + unclear:
        lead = f"{missing} of {counted(drawn, 'drawn response')} have no points from physicians"
        why = {"not graded yet": waiting, "that raters cannot judge": unclear}
        told = listing(f"{number} {words}" for words, number in why.items() if number)
        rest = f" ({told}). Adjusted scores take them to be like the others."
        yield Finding(lead, rest, limits=True)
