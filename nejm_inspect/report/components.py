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

PARTS = {
    "case": "some cases are harder for all models, which cancels out in comparisons",
    "model × case": "each model has hard cases of its own",
    "sampling": "a model's responses to a case differ",
    "judge": "some judges give more points to all",
    "judge × response": "judges differ beyond that",
}
"""The parts of the variance, and what each is."""

CASES_FOR_BOUNDS = 20  # from here on, simulated intervals cover 87% to 97%, from 50 on 92% to 97%
MOST_GROUPS = 100  # of cases that the jackknife leaves out in turn
_AXES = "mcrj"  # model, case, response, judge
_EFFECTS = ["m", "c", "mc", "mcr", "j", "mj", "cj", "mcj", "mcrj"]
_PART_OF = {"c": "case", "mc": "model × case", "j": "judge"}


def components(shares: ArrayLike) -> dict[str, float]:
    """Estimates the `PARTS` from the mean squares of a balanced design.

    Each mean square is set equal to its expectation, the sum, over the effects that contain the
    effect's axes, of their variance times the values to each of their levels (Cornfield and Tukey
    1956; Searle, Casella and McCulloch 1992, Variance Components, chapter 4, unrestricted model).
    This is unbiased; an estimate may be negative.

    Args:
        shares: The design, of at least two cases. An axis of one has no effect: with one model,
            the case contains model × case; with one response, what is left contains sampling;
            with one judge, all parts contain judging.
    """
    values = np.asarray(shares, dtype=float)
    long = {axis for axis, size in zip(_AXES, values.shape, strict=True) if size > 1}
    within = ("".join(axis for axis in name if axis in long) for name in _EFFECTS)
    names = [*dict.fromkeys(filter(None, within))]
    effects: dict[str, NDArray[np.float64]] = {"": values.mean(keepdims=True)}
    free, variances = {"": 1}, dict[str, float]()
    for name in names:
        smaller = [other for other in effects if {*other} < {*name}]
        means = values.mean(tuple(n for n, a in enumerate(_AXES) if a not in name), keepdims=True)
        free[name] = means.size - sum(free[other] for other in smaller)
        effects[name] = means - sum(effects[other] for other in smaller)
    each = {name: values.size // effect.size for name, effect in effects.items()}
    for name in reversed(names):
        square = each[name] * float((effects[name] ** 2).sum()) / free[name]
        above = sum(each[other] * variances[other] for other in variances if {*other} > {*name})
        variances[name] = (square - above) / each[name]
    found: dict[str, float] = {}
    for name in names:
        if name != "m":
            part = _PART_OF.get(name, "judge × response" if "j" in name else "sampling")
            found[part] = found.get(part, 0) + variances[name]
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
    kept = np.maximum(0, [*found.values()])
    kept /= kept.sum()
    if cases < CASES_FOR_BOUNDS:
        return {part: st.Estimate(float(share)) for part, share in zip(found, kept, strict=True)}
    group = np.arange(cases) % min(cases, MOST_GROUPS)
    designs = [values, *(values[:, group != one] for one in range(group.max() + 1))]
    raw = np.array([[*components(one).values()] for one in designs])
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN, and so no bounds
        raw /= raw.sum(axis=1, keepdims=True)
        plain, logit = (_jackknife_bounds(one) for one in (raw, special.logit(raw)))
    ends = np.where(np.isfinite(logit), special.expit(logit), np.clip(plain, 0, 1))
    rows = np.array([kept, np.minimum(ends[0], kept), np.maximum(ends[1], kept)])  # NaN stays
    return {part: st.Estimate(*row) for part, row in zip(found, rows.T.tolist(), strict=True)}


def _jackknife_bounds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower and upper bounds; the first row of values is of all cases, each other lacks a group."""
    groups = len(values) - 1
    error = (groups - 1) / math.sqrt(groups) * values[1:].std(axis=0, ddof=1)
    margin = special.stdtrit(groups - 1, 1 - st.SIGNIFICANCE / 2) * np.where(error, error, np.nan)
    return np.array([values[0] - margin, values[0] + margin])


def paired_deviation(found: Mapping[str, float], epochs: int) -> float:
    """The standard deviation, over cases, of the difference of two models' mean shares.

    It is √(2 (model × case + sampling / k)) for k epochs, and that of the average pair if `found`
    are the components of the points themselves; negative ones count as 0.
    """
    own, sampling = (max(0.0, found[part]) for part in ("model × case", "sampling"))
    return math.sqrt(2 * (own + sampling / epochs))
