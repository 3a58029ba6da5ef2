import numpy as np
import pytest

from nejm_inspect.report.regression import adjusted_difference

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
