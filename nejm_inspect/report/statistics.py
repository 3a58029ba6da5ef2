"""The statistics of a report: arrays in, numbers out.

Models are compared case by case, on the cases that both have a score for: a case hard
for one is usually hard for the other, and the paired difference is free of that shared
variance (Miller 2024, arXiv 2411.00640). A share is the part of the points that a
response has, 0 to 1. Intervals are at 95%, tests two-sided. Bounds are NaN where no
interval is to be shown: with fewer than `MIN_CASES` cases, and where equal differences
tell nothing of their spread.
"""

import bisect
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nejm_inspect.interval import MIN_CASES, mean_share_interval, wilson_interval

SIGNIFICANCE = 0.05  # two models are told apart if their adjusted p is below this
POWER = 0.80  # the chance that a test is to have of detecting a difference
WITHIN_REACH = 10  # cases needed are given up to this many times those there are
_LATTICE = 1_200  # steps of the scale: holds half points and means over six epochs
_DECIMALS = 12  # drops floating-point noise: 0.1 + 0.2 must draw with 0.3


class Estimate(NamedTuple):
    """A number with its 95% interval."""

    value: float
    lower: float = math.nan
    upper: float = math.nan


class Paired(NamedTuple):
    """How two models compare on the cases that both have a score for."""

    cases: int
    difference: Estimate  # first less second
    stderr: float
    p: float
    won: int  # by the first
    drawn: int
    lost: int


class Power(NamedTuple):
    """What a paired t test detects with a chance of `POWER`."""

    detectable: float  # the smallest difference, with these cases
    needed: int | None  # cases, for the difference observed; None if beyond reach


def mean_estimate(shares: ArrayLike) -> Estimate:
    """A score: the mean share, with the interval of the log's `ci` metric.

    Args:
        shares: One per case, the mean over its epochs; shape (cases,).
    """
    values = np.asarray(shares, dtype=float).tolist()
    mean = math.fsum(values) / len(values) if values else math.nan
    known = len(values) >= MIN_CASES
    return Estimate(mean, *mean_share_interval(values)) if known else Estimate(mean)


def rate_estimate(
    holds: ArrayLike, cases: ArrayLike | None = None, at_most: int | None = None
) -> Estimate:
    """The share of responses for which something holds; every response counts.

    Wilson's interval with the effective size p(1 − p) / v of clustered responses (Rao
    and Scott 1992). If it holds for xᵢ of the mᵢ responses to a case, p = Σ xᵢ / Σ mᵢ
    and v = Σ (xᵢ − p·mᵢ)² / (Σ mᵢ)².

    Args:
        holds: Whether it does, for every response; shape (responses,).
        cases: The case of every response; by default each has its own.
        at_most: The greatest effective size; by default the number of cases, and the
            interval is never narrower than that of a single epoch with the same rate.
    """
    held = np.asarray(holds, dtype=float)
    rate = float(held.mean()) if len(held) else math.nan
    labels = np.arange(len(held)) if cases is None else np.asarray(cases)
    codes = np.unique(labels, return_inverse=True)[1]
    residuals = np.bincount(codes, held - rate)
    if len(residuals) < MIN_CASES:
        return Estimate(rate)
    size: float = len(residuals)
    if variance := float(residuals @ residuals) / len(held) ** 2:
        size = min(at_most or size, rate * (1 - rate) / variance)
    return Estimate(rate, *wilson_interval(rate, size))


def score_bounds(shares: ArrayLike, cases: ArrayLike) -> tuple[float, float]:
    """The score if all missing responses had no points, and if they had all.

    Args:
        shares: One per response asked for, NaN where missing; shape (responses,).
        cases: The case of every response.
    """
    values = np.asarray(shares, dtype=float)
    codes = np.unique(np.asarray(cases), return_inverse=True)[1]
    lowest = np.bincount(codes, np.nan_to_num(values)) / np.bincount(codes)
    missing = np.bincount(codes, np.isnan(values)) / np.bincount(codes)
    return float(lowest.mean()), float((lowest + missing).mean())


def difference_estimate(differences: ArrayLike) -> Estimate:
    """A mean difference with the interval of the paired t test (Student 1908).

    Args:
        differences: One per case, −1 to 1; shape (cases,).
    """
    values = np.asarray(differences, dtype=float)
    # Without noise: differences that cancel out are 0, and not minus that.
    mean = round(float(values.mean()), _DECIMALS) + 0.0 if len(values) else math.nan
    error = _standard_error(values) if len(values) >= MIN_CASES else math.nan
    return t_estimate(mean, error, len(values) - 1)


def paired(first: ArrayLike, second: ArrayLike) -> Paired:
    """Compares two models on shared cases, by points or by any other share.

    The standard error is that of paired differences (Miller 2024): their standard
    deviation over √n. p is `sign_flip_p` of the differences.

    Args:
        first: A share, or whether something holds, per shared case; shape (cases,).
        second: The other model's, for the same cases in the same order.
    """
    # One array, since numpy would stretch an array of one case to any other's length.
    one, other = np.array([first, second], dtype=float)
    differences = np.round(one - other, _DECIMALS)
    return Paired(
        cases=len(differences),
        difference=difference_estimate(differences),
        stderr=_standard_error(differences),
        p=sign_flip_p(differences),
        won=int(np.sum(differences > 0)),
        drawn=int(np.sum(differences == 0)),
        lost=int(np.sum(differences < 0)),
    )


