"""Logs and folders that mean no good: no traceback, no script, nothing overwritten."""

import base64
import hashlib
import json
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from inspect_ai.log import write_eval_log

from nejm_inspect.cli import main
from nejm_inspect.report.figures import label_of
from nejm_inspect.report.files import STAGED
from tests.report.conftest import Logs

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>=cmd()|'"
HOSTILE += "\x1b[31m\u202e{{7*7}} "
ODD: list[Any] = [None, [], "abc", -5, 1e30, float("nan"), {"a": {"b": 1}}]
SPEC = ("eval", "metadata", "skipped_cases"), ("eval", "task_args"), ("eval", "created")
SAMPLE = (
    *(("scores", "diagnosis_rubric", "value"), ("scores", "diagnosis_rubric", "metadata")),
    ("scores", "diagnosis_rubric", "metadata", "judge_config"),
    ("scores", "diagnosis_rubric", "metadata", "verdicts"),
    *(("metadata", "reader_accuracy"), ("metadata", "year"), ("metadata", "difficulty")),
)


def report(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


@pytest.fixture
def one(logs: Logs) -> str:
    """The folder of one run."""
    logs.write("m/a", [10, 5, 0] * 4)
    return str(logs.folder)


def changed(logs: Logs, change: Any) -> str:
    """A log of twelve responses after a change of its JSON."""
    log = logs.write("m/a", [10, 5, 0] * 4, score=lambda n: {"judge_config": [{"temperature": 0}]})
    os.remove(log.location)
    path = logs.folder / "2026-01-01T00-00-00+00-00_odd_x.json"
    write_eval_log(log, str(path))
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")
    return str(path)


@pytest.mark.parametrize("value", ODD, ids=map(repr, ODD))
@pytest.mark.parametrize("path", [*SPEC, *SAMPLE], ids=lambda path: path[-1])
def test_malformed_logs(logs: Logs, path: tuple[str, ...], value: Any) -> None:
    def change(content: dict[str, Any]) -> None:
        place = content["samples"][1] if path in SAMPLE else content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    log = changed(logs, change)
    out = logs.folder / "out"
    result = report(log, "--out", str(out))
    if result.exit_code == 0:
        assert "nan" not in (out / "report.md").read_text("utf-8").lower()
    else:
        assert isinstance(result.exception, SystemExit), result.exception
        assert "_odd_x.json" in result.stderr
    one = report(log, "--case", "2")
    assert isinstance(one.exception, SystemExit | None), one.exception


@pytest.mark.parametrize("value", ["abc", 11, -1, [1], {"x": 1}])
def test_scores_that_are_none_are_counted(logs: Logs, value: Any) -> None:
    def change(content: dict[str, Any]) -> None:
        content["samples"][0]["scores"]["diagnosis_rubric"]["value"] = value

    log = changed(logs, change)
    result = report(log, "--out", str(logs.folder / "out"))
    assert result.exit_code == 0, result.exception
    assert "1 score cannot be read as points" in result.stdout


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_hostile_texts_do_nothing(logs: Logs) -> None:
    case = {"difficulty": HOSTILE, "question_type": HOSTILE, "date": HOSTILE}
    score = {"category": HOSTILE, "same_vendor": [HOSTILE], "verdicts": {HOSTILE: {"score": 1}}}
    for n in range(2):
        logs.write(
            f"m{n}/{HOSTILE}{'x' * 999}",
            [10, 5, 0] * 4,
            case=lambda n: case,
            score=lambda n: score,
            judge=HOSTILE,
        )
    out = logs.folder / "out"
    result = report(str(logs.folder), "--out", str(out), "--with-texts")
    assert result.exit_code == 0, result.exception
    page = (out / "report.html").read_text("utf-8")
    elements = Elements(page)
    assert elements.tags.count("script") == 1
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    links = [v or "" for name, v in elements.attributes if name in ("src", "href", "xlink:href")]
    assert all(link.startswith(("data:", "#")) for link in links)
    markdown = (out / "report.md").read_text("utf-8")
    assert "<script>" not in markdown
    for text in (page, markdown, result.stdout):
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
    for table in out.glob("*.csv"):
        cells = table.read_text("utf-8").replace("\n", ",").split(",")
        assert not [c for c in cells if c.lstrip('"').startswith(("=", "+", "@"))]


def test_files_of_the_user_are_left(one: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("cases.csv", "other.txt", "report.html.unfinished"):
        (out / name).write_text("mine")
    result = report(one, "--out", str(out))
    assert result.exit_code == 1
    assert "cases.csv was not written by an earlier report" in result.stderr
    assert len(list(out.iterdir())) == 3
    (out / "cases.csv").unlink()
    assert report(one, "--out", str(out)).exit_code == 0
    for name in ("other.txt", "report.html.unfinished"):
        assert (out / name).read_text() == "mine"


def test_a_report_replaces_its_own_files_only(logs: Logs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for model in ("m/a", "m/b"):
        logs.write(model, [10, 5, 0] * 4)
    assert report(str(logs.folder), "--out", str(out)).exit_code == 0
    assert (out / "pairs.csv").exists()
    one = str(next(logs.folder.glob("001*")))
    assert report(one, "--out", str(out)).exit_code == 0
    assert not (out / "pairs.csv").exists()
    assert not (out / "figures" / "differences.png").exists()
    (out / "runs.csv").write_text("changed by me")
    assert "runs.csv was not written by an earlier report" in report(one, "--out", str(out)).stderr
    assert (out / "runs.csv").read_text() == "changed by me"


@pytest.mark.parametrize("name", ["report.html", "figures", STAGED])
def test_links_are_not_followed(one: str, tmp_path: Path, name: str) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (outside / "report.html").write_text("mine")
    (out / name).symlink_to(outside / name if name == "report.html" else outside)
    result = report(one, "--out", str(out))
    assert result.exit_code == 1
    assert f"{out / name}" in result.stderr
    assert [p.name for p in outside.iterdir()] == ["report.html"]
    assert (outside / "report.html").read_text() == "mine"


MINE = hashlib.sha256(b"mine").hexdigest()


@pytest.mark.parametrize(
    "manifest",
    [
        f'{{"files": {{"../mine.txt": ["{MINE}"], "{{mine}}": ["{MINE}"]}}}}',
        *('{"files":{"\\u0000a":["x"]}}', '{"files":{"\\ud800a":["x"]}}', "[" * 200_000),
    ],
    ids=range(4),
)
def test_a_manifest_may_be_anybodys(one: str, tmp_path: Path, manifest: str) -> None:
    out, mine = tmp_path / "out", tmp_path / "mine.txt"
    out.mkdir()
    mine.write_text("mine")
    (out / ".nejm-inspect-report.json").write_text(manifest.replace("{mine}", str(mine)))
    assert report(one, "--out", str(out)).exit_code == 0
    assert mine.read_text() == "mine"


def test_the_script_is_the_one_that_the_page_allows(one: str, tmp_path: Path) -> None:
    assert report(one, "--out", str(tmp_path / "o")).exit_code == 0
    page = (tmp_path / "o" / "report.html").read_text("utf-8")
    policy = page.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    for tag in ("script", "style"):
        body = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert 'style="' not in page


def test_a_name_that_begins_with_an_underscore_is_in_the_legend() -> None:
    assert label_of("_hidden").strip() == "_hidden"
    assert not label_of("_hidden").startswith("_")
