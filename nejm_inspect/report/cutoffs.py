"""A model's score on cases published before its training cut-off, and after."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from nejm_inspect.report.contents import CutoffSide, CutoffSplit
from nejm_inspect.report.entrants import (
    CasePoints,
    mean_of,
    score_estimate,
    shares_of,
)
from nejm_inspect.report.statistics import welch_difference


def split_at(
    cutoff: datetime.date,
    model: str,
    points: CasePoints,
    scale: int,
    properties: Mapping[str, Mapping[str, Any]],
) -> CutoffSplit:
    """Splits the cases that a model has a score for at its training cut-off.

    Args:
        cutoff: The last day of the earlier cases.
        model: What the model is called.
        points: Its points by case.
        scale: What a perfect response is worth.
        properties: What is known of each case.
    """
    dates = {case: _date(properties[case]["date"]) for case in points}
    earlier = [case for case, day in dates.items() if day and day <= cutoff]
    later = [case for case, day in dates.items() if day and day > cutoff]

    def side(cases: Sequence[str]) -> CutoffSide:
        readers = [
            accuracy
            for case in cases
            if (accuracy := properties[case]["reader_accuracy"]) is not None
        ]
        return CutoffSide(
            cases=len(cases),
            score=score_estimate(cases, points, scale),
            reader_accuracy=mean_of(readers),
            reader_cases=len(readers),
        )

    return CutoffSplit(
        model=model,
        cutoff=cutoff,
        earlier=side(earlier),
        later=side(later),
        undated=len(points) - len(earlier) - len(later),
        difference=welch_difference(
            shares_of(later, points, scale), shares_of(earlier, points, scale)
        ),
    )


def _date(text: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:  # others' datasets write dates as they like
        return None
