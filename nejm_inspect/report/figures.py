"""Three kinds of picture: dots with intervals, stacked bands, heat maps.

Labels are other people's text: drawn as they are read, never as mathematics. Pages hold
figures as SVG whose colours are CSS variables; files are PNG and SVG on white.
"""

import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from nejm_inspect.report.formats import Write, is_missing, one_line
from nejm_inspect.report.palette import LIGHT, STEPS
from nejm_inspect.report.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

FONT = "DejaVu Sans"  # comes with matplotlib, so that text is alike everywhere
LABEL_LENGTH = 62
_WIDTH, _ROW = 8.8, 0.46  # inches
_MARKERS = "oDs^vPX"
_SMALL: Mapping[str, Any] = {"fontsize": 8.5, "color": LIGHT["dim"]}


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture of a section and the words that belong to it."""

    name: str
    title: str
    caption: str
    table: Table
    """The table that has the numbers."""
    draw: Callable[[], "Drawing"]

    @property
    def alt(self) -> str:
        """What stands for the picture where it is not seen."""
        words = f"{self.title}: the numbers are in the table “{self.table.caption}”."
        return one_line(words)

    @functools.cached_property
    def files(self) -> dict[str, bytes]:
        """The picture as PNG and as SVG, by suffix."""
        from matplotlib import style

        written = {}
        with style.context(["default", _style()]):
            drawing = self.draw()
            for suffix in ("svg", "png"):
                stream = io.BytesIO()
                date: dict[str, Any] = {"Date": None} if suffix == "svg" else {}
                drawing.savefig(stream, format=suffix, metadata=date)
                written[suffix] = stream.getvalue()
                drawing.set_layout_engine("none")  # done once
        return written

    def inline(self, prefix: str) -> Markup:
        """The SVG as part of a page, its colours by variable, its ids by prefix."""
        svg = self.files["svg"].decode()
        svg = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", svg, flags=re.S)
        # A page's security policy does not allow styles.
        svg = re.sub(r'\bstyle="([^"]*)"', _as_attributes, svg[svg.index("<svg") :])
        svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
        for name, colour in LIGHT.items():
            svg = svg.replace(f'"{colour}"', f'"var(--{name})"')
        svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
        label = Markup('<svg role="img" aria-label="{}"').format(self.alt)
        return label + Markup(svg.removeprefix("<svg"))  # noqa: S704 - names are outlines


def _as_attributes(style: re.Match[str]) -> str:
    pairs = (part.split(":", 1) for part in style[1].split(";") if ":" in part)
    return " ".join(f'{name.strip()}="{value.strip()}"' for name, value in pairs)


def _style() -> dict[str, Any]:
    return {
        **dict.fromkeys(("text.color", "axes.labelcolor"), LIGHT["ink"]),
        **dict.fromkeys(("xtick.color", "ytick.color"), LIGHT["dim"]),
        **dict.fromkeys(("grid.color", "axes.edgecolor"), LIGHT["line"]),
        **{f"axes.spines.{side}": False for side in ("right", "top", "left")},
        **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0),
        **{"axes.axisbelow": True, "axes.facecolor": "none", "legend.frameon": False},
        **{"font.family": FONT, "font.size": 9, "legend.fontsize": 8.5},
        **{"savefig.dpi": 150, "svg.fonttype": "path", "svg.hashsalt": "nejm_inspect"},
        "text.parse_math": False,
    }


@functools.cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())


def label_of(name: object) -> str:
    """A name whose every character the font has; of a long one, start and end."""
    plain = "".join(c if ord(c) in _glyphs() else "\ufffd" for c in one_line(str(name)))
    half = LABEL_LENGTH // 2
    return plain if len(plain) <= LABEL_LENGTH else f"{plain[:half]}…{plain[1 - half :]}"


def _rows(count: int, extra: float, height: float = 1) -> tuple["Drawing", "Axes"]:
    """A drawing with a row for each of so many, first one on top."""
    from matplotlib.figure import Figure as New

    size = (_WIDTH, extra + _ROW * height * count)
    drawing = New(figsize=size, layout="constrained")
    axes = drawing.add_subplot(ylim=(count - 0.4, -0.7), yticks=[])
    return drawing, axes


def _named(axes: "Axes", place: int, name: object, value: str = "") -> None:
    """Writes a row's name above it, so that a narrow screen shows both."""
    for at, text, side in ((0, label_of(name), "left"), (1, value, "right")):
        where: Any = {"transform": axes.get_yaxis_transform(), "ha": side, "va": "center"}
        axes.text(at, place - 0.36, text, **where)


