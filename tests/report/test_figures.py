import math
import random
import statistics
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal
from xml.parsers import expat

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from nejm_inspect.report.contents import (
    BANDS,
    CaseRow,
    Comparison,
    Estimate,
    LeaderboardRow,
    PairedComparison,
)
from nejm_inspect.report.figures import (
    DrawnFigure,
    draw_bands,
    draw_cases,
    draw_differences,
    draw_figures,
    draw_readers,
    draw_scores,
    style,
)

MODELS = (
    "openrouter/openai/gpt-6.1",
    "openrouter/google/gemini-4-pro-preview",
    "openrouter/anthropic/claude-opus-5.5",
    "openrouter/qwen/qwen3-vl-235b-a22b-thinking",
    "openrouter/x-ai/grok-5",
    "openrouter/meta-llama/llama-4-maverick",
    "openrouter/mistralai/mistral-medium-3.1",
    "openrouter/z-ai/glm-4.5v",
    "openrouter/amazon/nova-premier-v1",
    "openrouter/microsoft/phi-4-multimodal-instruct",
)
FLOORS = {"expert": 0.123, "hard": 0.087, "medium": 0.040, "easy": 0.0}
NONE = Estimate(float("nan"), float("nan"), float("nan"))
NAMES = ["scores", "bands", "differences", "cases", "readers"]
DRAWING = (draw_scores, draw_bands, draw_differences, draw_cases, draw_readers)
HOSTILE = (
    "$\\frac{x}{$ and $y^2$",
    "a\x00b\x1b[31m\r\n\ud800<script>alert(1)</script>--></svg>",
    "\u202egpt-evil\u202c \u200f\u05e9\u05dc\u05d5\u05dd",
    "\U0001f916 \u6a21\u578b-model \U0001f469\u200d\u2695\ufe0f",
    "W" * 1_000_000,
    "",
)


def comparison(
    models: int = 5,
    cases: int = 50,
    kind: Literal["points", "choice"] = "points",
    votes: bool = True,
    seed: int = 1,
) -> Comparison:
    """Made-up results: better models first, easier cases get more points."""
    draw = random.Random(seed)
    briers = sorted(min(draw.betavariate(1.6, 18), 1.0) for _ in range(cases))
    rows = []
    for number, brier in enumerate(briers):
        reader = min(max(0.95 - 5 * brier + draw.gauss(0, 0.08), 0.05), 0.99)
        points: dict[str, float | None] = {}
        for place, model in enumerate(MODELS[:models]):
            skill = reader + 0.15 - 0.06 * place + draw.gauss(0, 0.3)
            if draw.random() < 0.02:
                points[model] = None
            elif kind == "choice":
                points[model] = float(skill > 0.5)
            else:
                points[model] = float(min(max(round(11 * skill), 0), 10))
        rows.append(
            CaseRow(
                case_id=f"IC2024{number:04d}",
                date="2024-05-01",
                difficulty=next(k for k, floor in FLOORS.items() if brier >= floor)
                if votes
                else "",
                brier_score=brier if votes else None,
                question_type="diagnosis",
                reader_accuracy=reader if votes else None,
                points=points,
            )
        )
    full = 10 if kind == "points" else 1
    leaderboard = sorted(
        (leaderboard_row(model, rows, full) for model in MODELS[:models]),
        key=lambda row: -row.overall.value,
    )
    pairs = [
        paired(first.model, second.model, rows, full)
        for first, second in combinations(leaderboard, 2)
    ]
    return Comparison(
        title="made up",
        kind=kind,
        settings={},
        leaderboard=leaderboard,
        pairs=pairs,
        cases=rows,
        breakdowns=(),
        outright_wins={},
        ties_for_best=0,
        shared_cases=cases,
        power=None,
    )


