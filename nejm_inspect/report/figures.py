"""Draws a comparison as figures, PNG and SVG: the same bytes for the same data.

Names of models and cases are other people's text. They are drawn as they are read:
never as mathematics, without control characters, and short enough to leave room for
the data.
"""

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nejm_inspect.report.captions import (
    CASE_ID_LENGTH,
    FONT,
    NO_SCORE,
    SIGNIFICANT,
    bin_names,
    describe_bands,
    describe_cases,
    describe_differences,
    describe_readers,
    describe_scores,
    difference_text,
    drawable_text,
    full_score,
    has_levels,
    is_significant,
    level_labels,
    level_texts,
    mean_score,
    measures,
    model_label,
    order_note,
    percent,
    reader_accuracies,
    reader_bins,
    readers_line,
)
from nejm_inspect.report.contents import (
    BANDS,
    Comparison,
    LeaderboardRow,
)
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#666666",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.1,
    "font.family": FONT,
    "grid.color": "#DDDDDD",
    "hatch.color": "#999999",
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "nejm_inspect",
    "text.parse_math": False,
    "ytick.major.size": 0,
}
_WIDTH = 10.0  # inches
_BLUE, _ORANGE = "#0072B2", "#E69F00"
_INK, _GREY, _PALE = "#333333", "#666666", "#DDDDDD"
# Okabe and Ito's colours without the yellow, which is hard to see on white.
_MODEL_COLOURS = (_BLUE, "#D55E00", "#009E73", "#CC79A7", _ORANGE, "#56B4E9", "black")
_MARKERS = "osD^vPXph<"
_LEVEL_GREYS = ("#E3E3E3", "#B0B0B0", "#757575", "#2B2B2B", "#FFFFFF")
_BAND_POINTS = (10, 8, 5, 2, 0)  # where on the scale of points a band's colour is

_NAMED_CASES, _NUMBERED_CASES = 60, 12  # the most cases that have room for it


@dataclass(frozen=True)
class DrawnFigure:
    """A figure on disk and the words that belong to it, none of them escaped."""

    name: str
    title: str
    caption: str
    alt: str
    """What the figure shows, with its numbers, for those who do not see it."""
    png: Path
    svg: Path