def dots(
    frame: "pd.DataFrame",
    value: str,
    write: Write,
    axis: str,
    *,
    label: str = "name",
    key: str = "",
    lines: Mapping[str, float] | None = None,
    whole: bool = True,
) -> "Drawing":
    """Dots with intervals in hundredths, those of one label in one row.

    Args:
        frame: With `colour`, the value and its bounds.
        value: The column of what is drawn.
        write: How it is written.
        axis: What it is.
        label: The column of the rows' labels.
        key: The column that tells the dots of a row apart, by form and in a legend.
        lines: Values to be drawn as lines, by what they are called.
        whole: Whether the axis goes from 0 to 100.
    """
    labels = [*dict.fromkeys(frame[label])]
    keys = [*dict.fromkeys(frame[key])] if key else [""]
    most = frame[label].value_counts().max()
    drawing, axes = _rows(len(labels), 0.75 + 0.3 * bool(key), 1 + 0.22 * (most - 1))
    for name, at in (lines or {}).items():
        axes.axvline(100 * at, color=LIGHT["dim"], linestyle=(0, (4, 3)), linewidth=1)
        axes.text(100 * at, -0.72, f" {label_of(name)}", va="bottom", **_SMALL)
    seen = {}
    for place, name in enumerate(labels):
        rows = frame[frame[label] == name].to_dict("records")
        for nth, row in enumerate(rows):
            at = place + 0.12 + (nth - (len(rows) - 1) / 2) * 0.6 / most
            place_of_key = keys.index(row[key]) if key else 0
            seen[row.get(key, "")] = _dot(axes, at, row, value, place_of_key)
        _named(axes, place, name, write(rows[0][value]) if most == 1 else "")
    if whole:
        axes.set_xlim(-1, 101)
    else:
        axes.axvline(0, color=LIGHT["dim"], linewidth=1)
    axes.grid(axis="x")
    axes.set_xlabel(axis, color=LIGHT["dim"])
    if key:
        named = [label_of(k) for k in keys]
        drawing.legend([seen[k] for k in keys], named, **_below(2 if len(keys) > 4 else 4))
    return drawing


def _below(columns: int) -> dict[str, Any]:
    return {"loc": "outside lower center", "ncols": columns, "handlelength": 1.2}


def _dot(axes: "Axes", place: float, row: Mapping[str, Any], value: str, nth: int) -> Any:
    colour = LIGHT[f"m{int(row['colour'])}"]
    lower, upper = row[f"{value}_lower"], row[f"{value}_upper"]
    if not is_missing(lower):
        ends = [100 * lower, 100 * upper]
        axes.plot(ends, [place] * 2, color=colour, lw=2.2, solid_capstyle="round")
    fill = colour if row["colour"] and nth % 2 == 0 else LIGHT["paper"]
    form: Any = {"color": fill, "markeredgecolor": colour, "markersize": 6.5, "ls": ""}
    marker = _MARKERS[nth % len(_MARKERS)]
    return axes.plot([100 * row[value]], [place], marker, **form)[0]


