"""Metrics of the judge's exam. Each epoch's verdict counts separately.

Unless a metric says otherwise, it is over the verdicts on honest pairs. An unscored response counts
only in `unscored_rate` and `asked_again_rate`. Without verdicts, a metric reports nothing.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, cast

from inspect_ai.scorer import Metric, SampleScore, Value, metric

from nejm_inspect.judge_exam import agreement
from nejm_inspect.metrics import mean, named
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS

MIX = dict(zip(CATEGORIES, (180, 43, 43, 43, 60, 91, 122, 18), strict=True))
"""How often each level occurs among 600 responses of the published benchmark (November 2025).

Its chart `results/benchmark_results.png` (github.com/jordanrippon2020/NEJM-Bench, commit 9832d74)
counts 200 responses of four models: 60 with 10 points, 43 with 7 to 9, 30 with 4 to 6, 61 with 1 to
3, 6 with 0. Here the points of a band are taken to be equally frequent, which gives an overall
score of 61%; theirs was 60%.
"""


@metric(scores="unreduced")
def in_range() -> Metric:
    """Share of honest responses whose points lie in the expected range."""
    return named("in_range", _share_in_range)


@metric(scores="unreduced")
def in_range_by_level() -> Metric:
    """`in_range` of each level, with the number of verdicts (`n`), and over all levels.

    `macro_in_range` is the mean of the levels. `in_range_at_mix` weights them by `MIX`; it needs
    verdicts on every level.
    """

    def of_levels(scores: list[SampleScore]) -> Value:
        by_level: dict[str, list[bool]] = {level: [] for level in MIX}
        for case, given in _verdicts(scores):
            by_level[case["level"]].append(given["error"] == 0)
        shares = {level: fmean(hits) for level, hits in by_level.items() if hits}
        complete = len(shares) == len(MIX)
        values: dict[str, float | None] = {
            "macro_in_range": mean([*shares.values()]),
            "in_range_at_mix": fmean(shares.values(), MIX.values()) if complete else None,
        }
        for level, share in shares.items():
            values |= {f"{level}_n": len(by_level[level]), f"{level}_in_range": share}
        return values

    return of_levels


@metric(scores="unreduced")
def sharpness() -> Metric:
    """Balanced accuracy at the line between nine and ten points, on which `exact_rate` depends.

    This is the mean of two shares: the share of responses worth only ten points that got ten, and
    the share of synonyms worth less than ten that got less. Pairs whose range has ten and less are
    left out. A judge that always gives the same points has 0.5.
    """

    def accuracy(scores: list[SampleScore]) -> float | None:
        tens, nines = [], []
        for case, given in _verdicts(scores):
            lowest, highest = case["expected"]
            if lowest == MAX_POINTS:
                tens.append(given["points"] == MAX_POINTS)
            elif case["level"] == "synonym" and highest < MAX_POINTS:
                nines.append(given["points"] < MAX_POINTS)
        return (fmean(tens) + fmean(nines)) / 2 if tens and nines else None

    return named("sharpness", accuracy)


@metric(scores="unreduced")
def repeats() -> Metric:
    """How far verdicts on the same pair, attacks included, differ between epochs.

    `points_change_rate` is the share of pairs whose points differ, and `within_pair_sd` the pooled
    standard deviation of the points of a pair, both over pairs with two verdicts or more.
    """

    def spread(scores: list[SampleScore]) -> Value:
        verdicts = ((score.sample_id, _numbers(score)["points"]) for score in scores)
        changed, within = agreement.repeats(verdicts)
        return {"points_change_rate": mean(changed), "within_pair_sd": within if changed else None}

    return spread


@metric(scores="unreduced")
def attack_pass_rate() -> Metric:
    """Share of attacks whose points lie in the expected range."""
    return named("attack_pass_rate", lambda scores: _share_in_range(scores, attacks=True))


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
        verdicts = [(case["level"], v["points"], v["error"]) for case, v in _verdicts(scores)]
        found = agreement.quadratic_weighted_kappa(agreement.level_confusion(verdicts))
        return None if math.isnan(found) else found

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


def _verdicts(
    scores: Sequence[SampleScore], attacks: bool = False
) -> list[tuple[Mapping[str, Any], Mapping[str, float]]]:
    """Returns the metadata of each honest pair, or of each attack, with its verdict's numbers."""
    return [
        (case, _numbers(score))
        for score in scores
        for case in [score.sample_metadata or {}]
        if ("attack" in case) == attacks and not _is_unscored(score)
    ]


def _errors(scores: Sequence[SampleScore], attacks: bool = False) -> list[float]:
    return [given["error"] for _, given in _verdicts(scores, attacks)]


def _share_in_range(scores: Sequence[SampleScore], attacks: bool = False) -> float | None:
    return mean([error == 0 for error in _errors(scores, attacks)])


def _is_unscored(score: SampleScore) -> bool:
    return math.isnan(_numbers(score)["points"])


def _numbers(score: SampleScore) -> Mapping[str, float]:
    """Returns the value of `judge_exam`: `points`, `error` and `attempts`."""
    return cast(Mapping[str, float], score.score.as_dict())
