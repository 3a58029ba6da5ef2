"""Processes that are killed at work: what is finished is kept, and the next run continues."""

import csv
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval

from nejm_inspect import nejm_image_challenge
from nejm_inspect.report.files import STAGED, write_files
from tests.loopback import Call, Journal, OpenRouter
from tests.processes import started
from tests.report.conftest import Logs
from tests.runs import DEMO, EXAMINEE, cli, inspect, logs

pytestmark = pytest.mark.endurance


def test_finished_cases_of_a_killed_run_are_not_asked_again(
    openrouter: OpenRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where Inspect keeps what it has not written to the log yet.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    released, asked = threading.Event(), count(1)

    def examinee(call: Call) -> str:
        if next(asked) > 7:
            released.wait(600)
        return "Gout"

    openrouter.examinee = examinee
    command = ("inspect", *DEMO, "--model", EXAMINEE, "--max-samples", "3")
    with started(*command) as (process, done):
        while len(openrouter.examinee_calls) < 7 + 3:  # three wait, so seven are finished
            assert process.is_alive(), done()
            time.sleep(0.01)
        process.kill()
        assert done().returncode == -signal.SIGKILL
    released.set()
    (killed,) = logs()
    assert killed.status == "started"
    assert len(killed.samples or ()) < 7
    place = killed.location.removeprefix("file://")
    assert "responses have no score" in cli("report", place, "--out", tmp_path / "r").output

    again = inspect("eval-retry", place)
    assert again.returncode == 0, again.stdout
    assert "12 scored, 0 unscored, 0 errors." in again.stderr
    asked_for = Counter(call.images[0] for call in openrouter.examinee_calls)
    assert sorted(asked_for.values()) == [1] * 9 + [2] * 3
    assert len(openrouter.judge_calls) == 12
    report = cli("report", tmp_path / "logs", "--out", tmp_path / "r").output
    assert "on 12 cases" in report
    assert "no score" not in report


def read(folder: Path) -> dict[str, bytes]:
    """The files of a report that its user sees."""
    files = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {name: p.read_bytes() for name, p in files.items() if not name.startswith(".")}


def die_at(step: int) -> None:
    """Makes this process kill itself instead of its n-th change of a file."""
    steps = count()

    def dying(change: Callable[..., Any]) -> Callable[..., Any]:
        def step_or_death(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*arguments, **options)

        return step_or_death

    for name in ("write_bytes", "replace", "unlink", "mkdir"):
        setattr(Path, name, dying(getattr(Path, name)))


def test_a_report_that_is_killed_at_any_step(tmp_path: Path) -> None:
    runs = Logs(tmp_path / "runs")
    for model in ("m/a", "m/b"):
        runs.write(model, [10, 5, 0] * 4)
    one, old, new = next(runs.folder.iterdir()), tmp_path / "old", tmp_path / "new"
    assert cli("report", runs.folder, "--out", old).exit_code == 0
    assert cli("report", one, "--out", new).exit_code == 0
    before, after = read(old), read(new)
    assert "pairs.csv" in before.keys() - after.keys()
    contents = {"report.html": after["report.html"], **after}
    ends, out = Counter[str](), tmp_path / "out"
    for step in count():
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(old, out)
        (out / "notes.txt").write_bytes(b"mine")
        if not (child := os.fork()):
            try:
                die_at(step)
                write_files(out, contents)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        left = read(out)
        assert left.pop("notes.txt") == b"mine"
        end = "old" if left == before else "new" if left == after else "no page"
        assert end != "no page" or "report.html" not in left
        ends[end] += 1
        write_files(out, contents)
        assert read(out) == {**after, "notes.txt": b"mine"}
        assert not (out / STAGED).exists()
        if os.WIFEXITED(status):
            break
    assert ends["old"] > len(contents)  # Writing takes long, replacing does not.
    assert ends["no page"] >= len(contents)
    assert cli("report", one, "--out", out).exit_code == 0


def jump_clocks(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """Lets this process, Inspect included, see a clock that is off by the sum of what it gives."""
    jumps: list[timedelta] = []
    now = time.time

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Jumping":
            return super().now(tz) + sum(jumps, timedelta())

    monkeypatch.setattr(time, "time", lambda: now() + sum(jumps, timedelta()).total_seconds())
    for name, module in list(sys.modules.items()):
        if name.startswith(("inspect_ai", "nejm_inspect")):
            for attribute in [key for key, value in vars(module).items() if value is datetime]:
                monkeypatch.setattr(module, attribute, Jumping)
    return jumps


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=1)], ids=["back", "on"])
def test_a_clock_that_jumps_before_and_during_a_run(
    jump: timedelta,
    journal: Journal,
    openrouter: OpenRouter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cli("fetch", "--sample-size", 4).exit_code == 0
    jumps = jump_clocks(monkeypatch)
    jumps.append(jump)

    def examinee(call: Call) -> str:
        if len(openrouter.examinee_calls) == 2:
            jumps.append(jump)
        return "Gout"

    openrouter.examinee = examinee
    eval(nejm_image_challenge(sample_size=4), model=EXAMINEE, max_samples=1)
    (log,) = logs()
    assert (log.status, len(openrouter.examinee_calls)) == ("success", 4)
    assert journal.image_requests == 4
    ended, began = map(datetime.fromisoformat, (log.stats.completed_at, log.stats.started_at))
    assert abs(ended - began - jump) < timedelta(minutes=30)
    assert cli("report", tmp_path / "logs", "--out", tmp_path / "r").exit_code == 0
    (row,) = csv.DictReader((tmp_path / "r" / "leaderboard.csv").read_text("utf-8").splitlines())
    assert row["time"] == (str((ended - began).total_seconds()) if ended > began else "")
