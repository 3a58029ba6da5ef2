"""Metrics of rubric points, on a scale from 0 to 1.

`overall_score`, `stderr` and `ci` are over cases: with several epochs, over each case's mean
points. `exact_rate` is over single responses. With too few scores, a metric reports nothing.

They read unreduced scores and return mappings. Otherwise Inspect would list a scorer twice (once
for each view of its scores), let an epoch reducer change the points, and title a metric by its full
name `nejm_inspect/…`, which the viewer's columns cut to `nejm_ins`.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from inspect_ai.scorer import (
    Metric,
    MetricProtocol,
    SampleScore,
    Score,
    Value,
    accuracy,
    krippendorff_alpha,
    metric,
)

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.interval import MIN_CASES, mean_share_interval
from nejm_inspect.rubric import MAX_POINTS

APART = 2
"""Judges are apart if their points differ by more than this."""

GROUPS: Mapping[str, Mapping[str | bool, str]] = {
    "difficulty": {level: level for level in DIFFICULTIES},
    "question_type": {"diagnosis": "diagnosis", "other": "other"},
    "has_history": {True: "with_history", False: "without_history"},
}
"""By key of a sample's metadata: the values that make groups, in order, and the groups' names."""

Number = str | int | float | bool | None
"""A value in a metric's mapping; Inspect leaves out None."""


def mean(numbers: Sequence[float]) -> float | None:
    """Returns the mean; None without numbers."""
    return math.fsum(numbers) / len(numbers) if numbers else None


def _case_shares(scores: Iterable[SampleScore]) -> list[float]:
    """Returns each case's mean points over its epochs, as a share of ten points."""
    cases: dict[object, list[float]] = {}
    for score in scores:
        cases.setdefault(score.sample_id, []).append(score.score.as_float())
    return [sum(points) / len(points) / MAX_POINTS for points in cases.values()]


def _exact_share(scores: Iterable[SampleScore]) -> float | None:
    return mean([score.score.as_float() == MAX_POINTS for score in scores])


def named(name: str, number: Callable[[list[SampleScore]], Number]) -> Metric:
    """Makes a metric of one number, under this name in the log."""

    def value(scores: list[SampleScore]) -> Value:
        return {name: number(scores)}

    return value


@metric(scores="unreduced")
def overall_score() -> Metric:
    """Mean points as a share of ten points; the headline."""
    return named("overall_score", lambda scores: mean(_case_shares(scores)))


@metric(scores="unreduced")
def stderr() -> Metric:
    """Standard error of `overall_score` over two cases or more (central limit theorem)."""

    def error(scores: list[SampleScore]) -> float | None:
        shares = _case_shares(scores)
        return statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else None

    return named("stderr", error)


@metric(scores="unreduced")
def ci() -> Metric:
    """95% confidence interval of `overall_score` (`mean_share_interval`): `lower` and `upper`."""

    def interval(scores: list[SampleScore]) -> Value:
        shares = _case_shares(scores)
        enough = len(shares) >= MIN_CASES
        lower, upper = mean_share_interval(shares) if enough else (None, None)
        return {"lower": lower, "upper": upper}

    return interval


@metric(scores="unreduced")
def exact_rate() -> Metric:
    """Share of responses with ten points; each epoch's response counts separately."""
    return named("exact_rate", _exact_share)


@metric(scores="unreduced")
def score_by(key: str) -> Metric:
    """Number of cases (`n`), `overall_score` and `exact_rate` for each group of cases.

    `key` is one of `GROUPS`, a key of the samples' metadata. Samples without it are left out.
    """

    def summary(scores: list[SampleScore]) -> Mapping[str, Number]:
        shares = _case_shares(scores)
        return {"n": len(shares), "overall_score": mean(shares), "exact_rate": _exact_share(scores)}

    return by_group(key, summary)


@metric
def accuracy_by(key: str) -> Metric:
    """Number of cases (`n`) and `accuracy` for each group of cases; `key` as for `score_by`."""

    def summary(scores: list[SampleScore]) -> Mapping[str, Number]:
        return {"n": len(scores), "accuracy": _single(accuracy(), scores)}

    return by_group(key, summary)


def by_group(key: str, summary: Callable[[list[SampleScore]], Mapping[str, Number]]) -> Metric:
    """Makes a metric of each group of cases, with values `{group}_{name}` in the groups' order.

    `key` is as for `score_by`; `summary` returns a group's values by name, None to leave one out.
    """
    groups = GROUPS[key]

    def of_groups(scores: list[SampleScore]) -> Value:
        members: dict[str, list[SampleScore]] = {group: [] for group in groups.values()}
        for score in scores:
            value = (score.sample_metadata or {}).get(key)
            if isinstance(value, str | bool):
                # An expert case is a hard one as well.
                for level in levels_of(str(value)) if key == "difficulty" else (value,):
                    if level in groups:
                        members[groups[level]].append(score)
        values: dict[str, Number] = {"": None}  # without groups nothing is reported
        for group, some in members.items():
            if some:
                values |= {f"{group}_{name}": value for name, value in summary(some).items()}
        return values

    return of_groups


@metric(scores="unreduced")
def panel_agreement() -> Metric:
    """How well the judges of a panel agree, over all scored responses.

    `alpha` is Krippendorff's for ordinal ratings, `apart` the share of responses for which two
    judges are apart: both over responses with two verdicts or more. Under each judge's name are its
    mean points as a share of ten points. Reads the `verdicts` that `grade` writes for a panel into
    the scores' metadata.
    """

    def agreement(scores: list[SampleScore]) -> Value:
        given_by: dict[str, list[int]] = {}
        shared: list[list[int]] = []
        for score in scores:
            verdicts = (score.score.metadata or {}).get("verdicts") or {}
            given = {judge: v["score"] for judge, v in verdicts.items() if v["score"] is not None}
            for judge, points in given.items():
                given_by.setdefault(judge, []).append(points)
            if len(given) > 1:
                shared.append([*given.values()])
        return {
            "alpha": ordinal_alpha(shared),
            "apart": mean([max(points) - min(points) > APART for points in shared]),
            **{judge: statistics.fmean(p) / MAX_POINTS for judge, p in given_by.items()},
        }

    return agreement


def ordinal_alpha(ratings: Iterable[Sequence[float]]) -> float | None:
    """Returns Krippendorff's alpha of the points of each response's judges; None without any."""
    scores = [SampleScore(score=Score(value=[*points])) for points in ratings]
    return _single(krippendorff_alpha("ordinal"), scores) if scores else None


def _single(inner: Metric, scores: list[SampleScore]) -> float:
    """Returns the number that one of Inspect's own metrics gives."""
    assert isinstance(inner, MetricProtocol)
    value = inner(scores)
    assert isinstance(value, int | float)
    return value
