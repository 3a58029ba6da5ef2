"""Draws how often one rating went with another."""

from pathlib import Path
from typing import TYPE_CHECKING

from nejm_inspect.report.figures import DrawnFigure, ink_on, save_figure, style
from nejm_inspect.report.sections import Confusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = (10.0, 6.4)  # inches, as wide as the other figures


def draw_confusion(confusion: Confusion, folder: Path, name: str) -> DrawnFigure:
    """Draws a confusion matrix and saves it as PNG and SVG.

    Args:
        confusion: What to draw, and the words for it.
        folder: Where the files go; made if it is missing.
        name: What the files are called.
    """
    folder.mkdir(parents=True, exist_ok=True)
    png, svg = (folder / f"{name}.{suffix}" for suffix in ("png", "svg"))
    with style():
        save_figure(confusion_figure(confusion), png, svg)
    caption = confusion.caption
    return DrawnFigure(name, confusion.title, caption, _alt(confusion), png, svg)


def confusion_figure(confusion: Confusion) -> "Figure":
    """Counts in cells, shaded within each row, agreement framed on the diagonal."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    counts = np.array(confusion.counts)
    size = len(confusion.labels)
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    colours = colormaps["Blues"]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, colours, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = ink_on(colours(shares[row, column]))
            axes.text(column, row, f"{count:,}", color=ink, ha="center", va="center")
    for place in range(size):
        corner = (place - 0.5, place - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, ec="#333333", lw=1))
    turned = max(map(len, confusion.labels)) > 2
    axes.set_xticks(range(size), confusion.labels, rotation=45 if turned else 0)
    axes.set_yticks(range(size), confusion.labels)
    axes.set_xlabel(confusion.columns)
    axes.set_ylabel(confusion.rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _alt(confusion: Confusion) -> str:
    rows = []
    for label, counts in zip(confusion.labels, confusion.counts, strict=True):
        cells = [
            f"{count} with {other}"
            for other, count in zip(confusion.labels, counts, strict=True)
            if count
        ]
        if cells:
            rows.append(f"{label}: {', '.join(cells)}")
    return (
        f"Matrix of counts, {confusion.rows} by {confusion.columns}. "
        f"{'; '.join(rows) or 'No counts'}."
    )
