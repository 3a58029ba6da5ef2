import math
import runpy
import sys

import pytest
from hypothesis import given, settings, strategies as st

from nejm_inspect import interval
from nejm_inspect.interval import mean_share_interval, wilson_interval


def test_a_proportion_has_the_published_wilson_interval() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=6e-5)
    assert wilson_interval(1 / 29, 29) == pytest.approx((0.0061, 0.1718), abs=6e-5)
    assert wilson_interval(0, 20) == (0, pytest.approx(0.1611, abs=6e-5))


def test_a_mean_share_has_the_interval_worked_by_hand() -> None:
    # Ten shares of 0.4 and 0.6, a 0 and a 1: mean 0.5, variance (10 * 0.01 + 2 * 0.25)
    # / 11 = 0.054545; size 10 * 0.25 / 0.054545 = 45.8333. Wilson's interval of 0.5 and
    # this size is 0.5 -+ 0.5 / sqrt(1 + 45.8333 / 1.959964 ** 2).
    assert mean_share_interval([0.4, 0.6] * 5) == pytest.approx((0.360957, 0.639043), abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.35, 0.5, 0.9, 1.0]), min_size=1))
def test_an_interval_holds_the_mean_within_the_scale(shares: list[float]) -> None:
    lower, upper = mean_share_interval(shares)
    assert 0 <= lower <= math.fsum(shares) / len(shares) + 1e-9
    assert math.fsum(shares) / len(shares) - 1e-9 <= upper <= 1
    mirrored = mean_share_interval([1 - share for share in shares])
    assert mirrored == pytest.approx((1 - upper, 1 - lower))
    wider = mean_share_interval(shares, level=0.99)
    assert wider[0] <= lower < upper <= wider[1]


@pytest.mark.parametrize("share", [1.1, -0.1, math.nan])
def test_what_is_no_share_is_refused_and_none_has_no_interval(share: float) -> None:
    assert all(map(math.isnan, mean_share_interval([])))
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_share_interval([0.5, share])


def test_the_interval_is_computed_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    for heavy in ("numpy", "scipy", "pandas"):
        monkeypatch.setitem(sys.modules, heavy, None)
    assert runpy.run_path(interval.__file__)["mean_share_interval"]([0.5])
