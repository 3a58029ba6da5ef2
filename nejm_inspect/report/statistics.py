"""The statistics of a report: means, pairs of models, ranks and power.

Models are compared case by case, on the cases that both have a score for: a case hard
for one is usually hard for the other, and the paired difference is free of that shared
variance (Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640). The case is
always the unit; its score may be a mean over epochs. Intervals are at 95%, tests
two-sided.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nejm_inspect.report.contents import Estimate, PairedComparison, Power

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 9_999
"""Bootstrap resamples, and sign flips of a permutation test that is not exact."""

FEWEST_FOR_BOOTSTRAP = 10
"""With fewer cases a bootstrap of them knows too little, and gives no interval."""

_CONFIDENCE = 0.95
_POWER = 0.80
_SEED = 0
_BATCH = 1_000  # resamples in memory at a time
_DECIMALS = 12  # drops floating-point noise: 0.1 + 0.2 must draw with 0.3
_UNDEFINED = Estimate(math.nan, math.nan, math.nan)


def mean_estimate(values: Sequence[float]) -> Estimate:
    """The mean with Student's t interval, as Inspect's own `ci` metric computes it.

    mean ± t · s / √n, with the standard deviation s and the 97.5% quantile t on n − 1
    degrees of freedom (Student 1908). The interval is not cut at the scale's ends.

    Args:
        values: One number per case, in any unit; that of the estimate.

    Returns:
        The estimate; without bounds for fewer than two values, undefined for none.
    """
    import numpy as np
    from scipy import stats

    if len(values) == 0:
        return _UNDEFINED
    mean = float(np.mean(values))
    if len(values) == 1:
        return Estimate(mean, math.nan, math.nan)
    quantile = stats.t.ppf((1 + _CONFIDENCE) / 2, len(values) - 1)
    margin = float(quantile * stats.sem(values))
    return Estimate(mean, mean - margin, mean + margin)


def proportion_estimate(successes: int, total: int) -> Estimate:
    """A proportion with the score interval of Wilson (1927), not continuity-corrected.

    Args:
        successes: How many of `total` count.
        total: How many there are.

    Returns:
        The proportion, 0 to 1; undefined for a total of 0.
    """
    from scipy import stats

    if total == 0:
        return _UNDEFINED
    test = stats.binomtest(successes, total)
    interval = test.proportion_ci(_CONFIDENCE, method="wilson")
    return Estimate(successes / total, float(interval.low), float(interval.high))


def rate_estimate(by_case: Sequence[Sequence[bool]]) -> Estimate:
    """The share of responses for which something holds.

    Args:
        by_case: Whether it does, for every response to each case.

    Returns:
        The proportion with Wilson's interval, for one response to a case. Several are
        no independent trials: then the mean over cases of their shares.
    """
    flat = [holds for responses in by_case for holds in responses]
    if len(flat) == len(by_case):
        return proportion_estimate(sum(flat), len(flat))
    return mean_estimate([sum(case) / len(case) for case in by_case])


def welch_difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """The difference of two means of different cases, with Welch's interval (1947).

    That is Student's t without the assumption of equal variances.

    Args:
        first: One number per case.
        second: One number per case, of other cases, in the same unit.

    Returns:
        Mean of the first less that of the second; without bounds if either has fewer
        than two values or neither varies, undefined if either has none.
    """
    import numpy as np
    from scipy import stats

    if not len(first) or not len(second):
        return _UNDEFINED
    difference = float(np.mean(first) - np.mean(second))
    if min(len(first), len(second)) < 2 or np.var(first) + np.var(second) == 0:
        return Estimate(difference, math.nan, math.nan)
    with warnings.catch_warnings():
        # If one of them does not vary, its variance is exactly zero: no precision is
        # lost, which scipy fears.
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.ttest_ind(first, second, equal_var=False)
    interval = test.confidence_interval(_CONFIDENCE)
    return Estimate(difference, float(interval.low), float(interval.high))


def compare_pair(
    first: str,
    second: str,
    first_scores: "ArrayLike",
    second_scores: "ArrayLike",
    first_exact: "ArrayLike",
    second_exact: "ArrayLike",
) -> PairedComparison:
    """Compare two models on the cases that both have a score for.

    The standard error is Miller's (2024) for paired differences: their standard
    deviation over √n. The order of the cases does not change the result, and that of
    the models only its direction. Adjusted p-values are raw ones until `adjust_pairs`.

    Args:
        first: Name of a model.
        second: Name of the other.
        first_scores: Its share of the points, 0 to 1, per shared case; shape (n,).
        second_scores: The other's, for the same cases in the same order.
        first_exact: Whether it has all points, per shared case; shape (n,).
        second_exact: The other's, for the same cases in the same order.

    Returns:
        The comparison. Without a case, all is undefined; with one, the interval and
        the standard error are, and both p-values are 1.

    Raises:
        ValueError: The arrays differ in length.
    """
    import numpy as np
    from scipy import stats

    # One array, since numpy would stretch an array of one case to any other's length.
    scores, other_scores, exact, other_exact = np.array(
        [first_scores, second_scores, first_exact, second_exact], dtype=float
    )
    differences = _differences(scores, other_scores)
    cases = len(differences)
    p_points = _permutation_p(differences) if cases else math.nan
    p_exact = _mcnemar_p(exact, other_exact) if cases else math.nan
    return PairedComparison(
        first=first,
        second=second,
        cases=cases,
        difference=_difference_estimate(differences) if cases else _UNDEFINED,
        stderr=float(stats.sem(differences)) if cases > 1 else math.nan,
        p_points=p_points,
        p_exact=p_exact,
        p_points_adjusted=p_points,
        p_exact_adjusted=p_exact,
        won=int(np.sum(differences > 0)),
        drawn=int(np.sum(differences == 0)),
        lost=int(np.sum(differences < 0)),
    )


def adjust_pairs(pairs: Sequence[PairedComparison]) -> list[PairedComparison]:
    """Correct the p-values of pairs for their number, by Holm's procedure.

    Args:
        pairs: All pairs of one comparison. Points and exactness are two families of
            tests, each corrected by itself; undefined p-values do not count.

    Returns:
        The pairs in the same order, `p_points_adjusted` and `p_exact_adjusted` filled.
    """
    points = holm([pair.p_points for pair in pairs])
    exact = holm([pair.p_exact for pair in pairs])
    return [
        replace(pair, p_points_adjusted=p_points, p_exact_adjusted=p_exact)
        for pair, p_points, p_exact in zip(pairs, points, exact, strict=True)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for multiple testing (Holm 1979, step-down Bonferroni).

    The k-th smallest of m is multiplied by m − k + 1, raised to the adjusted one before
    it, and cut at 1. Scipy has no such function: its `false_discovery_control` controls
    another error rate.

    Args:
        p_values: Raw p-values; NaN where a test is undefined.

    Returns:
        Adjusted p-values in the same order; NaN stays NaN and does not count as a test.
    """
    import numpy as np

    adjusted = np.array(p_values, dtype=float)
    tests = int(np.sum(~np.isnan(adjusted)))
    ascending = np.argsort(adjusted)[:tests]  # NaN sorts last
    multiplied = adjusted[ascending] * np.arange(tests, 0, -1)
    adjusted[ascending] = np.minimum(np.maximum.accumulate(multiplied), 1)
    return [float(p) for p in adjusted]


