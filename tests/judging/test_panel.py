"""Panels of judges, run by Inspect's real `eval()`."""

import math
import threading
from typing import Any

import pytest
from inspect_ai import Task, eval, score
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.scorer import Score

from nejm_inspect import diagnosis_rubric
from tests.loopback import Call, OpenRouter, verdict

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", the example with four
# observers, twelve units and missing values; its ordinal alpha is 0.815.
OBSERVERS: dict[str, list[int | None]] = {
    "a": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    "b": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    "c": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    "d": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
}


def run(*judges: str, cases: int = 1, **options: Any) -> EvalLog:
    samples = [Sample(input="A toe.", target=f"Unit {n}.", id=n) for n in range(1, cases + 1)]
    (log,) = eval(
        Task(dataset=samples, scorer=diagnosis_rubric()),
        model="openrouter/google/gemini-3-pro-preview",
        model_roles={"grader": [f"openrouter/{judge}" for judge in judges]},
        **options,
    )
    return log


def rubric_scores(log: EvalLog) -> list[Score]:
    samples = sorted(log.samples, key=lambda sample: sample.id)
    return [sample.scores["diagnosis_rubric"] for sample in samples]


def panel_metrics(log: EvalLog) -> dict[str, float]:
    metrics = log.results.scores[0].metrics
    return {k: m.value for k, m in metrics.items() if m.group == "panel_agreement"}


def observer(call: Call) -> str:
    unit = int(call.text.partition("Unit ")[2].partition(".")[0])
    points = OBSERVERS[call.model.removeprefix("panel/")][unit - 1]
    return "I cannot say." if points is None else verdict(points)


def test_a_published_example_of_agreement(openrouter: OpenRouter) -> None:
    openrouter.judge = observer
    log = run(*(f"panel/{name}" for name in OBSERVERS), cases=12)
    metrics = panel_metrics(log)
    assert metrics["alpha"] == pytest.approx(0.815, abs=5e-4)
    assert metrics["apart"] == pytest.approx(1 / 11)  # unit 6: 1 and 4
    # Unit 12 is unscored: the 3 that "b" gave is not among its points here.
    severity = {"a": 19 / 9, "b": 25 / 10, "c": 28 / 10, "d": 28 / 11}
    for name, mean in severity.items():
        assert metrics[f"openrouter/panel/{name}"] == pytest.approx(mean / 10)

    *scored, unscored = rubric_scores(log)
    # Unit 6 (1, 2, 3, 4): the mean of the middle two. Unit 11: half of the verdicts.
    assert [s.value for s in scored] == [1, 2, 3, 3, 2, 2.5, 4, 1, 2, 5, 1]
    assert math.isnan(unscored.as_float())
    assert unscored.reason == "grader_failed"
    assert unscored.explanation.count("no valid verdict in 3 attempts") == 3
    assert scored[5].metadata["category"] == "plausible"  # that of 2
    silent = {"score": None, "attempts": 3, "stop_reason": "stop", "reply": "I cannot say."}
    told = {"score": 1, "category": "plausible", "reasoning": "because"}
    one = {**told, "attempts": 1, "stop_reason": "stop"}
    verdicts = {f"openrouter/panel/{n}": silent if n in "ab" else one for n in OBSERVERS}
    assert scored[10].metadata["verdicts"] == verdicts
    assert scored[10].metadata["attempts"] == 8
    rubric = log.results.scores[0]
    assert (rubric.scored_samples, rubric.unscored_samples) == (11, 1)


def test_judges_are_asked_at_once_and_at_temperature_zero(openrouter: OpenRouter) -> None:
    all_asked = threading.Barrier(3, timeout=30)

    def judge(call: Call) -> str:
        all_asked.wait()  # broken, and so an error, if they are asked in turn
        return verdict({"x/a": 2, "x/b": 9, "x/c": 7}[call.model])

    openrouter.judge = judge
    (graded,) = rubric_scores(run("x/a", "x/b", "x/c"))
    assert graded.value == 7
    calls = [call.payload for call in openrouter.judge_calls]
    assert {(call["temperature"], call["max_tokens"]) for call in calls} == {(0, 2000)}


def test_a_model_may_sit_twice(openrouter: OpenRouter) -> None:
    replies = iter([verdict(3), verdict(4)])
    openrouter.judge = lambda call: next(replies)
    (graded,) = rubric_scores(run("x/a", "x/a"))
    assert graded.value == 3.5
    assert graded.metadata["category"] == "partial"
    assert "openrouter/x/a #2: " in graded.explanation
    assert [*graded.metadata["verdicts"]] == ["openrouter/x/a", "openrouter/x/a #2"]


def test_epochs_count_every_response(openrouter: OpenRouter) -> None:
    points = {"x/a": [1, 2, 3], "x/b": [1, 2, 9]}
    openrouter.judge = lambda call: verdict(points[call.model].pop())
    metrics = panel_metrics(run("x/a", "x/b", epochs=3))
    assert metrics["apart"] == pytest.approx(1 / 3)
    assert metrics["openrouter/x/b"] == pytest.approx(0.4)


def test_agreement_needs_two_verdicts(openrouter: OpenRouter) -> None:
    openrouter.judge = lambda call: "?" if call.model == "x/b" else verdict(6)
    log = run("x/a", "x/b")
    assert panel_metrics(log) == {"openrouter/x/a": 0.6}
    assert rubric_scores(log)[0].value == 6


def test_a_panel_judges_a_log_of_one_judge_again(openrouter: OpenRouter) -> None:
    openrouter.judge = lambda call: verdict({"x/a": 1, "x/b": 4, "x/c": 9}[call.model])
    log = run("x/a")
    (graded,) = rubric_scores(log)
    assert graded.value == len(openrouter.judge_calls) == 1
    assert "verdicts" not in graded.metadata
    assert panel_metrics(log) == {}
    panel = {"grader": ["openrouter/x/b", "openrouter/x/c"]}
    again = score(log, diagnosis_rubric(), model_roles=panel, action="overwrite")
    assert rubric_scores(log)[0].value == 1
    assert rubric_scores(again)[0].value == 6.5
    assert panel_metrics(again)["apart"] == 1
