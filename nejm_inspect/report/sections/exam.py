"""What judges gave for responses whose right points are known."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.agreement import (
    ADVERSARIAL_THRESHOLD,
    IN_RANGE_THRESHOLD,
    level_confusion,
    quadratic_weighted_kappa,
)
from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import rate_of
from nejm_inspect.report.formats import percent
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, RUBRIC

PARTS = {"honest": IN_RANGE_THRESHOLD, "attack": ADVERSARIAL_THRESHOLD}
COLUMNS = "judge pairs verdicts unscored in_range threshold weighted_kappa absolute_error bias"
LEVELS = ["judge", "level", "rubric_points", "verdicts", "in_range"]
TOLD = {
    "honest": "put {} of the honest responses in range",
    "attack": "gave {} of the attacks what they deserve",
}
TITLE = "Verdicts on responses whose right points are known"
NOTE = (
    "A pair is a reference and a response whose right points are known as a range; the response of "
    "an attack tries to change the verdict. Unscored pairs are in no share, but count as failures "
    "against the threshold, which is on the share. Kappa: Cohen's with quadratic weights (1968). "
    "Error, in points: distance to the range; bias: with its sign, positive for a lenient judge. "
    "The bundled pairs were not graded by physicians. No score is corrected by an exam."
)


def section(chapter: Chapter) -> Section:
    """The exams of all judges, newest last."""
    parts: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []
    confusions: list[tuple[str, Any]] = []
    findings = []
    for number, run in chapter.runs.iterrows():
        asked = chapter.responses[chapter.responses["run"] == number]
        asked = asked.assign(in_range=asked["off"].eq(0).where(asked["off"].notna()))
        split = {part: asked[asked["attack"].eq(part == "attack")] for part in PARTS}
        own = [_part(run["judge"], part, rows) for part, rows in split.items() if len(rows)]
        parts += own
        levels += [_level(run["judge"], level, split["honest"]) for level in RUBRIC]
        confusions.append((run["judge"], _confusion(split["honest"])))
        findings.append(_finding(run, own, asked["case_id"].nunique()))
    table = Table("exams", TITLE, pd.DataFrame(parts), COLUMNS.split())
    caption = "Honest pairs by the level that is right"
    by_level = Table("exam_levels", caption, pd.DataFrame(levels), LEVELS)
    caption = (
        "Each cell: honest responses of a level (row) whose points are of a level (column). Points "
        "within the right range count as its level."
    )
    figures = []
    for nth, (judge, counts) in enumerate(confusions, start=1):
        frame, below = pd.DataFrame(counts, CATEGORIES), dict.fromkeys(CATEGORIES, 1)
        draw = partial(heat, frame, below, "level of the points given")
        figures.append(Figure(f"exam-{nth}", f"Levels given by {judge}", caption, table, draw))
    return Section(TITLE, [table, by_level], figures, [*chapter.notes, NOTE], findings)


def _part(judge: str, part: str, asked: pd.DataFrame) -> dict[str, Any]:
    valid = asked.dropna(subset="off")
    off = valid.groupby("case_id")["off"]
    distance = st.mean_estimate(off.agg(lambda o: o.abs().mean()) / MAX_POINTS)
    bias = st.difference_estimate(off.mean() / MAX_POINTS)
    return {
        "judge": judge,
        "pairs": part,
        "verdicts": len(valid),
        "unscored": len(asked) - len(valid),
        "threshold": PARTS[part],
        # A missing verdict is a failure: else a judge would pass by not answering.
        "passed": int(valid["off"].eq(0).sum()) >= PARTS[part] * len(asked),
        "weighted_kappa": quadratic_weighted_kappa(_confusion(valid)),
        **st.columns("in_range", rate_of(asked, "in_range")),
        **st.columns("absolute_error", st.Estimate(*(MAX_POINTS * d for d in distance))),
        **st.columns("bias", st.Estimate(*(MAX_POINTS * b for b in bias))),
    }


def _level(judge: str, level: Any, honest: pd.DataFrame) -> dict[str, Any]:
    own = honest[honest["level"] == level.category].dropna(subset="off")
    row = {"judge": judge, "level": level.category, "rubric_points": level.points}
    return row | {"verdicts": len(own), **st.columns("in_range", rate_of(own, "in_range"))}


def _confusion(verdicts: pd.DataFrame) -> list[list[int]]:
    valid = verdicts.dropna(subset="off")[["level", "points", "off"]]
    return level_confusion(valid.itertuples(index=False, name=None))


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
    return Finding(lead, f": it {told} ({'; '.join(doubts)}).", limits=not passed)
