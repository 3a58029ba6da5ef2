"""What intervals, ranks and power promise, measured on responses of known truth.

`NEJM_INSPECT_SIMULATIONS=3000` repeats each measurement that often, for ten minutes; with `-s`,
what adjusted scores reach is printed.
"""

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from nejm_inspect.report import adjusting as adj, components as co, statistics as st

pytestmark = pytest.mark.slow

RUNS = int(os.environ.get("NEJM_INSPECT_SIMULATIONS", "300"))
FULL = RUNS >= 3_000
SIZES = (10, 20, 50, 200, 947)
SHARES = np.arange(11) / 10
# How often a model has 0, 1, … 10 points, in percent.
TRUTHS = {
    "floor": (90, 4, 2, 1, 0, 1, 0, 1, 0, 0, 1),
    "low": (50, 10, 10, 10, 0, 10, 0, 5, 0, 0, 5),
    "middle": (14, 8, 5, 8, 5, 10, 10, 8, 2, 5, 25),
    "high": (5, 0, 0, 5, 0, 10, 0, 10, 0, 10, 60),
    "ceiling": (1, 0, 0, 1, 0, 1, 0, 2, 1, 4, 90),
}
Draws = NDArray[np.float64]


def mean_of(truth: str) -> float:
    return float(SHARES @ TRUTHS[truth]) / 100


def shares_of(truth: str, skill: Draws) -> Draws:
    """The shares of responses of so much skill, standard normal over all of them."""
    steps = np.cumsum(TRUTHS[truth])[:-1] / 100
    return SHARES[np.searchsorted(steps, special.ndtr(skill), side="right")]


def draws(truth: str, cases: int, models: int = 1, seed: int = 0) -> Draws:
    """Shares, of runs × models × cases; with the same seed the same cases are hard."""
    random = np.random.default_rng([seed, cases])
    case = math.sqrt(0.6) * random.standard_normal((RUNS, 1, cases))
    return shares_of(truth, case + math.sqrt(0.4) * random.standard_normal((RUNS, models, cases)))


def ratings(truth: str, models: int, cases: int, epochs: int, judges: int, seed: int = 0) -> Draws:
    """Shares of verdicts, of models × cases × epochs × judges; some judges give more."""
    normal = np.random.default_rng(seed).standard_normal
    skill = 0.3 * np.array([1, -1, 0.5])[:judges] * (judges > 1)
    for part, shape in (
        (0.5, (1, cases, 1, 1)),
        (0.2, (models, cases, 1, 1)),
        (0.15, (models, cases, epochs, 1)),
        (0.15, (models, cases, epochs, judges)),
    ):
        skill = skill + math.sqrt(part) * normal(shape)
    return shares_of(truth, skill)


def measured(
    truth: float, estimate: Callable[..., st.Estimate], *samples: Draws
) -> tuple[float, float]:
    """How many of the intervals shown hold the truth, and how wide they are on average."""
    found = [estimate(*each) for each in zip(*samples, strict=True)]
    shown = [one for one in found if not math.isnan(one.lower)]
    held = [one.lower - 1e-9 <= truth <= one.upper + 1e-9 for one in shown]
    return sum(held) / len(held), sum(one.upper - one.lower for one in shown) / len(shown)


def coverage(truth: float, estimate: Callable[..., st.Estimate], *samples: Draws) -> float:
    return measured(truth, estimate, *samples)[0]


def noise(share: float) -> float:
    """Three standard errors of a share of the runs; none of the full simulation."""
    return 0 if FULL else 3 * math.sqrt(share * (1 - share) / RUNS)


def paired_coverage(first: str, second: str, cases: int) -> float:
    one, other = draws(first, cases, 2)[:, 0], draws(second, cases, 2)[:, 1]
    difference = mean_of(first) - mean_of(second)
    return coverage(difference, st.difference_estimate, one - other)


def independent_coverage(first: str, second: str, cases: int) -> float:
    difference = mean_of(first) - mean_of(second)
    samples = draws(first, cases)[:, 0], draws(second, 100, seed=1)[:, 0]
    return coverage(difference, st.independent_difference, *samples)


def rate_coverage(rate: float, alike: float, cases: int) -> float:
    """Of three epochs, of which a share `alike` of the cases has three equal ones."""
    random = np.random.default_rng(cases)
    single, epochs = random.random((RUNS, 1, cases)), random.random((RUNS, 3, cases))
    same = random.random((RUNS, 1, cases)) < alike
    held, labels = np.where(same, single, epochs) < rate, [*range(cases)] * 3
    return coverage(rate, lambda one: st.rate_estimate(one.ravel(), labels), held)


