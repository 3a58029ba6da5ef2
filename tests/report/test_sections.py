"""Sections beside the leaderboards, on every page, and their figures."""

import dataclasses
import datetime
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from bs4 import BeautifulSoup
from matplotlib.text import Text

from nejm_inspect.report.confusions import confusion_figure, draw_confusion
from nejm_inspect.report.contents import (
    Ablation,
    AblationEffect,
    CutoffSide,
    CutoffSplit,
    Estimate,
    Exam,
    ExamLevel,
    ExamPart,
    JudgedModel,
    JudgedResponse,
    JudgePair,
    PanelJudge,
    PanelRow,
    Report,
)
from nejm_inspect.report.figures import style
from nejm_inspect.report.formats import short
from nejm_inspect.report.sections import Section, comparison_sections, report_sections
from nejm_inspect.rubric import RUBRIC
from tests.report.test_figures import assert_safe_svg
from tests.report.test_pages import (
    HOSTILE,
    OUR_ATTRIBUTES,
    OUR_ELEMENTS,
    UNDEFINED,
    comparison,
    csv_rows,
    hidden_characters,
    html_rows,
    markdown_tables,
    on_terminal,
    pair,
    report,
    written,
)

SOME = Estimate(0.5, 0.4, 0.6)
SETTINGS = {"task": "nejm_image_challenge", "judge": "j/one", "cases": "50 cases"}
NAMES = ("a/b", "a/c", "j/one", "j/two")


def exam_part(pairs: Literal["ordinary", "adversarial"], share: float) -> ExamPart:
    return ExamPart(
        pairs=pairs,
        verdicts=200,
        without_verdict=2,
        in_range=Estimate(share, share - 0.05, share + 0.03),
        threshold=0.9,
        kappa=0.95,
        absolute_error=Estimate(0.2, 0.1, 0.3),
        bias=Estimate(-0.1, -0.2, 0),
    )


def with_sections(names: Sequence[str] = NAMES) -> Report:
    """A report with every section, its names in turn those given."""
    first, second, judge, other = names
    side = CutoffSide(20, SOME, 0.45, 18)
    day = datetime.date(2020, 6, 15)
    compared = dataclasses.replace(
        comparison(cases=3),
        cutoffs=[
            CutoffSplit(first, day, side, side, 0, Estimate(-0.1, -0.3, 0.1)),
            CutoffSplit(
                second, day, side, CutoffSide(0, UNDEFINED, math.nan, 0), 3, UNDEFINED
            ),
        ],
        panel=[
            PanelRow(
                first,
                50,
                0.71,
                SOME,
                [PanelJudge(judge, first, 6.1, 0), PanelJudge(other, first, 5, 2)],
            )
        ],
    )
    effects = [
        AblationEffect(first, "image", SOME, SOME, pair("both", "history")),
        AblationEffect(first, "text", SOME, SOME, pair("both", "image")),
        AblationEffect(second, "text", SOME, SOME, pair("both", "image")),
    ]
    judges = JudgePair(
        first=judge,
        second=other,
        settings={**SETTINGS, "solver": first},
        responses=100,
        cases=50,
        scored_once=3,
        kappa=0.83,
        shift=Estimate(-0.42, -0.94, 0.1),
        same=SOME,
        far_apart=SOME,
        models=[JudgedModel(first, 50, SOME, SOME, 1, 2)],
        most_moved=[JudgedResponse(first, second, 10, 3)],
        confusion=[[row * column for column in range(11)] for row in range(11)],
    )
    exam = Exam(
        judge=judge,
        setting=" (temperature=1)",
        created=datetime.datetime(2026, 1, 5, 14, 3, tzinfo=datetime.UTC),
        finished=False,
        settings={"pairs": "pairs, 400", "prompt version": "2"},
        ordinary=exam_part("ordinary", 0.91),
        adversarial=exam_part("adversarial", 0.96),
        levels=[ExamLevel(one.category, one.points, 25, SOME) for one in RUBRIC],
        confusion=[[25 * (row == column) for column in range(8)] for row in range(8)],
    )
    return dataclasses.replace(
        report(compared),
        ablations=[Ablation(SETTINGS, effects)],
        judge_pairs=[judges],
        exams=[exam],
    )


def sections_of(contents: Report) -> list[Section]:
    within = [s for one in contents.comparisons for s in comparison_sections(one)]
    return [*within, *report_sections(contents)]


def test_every_table_is_on_every_page(tmp_path: Path) -> None:
    contents = with_sections()
    files = written(tmp_path, contents)
    in_markdown = [table[1:] for table in markdown_tables(files["report.md"])]
    for section in sections_of(contents):
        assert section.title in files["report.html"].replace("&#39;", "'")
        for table in section.tables:
            shown = [[c.cell(record) for c in table.columns] for record in table.rows]
            assert html_rows(files["report.html"], table.caption) == shown
            assert shown in in_markdown
            assert len(csv_rows(files[table.file])) == len(table.rows)
        for text in (*section.findings, *section.remarks):
            soup = BeautifulSoup(files["report.html"], "html.parser")
            assert text in soup.get_text()


