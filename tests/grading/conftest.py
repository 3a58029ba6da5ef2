"""Runs to draw responses from: scripted logs, and a real one with images."""

from pathlib import Path

import pytest
from inspect_ai import eval

from nejm_inspect import nejm_image_challenge
from tests.conftest import KEY
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


@pytest.fixture(scope="package")
def run(
    _openrouter_server: tuple[str, list[OpenRouter]], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The folder of a run of two models on the twelve demo cases; no test may change it."""
    url, current = _openrouter_server
    response = "<b>Gout</b> </script>\n\n" + "of the toe " * 200
    judged = verdict(7, reasoning=REASONING)
    current.append(OpenRouter(examinee=lambda call: response, judge=lambda call: judged))
    folder = tmp_path_factory.mktemp("grading")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENROUTER_BASE_URL", f"{url}/api/v1")
        patch.setenv("OPENROUTER_API_KEY", KEY)
        patch.setenv("NEJM_INSPECT_CACHE", str(folder / "cache"))
        task = nejm_image_challenge(cases="demo", sample_size=None)
        eval(task, model=MODELS, model_roles={"grader": JUDGE}, log_dir=str(folder / "run"))
    return str(folder / "run")
