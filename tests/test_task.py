"""The task, end to end: real command line, real providers, loopback servers."""

import asyncio
import base64
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval, eval_async, eval_set
from inspect_ai.log import EvalLog, read_eval_log

from nejm_inspect import nejm_image_challenge, nejm_judge_exam, nejm_multiple_choice, random_option
from nejm_inspect.errors import NejmInspectError, parameter_names
from nejm_inspect.task import TASK_VERSION
from tests.cases.test_selection import PUBLISHED
from tests.conftest import KEY
from tests.loopback import (
    Call,
    Journal,
    OpenRouter,
    Reply,
    encoded,
    openrouter_error,
    picture,
    verdict,
)
from tests.runs import CHALLENGE, EXAMINEE, INSPECT, ROOT, Judge, inspect, logs, metric

# 22 x 10 + 20 x 6 + 9 = 349 of 500 points, as Gemini 3 Pro had in the published run.
PUBLISHED_POINTS = [10] * 22 + [6] * 20 + [9] + [0] * 7
RUN = ("eval", "nejm_inspect/task.py", "--model")


def test_the_published_benchmark(journal: Journal, openrouter: OpenRouter) -> None:
    openrouter.judge = Judge(PUBLISHED_POINTS)
    done = inspect(*RUN, EXAMINEE)
    assert done.returncode == 0, done.stdout
    (log,) = logs()
    assert log.status == "success"
    assert metric(log, "overall_score") == pytest.approx(0.698)
    assert metric(log, "exact_rate") == pytest.approx(0.44)
    assert log.eval.dataset.sample_ids == [int(id) for id in PUBLISHED.split()]
    assert len(openrouter.examinee_calls) == len(openrouter.judge_calls) == 50
    for call in openrouter.examinee_calls:
        assert call.model == "google/gemini-3-pro-preview"
        (url,) = call.images
        assert base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))
    assert journal.image_requests == 50
    assert log.eval.task_version == TASK_VERSION
    assert log.eval.metadata == {"prompt_version": "3", "skipped_cases": {}}
    assert log.results.headline.metric == "overall_score"


def test_examinees_and_logs_hold_nothing_that_they_should_not(
    journal: Journal, openrouter: OpenRouter, case_records: list[dict[str, Any]], tmp_path: Path
) -> None:
    (log,) = eval(nejm_image_challenge(sample_size=10), model=EXAMINEE, log_format="json")
    records = {record["question"]: record for record in case_records}
    for call in openrouter.examinee_calls:
        sent = json.dumps(call.payload["messages"])
        history = call.payload["messages"][1]["content"][0]["text"]
        record = records[history]
        rest = sent.replace(json.dumps(history), "")
        for letter in "ABCDE":
            assert record[f"option_{letter}"] not in rest
        assert not re.search(r"IC\d{8}", sent)
        assert ".jpg" not in sent
    written = Path(log.location.removeprefix("file://")).read_text(encoding="utf-8")
    for hidden in (KEY, "IC20", str(tmp_path / "cache")):
        assert hidden not in written


@pytest.mark.endurance
def test_all_cases(journal: Journal, openrouter: OpenRouter) -> None:
    (log,) = eval(nejm_image_challenge(sample_size=None, scorer="verbatim"), model=EXAMINEE)
    assert log.status == "success"
    assert log.results.completed_samples == 947
    assert len(openrouter.examinee_calls) == 947
    assert journal.image_requests == 947
    assert (metric(log, "with_history_n"), metric(log, "without_history_n")) == (689, 258)


def test_both_scorers_beside_each_other(openrouter: OpenRouter) -> None:
    openrouter.examinee = lambda call: "Otosclerosis"
    openrouter.judge = lambda call: verdict(6)
    (log,) = eval(nejm_image_challenge(cases="demo", scorer="both"), model=EXAMINEE)
    overall = {
        score.name: score.metrics["overall_score"].value
        for score in log.results.scores
        if "overall_score" in score.metrics
    }
    assert overall["diagnosis_rubric"] == pytest.approx(0.6)
    assert overall["verbatim_diagnosis"] == pytest.approx(1 / 12)


