"""README.md of the report names every file and column, and its example works."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import nejm_inspect.report
from nejm_inspect.cli import main
from nejm_inspect.report.reading import RESPONSES, TEXTS
from tests.report.conftest import Logs

README = Path(nejm_inspect.report.__file__).with_name("README.md").read_text("utf-8")


def test_columns_and_files_are_explained(logs: Logs, tmp_path: Path) -> None:
    for column in (*RESPONSES.split(), *TEXTS):
        assert f"`{column}`" in README
    for model in ("m/a", "m/b"):
        logs.write(model, [10, 5, 0] * 4, task_args={"inputs": "both"})
        logs.write(model, [5, 5, 0] * 4, task_args={"inputs": "image"})
    two = {"j/a": {"score": 9}, "j/b": {"score": 5}}
    logs.write("m/c", [7] * 12, judge="j/a, j/b", score=lambda n: {"verdicts": two})
    arguments = ["report", str(logs.folder), "--out", str(tmp_path / "o")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    for file in (tmp_path / "o").glob("*.csv"):
        assert f"`{file.name}`" in README


def test_the_example_runs(logs: Logs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.write("m/a", [10, 5, 0] * 4)
    arguments = ["report", str(logs.folder), "--out", str(tmp_path / "o")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    example = README.partition("```python\n")[2].partition("```")[0]
    exec(example.replace("logs/report", str(tmp_path / "o")))  # noqa: S102 - our own
    assert "easy" in capsys.readouterr().out