def draw_figures(
    comparison: Comparison, folder: Path, prefix: str = ""
) -> list[DrawnFigure]:
    """Draws every figure that the data allow and saves each as PNG and SVG.

    Args:
        comparison: What to draw.
        folder: Where the files go; made if it is missing.
        prefix: What the files' names begin with.

    Returns:
        The figures in the order of a report; none without models.
    """
    possible = {
        "scores": True,
        "bands": comparison.kind == "points",
        "differences": bool(comparison.pairs),
        "cases": bool(comparison.cases),
        "readers": bool(reader_accuracies(comparison)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, (title, draw, describe) in _KINDS.items():
        if not comparison.leaderboard or not possible[name]:
            continue
        png, svg = (folder / f"{prefix}{name}.{suffix}" for suffix in ("png", "svg"))
        with style():
            save_figure(draw(comparison), png, svg)
        drawn.append(DrawnFigure(name, title, *describe(comparison), png, svg))
    return drawn


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults and this package's settings, whatever the user's are."""
    import matplotlib.style

    with matplotlib.style.context(_STYLE, after_reset=True):
        yield


def save_figure(figure: "Figure", png: Path, svg: Path) -> None:
    """Saves a figure in both forms, the same bytes for the same figure.

    Args:
        figure: What was drawn in `style`, which it is to be saved in, too.
        png: Where to, for the page.
        svg: Where to, to be printed.
    """
    # The solver of the layout ends on slightly different numbers every time, which
    # would show in the names of clip paths: so they are rounded, once it is done.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position().bounds
        axes.set_position(
            (round(left, 6), round(bottom, 6), round(width, 6), round(height, 6))
        )
    figure.savefig(png, metadata={"Software": None})
    text = io.StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=no_metadata)
    # The document type would be the only thing in the file that points to a server.
    start, _, rest = text.getvalue().partition("<!DOCTYPE")
    svg.write_text(start + rest.partition(">\n")[2], encoding="utf-8", newline="\n")


# Layout


def _model_axes(
    rows: Sequence[LeaderboardRow], height: float
) -> tuple["Figure", "Axes"]:
    """Axes from 0 to 100% with one row per model, so many inches high, best on top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.2 + height * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_yticks(range(len(rows)), [model_label(row.model) for row in rows])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_xticks(range(0, 101, 20))
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(0, 100)
    axes.grid(axis="x")
    return figure, axes


def _cell_axes(
    rows: int, columns: int, margin: float, widest: float, grid: str
) -> tuple["Figure", "Axes", "Axes", "Axes"]:
    """Axes for cells no wider than so many inches, a colour bar, and a strip below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, margin + 0.45 * rows), layout="constrained")
    filled = min(0.97, widest * columns / (_WIDTH - 3))
    free = (0.98 - filled) / 2
    widths, heights = (free, filled, 0.025, free), (0.45 * rows, 0.12)
    spec = figure.add_gridspec(2, 4, width_ratios=widths, height_ratios=heights)
    axes, bar_axes, strip = (figure.add_subplot(spec[place]) for place in (1, 2, 5))
    for each in (axes, strip):
        each.spines[:].set_visible(False)
        each.tick_params(length=0)
    axes.hlines([n - 0.5 for n in range(1, rows)], -0.5, columns - 0.5, grid, lw=1.2)
    if columns <= _NAMED_CASES:
        lines = [n - 0.5 for n in range(1, columns)]
        axes.vlines(lines, -0.5, rows - 0.5, grid, lw=0.8)
    return figure, axes, bar_axes, strip


def ink_on(colour: Iterable[float]) -> str:
    """Black or white, whichever stands out from a colour (red, green, blue: 0 to 1)."""
    red, green, blue, *_ = colour
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


# Scores


def draw_scores(comparison: Comparison) -> "Figure":
    """Bars of overall score and exact rate, or of accuracy, with their intervals."""
    import numpy as np

    shown = measures(comparison)
    figure, axes = _model_axes(comparison.leaderboard, 0.25 + 0.2 * len(shown))
    step = 0.8 / max(len(shown), 1.4)
    for nth, (label, estimates) in enumerate(shown):
        colour = (_BLUE, _ORANGE)[nth]
        places = np.arange(len(estimates)) + (nth - (len(shown) - 1) / 2) * step
        numbers = [(each.value, each.lower, each.upper) for each in estimates]
        value, lower, upper = 100 * np.array(numbers).T
        axes.barh(places, value, step * 0.94, color=colour, label=label)
        # A bootstrap's bounds may lie on one side of the value; errors must not be < 0.
        errors = np.maximum([value - lower, upper - value], 0)
        axes.errorbar(
            value, places, xerr=errors, fmt="none", ecolor=_INK, capsize=3, lw=1.1
        )
        ends = np.nan_to_num(np.fmax(value, upper))
        for place, end, estimate in zip(places, ends, estimates, strict=True):
            axes.text(end + 1, place, percent(estimate.value), va="center", size=9)
    axes.set_xlim(0, 109)
    if comparison.kind == "points":
        axes.set_xlabel("% of points (overall score), % of responses (exact diagnoses)")
        figure.legend(loc="outside upper center", ncols=2)
    else:
        axes.set_xlabel("% of cases answered correctly")
    if readers := readers_line(comparison):
        place, text = 100 * readers[0], readers[1]
        axes.axvline(place, color=_INK, linestyle="--", linewidth=1.2)
        above = axes.get_xaxis_transform()
        axes.text(place, 1.02, text, transform=above, ha="center", color=_INK)
    return figure


# Bands of points


def draw_bands(comparison: Comparison) -> "Figure":
    """Stacked bars: how many of a model's scored responses reached which points."""
    import numpy as np
    from matplotlib import colormaps

    rows = comparison.leaderboard
    figure, axes = _model_axes(rows, 0.5)
    counts = np.array([[row.bands.get(band, 0) for row in rows] for band in BANDS])
    totals = counts.sum(axis=0)
    widths = 100 * counts / np.maximum(totals, 1)
    starts = widths.cumsum(axis=0) - widths
    for nth, (band, points) in enumerate(zip(BANDS, _BAND_POINTS, strict=True)):
        colour = colormaps["viridis"](points / MAX_POINTS)
        places = range(len(rows))
        bars = axes.barh(
            places, widths[nth], 0.66, starts[nth], color=colour, ec="white", label=band
        )
        # A number that is wider than its segment would run into its neighbour's.
        texts = [
            str(count) if width > 1 + 1.5 * len(str(count)) else ""
            for count, width in zip(counts[nth], widths[nth], strict=True)
        ]
        axes.bar_label(bars, texts, label_type="center", color=ink_on(colour))
    for place, row in enumerate(rows):
        if not totals[place]:
            axes.text(1, place, NO_SCORE, va="center", size=9)
        if row.unscored:
            text = f"+ {row.unscored} unscored"
            axes.text(101, place, text, va="center", size=9, color=_GREY)
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of scored responses (numbers inside: responses)")
    figure.legend(loc="outside upper center", ncols=len(BANDS), title="Points")
    return figure


# Differences


def draw_differences(comparison: Comparison) -> "Figure":
    """A matrix of the mean differences of all pairs there are, row minus column."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    models = [row.model for row in comparison.leaderboard]
    count = len(models)
    cells = np.full((count, count), np.nan)
    for pair in comparison.pairs:
        first, second = models.index(pair.first), models.index(pair.second)
        cells[first, second] = 100 * pair.difference.value
        cells[second, first] = -cells[first, second]
    figure, axes, bar_axes, strip = _cell_axes(
        count, count, margin=1.4, widest=0.95, grid=_PALE
    )
    limit = max([5.0, *np.abs(cells[np.isfinite(cells)])])
    scale = LinearSegmentedColormap.from_list("", ("#D9730D", "white", "#2A78B5"))
    image = axes.imshow(cells, scale, vmin=-limit, vmax=limit, aspect="auto")
    for pair in comparison.pairs:
        first, second = models.index(pair.first), models.index(pair.second)
        weight = "bold" if is_significant(pair) else "normal"
        for row, column, sign in ((first, second, 1), (second, first, -1)):
            axes.text(
                column,
                row,
                difference_text(pair, sign),
                ha="center",
                va="center",
                size=min(10.0, 85 / count),
                weight=weight,
                color=ink_on(image.to_rgba(np.nan_to_num(cells[row, column]))),
            )
    numbers = range(1, count + 1)
    names = [
        f"{model_label(model)}  ({n})" for n, model in zip(numbers, models, strict=True)
    ]
    axes.set_yticks(range(count), names)
    axes.set_xticks(range(count), [f"({n})" for n in numbers])
    axes.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=0)
    strip.remove()
    key = f"bold and *: Holm-adjusted p < {SIGNIFICANT} (paired permutation test)"
    figure.supxlabel(f"row minus column in percentage points; {key}", size=10)
    figure.colorbar(image, cax=bar_axes)
    return figure


# Cases


def draw_cases(comparison: Comparison) -> "Figure":
    """A heat map of every model's points for every case, easiest case first."""
    import numpy as np
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    rows, cases = comparison.leaderboard, comparison.cases
    points = np.array(
        [[case.points.get(row.model) for case in cases] for row in rows], dtype=float
    )
    figure, axes, bar_axes, strip = _cell_axes(
        len(rows), len(cases), margin=2.1, widest=0.6, grid="white"
    )
    # Where the image has a gap, the ground shows through: so gaps become hatched.
    axes.patch.set(facecolor=_PALE, edgecolor=_GREY, hatch="////", linewidth=0)
    top = full_score(comparison)
    image = axes.imshow(
        points, "viridis", vmin=0, vmax=top, aspect="auto", interpolation="nearest"
    )
    if len(cases) <= _NUMBERED_CASES:
        for (row, column), value in np.ndenumerate(points):
            if not math.isnan(value):
                ink = ink_on(image.to_rgba(value))
                axes.text(
                    column, row, f"{value:.3g}", color=ink, ha="center", va="center"
                )
    axes.set_yticks(range(len(rows)), [model_label(row.model) for row in rows])
    axes.set_xticks([])
    handles = []
    if has_levels(comparison):
        # Under the cells, a strip in greys shows where one difficulty ends.
        texts = level_texts(comparison)
        greys = [_LEVEL_GREYS[n % len(_LEVEL_GREYS)] for n in range(len(texts))]
        places = [[list(texts).index(level) for level in level_labels(comparison)]]
        strip.imshow(
            places, ListedColormap(greys), aspect="auto", interpolation="nearest"
        )
        for grey, text in zip(greys, texts.values(), strict=True):
            handles.append(Patch(fc=grey, ec=_GREY, lw=0.5, label=text))
    named = cases if len(cases) <= _NAMED_CASES else []
    names = [drawable_text(case.case_id, CASE_ID_LENGTH) for case in named]
    strip.set_xticks(range(len(names)), names, rotation=90, size=8)
    strip.set_xlim(-0.5, len(cases) - 0.5)
    strip.set_yticks([])
    strip.set_xlabel(f"cases{order_note(comparison)}")
    if np.isnan(points).any():
        gap = Patch(fc=_PALE, ec=_GREY, hatch="////", lw=0, label=NO_SCORE)
        handles.append(gap)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9)
    bar = figure.colorbar(image, cax=bar_axes, label="points")
    if comparison.kind == "choice":
        bar.set_ticks([0, 1], labels=["wrong", "correct"])
        bar.set_label("")
    return figure


# Readers


def draw_readers(comparison: Comparison) -> "Figure":
    """Lines of each model's mean score over bins of the readers' accuracy."""
    from matplotlib.figure import Figure

    rows, bins = comparison.leaderboard, reader_bins(comparison)
    legend_rows = math.ceil(len(rows) / 2)
    figure = Figure(figsize=(_WIDTH, 4.4 + 0.36 * legend_rows), layout="constrained")
    axes = figure.add_subplot()
    for nth, row in enumerate(rows):
        means = [100 * mean_score(comparison, row.model, cases) for cases in bins]
        axes.plot(
            # Side by side within a bin, so that equal scores do not hide each other.
            [n + 0.03 * (nth - (len(rows) - 1) / 2) for n in range(len(bins))],
            means,
            color=_MODEL_COLOURS[nth % len(_MODEL_COLOURS)],
            marker=_MARKERS[nth % len(_MARKERS)],
            linestyle="-" if nth < len(_MODEL_COLOURS) else "--",
            markersize=8,
            markeredgecolor="white",
            markeredgewidth=0.7,
            label=model_label(row.model),
        )
    names = zip(bin_names(), bins, strict=True)
    labels = [f"{name}\nn = {len(cases)}" for name, cases in names]
    axes.set_xticks(range(len(bins)), labels)
    axes.set_xlim(-0.4, len(bins) - 0.6)
    axes.set_ylim(-4, 104)
    axes.set_yticks(range(0, 101, 20))
    axes.grid(axis="y")
    axes.set_xlabel("NEJM readers who chose the correct option (n: cases)")
    score = "overall score" if comparison.kind == "points" else "accuracy"
    axes.set_ylabel(f"mean {score} of the model (%)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


_Draw = Callable[[Comparison], "Figure"]
_Describe = Callable[[Comparison], tuple[str, str]]  # a caption and a text alternative
_KINDS: Mapping[str, tuple[str, _Draw, _Describe]] = {
    "scores": ("Scores", draw_scores, describe_scores),
    "bands": ("Responses by points", draw_bands, describe_bands),
    "differences": ("Differences", draw_differences, describe_differences),
    "cases": ("Points by case", draw_cases, describe_cases),
    "readers": ("Scores by reader accuracy", draw_readers, describe_readers),
}
