import numpy as np
import pytest

from nejm_inspect.report.regression import adjusted_difference, difficulty_curve

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
    found = adjusted_difference(SHARES, GROUP, covariates, CASES)
    assert found == pytest.approx((-0.01558716, -0.18574395, 0.15456963), abs=1e-8)


def test_groups_that_covariates_determine_and_nine_cases_have_none() -> None:
    determined = np.column_stack([COVARIATES, 2.0 * GROUP + 1])
    nine = np.isin(INDEX // 2, range(9))
    assert np.isnan(adjusted_difference(SHARES, GROUP, determined, CASES)).all()
    assert np.isnan(adjusted_difference(SHARES, nine, COVARIATES, CASES)).all()
    assert np.isnan(adjusted_difference(SHARES[:1], [True], [[0.1]], ["a"])).all()


def test_a_curve_is_that_of_statsmodels() -> None:
    # GLM(…, Binomial(), freq_weights=…).fit(scale="X2") of statsmodels 0.15.0, on the
    # root of the Brier score, with the four cases of weight 0.25 that are added.
    curve = difficulty_curve(BRIER[::2], SHARES[::2])
    assert curve is not None
    ends = np.array(curve)[:, [0, -1]].T
    assert ends[0] == pytest.approx([0.01, 0.38766789, 0.14207259, 0.70763591])
    assert ends[1] == pytest.approx([0.20166667, 0.53542941, 0.30260268, 0.75377454])


@pytest.mark.parametrize("brier", [BRIER, [0.05] * 47 + [0.0500001], [0] * 47 + [1]])
@pytest.mark.parametrize("shares", [[0] * 48, [1] * 48, [1] * 24 + [0] * 24])
def test_a_curve_has_a_band_within_the_scale_however_clear_the_responses(
    brier: list[float], shares: list[float]
) -> None:
    curve = difficulty_curve(brier, shares)
    assert curve is not None
    assert np.all((curve.lower >= 0) & (curve.lower <= curve.share))
    assert np.all((curve.upper <= 1) & (curve.upper >= curve.share))


def test_nine_cases_and_a_single_brier_score_have_no_curve() -> None:
    assert difficulty_curve(BRIER[:9], SHARES[:9]) is None
    assert difficulty_curve([0.05] * 48, SHARES) is None
