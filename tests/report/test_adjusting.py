"""Adjusted scores against the figures of others."""

import math

import numpy as np
import pytest

from nejm_inspect.report import adjusting as adj
from nejm_inspect.report.statistics import Estimate, mean_estimate

TRUTHS = [10, 9, 7, 5, 0, 10, 3, 8, 10, 1, 6, 10]
GIVEN = [10, 10, 7, 6, 0, 9, 5, 8, 10, 3, 6, 9]
OTHERS = [10, 8, 3, 0, 9, 7, 5, 10, 10, 2, 1, 6, 10, 8, 4, 0, 7, 9, 10, 5]
UNTUNED = (0.6583333333333332, 0.46171409338940256, 0.8549525732772638)


@pytest.mark.parametrize(
    ("given", "times", "expected"),
    [
        (GIVEN, (1, 1), (0.60781615, 0.4710516344049521, 0.7445806726877991)),
        (GIVEN, (3, 4), (0.60259024, 0.5292809558570677, 0.6758995209349339)),
        # A judge whose points tell nothing, and one whose points are the wrong way round.
        (GIVEN[::-1], (1, 1), UNTUNED),
        ([10 - g for g in GIVEN], (1, 1), UNTUNED),
    ],
)
def test_ppi_is_that_of_its_authors(
    given: list[int], times: tuple[int, int], expected: tuple[float, float, float]
) -> None:
    """Of ppi-python 0.2.3, which needs more packages than this one: `ppi_mean_pointestimate` and
    `ppi_mean_ci` with alpha=0.05 and this λ, which differs from theirs (see `power_tuning`).
    """
    value, lower, upper = expected
    truths, judge = (np.array(shares * times[0]) / 10 for shares in (TRUTHS, given))
    others = np.array(OTHERS * times[1]) / 10
    tuning = adj.power_tuning(truths, judge, others)
    tuned, residuals = tuning * others, truths - tuning * judge
    error = math.sqrt(tuned.var() / len(tuned) + residuals.var() / len(residuals))
    found = adj.adjusted_mean(truths, judge, others)
    assert found.value == pytest.approx(value)
    assert 1.9599639845 * error == pytest.approx((upper - lower) / 2)
    assert found.lower < lower
    assert found.upper - found.lower < 1.5 * (upper - lower)


def test_a_judge_that_equals_the_physicians_and_grades_of_all_change_no_score() -> None:
    truths, judge, others = (np.array(points) / 10 for points in (TRUTHS, GIVEN, OTHERS))
    alike = adj.adjusted_mean(truths, truths, others)
    assert alike.value == pytest.approx(np.concatenate([truths, others]).mean())
    assert adj.adjusted_mean(truths, judge, []) == pytest.approx(mean_estimate(truths))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_at_the_ends_of_the_scale_the_interval_has_a_width_within_it(share: float) -> None:
    value, lower, upper = adj.adjusted_mean([share] * 20, [share] * 20, [share] * 30)
    assert value == share
    assert 0 <= lower <= share <= upper + 1e-9 <= 1 + 1e-9
    assert 0.05 < upper - lower < 0.3


# asht's prevSeSp quotes these from Lang and Reiczigel 2014.
@pytest.mark.parametrize(
    ("found", "cases", "sensitivity", "specificity", "lower", "upper"),
    [
        (4060, 11284, (178, 179), (358, 359), 0.349, 0.372),
        (51, 2971, (32, 33), (20, 20), 0, 0.053),
        (711.72, 11862, (8, 10), (12, 12), 0, 0.147),
        (259, 509, (84, 127), (96, 109), 0.58, 0.87),
        (51, 509, (23, 41), (187, 195), 0.037, 0.195),
    ],
)
def test_rogan_gladen_is_as_published(
    found: float,
    cases: int,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    lower: float,
    upper: float,
) -> None:
    (right, has), (rejected, lacks) = sensitivity, specificity
    judge = np.repeat([1, 0, 0, 1], [right, has - right, rejected, lacks - rejected])
    rate = adj.rogan_gladen(found / cases, cases, np.repeat([1, 0], [has, lacks]), judge)
    digits = 2 if upper == 0.87 else 3
    assert (round(rate.lower, digits), round(rate.upper, digits)) == (lower, upper)
    wrong = 1 - rejected / lacks
    assert rate.value == pytest.approx((found / cases - wrong) / (right / has - wrong))


@pytest.mark.parametrize(
    ("truths", "given"),
    [
        ([1] * 4 + [0] * 20, [1] * 4 + [0] * 20),  # too few have it
        ([1] * 20 + [0] * 4, [1] * 20 + [0] * 4),  # too few have it not
        ([1, 0] * 10, [1, 1, 0, 0] * 5),  # found as often whether they have it or not
        ([1, 0] * 10, [0, 1] * 10),
    ],
)
def test_a_rate_that_the_grades_do_not_determine_is_missing(
    truths: list[int], given: list[int]
) -> None:
    assert all(math.isnan(end) for end in adj.rogan_gladen(0.5, 100, truths, given))


def test_of_all_cases() -> None:
    estimate = Estimate(0.5, 0.4, 0.7)
    assert adj.of_all(estimate, 1, 50) == pytest.approx(estimate)
    value, lower, upper = adj.of_all(estimate, 0.8, 100)
    doubt = 0.5 * 1.96 * 0.04
    assert value == pytest.approx(0.4)
    assert value - lower == pytest.approx(math.hypot(0.08, doubt), abs=1e-4)
    assert upper - value == pytest.approx(math.hypot(0.16, doubt), abs=1e-4)
    assert adj.of_all(Estimate(0.01, 0, 0.9), 0.5, 10)[1] == 0
    assert all(math.isnan(end) for end in adj.of_all(Estimate(math.nan), 0.8, 100))
