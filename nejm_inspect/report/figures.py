"""Three kinds of picture: dots with intervals, stacked bands, heat maps.

Labels are other people's text: drawn as they are read, never as mathematics. Pages hold figures as
SVG whose colours are CSS variables; files are PNG and SVG on white.
"""

import base64
import functools
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Drawing
from matplotlib.font_manager import findfont, get_font
from matplotlib.patches import Patch

from nejm_inspect.report.formats import Write, is_missing
from nejm_inspect.report.palette import DARK, LIGHT, STEPS
from nejm_inspect.report.table import Table
from nejm_inspect.text import one_line

FONT = "DejaVu Sans"  # comes with matplotlib, so that text is alike everywhere
LABEL_LENGTH = 62
_WIDTH, _ROW = 8.8, 0.46  # inches
_MARKERS = "oDs^vPX"
_SMALL: Mapping[str, Any] = {"fontsize": 8.5, "color": LIGHT["dim"]}
_EDGE: Mapping[str, Any] = {"ec": LIGHT["paper"], "lw": 0.8}
_STYLE: dict[str, Any] = {
    **dict.fromkeys(("text.color", "axes.labelcolor"), LIGHT["ink"]),
    **dict.fromkeys(("xtick.color", "ytick.color"), LIGHT["dim"]),
    **dict.fromkeys(("grid.color", "axes.edgecolor"), LIGHT["line"]),
    **{f"axes.spines.{side}": False for side in ("right", "top", "left")},
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0),
    **{"axes.axisbelow": True, "axes.facecolor": "none", "legend.frameon": False},
    **{"font.family": FONT, "font.size": 9, "legend.fontsize": 8.5, "text.parse_math": False},
    **{"savefig.dpi": 150, "svg.fonttype": "path", "svg.hashsalt": "nejm_inspect"},
}


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture of a section and the words that belong to it."""

    name: str
    title: str
    caption: str
    table: Table
    """The table that has the numbers."""
    draw: Callable[[], Drawing]

    @property
    def alt(self) -> str:
        """What stands for the picture where it is not seen."""
        return one_line(f"{self.title}: the numbers are in the table “{self.table.caption}”.")

    @functools.cached_property
    def files(self) -> dict[str, bytes]:
        """The picture as SVG and as PNG, by suffix."""
        written = {}
        with style.context(["default", _STYLE]):
            drawing = self.draw()
            for suffix, metadata in {"svg": {"Date": None}, "png": {}}.items():
                stream = io.BytesIO()
                drawing.savefig(stream, format=suffix, metadata=metadata)
                written[suffix] = stream.getvalue()
                drawing.set_layout_engine("none")  # done once
        return written

    @property
    def address(self) -> str:
        """The SVG as a data URL, its colours those of the reader's light or dark scheme."""
        svg = (
            self.files["svg"].decode().replace("<svg ", '<svg style="color-scheme:light dark" ', 1)
        )
        for name, colour in LIGHT.items():
            svg = svg.replace(colour, f"light-dark({colour}, {DARK[name]})")
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


@functools.cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FONT)).get_charmap())


def label_of(name: object) -> str:
    """A name whose every character the font has; of a long one, start and end."""
    plain = "".join(c if ord(c) in _glyphs() else "\ufffd" for c in one_line(str(name)))
    half = LABEL_LENGTH // 2
    return plain if len(plain) <= LABEL_LENGTH else f"{plain[:half]}…{plain[1 - half :]}"


def _rows(names: Sequence[object], extra: float, height: float = 1) -> tuple[Drawing, Axes]:
    """A drawing with a row for each name, which stands above it: a narrow screen shows both."""
    size = (_WIDTH, extra + _ROW * height * len(names))
    drawing = Drawing(figsize=size, layout="constrained")
    axes = drawing.add_subplot(ylim=(len(names) - 0.4, -0.7), yticks=[])
    for place, name in enumerate(names):
        _aside(axes, 0, place, label_of(name), "left")
    return drawing, axes


def _aside(axes: Axes, across: float, place: int, text: str, side: Any) -> None:
    transform = axes.get_yaxis_transform()
    axes.text(across, place - 0.36, text, ha=side, va="center", transform=transform)


def _legend(drawing: Drawing, columns: int, **keys: Any) -> None:
    drawing.legend(loc="outside lower center", ncols=columns, handlelength=1.2, **keys)


