"""Scores adjusted to the grades of a random sample of responses: arrays in, numbers out.

As in `statistics`, shares are from 0 to 1 and intervals at 95%. tests/report/test_simulations.py
measures how often the intervals hold the truth.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from nejm_inspect.interval import wilson_interval
from nejm_inspect.report.statistics import SIGNIFICANCE, Estimate

ENOUGH = 50
"""With fewer graded responses of a model, its intervals are wide, and cover more than 95%."""

_Z = float(special.ndtri(1 - SIGNIFICANCE / 2))
_DOUBT = 0.4  # residual, a share of the points, of two more responses; found by simulation
_LEAST = 5  # graded responses with and without; with fewer, intervals cover as little as 86%
Array = NDArray[np.float64]


def power_tuned(truths: ArrayLike, given: ArrayLike, others: ArrayLike) -> tuple[Array, Array]:
    """The two samples of PPI++ (Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453).

    Its estimate of the mean truth is the sum of their means: of λ·others, and of truth − λ·given of
    what is graded, with λ = Cov(truth, given) / ((1 + n/N) Var(given, others)), cut at 0 and 1.

    Args:
        truths: The physicians' share of the points for each of the n graded cases.
        given: The judge's, for the same cases in the same order.
        others: The judge's for each of the N cases that are not graded; with none, λ is 0.
    """
    truth, judge, rest = (np.asarray(shares, dtype=float) for shares in (truths, given, others))
    spread = float(np.concatenate([judge, rest]).var(ddof=1))
    covariance = float(np.cov(truth, judge, ddof=0)[0, 1])
    size = len(judge) + len(rest)
    tuning = min(1.0, max(0.0, covariance / spread * len(rest) / size)) if spread else 0.0
    return tuning * rest, truth - tuning * judge


def adjusted_mean(truths: ArrayLike, given: ArrayLike, others: ArrayLike) -> Estimate:
    """The mean truth by PPI++, with arguments as of `power_tuned`, at least two of them graded.

    The interval is Wilson's with an effective size, as in `interval.mean_share_interval`: the
    normal one of PPI++ covers as little as 63% with 24 grades and 85% with 100. Residuals that
    hardly vary say little about their variance, and two of ±`_DOUBT` are added. The estimate is cut
    at 0 and 1.
    """
    tuned, residuals = power_tuned(truths, given, others)
    size = len(residuals)
    mean = float(residuals.mean()) + (float(tuned.mean()) if len(tuned) else 0.0)
    mean = min(1.0, max(0.0, mean))
    squares = float(np.square(residuals - residuals.mean()).sum()) + 2 * _DOUBT**2
    variance = squares / (size + 1) / size + (float(tuned.var()) / len(tuned) if len(tuned) else 0)
    middle = (size * mean + 1) / (size + 2)
    return Estimate(mean, *wilson_interval(mean, middle * (1 - middle) / variance))


def rogan_gladen(rate: float, cases: int, truths: ArrayLike, given: ArrayLike) -> Estimate:
    """The rate of what a judge finds with errors (Rogan and Gladen 1978), cut at 0 and 1.

    The interval is Lang and Reiczigel's (2014, Preventive Veterinary Medicine 113, 13–22, equations
    16 and 17; in their equation 4, (1 + P)² should be (1 − P)²). NaN if fewer than `_LEAST` graded
    responses have it, or have it not, or sensitivity + specificity ≤ 1.

    Args:
        rate: How often the judge finds it.
        cases: In how many cases it was looked for.
        truths: Whether each graded response has it.
        given: Whether the judge found it, for the same responses in the same order.
    """
    has, found = np.asarray(truths, dtype=bool), np.asarray(given, dtype=bool)
    right, graded = np.array([[found[has].sum(), (~found[~has]).sum()], [has.sum(), (~has).sum()]])
    # Agresti and Coull's (1998) additions: a success and a failure; of the rate, z² / 2 each.
    added, size = graded + 2, cases + _Z**2
    sensitivity, specificity = (right + 1) / added
    slope = sensitivity + specificity - 1
    if graded.min() < _LEAST or min((right / graded).sum() - 1, slope) <= 0:
        return Estimate(math.nan)
    value = (rate + right[1] / graded[1] - 1) / ((right / graded).sum() - 1)
    observed = (cases * rate + _Z**2 / 2) / size
    middle = (observed + specificity - 1) / slope
    errors = np.array([sensitivity * (1 - sensitivity), specificity * (1 - specificity)]) / added
    variance = observed * (1 - observed) / size + errors @ [middle**2, (1 - middle) ** 2]
    shifted = middle + 2 * _Z**2 * (errors @ [middle, middle - 1])
    margin = _Z * math.sqrt(variance) / slope
    ends = (min(1.0, max(0.0, float(end))) for end in (value, shifted - margin, shifted + margin))
    return Estimate(*ends)


def of_all(estimate: Estimate, share: float, cases: int) -> Estimate:
    """The estimate times the share of the cases that it is about, the others having 0.

    The interval joins those of the two by their distances from the estimate (Zou and Donner 2008),
    with the normal one of the share: it is certain if all or none of the cases are in it.
    """
    value, doubt = estimate.value * share, _Z * math.sqrt(share * (1 - share) / cases)
    below = math.hypot(share * (estimate.value - estimate.lower), estimate.value * doubt)
    above = math.hypot(share * (estimate.upper - estimate.value), estimate.value * doubt)
    # Unlike Python's, numpy's maximum and minimum keep NaN.
    return Estimate(value, float(np.maximum(0, value - below)), float(np.minimum(1, value + above)))
