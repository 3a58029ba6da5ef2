"""What is read of logs, which logs count, and which stand together."""

import base64
import datetime
import html
import io
import re
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from PIL import Image

from nejm_inspect import report as package
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report import write_report
from nejm_inspect.report.chapter import Options
from nejm_inspect.report.figures import DARK, LIGHT
from nejm_inspect.report.headers import last_attempts
from nejm_inspect.report.reading import TEXTS, read_logs
from nejm_inspect.report.titles import report_title, title_of
from tests.report.conftest import Logs, frame, section

TWELVE = [10, 5, 0] * 4


@pytest.fixture
def exams(tmp_path: Path) -> Logs:
    """A place with an exam of a judge alone."""
    exams = Logs(tmp_path / "exams")
    values = [{"points": 5, "error": 0}] * 12
    case = {"level": "related"}
    exams.write("j/a", values, scorer="judge_exam", task="nejm_judge_exam", case=lambda n: case)
    return exams


def test_models_of_different_judges_are_not_compared(logs: Logs) -> None:
    logs.write("m/a", TWELVE, judge="j/a")
    logs.write("m/b", TWELVE, judge="j/b")
    report = logs.report()
    assert [[*frame(told, "leaderboard")["name"]] for told in report.chapters] == [["a"], ["b"]]
    (note,) = report.notes
    assert "judge (j/a; j/b)" in note
    assert "not comparable" in note
    assert "--judges" not in note  # which needs the same responses


def test_two_judges_of_one_run_are_compared_on_demand(logs: Logs) -> None:
    for judge in ("j/a", "j/b"):
        logs.write("m/a", TWELVE, judge=judge, eval_id="same")
    logs.write("m/b", TWELVE, judge="j/a", task_args={"inputs": "history"})
    of_inputs, of_judges = logs.report().notes
    assert "not comparable" in of_inputs
    assert "not comparable" in of_judges
    assert ["--judges" in note for note in (of_inputs, of_judges)] == [False, True]
    assert not any("--judges" in note for note in logs.report(judges=True).notes)


def test_an_ablation_alone_is_explained_by_itself(logs: Logs) -> None:
    for inputs in ("both", "history"):
        logs.write("m/a", TWELVE, task_args={"inputs": inputs})
    assert logs.report().notes == []


def test_an_attempt_that_was_retried_does_not_count(logs: Logs) -> None:
    first = logs.write("m/a", [0] * 12, task_id="same", status="error")
    second = logs.write("m/a", [10] * 12, task_id="same")
    assert last_attempts([second, first]) == [second]
    (chapter,) = logs.chapters(repeats=True)
    assert [*chapter.runs["eval_id"]] == ["eval-2"]
    assert chapter.notes == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"results": ["diagnosis_rubric", "diagnosis_rubric1"]}, "again"),
        ({"results": ["diagnosis_rubric", "diagnosis_rubric-1"]}, "again"),
        ({"metadata": {"skipped_cases": {"77": "no image", "78": "no image"}}}, "image .*a.*2"),
        ({"reducer": ["mode"]}, "Epochs .*mode"),
        ({"reducer": ["mean"]}, None),
        ({"status": "started"}, "not finished"),
        ({"status": "cancelled"}, "not finished"),
    ],
)
def test_notes_of_a_run(logs: Logs, told: dict[str, Any], words: str | None) -> None:
    logs.write("m/a", TWELVE, **told)
    logs.write("m/b", TWELVE, metadata=told.get("metadata", {"prompt_version": 3}))
    notes = section(logs.told(), "Scores").notes
    if words is None:
        assert notes == []
        return
    (note,) = [note for note in notes if re.search(words, note)]
    assert ("b" in re.findall(r"\b[ab]\b", note)) == ("metadata" in told)


def test_a_judge_of_the_models_vendor_is_marked(logs: Logs) -> None:
    vendor = {"m/a": ["j/m"], "m/b": []}
    for model, related in vendor.items():
        logs.write(model, TWELVE, score=lambda n, r=related: {"same_vendor": r})
    told = logs.told()
    table = next(t for t in section(told, "Scores").tables if t.name == "leaderboard")
    assert [table.cell(row, "name") for row in table.rows] == ["a †", "b"]
    assert any("†" in note and "vendor" in note for note in table.notes)
    (finding,) = [one for one in told.findings if "vendor" in one.lead]
    assert finding.limits
    assert finding.lead.endswith(": a")
    assert "j/m" in finding.rest


def test_verdicts_too_long_for_a_summary_are_read(logs: Logs) -> None:
    judges = [f"j/{letter * 2_000}" for letter in "ab"]
    verdicts = {judge: {"score": 9} for judge in judges}
    logs.write("m/a", [9] * 12, judge=", ".join(judges), score=lambda n: {"verdicts": verdicts})
    assert frame(logs.told(), "judges")["responses"].iloc[-1] == 12
    assert {*frame(logs.told(), "judge_scores")["judge"]} == {*judges}


def test_an_exam_is_given_as_such(logs: Logs, exams: Logs) -> None:
    with pytest.raises(NejmInspectError, match=r"exams of a judge.* --exam "):
        read_logs([str(exams.folder)])
    with pytest.raises(NejmInspectError, match=r"logs is not an Inspect log or a folder"):
        read_logs([str(logs.folder)])
    logs.write("m/a", TWELVE)
    (logs.folder / "empty").mkdir()
    with pytest.raises(NejmInspectError, match=r"^--exam: .*empty is not an Inspect log"):
        read_logs([str(logs.folder)], [str(logs.folder / "empty")])