def estimate(shares: list[float]) -> Estimate:
    if not shares:
        return NONE
    mean = statistics.fmean(shares)
    if len(shares) < 2:
        return Estimate(mean, float("nan"), float("nan"))
    margin = 1.96 * statistics.stdev(shares) / len(shares) ** 0.5
    return Estimate(mean, mean - 1.1 * margin, min(mean + 0.9 * margin, 1.0))


def leaderboard_row(model: str, cases: list[CaseRow], full: int) -> LeaderboardRow:
    points = [p for case in cases if (p := case.points[model]) is not None]
    bands = Counter(band(value) for value in points)
    return LeaderboardRow(
        model=model,
        rank=(1, 1),
        overall=estimate([value / full for value in points]),
        exact=estimate([float(value == 10) for value in points]) if full > 1 else None,
        exact_count=sum(value == full for value in points),
        responses=len(points),
        cases=len(points),
        bands={name: bands[name] for name in BANDS} if full > 1 else {},
        unscored=len(cases) - len(points),
        errors=0,
        missing=len(cases) - len(points),
        input_tokens=1,
        output_tokens=1,
        cost=None,
        seconds=1.0,
    )


def band(points: float) -> str:
    floors: Mapping[str, int] = {"10": 10, "7–9": 7, "4–6": 4, "1–3": 1, "0": 0}
    return next(name for name, floor in floors.items() if points >= floor)


def paired(
    first: str, second: str, cases: list[CaseRow], full: int
) -> PairedComparison:
    differences = [
        (a - b) / full
        for case in cases
        if (a := case.points[first]) is not None
        and (b := case.points[second]) is not None
    ]
    difference = estimate(differences)
    stderr = (
        statistics.stdev(differences) / len(differences) ** 0.5
        if len(differences) > 1
        else float("nan")
    )
    p = (
        1.0
        if not stderr > 0
        else 2 * (1 - statistics.NormalDist().cdf(abs(difference.value) / stderr))
    )
    return PairedComparison(
        first=first,
        second=second,
        cases=len(differences),
        difference=difference,
        stderr=stderr,
        p_points=p,
        p_exact=p,
        p_points_adjusted=min(1.0, p * 10),
        p_exact_adjusted=min(1.0, p * 10),
        won=sum(d > 0 for d in differences),
        drawn=sum(d == 0 for d in differences),
        lost=sum(d < 0 for d in differences),
    )


def renamed(old: Comparison, names: Mapping[str, str]) -> Comparison:
    return replace(
        old,
        leaderboard=[replace(row, model=names[row.model]) for row in old.leaderboard],
        pairs=[
            replace(pair, first=names[pair.first], second=names[pair.second])
            for pair in old.pairs
        ],
        cases=[
            replace(case, points={names[m]: p for m, p in case.points.items()})
            for case in old.cases
        ],
    )


def drawing(draw: Callable[[Comparison], Figure], of: Comparison) -> Figure:
    with style():
        figure = draw(of)
        figure.draw_without_rendering()
    return figure


def words(figure: Figure) -> list[str]:
    texts = figure.findobj(lambda artist: isinstance(artist, Text))
    return [t.get_text() for t in texts if isinstance(t, Text) and t.get_visible()]


def bars(axes: Axes) -> list[BarContainer]:
    return [each for each in axes.containers if isinstance(each, BarContainer)]


def error_bars(axes: Axes) -> list[tuple[float, float]]:
    return [
        (float(segment[0, 0]), float(segment[1, 0]))
        for collection in axes.collections
        if isinstance(collection, LineCollection)
        for segment in collection.get_segments()
        if len(segment) and np.isfinite(segment).all()
    ]


def cells(axes: Axes) -> Any:
    return np.ma.filled(np.ma.asarray(axes.images[0].get_array(), float), np.nan)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DrawnFigure]:
    figures = draw_figures(comparison(), tmp_path_factory.mktemp("figures"), "a-")
    return {figure.name: figure for figure in figures}


# Files


