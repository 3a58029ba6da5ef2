"""The confidence interval of a score, the same in the log's `ci` metric and in the report."""

import math
import statistics
from collections.abc import Sequence

MIN_CASES = 10
"""With fewer cases no interval is shown."""


def mean_share_interval(shares: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Returns the bounds, within 0 and 1, of a mean share of the points; NaN without a case.

    This is Wilson's interval for the mean, with the number of right-or-wrong responses that would
    be as precise: n · a(1 − a) / v, at least n. Here a and v are mean and variance of the shares
    with one 0 and one 1 added, since shares that hardly vary say little about their variance. For
    right-or-wrong responses it nearly equals Wilson's own. The tests simulate its coverage.

    Args:
        shares: Each case's share of the points, 0 to 1; with epochs the mean over them.
        level: The share of intervals that should contain the true mean, 0 to 1.

    Raises:
        ValueError: If a share is not within 0 and 1.
    """
    if len(shares) == 0:
        return math.nan, math.nan
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError("A share of the points lies between 0 and 1.")
    widened = [*shares, 0.0, 1.0]
    middle = statistics.fmean(widened)
    variance = math.fsum((share - middle) ** 2 for share in widened) / (len(widened) - 1)
    size = len(shares) * max(1.0, middle * (1 - middle) / variance)
    return wilson_interval(statistics.fmean(shares), size, level)


def wilson_interval(share: float, size: float, level: float = 0.95) -> tuple[float, float]:
    """Returns Wilson's score interval (1927, uncorrected) of a proportion of `size` responses."""
    z = statistics.NormalDist().inv_cdf((1 + level) / 2)
    shrinkage = 1 + z**2 / size
    middle = (share + z**2 / (2 * size)) / shrinkage
    margin = z / shrinkage * math.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    # At 0% and 100%, rounding could put a bound outside the scale.
    return max(0.0, middle - margin), min(1.0, middle + margin)
