"""Options of `inspect eval` that save money and time, with the task and its judge."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.scorer import Score

from nejm_inspect.judging.panel import DEFAULT_GRADER
from tests.batch_api import OpenAI
from tests.loopback import TOKEN, Call, OpenRouter, openrouter_error, serve, verdict
from tests.runs import DEMO, EXAMINEE, inspect, logs, metric

pytestmark = pytest.mark.endurance

BATCHED, JUDGE = "openai/gpt-4o", "openai/gpt-4.1"  # Inspect asks them for chat completions
QUICK = {"tick": 0.05, "send_delay": 0.3}
"""Seconds; Inspect waits 15 otherwise."""


def run(*options: object, model: str = EXAMINEE) -> EvalLog:
    done = inspect(*DEMO, "--model", model, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    log = logs()[-1]
    assert log.status == "success"
    return log


# Batches


@pytest.fixture
def openai(openrouter: OpenRouter, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAI]:
    service = OpenAI(openrouter)
    with serve(service.respond) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")
        yield service


def test_batch_is_for_the_model_alone(openai: OpenAI, tmp_path: Path) -> None:
    (tmp_path / "batch.json").write_text(json.dumps(QUICK))
    batch = f"--batch={tmp_path / 'batch.json'}"
    log = run(batch, "--model-role", f"grader={JUDGE}", model=BATCHED)
    assert openai.batched_models == [["gpt-4o"]]
    assert len(openai.batches[0]) == 12
    assert Counter(call.model for call in openai.server.calls) == {"gpt-4o": 12, "gpt-4.1": 13}
    assert metric(log, "overall_score") == 1


def test_a_judge_by_batch_is_checked_and_asked_again(openai: OpenAI) -> None:
    replies = {"Otosclerosis": ["Six?", verdict(7)], "Multiple myeloma": ["Six?"] * 3}
    refusal = openrouter_error(400, "temperature is refused")

    def judge(call: Call) -> str:
        asked = next((name for name in replies if f">\n{name}\n</reference" in call.text), None)
        return replies[asked].pop(0) if asked else verdict(10)

    openai.server.judge = judge
    openai.server.preflight = lambda call: refusal if "temperature" in call.payload else verdict(5)
    role = json.dumps({"model": JUDGE, "batch": QUICK})
    log = run("--model-role", f"grader={role}")
    # The check waited for no batch, and learned what the judge refuses: in a batch, Inspect would
    # take it for a failure of all.
    assert [len(batch) for batch in openai.batches] == [12, 2, 1]
    assert not any("temperature" in line["body"] for batch in openai.batches for line in batch)
    assert len(openai.server.preflight_calls) == 2
    points = {str(sample.target): score(sample) for sample in log.samples or []}
    assert (points["Otosclerosis"].value, attempts(points["Otosclerosis"])) == (7, 2)
    assert points["Multiple myeloma"].reason == "grader_failed"
    assert attempts(points["Multiple myeloma"]) == 3
    assert metric(log, "overall_score") == pytest.approx((10 * 1 + 0.7) / 11)


def test_openrouter_has_no_batches_and_gets_all_requests_at_once(openrouter: OpenRouter) -> None:
    most = count_at_once(openrouter)
    run("--batch", "--adaptive-connections=2")
    assert len(openrouter.examinee_calls) == len(openrouter.judge_calls) == 12
    assert most["examinee"] > 2  # Inspect limits none that it takes for batched


# Requests at once


def count_at_once(openrouter: OpenRouter) -> Counter[str]:
    """Lets calls take a moment. Returns how many there are at once at most, for each model."""
    now, most = Counter[str](), Counter[str]()

    def slowly(kind: str, reply: str) -> Callable[[Call], str]:
        def answer(call: Call) -> str:
            with openrouter.lock:
                now[kind] += 1
                most[kind] = max(most[kind], now[kind])
            time.sleep(0.3)
            with openrouter.lock:
                now[kind] -= 1
            return reply

        return answer

    openrouter.examinee = slowly("examinee", "Gout")
    openrouter.judge = slowly("judge", verdict(10))
    return most


@pytest.mark.parametrize("option", ["--max-connections=2", "--adaptive-connections=2"])
def test_connections_are_limited_for_model_and_judge(openrouter: OpenRouter, option: str) -> None:
    most = count_at_once(openrouter)
    run(option)
    assert most == {"examinee": 2, "judge": 2}
    assert len(openrouter.judge_calls) == 12


# Cache, cost, images


def test_a_second_run_from_the_cache_asks_for_an_invalid_verdict_alone(
    openrouter: OpenRouter,
) -> None:
    invalid = ["Six?"] * 3
    openrouter.judge = lambda call: (
        invalid.pop() if ">\nOtosclerosis\n</reference" in call.text and invalid else verdict(7)
    )
    assert metric(run("--cache"), "overall_score") == pytest.approx(0.7)
    assert (len(openrouter.examinee_calls), len(openrouter.judge_calls)) == (12, 14)
    log = run("--cache")
    assert (len(openrouter.examinee_calls), len(openrouter.judge_calls)) == (12, 15)
    assert log.results
    assert log.results.scores[0].unscored_samples == 0


def test_a_cost_limit_leaves_a_case_unscored_and_does_not_count_the_judge(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    dear: Any = {"usage": {"completion_tokens": 1_000_000}}
    openrouter.examinee = lambda call: (
        {"content": "Gout", **dear} if len(openrouter.examinee_calls) == 1 else "Gout"
    )
    openrouter.judge = lambda call: {"content": verdict(6).replace(TOKEN, call.token), **dear}
    price = dict.fromkeys(("input", "output", "input_cache_read", "input_cache_write"), 1)
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({EXAMINEE: price, DEFAULT_GRADER: price}))
    log = run("--cost-limit", "0.5", "--model-cost-config", prices)
    (stopped,) = (sample for sample in log.samples or [] if sample.limit)
    assert stopped.limit
    assert stopped.limit.type == "cost"
    assert score(stopped).reason == "no_output"
    assert "a limit stopped it" in str(score(stopped).explanation)
    assert math.isnan(score(stopped).as_float())
    assert len(openrouter.judge_calls) == 11
    assert metric(log, "overall_score") == pytest.approx(0.6)


def test_of_the_images_one_copy_stays_in_a_log_without_images(openrouter: OpenRouter) -> None:
    log = run("--no-log-images", "--limit", "1")
    assert [len(call.images) for call in openrouter.examinee_calls] == [1]
    (sample,) = log.samples or []
    image = "data:image/png;base64,"
    assert [event.event for event in sample.events if image in event.model_dump_json()] == ["state"]
    assert sample.model_dump_json().count(image) == 1
    assert score(sample).value == 10


def score(sample: EvalSample) -> Score:
    return (sample.scores or {})["diagnosis_rubric"]


def attempts(score: Score) -> int:
    return int((score.metadata or {})["attempts"])