def narrowed(models: int, runs: int) -> float:
    """The share of reports on equal models in which any rank is narrowed."""
    names, narrow = [str(model) for model in range(models)], 0
    for shares in draws("middle", 50, models)[:runs]:
        pairs = list(itertools.combinations(range(models), 2))
        differences = [shares[a] - shares[b] for a, b in pairs]
        p = st.holm([st.sign_flip_p(each) for each in differences])
        found = zip(pairs, differences, p, strict=True)
        rows = [(names[a], names[b], float(each.mean()), one) for (a, b), each, one in found]
        narrow += {*st.rank_ranges(names, rows).values()} != {(1, models)}
    return narrow / runs


def power(cases: int) -> tuple[float, float]:
    """How often the interval and the permutation test find what is detectable."""
    random = np.random.default_rng(cases)
    detectable = st.detectable_difference(0.1, cases)
    differences = random.normal(detectable, 0.1, (RUNS, cases))
    above = [st.difference_estimate(each).lower > 0 for each in differences]
    small = [st.sign_flip_p(each) < st.SIGNIFICANCE for each in differences]
    return sum(above) / RUNS, sum(small) / RUNS


@functools.lru_cache(4)
def judged(truth: str, bias: float, errs: float = 0.2) -> tuple[Draws, Draws]:
    """Shares of 947 responses, of runs × responses, by physicians and by a judge.

    The judge errs in a share of the responses, by up to three points; then it adds or takes a point
    as often as gives the bias, in points, or always if that is not often enough.
    """
    random, steps = np.random.default_rng(947), np.arange(-3, 4)
    true = np.rint(10 * draws(truth, 947)[:, 0])
    weights = errs / 7 + (1 - errs) * (steps == 0)
    ends = np.clip(np.add.outer(np.arange(11), steps), 0, 10)
    chances = np.bincount(ends.ravel(), np.outer(TRUTHS[truth], weights).ravel(), 11) / 100
    missing = bias + 10 * mean_of(truth) - chances @ np.arange(11)
    sign = np.sign(missing)
    often = abs(missing) / (1 - chances[10 if sign > 0 else 0])
    given = np.clip(true + random.choice(steps, true.shape, p=weights), 0, 10)
    given += sign * (random.random(true.shape) < often)
    return true / 10, np.clip(given, 0, 10) / 10


def adjusted(grades: int, share: float = 1, cases: int = 947) -> Callable[..., st.Estimate]:
    """The adjusted score with so many grades, if a share of so many cases was judged."""
    sizes = np.random.default_rng(cases)

    def estimate(true: Draws, given: Draws) -> st.Estimate:
        size = sizes.binomial(cases, share)
        found = adj.adjusted_mean(true[:grades], given[:grades], given[grades:size])
        return adj.of_all(found, size / cases, cases)

    return estimate


def adjusted_rate(grades: int) -> Callable[[Draws, Draws], st.Estimate]:
    def estimate(true: Draws, given: Draws) -> st.Estimate:
        exact, by_judge = true == 1, given == 1
        return adj.rogan_gladen(by_judge.mean(), 947, exact[:grades], by_judge[:grades])

    return estimate


@pytest.mark.parametrize("cases", SIZES)
@pytest.mark.parametrize("truth", TRUTHS)
def test_intervals_of_a_score_cover(truth: str, cases: int) -> None:
    found = coverage(mean_of(truth), st.mean_estimate, draws(truth, cases)[:, 0])
    assert 0.93 - noise(0.93) <= found <= 0.985 + noise(0.985)


@pytest.mark.parametrize("cases", SIZES)
@pytest.mark.parametrize(
    ("measured", "settings", "least"),
    [
        # Student's t knows little of the spread of ten cases at the end of the scale.
        (paired_coverage, [("middle", "middle")], 0.93),
        (paired_coverage, [("ceiling", "high"), ("floor", "low")], 0.90),
        (independent_coverage, [("middle", "middle"), ("floor", "ceiling")], 0.93),
        (rate_coverage, [*itertools.product((0.05, 0.4, 0.9), (0, 0.7, 1))], 0.91),
    ],
)
def test_intervals_cover(
    measured: Callable[..., float], settings: Iterable[Any], least: float, cases: int
) -> None:
    for setting in settings:
        assert measured(*setting, cases) >= least - noise(least)


