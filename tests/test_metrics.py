import statistics
from typing import Any

import pytest
from inspect_ai.scorer import Metric, SampleScore, Score

from nejm_inspect.interval import mean_share_interval
from nejm_inspect.metrics import (
    accuracy_by,
    ci,
    exact_rate,
    overall_score,
    panel_agreement,
    score_by,
    stderr,
)


def scores(*values: float | str, **metadata: list[Any]) -> list[SampleScore]:
    return [
        SampleScore(
            score=Score(value=value),
            sample_id=n,
            sample_metadata={key: values[n] for key, values in metadata.items()},
        )
        for n, value in enumerate(values)
    ]


def value(metric: Metric, of: list[SampleScore]) -> dict[str, Any]:
    """What the log will have of a metric: None is left out."""
    return {name: number for name, number in metric(of).items() if number is not None}


def test_stderr_and_ci_are_on_the_scale_of_the_overall_score() -> None:
    # By hand: points 4, 6, 8; standard deviation 2; 2 / sqrt(3) = 1.1547.
    assert value(stderr(), scores(4, 6, 8)) == {"stderr": pytest.approx(0.11547, abs=1e-5)}
    points = [10, 10, 7, 6, 0, 0, 10, 9, 3, 5]
    assert value(overall_score(), scores(*points)) == {"overall_score": pytest.approx(0.6)}
    lower, upper = mean_share_interval([p / 10 for p in points])
    assert value(ci(), scores(*points)) == {"lower": lower, "upper": upper}
    assert 0 < lower < statistics.fmean(points) / 10 < upper < 1


def test_exact_rate_counts_full_points_only() -> None:
    assert value(exact_rate(), scores(10, 9.5, 10, 0)) == {"exact_rate": 0.5}


def test_epochs_are_clustered_by_case() -> None:
    of = [*scores(10, 4), *scores(10, 0), *scores(1)]  # cases 0, 1; 0, 1; 0
    assert value(overall_score(), of) == {"overall_score": pytest.approx(0.45)}
    assert value(exact_rate(), of) == {"exact_rate": pytest.approx(0.4)}
    assert value(stderr(), of)["stderr"] == pytest.approx(0.25)


def test_what_is_not_defined_is_not_reported() -> None:
    for metric in (overall_score(), stderr(), ci(), exact_rate(), score_by("difficulty")):
        assert value(metric, []) == {}
    assert value(stderr(), scores(7)) == {}
    assert value(ci(), scores(*[7] * 9)) == {}
    assert value(ci(), scores(*[7] * 10)).keys() == {"lower", "upper"}
    assert value(panel_agreement(), scores(7)) == {}


def test_groups_come_in_their_order_with_their_number() -> None:
    of = scores(10, 4, 6, question_type=["other", "diagnosis", "diagnosis"])
    # Without the metadata, or with others.
    of += [SampleScore(score=Score(value=3), sample_id=9), *scores(0)]
    of += scores(4, 4, question_type=[["a", "list"], "another"])
    assert list(value(score_by("question_type"), of).items()) == [
        ("diagnosis_n", 2),
        ("diagnosis_overall_score", 0.5),
        ("diagnosis_exact_rate", 0.0),
        ("other_n", 1),
        ("other_overall_score", 1.0),
        ("other_exact_rate", 1.0),
    ]
    by_history = value(score_by("has_history"), scores(10, 0, 4, has_history=[True, False, True]))
    assert by_history == {
        "with_history_n": 2,
        "with_history_overall_score": 0.7,
        "with_history_exact_rate": 0.5,
        "without_history_n": 1,
        "without_history_overall_score": 0.0,
        "without_history_exact_rate": 0.0,
    }


def test_expert_cases_are_hard_ones_too() -> None:
    levels = ["easy", "hard", "expert"]
    by_difficulty = value(score_by("difficulty"), scores(10, 0, 4, difficulty=levels))
    assert by_difficulty["hard_n"] == 2
    assert by_difficulty["hard_overall_score"] == pytest.approx(0.2)
    assert by_difficulty["expert_overall_score"] == pytest.approx(0.4)
    assert "medium_n" not in by_difficulty
    assert list(value(accuracy_by("difficulty"), scores(1, 0, 1, difficulty=levels)).items()) == [
        ("easy_n", 1),
        ("easy_accuracy", 1.0),
        ("hard_n", 2),
        ("hard_accuracy", 0.5),
        ("expert_n", 1),
        ("expert_accuracy", 1.0),
    ]
