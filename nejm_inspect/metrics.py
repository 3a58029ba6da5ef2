"""Metrics of rubric points, on a scale from 0 to 1.

`overall_score`, `stderr` and `ci` look at cases: over several epochs, at a case's mean
points. `exact_rate` looks at single responses. A metric that too few scores define
reports nothing.

All of them read unreduced scores. Inspect would otherwise list a scorer twice, once
for each of its views, and let an epoch reducer turn points into something else.
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
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, NO_DIAGNOSIS

APART = 2
"""Judges are apart if their points differ by more than this."""

GROUPS: Mapping[str, Mapping[object, str]] = {
    "difficulty": {level: level for level in DIFFICULTIES},
    "question_type": {"diagnosis": "diagnosis", "other": "other"},
    "has_history": {True: "with_history", False: "without_history"},
    "level": {category: category for category in CATEGORIES},
}
"""For each key of a sample's metadata, the groups in their order, with their names."""


Number = str | int | float | bool | None
"""What Inspect takes as one of several values of a metric; it leaves out None."""


def case_shares(scores: Sequence[SampleScore]) -> list[float]:
    """Each case's mean points over its epochs, as a share of the ten attainable.

    Args:
        scores: Scores with points, one a sample and epoch.
    """
    cases: dict[object, list[float]] = {}
    for score in scores:
        cases.setdefault(score.sample_id, []).append(score.score.as_float())
    return [statistics.fmean(points) / MAX_POINTS for points in cases.values()]


def exact_share(scores: Sequence[SampleScore]) -> float | None:
    """The share of responses with all ten points; None without any."""
    exact = [score.score.as_float() == MAX_POINTS for score in scores]
    return statistics.fmean(exact) if exact else None


def _mean(shares: Sequence[float]) -> float | None:
    return statistics.fmean(shares) if shares else None


@metric(scores="unreduced")
def overall_score() -> Metric:
    """Mean points as a share of the ten attainable; the headline."""

    def overall(scores: list[SampleScore]) -> Value:
        return {"overall_score": _mean(case_shares(scores))}

    return overall


@metric(scores="unreduced")
def stderr() -> Metric:
    """Standard error of `overall_score` over cases (central limit theorem).

    Undefined for fewer than two cases.
    """

    def error(scores: list[SampleScore]) -> Value:
        shares = case_shares(scores)
        defined = len(shares) > 1
        spread = statistics.stdev(shares) / math.sqrt(len(shares)) if defined else None
        return {"stderr": spread}

    return error


@metric(scores="unreduced")
def ci() -> Metric:
    """95% confidence interval of `overall_score` over cases, as `lower` and `upper`.

    See `mean_share_interval`. Undefined for fewer than ten cases.
    """

    def interval(scores: list[SampleScore]) -> Value:
        shares = case_shares(scores)
        if len(shares) < MIN_CASES:
            return {"lower": None, "upper": None}
        lower, upper = mean_share_interval(shares)
        return {"lower": lower, "upper": upper}

    return interval


@metric(scores="unreduced")
def exact_rate() -> Metric:
    """Share of responses, each epoch's counted by itself, with all ten points."""

    def rate(scores: list[SampleScore]) -> Value:
        return {"exact_rate": exact_share(scores)}

    return rate


@metric(scores="unreduced")
def score_by(key: str) -> Metric:
    """Number of cases, `overall_score` and `exact_rate` for each group of cases.

    Reported as `{group}_n`, `{group}_overall_score` and `{group}_exact_rate`, the
    groups in their order.

    Args:
        key: The key of the samples' metadata that makes the groups, one of `GROUPS`;
            samples without it are left out.
    """

    def summary(scores: list[SampleScore]) -> Mapping[str, Number]:
        shares = case_shares(scores)
        return {"n": len(shares), "overall_score": _mean(shares), "exact_rate": exact_share(scores)}

    return by_group(key, summary)