@pytest.mark.parametrize(("models", "runs"), [(5, RUNS), (20, RUNS if FULL else RUNS // 10)])
def test_equal_models_rarely_have_narrowed_ranks(models: int, runs: int) -> None:
    margin = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert narrowed(models, runs) <= st.SIGNIFICANCE + margin


@pytest.mark.parametrize("cases", [10, 20, 50])
def test_a_detectable_difference_is_found_as_often_as_promised(cases: int) -> None:
    assert power(cases) == pytest.approx((0.8, 0.8), abs=0.02 + 3 * 0.4 / RUNS**0.5)


@pytest.mark.parametrize("shape", [(3, 20, 3, 3), (3, 20, 2, 1), (1, 20, 3, 2), (4, 20, 1, 3)])
def test_components_of_variance_are_unbiased(shape: tuple[int, ...]) -> None:
    random, found = np.random.default_rng(1), []
    effects = {"c": 5.0, "mc": 3.0, "mcr": 2.0, "j": 0.5, "mj": 0.1, "cj": 0.3, "mcj": 0.2}
    for _ in range(5 * RUNS):
        values: Draws = random.normal(size=(shape[0], 1, 1, 1))  # models are fixed
        for effect, variance in {**effects, "mcrj": 0.6}.items():
            size = [n if axis in effect else 1 for axis, n in zip("mcrj", shape, strict=True)]
            values = values + math.sqrt(variance) * random.normal(size=size)
        found.append(co.components(values))
    # What an axis of one cannot tell from another effect is a part of that.
    truth = dict.fromkeys(found[0], 0.0)
    for effect, variance in {**effects, "mcrj": 0.6}.items():
        seen = {axis for axis, n in zip("mcrj", shape, strict=True) if n > 1 and axis in effect}
        names = {"c": "case", "cm": "model × case", "j": "judge"}
        if seen - {"m"}:
            name = "judge × response" if "j" in seen else "sampling"
            truth[names.get("".join(sorted(seen)), name)] += variance
    for part, variance in truth.items():
        each = [one[part] for one in found]
        assert np.mean(each) == pytest.approx(variance, abs=4 * np.std(each) / math.sqrt(len(each)))


@pytest.mark.parametrize(("cases", "least"), [(20, 0.86), (50, 0.92)])
@pytest.mark.parametrize("truth", ["high", "middle"] if FULL else ["high"])
@pytest.mark.parametrize("shape", [(3, 3, 1), (2, 2, 2)])
def test_intervals_of_parts_of_the_variance_cover(
    shape: tuple[int, int, int], truth: str, cases: int, least: float
) -> None:
    models, epochs, judges = shape
    true = co.components(ratings(truth, models, 100_000, epochs, judges))
    runs = [co.portions(ratings(truth, models, cases, epochs, judges, n)) for n in range(RUNS)]
    for part, variance in true.items():
        share = variance / sum(true.values())
        held = np.mean([one[part].lower <= share <= one[part].upper for one in runs])
        assert held >= least - noise(least), part


@pytest.mark.parametrize("errs", [0.02, 0.2])
@pytest.mark.parametrize(
    ("bias", "least", "most"),
    [(0.09, 0.86, 0.9), (-0.09, 0.86, 0.9), (0.6, 0, 0.01), (-0.6, 0, 0.01)],
)
def test_a_biased_judge_s_intervals_miss_and_adjusted_ones_cover(
    bias: float, least: float, most: float, errs: float
) -> None:
    true, given = judged("middle", bias, errs)
    assert given.mean() - true.mean() == pytest.approx(bias / 10, abs=2e-3)
    today, width = measured(mean_of("middle"), st.mean_estimate, given)
    assert least - noise(least) <= today <= most + noise(most)
    found, wide = measured(mean_of("middle"), adjusted(100), true, given)
    print(f"bias {bias}, errs {errs}: {today:.3f}, {width:.3f}; adjusted {found:.3f}, {wide:.3f}")
    assert 0.93 - noise(0.93) <= found <= 0.97 + noise(0.97)


@pytest.mark.parametrize("grades", [24, 50, 100, 200])
@pytest.mark.parametrize("truth", TRUTHS)
def test_adjusted_scores_cover(truth: str, grades: int) -> None:
    every = max(grades, 100)
    for bias, *about in ((0.09, 1), (-0.09, 0.9), (-0.6, 1), (0.6, 0.9), (0.09, 1, every)):
        right, estimate = about[0] * mean_of(truth), adjusted(grades, *about)
        found, wide = measured(right, estimate, *judged(truth, bias))
        print(f"{truth}, {grades} grades, bias {bias}, {about}: {found:.3f}, {wide:.3f}")
        assert found >= 0.94 - noise(0.94)
        rough = truth in ("floor", "ceiling") or grades < adj.ENOUGH
        assert found <= 0.985 + noise(0.985) or rough


@pytest.mark.parametrize("grades", [50, 100, 200])  # with fewer, few rates are shown
@pytest.mark.parametrize("truth", ["middle", "high", "ceiling"])
def test_adjusted_rates_cover(truth: str, grades: int) -> None:
    for bias in (0.09, -0.09, -0.3):
        rate = TRUTHS[truth][10] / 100
        found, wide = measured(rate, adjusted_rate(grades), *judged(truth, bias))
        print(f"{truth}, {grades} grades, bias {bias}: exact {found:.3f}, {wide:.3f}")
        assert found >= 0.93 - noise(0.93)