def test_overloaded_servers_are_retried_by_inspect(openrouter: OpenRouter) -> None:
    def sometimes(words: str) -> Callable[[Call], str | Reply]:
        faults = [
            openrouter_error(429, "Rate limit exceeded"),
            openrouter_error(502, "Bad gateway"),
        ]

        def answer(call: Call) -> str | Reply:
            with openrouter.lock:
                return faults.pop() if faults else words

        return answer

    openrouter.examinee, openrouter.judge = sometimes("Gout"), sometimes(verdict(10))
    (log,) = eval(nejm_image_challenge(cases="demo", sample_size=5), model=EXAMINEE)
    assert log.status == "success"
    assert metric(log, "overall_score") == 1.0
    assert len(openrouter.examinee_calls) == len(openrouter.judge_calls) == 7


# The judge


@pytest.fixture
def no_judge(openrouter: OpenRouter, monkeypatch: pytest.MonkeyPatch) -> OpenRouter:
    """An examinee that can be asked, and no key for the default judge."""
    monkeypatch.delenv("OPENROUTER_API_KEY")
    monkeypatch.setenv("LOOPBACK_API_KEY", KEY)
    monkeypatch.setenv("LOOPBACK_BASE_URL", os.environ["OPENROUTER_BASE_URL"])
    return openrouter


LOOPBACK = "openai-api/loopback/examinee"


