"""Models as they enter a comparison: their runs, and their points case by case."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nejm_inspect.report.contents import Estimate, PairedComparison
from nejm_inspect.report.reading import Run
from nejm_inspect.report.statistics import compare_pair, mean_estimate, rate_estimate
from nejm_inspect.rubric import MAX_POINTS

CasePoints = Mapping[str, Sequence[float]]
"""The points of each case that has any, one for every scored response."""


@dataclass(frozen=True)
class Entrant:
    """A model in a comparison, with one run or, as repeats, several."""

    name: str
    runs: Sequence[Run]

    @property
    def scale(self) -> int:
        """What a perfect response is worth."""
        return MAX_POINTS if self.runs[0].kind == "points" else 1

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All responses, missing values as None, with the run that each is of."""
        return [
            {"eval_id": run.eval_id, **{str(key): value for key, value in row.items()}}
            for run in self.runs
            for row in run.responses.astype(object)
            .where(run.responses.notna(), None)
            .to_dict("records")
        ]


def entrants_of(
    runs: Sequence[Run], repeats: bool
) -> tuple[dict[str, Entrant], list[str]]:
    """The models of some runs, and what was done about several runs of one.

    Args:
        runs: Comparable runs, oldest first.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.

    Returns:
        The entrants by name, and notes for the reader.
    """
    names = entrant_names(runs)
    grouped: dict[str, list[Run]] = {}
    for run, name in zip(runs, names, strict=True):
        grouped.setdefault(name, []).append(run)
    entrants, notes = {}, []
    for name, logs in grouped.items():
        same = distinct_runs(logs)
        if len(same) < len(logs):
            notes.append(
                f"{name}: {len(logs)} logs are of {len(same)} run"
                f"{'s' * (len(same) > 1)} under the same judge; the last read counts."
            )
        if len(same) > 1 and repeats:
            notes.append(f"{name}: {len(same)} runs, taken together as repeats.")
        elif len(same) > 1:
            newest = f"{same[-1].created:%Y-%m-%d %H:%M} UTC"
            notes.append(
                f"{name}: the newest of {len(same)} runs ({newest}) is shown; "
                "--repeats takes all."
            )
            same = same[-1:]
        entrants[name] = Entrant(name, same)
    return entrants, notes


def distinct_runs(logs: Sequence[Run]) -> list[Run]:
    """Of several logs of one run, the last.

    Args:
        logs: In the order in which they were read.
    """
    return list({run.eval_id: run for run in logs}.values())


def entrant_names(runs: Sequence[Run]) -> list[str]:
    """What the model of each run is called: with its settings, where they tell apart.

    Args:
        runs: The runs that are seen together.
    """
    variants: dict[str, set[str]] = {}
    for run in runs:
        variants.setdefault(run.model, set()).add(_setting(run))
    return [
        f"{run.model} ({_setting(run) or 'default settings'})"
        if len(variants[run.model]) > 1
        else run.model
        for run in runs
    ]


def _setting(run: Run) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(run.variant.items()))


def points_by_case(responses: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The points of each case that has any, one for every scored response.

    Args:
        responses: Rows of `Entrant.rows`.
    """
    found: dict[str, list[float]] = {}
    for row in responses:
        if row["points"] is not None:
            found.setdefault(row["case_id"], []).append(row["points"])
    return found


def mean_of(values: Sequence[float], default: float = math.nan) -> float:
    """The mean; the default of no values."""
    return math.fsum(values) / len(values) if values else default


def shares_of(cases: Iterable[str], points: CasePoints, scale: int) -> list[float]:
    """The cases' mean points as a share of the attainable.

    Args:
        cases: Cases that all have points.
        points: A model's points by case.
        scale: What a perfect response is worth.
    """
    return [mean_of(points[case]) / scale for case in cases]


def score_estimate(cases: Iterable[str], points: CasePoints, scale: int) -> Estimate:
    """The overall score, or the accuracy, on some cases.

    Args:
        cases: Cases that all have points.
        points: A model's points by case.
        scale: What a perfect response is worth; 1 for right or wrong.

    Returns:
        The share of the attainable, with Student's t interval over cases; of responses
        that are right or wrong, one to a case, with Wilson's.
    """
    if scale == 1:
        return rate_estimate([[one == 1 for one in points[case]] for case in cases])
    return mean_estimate(shares_of(cases, points, scale))


def shared_cases(first: CasePoints, second: CasePoints) -> list[str]:
    """The cases that both have points for."""
    return sorted(first.keys() & second.keys())


def pair_of(
    first: str, second: str, points: Mapping[str, CasePoints], scale: int
) -> PairedComparison:
    """Two models, or one under two conditions, on the cases that both have points for.

    Args:
        first: A name.
        second: The other.
        points: The points by case of each name.
        scale: What a perfect response is worth.
    """
    shared = shared_cases(points[first], points[second])

    def exact(name: str) -> list[bool]:
        return [points[name][case][0] == scale for case in shared]

    pair = compare_pair(
        first,
        second,
        *(shares_of(shared, points[name], scale) for name in (first, second)),
        *(exact(name) for name in (first, second)),
    )
    if any(len(points[name][case]) > 1 for name in (first, second) for case in shared):
        # McNemar's test is of one response to a case against one.
        pair = replace(pair, p_exact=math.nan, p_exact_adjusted=math.nan)
    return pair