def sign_flip_p(differences: ArrayLike) -> float:
    """The exact p of the paired permutation test (Fisher 1935); NaN without a case.

    The share of all ways to flip the signs that make the sum at least as extreme,
    counted by convolution (Pagano and Tritchler 1983); one is added only to random
    flips (Phipson and Smyth 2010). For right or wrong it is McNemar's exact test.

    Args:
        differences: One per case, −1 to 1, rounded to 1/1,200; shape (cases,).
    """
    steps = np.rint(np.asarray(differences, dtype=float) * _LATTICE).astype(int)
    if not len(steps):
        return math.nan
    steps = steps[steps != 0]
    steps //= max(1, np.gcd.reduce(steps))
    total, plus = int(np.abs(steps).sum()), int(steps[steps > 0].sum())
    chances = np.zeros(total + 1)  # of every sum of the positive differences
    chances[0] = 1
    for step in np.abs(steps):
        chances[step:] += chances[:-step].copy()
        chances /= 2
    return min(1.0, 2 * float(chances[max(plus, total - plus) :].sum()))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted for multiple testing (Holm 1979, step-down Bonferroni).

    Args:
        p_values: Those of one family of tests. NaN stays NaN and does not count.
    """
    adjusted = np.array(p_values, dtype=float)
    tests = int(np.sum(~np.isnan(adjusted)))
    ascending = np.argsort(adjusted)[:tests]  # NaN sorts last
    multiplied = adjusted[ascending] * np.arange(tests, 0, -1)
    adjusted[ascending] = np.minimum(np.maximum.accumulate(multiplied), 1)
    return adjusted


def rank_ranges(
    order: Sequence[str], pairs: Iterable[tuple[str, str, float, float]]
) -> dict[str, tuple[int, int]]:
    """Best and worst rank that each model may have, given which are told apart.

    The best is 1 plus the number of models above it, the worst the number of models
    less those below it. All pairs being one family of tests, the chance that any range
    misses the true rank is at most `SIGNIFICANCE` (Mogstad et al. 2024).

    Args:
        order: The models.
        pairs: First model, second model, the first's score less the second's, and p
            adjusted by `holm`. NaN, and pairs not given, tell nothing apart.
    """
    above = {(a, b) if d > 0 else (b, a) for a, b, d, p in pairs if p < SIGNIFICANCE}
    return {
        model: (
            1 + sum((other, model) in above for other in order),
            len(order) - sum((model, other) in above for other in order),
        )
        for model in order
    }


def outright_wins(scores: ArrayLike) -> tuple[NDArray[np.int64], int]:
    """Counts the cases that each model alone answers best, and those that none does.

    Args:
        scores: A share per model and case; shape (models, cases).
    """
    rounded = np.round(np.asarray(scores, dtype=float), _DECIMALS)
    best = rounded == rounded.max(axis=0)
    alone = best.sum(axis=0) == 1
    return (best & alone).sum(axis=1), int(np.sum(~alone))


def detectable_difference(deviation: float, cases: int) -> float:
    """The smallest difference that a paired t test detects with a chance of `POWER`.

    By the noncentral t distribution (Cohen 1988, chapter 2).

    Args:
        deviation: Standard deviation of the differences per case.
        cases: How many there are, at least two.
    """
    from scipy import optimize, special

    critical = float(special.stdtrit(cases - 1, 1 - SIGNIFICANCE / 2))

    def lacking(shift: float) -> float:
        beyond = 1 - special.nctdtr(cases - 1, shift, critical)
        return POWER - float(beyond + special.nctdtr(cases - 1, shift, -critical))

    shift = float(optimize.brentq(lacking, 0, 2 * critical + 2))
    return shift * deviation / math.sqrt(cases)


def power_of(pair: Paired) -> Power | None:
    """What these cases can show about two models, and how many would show it.

    The cases needed take the observed difference and spread for the true ones. They are
    `MIN_CASES` or more, rounded up to two figures.

    Returns:
        None for fewer than `MIN_CASES` cases, or if all differences are equal.
    """
    if pair.cases < MIN_CASES or not pair.stderr:
        return None
    deviation, shown = pair.stderr * math.sqrt(pair.cases), abs(pair.difference.value)
    detectable = detectable_difference(deviation, pair.cases)
    numbers = range(MIN_CASES, WITHIN_REACH * pair.cases + 1)
    place = bisect.bisect_left(numbers, -shown, key=lambda n: -detectable_difference(deviation, n))
    if place == len(numbers):
        return Power(detectable, None)
    unit = 10 ** (len(str(numbers[place])) - 2)
    return Power(detectable, math.ceil(numbers[place] / unit) * unit)


def independent_difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """The difference of the scores on two sets of different cases, first less second.

    Its interval is made of those of the two scores (Newcombe 1998, method 10; Zou and
    Donner 2008). It stays within the scale and, unlike Welch's, covers near its ends.

    Args:
        first: A share per case; shape (cases,).
        second: The same of the other cases; shape (other cases,).
    """
    one, other = mean_estimate(first), mean_estimate(second)
    difference = one.value - other.value
    below = math.hypot(one.value - one.lower, other.upper - other.value)
    above = math.hypot(one.upper - one.value, other.value - other.lower)
    return Estimate(difference, difference - below, difference + above)


def t_estimate(value: float, error: float, degrees: int) -> Estimate:
    """Student's interval of a difference of shares, cut at −1 and 1.

    Args:
        value: The difference, −1 to 1.
        error: Its standard error; 0 and NaN leave it without bounds.
        degrees: Degrees of freedom.
    """
    from scipy import special

    if not error > 10**-_DECIMALS:
        return Estimate(value)
    margin = float(special.stdtrit(degrees, 0.975)) * error
    return Estimate(value, max(-1.0, value - margin), min(1.0, value + margin))


def _standard_error(values: NDArray[np.float64]) -> float:
    if len(values) < 2:
        return math.nan
    return round(float(values.std(ddof=1)), _DECIMALS) / math.sqrt(len(values))
