import math
from typing import Any

import pytest
from inspect_ai.scorer import Metric, MetricProtocol, SampleScore, Score

from nejm_inspect.metrics import (
    ci,
    exact_rate,
    exact_rate_by,
    overall_score,
    overall_score_by,
    stderr,
    stderr_by,
)


def scores(*points: float, **metadata: list[Any]) -> list[SampleScore]:
    return [
        SampleScore(
            score=Score(value=value),
            sample_id=n,
            sample_metadata={key: values[n] for key, values in metadata.items()},
        )
        for n, value in enumerate(points)
    ]


def value(metric: Metric, of: list[SampleScore]) -> Any:
    assert isinstance(metric, MetricProtocol)
    return metric(of)


def test_overall_score_is_the_mean_share_of_ten_points() -> None:
    assert value(overall_score(), scores(10, 7, 0, 1)) == pytest.approx(0.45)


def test_stderr_and_ci_are_on_the_same_scale() -> None:
    # Worked by hand: points 4, 6, 8; standard deviation 2; 2 / sqrt(3) = 1.1547; the
    # 97.5% quantile of Student's t with 2 degrees of freedom is 4.3027.
    of = scores(4, 6, 8)
    assert value(stderr(), of) == pytest.approx(0.11547, abs=1e-5)
    assert value(ci(), of) == pytest.approx(
        {"lower": 0.6 - 4.3027 * 0.11547, "upper": 0.6 + 4.3027 * 0.11547}, abs=1e-4
    )


def test_exact_rate_counts_full_points_only() -> None:
    assert value(exact_rate(), scores(10, 9, 10, 0)) == 0.5


def test_no_scores_give_no_numbers() -> None:
    for metric in (overall_score(), stderr(), exact_rate()):
        assert math.isnan(value(metric, []))
    for metric in (overall_score_by("x"), exact_rate_by("x"), stderr_by("x")):
        assert value(metric, []) == {}
    assert all(math.isnan(bound) for bound in value(ci(), []).values())


def test_one_score_has_no_standard_error() -> None:
    assert math.isnan(value(stderr(), scores(7)))
    assert {k: math.isnan(v) for k, v in value(ci(), scores(7)).items()} == {
        "lower": True,
        "upper": True,
    }


def test_groups_by_metadata() -> None:
    of = scores(10, 4, 6, question_type=["other", "diagnosis", "diagnosis"])
    assert value(overall_score_by("question_type"), of) == {
        "overall_score_other": 1.0,
        "overall_score_diagnosis": 0.5,
    }
    assert value(exact_rate_by("question_type"), of) == {
        "exact_rate_other": 1.0,
        "exact_rate_diagnosis": 0.0,
    }
    by_type = value(stderr_by("question_type"), of)
    assert by_type["stderr_diagnosis"] == pytest.approx(0.1)
    assert math.isnan(by_type["stderr_other"])


def test_expert_cases_are_hard_ones_too() -> None:
    of = scores(10, 0, 4, difficulty=["easy", "hard", "expert"])
    assert value(overall_score_by("difficulty"), of) == pytest.approx(
        {
            "overall_score_easy": 1.0,
            "overall_score_hard": 0.2,
            "overall_score_expert": 0.4,
        }
    )


def test_samples_without_the_metadata_are_left_out_of_groups() -> None:
    of = [*scores(10, question_type=["other"]), *scores(0)]
    of.append(SampleScore(score=Score(value=3), sample_id=9))
    assert value(overall_score_by("question_type"), of) == {"overall_score_other": 1.0}
