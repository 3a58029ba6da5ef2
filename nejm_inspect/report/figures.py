"""Three kinds of picture: dots with intervals, stacked bands, heat maps.

Labels are other people's text: drawn as they are read, never as mathematics. Pages hold
figures as SVG whose colours are CSS variables; files are PNG and SVG on white.
"""

import functools
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from nejm_inspect.report.formats import is_missing, one_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

FONT = "DejaVu Sans"  # comes with matplotlib, so that text is alike everywhere
LABEL_LENGTH = 62
STEPS = 11  # of the heat palette: 0 to 10 points

# Okabe and Ito's colours, made legible on either background.
MODEL_COLOURS = (
    *(("#0b6fb8", "#5fb3ec"), ("#c2571a", "#f0965c"), ("#12805c", "#52c79c")),
    *(("#9a4f96", "#d59ad1"), ("#8f6c00", "#e0b84a"), ("#2c8fb0", "#7fd4ee")),
    *(("#b03a52", "#f08a9d"), ("#4f5d2f", "#b5c987")),
)


def _ramp(*anchors: str) -> list[str]:
    """So many colours as there are steps, from anchor to anchor."""
    rgb = [[int(a[n : n + 2], 16) for n in (1, 3, 5)] for a in anchors]
    colours = []
    for step in range(STEPS):
        place = step / (STEPS - 1) * (len(anchors) - 1)
        low = min(int(place), len(anchors) - 2)
        mixed = (
            round(a + (place - low) * (b - a))
            for a, b in zip(rgb[low], rgb[low + 1], strict=True)
        )
        colours.append("#{:02x}{:02x}{:02x}".format(*mixed))
    return colours


_HEAT = zip(
    _ramp("#e9f0f6", "#7fb3d9", "#0b4f8a"),
    _ramp("#1e2935", "#2d6b98", "#a5d6f8"),
    strict=True,
)
PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#1a2330", "#e7ecf2"),
    "dim": ("#566271", "#9dabba"),
    "line": ("#dde3ea", "#2c3846"),
    "paper": ("#ffffff", "#10161d"),
    "soft": ("#f5f7fa", "#18212b"),
    "on-low": ("#1a2331", "#e6ecf3"),
    "on-high": ("#fefefe", "#0c1219"),
    "none": ("#c9ced6", "#4a5563"),
    "m0": ("#6b7684", "#97a3b1"),
    **{f"m{n}": both for n, both in enumerate(MODEL_COLOURS, start=1)},
    **{f"h{n}": both for n, both in enumerate(_HEAT)},
}
"""The colours of pages and figures, by the name of their CSS variable: light, dark."""

_WIDTH, _ROW = 8.8, 0.46  # inches
_MARKERS = "oDs^vPX"


def _light(name: str) -> str:
    return PALETTE[name][0]


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture of a section and the words that belong to it."""

    name: str
    title: str
    caption: str
    table: str
    """The caption of the table that has the numbers."""
    draw: Callable[[], "Drawing"]

    @property
    def alt(self) -> str:
        """What stands for the picture where it is not seen."""
        return f"{self.title}: the numbers are in the table “{self.table}”."

    @functools.cached_property
    def files(self) -> dict[str, bytes]:
        """The picture as PNG and as SVG, by suffix."""
        written = {}
        with _style():
            drawing = self.draw()
            for suffix in ("png", "svg"):
                stream = io.BytesIO()
                metadata: dict[str, Any] = {"Date": None} if suffix == "svg" else {}
                drawing.savefig(stream, format=suffix, metadata=metadata)
                written[suffix] = stream.getvalue()
        return written

    def inline(self, prefix: str) -> Markup:
        """The SVG as part of a page, its colours by variable, its ids by prefix."""
        svg = self.files["svg"].decode()
        svg = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", svg, flags=re.S)
        svg = svg[svg.index("<svg") :]
        svg = re.sub(r'\bstyle="([^"]*)"', _as_attributes, svg)
        svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
        for name, (light, _) in PALETTE.items():
            svg = svg.replace(f'"{light}"', f'"var(--{name})"')
        size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
        assert size
        svg = svg.replace(size[0], 'role="img" stroke-linejoin="round"', 1)
        return Markup(svg).replace(  # noqa: S704 - names are drawn as outlines
            "<svg", Markup('<svg aria-label="{}"').format(self.alt), 1
        )


def _as_attributes(style: re.Match[str]) -> str:
    """Attributes for a style, which the page's security policy does not allow."""
    pairs = (part.split(":", 1) for part in style[1].split(";") if ":" in part)
    return " ".join(f'{name.strip()}="{value.strip()}"' for name, value in pairs)


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib as mpl
    import matplotlib.style

    ink, dim = _light("ink"), _light("dim")
    style = {
        **dict.fromkeys(("text.color", "axes.labelcolor"), ink),
        **dict.fromkeys(("xtick.color", "ytick.color"), dim),
        "axes.axisbelow": True,
        "axes.edgecolor": _light("line"),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.spines.left": False,
        "figure.facecolor": _light("paper"),
        "axes.facecolor": "none",
        "font.family": FONT,
        "font.size": 10,
        "grid.color": _light("line"),
        "legend.frameon": False,
        "savefig.dpi": 180,
        "svg.fonttype": "path",
        "svg.hashsalt": "nejm_inspect",
        "text.parse_math": False,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
    }
    with mpl.style.context(["default", style]):
        yield