def test_all_five_figures_come_in_the_order_of_a_report(
    drawn: dict[str, DrawnFigure],
) -> None:
    assert list(drawn) == NAMES
    for name, figure in drawn.items():
        assert (figure.png.name, figure.svg.name) == (f"a-{name}.png", f"a-{name}.svg")
        assert figure.title
        assert figure.caption


def test_every_png_decodes_and_is_crisp_on_white(drawn: dict[str, DrawnFigure]) -> None:
    for figure in drawn.values():
        with Image.open(figure.png) as image:
            image.load()
            assert image.width >= 1600
            assert image.getpixel((0, 0)) == (255, 255, 255, 255)


def assert_safe_svg(svg: Path) -> None:
    """Well-formed, without scripts, event handlers and references to elsewhere."""
    tags: set[str] = set()

    def check(tag: str, attributes: dict[str, str]) -> None:
        tags.add(tag)
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name.endswith("href"):
                assert value.startswith(("#", "data:image/png;base64,"))
            elif not name.startswith("xmlns"):
                assert "://" not in value

    def refuse(*declaration: object) -> None:
        raise AssertionError(f"document type {declaration}")

    parser = expat.ParserCreate()
    parser.StartElementHandler = check
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(svg.read_bytes(), True)
    assert {"svg", "path"} <= tags
    assert not tags & {"script", "foreignObject", "text", "a"}


def test_every_svg_is_well_formed_and_points_to_nothing_outside(
    drawn: dict[str, DrawnFigure],
) -> None:
    for figure in drawn.values():
        assert_safe_svg(figure.svg)


def test_the_same_data_give_the_same_bytes_whatever_the_user_has_set(
    drawn: dict[str, DrawnFigure], tmp_path: Path
) -> None:
    with matplotlib.rc_context({"font.size": 30, "savefig.dpi": 50, "axes.grid": True}):
        again = draw_figures(comparison(), tmp_path / "new" / "folder")
        assert matplotlib.rcParams["font.size"] == 30
    for figure in again:
        assert figure.png.read_bytes() == drawn[figure.name].png.read_bytes()
        assert figure.svg.read_bytes() == drawn[figure.name].svg.read_bytes()


