"""Three kinds of picture: dots with intervals, stacked bands, heat maps."""

import base64
import functools
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
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

from nejm_inspect.report.formats import Write
from nejm_inspect.report.table import Table
from nejm_inspect.text import one_line

# The colours of light and dark pages by the name of their CSS variable: m1 to m8 are the models',
# Okabe and Ito's made legible on either background; h0 to h10 a ramp from 0 to 10 points. No two
# light ones are equal, since `address` finds the dark one by it.
_NAMES = "ink dim line paper soft on-low on-high none m0 m1 m2 m3 m4 m5 m6 m7 m8 "
_NAMES += "h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 h10"
_LIGHT = "1a2330 566271 dde3ea ffffff f5f7fa 1a2331 fefefe c9ced6 6b7684 "
_LIGHT += "0b6fb8 c2571a 12805c 9a4f96 8f6c00 2c8fb0 b03a52 4f5d2f "
_LIGHT += "e9f0f6 d4e4f0 bfd8ea a9cbe5 94bfdf 7fb3d9 689fc9 518bb9 3977aa 22639a 0b4f8a"
_DARK = "e7ecf2 9dabba 2c3846 10161d 18212b e6ecf3 0c1219 4a5563 97a3b1 "
_DARK += "5fb3ec f0965c 52c79c d59ad1 e0b84a 7fd4ee f08a9d b5c987 "
_DARK += "1e2935 213649 24435d 275170 2a5e84 2d6b98 4580ab 5d96be 75abd2 8dc1e5 a5d6f8"
LIGHT, DARK = (
    {name: f"#{colour}" for name, colour in zip(_NAMES.split(), colours.split(), strict=True)}
    for colours in (_LIGHT, _DARK)
)
RAMP = [LIGHT[f"h{points}"] for points in range(11)]

