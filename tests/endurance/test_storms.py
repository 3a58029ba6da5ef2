"""Runs over a provider that misbehaves: nothing is lost, and no finished case is paid for twice."""

import random
import shlex
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, get_model
from tenacity import wait_none

import nejm_inspect.benchmark
from nejm_inspect import nejm_image_challenge
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging import preflight
from nejm_inspect.judging.panel import DEFAULT_GRADER
from nejm_inspect.run_summary import tell_run_ends
from tests.benchmark_runs import benchmark
from tests.loopback import Call, OpenRouter, Reply, openrouter_error, serve, verdict
from tests.runs import DEMO, EXAMINEE, inspect, last_lines, logs

pytestmark = pytest.mark.endurance

BUSY = [
    openrouter_error(429, "Rate limit exceeded", retry_after="0.01"),
    openrouter_error(429, "Rate limit exceeded"),
]
DOWN = [openrouter_error(status, "The host is down.") for status in (500, 502, 503, 529)]
CUT = [Reply(b'{"id": "gen-1", "choi', length=900), Reply(status=0)]
STALLED = [Reply(openrouter_error(400, "Too late").body, stall=20)]
CUT_AFTER = 3
"""Seconds until a stalled reply is cut: a good reply on a busy machine may take more than one."""
WORDS = "Insufficient credits. Add more at https://openrouter.ai/settings/credits"
NO_CREDIT = openrouter_error(402, WORDS)

Fault = Callable[[str, int], Any]
"""What comes, if anything, in place of the answer to a prompt that is asked for the nth time."""


def never(prompt: str, n: int) -> None:
    return None


class Service:
    """A model that may give a fault in place of its answer; counts both by prompt."""

    def __init__(self, answer: str, fault: Fault = never) -> None:
        self.answer, self.fault = answer, fault
        self.asked: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.lock = threading.Lock()

    def __call__(self, call: Call) -> Any:
        with self.lock:
            self.asked[call.text] += 1
            if fault := self.fault(call.text, self.asked[call.text]):
                return fault
            self.paid[call.text] += 1
            return self.answer

    def fails_after(self, answers: int, fault: Any) -> None:
        self.fault = lambda prompt, n: fault if self.paid.total() >= answers else None


@pytest.fixture
def services(openrouter: OpenRouter) -> tuple[Service, Service]:
    """An examinee and a judge whose verdicts all give seven points."""
    openrouter.examinee, openrouter.judge = both = Service("Gout"), Service(verdict(7))
    return both


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits less: Inspect's waits start at three seconds, and no setting changes them."""
    monkeypatch.setattr("inspect_ai.model._retry.wait_exponential_jitter", lambda **_: wait_none())
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr(preflight, "PAUSE", 0.1)


def by_chance(faults: Sequence[Reply]) -> Fault:
    """Half of the time a fault, the same in each run of the test."""

    def fault(prompt: str, n: int) -> Reply | None:
        chance = random.Random(f"{n} {prompt}")
        return chance.choice(faults) if chance.random() < 0.5 else None

    return fault


def at_first(faults: Sequence[Any]) -> Fault:
    """A fault for the first attempt at each prompt, each of them in turn."""
    order = iter(range(1_000))
    return lambda prompt, n: faults[next(order) % len(faults)] if n == 1 else None


def assert_all_scored_and_paid_once(log: EvalLog, services: tuple[Service, Service]) -> None:
    assert log.status == "success"
    assert [s.scores["diagnosis_rubric"].value for s in log.samples] == [7] * 12
    for service in services:
        assert sorted(service.paid.values()) == [1] * 12


def run(judge: GenerateConfig | None = None, **settings: Any) -> EvalLog:
    grader = get_model(DEFAULT_GRADER, config=judge or GenerateConfig())
    task = nejm_image_challenge(cases="demo", sample_size=12)
    (log,) = eval(task, model=EXAMINEE, model_roles={"grader": grader}, **settings)
    return log


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("faults", [BUSY, DOWN, CUT], ids=["429", "5xx", "cut"])
def test_half_of_all_calls_fail(services: tuple[Service, Service], faults: list[Reply]) -> None:
    for service in services:
        service.fault = by_chance(faults)
    assert_all_scored_and_paid_once(run(), services)
    # More often than OpenAI's client tries by itself: Inspect's own retries were needed.
    assert all(max(service.asked.values()) > 3 for service in services)


@pytest.mark.usefixtures("_hasty")
def test_a_judge_that_is_down_in_the_middle(services: tuple[Service, Service]) -> None:
    examinee, judge = services
    judge.fault = lambda prompt, n: DOWN[2] if 5 < judge.asked.total() < 60 else None
    assert_all_scored_and_paid_once(run(), services)
    assert examinee.asked.total() == 12


