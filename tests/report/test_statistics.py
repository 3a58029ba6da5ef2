import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import stats

from nejm_inspect.report.contents import Estimate, PairedComparison
from nejm_inspect.report.statistics import (
    adjust_pairs,
    compare_pair,
    holm,
    mean_estimate,
    outright_wins,
    power_of,
    proportion_estimate,
    rank_ranges,
    rate_estimate,
    welch_difference,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

SCORES = st.integers(0, 10).map(lambda points: points / 10)
PAIRED = st.lists(st.tuples(SCORES, SCORES), min_size=2, max_size=30)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
PROPERTY = settings(deadline=None, max_examples=30)

# Darwin's cross- and self-fertilized maize: differences of the heights of 15 pairs in
# eighths of an inch (Fisher 1935, The Design of Experiments, chapter III).
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def compare(first: Sequence[float], second: Sequence[float]) -> PairedComparison:
    exact = [score == 1 for score in first], [score == 1 for score in second]
    return compare_pair("a", "b", first, second, *exact)


def pair(
    first: str, second: str, lower: float, upper: float, p: float = math.nan
) -> PairedComparison:
    between = Estimate((lower + upper) / 2, lower, upper)
    return PairedComparison(first, second, 9, between, 0.1, p, p / 2, p, p / 2, 0, 9, 0)


def bounds(estimate: Estimate) -> tuple[float, float]:
    return estimate.lower, estimate.upper


def is_undefined(*values: float) -> bool:
    return all(math.isnan(value) for value in values)


def test_a_mean_has_the_t_interval_worked_by_hand() -> None:
    # Mean 0.6, standard deviation 0.2, standard error 0.2 / sqrt(3) = 0.115470; the
    # 97.5% quantile of Student's t with 2 degrees of freedom is 4.302653.
    estimate = mean_estimate([0.4, 0.6, 0.8])
    assert estimate.value == pytest.approx(0.6)
    assert bounds(estimate) == pytest.approx((0.6 - 0.496828, 0.6 + 0.496828), abs=1e-6)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_equal_scores_have_an_interval_without_width(score: float) -> None:
    assert mean_estimate([score] * 7) == Estimate(score, score, score)


def test_a_single_value_has_a_mean_without_bounds_and_none_has_no_mean() -> None:
    single, none = mean_estimate([0.3]), mean_estimate([])
    assert single.value == 0.3
    assert is_undefined(*bounds(single), none.value, *bounds(none))


@pytest.mark.parametrize(
    ("successes", "total", "lower", "upper"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By hand, with z = 1.96: centre (0.44 + 3.8416 / 100) / (1 + 3.8416 / 50) =
        # 0.44428, half width 1.96 * sqrt(0.44 * 0.56 / 50 + 3.8416 / 10000) / 1.076832
        # = 0.13266.
        (22, 50, 0.3116, 0.5769),
    ],
)
def test_a_proportion_has_the_published_wilson_interval(
    successes: int, total: int, lower: float, upper: float
) -> None:
    estimate = proportion_estimate(successes, total)
    assert estimate.value == successes / total
    assert bounds(estimate) == pytest.approx((lower, upper), abs=6e-5)


def test_a_proportion_of_nothing_is_undefined() -> None:
    estimate = proportion_estimate(0, 0)
    assert is_undefined(estimate.value, *bounds(estimate))


def test_identical_models_do_not_differ() -> None:
    result = compare([0.2, 0.7, 1.0, 0.0] * 3, [0.2, 0.7, 1.0, 0.0] * 3)
    assert result.difference == Estimate(0, 0, 0)
    assert (result.won, result.drawn, result.lost) == (0, 12, 0)
    assert (result.stderr, result.p_points, result.p_exact) == (0, 1, 1)


def test_all_tens_against_all_zeros_differ_by_everything() -> None:
    result = compare([1] * 10, [0] * 10)
    assert result.difference == Estimate(1, 1, 1)
    assert (result.won, result.drawn, result.lost, result.stderr) == (10, 0, 0, 0)
    # Of 1,024 sign flips or coin tosses, the all-equal two are as extreme.
    assert result.p_points == result.p_exact == pytest.approx(2 / 1024)


def test_a_handful_of_cases_gives_no_interval_however_clear() -> None:
    nine, ten = compare([0.6] * 9, [0.5] * 9), compare([0.6] * 10, [0.5] * 10)
    assert nine.difference.value == pytest.approx(0.1)
    assert is_undefined(*bounds(nine.difference))
    assert bounds(ten.difference) == pytest.approx((0.1, 0.1))


def test_floating_point_noise_is_a_draw() -> None:
    result = compare([0.1 + 0.2] * 10, [0.3] * 10)
    assert result.difference == Estimate(0, 0, 0)
    assert (result.won, result.drawn, result.lost) == (0, 10, 0)
    assert result.p_points == 1


def test_differences_that_cancel_out_are_no_negative_zero() -> None:
    first, second = [0.1, 0.2, 0.0], [0.0, 0.0, 0.3]
    assert str(compare(first, second).difference.value) == "0.0"
    assert str(compare(second, first).difference.value) == "0.0"


def test_without_a_shared_case_nothing_is_defined() -> None:
    result = compare([], [])
    assert (result.cases, result.won, result.drawn, result.lost) == (0, 0, 0, 0)
    assert is_undefined(result.difference.value, *bounds(result.difference))
    assert is_undefined(result.stderr, result.p_points, result.p_exact)
    assert is_undefined(result.p_points_adjusted, result.p_exact_adjusted)


def test_one_shared_case_has_a_difference_but_shows_nothing() -> None:
    result = compare([1.0], [0.4])
    assert result.difference.value == pytest.approx(0.6)
    assert is_undefined(*bounds(result.difference), result.stderr)
    assert (result.won, result.p_points, result.p_exact) == (1, 1, 1)


def test_one_discordant_case_shows_nothing() -> None:
    result = compare([1.0, 1.0] + [0.3] * 8, [1.0, 0.5] + [0.3] * 8)
    assert (result.won, result.drawn, result.lost) == (1, 9, 0)
    assert (result.p_points, result.p_exact) == (1, 1)
    # The case is drawn never with chance 0.35, over three times with 0.013, over twice
    # with 0.070: the upper bound is three times its half point over ten cases.
    assert bounds(result.difference) == pytest.approx((0, 0.15))


def test_models_of_different_length_are_refused_even_if_one_has_one_case() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        compare([0.5], [0.1, 0.2])
    with pytest.raises(ValueError, match="inhomogeneous"):
        power_of([0.5], [0.1, 0.2])


def test_the_standard_error_is_that_of_the_paired_t_test() -> None:
    first, second = [0.9, 0.4, 1.0, 0.7, 0.2], [0.5, 0.6, 0.8, 0.0, 0.1]
    result = compare(first, second)
    expected = result.difference.value / stats.ttest_rel(first, second).statistic
    assert result.stderr == pytest.approx(expected)


def test_the_interval_is_that_of_the_paired_t_test_when_cases_are_many() -> None:
    random = np.random.default_rng(5)
    first, second = random.random(900), random.random(900)
    result = compare_pair("a", "b", first, second, first > 1, second > 1)
    # The noise of a 2.5% quantile of 9,999 resamples is 1.4% of the margin.
    assert bounds(result.difference) == pytest.approx(
        tuple(stats.ttest_rel(first, second).confidence_interval()),
        abs=0.05 * 1.96 * result.stderr,
    )


@PROPERTY
@given(st.lists(st.integers(-10, 10), min_size=1, max_size=10))
@example([3, 0, 1])
def test_permutation_p_is_the_share_of_all_sign_flips(points: list[int]) -> None:
    flips = itertools.product((-1, 1), repeat=len(points))
    sums = [abs(sum(map(int.__mul__, flip, points))) for flip in flips]
    expected = sum(total >= abs(sum(points)) for total in sums) / len(sums)
    result = compare([(10 + p) / 20 for p in points], [0.5] * len(points))
    assert result.p_points == pytest.approx(expected)


def test_permutation_p_is_exact_for_thirteen_differences_among_many_draws() -> None:
    result = compare([0.6] * 13 + [0.5] * 40, [0.5] * 53)
    assert result.p_points == pytest.approx(2 / 2**13)


def test_permutation_p_of_many_cases_is_close_to_fishers() -> None:
    # Fisher counts 863 of the 2 ** 15 sign flips on one side; five standard errors of
    # 9,999 random ones are 0.011.
    result = compare([0.5 + height / 200 for height in MAIZE], [0.5] * len(MAIZE))
    assert result.p_points == pytest.approx(2 * 863 / 2**15, abs=0.011)


@pytest.mark.parametrize(
    ("both", "only_first", "only_second", "neither", "p"),
    [
        # Armitage and Berry 1994, p. 127: two culture media, 50 specimens of sputum.
        (20, 12, 2, 16, 0.0129),
        # Bentur et al., in Fagerland et al. 2013, BMC Med Res Methodol 13:91, table 1;
        # by hand 2 * (1 + 8) / 2 ** 8.
        (1, 1, 7, 12, 0.0703),
        # By hand: two tosses that fall alike, either way.
        (5, 2, 0, 5, 0.5),
    ],
)
def test_exactness_has_the_published_mcnemar_p(
    both: int, only_first: int, only_second: int, neither: int, p: float
) -> None:
    first = [1.0] * (both + only_first) + [0.0] * (only_second + neither)
    second = [1.0] * both + [0.0] * only_first + [1.0] * only_second + [0.0] * neither
    assert compare(first, second).p_exact == pytest.approx(p, abs=5e-5)


@PROPERTY
@given(PAIRED)
def test_swapping_the_models_only_turns_the_result(
    scores: list[tuple[float, float]],
) -> None:
    first, second = zip(*scores, strict=True)
    differences = sorted(round(10 * a) - round(10 * b) for a, b in scores)
    # The interval of symmetric differences is the same either way, as are the data.
    assume(differences != sorted(-d for d in differences))
    one, other = compare(first, second), compare(second, first)
    assert other.difference.value == -one.difference.value
    assert bounds(other.difference) == pytest.approx(
        (-one.difference.upper, -one.difference.lower), nan_ok=True
    )
    assert (other.won, other.drawn, other.lost) == (one.lost, one.drawn, one.won)
    assert (other.p_points, other.p_exact) == (one.p_points, one.p_exact)
    assert other.stderr == pytest.approx(one.stderr)


@PROPERTY
@given(
    PAIRED.flatmap(lambda scores: st.tuples(st.just(scores), st.permutations(scores)))
)
def test_the_order_of_cases_does_not_matter(
    orders: tuple[list[tuple[float, float]], list[tuple[float, float]]],
) -> None:
    one, other = (compare(*zip(*scores, strict=True)) for scores in orders)
    assert str(other) == str(one)  # NaN is not equal to itself


@PROPERTY
@given(PAIRED)
def test_cases_are_won_drawn_or_lost_and_the_interval_holds_the_difference(
    scores: list[tuple[float, float]],
) -> None:
    result = compare(*zip(*scores, strict=True))
    assert result.won + result.drawn + result.lost == result.cases == len(scores)
    assert not result.difference.lower > result.difference.value
    assert not result.difference.value > result.difference.upper
    assert is_undefined(*bounds(result.difference)) == (len(scores) < 10)


def test_holm_adjusts_the_worked_example_and_leaves_out_what_is_undefined() -> None:
    # 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1 raised to the one before it: the
    # example of Wikipedia, "Holm-Bonferroni method".
    adjusted = holm([0.01, math.nan, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, math.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert holm([]) == []


@PROPERTY
@given(P_VALUES)
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(
    p_values: list[float],
) -> None:
    adjusted = holm(p_values)
    for p, raised in zip(p_values, adjusted, strict=True):
        assert p <= raised <= min(1, p * len(p_values))
    by_raw = [raised for _, raised in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(adjusted)


def test_pairs_are_adjusted_for_points_and_exactness_apart() -> None:
    pairs = [pair("a", "b", 0, 1, p) for p in (0.02, 0.6, math.nan)]
    small, large, undefined = adjust_pairs(pairs)
    assert (small.p_points_adjusted, large.p_points_adjusted) == (0.04, 0.6)
    assert (small.p_exact_adjusted, large.p_exact_adjusted) == (0.02, 0.3)
    assert is_undefined(undefined.p_points_adjusted, undefined.p_exact_adjusted)
    assert (small.p_points, small.p_exact) == (0.02, 0.01)


def test_rank_ranges_overlap_where_intervals_hold_zero() -> None:
    pairs = [
        pair("a", "b", 0.0, 0.3),  # touching zero separates nothing
        pair("a", "c", 0.1, 0.4),
        pair("c", "b", -0.2, 0.0),
        pair("d", "a", -0.9, -0.5),  # the worse model may come first
        pair("b", "d", 0.2, 0.4),
        pair("c", "d", math.nan, math.nan),
    ]
    ranges = rank_ranges(["a", "b", "c", "d"], pairs)
    assert ranges == {"a": (1, 2), "b": (1, 3), "c": (2, 4), "d": (3, 4)}


def test_separated_models_have_one_rank_each_and_uncompared_ones_any() -> None:
    names = ["a", "b", "c"]
    separated = [pair(a, b, 0.1, 0.2) for a, b in itertools.combinations(names, 2)]
    assert rank_ranges(names, separated) == {"a": (1, 1), "b": (2, 2), "c": (3, 3)}
    assert rank_ranges(names, []) == dict.fromkeys(names, (1, 3))


def test_outright_wins_count_only_cases_with_a_single_best_model() -> None:
    points = {"a": [10, 7, 0.1 + 0.2, 0], "b": [9, 7, 0.3, 0], "c": [0.5, 8, 0, 0]}
    assert outright_wins(points) == ({"a": 1, "b": 0, "c": 1}, 2)
    assert outright_wins({"a": [], "b": []}) == ({"a": 0, "b": 0}, 0)
    assert outright_wins({}) == ({}, 0)


@PROPERTY
@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=1))
def test_wins_and_ties_are_all_cases(cases: list[tuple[float, float, float]]) -> None:
    wins, ties = outright_wins(dict(zip("abc", zip(*cases, strict=True), strict=True)))
    assert sum(wins.values()) + ties == len(cases)


def test_power_is_that_worked_by_hand() -> None:
    # Differences 0.1, 0.3, 0.1, 0.3: mean 0.2, standard deviation sqrt(0.04 / 3) =
    # 0.115470; z = 1.959964 + 0.841621 = 2.801585. Detectable: 2.801585 * 0.115470 / 2;
    # needed: (2.801585 * 0.115470 / 0.2) ** 2 = 2.62.
    power = power_of([0.6, 0.8, 0.6, 0.8], [0.5] * 4)
    assert power is not None
    assert power.detectable == pytest.approx(0.161750, abs=1e-6)
    assert (power.cases, power.needed) == (4, 3)


def test_constant_differences_have_no_power_and_equal_means_no_number() -> None:
    assert power_of([0.7] * 9, [0.6] * 9) is None
    equal = power_of([0.7, 0.5] * 5, [0.5, 0.7] * 5)
    assert equal is not None
    assert equal.needed is None


@pytest.mark.parametrize("scores", [[], [0.5]])
def test_fewer_than_two_cases_have_no_power(scores: list[float]) -> None:
    assert power_of(scores, scores) is None


@PROPERTY
@given(PAIRED)
def test_the_cases_needed_are_the_fewest_that_detect_the_observed_difference(
    scores: list[tuple[float, float]],
) -> None:
    first, second = zip(*scores, strict=True)
    observed = abs(math.fsum(first) - math.fsum(second)) / len(scores)
    assume(observed > 0.001)
    assume(len({round(a - b, 9) for a, b in scores}) > 1)
    power = power_of(first, second)
    assert power is not None
    assert power.needed is not None
    spread = power.detectable * math.sqrt(power.cases)
    assert spread / math.sqrt(power.needed) <= observed * (1 + 1e-9)
    if power.needed > 2:
        assert spread / math.sqrt(power.needed - 1) >= observed * (1 - 1e-9)


def test_welch_for_the_sleep_of_students_patients() -> None:
    # Hours gained by two drugs (Student 1908), taken as unpaired; the interval is that
    # of R's manual page for t.test, which assumes unequal variances.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = welch_difference(first, second)
    assert found.value == pytest.approx(-1.58)
    assert bounds(found) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [([], [], math.nan), ([0.5], [], math.nan), ([0.5], [0.1, 0.3], 0.3)],
)
def test_welch_needs_two_values_on_either_side(
    first: list[float], second: list[float], difference: float
) -> None:
    found = welch_difference(first, second)
    assert found.value == pytest.approx(difference, nan_ok=True)
    assert is_undefined(*bounds(found))


def test_welch_without_any_variance_has_no_interval() -> None:
    found = welch_difference([0.7] * 5, [0.1] * 5)
    assert found.value == pytest.approx(0.6)
    assert is_undefined(*bounds(found))


def test_welch_with_one_side_constant_is_silent() -> None:
    found = welch_difference([1.0] * 8, [1.0] * 4 + [0.0] * 4)
    assert found.lower < found.value == 0.5 < found.upper


def test_a_rate_is_wilsons_for_single_responses_and_a_mean_over_cases_for_more() -> (
    None
):
    assert rate_estimate([[True], [False], [True]]) == proportion_estimate(2, 3)
    repeated = rate_estimate([[True, True], [False], [True, False, False, False]])
    assert repeated == mean_estimate([1, 0, 0.25])
    assert is_undefined(rate_estimate([]).value)