def bands(frame: "pd.DataFrame", names: Mapping[str, str]) -> "Drawing":
    """Stacked bars of counts, a row of the frame each.

    Args:
        frame: With `name` and the columns of counts.
        names: What the columns are called, best first, then what has no points.
    """
    drawing, axes = _rows(len(frame), 0.9)
    shades = [LIGHT[f"h{n}"] for n in (10, 8, 5, 2, 0)] + [LIGHT["none"]]
    widest = max(frame[list(names)].sum(axis=1).max(), 1)
    for place, row in enumerate(frame.to_dict("records")):
        start = 0
        for nth, (column, name) in enumerate(names.items()):
            count = row[column]
            look: Any = {"color": shades[nth], "ec": LIGHT["paper"], "lw": 0.8}
            axes.barh(place, count, 0.4, left=start, label=name if not place else "", **look)
            if count >= widest * 0.035 * len(str(count)):
                ink = LIGHT["on-high" if nth < 2 else "on-low"]
                middle = start + count / 2
                axes.text(middle, place, str(count), color=ink, ha="center", va="center")
            start += count
        _named(axes, place, row["name"])
    axes.set(xlim=(0, widest), xticks=[])
    axes.spines["bottom"].set_visible(False)
    drawing.legend(**_below(len(names)))
    return drawing


def strips(shares: "pd.DataFrame", groups: Mapping[Any, int]) -> "Drawing":
    """A heat map with a strip for each column of shares, a cell for each of its rows.

    Args:
        shares: Shares of the points, 0 to 1, NaN where there is none.
        groups: How many cells there are of each group, in order.
    """
    drawing, axes = _rows(shares.shape[1], 0.9)
    levels = (shares * (STEPS - 1)).round().fillna(STEPS)
    lines: Any = {"ec": LIGHT["paper"], "lw": 0.4} if len(shares) <= 120 else {}
    across = [*range(len(shares) + 1)]
    for place, name in enumerate(shares):
        edges = [place - 0.2, place + 0.2]
        axes.pcolormesh(across, edges, [levels[name].to_numpy()], **_heat(), **lines)
        _named(axes, place, name)
    start = 0
    for group, size in groups.items():
        axes.text(start, shares.shape[1] - 0.45, f"| {label_of(group)}", va="top", **_SMALL)
        start += size
    axes.set(xticks=[], ylim=(shares.shape[1] - 0.1, -0.7))
    axes.spines["bottom"].set_visible(False)
    _heat_key(drawing, "0 points, or wrong", "10 points, or right")
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
    from matplotlib.figure import Figure as New

    size, most = len(labels), max(*map(max, counts), 1)
    drawing = New(figsize=(_WIDTH, 5.6), layout="constrained")
    turned = 45 if max(map(len, labels)) > 2 else 0
    axes = drawing.add_subplot(xlabel=columns, ylabel=rows, aspect="equal")
    # Rounded up, so that a single count is seen.
    levels = [[-(-(STEPS - 1) * count // most) for count in row] for row in counts]
    edges = [n - 0.5 for n in range(size + 1)]
    axes.pcolormesh(edges, edges, levels, ec=LIGHT["paper"], lw=0.8, **_heat())
    for row, column in ((r, c) for r in range(size) for c in range(size)):
        if count := counts[row][column]:
            ink = LIGHT["on-high" if levels[row][column] > 6 else "on-low"]
            axes.text(column, row, f"{count:,}", color=ink, ha="center", va="center")
    axes.set_xticks(range(size), labels, rotation=turned)
    axes.set_yticks(range(size), labels)
    axes.set_ylim(size - 0.5, -0.5)
    axes.spines["bottom"].set_visible(False)
    _heat_key(drawing, "0", f"{most:,} responses")
    return drawing


def _heat() -> dict[str, Any]:
    from matplotlib.colors import ListedColormap

    colours = ListedColormap([LIGHT[f"h{n}"] for n in range(STEPS)] + [LIGHT["none"]])
    return {"cmap": colours, "vmin": -0.5, "vmax": STEPS + 0.5}


def _heat_key(drawing: "Drawing", least: str, most: str) -> None:
    from matplotlib.patches import Patch

    words = {0: least, 3: "", 5: "", 8: "", 10: most}
    keys = [Patch(color=LIGHT[f"h{n}"], label=word) for n, word in words.items()]
    drawing.legend(handles=keys, columnspacing=0.4, **_below(5))
