import base64
import csv
import dataclasses
import datetime
import hashlib
import io
import math
import random
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from nejm_inspect.report.contents import (
    BANDS,
    Breakdown,
    BreakdownRow,
    CaseRow,
    CaseTexts,
    Comparison,
    Estimate,
    LeaderboardRow,
    PairedComparison,
    Power,
    Report,
)
from nejm_inspect.report.figures import DrawnFigure
from nejm_inspect.report.formats import (
    bounds,
    decimals,
    difference,
    dollars,
    duration,
    in_points,
    one_line,
    out_of,
    p_value,
    percent,
    points,
    rank,
    shade,
    share,
    signed,
    signed_points,
    visible,
)
from nejm_inspect.report.pages import (
    as_csv,
    as_markdown,
    print_leaderboard,
    write_pages,
)
from nejm_inspect.report.sections import report_sections

MODELS = (
    "openrouter/google/gemini-3-pro-preview",
    "openrouter/anthropic/claude-opus-4.5",
    "openrouter/openai/gpt-5.1",
    "openrouter/x-ai/grok-4.1-fast",
    "openrouter/qwen/qwen3-vl-235b-a22b-thinking",
)
MARKDOWN = MarkdownIt("commonmark").enable("table")
UNDEFINED = Estimate(math.nan, math.nan, math.nan)
LONG = 1_000_000
RIGHTS = "for your own eyes, not for redistribution"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>* { display: none }</style>",
    "</title></table></details><h1>mine</h1>",
    "=cmd()",
    " \t=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    "\x1b]8;;https://evil.example\x07\x1b[31mred\x1b[0m",
    "| | #",
    "\n# mine\n\n- mine\n> mine",
    "1. mine",
    "`code` **bold** [link](https://evil.example) ![i](https://evil.example/i.png)",
    "\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff",
    "{{ 7*7 }} {% for x in y %}",
    "[bold red]markup[/bold red] [link=https://evil.example]x[/link]",
    "lone \ud800 surrogate \x00 \x85 \u2028 end",
    "&lt;script&gt;",
    "\\",
    "",
)


def leaderboard_row(
    model: str, place: int = 1, cases: int = 50, exact: int = 22
) -> LeaderboardRow:
    value = 0.698 - 0.056 * (place - 1)
    share = exact / cases
    return LeaderboardRow(
        model=model,
        rank=(place, place) if place == 1 else (max(place - 1, 1), place + 1),
        overall=Estimate(value, value - 0.086, value + 0.086),
        exact=Estimate(share, max(share - 0.128, 0), share + 0.137),
        exact_count=exact,
        responses=cases,
        cases=cases,
        bands=dict(zip(BANDS, (exact, 9, 8, 6, cases - exact - 23), strict=True)),
        unscored=place - 1,
        errors=0,
        missing=0,
        input_tokens=61_234,
        output_tokens=1_180_402 // place,
        cost=1.234 / place if place != 3 else None,
        seconds=200.4 * place,
    )


def pair(first: str, second: str) -> PairedComparison:
    return PairedComparison(
        first=first,
        second=second,
        cases=50,
        difference=Estimate(0.074, -0.012, 0.16),
        stderr=0.0434,
        p_points=0.0117,
        p_exact=0.0002,
        p_points_adjusted=0.117,
        p_exact_adjusted=1.0,
        won=18,
        drawn=20,
        lost=12,
    )


def case_texts(models: Sequence[str]) -> CaseTexts:
    return CaseTexts(
        history="A 61-year-old woman has had a painless swelling for two weeks.\n\n"
        "Her temperature is 36.9 °C. What is the diagnosis?",
        reference="Hereditary haemorrhagic telangiectasia",
        answers={model: f"Telangiectasia, says {model}" for model in models},
        reasoning=dict.fromkeys(models, "The broader category of the same entity."),
    )


