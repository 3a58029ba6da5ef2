"""`nejm-inspect demo`: from the command, without a network, to labelled logs and a report."""

import math
import socket
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample

from nejm_inspect.cases import open_source
from nejm_inspect.cli_demo import LABEL, VIEWER
from nejm_inspect.response import is_verbatim
from nejm_inspect.rubric import MAX_POINTS, level_of
from nejm_inspect.scripted import JUDGE, MODELS, read_script
from tests.runs import cli, logs

SCORES = {"scripted-quokka": "84.2%", "scripted-numbat": "74.5%", "scripted-wombat": "45.0%"}
REASONS = {
    "scripted-numbat": {"demo-08": "grader_failed"},
    "scripted-wombat": {"demo-10": "refusal"},
}


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that were to be connected to or looked up, in vain."""
    asked: list[Any] = []

    def refuse(*address: Any, **_: Any) -> None:
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def points(value: Any) -> int | None:
    return None if math.isnan(value) else int(value)


@pytest.mark.endurance
def test_the_demo(connected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (cli("demo") for _ in range(2))
    for result in (first, second):
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(LABEL)
        assert result.stdout.endswith(f"{LABEL}\n")
        assert f"inspect view --log-dir logs/demo\n      shows them at {VIEWER}" in result.stdout
        assert "1 of 36 responses has no score" in " ".join(result.stdout.split())
    assert connected == []
    written = logs("logs/demo")
    assert {log.eval.model for log in written} == {f"nejm_inspect/{model}" for model in MODELS}
    assert len(written) == len(MODELS)
    for log in written:
        assert log.status == "success"
        assert log.eval.tags == ["scripted"]
        assert (log.eval.metadata or {})["note"] == LABEL
        scores = {s.id: (s.scores or {})["diagnosis_rubric"] for s in log.samples or ()}
        model = log.eval.model.rpartition("/")[2]
        given = {case: points(score.value) for case, score in scores.items()}
        assert given == {case: said[model][0] for case, said in read_script().items()}
        reasons = {case: score.reason for case, score in scores.items() if score.reason}
        assert reasons == REASONS.get(model, {})
        assert f"{model} " in second.stdout
        assert f"{model}: overall {SCORES[model]}" in first.stderr
    page = Path("logs/demo-report/report.html").read_text(encoding="utf-8")
    for text in ("<h1>Three scripted models on 12 cases</h1>", JUDGE, "Impacted cerumen", *MODELS):
        assert text in page
    leaderboard = Path("logs/demo-report/leaderboard.csv").read_text(encoding="utf-8")
    assert len(leaderboard.splitlines()) == 1 + len(MODELS)


def test_the_script_is_sound() -> None:
    cases = {case.id: case for case in open_source("demo").cases}
    script = read_script()
    assert [*script] == [*cases]
    levels = set()
    for case, said in script.items():
        assert tuple(said) == MODELS
        assert len({response for _, response, _ in said.values()}) == len(MODELS)
        for given, response, reasoning in said.values():
            if response is None:
                assert (given, reasoning) == (0, None)
                continue
            assert reasoning
            if is_verbatim(response, [cases[case].reference]):
                assert given == MAX_POINTS
            levels |= {"unscored" if given is None else level_of(given).category}
    assert levels == {level_of(points).category for points in range(MAX_POINTS + 1)} | {"unscored"}


def test_scripted_models_know_nothing_else() -> None:
    task = Task(dataset=[Sample(input="A man has a swollen toe.")])
    (log,) = eval(task, model=f"nejm_inspect/{MODELS[0]}", fail_on_error=False)
    (sample,) = log.samples or ()
    assert sample.error
    assert "scripted models know only the demo cases" in sample.error.message
