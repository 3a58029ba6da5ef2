"""A judge is known to be usable before anything is asked of the examinee."""

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, Model, get_model

from nejm_inspect import diagnosis_rubric
from nejm_inspect.errors import NejmInspectError, masked, plain_message
from nejm_inspect.judging.preflight import check_judges, require_judges
from tests.conftest import KEY
from tests.loopback import OpenRouter, openrouter_error, verdict
from tests.runs import DEMO, EXAMINEE, inspect, logs

FAULTS: list[Any] = [
    (openrouter_error(404, "No endpoints found for a/gone."), "404: No endpoints", 1),
    (openrouter_error(401, f"No credentials for {KEY}"), "401: No credentials", 1),
    (openrouter_error(402, "Insufficient credits"), "402: Insufficient credits", 1),
    (openrouter_error(400, "reasoning is mandatory"), "400: reasoning", 1),
    ("", "no valid verdict in 3 attempts", 3),
    ("I would say six.", "begins 'I would say six.'", 3),
    ({"content": "Hm", "finish_reason": "length"}, "raise its max_tokens", 3),
    (verdict(10), "it gave 10 points for 'Atopic dermatitis'", 1),
    (verdict(0), "it gave 0 points", 1),
]
_names = count()


@pytest.fixture
def judge() -> Iterator[str]:
    """A judge that no test has asked yet: each is checked once a process."""
    return (f"openrouter/judge/number-{n}" for n in _names)


def run(judge: Model | str | list[str | Model], cases: int = 3) -> EvalLog:
    (log,) = eval(
        Task(
            dataset=[Sample(input="A toe.", target="Gout") for _ in range(cases)],
            setup=require_judges(),
            scorer=diagnosis_rubric(),
        ),
        model=EXAMINEE,
        model_roles={"grader": judge},
    )
    return log


@pytest.mark.parametrize(("fault", "said", "calls"), FAULTS)
def test_a_judge_that_is_not_usable_stops_the_run(
    openrouter: OpenRouter, judge: Iterator[str], fault: Any, said: str, calls: int
) -> None:
    openrouter.preflight = lambda call: fault
    name = next(judge)
    log = run(name)
    assert log.error
    for part in (f"The judge {name} is not usable", said, "--model-role grader="):
        assert part in log.error.message
    assert KEY not in log.error.message
    assert not openrouter.examinee_calls
    assert len(openrouter.preflight_calls) == calls


@pytest.mark.parametrize("fault", [FAULTS[0], FAULTS[5]], ids=["gone", "prose"])
def test_on_the_command_line_it_costs_no_traceback(openrouter: OpenRouter, fault: Any) -> None:
    reply, said, _ = fault
    openrouter.preflight = lambda call: reply
    done = inspect(*DEMO, "--model", EXAMINEE)
    assert done.returncode == 1
    assert said in done.stderr
    assert "To continue:" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not openrouter.examinee_calls
    assert not logs()


@pytest.mark.parametrize("options", [("--no-score",), ("-T", "scorer=verbatim")])
def test_without_a_judge_none_is_checked(openrouter: OpenRouter, options: tuple[str, ...]) -> None:
    assert inspect(*DEMO, "--model", EXAMINEE, *options).returncode == 0
    assert not openrouter.preflight_calls


def test_a_judge_is_checked_once_a_process_with_its_own_key(
    openrouter: OpenRouter, judge: Iterator[str]
) -> None:
    names = [next(judge), next(judge), next(judge)]
    for _ in range(2):
        assert run([*names]).status == "success"
    checked = [f"openrouter/{call.model}" for call in openrouter.preflight_calls]
    assert checked == names
    assert len(openrouter.examinee_calls) == 6
    check_judges([get_model(next(judge), api_key="sk-or-its-own")])
    assert openrouter.headers["authorization"] == "Bearer sk-or-its-own"


def test_the_command_checks_it_once_too(openrouter: OpenRouter) -> None:
    models = f"{EXAMINEE},openrouter/openai/gpt-5.5"
    done = inspect(*DEMO, "--model", models, "--limit", "2")
    assert done.returncode == 0, done.stdout
    assert len(openrouter.preflight_calls) == 1
    assert len(openrouter.judge_calls) == 4


@pytest.mark.parametrize("own", [None, 0.5])
def test_a_refused_parameter_stops_the_run_only_if_the_user_set_it(
    openrouter: OpenRouter, judge: Iterator[str], own: float | None
) -> None:
    refusal = openrouter_error(400, "temperature is refused")
    openrouter.preflight = openrouter.judge = lambda call: (
        refusal if "temperature" in call.payload else verdict(5)
    )
    log = run(get_model(next(judge), config=GenerateConfig(temperature=own)))
    if own is None:
        assert log.status == "success"
        assert len(openrouter.preflight_calls) == 2
        assert len(openrouter.judge_calls) == 3
    else:
        assert log.error
        assert "temperature is refused" in log.error.message
        assert len(openrouter.preflight_calls) == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("key sk-or-v1-abcdefgh is wrong", "key sk-… is wrong"),
        ("Authorization: Bearer my-secret", "Authorization: Bearer …"),
        ("https://user:pass@host/x?api_key=abc&n=1", "https://…host/x?api_key=…&n=1"),
        ("https://user:p@ss@host/x", "https://…host/x"),
        ("https://user:pa/ss@host/x", "https://…host/x"),
        (
            "https://host/x?X-Amz-Signature=abc&sig=d&n=1",
            "https://host/x?X-Amz-Signature=…&sig=…&n=1",
        ),
        ("skin-disease_something", "skin-disease_something"),
    ],
)
def test_keys_are_masked_and_brackets_shown(said: str, shown: str) -> None:
    assert masked(said) == shown
    assert plain_message(Exception(f"no [/INST] in {shown}")) == f"no [/INST] in {shown}"


def test_it_works_inside_a_running_event_loop(openrouter: OpenRouter) -> None:
    # As a notebook does. In a process of its own, with the connections of its own.
    openrouter.preflight = lambda call: verdict(6)
    program = (
        "import asyncio\n"
        "from inspect_ai.model import get_model\n"
        "from nejm_inspect.judging.preflight import check_judges\n"
        "async def main():\n"
        "    model = get_model('openrouter/a/b')\n"
        "    check_judges([model])\n"
        "    return await model.generate('Hello')\n"
        "print(asyncio.run(main()).completion)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "Gout\n", done.stderr
    assert len(openrouter.preflight_calls) == 1


def test_a_judge_that_never_replies(
    openrouter: OpenRouter, judge: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nejm_inspect.judging.preflight.PATIENCE", 0.1)
    openrouter.preflight = lambda call: time.sleep(5) or verdict(5)
    with pytest.raises(NejmInspectError, match=r"no verdict in 0.1 seconds"):
        check_judges([get_model("mockllm/model"), get_model(next(judge))])


def test_a_panel_of_two_is_warned_of(
    openrouter: OpenRouter, judge: Iterator[str], caplog: pytest.LogCaptureFixture
) -> None:
    run([next(judge), next(judge)])
    assert sum("panel of two" in r.message for r in caplog.records) == 1
    caplog.clear()
    run([next(judge), next(judge), next(judge)])
    assert not any("panel of two" in r.message for r in caplog.records)