def test_numbers_of_sections_are_whole_in_csv(tmp_path: Path) -> None:
    files = written(tmp_path, with_sections())
    (judges,) = csv_rows(files["judges.csv"])
    assert (judges["first"], judges["second"]) == ("j/one", "j/two")
    assert judges["of cases"] == "50 cases"
    assert (judges["shift"], judges["shift_lower"]) == ("-0.42", "-0.94")
    split, one_sided = csv_rows(files["cutoffs.csv"])
    assert (split["comparison"], split["difference"]) == ("1", "-0.1")
    assert (one_sided["difference"], one_sided["later_reader_accuracy"]) == ("", "")
    ordinary, adversarial = csv_rows(files["exams.csv"])
    assert (ordinary["in_range"], ordinary["threshold"]) == ("0.91", "0.9")
    assert (adversarial["judge"], adversarial["created"]) == (
        "j/one (temperature=1)",
        "2026-01-05T14:03+00:00",
    )


def test_a_report_without_sections_has_no_files_of_them(tmp_path: Path) -> None:
    names = written(tmp_path, report(comparison())).keys()
    assert names == {"report.html", "report.md", "leaderboard.csv", "cases.csv"}


def test_sections_can_be_reached_from_the_top(tmp_path: Path) -> None:
    page = written(tmp_path, with_sections())["report.html"]
    soup = BeautifulSoup(page, "html.parser")
    targets = [str(link["href"]) for link in soup.select("nav a")]
    assert targets == ["#comparison-1", "#section-1", "#section-2", "#section-3"]
    titles = [heading.get_text() for t in targets for heading in soup.select(f"{t} h2")]
    assert titles == [link.get_text() for link in soup.select("nav a")]


def test_the_terminal_tells_the_findings() -> None:
    shown = " ".join(on_terminal(with_sections(), width=1000).split())
    for section in sections_of(with_sections()):
        for finding in section.findings:
            assert finding in shown


def test_a_pass_states_thresholds_and_intervals() -> None:
    *_, section = report_sections(with_sections())
    (finding,) = section.findings
    assert finding == (
        "Warning: j/one (temperature=1) did not pass the exam: 91.0% (86.0–94.0) of "
        "200 ordinary pairs in range (threshold 90%; 2 more without a valid verdict), "
        "96.0% (91.0–99.0) of 200 adversarial pairs in range (threshold 90%; 2 more "
        "without a valid verdict). Thresholds are on the shares, a missing verdict "
        "counting as a failure; behind these their 95% confidence intervals. Not all "
        "pairs were asked."
    )


@pytest.mark.parametrize("start", range(0, len(HOSTILE) - 4, 4))
def test_hostile_names_do_no_harm(tmp_path: Path, start: int) -> None:
    contents = with_sections(HOSTILE[start : start + 4])
    files = written(tmp_path, contents)
    soup = BeautifulSoup(files["report.html"], "html.parser")
    for element in soup.find_all(True):
        assert element.name in OUR_ELEMENTS.split()
        assert set(element.attrs) <= set(OUR_ATTRIBUTES.split())
    assert not hidden_characters(soup.get_text())
    tables = markdown_tables(files["report.md"])
    assert len(tables) == 5 + 3 + 1 + 3 + 2
    assert all(len({len(row) for row in table}) == 1 for table in tables)
    assert not hidden_characters(files["report.md"])
    shown = re.sub(r"\x1b\[[\d;]*m", "", on_terminal(contents, width=200))
    assert not hidden_characters(shown)
    for name, text in files.items():
        if name.endswith(".csv"):
            cells = [cell for row in csv_rows(text) for cell in row.values()]
            texts = [c for c in cells if not re.fullmatch(r"-?[\d.]+(e-\d+)?", c)]
            assert not [c for c in texts if c.startswith(tuple("=+-@\t"))]
    models = html_rows(files["report.html"], "Scores on cases")
    assert [row[0] for row in models] == [short(n) for n in HOSTILE[start : start + 2]]


def test_a_confusion_is_drawn_with_its_counts(tmp_path: Path) -> None:
    _, judges, exam = report_sections(with_sections())
    assert judges.confusion
    assert exam.confusion
    for confusion in (judges.confusion, exam.confusion):
        with style():
            figure = confusion_figure(confusion)
            figure.draw_without_rendering()
        written_texts = {
            text.get_text()
            for text in figure.findobj(lambda artist: isinstance(artist, Text))
            if isinstance(text, Text)
        }
        numbers = {f"{n:,}" for row in confusion.counts for n in row if n}
        assert numbers | set(confusion.labels) <= written_texts
    first, second = (
        draw_confusion(exam.confusion, tmp_path / folder, "agreement-1")
        for folder in ("a", "b")
    )
    assert first.png.read_bytes() == second.png.read_bytes()
    assert first.svg.read_bytes() == second.svg.read_bytes()
    assert_safe_svg(first.svg)
    assert "exact: 25 with exact; synonym: 25 with synonym" in first.alt


def test_nothing_to_draw_is_said() -> None:
    _, judges, _ = report_sections(with_sections())
    assert judges.confusion
    empty = dataclasses.replace(judges.confusion, counts=[[0] * 11] * 11)
    with style():
        confusion_figure(empty).draw_without_rendering()
