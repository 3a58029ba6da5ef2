"""Where variance comes from: arrays in, numbers out.

A design has the axes models × cases × responses × judges: every model gives as many responses to
every case, and every judge a verdict on each. Models are fixed, the rest is random (crossed, but
responses are nested in model and case).
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from nejm_inspect.report import statistics as st

PARTS = ("case", "model_case", "sampling", "judge", "judge_response")
"""The parts of the variance: some cases are harder for all models; a model finds some cases harder
than others do; its responses to a case differ; some judges give more points to all; and judges
differ otherwise, by model, case and response."""

CASES_FOR_BOUNDS = 20  # from here on, simulated intervals cover 87% to 97%, from 50 on 92% to 97%
MOST_GROUPS = 100  # of cases that the jackknife leaves out in turn
_AXES = "mcrj"  # model, case, response, judge
_EFFECTS = ["m", "c", "mc", "mcr", "j", "mj", "cj", "mcj", "mcrj"]


def components(shares: ArrayLike) -> dict[str, float]:
    """Estimates the `PARTS` from the mean squares of a balanced design.

    Each mean square is set equal to its expectation, the sum, over the effects that contain the
    effect's axes, of their variance times the values to each of their levels (Cornfield and Tukey
    1956; Searle, Casella and McCulloch 1992, Variance Components, chapter 4, unrestricted model).
    This is unbiased; an estimate may be negative.

    Args:
        shares: The design, of at least two cases. An axis of one has no effect: with one model,
            `model_case` is part of `case`; with one response, `sampling` of what is left; with
            one judge, judging of all parts.
    """
    values = np.asarray(shares, dtype=float)
    long = {axis for axis, size in zip(_AXES, values.shape, strict=True) if size > 1}
    names = dict.fromkeys("".join(axis for axis in name if axis in long) for name in _EFFECTS)
    effects: dict[str, NDArray[np.float64]] = {"": values.mean(keepdims=True)}
    free, variances, found = {"": 1}, dict[str, float](), dict[str, float]()
    for name in filter(None, names):
        smaller = [other for other in effects if {*other} < {*name}]
        means = values.mean(tuple(n for n, a in enumerate(_AXES) if a not in name), keepdims=True)
        free[name] = means.size - sum(free[other] for other in smaller)
        effects[name] = means - sum(effects[other] for other in smaller)
    for name in reversed([*filter(None, names)]):
        each = {other: values.size // effects[other].size for other in effects}
        square = each[name] * float((effects[name] ** 2).sum()) / free[name]
        above = sum(each[other] * variances[other] for other in variances if {*other} > {*name})
        variances[name] = (square - above) / each[name]
    for name, variance in variances.items():
        if name != "m":
            part = {"c": "case", "mc": "model_case", "j": "judge"}.get(name)
            part = part or ("judge_response" if "j" in name else "sampling")
            found[part] = found.get(part, 0) + variance
    # Without noise: what does not vary is 0.
    return {part: round(found[part], 12) for part in PARTS if part in found}


def portions(shares: ArrayLike) -> dict[str, st.Estimate]:
    """Each part of the sum of the parts, 0 to 1, where negative estimates count as 0.

    Intervals are by the jackknife over cases, on the logit scale where all its values have one
    (Arvesen and Schmitz 1970): they hold for the models and judges that there are. Since it does
    not count negative estimates as 0, they are widened to hold the share. None is given with fewer
    than `CASES_FOR_BOUNDS` cases, or without variation.

    Args:
        shares: The design, as `components` takes it, in which not all values are equal.
    """
    values = np.asarray(shares, dtype=float)
    cases, found = values.shape[1], components(values)
    kept = {part: max(0.0, variance) for part, variance in found.items()}
    estimates = {part: st.Estimate(one / math.fsum(kept.values())) for part, one in kept.items()}
    if cases < CASES_FOR_BOUNDS:
        return estimates
    group = np.arange(cases) % min(cases, MOST_GROUPS)
    designs = [values, *(values[:, group != one] for one in range(group.max() + 1))]
    raw = np.array([[*components(one).values()] for one in designs])
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN, and so no bounds
        raw /= raw.sum(axis=1, keepdims=True)
        plain, logit = (_jackknife_bounds(one) for one in (raw, special.logit(raw)))
    ends = np.where(np.isfinite(logit), special.expit(logit), np.clip(plain, 0, 1))
    shares = [one.value for one in estimates.values()]
    ends = np.array([np.minimum(ends[0], shares), np.maximum(ends[1], shares)])  # NaN stays
    return {part: st.Estimate(estimates[part].value, *ends[:, n]) for n, part in enumerate(kept)}


def _jackknife_bounds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower and upper bounds; the first row of values is of all cases, each other lacks a group."""
    groups = len(values) - 1
    error = (groups - 1) / math.sqrt(groups) * values[1:].std(axis=0, ddof=1)
    margin = special.stdtrit(groups - 1, 1 - st.SIGNIFICANCE / 2) * np.where(error, error, np.nan)
    return np.array([values[0] - margin, values[0] + margin])


def paired_deviation(found: Mapping[str, float], epochs: int) -> float:
    """The standard deviation, over cases, of the difference of two models' mean shares.

    It is √(2 (model_case + sampling / k)) for k epochs, and that of the average pair if `found`
    are the components of the points themselves; negative ones count as 0.
    """
    return math.sqrt(2 * (max(0.0, found["model_case"]) + max(0.0, found["sampling"]) / epochs))