def case_rows(
    models: Sequence[str], number: int, texts: CaseTexts | None = None, most: int = 10
) -> list[CaseRow]:
    draw = random.Random(1)
    return [
        CaseRow(
            case_id=str(100 + index),
            date=f"{2005 + index % 19}-03-{1 + index % 28:02}",
            difficulty=("easy", "medium", "hard", "expert")[4 * index // number],
            brier_score=0.01 + 0.15 * index / number,
            question_type="other" if index % 5 == 0 else "diagnosis",
            reader_accuracy=None if index == 0 else 0.9 - 0.7 * index / number,
            points={m: draw.choice([*range(most + 1), None]) for m in models},
            texts=texts,
        )
        for index in range(number)
    ]


def comparison(
    models: Sequence[str] = MODELS, cases: int = 50, with_texts: bool = False
) -> Comparison:
    texts = case_texts(models) if with_texts else None
    boards = [leaderboard_row(m, i, cases) for i, m in enumerate(models, start=1)]
    scores = {m: Estimate(0.512, 0.4, 0.62) for m in models}
    return Comparison(
        title="nejm_image_challenge: 50 cases, seed 42",
        kind="points",
        settings={
            "task": "nejm_inspect/nejm_image_challenge",
            "version": "1-A",
            "judge": "openrouter/anthropic/claude-sonnet-4.6",
            "prompts": "3f2a91c",
            "cases": "50 of 947, seed 42",
            "inputs": "both",
            "epochs": "1",
        },
        leaderboard=boards,
        pairs=[
            pair(first, second)
            for index, first in enumerate(models)
            for second in models[index + 1 :]
        ],
        cases=case_rows(models, cases, texts),
        breakdowns=[
            Breakdown(
                "Overall by difficulty",
                [
                    BreakdownRow("easy", 17, 0.713, scores),
                    BreakdownRow("medium", 16, 0.502, scores),
                    BreakdownRow("hard", 17, 0.327, dict(list(scores.items())[:-1])),
                ],
                note="Expert cases count as hard ones too.",
            )
        ],
        outright_wins={m: 12 - 2 * i for i, m in enumerate(models)},
        ties_for_best=17,
        shared_cases=49,
        power=Power(cases=49, detectable=0.1214, needed=1320),
        notes=["Small numbers: with 50 cases the intervals are wide."],
    )


def choice_comparison() -> Comparison:
    return dataclasses.replace(
        comparison(),
        title="nejm_image_challenge, exact",
        kind="choice",
        leaderboard=[
            dataclasses.replace(row, exact=None, bands={})
            for row in comparison().leaderboard
        ],
        cases=case_rows(MODELS, 50, most=1),
    )


def lone_model() -> Comparison:
    lone = comparison(MODELS[:1])
    return dataclasses.replace(
        lone, power=None, outright_wins={}, shared_cases=0, notes=[]
    )


def report(*comparisons: Comparison, with_texts: bool = False) -> Report:
    return Report(
        comparisons=comparisons,
        created=datetime.datetime(2026, 1, 5, 14, 3, tzinfo=datetime.UTC),
        with_texts=with_texts,
        notes=["Two logs have another judge, and stand in a table of their own."],
    )


def hostile_comparison() -> Comparison:
    """Every str of it hostile, some of it long."""
    models = [*HOSTILE, "long " * (LONG // 5)]
    texts = CaseTexts(
        history="x" * LONG,
        reference=HOSTILE[0],
        answers=dict(zip(models, [*models[1:], models[0]], strict=True)),
        reasoning=dict(zip(models, reversed(models), strict=True)),
    )
    rows = case_rows(models, len(models), texts)
    return dataclasses.replace(
        comparison(models),
        title="".join(HOSTILE),
        settings=dict(zip(models, reversed(models), strict=True)),
        pairs=[pair(first, second) for first, second in pairwise(models)],
        cases=[
            dataclasses.replace(
                row, case_id=text, date=text, difficulty=text, question_type=text
            )
            for row, text in zip(rows, models, strict=True)
        ],
        breakdowns=[
            Breakdown(text, [BreakdownRow(text, 1, None, {})], text) for text in models
        ],
        notes=models,
    )


def written(folder: Path, contents: Report) -> dict[str, str]:
    """The files by name, with no figures."""
    parts = [*contents.comparisons, *report_sections(contents)]
    files = write_pages(contents, [[] for _ in parts], folder)
    return {file.name: file.read_text(encoding="utf-8") for file in files}


def drawn(folder: Path, text: str = "Scores") -> DrawnFigure:
    png = folder / "figures" / "1 scores.png"
    png.parent.mkdir(parents=True, exist_ok=True)
    png.write_bytes(b"\x89PNG stand-in")
    return DrawnFigure("1 scores", text, text, text, png, png.with_suffix(".svg"))


def html_rows(page: str, caption: str) -> list[list[str]]:
    """The cells of the body of the table with a caption that starts like this."""
    for table in BeautifulSoup(page, "html.parser").find_all("table"):
        assert isinstance(table, Tag)
        assert table.caption is not None
        assert table.tbody is not None
        if table.caption.get_text().startswith(caption):
            return [
                [cell.get_text() for cell in row.find_all(["th", "td"])]
                for row in table.tbody.find_all("tr")
            ]
    raise AssertionError(f"no table {caption!r}")


def markdown_tables(page: str) -> list[list[list[str]]]:
    """The cells of every table, as a reader of the rendered page sees them."""
    rendered = MARKDOWN.render(page)
    return [
        [
            [cell.get_text() for cell in row.find_all(["th", "td"])]
            for row in table.find_all("tr")
        ]
        for table in BeautifulSoup(rendered, "html.parser").find_all("table")
    ]


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def on_terminal(contents: Report, width: int = 100) -> str:
    stream = io.StringIO()
    print_leaderboard(contents, Console(file=stream, width=width, force_terminal=True))
    return stream.getvalue()


FIRST_ROW = [
    "1",
    MODELS[0],
    "69.8% (61.2–78.4)",
    "44.0% (31.2–57.7)",
    "22/50",
    *("22", "9", "8", "6", "5"),
    *("0", "0", "0"),
    "61,234",
    "1,180,402",
    "$1.23",
    "3 min 20 s",
]
FIRST_PAIR = [
    *(MODELS[0], MODELS[1], "50", "+7.4 (−1.2 to 16.0)", "4.3"),
    *("0.012", "0.117", "< 0.001", "1.000", "18–20–12"),
]
WINS = [
    *([model, str(12 - 2 * index)] for index, model in enumerate(MODELS)),
    ["several models", "17"],
]


def expected_cases(contents: Comparison) -> list[list[str]]:
    return [
        [
            *(case.case_id, case.date, case.difficulty, case.question_type),
            percent(case.reader_accuracy),
            *("–" if p is None else str(p) for p in case.points.values()),
        ]
        for case in contents.cases
    ]


def test_the_tables_of_the_page_hold_the_data(tmp_path: Path) -> None:
    contents = comparison()
    page = written(tmp_path, report(contents))["report.html"]
    board = html_rows(page, "Models, best first")
    assert board[0] == FIRST_ROW
    assert [row[1] for row in board] == list(MODELS)
    assert [row[0] for row in board] == ["1", "1–3", "2–4", "3–5", "4–6"]
    assert board[2][15] == "–"
    pairs = html_rows(page, "First minus second")
    assert len(pairs) == 10
    assert pairs[0] == FIRST_PAIR
    assert html_rows(page, "Cases won outright, of the 49") == WINS
    score = "51.2% (40.0–62.0)"
    by_difficulty = html_rows(page, "Overall by difficulty")
    assert by_difficulty[0] == ["easy", "17", "71.3%", *[score] * 5]
    assert by_difficulty[2] == ["hard", "17", "32.7%", *[score] * 4, "–"]
    assert html_rows(page, "Points of every case") == expected_cases(contents)


def test_the_tables_of_the_markdown_are_those_of_the_page(tmp_path: Path) -> None:
    contents = comparison()
    files = written(tmp_path, report(contents))
    tables = markdown_tables(files["report.md"])
    captions = (
        "Models",
        "First minus",
        "Cases won",
        "Overall by difficulty",
        "Points of",
    )
    assert [table[1:] for table in tables] == [
        html_rows(files["report.html"], caption) for caption in captions
    ]
    assert tables[0][0][:5] == ["rank", "model", "overall", "exact", "exact responses"]


def test_shading_follows_the_points(tmp_path: Path) -> None:
    contents = comparison()
    page = written(tmp_path, report(contents))["report.html"]
    table = BeautifulSoup(page, "html.parser").select_one("table.cases tbody")
    assert table is not None
    for row, case in zip(table.find_all("tr"), contents.cases, strict=True):
        shades = [cell["class"] for cell in row.find_all("td")[4:]]
        assert shades == [
            ["none"] if p is None else [f"p{p}"] for p in case.points.values()
        ]


def test_a_reader_finds_settings_notes_and_what_to_make_of_it(tmp_path: Path) -> None:
    contents = report(comparison())
    page = BeautifulSoup(written(tmp_path, contents)["report.html"], "html.parser")
    text = " ".join(page.get_text().split())
    for expected in (
        "judge: openrouter/anthropic/claude-sonnet-4.6",
        "Small numbers: with 50 cases the intervals are wide.",
        "could well have been anything in (61.2–78.4)",
        "49 cases show a true difference between the two best models of 12.1",
        "about 1,320 cases would be needed",
        "NEJM readers, choosing among five options: not a like-for-like human score",
        "Two logs have another judge",
        "2026-01-05 14:03 UTC",
        "McNemar",
    ):
        assert expected in text
    assert [heading.get_text() for heading in page.find_all(["h2", "h3"])] == [
        *(comparison().title, "Leaderboard", "How to read it", "Paired comparisons"),
        *("Breakdowns", "Cases", "Notes"),
    ]
    assert RIGHTS not in text


def test_equal_models_need_no_number_of_cases(tmp_path: Path) -> None:
    equal = dataclasses.replace(comparison(), power=Power(50, 0.1, needed=None))
    page = written(tmp_path, report(equal))["report.html"]
    assert "the two have the same score here" in page
    assert "would be needed" not in page


def test_multiple_choice_shows_accuracy_and_no_rubric(tmp_path: Path) -> None:
    contents = choice_comparison()
    files = written(tmp_path, report(contents))
    board = html_rows(files["report.html"], "Models, best first")
    assert board[0] == FIRST_ROW[:3] + FIRST_ROW[4:5] + FIRST_ROW[10:]
    assert markdown_tables(files["report.md"])[0][1] == board[0]
    cases = html_rows(files["report.html"], "Cases answered correctly (1) or not (0)")
    assert cases == expected_cases(contents)
    assert 'class="p10">1<' in files["report.html"]
    assert "Exact" not in files["report.html"]
    assert csv_rows(files["leaderboard.csv"])[0]["points 10"] == ""


def test_multiple_choice_has_the_readers_beside_the_models(tmp_path: Path) -> None:
    contents = choice_comparison()
    known = [c.reader_accuracy for c in contents.cases if c.reader_accuracy is not None]
    mean = sum(known) / len(known)
    files = written(tmp_path, report(contents))
    *models, readers = html_rows(files["report.html"], "Models, best first")
    assert len(models) == 5
    assert readers[:3] == ["", "NEJM readers", percent(mean)]
    assert "on 49 cases" in readers[3]
    row = markdown_tables(files["report.md"])[0][-1]
    assert row[:4] == ["", "NEJM readers", percent(mean), "49 cases"]
    last = csv_rows(files["leaderboard.csv"])[-1]
    assert (last["model"], last["cases"], last["best_rank"]) == (
        "NEJM readers",
        "49",
        "",
    )
    assert float(last["overall"]) == mean
    assert f"NEJM readers {percent(mean)}" in " ".join(
        re.sub(r"\x1b\[[\d;]*m", "", on_terminal(report(contents))).split()
    )
    for free in written(tmp_path, report(comparison())).values():
        assert ">NEJM readers<" not in free


def test_the_very_words_stand_beside_the_rubric(tmp_path: Path) -> None:
    contents = comparison()
    first, *others = contents.leaderboard
    measured = dataclasses.replace(first, verbatim=Estimate(0.12, 0.056, 0.238))
    contents = dataclasses.replace(contents, leaderboard=[measured, *others])
    files = written(tmp_path, report(contents))
    board = html_rows(files["report.html"], "Models, best first")
    assert board[0] == [*FIRST_ROW[:5], "12.0% (5.6–23.8)", *FIRST_ROW[5:]]
    assert board[1][5] == "–"
    assert markdown_tables(files["report.md"])[0][1:] == board
    assert float(csv_rows(files["leaderboard.csv"])[0]["verbatim"]) == 0.12
    assert csv_rows(files["leaderboard.csv"])[1]["verbatim"] == ""
    for name in ("report.html", "report.md"):
        assert "that no judge can inflate" in files[name].replace("\n", " ")
    shown = on_terminal(report(contents))
    assert "Same words" in shown
    assert "12.0%" in shown
    for name, page in written(tmp_path, report(comparison())).items():
        assert name.endswith("csv") or "ame words" not in page


def test_a_judge_of_the_same_vendor_leaves_a_mark(tmp_path: Path) -> None:
    contents = comparison()
    first, *others = contents.leaderboard
    marked = dataclasses.replace(first, same_vendor=["openrouter/google/judge"])
    contents = dataclasses.replace(contents, leaderboard=[marked, *others])
    files = written(tmp_path, report(contents))
    board = html_rows(files["report.html"], "Models, best first")
    assert [row[1][-1] for row in board].count("†") == 1
    assert board[0][1] == f"{MODELS[0]} †"
    assert markdown_tables(files["report.md"])[0][1:] == board
    for name in ("report.html", "report.md"):
        assert "† Judged by a model of the same vendor" in files[name]
    cells = csv_rows(files["leaderboard.csv"])
    assert [c["same_vendor"] for c in cells[:2]] == ["openrouter/google/judge", ""]
    assert "†" in on_terminal(report(contents))
    assert "†" not in files["cases.csv"]


def test_one_model_alone_is_compared_with_nothing(tmp_path: Path) -> None:
    files = written(tmp_path, report(lone_model()))
    assert html_rows(files["report.html"], "Models")[0] == FIRST_ROW
    for name in ("report.html", "report.md"):
        assert "Paired comparisons" not in files[name]
        assert "true difference" not in files[name]


def test_undefined_numbers_are_dashes_and_empty_cells(tmp_path: Path) -> None:
    blank = dataclasses.replace(
        comparison().leaderboard[0],
        rank=None,
        overall=UNDEFINED,
        exact=UNDEFINED,
        exact_count=0,
        responses=0,
        cost=None,
        seconds=math.nan,
    )
    contents = dataclasses.replace(lone_model(), leaderboard=[blank])
    files = written(tmp_path, report(contents))
    row = html_rows(files["report.html"], "Models")[0]
    assert [row[i] for i in (0, 2, 3, 4, 15, 16)] == ["–"] * 6
    assert "nan" not in files["report.html"].lower()
    cells = csv_rows(files["leaderboard.csv"])[0]
    for name in ("best_rank", "overall", "overall_upper", "exact", "cost", "seconds"):
        assert cells[name] == ""


def test_an_empty_report_says_so(tmp_path: Path) -> None:
    files = written(tmp_path, report())
    for name in ("report.html", "report.md"):
        assert "There is nothing to compare" in files[name]
        assert "Two logs have another judge" in files[name]
    assert csv_rows(files["cases.csv"]) == csv_rows(files["leaderboard.csv"]) == []


def test_every_comparison_has_its_section(tmp_path: Path) -> None:
    page = written(tmp_path, report(comparison(), choice_comparison()))["report.html"]
    soup = BeautifulSoup(page, "html.parser")
    targets = [link["href"] for link in soup.select("nav a")]
    assert targets == ["#comparison-1", "#comparison-2"]
    titles = [soup.select_one(f"{target} h2") for target in targets]
    assert [title.get_text() for title in titles if title] == [
        comparison().title,
        choice_comparison().title,
    ]


@pytest.mark.parametrize("name", ["report.html", "report.md", "cases.csv"])
def test_texts_are_there_only_on_demand(tmp_path: Path, name: str) -> None:
    contents = comparison(with_texts=True)
    shown = written(tmp_path / "a", report(contents, with_texts=True))[name]
    hidden = written(tmp_path / "b", report(contents))[name]
    texts = contents.cases[0].texts
    assert texts is not None
    for text in (
        "A 61-year-old woman",
        texts.reference,
        *texts.answers.values(),
        *texts.reasoning.values(),
    ):
        assert text in shown
        assert text not in hidden
    if name != "cases.csv":
        assert RIGHTS in shown
        assert RIGHTS not in hidden


def test_figures_are_inside_the_page_and_linked_from_the_markdown(
    tmp_path: Path,
) -> None:
    write_pages(report(comparison()), [[drawn(tmp_path, "Scores | all")]], tmp_path)
    page = BeautifulSoup((tmp_path / "report.html").read_text("utf-8"), "html.parser")
    assert [image.attrs for image in page.find_all("img")] == [
        {"src": "data:image/png;base64,iVBORyBzdGFuZC1pbg==", "alt": "Scores | all"}
    ]
    markdown = (tmp_path / "report.md").read_text("utf-8")
    assert "![Scores \\| all](figures/1%20scores.png)" in markdown


def test_csv_keeps_full_numbers(tmp_path: Path) -> None:
    contents = comparison()
    files = written(tmp_path, report(contents, choice_comparison()))
    board = csv_rows(files["leaderboard.csv"])
    assert [cells["comparison"] for cells in board] == ["1"] * 5 + ["2"] * 6
    for cells, row in zip(board, contents.leaderboard, strict=False):
        assert cells["model"] == row.model
        assert float(cells["overall_lower"]) == row.overall.lower
        assert row.exact is not None
        assert float(cells["exact"]) == row.exact.value
        assert int(cells["points 7–9"]) == row.bands["7–9"]
        assert cells["cost"] == ("" if row.cost is None else str(row.cost))
    cases = csv_rows(files["cases.csv"])
    assert [cells["comparison"] for cells in cases] == ["1"] * 50 + ["2"] * 50
    for cells, case in zip(cases, contents.cases, strict=False):
        assert cells["case_id"] == case.case_id
        for model, number in case.points.items():
            assert cells[f"points: {model}"] == ("" if number is None else str(number))


def test_947_cases_are_folded_away_and_small(tmp_path: Path) -> None:
    page = written(tmp_path, report(comparison(cases=947)))["report.html"]
    assert len(page.encode()) < 3_000_000
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.select("details > div > table.cases tbody tr")) == 947
    assert [s.get_text() for s in soup.find_all("summary")] == ["All 947 cases"]


OUR_ELEMENTS = """
    a b body caption dd details div dl dt figcaption figure footer h1 h2 h3 head header
    html img li link main meta nav ol p section span style summary table tbody td th
    thead time title tr ul wbr
"""
OUR_ATTRIBUTES = """
    alt aria-label charset class colspan content datetime href http-equiv id lang name
    rel role rowspan scope src tabindex
"""


def test_hostile_text_adds_nothing_to_the_page(tmp_path: Path) -> None:
    hostile = hostile_comparison()
    figures = [drawn(tmp_path, text) for text in HOSTILE]
    contents = dataclasses.replace(
        report(hostile, hostile, with_texts=True), notes=HOSTILE
    )
    write_pages(contents, [figures, []], tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert len(page) < 3_000_000
    soup = BeautifulSoup(page, "html.parser")
    for element in soup.find_all(True):
        assert element.name in OUR_ELEMENTS.split()
        assert set(element.attrs) <= set(OUR_ATTRIBUTES.split())
        for address in (element.get("src"), element.get("href")):
            assert address is None or re.match(
                r"data:|#comparison-\d$|https://arxiv\.org/abs/2411\.00640$",
                str(address),
            )
    assert len(soup.find_all(["h1", "style", "title"])) == 3
    assert not hidden_characters(soup.get_text())
    assert len(soup.find_all("table")) == 2 * (4 + len(hostile.breakdowns))


def test_hostile_text_is_still_there_to_be_read(tmp_path: Path) -> None:
    hostile = hostile_comparison()
    page = written(tmp_path, report(hostile, with_texts=True))["report.html"]
    names = [row[1] for row in html_rows(page, "Models, best first")]
    assert names[:-1] == [one_line(text) for text in HOSTILE]
    assert names[-1] == "long " * 16 + "… (999,920 characters cut)"
    assert "x" * 2000 + "… (998,000 characters cut)" in page
    assert "x" * 2001 not in page
    assert "{{ 7*7 }}" in page


@pytest.mark.parametrize("hostile", [False, True])
def test_the_policy_allows_the_one_style_sheet_and_no_script(
    tmp_path: Path, hostile: bool
) -> None:
    contents = hostile_comparison() if hostile else comparison()
    page = written(tmp_path, report(contents))["report.html"]
    soup = BeautifulSoup(page, "html.parser")
    meta = soup.select_one('meta[http-equiv="Content-Security-Policy"]')
    assert meta is not None
    assert soup.style is not None
    digest = hashlib.sha256(soup.style.get_text().encode()).digest()
    assert str(meta["content"]).split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(digest).decode()}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_the_page_can_be_read_without_seeing_it(tmp_path: Path) -> None:
    write_pages(report(comparison()), [[drawn(tmp_path)]], tmp_path)
    soup = BeautifulSoup((tmp_path / "report.html").read_text("utf-8"), "html.parser")
    assert soup.html is not None
    assert soup.html["lang"] == "en"
    levels = [int(h.name[1]) for h in soup.find_all(re.compile(r"h\d"))]
    assert levels[0] == 1
    assert all(later <= level + 1 for level, later in pairwise(levels))
    assert all(th.get("scope") for th in soup.find_all("th"))
    for table in soup.find_all("table"):
        assert table.caption is not None
        widths = {
            sum(int(str(c.get("colspan", "1"))) for c in row.find_all(["th", "td"]))
            for row in table.select("tbody tr, thead tr:first-child")
        }
        assert len(widths) == 1


def test_hostile_text_leaves_markdown_tables_and_outline_alone(tmp_path: Path) -> None:
    hostile = hostile_comparison()
    markdown = written(tmp_path, report(hostile, with_texts=True))["report.md"]
    tables = markdown_tables(markdown)
    assert len(tables) == 4 + len(hostile.breakdowns)
    assert [row[1] for row in tables[0][1:]][:-1] == [one_line(t) for t in HOSTILE]
    assert all(len({len(row) for row in table}) == 1 for table in tables)
    html = MARKDOWN.render(markdown)
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find_all(["script", "img", "style", "code", "pre", "blockquote"])
    assert [link["href"] for link in soup.find_all("a")] == [
        "https://arxiv.org/abs/2411.00640"
    ]
    assert len(soup.find_all("h1")) == 1
    assert not hidden_characters(markdown)


@pytest.mark.parametrize("name", ["leaderboard.csv", "cases.csv"])
def test_hostile_text_is_no_formula(tmp_path: Path, name: str) -> None:
    hostile = report(hostile_comparison(), with_texts=True)
    text = written(tmp_path, hostile)[name]
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 2 + len(HOSTILE)
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row]
    assert "'=cmd()" in cells
    assert {"'+1", "'-1"} <= set(cells)
    number = re.compile(r"-?\d+\.\d+(e-\d+)?")
    texts = [cell for cell in cells if not number.fullmatch(cell)]
    assert not [c for c in texts if c.lstrip().startswith(tuple("=+-@\t\r"))]
    assert not hidden_characters(text)


def test_the_terminal_shows_the_leaderboard_in_100_columns() -> None:
    shown = re.sub(r"\x1b\[[\d;]*m", "", on_terminal(report(comparison())))
    assert max(map(len, shown.splitlines())) <= 100
    for expected in (
        *MODELS[:4],
        "69.8% (61.2–78.4)",
        "44.0% 22/50",
        "1–3",
        "Small numbers",
    ):
        assert expected in shown
    blank = dataclasses.replace(comparison().leaderboard[0], overall=UNDEFINED)
    assert "(61.2" not in on_terminal(
        report(dataclasses.replace(comparison(), leaderboard=[blank]))
    )
    choice = on_terminal(report(choice_comparison()))
    assert "Accuracy" in choice
    assert "Exact" not in choice


def test_hostile_text_does_not_reach_the_terminal() -> None:
    hostile = dataclasses.replace(report(hostile_comparison()), notes=HOSTILE)
    shown = on_terminal(hostile, width=160)
    assert "\x1b]" not in shown
    assert "\x1b[31m" not in shown
    assert "[bold red]markup[/bold red]" in shown
    assert not hidden_characters(re.sub(r"\x1b\[[\d;]*m", "", shown))
    assert len(shown) < 200_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0.698), "69.8%"),
        (percent(1), "100.0%"),
        (percent(None), "–"),
        (percent(math.nan), "–"),
        (bounds(Estimate(0.5, 0.404, 0.596)), "(40.4–59.6)"),
        (bounds(Estimate(0.05, -0.031, 0.131)), "(−3.1 to 13.1)"),
        (bounds(UNDEFINED), ""),
        (signed(0.074), "+7.4"),
        (signed(-0.074), "−7.4"),
        (signed(-0.0001), "+0.0"),
        (percent(-0.0001), "0.0%"),
        (out_of(22, 50), "22/50"),
        (out_of(0, 0), "–"),
        (rank((1, 1)), "1"),
        (rank((1, 3)), "1–3"),
        (rank(None), "–"),
        (p_value(0.0117), "0.012"),
        (p_value(0.001), "0.001"),
        (p_value(0.00099), "< 0.001"),
        (p_value(math.nan), "–"),
        (dollars(1234.5), "$1,234.50"),
        (dollars(0.001), "< $0.01"),
        (dollars(0), "$0.00"),
        (dollars(None), "–"),
        (duration(200.4), "3 min 20 s"),
        (duration(59.6), "1 min 0 s"),
        (duration(12), "12 s"),
        (duration(7500), "2 h 5 min"),
        (points(10), "10"),
        (points(19 / 3), "6.3"),
        (points(None), "–"),
        (shade(10, 10), "p10"),
        (shade(1, 1), "p10"),
        (shade(0, 10), "p0"),
        (shade(99, 10), "p10"),
        (shade(math.nan, 10), "none"),
        (share(Estimate(0.5, 0.404, 0.596)), "50.0% (40.4–59.6)"),
        (share(UNDEFINED), "–"),
        (difference(Estimate(0.074, -0.012, 0.16)), "+7.4 (−1.2 to 16.0)"),
        (difference(Estimate(-0.074, math.nan, math.nan)), "−7.4"),
        (in_points(Estimate(-0.42, -0.94, 0.1)), "−0.42 (−0.94 to 0.10)"),
        (in_points(Estimate(1, math.nan, math.nan)), "1.00"),
        (decimals(0.866), "0.87"),
        (decimals(-0.001), "0.00"),
        (decimals(math.nan), "–"),
        (signed_points(-3.0), "−3"),
        (signed_points(0.5), "+0.5"),
    ],
)
def test_numbers_are_written_as_a_reader_expects(text: str, expected: str) -> None:
    assert text == expected


