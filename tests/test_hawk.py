"""The files for Hawk say what the roster and the demo say, and Hawk runs the demo.

Hawk needs Python 3.13 and versions of its own, so `.ci/run` runs this in a separate environment.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from nejm_inspect.roster import read_roster
from tests.runs import ROOT, logs, metric

CONFIGS = ROOT / "nejm_inspect" / "run_configs"
FILES = ["hawk.yaml", "hawk_demo.yaml"]
NOT_INSTALLED = "Hawk is not installed: it needs Python 3.13 and an environment of its own"


def read(name: str) -> Any:
    return yaml.safe_load((CONFIGS / name).read_text(encoding="utf-8"))


def settings(models: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {model["name"]: model.get("args", {}).get("config", {}) for model in models}


def test_hawk_runs_the_models_of_the_roster_with_their_settings_and_judge() -> None:
    config, roster = read("hawk.yaml"), read_roster("november_2026")
    ((models,), (tasks,)), (judge,) = (config["models"], config["tasks"]), roster.judges
    listed = {model.model: model.config.model_dump(exclude_none=True) for model in roster.models}
    assert settings(models["items"]) == listed
    assert list(settings(config["model_roles"]["grader"]["items"])) == [judge.model]
    (task,) = tasks["items"]
    assert task.pop("args") == {"cases": "s3://YOUR-BUCKET/nejm", **roster.task}
    assert [secret["name"] for secret in config["runner"]["secrets"]] == ["OPENROUTER_API_KEY"]


def test_hawk_runs_the_demo_of_inspect() -> None:
    config, demo = read("hawk_demo.yaml"), read("demo.yaml")
    ((task,),), ((solver,),) = ([x["items"] for x in config[y]] for y in ("tasks", "solvers"))
    assert f"nejm_inspect/{task['name']}" == demo["task"]["task"]
    assert task["args"] == demo["task"]["args"]
    assert f"nejm_inspect/{solver['name']}" == demo["solver"]


@pytest.mark.parametrize("name", FILES)
def test_hawk_accepts(name: str) -> None:
    schema = pytest.importorskip("hawk.core.types.evals", reason=NOT_INSTALLED)
    config = schema.EvalSetConfig.model_validate(read(name))
    assert not config.model_extra, "Hawk would pass an unknown field on to Inspect"


@pytest.mark.endurance
def test_hawk_local_scores_the_demo(tmp_path: Path) -> None:
    pytest.importorskip("hawk.runner", reason=NOT_INSTALLED)
    scripts = Path(sys.executable).parent
    # From a folder, uv would take the package as it built it before: it looks at no source file.
    build = [scripts / "uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert {f"nejm_inspect/run_configs/{name}" for name in FILES} <= {*ZipFile(wheel).namelist()}
    config = (CONFIGS / "hawk_demo.yaml").read_text(encoding="utf-8")
    package = f"package: nejm-inspect @ {wheel.as_uri()}\n"
    assert config.count("package: nejm-inspect\n") == 2
    config = config.replace("package: nejm-inspect\n", package)
    (tmp_path / "demo.yaml").write_text(config, encoding="utf-8")
    cache = subprocess.run([scripts / "uv", "cache", "dir"], capture_output=True, text=True).stdout
    # Hawk leaves the environment that it makes, of hundreds of megabytes, in the home folder.
    with TemporaryDirectory() as home:
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "INSPECT_LOG_DIR")},
            "HOME": home,
            "UV_CACHE_DIR": cache.strip(),
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        }
        run = subprocess.run(
            [scripts / "hawk", "local", "eval-set", "demo.yaml"],
            **{"cwd": tmp_path, "env": environment, "capture_output": True, "text": True},
        )
    assert run.returncode == 0, run.stdout + run.stderr
    (log,) = logs(tmp_path / "logs")
    assert log.status == "success"
    assert log.samples
    points = [sample.scores["verbatim_diagnosis"].value for sample in log.samples if sample.scores]
    assert len(points) == 12
    assert set(points) <= {0, 10}
    assert metric(log, "overall_score") == pytest.approx(sum(map(float, points)) / 120)