def rank_ranges(
    order: Sequence[str], pairs: Sequence[PairedComparison]
) -> dict[str, tuple[int, int]]:
    """The ranks that each model may have, given the intervals of paired differences.

    A model is entirely above another if the interval of their difference excludes zero
    on its side. Its best rank is 1 plus the number of models entirely above it, its
    worst the number of models less those entirely below it. Undefined intervals, and
    pairs not compared, separate nothing. The intervals are not corrected for their
    number: the ranges are a reading aid and no test.

    Args:
        order: The models, best first.
        pairs: Comparisons among them, either model first.

    Returns:
        Best and worst rank, counted from 1, by model, best first.
    """
    above = {(pair.first, pair.second) for pair in pairs if pair.difference.lower > 0}
    above |= {(pair.second, pair.first) for pair in pairs if pair.difference.upper < 0}
    return {
        model: (
            1 + sum((other, model) in above for other in order),
            len(order) - sum((model, other) in above for other in order),
        )
        for model in order
    }


def outright_wins(points: Mapping[str, Sequence[float]]) -> tuple[dict[str, int], int]:
    """Count the cases that one model alone answers best.

    Args:
        points: Each model's score per case, for the same cases in the same order.

    Returns:
        The number of cases in which a model alone has the best score, by model, and the
        number in which several share it; together, the number of cases.
    """
    import numpy as np

    if not points:
        return {}, 0
    scores = np.round(np.array(list(points.values()), dtype=float), _DECIMALS)
    best = scores == scores.max(axis=0)
    alone = best.sum(axis=0) == 1
    wins = [int(count) for count in np.sum(best & alone, axis=1)]
    return dict(zip(points, wins, strict=True)), int(np.sum(~alone))


