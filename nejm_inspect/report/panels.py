"""How far the judges of a panel agree."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai.scorer import MetricProtocol, SampleScore, Score

from nejm_inspect.metrics import APART, panel_agreement
from nejm_inspect.report.contents import PanelJudge, PanelRow
from nejm_inspect.report.statistics import rate_estimate
from nejm_inspect.rubric import MAX_POINTS

ALL_MODELS = "all models"


def panel_rows(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], order: Sequence[str]
) -> list[PanelRow]:
    """The panel's agreement on the responses of each model, and of all.

    Args:
        rows: The responses by model, as `Entrant.rows` gives them.
        order: The models, best first.

    Returns:
        Nothing without a panel; with several models, a last row for all of them.
    """
    judged = {
        name: [row for row in rows[name] if row["votes"] is not None] for name in order
    }
    if len(order) > 1:
        judged[ALL_MODELS] = [row for name in order for row in judged[name]]
    return [_panel_row(name, found) for name, found in judged.items() if found]


def _panel_row(name: str, rows: Sequence[Mapping[str, Any]]) -> PanelRow:
    votes: list[Mapping[str, float | None]] = [row["votes"] for row in rows]
    judges = list(dict.fromkeys(judge for each in votes for judge in each))
    agreement = _agreement(votes)
    apart: dict[str, list[bool]] = {}
    for row in rows:
        points = [points for points in row["votes"].values() if points is not None]
        if len(points) > 1:
            far = max(points) - min(points) > APART
            apart.setdefault(row["case_id"], []).append(far)
    return PanelRow(
        model=name,
        responses=sum(map(len, apart.values())),
        alpha=agreement["alpha"],
        far_apart=rate_estimate(list(apart.values())),
        judges=[
            PanelJudge(
                judge=judge,
                model=name,
                mean_points=MAX_POINTS * agreement.get(judge, math.nan),
                withheld=sum(each.get(judge, 0) is None for each in votes),
            )
            for judge in judges
        ],
    )


def _agreement(votes: Sequence[Mapping[str, float | None]]) -> Mapping[str, Any]:
    """What the log's own metric says of the votes."""
    metric = panel_agreement()
    assert isinstance(metric, MetricProtocol)
    values = [
        {judge: math.nan if points is None else points for judge, points in one.items()}
        for one in votes
    ]
    measured = metric([SampleScore(score=Score(value=value)) for value in values])
    assert isinstance(measured, Mapping)
    return measured
