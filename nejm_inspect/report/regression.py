"""The regressions of a report: arrays in, numbers out, as in `statistics`."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.report.statistics import Estimate, t_estimate

_STEPS = 25  # of Newton's method, many more than a fit of two coefficients takes


class Curve(NamedTuple):
    """A fitted share over the Brier score, with its 95% band; arrays of one shape."""

    brier: NDArray[np.float64]
    share: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def adjusted_difference(
    shares: ArrayLike, group: ArrayLike, covariates: ArrayLike, cases: ArrayLike
) -> Estimate:
    """How much higher a group's scores are than the others', at equal covariates.

    The group's coefficient in a linear regression, with a standard error robust to
    cases as clusters (Liang and Zeger 1986; G/(G − 1) · (N − 1)/(N − k) as in Stata).

    Args:
        shares: One per response; shape (responses,).
        group: Whether a response is in the group; shape (responses,).
        covariates: What to adjust for; shape (responses, covariates).
        cases: The case of every response.

    Returns:
        The estimate; NaN with fewer than `MIN_CASES` cases in or outside the group, and
        if the covariates determine it.
    """
    values, inside = np.asarray(shares, dtype=float), np.asarray(group, dtype=float)
    others = np.column_stack([np.ones(len(values)), np.asarray(covariates, float)])
    design = np.column_stack([inside, others])
    rank = np.linalg.matrix_rank(design)
    codes = np.unique(np.asarray(cases), return_inverse=True)[1]
    fewest = min(len(set(codes[inside == side])) for side in (0, 1))
    if fewest < MIN_CASES or rank == np.linalg.matrix_rank(others):
        return Estimate(math.nan)
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ values
    influence = np.bincount(codes, inverse[0] * (values - design @ coefficients))
    clusters = len(influence)
    factor = clusters / (clusters - 1) * (len(values) - 1) / (len(values) - rank)
    error = math.sqrt(factor * float(influence @ influence))
    return t_estimate(float(coefficients[0]), error, clusters - 1)


def difficulty_curve(brier: ArrayLike, shares: ArrayLike) -> Curve | None:
    """A model's share of the points as a curve over the readers' Brier score.

    Quasi-binomial logistic regression (Wedderburn 1974) on the root of the Brier score,
    over which the log odds of the readers' own accuracy are a straight line, within a
    hundredth in every tenth of the NEJM cases. Cases of weight a quarter, a 0 and a 1
    at one deviation on either side, are added as in `mean_share_interval`: near floor
    and ceiling the band then covers 93% or more instead of 81%, and the fit converges.

    Args:
        brier: One per case, 0 or more; shape (cases,).
        shares: The model's, per case; shape (cases,).

    Returns:
        None for fewer than `MIN_CASES` cases, or if all have the same Brier score.
    """
    from scipy import special, stats

    roots = np.sqrt(np.asarray(brier, dtype=float))
    if len(roots) < MIN_CASES or not np.ptp(roots):
        return None
    mean, deviation = roots.mean(), roots.std()
    design = _line(np.concatenate([(roots - mean) / deviation, [-1, -1, 1, 1]]))
    values = np.concatenate([np.asarray(shares, dtype=float), [0, 1, 0, 1]])
    weights = np.concatenate([np.ones(len(roots)), np.full(4, 0.25)])
    coefficients = np.zeros(2)
    for _ in range(_STEPS):
        odds = design @ coefficients
        fitted, spread = special.expit(odds), special.expit(odds) * special.expit(-odds)
        bread = np.linalg.inv((design.T * weights * spread) @ design)
        coefficients += bread @ design.T @ (weights * (values - fitted))
    degrees = len(roots) - 1  # the weights add up to one more case, the line takes two
    dispersion = np.sum(weights * (values - fitted) ** 2 / spread) / degrees
    at = np.linspace(roots.min(), roots.max())
    terms = _line((at - mean) / deviation)
    odds = terms @ coefficients
    errors = np.sqrt(dispersion * np.sum(terms @ bread * terms, axis=1))
    margin = stats.t.ppf(0.975, degrees) * errors
    lower, upper = special.expit(odds - margin), special.expit(odds + margin)
    return Curve(at**2, special.expit(odds), lower, upper)


def _line(at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(at)), at])