def test_what_a_user_sees_of_faults_that_pass(
    services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in services:
        service.fault = at_first([BUSY[0], *DOWN, *CUT, *STALLED])
    monkeypatch.setenv("INSPECT_HTTP_REQUEST_TIMEOUT", str(CUT_AFTER))
    (first, _) = last_lines(inspect(*DEMO, "--model", EXAMINEE))
    assert first.endswith("exact 0.0%, 12 scored, 0 unscored, 0 errors.")
    assert_all_scored_and_paid_once(logs()[0], services)


@pytest.mark.usefixtures("_hasty")
def test_replies_that_stall_are_cut_by_attempt_timeout(services: tuple[Service, Service]) -> None:
    for service in services:
        service.fault = at_first(STALLED)
    # A judge does not inherit it.
    log = run(judge=GenerateConfig(attempt_timeout=CUT_AFTER), attempt_timeout=CUT_AFTER)
    assert_all_scored_and_paid_once(log, services)


def test_a_response_that_fails_in_its_middle_is_no_response(
    services: tuple[Service, Service],
) -> None:
    examinee, judge = services
    begun = [{"content": begun, "finish_reason": "error"} for begun in ("", "Go", '{"score": 0')]
    examinee.fault = lambda prompt, n: begun[n % 2] if n == 1 or "machine shop" in prompt else None
    judge.fault = at_first(begun)
    log = run()
    (failed,) = (sample for sample in log.samples if sample.error)
    assert f"The provider of {EXAMINEE} failed in the middle" in failed.error.message
    examinee.fault = never
    last_lines(inspect("eval-retry", log.location))
    assert_all_scored_and_paid_once(logs()[-1], services)


@pytest.mark.usefixtures("_hasty")
def test_a_judge_that_comes_up_late(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api/v1"
    judge = get_model("openrouter/a/late", base_url=url, api_key="none", memoize=False)
    refused = r"its provider said: Connection error. \(ConnectionRefusedError: "

    monkeypatch.setattr(preflight, "PATIENCE", 2)
    with pytest.raises(NejmInspectError, match=f"not usable: it gave no verdict in 2 .*{refused}"):
        preflight.check_judges([judge])

    monkeypatch.setattr(preflight, "PATIENCE", 60)
    capfd.readouterr()
    faults = iter(DOWN[1:] * 3)
    server = OpenRouter(preflight=lambda call: next(faults, None) or verdict(5))
    with ExitStack() as stack:
        start = threading.Timer(1, lambda: stack.enter_context(serve(server.respond, port)))
        start.start()
        preflight.check_judges([judge])
    said = capfd.readouterr().err
    again = "Asking openrouter/a/late again in 0.1 seconds, for up to 60: its provider said: "
    assert f"{again}Connection error. (ConnectionRefusedError: " in said
    assert said.count(": The host is down.\n") >= 2
    assert len(server.preflight_calls) == 10


@pytest.mark.usefixtures("_hasty")
def test_a_judge_that_stays_down(
    services: tuple[Service, Service], capfd: pytest.CaptureFixture[str]
) -> None:
    examinee, judge = services
    judge.fails_after(4, DOWN[2])
    log = run(max_retries=0)
    tell_run_ends()
    _, said, waiting, *_ = capfd.readouterr().err.splitlines()[-5:]
    assert said == "  8 times: Error code: 503 - The host is down."
    assert waiting.startswith("8 responses wait for a verdict")
    assert sum(bool(sample.scores) for sample in log.samples) == 4
    assert sorted(examinee.paid.values()) == [1] * 12


def test_credit_that_runs_out_in_a_run(services: tuple[Service, Service]) -> None:
    examinee, judge = services
    examinee.fails_after(9, NO_CREDIT)
    judge.fails_after(4, NO_CREDIT)
    done = inspect(*DEMO, "--model", EXAMINEE, "--cache", "1W")
    first, said, ways, command, waiting, *_ = last_lines(done)
    assert first.endswith("4 scored, 0 unscored, 8 errors. The run's status is error.")
    assert said == f"  8 times: Error code: 402 - {WORDS}"
    assert ways == (
        "To ask again for the cases without a response and, unless the run had --cache, those "
        "that wait:"
    )
    assert waiting.startswith("5 responses wait for a verdict")
    for service in services:
        service.fault = never
    last_lines(inspect(*shlex.split(command)[1:]))
    assert_all_scored_and_paid_once(logs()[-1], services)


def test_credit_and_key_that_end_in_a_benchmark(
    services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(nejm_inspect.benchmark, "RETRY_ATTEMPTS", 0)
    examinee, judge = services
    examinee.fails_after(9, NO_CREDIT)
    judge.fails_after(4, openrouter_error(401, "User not found."))
    folder = tmp_path / "run"
    command = (*DEMO[2:], "--model", EXAMINEE, "--log-dir", str(folder))
    failed = benchmark(*command)
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-4:] == [
        "Error: Not every model finished:",
        f"  {EXAMINEE}, 5 times: Error code: 401 - User not found.",
        f"  {EXAMINEE}, 3 times: Error code: 402 - {WORDS}",
        "To continue: run the same command again.",
    ]
    for service in services:
        service.fault = never
    assert benchmark(*command).exit_code == 0
    assert_all_scored_and_paid_once(logs(folder)[-1], services)
