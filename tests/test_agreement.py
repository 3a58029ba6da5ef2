"""Agreement of two raters, against published and independent numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from nejm_inspect.judge_exam.agreement import quadratic_weighted_kappa

counts = st.integers(2, 11).flatmap(
    lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 50))
)


def test_the_worked_example_of_scikit_learn() -> None:
    # Its tests (test_cohen_kappa) state 0.9541 for these hundred pairs of labels.
    assert quadratic_weighted_kappa([[46, 0, 0], [4, 40, 0], [0, 0, 10]]) == pytest.approx(
        0.9541, abs=5e-5
    )


@given(counts)
def test_it_is_the_concordance_of_the_ranks(confusion: "np.ndarray") -> None:
    # With these weights kappa is 2·cov / (var + var + (difference of means)²), with
    # moments over n (Krippendorff 1970, Lin 1989): another way to the same number.
    rows, columns = np.indices(confusion.shape)
    first = np.repeat(rows.ravel(), confusion.ravel())
    second = np.repeat(columns.ravel(), confusion.ravel())
    kappa = quadratic_weighted_kappa(confusion)
    if len(set(first) | set(second)) < 2:
        assert math.isnan(kappa)
        return
    (variance, covariance), (_, other) = np.cov(first, second, bias=True)
    shift = first.mean() - second.mean()
    concordance = 2 * covariance / (variance + other + shift**2)
    assert kappa == pytest.approx(concordance, abs=1e-9)
    assert quadratic_weighted_kappa(confusion.T) == pytest.approx(kappa, abs=1e-9)


def test_what_is_no_square_is_an_error_and_what_is_undefined_no_number() -> None:
    for confusion in ([], [[]], [[1, 2]], [1, 2], [[[1]]]):
        with pytest.raises(ValueError, match="square"):
            quadratic_weighted_kappa(confusion)
    for undefined in ([[0, 0], [0, 0]], [[0, 0], [0, 7]]):
        assert math.isnan(quadratic_weighted_kappa(undefined))