def dots(
    frame: pd.DataFrame,
    values: Mapping[str, str],
    write: Write,
    axis: str,
    *,
    label: str = "name",
    colours: Mapping[str, int] | None = None,
    lines: Mapping[str, float] | None = None,
    whole: bool = True,
) -> Drawing:
    """Dots with intervals in hundredths, a row of the frame in a row of the drawing.

    Args:
        frame: With the values, their bounds and, without `colours`, `colour`.
        values: The columns that are drawn, by form, and what each is called.
        write: How a single value is written.
        axis: What the values are.
        label: The column of the rows' labels.
        colours: The number of each value's colour.
        lines: Values to be drawn as lines, by what they are called.
        whole: Whether the axis goes from 0 to 100.
    """
    many = len(values) - 1
    drawing, axes = _rows([*frame[label]], 0.75 + 0.3 * bool(many), 1 + 0.22 * many)
    for name, at in (lines or {}).items():
        axes.axvline(100 * at, color=LIGHT["dim"], linestyle=(0, (4, 3)), linewidth=1)
        axes.text(100 * at, -0.72, f" {label_of(name)}", va="bottom", **_SMALL)
    for place, row in enumerate(frame.to_dict("records")):
        for nth, value in enumerate(values):
            at = place + 0.12 + (nth - many / 2) * 0.6 / len(values)
            number = int(colours[value] if colours else row["colour"])
            colour, ends = LIGHT[f"m{number}"], (row[f"{value}_lower"], row[f"{value}_upper"])
            if not is_missing(ends[0]):
                across = [100 * end for end in ends]
                axes.plot(across, [at] * 2, color=colour, lw=2.2, solid_capstyle="round")
            fill = colour if number and nth % 2 == 0 else LIGHT["paper"]
            form: Any = {"mfc": fill, "mec": colour, "ms": 6.5, "ls": ""}
            name = label_of(values[value]) if place == 0 else ""
            axes.plot([100 * row[value]], [at], _MARKERS[nth % 7], **form, label=name)
        if not many:
            _aside(axes, 1, place, write(row[next(iter(values))]), "right")
    if whole:
        axes.set_xlim(-1, 101)
    else:
        axes.axvline(0, color=LIGHT["dim"], linewidth=1)
    axes.grid(axis="x")
    axes.set_xlabel(axis, color=LIGHT["dim"])
    if many:
        _legend(drawing, 2 if many > 3 else 4)
    return drawing


def bands(frame: pd.DataFrame, names: Mapping[str, str]) -> Drawing:
    """Stacked bars of counts, a row of the frame each.

    Args:
        frame: With `name` and the columns of counts.
        names: What the columns are called, best first, then what has no points.
    """
    drawing, axes = _rows([*frame["name"]], 0.9)
    counts = frame[[*names]]
    left, widest = counts.cumsum(axis=1) - counts, max(counts.sum(axis=1).max(), 1)
    shades = [LIGHT[f"h{n}"] for n in (10, 8, 5, 2, 0)] + [LIGHT["none"]]
    for nth, (column, name) in enumerate(names.items()):
        own, look = counts[column], {"color": shades[nth], "label": name, **_EDGE}
        bars = axes.barh(range(len(own)), own, 0.4, left[column], **look)
        told = [str(n) if n >= widest * 0.035 * len(str(n)) else "" for n in own]
        ink = LIGHT["on-high" if nth < 2 else "on-low"]
        axes.bar_label(bars, told, label_type="center", color=ink)
    axes.set(xlim=(0, widest), xticks=[])
    axes.spines["bottom"].set_visible(False)
    _legend(drawing, len(names))
    return drawing


def heat(frame: pd.DataFrame, below: Mapping[Any, int], axis: str = "") -> Drawing:
    """A strip of cells for each row of the frame, the darker the more.

    Args:
        frame: Shares of the points, NaN where there is none; or counts, which are written into
            their cells.
        below: Labels below the cells, in order, and how many columns each is about.
        axis: What the columns are.
    """
    drawing, axes = _rows([*frame.index], 0.9 + 0.3 * bool(axis))
    counted = all(pd.api.types.is_integer_dtype(dtype) for dtype in frame.dtypes)
    most = max(int(frame.to_numpy().max()), 1) if counted else 1
    levels = (frame * (STEPS - 1) / most).round().fillna(STEPS).to_numpy()
    colours = ListedColormap([LIGHT[f"h{n}"] for n in range(STEPS)] + [LIGHT["none"]])
    look: Any = {"cmap": colours, "vmin": -0.5, "vmax": STEPS + 0.5}
    look |= {**_EDGE, "lw": 0.4} if frame.shape[1] <= 120 else {}
    for place, strip in enumerate(levels):
        axes.pcolormesh(range(len(strip) + 1), [place - 0.2, place + 0.2], [strip], **look)
        for column, value in enumerate(frame.iloc[place] if counted else ()):
            ink, told = "on-high" if strip[column] > 6 else "on-low", f"{value:,}" if value else ""
            axes.text(column + 0.5, place, told, color=LIGHT[ink], ha="center", va="center")
    for start, label in zip(np.cumsum([0, *below.values()]), below, strict=False):
        axes.text(start, len(frame) - 0.7, f"| {label_of(label)}", va="top", **_SMALL)
    axes.set(xticks=[], ylim=(len(frame) - 0.3, -0.7))
    axes.set_xlabel(axis, color=LIGHT["dim"])
    axes.spines["bottom"].set_visible(False)
    ends = ("0", f"{most:,} responses") if counted else ("0 points, or wrong", "10, or right")
    words = {0: ends[0], 3: "", 5: "", 8: "", 10: ends[1]}
    keys = [Patch(color=LIGHT[f"h{n}"], label=word) for n, word in words.items()]
    _legend(drawing, 5, handles=keys, columnspacing=0.4)
    return drawing