def hidden_characters(text: str) -> set[str]:
    return {c for c in text if c != "\n" and unicodedata.category(c)[0] in "CZ"} - {" "}


@given(st.text(), st.integers(0, 50))
def test_no_hidden_character_stays_and_no_other_goes(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert not hidden_characters(shown)
    kept = text[:limit].replace("\r\n", "\n")
    assert len(kept) <= len(shown) <= limit + 30
    for before, after in zip(kept, shown, strict=False):
        assert after == before or hidden_characters(before)


@settings(deadline=None)  # two parsers work at it
@given(st.text(st.characters(codec=None) | st.sampled_from("|#`*_[]<>&\\~-+=.1! \n")))
def test_any_text_in_markdown_is_read_as_it_is(text: str) -> None:
    escaped = as_markdown(text)
    assert "<" not in escaped
    for page, name in (
        (f"{escaped}\n", "p"),
        (f"- {escaped}\n", "li"),
        (f"| a | b |\n|---|---|\n| {escaped} | b |\n", "td"),
    ):
        html = MARKDOWN.render(page)
        soup = BeautifulSoup(html, "html.parser")
        found = soup.find(name)
        assert (found.get_text().strip() if found else "") == one_line(text)
        assert not soup.find_all(["a", "em", "strong", "code", "h1", "h2", "hr"])


def test_addresses_in_markdown_are_no_links() -> None:
    text = "https://evil.example www.evil.example"
    assert as_markdown(text) == r"https\://evil.example www\.evil.example"


@given(st.text() | st.text("=+-@\t\r \n'\x00＝\xa0"))
def test_any_text_in_csv_is_one_line_and_no_formula(text: str) -> None:
    cell = as_csv(text)
    assert isinstance(cell, str)
    assert cell.removeprefix("'") == one_line(text).removeprefix("'")
    assert not cell.startswith((*"=+-@＝", " ", "\t", "\r"))
    assert "\n" not in cell


@pytest.mark.parametrize("number", [0, -3, 0.1 + 0.2, -1e-9])
def test_numbers_in_csv_stay_numbers(number: float) -> None:
    assert as_csv(number) is number


@pytest.mark.parametrize("undefined", [None, math.nan, math.inf])
def test_undefined_numbers_in_csv_are_empty(undefined: float | None) -> None:
    assert as_csv(undefined) == ""