@functools.cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())


def label_of(name: object) -> str:
    """A name whose every character the font has; of a long one, start and end."""
    plain = "".join(c if ord(c) in _glyphs() else "\ufffd" for c in one_line(str(name)))
    if len(plain) <= LABEL_LENGTH:
        return plain
    half = LABEL_LENGTH // 2
    return f"{plain[: half - 1]}…{plain[-half:]}"


def _rows(count: int, extra: float, height: float = 1) -> tuple["Drawing", "Axes"]:
    """A drawing with a row for each of so many, first one on top."""
    from matplotlib.figure import Figure as New

    size = (_WIDTH, extra + _ROW * height * count)
    drawing = New(figsize=size, layout="constrained")
    axes = drawing.add_subplot()
    axes.set_ylim(count - 0.4, -0.7)
    axes.set_yticks([])
    return drawing, axes


def _named(axes: "Axes", place: int, name: object, value: str = "") -> None:
    """Writes a row's name above it, so that a narrow screen shows both."""
    at = axes.get_yaxis_transform()
    axes.text(0, place - 0.36, label_of(name), transform=at, va="center", fontsize=9)
    axes.text(
        *(1, place - 0.36, value),
        **{"transform": at, "va": "center", "ha": "right", "fontsize": 9},
    )


def dots(
    frame: "pd.DataFrame",
    write: Callable[[float], str],
    lines: Mapping[str, float] | None = None,
    *,
    scale: tuple[float, float] | None = (0, 100),
    axis: str = "",
) -> "Drawing":
    """Dots with intervals in hundredths, those of one label in one row.

    Args:
        frame: With `label`, `colour`, `value`, `lower` and `upper`; perhaps `key`, which
            tells the dots of a row apart, by form and in a legend.
        write: How a value is written.
        lines: Values to be drawn as lines, by what they are called.
        scale: Where the axis begins and ends; None for what the values need.
        axis: What it shows.
    """
    labels = [*dict.fromkeys(frame["label"])]
    keys = [*dict.fromkeys(frame["key"])] if "key" in frame else []
    most = frame["label"].value_counts().max()
    drawing, axes = _rows(len(labels), 0.75 + 0.3 * bool(keys), 1 + 0.22 * (most - 1))
    for name, at in (lines or {}).items():
        axes.axvline(100 * at, color=_light("dim"), linestyle=(0, (4, 3)), linewidth=1)
        text = {"color": _light("dim"), "fontsize": 8.5, "va": "bottom", "ha": "left"}
        axes.text(100 * at, -0.72, f" {label_of(name)}", **text)
    for place, label in enumerate(labels):
        rows = frame[frame["label"] == label].to_dict("records")
        for nth, row in enumerate(rows):
            at = place + 0.12 + (nth - (len(rows) - 1) / 2) * 0.6 / most
            _dot(axes, at, row, keys)
        _named(axes, place, label, write(rows[0]["value"]) if most == 1 else "")
    if scale:
        axes.set_xlim(scale[0] - 1, scale[1] + 1)
    else:
        axes.axvline(0, color=_light("dim"), linewidth=1)
    axes.grid(axis="x")
    axes.set_xlabel(axis, fontsize=9, color=_light("dim"))
    handles, names = axes.get_legend_handles_labels()
    by_key = dict(zip(names, handles, strict=True))
    if keys:
        drawing.legend(
            *([by_key[k] for k in map(label_of, keys)], [label_of(k) for k in keys]),
            **{"loc": "outside lower center", "ncols": 2 if len(keys) > 4 else 4},
            fontsize=8.5,
        )
    return drawing


def _dot(
    axes: "Axes", place: float, row: Mapping[str, Any], keys: Sequence[str]
) -> None:
    colour = _light(f"m{int(row['colour'])}")
    nth = keys.index(row["key"]) if keys else 0
    if not is_missing(row["lower"]):
        ends = [100 * row["lower"], 100 * row["upper"]]
        axes.plot(ends, [place, place], color=colour, lw=2.2, solid_capstyle="round")
    fill = colour if row["colour"] and nth % 2 == 0 else _light("paper")
    form = {"color": fill, "markeredgecolor": colour, "markersize": 6.5, "ls": ""}
    label = {"label": label_of(row["key"])} if keys else {}
    axes.plot(
        [100 * row["value"]], [place], _MARKERS[nth % len(_MARKERS)], **form, **label
    )