def test_without_a_judge_a_run_stops_before_anything(
    no_judge: OpenRouter, journal: Journal
) -> None:
    done = inspect(*RUN, LOOPBACK)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    # In a process of its own: Inspect keeps a judge that once was there.
    program = (
        "from inspect_ai import eval; from nejm_inspect import nejm_image_challenge\n"
        f"eval(nejm_image_challenge(cases='demo'), model={LOOPBACK!r})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=600)
    (log,) = logs()
    assert log.status == "error"
    for message in (done.stderr, *(sample.error.message for sample in log.samples)):
        for way in ("OPENROUTER_API_KEY", "--model-role grader=", "--no-score"):
            assert way in message
    assert not no_judge.calls
    assert not journal.requests


def test_without_a_judge_nothing_stops_other_runs(no_judge: OpenRouter) -> None:
    run = (*RUN, LOOPBACK, "-T", "cases=demo", "-T", "sample_size=2")
    assert inspect(*run, "--no-score").returncode == 0
    assert inspect(*run, "-T", "scorer=verbatim").returncode == 0
    task = nejm_image_challenge(cases="demo", sample_size=2)
    (log,) = eval(task, model=LOOPBACK, score=False, model_roles={"grader": "none"})
    assert log.status == "success"
    assert len(no_judge.calls) == 6
    done = inspect(*run, "--model-role", f"grader={LOOPBACK.replace('examinee', 'judge')}")
    assert done.returncode == 0, done.stdout
    assert {call.model for call in no_judge.judge_calls} == {"judge"}


def test_rejudging_from_the_command_line(openrouter: OpenRouter, tmp_path: Path) -> None:
    openrouter.judge = Judge([4, 4, 4])
    (first,) = eval(nejm_image_challenge(cases="demo", sample_size=3), model=EXAMINEE)
    asked = len(openrouter.examinee_calls)
    openrouter.judge = Judge([8, 8, 8])
    rejudged = tmp_path / "rejudged.eval"
    done = inspect(
        *("score", first.location, "--scorer", "nejm_inspect/diagnosis_rubric"),
        *("--model-role", "grader=openrouter/openai/gpt-5.1"),
        *("--action", "overwrite", "--output-file", rejudged),
    )
    assert done.returncode == 0, done.stderr
    assert len(openrouter.examinee_calls) == asked
    assert {c.model for c in openrouter.judge_calls[3:]} == {"openai/gpt-5.1"}
    assert metric(read_eval_log(str(rejudged)), "overall_score") == pytest.approx(0.8)


# Interruptions


@pytest.mark.endurance
def test_an_interrupted_run_is_finished_by_retry(
    journal: Journal, openrouter: OpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def stalls(call: Call) -> str:
        if len(openrouter.examinee_calls) > 6:
            go_on.wait(30)
        return "Gout"

    openrouter.examinee = stalls
    monkeypatch.setenv("INSPECT_DISPLAY", "plain")
    limits = ["-T", "sample_size=12", "-T", "since=20100101", "--max-samples", "6"]
    running = subprocess.Popen(
        [INSPECT, *RUN, EXAMINEE, *limits],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while len(openrouter.judge_calls) < 6:
        assert running.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=600)
    go_on.set()
    (interrupted,) = logs()
    assert interrupted.status == "cancelled"
    judged = len(openrouter.judge_calls)

    done = inspect("eval-retry", interrupted.location)
    assert done.returncode == 0, done.stdout + done.stderr
    finished = logs()[-1]
    assert finished.status == "success"
    assert finished.eval.dataset.sample_ids == interrupted.eval.dataset.sample_ids
    assert finished.results.completed_samples == 12
    assert finished.eval.task_args["since"] == 20100101
    assert len(openrouter.judge_calls) == 12
    assert judged >= 6
    assert journal.image_requests == 12


# Registered names


def test_tasks_are_listed() -> None:
    listed = inspect("list", "tasks", "nejm_inspect").stdout.split()
    assert "nejm_inspect/task.py@nejm_image_challenge" in listed
    assert sum(line.startswith("nejm_inspect/task.py@") for line in listed) == 1
    assert "nejm_inspect/judge_exam/task.py@nejm_judge_exam" in listed
    assert "nejm_inspect/multiple_choice.py@nejm_multiple_choice" in listed


def test_the_demo_runs_in_any_folder_without_network_or_key(tmp_path: Path) -> None:
    demo = ROOT / "nejm_inspect/run_configs/demo.yaml"  # which has registered names
    done = inspect("eval", "--run-config", demo, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    (log,) = logs()
    assert (log.eval.task, log.eval.model) == (CHALLENGE, "none/none")
    assert log.results.completed_samples == len(log.samples) == 12
    assert 0 <= metric(log, "exact_rate") < 1
    assert "Guessing among the five options of a demo case gives 20%." in done.stderr


# Parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"inputs": "text"}, "inputs='text': .*'both', 'history' or 'image'"),
        ({"scorer": "judge"}, "scorer='judge': .*'rubric', 'verbatim' or 'both'"),
        ({"missing_images": "drop"}, "missing_images='drop': .*'error' or 'skip'"),
        ({"difficulty": "tough"}, "difficulty='tough': .*'easy', 'medium', 'hard' or 'expert'"),
        ({"cases": "njem"}, "'nejm', 'demo', the path of"),
        ({"cases": 123}, "none of these is at .*123"),
        ({"cases": None}, "cases=None: Input should be a valid string"),
        ({"cases": "~nobody/x.json"}, "none of these is at"),
        ({"images": 2024}, "images=2024 is for cases=nejm"),
        ({"image_dir": 2024}, "images=2024 is for cases=nejm"),
        ({"image_dir": "a", "images": "b"}, "image_dir='a': .*the former name of images"),
        ({"sample_size": 13}, "only 12 cases are there"),
        ({"history": "maybe"}, "history='maybe': .*'all', 'yes' or 'no'"),
        ({"history": "no"}, "The filters leave out all 12 cases"),
        ({"until": "2020-01-01"}, "case demo-01 has none"),
        ({"since": datetime.date(2020, 1, 31)}, "since=.*write 20200131"),
    ],
)
def test_bad_parameters_fail_when_the_task_is_built(
    parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(NejmInspectError, match=message):
        nejm_image_challenge(**{"cases": "demo", "sample_size": None, **parameters})


@pytest.mark.parametrize(
    ("task", "misspelt", "meant"),
    [
        (nejm_image_challenge, "sample_sise", "sample_size"),
        (nejm_multiple_choice, "suffle_options", "shuffle_options"),
        (nejm_judge_exam, "pair", "pairs"),
    ],
)
def test_a_parameter_that_does_not_exist_stops_every_kind_of_run(
    openrouter: OpenRouter, tmp_path: Path, task: Any, misspelt: str, meant: str
) -> None:
    name, argument = f"nejm_inspect/{task.__name__}", {misspelt: 5}
    message = f"'{misspelt}' is not a parameter of {task.__name__}. Did you mean {meant}?"
    config = tmp_path / "run.yaml"
    config.write_text(f"task: {{task: {name}, args: {{{misspelt}: 5}}}}\nmodel: {EXAMINEE}\n")
    for command in ((name, "--model", EXAMINEE, "-T", f"{misspelt}=5"), ("--run-config", config)):
        done = inspect("eval", *command)
        assert done.returncode == 1
        assert message in done.stderr
        assert f"Its parameters are: {', '.join(parameter_names(task))}." in done.stderr
        assert "Traceback" not in done.stdout + done.stderr

    given: dict[str, Any] = {"task_args": argument, "model": EXAMINEE}
    for attempt in (
        lambda: task(**argument),
        lambda: eval(name, **given),
        lambda: eval(task, **given),
        lambda: eval_set(name, log_dir=str(tmp_path / "set"), **given),
    ):
        with pytest.raises(NejmInspectError, match=re.escape(message)):
            attempt()
    assert not openrouter.calls
    assert not logs()


def test_parameters_are_logged_with_their_defaults() -> None:
    given = {"cases": "demo", "scorer": "verbatim"}
    (log,) = eval(CHALLENGE, task_args=given, model="none", solver=random_option())
    assert log.eval.task_args_passed == given
    assert set(log.eval.task_args) == set(parameter_names(nejm_image_challenge))
    assert log.eval.task_args["images"] == "journal"
    assert log.eval.task_args["sample_size"] == 50


def test_the_former_name_of_images_is_told_once(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "655.png").write_bytes(encoded(picture(), "PNG"))
    task = nejm_image_challenge(sample_size=1, images=str(tmp_path / "own"), scorer="verbatim")
    assert len(task.dataset) == 1
    done = inspect(
        *("eval", CHALLENGE, "--model", "none,mockllm/model", "-T", "image_dir=own"),
        *("-T", "sample_size=1", "-T", "scorer=verbatim", "--solver", "nejm_inspect/random_option"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert done.stderr.count("image_dir is now called images") == 1
    assert journal.image_requests == 0


def test_missing_images_stop_the_run_unless_they_are_skipped(
    journal: Journal, openrouter: OpenRouter
) -> None:
    journal.image_faults = {"20070816": Reply(status=404)}  # case 115
    done = inspect(*RUN, EXAMINEE, "-T", "sample_size=3")
    assert done.returncode == 1
    assert "1 of 3 cases have no image" in done.stderr
    assert "HTTP 404" in done.stderr
    assert not openrouter.examinee_calls
    done = inspect(*RUN, EXAMINEE, "-T", "missing_images=skip", "-T", "sample_size=3")
    assert done.returncode == 0, done.stderr
    (log,) = logs()
    assert log.eval.metadata["skipped_cases"] == {"115": "HTTP 404"}
    assert log.eval.dataset.sample_ids == [655, 26]
    told = "Cases skipped because their image is missing: 1\n  case 115: HTTP 404"
    assert f"{told}\n" in f"{done.stderr}\n"


def test_history_alone_fetches_and_sends_no_image(journal: Journal, openrouter: OpenRouter) -> None:
    # What YAML reads as `no` is a truth value.
    task = nejm_image_challenge(sample_size=3, inputs="history", history=False)  # type: ignore[arg-type]
    (log,) = eval(task, model=EXAMINEE)
    assert journal.image_requests == 0
    assert not any(call.images for call in openrouter.calls)
    assert len(openrouter.examinee_calls) == 3
    assert [sample.metadata["has_history"] for sample in log.samples] == [False] * 3


def test_image_alone_sends_no_history_but_shows_it_to_the_judge(
    journal: Journal, openrouter: OpenRouter, case_records: list[dict[str, Any]]
) -> None:
    task = nejm_image_challenge(sample_size=3, inputs="image", question_type="diagnosis")
    (log,) = eval(task, model=EXAMINEE)
    questions = {record["image_id"]: record["question"] for record in case_records}
    histories = [questions[id] for id in log.eval.dataset.sample_ids]
    for history in histories:
        assert not any(history in call.text for call in openrouter.examinee_calls)
        assert any(history in call.text for call in openrouter.judge_calls)
    assert all(len(call.images) == 1 for call in openrouter.examinee_calls)


def test_the_task_is_built_inside_a_running_event_loop(openrouter: OpenRouter) -> None:
    async def build_and_run() -> EvalLog:
        task = nejm_image_challenge(cases="demo", sample_size=2, scorer="verbatim")
        (log,) = await eval_async(task, model=EXAMINEE)
        return log

    assert asyncio.run(build_and_run()).status == "success"
    assert len(openrouter.examinee_calls) == 2


def test_the_view_shows_cases_worst_first_and_no_image_is_read_yet() -> None:
    task = nejm_image_challenge(cases="demo", sample_size=1, scorer="verbatim")
    assert "base64" not in str(task.dataset[0].input[0].content)
    view = task.viewer.task_samples_view
    # The viewer adds those that are not named: the epoch, for instance, if there are several.
    assert {column.id for column in view.columns} == {"tokens", "duration"}
    assert (view.sort[0].column, view.sort[0].dir) == (
        "score__verbatim_diagnosis__verbatim_diagnosis",
        "asc",
    )
