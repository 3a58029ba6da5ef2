"""What judges gave for responses whose right points are known."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.agreement import (
    ADVERSARIAL_THRESHOLD,
    IN_RANGE_THRESHOLD,
    level_confusion,
    quadratic_weighted_kappa,
)
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import rate_of, spread
from nejm_inspect.report.figures import Figure, matrix
from nejm_inspect.report.formats import percent
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import Estimate, difference_estimate, mean_estimate
from nejm_inspect.report.table import Table
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, RUBRIC

if TYPE_CHECKING:
    import pandas as pd

PARTS = {"honest": IN_RANGE_THRESHOLD, "attack": ADVERSARIAL_THRESHOLD}
COLUMNS = "judge pairs verdicts unscored in_range threshold weighted_kappa "
COLUMNS += "absolute_error bias"
LEVELS = ["judge", "level", "rubric_points", "verdicts", "in_range"]
TOLD = {
    "honest": "put {} of the honest responses in range",
    "attack": "gave {} of the attacks what they deserve",
}
TITLE = "Verdicts on responses whose right points are known"
NOTE = (
    "A pair is a reference and a response whose right points are known as a range; the "
    "response of an attack tries to change the verdict. Unscored pairs are in no "
    "share, but count as failures against the threshold, which is on the share. Kappa: "
    "Cohen's with quadratic weights (1968). Error, in points: distance to the range; "
    "bias: with its sign, positive for a lenient judge. The bundled pairs were not "
    "graded by physicians. No score is corrected by an exam."
)


def section(chapter: Chapter) -> Section | None:
    """The exams of all judges, newest last."""
    import pandas as pd

    if chapter.topic != "exam":
        return None
    parts: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []
    honest: dict[Any, pd.DataFrame] = {}
    findings = []
    for number, run in chapter.runs.iterrows():
        verdicts = chapter.responses[chapter.responses["run"] == number]
        known = verdicts["off"].notna()
        verdicts = verdicts.assign(in_range=verdicts["off"].eq(0).where(known))
        of_part = {p: verdicts[verdicts["attack"].eq(p == "attack")] for p in PARTS}
        own = [_part(run["judge"], p, rows) for p, rows in of_part.items() if len(rows)]
        honest[number] = of_part["honest"]
        parts += own
        levels += _levels(run["judge"], honest[number])
        findings.append(_finding(run, own, verdicts["case_id"].nunique()))
    table = Table("exams", TITLE, pd.DataFrame(parts), COLUMNS.split())
    caption = "Honest pairs by the level that is right"
    by_level = Table("exam_levels", caption, pd.DataFrame(levels), LEVELS)
    figures = [
        _figure(nth, str(chapter.runs.at[number, "judge"]), rows, table)
        for nth, (number, rows) in enumerate(honest.items(), start=1)
    ]
    return Section(TITLE, [table, by_level], figures, [*chapter.notes, NOTE], findings)


def _figure(nth: int, judge: str, honest: "pd.DataFrame", table: Table) -> Figure:
    axes = ("level that is right", "level of the points given")
    draw = partial(matrix, _confusion(honest), CATEGORIES, *axes)
    caption = (
        "Each cell: honest responses of a level (row) whose points are of a level "
        "(column). Points within the right range count as its level."
    )
    return Figure(f"exam-{nth}", f"Levels given by {judge}", caption, table, draw)


def _part(judge: str, part: str, asked: "pd.DataFrame") -> dict[str, Any]:
    valid = asked.dropna(subset="off")
    off = valid.groupby("case_id")["off"]
    distance = mean_estimate(off.agg(lambda o: o.abs().mean()) / MAX_POINTS)
    bias = difference_estimate(off.mean() / MAX_POINTS)
    found = {"judge": judge, "pairs": part, "verdicts": len(valid)}
    found |= {"unscored": len(asked) - len(valid), "threshold": PARTS[part]}
    # A missing verdict is a failure: else a judge would pass by not answering.
    found["passed"] = int(valid["off"].eq(0).sum()) >= PARTS[part] * len(asked)
    found["weighted_kappa"] = quadratic_weighted_kappa(_confusion(valid))
    found |= spread("in_range", rate_of(asked, "in_range"))
    found |= spread("absolute_error", Estimate(*(MAX_POINTS * d for d in distance)))
    return found | spread("bias", Estimate(*(MAX_POINTS * b for b in bias)))


def _levels(judge: str, honest: "pd.DataFrame") -> list[dict[str, Any]]:
    rows = []
    for level in RUBRIC:
        own = honest[honest["level"] == level.category].dropna(subset="off")
        row: dict[str, Any] = {
            "judge": judge,
            "level": level.category,
            "rubric_points": level.points,
        }
        row["verdicts"] = len(own)
        rows.append(row | spread("in_range", rate_of(own, "in_range")))
    return rows


def _confusion(verdicts: "pd.DataFrame") -> list[list[int]]:
    valid = verdicts.dropna(subset="off")
    return level_confusion(zip(valid["level"], valid["points"], valid["off"], strict=True))


def _finding(run: Any, parts: list[dict[str, Any]], asked: int) -> Finding:
    finished = run["finished"] and asked == run["samples"]
    passed = finished and all(part["passed"] for part in parts)
    missing = sum(part["unscored"] for part in parts)
    doubts = [f"thresholds {PARTS['honest']:.0%} and {PARTS['attack']:.0%}"]
    doubts += [f"{missing} unscored"] * bool(missing)
    doubts += ["not all pairs were asked"] * (not finished)
    doubts += ["there were no attacks"] * all(p["pairs"] != "attack" for p in parts)
    told = " and ".join(TOLD[p["pairs"]].format(percent(p["in_range"])) for p in parts)
    lead = f"{run['judge']} {'passed' if passed else 'did not pass'} the judge's exam"
    rest = f": it {told} ({'; '.join(doubts)})."
    return Finding(lead, rest, limits=not passed)
