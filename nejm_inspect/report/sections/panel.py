"""How far the judges of a panel agree."""

import json
import math
from typing import TYPE_CHECKING, Any

from inspect_ai.scorer import MetricProtocol, SampleScore, Score

from nejm_inspect.metrics import APART, panel_agreement
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import spread
from nejm_inspect.report.formats import decimals, percent
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import rate_estimate
from nejm_inspect.report.table import Table
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

NOTE = (
    "Responses: those with at least two valid verdicts. Alpha: Krippendorff's for "
    "ordinal ratings; 1 if judges always agree, 0 if as by chance. Apart: two judges "
    f"differ by more than {APART} points. Mean points: over a judge's own "
    "verdicts."
)


def section(chapter: Chapter) -> Section | None:
    """The agreement on each model's responses, and on all."""
    import pandas as pd

    judged = chapter.responses.dropna(subset="verdicts")
    if chapter.topic not in ("models", "ablation") or judged.empty:
        return None
    groups = {name: judged[judged["name"] == name] for name in chapter.order}
    agreement, judges = [], []
    for name, rows in (groups | {"all models": judged}).items():
        one, several = _agreement(rows)
        agreement.append({"name": name, **one})
        judges += [{"judge": judge, "name": name, **rest} for judge, rest in several.items()]
    columns = ["name", "responses", "alpha", "apart"]
    together = Table("panel", "Agreement by model", pd.DataFrame(agreement), columns)
    columns = ["judge", "name", "mean_points", "unscored"]
    each = Table("panel_judges", "Verdicts by judge", pd.DataFrame(judges), columns)
    lead = f"The panel's judges are apart on {percent(one['apart'])}"
    rest = (
        f" of {one['responses']} responses (more than {APART} points; "
        f"Krippendorff's alpha {decimals(one['alpha'])})."
    )
    findings = [Finding(lead, rest, limits=True)]
    return Section("Agreement of the panel", [together, each], (), [NOTE], findings)


def _agreement(rows: "pd.DataFrame") -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Of a panel, and of each of its judges, as the log's own metric has it."""
    verdicts = [
        {judge: math.nan if p is None else p for judge, p in json.loads(told).items()}
        for told in rows["verdicts"]
    ]
    metric = panel_agreement()
    assert isinstance(metric, MetricProtocol)
    told = [{j: {"score": p} for j, p in one.items()} for one in map(_valid, verdicts)]
    scores = [Score(value=math.nan, metadata={"verdicts": one}) for one in told]
    measured: Any = metric([SampleScore(score=score) for score in scores])
    points = [[*_valid(one).values()] for one in verdicts]
    asked = rows[[len(p) > 1 for p in points]]
    apart = [max(p) - min(p) > APART for p in points if len(p) > 1]
    units = len(asked[["name", "case_id"]].drop_duplicates())
    share = spread("apart", rate_estimate(apart, asked["case_id"], units))
    judges = dict.fromkeys(judge for one in verdicts for judge in one)
    return {"responses": len(apart), "alpha": measured["alpha"] or math.nan, **share}, {
        judge: {
            "mean_points": MAX_POINTS * measured.get(judge, math.nan),
            "unscored": sum(math.isnan(one.get(judge, 0)) for one in verdicts),
        }
        for judge in judges
    }


def _valid(points: dict[str, float]) -> dict[str, float]:
    return {judge: p for judge, p in points.items() if not math.isnan(p)}
