"""The agreement of two raters, and of a rater with itself."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable
from statistics import variance
from typing import TYPE_CHECKING

from nejm_inspect.rubric import CATEGORIES, level_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def quadratic_weighted_kappa(confusion: "ArrayLike") -> float:
    """Returns the agreement of two raters on an ordered scale, beyond chance (Cohen 1968).

    κ = 1 − Σ w·o / Σ w·e, with the observed counts o, the counts e expected of independent raters
    with the same marginals, and the disagreement w = (i − j)² of the i-th and the j-th category. It
    is 1 if the raters always agree and 0 if they agree as often as by chance. It is NaN without
    counts, and if both raters use the same single category.

    Args:
        confusion: How often one rater chose the row's category and the other the column's, with
            the categories in order and equally spaced.

    Raises:
        ValueError: If the matrix is not square.
    """
    import numpy as np

    observed = np.array(confusion, dtype=float)
    if observed.ndim != 2 or observed.shape[0] != observed.shape[1]:
        raise ValueError(f"A confusion matrix is square, not of {observed.shape}.")
    total = observed.sum()
    if total == 0:
        return math.nan
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / total
    categories = np.arange(len(observed))
    weights = (categories[:, None] - categories) ** 2
    by_chance = float((weights * expected).sum())
    return 1 - float((weights * observed).sum()) / by_chance if by_chance else math.nan


def level_confusion(verdicts: Iterable[tuple[str, float, float]]) -> list[list[int]]:
    """Counts verdicts of the exam by expected level (rows) and given level (columns), best first.

    Args:
        verdicts: For each the expected level, the points given, and their error: their distance
            from the expected range. Without an error, the expected level counts as given.
    """
    counts = [[0] * len(CATEGORIES) for _ in CATEGORIES]
    for level, points, error in verdicts:
        given = level_of(int(points)).category if error else level
        counts[CATEGORIES.index(level)][CATEGORIES.index(given)] += 1
    return counts


def repeats(verdicts: Iterable[tuple[Hashable, float]]) -> tuple[list[bool], float]:
    """Compares repeated verdicts on the same response.

    Args:
        verdicts: The response and the points of each verdict; points of NaN are left out.

    Returns:
        For each response with two verdicts or more, whether their points differ; and the standard
        deviation of points within a response, pooled, NaN if no response has two verdicts.
    """
    by_response: defaultdict[Hashable, list[float]] = defaultdict(list)
    for response, points in verdicts:
        if not math.isnan(points):
            by_response[response].append(points)
    repeated = [points for points in by_response.values() if len(points) > 1]
    freedom = sum(len(points) - 1 for points in repeated)
    squares = sum((len(points) - 1) * variance(points) for points in repeated)
    within = math.sqrt(squares / freedom) if freedom else math.nan
    return [len({*points}) > 1 for points in repeated], within
