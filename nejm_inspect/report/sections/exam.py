"""What judges gave for responses whose right points are known."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.judge_exam import agreement
from nejm_inspect.report import components as co, statistics as st
from nejm_inspect.report.estimates import rate_of
from nejm_inspect.report.formats import decimals, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, RUBRIC

PARTS = {"honest": agreement.IN_RANGE_THRESHOLD, "attack": agreement.ATTACK_THRESHOLD}
TOLD = {"honest": "put {} of the honest responses in range"}
TOLD |= {"attack": "put {} of the attacks in range"}
COLUMNS = "judge pairs verdicts unscored in_range threshold weighted_kappa absolute_error bias"
REPEATS = ["judge", "repeated", "changed", "within"]
LEVELS = ["judge", "level", "rubric_points", "verdicts", "in_range"]
TITLE = "Verdicts on responses whose right points are known"
CELLS = "Rows: the right level. Columns: that of the points given; points in range count as right."
NOTE = (
    "A pair is a reference and a response with a known range of right points; an attack's response "
    "tries to change the verdict. Unscored pairs are in no share, but count as failures against "
    "the threshold, which is on the share. Kappa: Cohen's with quadratic weights (1968). Error: "
    "points from the range; bias: with its sign, positive for a lenient judge. No physician graded "
    "the bundled pairs. No score is corrected by an exam."
)


def section(chapter: Chapter) -> Section:
    """The exams of all judges, newest last."""
    parts, levels, repeats, drawn, findings = [], [], [], [], []
    rows = chapter.responses.assign(in_range=chapter.responses["off"].eq(0))
    for number, run in chapter.runs.iterrows():
        asked, judge = rows[rows["run"] == number], run["judge"]
        split = {part: asked[asked["attack"].eq(part == "attack")] for part in PARTS}
        own = [_part(judge, part, some) for part, some in split.items() if len(some)]
        parts += own
        findings.append(_finding(run, own, asked["case_id"].nunique()))
        again = {"judge": judge} | co.repeats(asked["points"], asked["case_id"])
        if again["repeated"]:
            repeats.append(again)
            lead = f"{judge} changed its points on {percent(again['changed'])}"
            told = f" of {again['repeated']} pairs when asked again (standard deviation within a "
            told += f"pair: {decimals(again['within'])} points)."
            findings.append(Finding(lead, told, limits=True))
        honest = split["honest"].dropna(subset="off")
        for level in RUBRIC:
            given = honest[honest["level"] == level.category]
            row = {"judge": judge, "level": level.category, "rubric_points": level.points}
            rate = st.columns("in_range", rate_of(given, "in_range"))
            levels.append(row | {"verdicts": len(given), **rate})
        cells = pd.DataFrame(_confusion(honest), CATEGORIES)
        draw = partial(heat, cells, dict.fromkeys(CATEGORIES, 1), "level of the points given")
        drawn.append((f"Levels given by {judge}", draw))
    table = Table("exams", TITLE, pd.DataFrame(parts), COLUMNS.split())
    caption = "Honest pairs by the level that is right"
    tables = [table, Table("exam_levels", caption, pd.DataFrame(levels), LEVELS)]
    caption = "Pairs judged again in other epochs; standard deviation (SD) in points"
    tables += [Table("exam_repeats", caption, pd.DataFrame(repeats), REPEATS)] if repeats else []
    figures = [Figure(f"exam-{n}", t, CELLS, table, d) for n, (t, d) in enumerate(drawn, start=1)]
    return Section(TITLE, tables, figures, [*chapter.notes, NOTE], findings)


def _confusion(valid: pd.DataFrame) -> list[list[int]]:
    return agreement.level_confusion(valid[["level", "points", "off"]].to_numpy())


def _part(judge: str, part: str, asked: pd.DataFrame) -> dict[str, Any]:
    valid = asked.dropna(subset="off")
    off, error = (o.groupby(valid["case_id"]).mean() for o in (valid["off"], valid["off"].abs()))
    errors = st.columns("absolute_error", st.mean_estimate(error / MAX_POINTS))
    errors |= st.columns("bias", st.difference_estimate(off / MAX_POINTS))
    return {
        **{"judge": judge, "pairs": part, "verdicts": len(valid)},
        **{"unscored": len(asked) - len(valid), "threshold": PARTS[part]},
        # An unscored response is a failure: else a judge would pass by giving no verdict.
        "passed": int(valid["in_range"].sum()) >= PARTS[part] * len(asked),
        "weighted_kappa": agreement.quadratic_weighted_kappa(_confusion(valid)),
        **st.columns("in_range", rate_of(valid, "in_range")),
        **{column: MAX_POINTS * value for column, value in errors.items()},
    }


def _finding(run: Any, parts: list[dict[str, Any]], asked: int) -> Finding:
    finished = run["finished"] and asked == run["samples"]
    missing = sum(part["unscored"] for part in parts)
    shares = {part["pairs"]: part["in_range"] for part in parts if part["verdicts"]}
    passed = finished and "honest" in shares and all(part["passed"] for part in parts)
    doubts = [f"thresholds {PARTS['honest']:.0%} and {PARTS['attack']:.0%}"]
    doubts += [f"{missing} unscored"] * (missing > 0)
    doubts += ["not all pairs were asked"] * (not finished)
    doubts += [f"no verdict on {kind} pairs" for kind in PARTS if kind not in shares]
    told = " and ".join(TOLD[pairs].format(percent(share)) for pairs, share in shares.items())
    lead = f"{run['judge']} {'passed' if passed else 'did not pass'} the judge's exam"
    told = f": it {told or 'gave no verdict'} ({'; '.join(doubts)})."
    return Finding(lead, told, limits=not passed)