def bands(frame: "pd.DataFrame", names: Sequence[str]) -> "Drawing":
    """Stacked bars of counts, a row of the frame each.

    Args:
        frame: With `label` and a column of counts for each of the names.
        names: The bands, best first, then what is left without one.
    """
    drawing, axes = _rows(len(frame), 0.9)
    shades = [_light(f"h{n}") for n in (10, 8, 5, 2, 0)] + [_light("none")]
    widest = max(frame[list(names)].sum(axis=1).max(), 1)
    for place, row in enumerate(frame.to_dict("records")):
        start = 0
        for nth, name in enumerate(names):
            count = row[name]
            axes.barh(
                *(place, count, 0.4),
                **{
                    "left": start,
                    "color": shades[nth],
                    "ec": _light("paper"),
                    "lw": 0.8,
                },
                label=name if place == 0 else None,
            )
            if count >= widest * 0.035 * len(str(count)):
                ink = _light("on-high" if nth < 2 else "on-low")
                middle = start + count / 2
                axes.text(
                    middle,
                    place,
                    f"{count}",
                    color=ink,
                    ha="center",
                    va="center",
                    size=8.5,
                )
            start += count
        _named(axes, place, row["label"])
    axes.set_xlim(0, widest)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    drawing.legend(
        loc="outside lower center", ncols=len(names), fontsize=8.5, handlelength=1.2
    )
    return drawing


def strips(shares: "pd.DataFrame", groups: Sequence[tuple[str, int]]) -> "Drawing":
    """A heat map with a strip for each column of shares, a cell for each of its rows.

    Args:
        shares: Shares of the points, 0 to 1, NaN where there is none.
        groups: What the cells are grouped by, in order, and how many of each.
    """
    from matplotlib.colors import ListedColormap

    drawing, axes = _rows(shares.shape[1], 0.75)
    colours = ListedColormap([_light(f"h{n}") for n in range(STEPS)] + [_light("none")])
    levels = (shares * (STEPS - 1)).round().fillna(STEPS)
    edge = {"ec": _light("paper"), "lw": 0.4} if len(shares) <= 120 else {}
    for place, name in enumerate(shares):
        row = [levels[name].to_numpy()]
        across = [*range(len(shares) + 1)]
        axes.pcolormesh(
            *(across, [place - 0.2, place + 0.2], row),
            **{"cmap": colours, "vmin": -0.5, "vmax": STEPS + 0.5, **edge},
        )
        _named(axes, place, name)
    start = 0
    for group, size in groups:
        axes.axvline(start, ymax=0.02, color=_light("dim"), lw=1)
        axes.text(
            *(start, shares.shape[1] - 0.45, f" {label_of(group)}"),
            **{"fontsize": 8.5, "va": "top", "color": _light("dim")},
        )
        start += size
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    _heat_key(drawing, axes, "0 points", "10 points, or right")
    return drawing


def matrix(
    counts: Sequence[Sequence[int]], labels: Sequence[str], rows: str, columns: str
) -> "Drawing":
    """A heat map of how often one rating went with another.

    Args:
        counts: Square, the first rating in rows.
        labels: Of the ratings, in order.
        rows: What the rows are.
        columns: What the columns are.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure as New

    size, most = len(labels), max(max(map(max, counts)), 1)
    drawing = New(figsize=(_WIDTH, 5.6), layout="constrained")
    axes = drawing.add_subplot()
    levels = [
        [-(-(STEPS - 1) * count // most) for count in row] for row in counts
    ]  # rounded up, so that a single count is seen
    edges = [n - 0.5 for n in range(size + 1)]
    colours = ListedColormap([_light(f"h{n}") for n in range(STEPS)])
    cells = {"cmap": colours, "vmin": -0.5, "vmax": STEPS - 0.5, "ec": _light("paper")}
    axes.pcolormesh(edges, edges, levels, lw=0.8, **cells)
    for row in range(size):
        for column in range(size):
            if counts[row][column]:
                ink = _light("on-high" if levels[row][column] > 6 else "on-low")
                place = {"ha": "center", "va": "center", "size": 8.5}
                axes.text(column, row, f"{counts[row][column]:,}", color=ink, **place)
    turned = max(map(len, labels)) > 2
    axes.set_xticks(range(size), labels, rotation=45 if turned else 0)
    axes.set_yticks(range(size), labels)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    axes.spines["bottom"].set_visible(False)
    _heat_key(drawing, axes, "0", f"{most:,} responses")
    return drawing


def _heat_key(drawing: "Drawing", axes: "Axes", least: str, most: str) -> None:
    from matplotlib.patches import Patch

    steps = [Patch(color=_light(f"h{n}"), label="") for n in range(STEPS)]
    steps[0].set_label(least)
    steps[-1].set_label(most)
    drawing.legend(
        handles=[steps[0], *(steps[n] for n in (3, 5, 8)), steps[-1]],
        **{"loc": "outside lower center", "ncols": 5, "fontsize": 8.5},
        **{"handlelength": 1.2, "columnspacing": 0.4},
    )