def test_titles(logs: Logs, exams: Logs) -> None:
    day = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
    for model in ("m/a", "m/b"):
        logs.write(model, TWELVE, judge="j/a", dataset="nejm")
    chapters = logs.chapters([str(exams.folder)])
    models, exam = map(title_of, chapters)
    assert models.startswith("Two models on 12 cases: ")
    assert models.endswith("image and text, judged by a")
    assert "exam" in exam
    title, below = report_title(chapters, day)
    assert title == "Two models on 12 cases of the NEJM Image Challenge"
    assert below.startswith("Free diagnosis")
    assert below.endswith(" · 5 March 2026")
    logs.write("m/a", TWELVE, judge="j/b", dataset="nejm", eval_id="eval-1")
    several = logs.chapters([str(exams.folder)], judges=True)
    assert title_of(several[2]).endswith(": a and b")
    assert report_title(several, day)[1] == "4 chapters · 5 March 2026"


def test_titles_of_an_ablation_and_a_multiple_choice(logs: Logs, tmp_path: Path) -> None:
    for inputs in ("both", "image"):
        logs.write("m/a", TWELVE, task_args={"inputs": inputs})
    (ablation,) = logs.chapters()
    assert re.search(r"image and text .*: One model on 12 cases$", title_of(ablation))
    choices = Logs(tmp_path / "choice")
    for n in range(10):
        choices.write(f"m/{n}", ["C"] * 1, scorer="choice", task="nejm_multiple_choice")
    (choice,) = choices.chapters()
    assert title_of(choice).startswith("10 models on 1 case: multiple choice")
    assert "judged" not in title_of(choice)


def test_the_dark_colour_is_found_by_the_light_one(logs: Logs) -> None:
    assert len({*LIGHT.values()}) == len(LIGHT)
    assert not {*LIGHT.values()} & {*DARK.values()}
    logs.write("m/a", TWELVE)
    logs.write("m/b", TWELVE)
    ways = {f"light-dark({light}, {DARK[name]})" for name, light in LIGHT.items()}
    for one in logs.told().sections:
        for figure in one.figures:
            svg = base64.b64decode(figure.address.partition(",")[2]).decode()
            assert {*re.findall(r"light-dark\(.*?\)", svg)} <= ways
            assert not re.search("#[0-9a-f]{6}", re.sub(r"light-dark\(.*?\)|href=\S+", "", svg))


def data_url(image: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"


def png(colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGBA", (900, 700), colour).save(written, "PNG")
    return written.getvalue()


# Two images; a broken one, what is no image, an address, a file.
URLS = [data_url(png("red")), data_url(png("blue")), data_url(png("red")[:40])]
URLS += [data_url(png("red"), "text/plain"), "https://example.com/x.png", "/etc/passwd"]


def shown(logs: Logs, out: Path, with_texts: bool = True) -> tuple[list[str], str, list[Path]]:
    """The images that the page of a log with URLS shows, what it allows, and its image files."""

    def sample(n: int) -> dict[str, Any]:
        content = [ContentText(text="history"), ContentImage(image="attachment://hash")]
        message = ChatMessageUser(content=content)
        return {"input": [message], "attachments": {"hash": URLS[n]}}

    logs.write("m/a", [5] * len(URLS), sample=sample)
    cutoffs = {"m/a": datetime.date(2015, 1, 1)}  # for which samples are read in full anyway
    write_report([str(logs.folder)], out, Options(cutoffs=cutoffs, with_texts=with_texts))
    page = html.unescape((out / "report.html").read_text("utf-8"))
    sources = re.findall(r'<img loading="lazy"[^>]* src="([^"]*)"', page)
    allowed = page.partition("img-src ")[2].partition(";")[0].strip()
    return sources, allowed, sorted(out.glob("images/*"))


def check_thumbnail(image: bytes) -> None:
    with Image.open(io.BytesIO(image)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (640, 498))


def test_small_images_are_in_the_page(logs: Logs, tmp_path: Path) -> None:
    sources, allowed, files = shown(logs, tmp_path / "out")
    assert (len(sources), allowed, files) == (2, "data:", [])
    for source in sources:
        start, _, body = source.partition(",")
        assert start == "data:image/jpeg;base64"
        check_thumbnail(base64.b64decode(body))


def test_many_images_are_beside_the_page_and_none_without_texts(
    logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MOST_WITHIN", 1_000)
    sources, allowed, files = shown(logs, tmp_path / "out")
    assert sources == ["images/1.jpg", "images/2.jpg"]
    assert allowed == "data: 'self' file:"
    assert [file.name for file in files] == ["1.jpg", "2.jpg"]
    for file in files:
        check_thumbnail(file.read_bytes())
    assert shown(logs, tmp_path / "bare", with_texts=False) == ([], "data:", [])
    first, *_ = (tmp_path / "bare" / "responses.csv").read_text("utf-8").splitlines()
    assert "history_length" in first
    assert not {*first.split(",")} & {*TEXTS}