def test_matplotlib_is_loaded_only_to_draw_and_pyplot_never() -> None:
    code = (
        "import sys, nejm_inspect.report.figures as figures\n"
        "assert 'matplotlib' not in sys.modules\n"
        "with figures.style(): pass\n"
        "assert 'matplotlib.style' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# What is drawn, and when


def test_without_models_there_are_no_figures(tmp_path: Path) -> None:
    assert draw_figures(comparison(models=0), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_without_reader_votes_nothing_is_said_about_readers(tmp_path: Path) -> None:
    complete = replace(comparison(models=2, cases=12, votes=False), pairs=())
    complete = replace(
        complete,
        cases=[replace(c, points=dict.fromkeys(c.points, 4.0)) for c in complete.cases],
    )
    figures = draw_figures(complete, tmp_path)
    assert [figure.name for figure in figures] == ["scores", "bands", "cases"]
    for figure in figures:
        assert "reader" not in figure.caption + figure.alt
        assert "Brier" not in figure.caption + figure.alt
        assert "easiest" not in figure.caption + figure.alt
    assert not any("Brier" in text for text in words(drawing(draw_cases, complete)))


def test_multiple_choice_has_accuracy_and_a_line_for_the_readers(
    tmp_path: Path,
) -> None:
    choice = comparison(kind="choice")
    figures = {figure.name: figure for figure in draw_figures(choice, tmp_path)}
    assert list(figures) == ["scores", "differences", "cases", "readers"]
    assert "same five options" in figures["readers"].caption

    figure = drawing(draw_scores, choice)
    (axes,) = figure.axes
    (accuracy,) = bars(axes)
    expected = [100 * row.overall.value for row in choice.leaderboard]
    assert [bar.get_width() for bar in accuracy] == pytest.approx(expected)
    mean = statistics.fmean(case.reader_accuracy or 0 for case in choice.cases)
    (line,) = [each for each in axes.lines if each.get_linestyle() == "--"]
    assert list(np.asarray(line.get_xdata())) == pytest.approx([100 * mean] * 2)
    label = f"mean of NEJM readers: {100 * mean:.1f}%"
    assert label in words(figure)
    assert label in figures["scores"].alt


def test_multiple_choice_without_votes_has_no_line() -> None:
    (axes,) = drawing(draw_scores, comparison(kind="choice", votes=False)).axes
    assert [line for line in axes.lines if line.get_linestyle() == "--"] == []


@pytest.mark.parametrize(("models", "cases"), [(1, 1), (2, 12), (5, 60), (10, 947)])
def test_no_text_is_cut_and_no_two_labels_overlap(models: int, cases: int) -> None:
    for draw in DRAWING:
        figure = drawing(draw, comparison(models, cases))
        drawn = figure.get_tightbbox()
        assert min(drawn.x0, drawn.y0) >= 0
        assert drawn.x1 <= figure.get_figwidth()
        assert drawn.y1 <= figure.get_figheight()
        for axes in figure.axes:
            for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
                boxes = [label.get_window_extent() for label in labels]
                assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


# Scores


def test_bars_are_as_long_as_the_scores_and_say_them() -> None:
    data = comparison()
    figure = drawing(draw_scores, data)
    (axes,) = figure.axes
    overall, exact = bars(axes)
    rows = data.leaderboard
    exacts = [row.exact for row in rows if row.exact]
    assert [b.get_width() for b in overall] == pytest.approx(
        [100 * row.overall.value for row in rows]
    )
    assert [b.get_width() for b in exact] == pytest.approx(
        [100 * each.value for each in exacts]
    )
    shown = [*(row.overall for row in rows), *exacts]
    printed = [text.get_text() for text in axes.texts]
    assert printed == [f"{100 * each.value:.1f}%" for each in shown]
    bounds = [(100 * each.lower, 100 * each.upper) for each in shown]
    assert error_bars(axes) == [pytest.approx(pair) for pair in bounds]


def test_the_best_model_is_on_top_under_its_full_name() -> None:
    data = comparison()
    (axes,) = drawing(draw_scores, data).axes
    bottom, top = axes.get_ylim()
    assert bottom > top
    names = [label.get_text().replace("\n", "") for label in axes.get_yticklabels()]
    assert names == [row.model for row in data.leaderboard]


def test_undefined_bounds_have_no_error_bar() -> None:
    data = comparison(cases=1, models=2)
    (axes,) = drawing(draw_scores, data).axes
    assert not math.isnan(data.leaderboard[0].overall.value)
    assert error_bars(axes) == []


def test_bounds_on_one_side_of_the_value_are_drawn() -> None:
    row = replace(comparison().leaderboard[0], overall=Estimate(0.5, 0.6, 0.7))
    (axes,) = drawing(draw_scores, replace(comparison(), leaderboard=[row])).axes
    assert error_bars(axes)[0] == pytest.approx((50, 70))


def test_a_model_without_a_score_is_said_to_have_none(tmp_path: Path) -> None:
    data = comparison(models=2, cases=12)
    first, second = data.leaderboard
    bare = replace(
        second, overall=NONE, exact=NONE, bands=dict.fromkeys(BANDS, 0), unscored=12
    )
    (pair,) = data.pairs
    data = replace(
        data,
        leaderboard=[first, bare],
        pairs=[replace(pair, difference=NONE, p_points_adjusted=math.nan)],
        cases=[
            replace(case, points={**case.points, second.model: None})
            for case in data.cases
        ],
    )
    for draw, times in ((draw_scores, 2), (draw_bands, 1), (draw_differences, 2)):
        (axes, *_) = drawing(draw, data).axes
        assert [t.get_text() for t in axes.texts].count("no score") == times
    alts = {figure.name: figure.alt for figure in draw_figures(data, tmp_path)}
    assert f"{bare.model}: overall score no score, exact" in alts["scores"]
    assert "12 unscored" in alts["bands"]
    assert f"minus {bare.model}: no score" in alts["differences"]
    assert f"{bare.model}: 0 with 10 points, 0 with 0" in alts["cases"]
    assert "80–100%: no score" in alts["readers"]
    assert not any("nan" in alt.replace("nano", "") for alt in alts.values())


# Bands


def test_segments_are_shares_of_the_scored_responses() -> None:
    data = comparison()
    (axes,) = drawing(draw_bands, data).axes
    segments = bars(axes)
    assert [segment.get_label() for segment in segments] == list(BANDS)
    for place, row in enumerate(data.leaderboard):
        widths = [segment[place].get_width() for segment in segments]
        counts = [row.bands[name] for name in BANDS]
        assert widths == pytest.approx([100 * n / row.responses for n in counts])
        starts = [segment[place].get_x() for segment in segments]
        assert starts == pytest.approx(np.cumsum([0, *widths[:-1]]))


def test_counts_stand_in_segments_that_are_wide_enough() -> None:
    row = replace(
        comparison().leaderboard[0],
        bands={"10": 940, "7–9": 5, "4–6": 50, "1–3": 0, "0": 5},
        unscored=7,
    )
    (axes,) = drawing(draw_bands, replace(comparison(), leaderboard=[row])).axes
    printed = [text.get_text() for text in axes.texts if text.get_text()]
    assert printed == ["940", "50", "+ 7 unscored"]


# Differences


def star(pair: PairedComparison) -> str:
    return "*" if pair.p_points_adjusted < 0.05 else ""


def test_the_matrix_holds_every_difference_in_both_directions() -> None:
    data = comparison(cases=300)
    assert {star(pair) for pair in data.pairs} == {"", "*"}
    axes = drawing(draw_differences, data).axes[0]
    shown = {
        (int(t.get_position()[1]), int(t.get_position()[0])): t for t in axes.texts
    }
    assert len(shown) == len(axes.texts) == 2 * len(data.pairs)
    models = [row.model for row in data.leaderboard]
    for pair in data.pairs:
        row, column = models.index(pair.first), models.index(pair.second)
        points = 100 * pair.difference.value
        assert cells(axes)[row, column] == pytest.approx(points)
        assert cells(axes)[column, row] == pytest.approx(-points)
        assert shown[row, column].get_text() == signed(points) + star(pair)
        assert shown[column, row].get_text() == signed(-points) + star(pair)
        weight = "bold" if star(pair) else "normal"
        assert shown[row, column].get_fontweight() == weight
    assert np.isnan(np.diagonal(cells(axes))).all()
    low, high = axes.images[0].get_clim()
    assert low == -high


def signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−").replace("+0.0", "0.0")


def test_a_difference_that_rounds_to_nothing_has_no_sign_and_no_colour() -> None:
    data = comparison(models=2)
    for value in (-0.0001, 0.0, 0.0001):
        pair = replace(data.pairs[0], difference=Estimate(value, -0.1, 0.1))
        axes = drawing(draw_differences, replace(data, pairs=[pair])).axes[0]
        assert [text.get_text() for text in axes.texts] == ["0.0", "0.0"]
        assert axes.images[0].get_clim() == (-5, 5)


def test_pairs_that_were_not_compared_stay_blank() -> None:
    data = comparison()
    baseline = data.leaderboard[2].model
    some = [pair for pair in data.pairs if baseline in (pair.first, pair.second)]
    axes = drawing(draw_differences, replace(data, pairs=some)).axes[0]
    expected = np.zeros((5, 5), bool)
    expected[2, :] = expected[:, 2] = True
    expected[2, 2] = False
    assert (np.isfinite(cells(axes)) == expected).all()
    assert len(axes.texts) == 8


# Cases


@pytest.mark.parametrize("cases", [1, 50, 947])
def test_every_cell_is_a_models_points_for_a_case(cases: int) -> None:
    data = comparison(cases=cases)
    axes = drawing(draw_cases, data).axes[0]
    expected = np.array(
        [[c.points[row.model] for c in data.cases] for row in data.leaderboard], float
    )
    assert np.array_equal(cells(axes), expected, equal_nan=True)
    assert np.isnan(expected).any()
    assert axes.images[0].get_clim() == (0, 10)
    assert axes.patch.get_hatch()


def test_the_strip_changes_where_the_difficulty_does() -> None:
    data = comparison(cases=947)
    figure = drawing(draw_cases, data)
    strip = figure.axes[2]
    levels = cells(strip)[0]
    changes = [n for n in range(1, 947) if levels[n] != levels[n - 1]]
    briers = [case.brier_score or 0 for case in data.cases]
    easy, medium, hard = changes
    assert briers[easy - 1] < 0.040 <= briers[easy]
    assert briers[medium - 1] < 0.087 <= briers[medium]
    assert briers[hard - 1] < 0.123 <= briers[hard]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        f"easy (Brier score < 0.040): {easy} cases",
        f"medium (Brier score < 0.087): {medium - easy} cases",
        f"hard (Brier score < 0.123): {hard - medium} cases",
        f"expert (Brier score ≥ 0.123): {947 - hard} cases",
        "no score",
    ]


def test_cases_are_named_as_long_as_there_is_room() -> None:
    for cases, named in ((60, 60), (61, 0)):
        data = comparison(models=1, cases=cases)
        labels = drawing(draw_cases, data).axes[2].get_xticklabels()
        expected = [case.case_id for case in data.cases][:named]
        assert [label.get_text() for label in labels] == expected


def test_few_cases_show_their_points_as_numbers() -> None:
    data = comparison(models=1, cases=3)
    halves = (2.5, None, 10.0)
    data = replace(
        data,
        cases=[
            replace(case, points={MODELS[0]: half})
            for case, half in zip(data.cases, halves, strict=True)
        ],
    )
    axes = drawing(draw_cases, data).axes[0]
    assert [text.get_text() for text in axes.texts] == ["2.5", "10"]


# Readers


def test_dots_are_mean_scores_over_bins_of_reader_accuracy() -> None:
    data = comparison(cases=200)
    (axes,) = drawing(draw_readers, data).axes
    assert len(axes.lines) == 5
    for row, line in zip(data.leaderboard, axes.lines, strict=True):
        for nth, mean in enumerate(np.asarray(line.get_ydata(), float)):
            points = [
                p
                for case in data.cases
                if (p := case.points[row.model]) is not None
                and nth / 5 <= (case.reader_accuracy or 0) < (nth + 1) / 5
            ]
            assert mean == pytest.approx(10 * statistics.fmean(points))
    looks = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(looks) == len({marker for _, marker in looks}) == 5


def test_ten_models_look_different_from_each_other() -> None:
    (axes,) = drawing(draw_readers, comparison(models=10)).axes
    assert len({line.get_marker() for line in axes.lines}) == 10


def test_cases_on_the_edge_belong_to_the_upper_bin_and_full_accuracy_to_the_last() -> (
    None
):
    data = comparison(models=1, cases=6)
    accuracies = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    data = replace(
        data,
        cases=[
            replace(case, reader_accuracy=accuracy, points={MODELS[0]: 10 * accuracy})
            for case, accuracy in zip(data.cases, accuracies, strict=True)
        ],
    )
    (axes,) = drawing(draw_readers, data).axes
    means = np.asarray(axes.lines[0].get_ydata(), float)
    assert list(means) == pytest.approx([0, 20, 40, 60, 90])
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks[0] == "0–20%\nn = 1"
    assert ticks[4] == "80–100%\nn = 2"


def test_the_caption_warns_that_the_two_scales_are_not_alike(
    drawn: dict[str, DrawnFigure],
) -> None:
    caption = drawn["readers"].caption
    assert "equal width" in caption
    assert "five options" in caption
    assert "not alike" in caption


# Text alternatives


def test_text_alternatives_hold_the_numbers(drawn: dict[str, DrawnFigure]) -> None:
    data = comparison()
    for row in data.leaderboard:
        low, high = 100 * row.overall.lower, 100 * row.overall.upper
        score = f"overall score {100 * row.overall.value:.1f}% (95% CI {low:.1f}%"
        assert f"{row.model}: {score} to {high:.1f}%), exact" in drawn["scores"].alt
        counts = ", ".join(f"{row.bands[name]} with {name}" for name in BANDS)
        bands = f"{row.model}: {counts} points; {row.unscored} unscored"
        assert bands in drawn["bands"].alt
        best = sum(case.points[row.model] == 10 for case in data.cases)
        worst = sum(case.points[row.model] == 0 for case in data.cases)
        cases = f"{row.model}: {best} with 10 points, {worst} with 0 points, "
        assert f"{cases}{row.missing} without a score" in drawn["cases"].alt
        last = [
            p
            for case in data.cases
            if (p := case.points[row.model]) is not None
            and (case.reader_accuracy or 0) >= 0.8
        ]
        alt = drawn["readers"].alt.partition(f"{row.model}: ")[2]
        mean = f"80–100%: {10 * statistics.fmean(last):.1f}%"
        assert alt.partition(". ")[0].rstrip(".").endswith(mean)
    for pair in data.pairs:
        number = signed(100 * pair.difference.value) + star(pair)
        text = f"{pair.first} minus {pair.second}: {number}"
        assert text in drawn["differences"].alt
    assert "easy (Brier score < 0.040): " in drawn["cases"].alt


def test_bins_without_cases_are_left_out_of_the_text(tmp_path: Path) -> None:
    (reader,) = [case.reader_accuracy or 0 for case in comparison(1, 1).cases]
    assert 0.6 <= reader < 0.8
    alt = draw_figures(comparison(1, 1), tmp_path)[-1].alt
    expected = f"60–80%: n = 1. {MODELS[0]}: 60–80%: 100.0%."
    assert alt == f"Mean score by reader accuracy. {expected}"


# Other people's text


def test_hostile_names_are_drawn_as_plain_text_without_a_warning(
    tmp_path: Path,
) -> None:
    names = dict(zip(MODELS, HOSTILE, strict=False))
    data = renamed(comparison(len(HOSTILE), len(HOSTILE)), names)
    cases = zip(data.cases, HOSTILE, strict=True)
    data = replace(data, cases=[replace(case, case_id=id) for case, id in cases])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = draw_figures(data, tmp_path)
    assert [figure.name for figure in figures] == NAMES
    for figure in figures:
        assert_safe_svg(figure.svg)
        assert len(figure.alt) < 5000
        assert figure.alt.isprintable()
        figure.alt.encode()
    assert "�gpt-evil�" in figures[0].alt
    assert "模型-model" in figures[0].alt


def test_dollars_are_no_mathematics() -> None:
    name = HOSTILE[0]
    data = renamed(comparison(1, 3), {MODELS[0]: name})
    for draw in (draw_scores, draw_bands, draw_cases, draw_readers):
        figure = drawing(draw, data)
        assert name in words(figure)
        for text in figure.findobj(lambda artist: isinstance(artist, Text)):
            assert isinstance(text, Text)
            assert not text.get_parse_math()


def test_long_names_lose_their_middle() -> None:
    name = "begin-" + "x" * 1000 + "-end"
    data = renamed(comparison(1, 3), {MODELS[0]: name})
    (axes,) = drawing(draw_scores, data).axes
    (label,) = axes.get_yticklabels()
    shown = label.get_text().replace("\n", "")
    assert len(shown) == 60
    assert shown.startswith("begin-x")
    assert "…" in shown
    assert shown.endswith("x-end")
