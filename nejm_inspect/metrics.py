"""Metrics of rubric points, on a scale from 0 to 1.

`overall_score`, `stderr` and `ci` look at cases: over several epochs, at a case's mean
points. `exact_rate` looks at single responses. None of them makes up a number where
there is no score to compute it from: the value is then NaN.
"""

import math
import statistics
from collections.abc import Mapping

from inspect_ai.scorer import (
    Metric,
    MetricProtocol,
    SampleScore,
    Score,
    Value,
    accuracy,
    grouped,
    krippendorff_alpha,
    metric,
)
from inspect_ai.scorer import ci as mean_ci
from inspect_ai.scorer import mean as mean_value
from inspect_ai.scorer import stderr as mean_stderr

from nejm_inspect.cases.schema import levels_of
from nejm_inspect.rubric import MAX_POINTS

DISAGREEMENT = 2
"""Two judges of a panel differ notably if their points lie further apart than this."""


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
    return by_group(overall_score(), key, "overall_score")


@metric
def stderr_by(key: str) -> Metric:
    """`stderr` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return by_group(stderr(), key, "stderr")


@metric(scores="unreduced")
def exact_rate_by(key: str) -> Metric:
    """`exact_rate` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return by_group(exact_rate(), key, "exact_rate")


@metric
def accuracy_by(key: str) -> Metric:
    """`accuracy` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return by_group(accuracy(), key, "accuracy")


@metric(scores="unreduced")
def panel_agreement() -> Metric:
    """How well the judges of a panel agree, over all responses.

    Reported as `alpha`, Krippendorff's for ordinal ratings; `disagreement`, the share
    of responses for which two judges are more than two points apart; and, under each
    judge's name, its mean points as a share of the ten attainable (severity). Withheld
    votes are left out, and so are, from the first two, responses with fewer than two
    votes. Nothing is reported without a panel.

    Assumes that a score's value maps judges to points, NaN for a withheld vote.
    """
    alpha = krippendorff_alpha("ordinal")
    assert isinstance(alpha, MetricProtocol)

    def agreement(scores: list[SampleScore]) -> Value:
        votes = [_votes(score) for score in scores]
        if not votes:
            return {"alpha": None}  # which Inspect leaves out of its results
        shared = [list(points.values()) for points in votes if len(points) > 1]
        apart = [max(points) - min(points) > DISAGREEMENT for points in shared]
        ratings = [SampleScore(score=Score(value=points)) for points in shared]
        judges = dict.fromkeys(judge for score in scores for judge in _points(score))
        agreement_beyond_chance = alpha(ratings)
        assert isinstance(agreement_beyond_chance, float)
        return {
            "alpha": agreement_beyond_chance,
            "disagreement": sum(apart) / len(apart) if apart else math.nan,
            **{
                judge: _as_share(statistics.fmean(given))
                if (given := [points[judge] for points in votes if judge in points])
                else math.nan
                for judge in judges
            },
        }

    return agreement


def _votes(score: SampleScore) -> dict[str, float]:
    """Each judge's points, without withheld votes."""
    return {
        judge: points
        for judge, points in _points(score).items()
        if not math.isnan(points)
    }


def _points(score: SampleScore) -> dict[str, float]:
    """Each judge's points, NaN for a withheld vote."""
    value = score.score.value
    assert isinstance(value, Mapping)
    return {j: points for j, points in value.items() if isinstance(points, int | float)}


def by_group(inner: Metric, key: str, name: str) -> Metric:
    """A metric's body for each value of a metadata key, under `{name}_{value}`.

    Args:
        inner: The metric.
        key: The key; samples without it are left out.
        name: Its name.
    """
    groups = grouped(inner, key, all=False, name_template=f"{name}_{{group_name}}")
    assert isinstance(groups, MetricProtocol)

    def of_groups(scores: list[SampleScore]) -> Value:
        return groups([one for score in scores for one in _by_its_groups(score, key)])

    return of_groups


def _by_its_groups(score: SampleScore, key: str) -> list[SampleScore]:
    """The score once for each group that its sample belongs to."""
    metadata = score.sample_metadata or {}
    if not isinstance(metadata.get(key), str):
        return []  # others' datasets have what they like under the key
    groups = levels_of(metadata[key]) if key == "difficulty" else (metadata[key],)
    return [
        score.model_copy(update={"sample_metadata": {**metadata, key: group}})
        for group in groups
    ]
