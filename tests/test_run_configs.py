"""Runs that several processes share: of one eval set on S3, of a roster by SLURM."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nejm_inspect.roster import read_roster
from tests.loopback import Journal, OpenRouter
from tests.runs import CHALLENGE, ROOT, cli, inspect, logs

CONFIGS = ROOT / "nejm_inspect" / "run_configs"


def report(place: str, out: Path) -> str:
    result = cli("report", place, "--out", out)
    assert result.exit_code == 0, result.output
    return (out / "leaderboard.csv").read_text(encoding="utf-8")


@pytest.mark.endurance
def test_processes_share_an_eval_set_and_its_folder_on_s3(
    openrouter: OpenRouter, s3: str, tmp_path: Path
) -> None:
    models = ["maker/one", "maker/two"]
    names = ",".join(f"openrouter/{model}" for model in models)
    command = ("eval-set", CHALLENGE, "-T", "cases=demo", "--model", names)
    command += ("--log-dir", f"{s3}/run")

    def run(variable: str, file: Path) -> None:
        done = inspect(*command, environment={variable: str(file)})
        assert done.returncode == 0, done.stdout + done.stderr

    def run_share(task: dict[str, Any]) -> None:
        # As the README's jq writes it.
        tasks = [{"identifier": task["identifier"]}]
        share = {"version": 1, "eval_set_id": "night", "tasks": tasks}
        file = tmp_path / f"{task['model'].rpartition('/')[2]}.json"
        file.write_text(json.dumps(share))
        run("INSPECT_EVAL_SET_SELECTION", file)

    run("INSPECT_EVAL_SET_CAPTURE", tmp_path / "set.json")
    assert not openrouter.examinee_calls
    tasks = json.loads((tmp_path / "set.json").read_text("utf-8"))["tasks"]
    with ThreadPoolExecutor() as processes:
        list(processes.map(run_share, tasks))
    asked = [call.model for call in openrouter.examinee_calls]
    assert sorted(asked) == [model for model in models for _ in range(12)]
    written = logs(f"{s3}/run")
    assert {log.eval.eval_set_id for log in written} == {"night"}
    assert len({log.location.rpartition("/")[0] for log in written}) == 1
    table = report(f"{s3}/run", tmp_path / "report")
    assert all(model in table for model in models)


@pytest.mark.endurance
def test_slurm_script_runs_a_model_a_task_and_continues_when_requeued(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("SHARED", str(tmp_path))
    script = CONFIGS / "slurm.sh"

    def task(number: int) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SLURM_ARRAY_TASK_ID": str(number)}
        command = ["bash", script, "-T", "sample_size=4", "--no-log-images"]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    for numbers in ((0, 1), (1,)):  # the second is requeued
        with ThreadPoolExecutor() as array:
            for done in array.map(task, numbers):
                assert done.returncode == 0, done.stdout + done.stderr
    first, second, *_ = read_roster("november_2026").models
    names = [model.model.removeprefix("openrouter/") for model in (first, second)]
    assert sorted(c.model for c in openrouter.examinee_calls) == sorted(names * 4)
    settings = {log.eval.model: log.eval.model_generate_config for log in logs(tmp_path / "logs")}
    assert settings[second.model].cache_prompt is False
    table = report(str(tmp_path / "logs"), tmp_path / "report")
    assert all(name in table for name in names)

    array = next(x for x in script.read_text("utf-8").splitlines() if "--array" in x)
    assert array == f"#SBATCH --array=0-{len(read_roster('november_2026').models) - 1}"
    assert task(99).stderr == "No model 99 of 5\n"
    monkeypatch.delenv("OPENROUTER_API_KEY")
    assert "OPENROUTER_API_KEY" in task(0).stderr
