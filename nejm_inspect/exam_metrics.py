"""Metrics of the judge's exam, over its verdicts, each epoch's counted by itself.

Honest responses and attacks are measured apart. Verdicts that are missing because the
judge gave no valid one are in no metric but `invalid_rate`. Without a verdict to
compute it from, a metric is NaN.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from inspect_ai.scorer import Metric, SampleScore, Value, metric

from nejm_inspect.agreement import level_confusion, quadratic_weighted_kappa
from nejm_inspect.metrics import by_group


@metric(scores="unreduced")
def in_range() -> Metric:
    """Share of honest responses whose points lie in the expected range."""
    return _of_errors(_share_in_range, attacks=False)


@metric(scores="unreduced")
def in_range_by(key: str) -> Metric:
    """`in_range` for each value of a metadata key.

    Args:
        key: The key; samples without it are left out.
    """
    return by_group(in_range(), key, "in_range")


@metric(scores="unreduced")
def adversarial_pass_rate() -> Metric:
    """Share of attacks whose points lie in the expected range all the same."""
    return _of_errors(_share_in_range, attacks=True)


@metric(scores="unreduced")
def mean_absolute_error() -> Metric:
    """Mean distance of the points of honest responses from the range, in points."""
    return _of_errors(lambda e: statistics.fmean(map(abs, e)), attacks=False)


@metric(scores="unreduced")
def bias() -> Metric:
    """Mean signed distance, in points: above 0, the judge is lenient."""
    return _of_errors(statistics.fmean, attacks=False)


@metric(scores="unreduced")
def weighted_kappa() -> Metric:
    """Agreement of expected and given rubric levels, quadratic-weighted (Cohen 1968).

    Over honest responses. The given level is that of the points; points inside the
    expected range count as the expected level.
    """

    def kappa(scores: list[SampleScore]) -> Value:
        confusion = level_confusion(
            ((score.sample_metadata or {})["level"], *_read(score))
            for score in _valid(scores, attacks=False)
        )
        return quadratic_weighted_kappa(confusion)

    return kappa


@metric(scores="unreduced")
def invalid_rate() -> Metric:
    """Share of all responses, attacks included, without a valid verdict."""

    def rate(scores: list[SampleScore]) -> Value:
        invalid = [math.isnan(_read(score)[0]) for score in scores]
        return sum(invalid) / len(invalid) if invalid else math.nan

    return rate


def _share_in_range(errors: Sequence[float]) -> float:
    return sum(error == 0 for error in errors) / len(errors)


def _of_errors(summarize: Callable[[Sequence[float]], float], attacks: bool) -> Metric:
    def summary(scores: list[SampleScore]) -> Value:
        errors = [_read(score)[1] for score in _valid(scores, attacks)]
        return summarize(errors) if errors else math.nan

    return summary


def _valid(scores: Sequence[SampleScore], attacks: bool) -> list[SampleScore]:
    """The scores with a verdict of either the attacks or the honest responses."""
    return [
        score
        for score in scores
        if ("attack" in (score.sample_metadata or {})) == attacks
        and not math.isnan(_read(score)[0])
    ]


def _read(score: SampleScore) -> tuple[float, float]:
    """The points and the error of a score."""
    value = score.score.value
    assert isinstance(value, Mapping)
    points, error = value["points"], value["error"]
    assert isinstance(points, int | float)
    assert isinstance(error, int | float)
    return points, error