@metric
def accuracy_by(key: str) -> Metric:
    """Number of cases and `accuracy` for each group of cases.

    Reported as `{group}_n` and `{group}_accuracy`, the groups in their order.

    Args:
        key: As for `score_by`.
    """

    def summary(scores: list[SampleScore]) -> Mapping[str, Number]:
        return {"n": len(scores), "accuracy": _single(accuracy(), scores)}

    return by_group(key, summary)


def by_group(key: str, summary: Callable[[list[SampleScore]], Mapping[str, Number]]) -> Metric:
    """A metric's body that summarizes each group of cases, in the groups' order.

    Args:
        key: The key of the samples' metadata that makes the groups, one of `GROUPS`.
        summary: Gives the values of a group by name, None for those it leaves out.
    """

    def of_groups(scores: list[SampleScore]) -> Value:
        values: dict[str, Number] = {"": None}  # without groups nothing is reported
        for value, group in GROUPS[key].items():
            members = [s for s in scores if value in _group_values(s, key)]
            if members:
                values |= {f"{group}_{k}": v for k, v in summary(members).items()}
        return values

    return of_groups


def _group_values(score: SampleScore, key: str) -> tuple[object, ...]:
    """The groups of a sample: one, or for an expert case hard as well."""
    value = (score.sample_metadata or {}).get(key)
    if key == "difficulty" and isinstance(value, str):
        return levels_of(value)
    return (value,)


@metric(scores="unreduced")
def category_share() -> Metric:
    """The share of responses in each category, best first; absent ones are left out."""

    def shares(scores: list[SampleScore]) -> Value:
        given = [score.score.as_str() for score in scores]
        return {
            category: given.count(category) / len(given) if category in given else None
            for category in (*CATEGORIES, NO_DIAGNOSIS)
        }

    return shares


@metric(scores="unreduced")
def panel_agreement() -> Metric:
    """How well the judges of a panel agree, over all scored responses.

    Reported as `alpha`, Krippendorff's for ordinal ratings; `apart`, the share of
    responses for which two judges are more than two points apart; and, under each
    judge's name, its mean points as a share of the ten attainable (severity). Missing
    verdicts are left out, and so are, from the first two, responses with fewer than
    two. Nothing is reported without a panel.

    Assumes that the scores' metadata hold `verdicts`, as `grade` writes them.
    """

    def agreement(scores: list[SampleScore]) -> Value:
        panels = [points for score in scores if (points := _panel_points(score))]
        shared = [list(points.values()) for points in panels if len(points) > 1]
        if not panels:
            return {"alpha": None}
        judges = dict.fromkeys(judge for points in panels for judge in points)
        return {
            "alpha": ordinal_alpha(shared),
            "apart": statistics.fmean(max(p) - min(p) > APART for p in shared) if shared else None,
            **{
                judge: statistics.fmean(p[judge] for p in panels if judge in p) / MAX_POINTS
                for judge in judges
            },
        }

    return agreement


def ordinal_alpha(ratings: Iterable[Sequence[float]]) -> float | None:
    """Krippendorff's alpha for ordinal ratings; None without any.

    Args:
        ratings: Of each response, the points from two judges or more.
    """
    scores = [SampleScore(score=Score(value=[*points])) for points in ratings]
    return _single(krippendorff_alpha("ordinal"), scores) if scores else None


def _panel_points(score: SampleScore) -> dict[str, int]:
    """Each judge's points, without missing verdicts."""
    verdicts = (score.score.metadata or {}).get("verdicts") or {}
    return {
        judge: verdict["score"]
        for judge, verdict in verdicts.items()
        if verdict["score"] is not None
    }


def _single(inner: Metric, scores: list[SampleScore]) -> float:
    """The number that one of Inspect's own metrics gives."""
    assert isinstance(inner, MetricProtocol)
    value = inner(scores)
    assert isinstance(value, int | float)
    return value