def power_of(first_scores: "ArrayLike", second_scores: "ArrayLike") -> Power | None:
    """What this many cases can show about two models, and how many would show it.

    Normal approximation of Miller (2024, section on power analysis), with the variance
    of the differences as observed. With s, the standard deviation of the differences,
    and z = z(0.975) + z(0.80) = 2.80:

    - detectable = z · s / √n,
    - needed = (z · s / |mean difference|)², rounded up to a whole number.

    The cases needed, two at the least, take the observed difference for the true one:
    good for planning the next evaluation, no statement about this one.

    Args:
        first_scores: A model's share of the points, 0 to 1, per case; shape (n,).
        second_scores: The other's, for the same cases in the same order.

    Returns:
        The power; None for fewer than two cases, or if the difference is the same in
        every case, which tells nothing of its spread.

    Raises:
        ValueError: The arrays differ in length.
    """
    import numpy as np
    from scipy import stats

    differences = _differences(*np.array([first_scores, second_scores], dtype=float))
    cases = len(differences)
    if cases < 2:
        return None
    quantiles = stats.norm.ppf((1 + _CONFIDENCE) / 2) + stats.norm.ppf(_POWER)
    spread = float(quantiles * np.std(differences, ddof=1))
    if spread == 0:
        return None
    difference = abs(float(_mean(differences)))
    return Power(
        cases=cases,
        detectable=spread / math.sqrt(cases),
        needed=max(2, math.ceil((spread / difference) ** 2)) if difference else None,
    )


def _differences(
    first_scores: "NDArray[np.float64]", second_scores: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """First minus second per case, in an order that depends on nothing but the values.

    Resamples are drawn by position: sorting makes them the same for any order of the
    cases, and choosing the direction makes them the same for either order of models.
    """
    import numpy as np

    ascending = np.sort(np.round(first_scores - second_scores, _DECIMALS))
    descending = ascending[::-1]
    return ascending if list(ascending) >= list(-descending) else descending


def _mean(values: "NDArray[np.float64]", axis: int = -1) -> "NDArray[np.float64]":
    """The mean without noise, so that equal means compare equal and zero is zero."""
    means: NDArray[np.float64] = values.mean(axis=axis)
    return means.round(_DECIMALS) + 0.0  # turns a negative zero into zero


def _difference_estimate(differences: "NDArray[np.float64]") -> Estimate:
    """The mean difference with a bootstrap interval (Efron 1979), cases resampled.

    The interval is the percentile one. The bias-corrected and accelerated one is
    undefined where all cases have the same difference, as with identical models, and
    at hundreds of cases hardly differs for a mean. Both are too narrow for a handful.
    """
    from scipy import stats

    mean = float(_mean(differences))
    if len(differences) < FEWEST_FOR_BOOTSTRAP:
        return Estimate(mean, math.nan, math.nan)
    interval = stats.bootstrap(
        (differences,),
        _mean,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        confidence_level=_CONFIDENCE,
        method="percentile",
        rng=_SEED,
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high))


def _permutation_p(differences: "NDArray[np.float64]") -> float:
    """Two-sided p of the paired permutation test (Fisher 1935), flipping signs.

    Exact if no more than `RESAMPLES` flips exist, that is up to 13 cases with a
    difference; else from that many random ones with the observed one added (Phipson and
    Smyth 2010), and so never below 2 in 10,000.
    """
    from scipy import stats

    # Zeros change no sum when flipped; without them the test is exact more often.
    differing = differences[differences != 0]
    if len(differing) < 2:
        return 1.0  # one difference is as extreme either way; scipy refuses it
    test = stats.permutation_test(
        (differing,),
        _mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        rng=_SEED,
    )
    return float(test.pvalue)


def _mcnemar_p(exact: "NDArray[np.float64]", other: "NDArray[np.float64]") -> float:
    """Two-sided p of the exact test of McNemar (1947): binomial at one half."""
    from scipy import stats

    discordant = int((exact != other).sum())
    if discordant == 0:
        return 1.0
    return float(stats.binomtest(int((exact > other).sum()), discordant).pvalue)
