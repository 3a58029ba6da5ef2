"""`nejm-inspect report`, from real logs to files."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from inspect_ai import eval, score
from inspect_ai.log import read_eval_log, write_eval_log

from nejm_inspect import diagnosis_rubric, nejm_image_challenge, nejm_judge_exam
from nejm_inspect.cli import main
from tests.loopback import OpenRouter, verdict


def report(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


@pytest.fixture
def logs(openrouter: OpenRouter, tmp_path: Path) -> str:
    """Two models' runs of the demo cases."""
    task = nejm_image_challenge(cases="demo", sample_size=None)
    eval(task, model=["openrouter/a/b", "openrouter/a/c"])
    return str(tmp_path / "logs")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}


def test_everything_is_written_and_the_leaderboard_printed(logs: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = report(logs, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "b and c have the highest score, 100.0%" in result.stdout
    assert f"Report: {out / 'report.html'}" in result.stdout
    assert files(out) >= {
        *("report.html", "report.md"),
        *("leaderboard.csv", "cases.csv", "responses.csv", "runs.csv"),
        *("figures/scores.png", "figures/scores.svg", "figures/differences.png"),
        *("figures/cases.svg", "figures/bands.png"),
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "78-year-old woman" not in page
    assert "Complete atrioventricular block" not in page


def test_options_reach_the_report(logs: str, tmp_path: Path) -> None:
    result = report(
        *(logs, "--out", str(tmp_path / "out"), "--with-texts", "--repeats"),
        *("--baseline", "openrouter/a/b", "--cutoff", "openrouter/a/c=2024-06-30"),
    )
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for text in ("78-year-old woman", "Complete atrioventricular block", "for your own eyes"):
        assert text in page


def test_one_case_is_printed(logs: str) -> None:
    result = report(logs, "--case", "demo-03")
    assert result.exit_code == 0, result.output
    assert "openrouter/a/c, judged by" in result.stdout
    missing = report(logs, "--case", "none")
    assert "no log has this case" in missing.stderr


def test_judges_and_exams_reach_the_report(
    logs: str, openrouter: OpenRouter, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    openrouter.judge = lambda call: verdict(7)
    for log in Path(logs).glob("*.eval"):
        judged = score(
            read_eval_log(log),
            diagnosis_rubric(),
            action="overwrite",
            model_roles={"grader": "openrouter/j/other"},
        )
        write_eval_log(judged, str(copies / log.name))
    exams = str(tmp_path / "exams")
    eval(nejm_judge_exam(), model="openrouter/j/other", log_dir=exams, limit=4)
    out = tmp_path / "out"
    result = report(logs, str(copies), "--judges", "--exam", exams, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert files(out) >= {
        *("judges.csv", "judge_scores.csv", "judge_responses.csv"),
        *("exams.csv", "exam_levels.csv"),
        *("figures/3-judges.png", "figures/3-variance.png", "figures/4-exam-1.svg"),
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == 2 * 4 + 3
    with (out / "judges.csv").open(encoding="utf-8", newline="") as file:
        *_, judges = csv.DictReader(file)
    assert (judges["responses"], judges["shift"]) == ("24", "-3.0")
    assert "j/other did not pass the judge's exam" in " ".join(result.stdout.split())
    assert "Judges here without an exam among those given" in page


def test_bad_arguments(logs: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, message in (
        (["nowhere"], "nowhere is not an Inspect log"),
        ([logs, "--baseline", "x"], "No log has the model 'x'"),
        ([logs, "--cutoff", "openrouter/a/b"], "must be MODEL=DATE"),
        ([logs, "--cutoff", "openrouter/a/b=soon"], "must be MODEL=DATE"),
        ([logs, "--cutoff", "x=2024-01-01"], "No log has the model 'x'"),
        ([logs, "--judges"], "no two of these logs hold the same responses"),
        ([logs, "--exam", logs], "is not a log of nejm_judge_exam"),
        ([logs, "--exam", "nowhere"], "nowhere is not an Inspect log"),
        ([logs, "--grades", "nowhere"], "nowhere cannot be read as grades"),
        ([logs, "--out", str(tmp_path / "file" / "sub")], "cannot be written to"),
        ([], "Missing argument"),
    ):
        result = report(*arguments)
        assert result.exit_code in (1, 2)
        assert message in result.stderr
