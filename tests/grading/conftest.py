"""Runs to draw responses from: scripted logs, and a real one with images."""

from pathlib import Path

import pytest
from inspect_ai import eval

from nejm_inspect import nejm_image_challenge
from tests.loopback import OpenRouter, verdict
from tests.report.conftest import Logs

MODELS = ["openrouter/vendor/quokka-1", "openrouter/vendor/quokka-2"]
JUDGE, REASONING = "openrouter/else/numbat", "bandicoots say so"


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    """Two models on 20 cases, two epochs; some responses have no points."""
    made = Logs(tmp_path / "logs")
    made.write("m/alpha", [[n % 11, 10] for n in range(20)])
    made.write("m/beta", [[5, None]] * 19 + [[None, "error"]])
    return made


@pytest.fixture
def run(openrouter: OpenRouter, tmp_path: Path) -> str:
    """The folder of a run of two models on the twelve demo cases."""
    openrouter.examinee = lambda call: "<b>Gout</b> </script>\n\n" + "of the toe " * 200
    openrouter.judge = lambda call: verdict(7, reasoning=REASONING)
    task = nejm_image_challenge(cases="demo", sample_size=None)
    eval(task, model=MODELS, model_roles={"grader": JUDGE}, log_dir=str(tmp_path / "run"))
    return str(tmp_path / "run")
