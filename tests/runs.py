"""What tests of runs share: Inspect's command line, its logs, a judge by script."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from nejm_inspect.cli import main
from tests.loopback import Call, verdict
from tests.processes import ROOT as ROOT, run

EXAMINEE = "openrouter/google/gemini-3-pro-preview"
CHALLENGE = "nejm_inspect/nejm_image_challenge"
DEMO = ("eval", CHALLENGE, "-T", "cases=demo", "-T", "sample_size=12")
INSPECT = Path(sys.executable).with_name("inspect")


def inspect(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return run("inspect", *map(str, arguments), **options)


def cli(*arguments: object) -> Result:
    """Runs `nejm-inspect` in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def last_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a run says when it ends."""
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr.rpartition("\n\n")[2].splitlines()


def logs(folder: object = None) -> list[EvalLog]:
    """All logs, oldest first."""
    place = str(folder or os.environ["INSPECT_LOG_DIR"])
    return [read_eval_log(info) for info in list_eval_logs(place, descending=False)]


def metric(log: EvalLog, name: str) -> float:
    assert log.results, log.error
    (value,) = {s.metrics[name].value for s in log.results.scores if name in s.metrics}
    return value


class Judge:
    """A judge that gives the scripted points, one after the other."""

    def __init__(self, points: list[int]) -> None:
        self.points = list(points)
        self.lock = threading.Lock()

    def __call__(self, call: Call) -> str:
        with self.lock:
            points = self.points.pop()
        return f"Considering {{all}}:\n```json\n{verdict(points)}\n```"
