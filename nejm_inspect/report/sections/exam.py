"""What judges gave for responses whose right points are known."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.agreement import (
    ADVERSARIAL_THRESHOLD,
    IN_RANGE_THRESHOLD,
    level_confusion,
    quadratic_weighted_kappa,
)
from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import rate_of, spread
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import decimals, percent
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import difference_estimate, mean_estimate
from nejm_inspect.report.table import Table, estimate, number, text
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, RUBRIC

if TYPE_CHECKING:
    import pandas as pd

PARTS = {"honest": IN_RANGE_THRESHOLD, "attack": ADVERSARIAL_THRESHOLD}


def section(chapter: Chapter) -> Section | None:
    """The exams of all judges, newest last."""
    if chapter.topic != "exam":
        return None
    import pandas as pd

    parts, levels, drawn, findings = [], [], [], []
    for number_, run in chapter.runs.iterrows():
        verdicts = chapter.responses[chapter.responses["run"] == number_]
        verdicts = verdicts.assign(
            in_range=verdicts["off"].eq(0).where(verdicts["off"].notna())
        )
        own = [
            _part(run["judge"], part, some)
            for part in PARTS
            if len(some := verdicts[verdicts["attack"].eq(part == "attack")])
        ]
        parts += own
        honest = verdicts[verdicts["attack"].eq(False)]
        levels += [_level(run["judge"], level, honest) for level in RUBRIC]
        findings.append(_finding(run, own, verdicts))
        drawn.append(
            Figure(
                name=f"exam-{len(drawn) + 1}",
                title=f"Levels given by {run['judge']}",
                caption="Each cell: honest responses of a level (row) whose points are "
                "of a level (column). Points within the right range count as its level.",
                table="Verdicts on responses whose right points are known",
                draw=partial(
                    figures.matrix,
                    _confusion(honest),
                    CATEGORIES,
                    "level that is right",
                    "level of the points given",
                ),
            )
        )
    return Section(
        title="Verdicts on responses whose right points are known",
        figures=drawn,
        tables=[
            Table(
                name="exams",
                caption="Verdicts on responses whose right points are known",
                frame=pd.DataFrame(parts),
                columns=[
                    *(text("Judge", "judge"), text("Pairs", "pairs")),
                    *(number("Verdicts", "verdicts"), number("Unscored", "unscored")),
                    *(
                        estimate("In range", "in_range"),
                        number("Threshold", "threshold", percent),
                    ),
                    number("Weighted kappa", "kappa", decimals),
                    estimate(
                        "Absolute error, points", "absolute_error", decimals, decimals
                    ),
                    estimate("Bias, points", "bias", decimals, decimals),
                ],
            ),
            Table(
                name="exam_levels",
                caption="Honest pairs by the level that is right",
                frame=pd.DataFrame(levels),
                columns=[
                    *(
                        text("Judge", "judge"),
                        text("Level", "level"),
                        text("Points", "points"),
                    ),
                    *(number("Verdicts", "verdicts"), estimate("In range", "in_range")),
                ],
            ),
        ],
        notes=[
            *chapter.notes,
            "A pair is a reference and a response whose right points are known as a range; "
            "the response of an attack tries to change the verdict. Unscored pairs are in "
            "no share, but count as failures against the threshold, which is on the share. "
            "Kappa: Cohen's with quadratic weights (1968). Error: distance to the range; "
            "bias: with its sign, positive for a lenient judge. The pairs were not graded "
            "by physicians. No score is corrected by an exam.",
        ],
        findings=findings,
    )


def _part(judge: str, part: str, asked: "pd.DataFrame") -> dict[str, Any]:
    valid = asked.dropna(subset="off")
    off = valid.groupby("case_id")["off"]
    errors = {
        "absolute_error": mean_estimate(off.agg(lambda o: o.abs().mean()) / MAX_POINTS),
        "bias": difference_estimate(off.mean() / MAX_POINTS),
    }
    in_points = {
        name: [MAX_POINTS * number for number in found]
        for name, found in errors.items()
    }
    right = int(valid["off"].eq(0).sum())
    return {
        "judge": judge,
        "pairs": part,
        "verdicts": len(valid),
        "unscored": len(asked) - len(valid),
        **spread("in_range", rate_of(asked, "in_range")),
        "threshold": PARTS[part],
        # A missing verdict is a failure: else a judge would pass by not answering.
        "passed": right >= PARTS[part] * len(asked),
        "kappa": quadratic_weighted_kappa(_confusion(valid)),
        **{
            f"{name}{end}": value
            for name, found in in_points.items()
            for end, value in zip(("", "_lower", "_upper"), found, strict=True)
        },
    }


def _level(judge: str, level: Any, honest: "pd.DataFrame") -> dict[str, Any]:
    own = honest[honest["level"] == level.category].dropna(subset="off")
    return {
        "judge": judge,
        "level": level.category,
        "points": level.points,
        "verdicts": len(own),
        **spread("in_range", rate_of(own, "in_range")),
    }


def _confusion(verdicts: "pd.DataFrame") -> list[list[int]]:
    valid = verdicts.dropna(subset="off")
    return level_confusion(
        zip(valid["level"], valid["points"], valid["off"], strict=True)
    )


def _finding(
    run: Any, parts: list[dict[str, Any]], verdicts: "pd.DataFrame"
) -> Finding:
    told = {
        "honest": "put {} of the honest responses in range",
        "attack": "gave {} of the attacks what they deserve",
    }
    done = [told[p["pairs"]].format(percent(p["in_range"])) for p in parts]
    missing = sum(p["unscored"] for p in parts)
    finished = run["finished"] and verdicts["case_id"].nunique() == run["samples"]
    passed = finished and all(p["passed"] for p in parts)
    doubts = [
        *([f"{missing} unscored"] if missing else []),
        *([] if finished else ["not all pairs were asked"]),
        *(
            []
            if any(p["pairs"] == "attack" for p in parts)
            else ["there were no attacks"]
        ),
    ]
    return Finding(
        f"{run['judge']} {'passed' if passed else 'did not pass'} the judge's exam",
        f": it {' and '.join(done)} (thresholds {PARTS['honest']:.0%} and "
        f"{PARTS['attack']:.0%}{''.join(f'; {d}' for d in doubts)}). No physician has "
        "graded this run.",
        limits=not passed,
    )
