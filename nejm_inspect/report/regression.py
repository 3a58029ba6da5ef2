"""The regression of a report: arrays in, a number out, as in `statistics`."""

import math

import numpy as np
from numpy.typing import ArrayLike

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.report.statistics import Estimate, t_estimate


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
