import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings, strategies
from scipy import stats

from nejm_inspect.interval import mean_share_interval, wilson_interval
from nejm_inspect.report import statistics as st

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

# Darwin's cross- and self-fertilized maize: differences of the heights of 15 pairs in
# eighths of an inch (Fisher 1935, The Design of Experiments, chapter III).
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def undefined(*values: float) -> bool:
    return all(map(math.isnan, values))


def bounds(pair: dict[str, Any]) -> tuple[float, float]:
    return pair["difference_lower"], pair["difference_upper"]


def observed(difference: float, deviation: float, cases: int) -> dict[str, Any]:
    error = deviation / math.sqrt(cases)
    return {"cases": cases, "difference": difference, "standard_error": error}


def test_a_score_has_the_interval_of_the_log_from_ten_cases_on() -> None:
    ten = np.array([0.7, 1.0, 0.0, 0.5, 0.9, 0.1, 0.7, 1.0, 1.0, 0.3])
    assert st.mean_estimate(ten).value == pytest.approx(0.62)
    assert st.mean_estimate(ten)[1:] == mean_share_interval(list(ten))
    assert st.mean_estimate(ten[:9]).value == pytest.approx(5.9 / 9)
    assert undefined(*st.mean_estimate(ten[:9])[1:], *st.mean_estimate([]))


def test_epochs_count_every_response_and_never_narrow_an_interval() -> None:
    cases, held = [*range(30)] * 3, np.arange(90) % 7 < 3
    found = st.rate_estimate(held, cases)
    assert found == (pytest.approx(39 / 90), *wilson_interval(39 / 90, 30))
    none, every = (st.rate_estimate([all_] * 90, cases) for all_ in (0, 1))
    assert none == (0, *wilson_interval(0, 30))
    assert every == (1, *wilson_interval(1, 30))
    told = st.rate_estimate(held, cases, at_most=60)
    assert told[1:] == wilson_interval(39 / 90, 60)
    two_cases = st.rate_estimate(held, held)
    assert undefined(*two_cases[1:], *st.rate_estimate([]))


def test_uneven_clusters_have_the_effective_size_worked_by_hand() -> None:
    # All 10 responses to one case, none to ten others: p = 0.5, v = ((10 - 5) ** 2 +
    # 10 * 0.5 ** 2) / 20 ** 2 = 0.06875, size 0.25 / v = 3.636.
    found = st.rate_estimate([True] * 10 + [False] * 10, ["a"] * 10 + [*"bcdefghijk"])
    assert found == (0.5, *map(pytest.approx, wilson_interval(0.5, 0.25 / 0.06875)))


def test_a_difference_has_the_interval_of_the_paired_t_test() -> None:
    first, second = (np.array(MAIZE) % 11 / 10, np.array(MAIZE) % 7 / 10)
    test, found = stats.ttest_rel(first, second), st.paired(first, second)
    assert bounds(found) == pytest.approx(tuple(test.confidence_interval()))
    assert found["standard_error"] == pytest.approx(found["difference"] / test.statistic)
    assert found["cases"] == found["won"] + found["drawn"] + found["lost"] == 15
    assert st.paired(second, first)["difference"] == -found["difference"]


def test_a_pair_is_compared_on_the_cases_that_both_have() -> None:
    first = pd.Series([1.0, math.nan, 0.5, 0.2, math.nan, 0.0])
    second = pd.Series([0.4, 0.7, 0.5, math.nan, math.nan, 0.3])
    found = st.paired(first, second)
    assert found == st.paired([1.0, 0.5, 0.0], [0.4, 0.5, 0.3]) | {
        name: pytest.approx(math.nan, nan_ok=True)
        for name in ("difference_lower", "difference_upper")
    }
    assert [found[name] for name in ("cases", "won", "drawn", "lost")] == [3, 1, 1, 1]
    assert found["difference"] == pytest.approx(0.1)


def test_equal_differences_tell_nothing_of_their_spread() -> None:
    drawn, lost = (st.paired([0.1 + 0.2] * 12, [0.3] * 12), st.paired([0.3] * 12, [0.6] * 12))
    assert (drawn["difference"], drawn["drawn"], drawn["standard_error"]) == (0, 12, 0)
    assert (lost["difference"], lost["lost"], lost["standard_error"]) == (-0.3, 12, 0)
    assert undefined(*bounds(drawn), *bounds(lost))
    cancelling = st.paired([0.0, 0.0, 0.3], [0.1, 0.2, 0.0])
    assert str(cancelling["difference"]) == "0.0"  # and not minus that


def test_one_case_shows_nothing_none_is_undefined_and_other_lengths_are_refused() -> None:
    one, none = st.paired([1.0], [0.4]), st.paired([], [])
    assert (one["won"], one["p"]) == (1, 1)
    assert undefined(one["standard_error"], *bounds(one), none["p"], none["difference"])
    assert undefined(none["standard_error"], *bounds(none))
    for other in ([0.1, 0.2], []):
        with pytest.raises(ValueError, match="inhomogeneous"):
            st.paired([0.5], other)


@settings(deadline=None)
@given(
    strategies.lists(strategies.integers(-10, 10), min_size=1, max_size=10),
    strategies.sampled_from([*range(1, 7), 16]),
)
@example([1, 1, -2, 4], 16)  # in 160ths: half points less the mean of four models
def test_p_is_the_share_of_all_sign_flips(points: list[int], epochs: int) -> None:
    flips = itertools.product((-1, 1), repeat=len(points))
    sums = [abs(sum(map(int.__mul__, flip, points))) for flip in flips]
    expected = sum(total >= abs(sum(points)) for total in sums) / len(sums)
    differences = [each / (10 * epochs) for each in points]
    assert st.sign_flip_p(differences) == pytest.approx(expected)


