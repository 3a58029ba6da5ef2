"""How far the judges of a panel agree."""

import json
import math
from typing import TYPE_CHECKING, Any

from inspect_ai.scorer import MetricProtocol, SampleScore, Score

from nejm_inspect.metrics import DISAGREEMENT, panel_agreement
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import spread
from nejm_inspect.report.formats import decimals, percent
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import rate_estimate
from nejm_inspect.report.table import Table, estimate, model, number
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

ALL = "all models"


def section(chapter: Chapter) -> Section | None:
    """The agreement on each model's responses, and on all."""
    import pandas as pd

    judged = chapter.responses.dropna(subset="verdicts")
    if chapter.topic not in ("models", "ablation") or judged.empty:
        return None
    groups = [(n, judged[judged["name"] == n]) for n in chapter.order]
    if len(groups) > 1:
        groups.append((ALL, judged))
    agreement, judges = [], []
    for name, rows in groups:
        one, several = _agreement(rows)
        key = {} if name == ALL else {"colour": chapter.colour(name)}
        agreement.append({"name": name, **key, **one})
        judges += [
            {"judge": judge, "name": name, **key, **rest}
            for judge, rest in several.items()
        ]
    last = agreement[-1]
    return Section(
        title="Agreement of the panel",
        tables=[
            Table(
                name="panel",
                caption="Agreement by model",
                frame=pd.DataFrame(agreement),
                columns=[
                    *(model(), number("Responses", "responses")),
                    *(number("Alpha", "alpha", decimals), estimate("Apart", "apart")),
                ],
            ),
            Table(
                name="panel_judges",
                caption="Verdicts by judge",
                frame=pd.DataFrame(judges),
                columns=[
                    *(model("Judge", "judge"), model()),
                    number("Mean points", "mean_points", decimals),
                    number("Unscored", "unscored"),
                ],
            ),
        ],
        notes=[
            "Responses: those with at least two valid verdicts. Alpha: Krippendorff's for "
            "ordinal ratings; 1 if judges always agree, 0 if as by chance. Apart: two "
            f"judges differ by more than {DISAGREEMENT} points. Mean points: over a "
            "judge's own verdicts."
        ],
        findings=[
            Finding(
                f"The panel's judges are apart on {percent(last['apart'])}",
                f" of {last['responses']} responses (more than {DISAGREEMENT} points; "
                f"Krippendorff's alpha {decimals(last['alpha'])}).",
                limits=True,
            )
        ],
    )


def _agreement(
    rows: "pd.DataFrame",
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Of a panel, and of each of its judges, as the log's own metric has it."""
    verdicts = [
        {judge: math.nan if p is None else p for judge, p in json.loads(told).items()}
        for told in rows["verdicts"]
    ]
    metric = panel_agreement()
    assert isinstance(metric, MetricProtocol)
    measured: Any = metric([SampleScore(score=Score(value=one)) for one in verdicts])
    points = [[p for p in one.values() if not math.isnan(p)] for one in verdicts]
    shared = [len(p) > 1 for p in points]
    apart = [max(p) - min(p) > DISAGREEMENT for p in points if len(p) > 1]
    asked = rows[shared]
    together = {
        "responses": len(apart),
        "alpha": measured["alpha"],
        **spread(
            "apart",
            rate_estimate(
                apart,
                asked["case_id"],
                len(asked[["name", "case_id"]].drop_duplicates()),
            ),
        ),
    }
    judges = dict.fromkeys(judge for one in verdicts for judge in one)
    return together, {
        judge: {
            "mean_points": MAX_POINTS * measured.get(judge, math.nan),
            "unscored": sum(math.isnan(one.get(judge, 0)) for one in verdicts),
        }
        for judge in judges
    }
