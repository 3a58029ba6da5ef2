"""Metrics of the judge's exam, over its verdicts; each epoch's verdict counts separately.

Honest pairs and attacks are measured separately. An unscored response counts only in
`unscored_rate` and `asked_again_rate`. Without verdicts, a metric reports nothing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import cast

from inspect_ai.scorer import Metric, SampleScore, metric

from nejm_inspect.judge_exam.agreement import level_confusion, quadratic_weighted_kappa
from nejm_inspect.metrics import by_group, mean, named


@metric(scores="unreduced")
def in_range() -> Metric:
    """Share of honest responses whose points lie in the expected range."""
    return named("in_range", lambda scores: _share_in_range(_errors(scores)))


@metric(scores="unreduced")
def in_range_by(key: str) -> Metric:
    """Number of verdicts on honest responses (`n`) and `in_range`, by group; as `score_by`."""

    def summary(scores: list[SampleScore]) -> Mapping[str, float | None]:
        errors = _errors(scores)
        return {"n": len(errors), "in_range": _share_in_range(errors)}

    return by_group(key, summary)


@metric(scores="unreduced")
def attack_pass_rate() -> Metric:
    """Share of attacks whose points lie in the expected range."""
    return named("attack_pass_rate", lambda scores: _share_in_range(_errors(scores, attacks=True)))


@metric(scores="unreduced")
def mean_absolute_error() -> Metric:
    """Mean distance of the points of honest responses from the expected range, in points."""
    return named("mean_absolute_error", lambda scores: mean([*map(abs, _errors(scores))]))


@metric(scores="unreduced")
def bias() -> Metric:
    """Mean signed distance from the expected range, in points; above 0, the judge is lenient."""
    return named("bias", lambda scores: mean(_errors(scores)))


@metric(scores="unreduced")
def weighted_kappa() -> Metric:
    """Quadratic-weighted kappa (Cohen 1968) of expected and given levels of honest responses.

    The given level is that of the points; points in the expected range count as its level.
    """

    def kappa(scores: list[SampleScore]) -> float | None:
        verdicts = (
            ((score.sample_metadata or {})["level"], _numbers(score)["points"], error)
            for score in scores
            for error in _errors([score])
        )
        agreement = quadratic_weighted_kappa(level_confusion(verdicts))
        return None if math.isnan(agreement) else agreement

    return named("weighted_kappa", kappa)


@metric(scores="unreduced")
def unscored_rate() -> Metric:
    """Share of responses, attacks included, without a valid verdict."""
    return named("unscored_rate", lambda scores: mean([*map(_is_unscored, scores)]))


@metric(scores="unreduced")
def asked_again_rate() -> Metric:
    """Share of responses, attacks included, for which the judge needed more than one attempt."""
    return named(
        "asked_again_rate", lambda scores: mean([_numbers(s)["attempts"] > 1 for s in scores])
    )


def _errors(scores: Sequence[SampleScore], attacks: bool = False) -> list[float]:
    """Returns the errors of the verdicts on the attacks, or on the honest responses."""
    return [
        _numbers(score)["error"]
        for score in scores
        if ("attack" in (score.sample_metadata or {})) == attacks and not _is_unscored(score)
    ]


def _share_in_range(errors: Sequence[float]) -> float | None:
    return mean([error == 0 for error in errors])


def _is_unscored(score: SampleScore) -> bool:
    return math.isnan(_numbers(score)["points"])


def _numbers(score: SampleScore) -> Mapping[str, float]:
    """Returns the value of `judge_exam`: `points`, `error` and `attempts`."""
    return cast(Mapping[str, float], score.score.as_dict())
