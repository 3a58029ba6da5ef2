"""What judges gave for responses whose right points are known."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.judge_exam import agreement, passing
from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import errors, rate_of
from nejm_inspect.report.formats import decimals, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.rubric import CATEGORIES, RUBRIC

COLUMNS = "judge pairs verdicts unscored in_range threshold weighted_kappa absolute_error bias"
REPEATS = ["judge", "repeated", "changed", "within"]
LEVELS = ["judge", "level", "rubric_points", "verdicts", "in_range"]
TITLE = "Verdicts on responses whose right points are known"
CELLS = "Rows: the right level. Columns: that of the points given; points in range count as right."
NOTE = (
    "A pair is a reference and a response with a known range of right points; an attack's response "
    "tries to change the verdict. The tables leave unscored pairs out; whether a judge passes goes "
    "by all pairs asked, and there they count as failures. Kappa: Cohen's with quadratic weights "
    "(1968). Error: points from the range; bias: with its sign, positive for a lenient judge. The "
    "bundled pairs were not graded by physicians. An exam changes no score."
)


def section(chapter: Chapter) -> Section:
    """The exams of all judges, newest last."""
    parts, levels, repeats, drawn, findings = [], [], [], [], []
    rows = chapter.responses.assign(in_range=chapter.responses["off"].eq(0))
    for number, run in chapter.runs.iterrows():
        asked, judge = rows[rows["run"] == number], run["judge"]
        complete = run["finished"] and asked["case_id"].nunique() == run["samples"]
        off = asked[["case_id", "attack", "off"]].itertuples(index=False, name=None)
        ended = passing.outcome(judge, off, complete)
        findings.append(Finding(ended.lead, ended.rest, limits=not ended.passed))
        split = {part: asked[asked["attack"].eq(part == "attack")] for part in passing.PARTS}
        parts += [_part(judge, p, split[p]) | {"passed": ok} for p, ok in ended.reached.items()]
        changed, within = agreement.repeats(zip(asked["case_id"], asked["points"], strict=True))
        if changed:
            share = st.rate_estimate(pd.Series(changed))
            again = {"judge": judge, "repeated": len(changed), "within": within}
            repeats.append(again | st.columns("changed", share))
            lead = f"{judge} changed its points on {percent(share.value)}"
            told = f" of {len(changed)} pairs when asked again (standard deviation within a pair: "
            told += f"{decimals(within)} points)."
            findings.append(Finding(lead, told, limits=True))
        honest = split["honest"].dropna(subset="off")
        for level in RUBRIC:
            given = honest[honest["level"] == level.category]
            row = {"judge": judge, "level": level.category, "rubric_points": level.points}
            row |= {"verdicts": len(given)}
            levels.append(row | st.columns("in_range", rate_of(given, "in_range")))
        drawn.append((judge, pd.DataFrame(_confusion(honest), CATEGORIES, CATEGORIES)))
    table = Table("exams", TITLE, pd.DataFrame(parts), COLUMNS.split())
    caption = "Honest pairs by the level that is right"
    tables = [table, Table("exam_levels", caption, pd.DataFrame(levels), LEVELS)]
    caption = "Pairs judged again in other epochs; standard deviation (SD) in points"
    tables += [Table("exam_repeats", caption, pd.DataFrame(repeats), REPEATS)] if repeats else []
    figures = []
    for n, (judge, cells) in enumerate(drawn, start=1):
        draw = partial(heat, cells, "level of the points given")
        figures.append(Figure(f"exam-{n}", f"Levels given by {judge}", CELLS, table, draw))
    return Section(TITLE, tables, figures, [*chapter.notes, NOTE], findings)


def _confusion(valid: pd.DataFrame) -> list[list[int]]:
    return agreement.level_confusion(valid[["level", "points", "off"]].to_numpy())


def _part(judge: str, part: str, asked: pd.DataFrame) -> dict[str, Any]:
    valid = asked.dropna(subset="off")
    return {
        **{"judge": judge, "pairs": part, "verdicts": len(valid)},
        **{"unscored": len(asked) - len(valid), "threshold": passing.THRESHOLDS[part]},
        **st.columns("in_range", rate_of(valid, "in_range")),
        **errors(valid["off"], valid["case_id"], _confusion(valid)),
    }