def test_p_is_fishers_of_maize_and_mcnemars_of_right_or_wrong() -> None:
    # Fisher counts 863 of the 2 ** 15 sign flips on one side.
    assert st.sign_flip_p(np.array(MAIZE) / 100) == pytest.approx(2 * 863 / 2**15)
    # Armitage and Berry 1994, p. 127: 12 and 2 of 50 specimens. Fagerland et al. 2013,
    # BMC Med Res Methodol 13:91, table 1: 1 and 7 of 21 patients.
    for cases, first, second, p in ((50, 12, 2, 0.0129), (21, 1, 7, 0.0703)):
        both = np.arange(cases)
        found = st.paired(both < first, both >= cases - second)
        assert (found["won"], found["lost"]) == (first, second)
        assert found["p"] == pytest.approx(p, abs=5e-5)


def test_holm_adjusts_the_worked_example_and_leaves_out_what_is_undefined() -> None:
    # 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1 raised to the one before it: the
    # example of Wikipedia, "Holm-Bonferroni method".
    adjusted = st.holm([0.01, math.nan, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, math.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert st.holm([0.6, 0.7]).tolist() == [1, 1]
    assert len(st.holm([])) == 0


def test_ranks_are_narrowed_by_significant_pairs_alone() -> None:
    pairs = [
        ("a", "b", 0.3, 0.05),
        ("a", "c", 0.1, 0.049),
        ("d", "a", -0.5, 0.001),  # the worse model may come first
        ("b", "d", 0.2, 0.01),
        ("c", "d", math.nan, math.nan),
    ]
    ranges = st.rank_ranges(["a", "b", "c", "d"], pairs)
    assert ranges == {"a": (1, 2), "b": (1, 3), "c": (2, 4), "d": (3, 4)}
    assert st.rank_ranges(["a", "b"], []) == {"a": (1, 2), "b": (1, 2)}


def test_the_detectable_difference_is_that_of_statsmodels() -> None:
    # TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8) of statsmodels 0.15.0.
    for cases, effect in ((10, 0.9960019), (50, 0.4041830), (947, 0.0911318)):
        found = st.detectable_difference(0.35, cases)
        assert found == pytest.approx(0.35 * effect, abs=1e-5)


def test_the_cases_needed_are_the_fewest_rounded_up_to_two_figures() -> None:
    # statsmodels' TTestPower needs 198.15 cases for an effect of 0.2, 33.37 for 0.5.
    power = st.power_of(observed(0.1, 0.5, 100))
    assert power == (pytest.approx(st.detectable_difference(0.5, 100)), 200)
    assert st.power_of(observed(-0.25, 0.5, 40)) == (pytest.approx(0.2271, abs=1e-4), 34)
    assert st.power_of(observed(0.1, 0.5, 9)) is None
    assert st.power_of(st.paired([0.7] * 12, [0.6] * 12)) is None


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_more_than_ten_times_the_cases_are_not_named(difference: float) -> None:
    power = st.power_of(observed(difference, 0.5, 19))
    assert power == (pytest.approx(st.detectable_difference(0.5, 19)), None)


def test_scores_on_other_cases_differ_by_newcombes_interval() -> None:
    # Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10: 56/70 less
    # 48/80. Wilson's interval of a mean is nearly that of a proportion.
    first = [1.0] * 56 + [0.0] * 14
    found = st.independent_difference(first, [1.0] * 48 + [0.0] * 32)
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=0.002)
    assert undefined(*st.independent_difference([1.0] * 9, first)[1:])
    assert undefined(*st.independent_difference([], first))


# Two responses to each of 24 cases; both covariates take a value a case.
INDEX = np.arange(48)
CASES = [f"case {index // 2}" for index in INDEX]
GROUP = INDEX % 4 < 2
BRIER = 0.01 + (INDEX // 2 * 7 % 24) / 120
LENGTH = np.log(40 + INDEX // 2 * 11 % 24)
SHARES = (INDEX * 13 % 11) / 10
COVARIATES = np.column_stack([BRIER, LENGTH])


def test_an_adjusted_difference_is_that_of_statsmodels() -> None:
    # OLS(SHARES, [1, GROUP, BRIER, LENGTH]).fit(cov_type="cluster", use_t=True) of
    # statsmodels 0.15.0, clustered by case: coefficient and interval of GROUP.
    # A covariate that does not vary changes nothing.
    covariates = np.column_stack([COVARIATES, np.full(48, 3.0)])
    found = st.adjusted_difference(SHARES, GROUP, covariates, CASES)
    assert found == pytest.approx((-0.01558716, -0.18574395, 0.15456963), abs=1e-8)


def test_groups_that_covariates_determine_and_nine_cases_have_none() -> None:
    determined = np.column_stack([COVARIATES, 2.0 * GROUP + 1])
    nine = np.isin(INDEX // 2, range(9))
    assert np.isnan(st.adjusted_difference(SHARES, GROUP, determined, CASES)).all()
    assert np.isnan(st.adjusted_difference(SHARES, nine, COVARIATES, CASES)).all()
    assert np.isnan(st.adjusted_difference(SHARES[:1], [True], [[0.1]], ["a"])).all()


def test_an_estimate_is_written_as_columns() -> None:
    found = st.columns("score", st.Estimate(0.5, 0.4, 0.6))
    assert found == {"score": 0.5, "score_lower": 0.4, "score_upper": 0.6}