FONT = "DejaVu Sans"  # comes with matplotlib: text looks alike everywhere
LABEL_LENGTH = 62
_GLYPHS = frozenset(get_font(findfont(FONT)).get_charmap())
_MARKERS = "oDs^vPX"
_BELOW: Any = {"loc": "outside lower center"}
_SMALL: Mapping[str, Any] = {"fontsize": 8.5, "color": LIGHT["dim"]}
_EDGE: Mapping[str, Any] = {"ec": LIGHT["paper"], "lw": 0.8}
_STYLE: dict[str, Any] = {
    **dict.fromkeys(("axes.labelcolor", "xtick.color"), LIGHT["dim"]),
    **dict.fromkeys(("grid.color", "axes.edgecolor"), LIGHT["line"]),
    **{f"axes.spines.{side}": False for side in ("right", "top", "left", "bottom")},
    **{"text.color": LIGHT["ink"], "xtick.major.size": 0, "axes.axisbelow": True},
    **{"axes.facecolor": "none", "legend.frameon": False, "legend.handlelength": 1.2},
    **{"font.family": FONT, "font.size": 9, "legend.fontsize": 8.5, "text.parse_math": False},
    **{"savefig.dpi": 150, "svg.fonttype": "path", "svg.hashsalt": "nejm_inspect"},
}


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture of a section and the words that belong to it."""

    name: str
    title: str
    caption: str
    table: Table  # has the numbers
    draw: Callable[[], Drawing]

    @property
    def alt(self) -> str:
        """What stands for the picture where it is not seen."""
        return f"{self.title}: the numbers are in the table “{self.table.caption}”."

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
        svg = self.files["svg"].decode().replace("<svg ", '<svg style="color-scheme:light dark" ')
        for name, colour in LIGHT.items():
            svg = svg.replace(colour, f"light-dark({colour}, {DARK[name]})")
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def label_of(name: object) -> str:
    """A name whose every character the font has; of a long one, start and end."""
    plain = "".join(c if ord(c) in _GLYPHS else "\ufffd" for c in one_line(str(name)))
    plain = f" {plain}" if plain.startswith("_") else plain  # which legends leave out
    half = LABEL_LENGTH // 2
    return plain if len(plain) <= LABEL_LENGTH else f"{plain[:half]}…{plain[1 - half :]}"


def _rows(names: Sequence[object], extra: float, height: float = 1) -> tuple[Drawing, Axes]:
    """A drawing with a row for each name, which stands above it: a narrow screen shows both."""
    size = (8.8, extra + 0.46 * height * len(names))  # inches
    drawing = Drawing(figsize=size, layout="constrained")
    axes = drawing.add_subplot(ylim=(len(names) - 0.5, -0.7), yticks=[])
    _aside(axes, 0, map(label_of, names), ha="left")
    return drawing, axes


def _aside(axes: Axes, across: float, texts: Iterable[str], **look: Any) -> None:
    box = {"fc": LIGHT["paper"], "ec": "none", "pad": 0}  # no line crosses a text
    look |= {"va": "center", "transform": axes.get_yaxis_transform(), "bbox": box}
    for place, text in enumerate(texts):
        axes.text(across, place - 0.36, text, **look)


def dots(
    frame: pd.DataFrame,
    values: Mapping[str, str],
    write: Write,
    axis: str,
    *,
    colours: Mapping[str, int] | None = None,
    lines: Mapping[str, float] | None = None,
    whole: bool = True,
) -> Drawing:
    """Dots with intervals in hundredths, a row of the frame in a row of the drawing.

    The frame has `name`, the `values` (columns, and what each is called) with their bounds, and,
    without `colours` (the number of each value's colour), `colour`. A single value is also written.
    `lines` are values to be drawn as lines, by what they are called. A `whole` axis is 0 to 100.
    """
    many = len(values) - 1
    drawing, axes = _rows([*frame["name"]], 0.75 + 0.3 * bool(many), 1 + 0.22 * many)
    for name, at in (lines or {}).items():
        axes.axvline(100 * at, color=LIGHT["dim"], linestyle=(0, (4, 3)), linewidth=1)
        axes.text(100 * at, -0.72, f" {label_of(name)}", va="bottom", **_SMALL)
    for nth, (value, name) in enumerate(values.items()):
        places = np.arange(len(frame)) - 0.08 + nth * 0.55 / len(values)
        numbers = [colours[value]] * len(frame) if colours else [*frame["colour"]]
        inks = [LIGHT[f"m{number:.0f}"] for number in numbers]
        filled = [ink if ink != LIGHT["m0"] and nth % 2 == 0 else LIGHT["paper"] for ink in inks]
        lower, upper, middle = (100 * frame[f"{value}{end}"] for end in ("_lower", "_upper", ""))
        axes.hlines(places, lower, upper, inks, lw=2.2, capstyle="round")
        form: Any = {"marker": _MARKERS[nth % 7], "edgecolors": inks, "lw": 1, "zorder": 3}
        axes.scatter(middle, places, 6.5**2, filled, label=label_of(name), **form)
    if many:
        drawing.legend(**_BELOW, ncols=2 if many > 3 else 4)
    else:
        _aside(axes, 1, map(write, frame[value]), ha="right")
    if whole:
        axes.set_xlim(-1, 101)
    else:
        axes.axvline(0, color=LIGHT["dim"], linewidth=1)
        axes.margins(x=0.1)  # for what is written
    axes.spines["bottom"].set_visible(True)
    axes.grid(axis="x")
    axes.set_xlabel(axis)
    return drawing


def bands(frame: pd.DataFrame, names: Mapping[str, str]) -> Drawing:
    """Stacked bars of counts or percentages; `names`: what each column is called, best first."""
    drawing, axes = _rows([*frame["name"]], 0.9)
    counts = frame[[*names]]
    left, widest = counts.cumsum(axis=1) - counts, max(counts.sum(axis=1).max(), 1)
    shades = [*(RAMP[n] for n in (10, 8, 5, 2, 0)), LIGHT["none"]]
    for nth, (column, name) in enumerate(names.items()):
        own, look = counts[column], {"color": shades[nth], "label": name, **_EDGE}
        bars = axes.barh(range(len(own)), own, 0.4, left[column], **look)
        told = [f"{n:.0f}" if n >= widest * 0.035 * len(f"{n:.0f}") else "" for n in own]
        ink = LIGHT["on-high" if nth < 2 else "on-low"]
        axes.bar_label(bars, told, label_type="center", color=ink)
    axes.set(xlim=(0, widest), xticks=[])
    drawing.legend(**_BELOW, ncols=len(names))
    return drawing


def heat(frame: pd.DataFrame, axis: str = "", below: Mapping[Any, int] | None = None) -> Drawing:
    """A strip of cells for each row of the frame, the darker the more.

    The frame has shares of the points, NaN where there is none; or counts, which are written into
    their cells. `below` has labels below the cells, and how many columns each is about; by default
    the names of the columns.
    """
    drawing, axes = _rows([*frame.index], 0.9 + 0.3 * bool(axis))
    counted = all(pd.api.types.is_integer_dtype(dtype) for dtype in frame.dtypes)
    most = max(int(frame.to_numpy().max()), 1) if counted else 1
    levels = (frame * 10 / most).round().fillna(11).to_numpy()
    look: Any = {"cmap": ListedColormap([*RAMP, LIGHT["none"]]), "vmin": -0.5, "vmax": 11.5}
    look |= {**_EDGE, "lw": 0.4} if frame.shape[1] <= 120 else {}
    for place, strip in enumerate(levels):
        axes.pcolormesh(range(len(strip) + 1), [place - 0.2, place + 0.2], [strip], **look)
        for column, value in enumerate(frame.iloc[place] if counted else ()):
            ink, told = "on-high" if strip[column] > 6 else "on-low", f"{value:,}" if value else ""
            axes.text(column + 0.5, place, told, color=LIGHT[ink], ha="center", va="center")
    below = dict.fromkeys(frame, 1) if below is None else below
    for start, label in zip(np.cumsum([0, *below.values()]), below, strict=False):
        axes.text(start, len(frame) - 0.7, f"| {label_of(label)}", va="top", **_SMALL)
    axes.set(xticks=[], xlabel=label_of(axis), ylim=(len(frame) - 0.3, -0.7))
    ends = ("0", f"{most:,} responses") if counted else ("0 points, or wrong", "10, or right")
    words = {0: ends[0], 3: "", 5: "", 8: "", 10: ends[1]}
    keys = [Patch(color=RAMP[n], label=word) for n, word in words.items()]
    drawing.legend(**_BELOW, ncols=5, handles=keys, columnspacing=1)
    return drawing
