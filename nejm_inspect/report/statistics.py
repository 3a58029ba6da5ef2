"""The statistics of a report: arrays in, numbers out.

Models are compared case by case, since a case hard for one is usually hard for the other (Miller
2024, arXiv 2411.00640). A share is the part of the points that a response has, 0 to 1, or a case on
average over its epochs. Arrays hold a number per case or, with an argument `cases` that holds the
case of each, per response. Intervals are at 95%, tests two-sided. Bounds are NaN where no interval
is to be shown: with fewer than `MIN_CASES` cases, and where equal differences tell nothing of their
spread.
"""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from nejm_inspect.interval import MIN_CASES, mean_share_interval, wilson_interval

SIGNIFICANCE = 0.05  # two models are told apart if their adjusted p is below this
POWER = 0.80  # the chance that a test is to have of detecting a difference
WITHIN_REACH = 10  # cases needed are given up to this many times those there are
_LATTICE = 2_400  # steps of the scale: holds half points, means over six epochs, or of models
_DECIMALS = 12  # drops floating-point noise: 0.1 + 0.2 must draw with 0.3


class Estimate(NamedTuple):
    """A number with its 95% interval."""

    value: float
    lower: float = math.nan
    upper: float = math.nan


def columns(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as columns of a frame: `name`, `name_lower` and `name_upper`."""
    return dict(zip((name, f"{name}_lower", f"{name}_upper"), estimate, strict=True))


def mean_estimate(shares: ArrayLike) -> Estimate:
    """The mean of the cases' shares, with the interval of the log's `ci` metric."""
    values = np.asarray(shares, dtype=float).tolist()
    mean = math.fsum(values) / len(values) if values else math.nan
    return Estimate(mean, *(mean_share_interval(values) if len(values) >= MIN_CASES else ()))


def rate_estimate(holds: ArrayLike, cases: Any = None, at_most: int | None = None) -> Estimate:
    """The share of responses for which something holds; every response counts.

    Wilson's interval with the effective size p(1 − p) / v of clustered responses (Rao and Scott
    1992): of xᵢ of the mᵢ responses to each case, p = Σ xᵢ / Σ mᵢ, v = Σ (xᵢ − p·mᵢ)² / (Σ mᵢ)².

    Args:
        holds: Whether it does, for every response.
        cases: By default each response has its own.
        at_most: The greatest effective size; by default the number of cases, and the interval is
            never narrower than that of a single epoch with the same rate.
    """
    held = np.asarray(holds, dtype=float)
    rate = float(held.mean()) if len(held) else math.nan
    labels = np.arange(len(held)) if cases is None else cases
    residuals = np.bincount(np.unique(labels, return_inverse=True)[1], held - rate)
    if len(residuals) < MIN_CASES:
        return Estimate(rate)
    size: float = len(residuals)
    if variance := float(residuals @ residuals) / len(held) ** 2:
        size = min(at_most or size, rate * (1 - rate) / variance)
    return Estimate(rate, *wilson_interval(rate, size))


def difference_estimate(differences: ArrayLike, widest: float = 1) -> Estimate:
    """The mean of the cases' differences, at most ±`widest`, with Student's paired t interval."""
    values = np.asarray(differences, dtype=float)
    # Without noise: differences that cancel out are 0, and not minus that.
    mean = round(float(values.mean()), _DECIMALS) + 0.0 if len(values) else math.nan
    return _t_estimate(mean, _standard_error(values), len(values), widest)


def paired(first: ArrayLike, second: ArrayLike) -> dict[str, Any]:
    """Compares two models on the cases that both have, by points or by any other share.

    Args:
        first: A share, or whether something holds, per case; NaN where missing.
        second: The other model's, for the same cases in the same order.

    Returns:
        A row of a frame: `cases`, the `difference` of the means, first less second, with its
        bounds, its `standard_error` (the paired differences' deviation over √n), `p` by
        `sign_flip_p`, and the cases `won` by the first, `drawn` and `lost`.
    """
    # One array, since numpy would stretch an array of one case to any other's length.
    one, other = np.array([first, second], dtype=float)
    differences = np.round(one - other, _DECIMALS)
    differences = differences[~np.isnan(differences)]
    signs = np.sign(differences).tolist()
    return {
        "cases": len(differences),
        **columns("difference", difference_estimate(differences)),
        "standard_error": _standard_error(differences),
        "p": sign_flip_p(differences),
        **{name: signs.count(sign) for name, sign in (("won", 1), ("drawn", 0), ("lost", -1))},
    }


def sign_flip_p(differences: ArrayLike) -> float:
    """The exact p of the paired permutation test (Fisher 1935); NaN without a case.

    The share of all ways to flip the signs that make the sum at least as extreme, counted by
    convolution (Pagano and Tritchler 1983); one is added only to random flips (Phipson and Smyth
    2010). For right or wrong it is McNemar's exact test. Differences are rounded to 1/2,400.
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
    """One family's p-values, adjusted (Holm 1979); NaN stays NaN and counts as no test."""
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

    A pair is two of the models, the first's score less the second's, and p adjusted by `holm`;
    NaN, and pairs not given, tell nothing apart. As all pairs are one family of tests, the chance
    that any range misses the true rank is at most `SIGNIFICANCE` (Mogstad et al. 2024).
    """
    apart = [pair for pair in pairs if pair[3] < SIGNIFICANCE and {*pair[:2]} <= {*order}]
    above = {(a, b) if d > 0 else (b, a) for a, b, d, _ in apart}
    better, worse = ([pair[side] for pair in above] for side in (0, 1))
    return {model: (1 + worse.count(model), len(order) - better.count(model)) for model in order}


def detectable_difference(deviation: float, cases: int) -> float:
    """The smallest difference that a paired t test detects with a chance of `POWER`.

    By the noncentral t distribution (Cohen 1988, chapter 2), for at least two cases and the
    standard deviation of their differences.
    """
    critical = special.stdtrit(cases - 1, 1 - SIGNIFICANCE / 2)
    # The chance of a significant difference with the wrong sign is below one in 100,000.
    return float(special.nctdtrinc(cases - 1, 1 - POWER, critical)) * deviation / math.sqrt(cases)


def power_of(pair: Mapping[str, Any]) -> tuple[float, int | None] | None:
    """What the cases of a pair, as `paired` returns it, can show, and how many it would need.

    Returns:
        The smallest detectable difference, and the cases needed if observed difference and spread
        are the true ones: `MIN_CASES` or more, rounded up to two figures, None if beyond reach.
        Altogether None for fewer than `MIN_CASES` cases, or if all differences are equal.
    """
    cases, error, shown = pair["cases"], pair["standard_error"], abs(pair["difference"])
    if cases < MIN_CASES or not error:
        return None
    deviation = error * math.sqrt(cases)
    detectable = detectable_difference(deviation, cases)
    numbers = range(MIN_CASES, WITHIN_REACH * cases + 1)
    place = bisect.bisect_left(numbers, -shown, key=lambda n: -detectable_difference(deviation, n))
    if place == len(numbers):
        return detectable, None
    unit = 10 ** (len(str(numbers[place])) - 2)
    return detectable, math.ceil(numbers[place] / unit) * unit


def independent_difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """The difference of the scores on two sets of different cases, first less second.

    Its interval is made of those of the two scores (Newcombe 1998, method 10; Zou and Donner
    2008). It stays within the scale and, unlike Welch's, covers near its ends.
    """
    one, other = mean_estimate(first), mean_estimate(second)
    difference = one.value - other.value
    below = math.hypot(one.value - one.lower, other.upper - other.value)
    above = math.hypot(one.upper - one.value, other.value - other.lower)
    return Estimate(difference, difference - below, difference + above)


def adjusted_difference(
    shares: ArrayLike, group: ArrayLike, covariates: ArrayLike, cases: ArrayLike
) -> Estimate:
    """How much higher a group's scores are than the others', at equal covariates.

    The group's coefficient in a linear regression, with a standard error robust to cases as
    clusters (Liang and Zeger 1986; G/(G − 1) · (N − 1)/(N − k) as in Stata). NaN with fewer than
    `MIN_CASES` cases in or outside the group, and if the covariates determine it. `group` tells
    whether a response is in it; covariates have the shape (responses, covariates).
    """
    values, inside = np.asarray(shares, dtype=float), np.asarray(group, dtype=float)
    codes = np.unique(cases, return_inverse=True)[1]
    design = np.column_stack([inside, np.ones(len(values)), np.asarray(covariates, float)])
    if min(len(set(codes[inside == side])) for side in (0, 1)) < MIN_CASES:
        return Estimate(math.nan)  # the rank of no rows is an error to some versions of numpy
    rank, rank_without = map(np.linalg.matrix_rank, (design, design[:, 1:]))
    if rank == rank_without:
        return Estimate(math.nan)
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ values
    influence = np.bincount(codes, inverse[0] * (values - design @ coefficients))
    size, clusters = len(values), len(influence)
    factor = clusters / (clusters - 1) * (size - 1) / (size - rank)
    error = math.sqrt(factor * float(influence @ influence))
    return _t_estimate(float(coefficients[0]), error, clusters)


def _t_estimate(value: float, error: float, cases: int, widest: float = 1) -> Estimate:
    """Student's interval (1908) of a difference by its standard error, cut at ±`widest`."""
    if cases < MIN_CASES or not error > 10**-_DECIMALS:
        return Estimate(value)
    margin = float(special.stdtrit(cases - 1, 1 - SIGNIFICANCE / 2)) * error
    return Estimate(value, max(-widest, value - margin), min(widest, value + margin))


def _standard_error(values: NDArray[np.float64]) -> float:
    deviation = round(float(values.std(ddof=1)), _DECIMALS) if len(values) > 1 else math.nan
    return deviation / math.sqrt(max(1, len(values)))
