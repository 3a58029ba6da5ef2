"""A benchmark that is stopped half-way, in every way that users have, and run again."""

import csv
import os
import pty
import re
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.benchmark_runs import AS_PUBLISHED
from tests.loopback import Call, Journal, OpenRouter, verdict
from tests.processes import run, started

pytestmark = pytest.mark.endurance

COMMAND = Path(sys.executable).with_name("nejm-inspect")

# For each model of the published run: points of 50 cases with its sum and its tens.
POINTS = {
    "google/gemini-3-pro-preview": [10] * 22 + [6] * 20 + [9] + [0] * 7,  # 349
    "anthropic/claude-opus-4.5": [10] * 17 + [7] * 20 + [2] + [0] * 12,  # 312
    "openai/gpt-5.1": [10] * 8 + [7] * 29 + [6] + [0] * 12,  # 289
    "x-ai/grok-4.1-fast:free": [10] * 13 + [6] * 20 + [0] * 17,  # 250
    "qwen/qwen3-vl-235b-a22b-thinking": [10] * 7 + [7] * 24 + [3] + [0] * 18,  # 241
}
SCORES = [(0.698, 22), (0.624, 17), (0.578, 8), (0.5, 13), (0.482, 7)]
"""Overall and number of tens, in the order of `POINTS`, as they were published."""


class Service:
    """Models that answer so many times and then hang until released.

    A response bears its model's name and the number of its case for that model, by
    which the judge gives the model its published points.
    """

    def __init__(self, openrouter: OpenRouter, answers: int, verdicts: int) -> None:
        self.openrouter = openrouter
        self.answers, self.verdicts = answers, verdicts
        self.cases: dict[str, list[str]] = {}
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.hanging = 0
        openrouter.examinee, openrouter.judge = self.examine, self.grade

    def examine(self, call: Call) -> str:
        with self.lock:
            cases = self.cases.setdefault(call.model, [])
            if call.images[0] not in cases:
                cases.append(call.images[0])
            self.answers -= 1
            if hangs := self.answers < 0 and not self.released.is_set():
                self.hanging += 1
        if hangs:
            self.released.wait(600)
        return f"Answer of {call.model} to case {cases.index(call.images[0])}."

    def grade(self, call: Call) -> str:
        with self.lock:
            self.verdicts -= 1
        if self.verdicts < 0:
            self.released.wait(600)
        (found,) = re.findall(r"Answer of (\S+) to case (\d+)\.", call.text)
        return verdict(POINTS[found[0]][int(found[1])])


def leaderboard(folder: Path) -> list[tuple[str, float, int]]:
    with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        return [
            (row["model"], round(float(row["overall"]), 9), int(row["exact_count"]))
            for row in csv.DictReader(file)
        ]


def kept_answers() -> int:
    cache = Path(os.environ["INSPECT_CACHE_DIR"])
    return sum(path.is_file() for path in cache.rglob("*"))


def test_the_published_benchmark_killed_half_way_and_run_again(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    service = Service(openrouter, answers=135, verdicts=60)
    command = ("nejm-inspect", "benchmark", *AS_PUBLISHED, "--log-dir", str(tmp_path / "run"))
    with started(*command) as (process, end):
        while kept_answers() < 135 or len(openrouter.judge_calls) < 60:
            assert process.is_alive(), end()
            time.sleep(0.05)
        process.kill()
        end()
    service.released.set()
    assert not (tmp_path / "run-report").exists()
    assert service.hanging

    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(openrouter.examinee_calls) == 250 + service.hanging
    assert journal.image_requests == 50
    scores = zip(POINTS, SCORES, strict=True)
    published = [(f"openrouter/{model}", *score) for model, score in scores]
    assert leaderboard(tmp_path / "run-report") == published
    assert "69.8%" in done.stdout
    assert "48.2%" in done.stdout


@contextmanager
def terminal(command: list[str], environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Runs a command in a terminal of its own; gives process and terminal."""
    process, screen = pty.fork()
    if process == 0:
        os.execve(command[0], command, environment)  # noqa: S606 - the command tested
    try:
        yield process, screen
    finally:
        os.close(screen)


def test_ctrl_c_in_a_terminal(openrouter: OpenRouter, tmp_path: Path) -> None:
    service = Service(openrouter, answers=24, verdicts=0)
    command = [str(COMMAND), "benchmark", "-T", "cases=demo", "-T", "sample_size=null"]
    command += ["--model", "openrouter/openai/gpt-5.1", "--log-dir", str(tmp_path / "run")]
    # Inspect's full-screen display, which is what a terminal gets.
    environment = {**os.environ, "TERM": "xterm-256color", "INSPECT_DISPLAY": "full"}
    shown = b""
    with terminal(command, environment) as (process, screen):
        interrupted = False
        while True:
            if not interrupted and openrouter.judge_calls:
                os.write(screen, b"\x03")
                interrupted = True
            if select.select([screen], [], [], 0.1)[0]:
                try:
                    shown += os.read(screen, 65_536)
                except OSError:  # what a closed terminal reads as
                    break
        service.released.set()
        _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    last = shown.decode(errors="replace").strip().splitlines()[-1]
    assert last.startswith("Error: Interrupted. What is finished is in")
