"""Metrics of rubric points, on a scale from 0 to 1.

`overall_score`, `stderr` and `ci` look at cases: over several epochs, at a case's mean
points. `exact_rate` looks at single responses. None of them makes up a number where
there is no score to compute it from: the value is then NaN.
"""

import math

from inspect_ai.scorer import (
    Metric,
    MetricProtocol,
    SampleScore,
    Value,
    grouped,
    metric,
)
from inspect_ai.scorer import ci as mean_ci
from inspect_ai.scorer import mean as mean_value
from inspect_ai.scorer import stderr as mean_stderr

from nejm_inspect.cases.schema import levels_of
from nejm_inspect.rubric import MAX_POINTS


def _as_share(points: Value) -> float:
    assert isinstance(points, int | float)
    return points / MAX_POINTS


def _defined_from(minimum: int, inner: Metric, *names: str) -> Metric:
    """The inner metric, NaN (under each of the names, if any) below so many scores."""
    assert isinstance(inner, MetricProtocol)

    def defined(scores: list[SampleScore]) -> Value:
        if len(scores) >= minimum:
            return inner(scores)
        return dict.fromkeys(names, math.nan) if names else math.nan

    return defined


@metric
def overall_score() -> Metric:
    """Mean points as a share of the ten attainable; the headline."""
    return _defined_from(1, mean_value(to_float=_as_share))


@metric
def stderr() -> Metric:
    """Standard error of `overall_score` over cases (central limit theorem).

    Undefined for fewer than two cases.
    """
    return _defined_from(2, mean_stderr(to_float=_as_share))


@metric
def ci() -> Metric:
    """95% confidence interval of `overall_score`: Student's t over cases.

    Reported as `lower` and `upper`. Undefined for fewer than two cases.
    """
    return _defined_from(2, mean_ci(to_float=_as_share), "lower", "upper")


@metric(scores="unreduced")
def exact_rate() -> Metric:
    """Share of responses, each epoch's counted by itself, with all ten points."""

    def is_exact(points: Value) -> float:
        return float(points == MAX_POINTS)

    return _defined_from(1, mean_value(to_float=is_exact))


@metric
def overall_score_by(key: str) -> Metric:
    """`overall_score` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return _grouped(overall_score(), key, "overall_score")


@metric
def stderr_by(key: str) -> Metric:
    """`stderr` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return _grouped(stderr(), key, "stderr")


@metric(scores="unreduced")
def exact_rate_by(key: str) -> Metric:
    """`exact_rate` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return _grouped(exact_rate(), key, "exact_rate")


def _grouped(inner: Metric, key: str, name: str) -> Metric:
    by_group = grouped(inner, key, all=False, name_template=f"{name}_{{group_name}}")
    assert isinstance(by_group, MetricProtocol)

    def of_groups(scores: list[SampleScore]) -> Value:
        return by_group([one for score in scores for one in _by_its_groups(score, key)])

    return of_groups


def _by_its_groups(score: SampleScore, key: str) -> list[SampleScore]:
    """The score once for each group that its sample belongs to."""
    metadata = score.sample_metadata or {}
    if key not in metadata:
        return []
    groups = levels_of(metadata[key]) if key == "difficulty" else (metadata[key],)
    return [
        score.model_copy(update={"sample_metadata": {key: group}}) for group in groups
    ]
