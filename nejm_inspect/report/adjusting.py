"""Scores adjusted to the grades of a random sample of responses: arrays in, numbers out.

As in `statistics`, shares are from 0 to 1 and intervals at 95%. tests/report/test_simulations.py
measures how often the intervals hold the truth.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from nejm_inspect.interval import wilson_interval
from nejm_inspect.report.statistics import SIGNIFICANCE, Estimate

ENOUGH = 50
"""With fewer graded responses of a model, its intervals are wide, and cover more than 95%."""

_Z = float(special.ndtri(1 - SIGNIFICANCE / 2))
_SEEN = 0.5  # see `adjusted_mean`; found by simulation
LEAST = 5  # see `rogan_gladen`; with fewer, intervals cover as little as 86%


def power_tuning(truths: ArrayLike, given: ArrayLike, others: ArrayLike) -> float:
    """The λ of PPI++ (Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453): how far to trust.

    λ = Cov(truths, given) / ((1 + n/N) Var(given)), cut at 0 and 1. The paper allows Var of all the
    judge's shares. Here it is of the graded ones alone: then a judge that equals the physicians
    leaves the score as it is.

    Args:
        truths: The physicians' share of the points for each of the n graded cases.
        given: The judge's, for the same cases in the same order.
        others: The judge's for each of the N cases that are not graded; with none, λ is 0.
    """
    (_, covariance), (_, spread) = np.cov(np.asarray(truths), np.asarray(given), ddof=0)
    slope = covariance / spread if spread else 0.0
    return float(np.clip(slope * np.size(others) / (np.size(given) + np.size(others)), 0, 1))


def adjusted_mean(truths: ArrayLike, given: ArrayLike, others: ArrayLike) -> Estimate:
    """The mean truth by PPI++: λ·mean(others) + mean(truths − λ·given), cut at 0 and 1.

    The normal interval of PPI++ covers as little as 63% with 24 grades and 85% with 100. This one
    is Wilson's, with the effective size that gives the variance of PPI++. As in
    `mean_share_interval`, one 0 and one 1 are added to the graded responses; the judge is assumed
    to see the part `_SEEN` of their difference from the mean. If all cases are graded, both
    functions give the same interval.

    Args:
        truths: As of `power_tuning`; at least two.
        given: As of `power_tuning`.
        others: As of `power_tuning`.
    """
    tuning = power_tuning(truths, given, others)
    residuals = np.asarray(truths, dtype=float) - tuning * np.asarray(given, dtype=float)
    tuned = tuning * np.asarray(others if np.size(others) else [0], dtype=float)
    size, centre = len(residuals), float(residuals.mean())
    mean = float(np.clip(centre + tuned.mean(), 0, 1))
    added = centre + (1 - _SEEN * tuning) * np.array([-mean, 1 - mean])
    variance = np.concatenate([residuals, added]).var(ddof=1) / size + tuned.var() / len(tuned)
    middle = (size * mean + 1) / (size + 2)
    return Estimate(mean, *wilson_interval(mean, middle * (1 - middle) / float(variance)))


def rogan_gladen(rate: float, cases: int, truths: ArrayLike, given: ArrayLike) -> Estimate:
    """The rate of what a judge finds with errors (Rogan and Gladen 1978), cut at 0 and 1.

    The interval is Lang and Reiczigel's (2014, Preventive Veterinary Medicine 113, 13–22, equations
    16 and 17; in their equation 4, (1 + P)² should be (1 − P)²). NaN if fewer than `LEAST` graded
    responses have it, fewer than `LEAST` do not, or sensitivity + specificity ≤ 1.

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
    if graded.min() < LEAST or min((right / graded).sum() - 1, slope) <= 0:
        return Estimate(math.nan)
    value = (rate + right[1] / graded[1] - 1) / ((right / graded).sum() - 1)
    observed = (cases * rate + _Z**2 / 2) / size
    middle = (observed + specificity - 1) / slope
    errors = np.array([sensitivity * (1 - sensitivity), specificity * (1 - specificity)]) / added
    variance = observed * (1 - observed) / size + errors @ [middle**2, (1 - middle) ** 2]
    shifted = middle + 2 * _Z**2 * (errors @ [middle, middle - 1])
    margin = _Z * math.sqrt(variance) / slope
    return Estimate(*np.clip([value, shifted - margin, shifted + margin], 0, 1).tolist())


def of_all(estimate: Estimate, share: float, cases: int) -> Estimate:
    """The estimate for all cases, if it is about a share of them and the others have 0.

    The interval joins that of the estimate and the share's normal one by their distances from the
    values (Zou and Donner 2008). A share of 0 or 1 is taken as certain.
    """
    value, doubt = estimate.value * share, _Z * math.sqrt(share * (1 - share) / cases)
    below = math.hypot(share * (estimate.value - estimate.lower), estimate.value * doubt)
    above = math.hypot(share * (estimate.upper - estimate.value), estimate.value * doubt)
    return Estimate(value, *np.clip([value - below, value + above], 0, 1).tolist())
