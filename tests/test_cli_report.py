"""`nejm-inspect report`, from real logs to files."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from inspect_ai import eval, score
from inspect_ai.log import read_eval_log, write_eval_log

from nejm_inspect import diagnosis_rubric, nejm_image_challenge, nejm_judge_exam
from nejm_inspect.cli import main
from tests.loopback import OpenRouter, verdict

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>=cmd()|'\x1b[31mred\x1b[0m "
    "\u202egpj.exe {{7*7}} "
)


def report(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


@pytest.fixture
def logs(openrouter: OpenRouter, tmp_path: Path) -> str:
    """Two models' runs of the demo cases."""
    task = nejm_image_challenge(cases="demo", sample_size=None)
    eval(task, model=["openrouter/a/b", "openrouter/a/c"])
    return str(tmp_path / "logs")


class Elements(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_everything_is_written_and_the_leaderboard_printed(
    logs: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = report(logs, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "openrouter/a/b" in result.stdout
    assert "100.0%" in result.stdout
    assert f"Report: {out / 'report.html'}" in result.stdout
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    assert written >= {
        "report.html",
        "report.md",
        "leaderboard.csv",
        "cases.csv",
        "figures/scores.png",
        "figures/scores.svg",
        "figures/differences.png",
        "figures/cases.svg",
        "figures/bands.png",
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "78-year-old woman" not in page
    assert "Complete atrioventricular block" not in page


def test_texts_are_shown_on_demand(logs: str, tmp_path: Path) -> None:
    result = report(logs, "--out", str(tmp_path / "out"), "--with-texts")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "78-year-old woman" in page
    assert "Complete atrioventricular block" in page
    assert "for your own eyes" in page


def test_hostile_logs_give_a_harmless_report(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    openrouter.examinee = lambda call: HOSTILE + "x" * 1_000_000
    openrouter.judge = lambda call: verdict(
        5, category=HOSTILE, reasoning=HOSTILE + "y" * 1_000_000
    )
    eval(
        nejm_image_challenge(cases="demo", sample_size=3),
        model=f"openrouter/{HOSTILE}",
    )
    out = tmp_path / "out"
    result = report(str(tmp_path / "logs"), "--out", str(out), "--with-texts")
    assert result.exit_code == 0, result.output
    page = (out / "report.html").read_text(encoding="utf-8")
    elements = Elements(page)
    assert "script" not in elements.tags
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    assert all(
        (value or "").startswith(("data:image/png;", "data:,", "#", "https://arxiv"))
        for name, value in elements.attributes
        if name in ("src", "href")
    )
    assert len(page) < 3_000_000
    for text in (page, result.stdout, (out / "report.md").read_text(encoding="utf-8")):
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
    for table in ("leaderboard.csv", "cases.csv"):
        with (out / table).open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [c for c in cells if c.lstrip().startswith(("=", "+", "@"))]


def test_options_reach_the_report(logs: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = report(
        *(logs, "--out", str(out), "--baseline", "openrouter/a/b", "--repeats"),
        *("--cutoff", "openrouter/a/c=2024-06-30"),
    )
    assert result.exit_code == 0, result.output


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
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    assert written >= {
        *("judges.csv", "judge_models.csv", "judge_responses.csv"),
        *("exams.csv", "exam_levels.csv"),
        *("figures/agreement-1.png", "figures/agreement-2.svg"),
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 2 * 4 + 2
    with (out / "judges.csv").open(encoding="utf-8", newline="") as file:
        (judges,) = csv.DictReader(file)
    assert (judges["responses"], judges["shift"]) == ("24", "-3.0")
    shown = " ".join(result.stdout.split())
    assert "j/other did not pass the exam" in shown
    assert "claude-sonnet-4.6 judged here and has no exam among those given" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is no Inspect log"),
        (["{logs}", "--baseline", "x"], "No log is of 'x'"),
        (["{logs}", "--cutoff", "openrouter/a/b"], "must be MODEL=DATE"),
        (["{logs}", "--cutoff", "openrouter/a/b=soon"], "must be MODEL=DATE"),
        (["{logs}", "--cutoff", "x=2024-01-01"], "No log is of 'x'"),
        (["{logs}", "--judges"], "no two of these logs hold the same responses"),
        (["{logs}", "--exam", "{logs}"], "is no log of nejm_judge_exam"),
        (["{logs}", "--exam", "nowhere"], "nowhere is no Inspect log"),
        (["{logs}", "--out", "{logs}/../file/sub"], "cannot be written to"),
        ([], "Missing argument"),
    ],
)
def test_bad_arguments(
    logs: str, arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    result = report(*(argument.format(logs=logs) for argument in arguments))
    assert result.exit_code in (1, 2)
    assert message in result.stderr
