"""README.md of the report names every file and column, and its example works."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from inspect_ai.scorer import Score

import nejm_inspect.report
from nejm_inspect.cli import main
from nejm_inspect.grading.design import Design
from nejm_inspect.grading.drawing import draw
from nejm_inspect.report.reading import read_logs
from tests.cases.test_selection import PUBLISHED
from tests.report.conftest import Logs

README = Path(nejm_inspect.report.__file__).with_name("README.md").read_text("utf-8")


def test_columns_and_files_are_explained(logs: Logs, tmp_path: Path) -> None:
    """Every section is in the report: two models on the published cases, everything once."""
    ids, exams = [int(case) for case in PUBLISHED.split()], Logs(tmp_path / "exams")
    two = {"j/a": {"score": 9}, "j/b": {"score": 5}}
    more: dict[str, Any] = {"ids": ids, "score": lambda n: {"verdicts": two, "category": "synonym"}}
    more["scores"] = lambda n: {"verbatim_diagnosis": Score(value=10)}
    for model in ("m/a", "m/b"):
        logs.write(model, [[10, 9], [5, 7], None, [0, 2], "error"] * 10, **more)
        logs.write(model, [5] * 50, task_args={"inputs": "image"}, ids=ids)
    logs.write("m/a", [7] * 50, judge="j/c", eval_id="eval-1", ids=ids)
    logs.write("m/a", ["C"] * 12, scorer="choice", task="nejm_multiple_choice")
    pair = {"points": 5, "error": 0}
    level = {"level": "related"}
    exam = {"scorer": "judge_exam", "task": "nejm_judge_exam", "case": lambda n: level}
    exams.write("j/c", [[pair, pair]] * 12, **exam)
    both = [str(logs.folder / f"{n:03}.eval") for n in (1, 3)]
    sheets = draw(*read_logs(both)[:2], Design(40, 2, 10, 1))
    graded = pd.concat(sheet.assign(rater=n, points=7) for n, sheet in enumerate(sheets, 1))
    graded.assign(cannot_judge="", remark="").to_csv(tmp_path / "grades.csv")
    options = ["--exam", str(exams.folder), "--judges", "--cutoff", "m/a=2015-01-01"]
    options += ["--grades", str(tmp_path / "grades.csv")]
    arguments = [str(logs.folder), *options, "--with-texts", "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(main, ["report", *arguments])
    assert result.exit_code == 0, result.output
    tables = {file.name: pd.read_csv(file, nrows=0) for file in (tmp_path / "o").glob("*.csv")}
    assert {*tables} == {*re.findall(r"`(\w+\.csv)`", README)}
    columns = {c.partition(":")[0] for columns in tables.values() for c in columns}
    columns = {c for c in columns if not c.endswith(("_lower", "_upper"))}
    missing = sorted(c for c in columns if not re.search(f"`{re.escape(c)}[`:]", README))
    assert not missing, ", ".join(missing)


def test_the_example_runs(logs: Logs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.write("m/a", [10, 5, 0] * 4)
    arguments = ["report", str(logs.folder), "--out", str(tmp_path / "o")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    example = README.partition("```python\n")[2].partition("```")[0]
    exec(example.replace("logs/report", str(tmp_path / "o")))  # noqa: S102 - our own
    assert "easy" in capsys.readouterr().out
