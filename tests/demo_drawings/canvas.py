"""Anti-aliased drawing by supersampling, with text and plot axes."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

SUPERSAMPLING = 3

Point = tuple[float, float]
Color = str | tuple[int, int, int]


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size * SUPERSAMPLING)


def steps(start: float, stop: float, count: int) -> list[float]:
    """Return `count` + 1 evenly spaced numbers from `start` to `stop`."""
    return [start + (stop - start) * index / count for index in range(count + 1)]


def bell(x: float, center: float, width: float) -> float:
    """Return the Gaussian of unit height with standard deviation `width`."""
    return math.exp(-0.5 * ((x - center) / width) ** 2)


class Canvas:
    """A picture drawn larger than it is delivered; all lengths are final pixels."""

    def __init__(self, width: int, height: int, background: Color = "white") -> None:
        """Start an empty picture of `width` by `height` pixels."""
        size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        self.image = Image.new("RGB", size, background)
        self._draw = ImageDraw.Draw(self.image)

    def blur(self, radius: float) -> None:
        """Soften all that is drawn so far."""
        soft = ImageFilter.GaussianBlur(radius * SUPERSAMPLING)
        self.image.paste(self.image.filter(soft))

    def finish(self) -> Image.Image:
        """Return the picture at its final size."""
        return self.image.reduce(SUPERSAMPLING)

    def line(self, points: Iterable[Point], color: Color = "black", width: float = 1) -> None:
        """Draw a polyline with rounded joints."""
        stroke = max(1, round(width * SUPERSAMPLING))
        self._draw.line(_enlarged(points), color, stroke, joint="curve")

    def dashed(
        self, points: Sequence[Point], color: Color = "black", width: float = 1, dash: float = 8
    ) -> None:
        """Draw a polyline as dashes and gaps, each about `dash` pixels long."""
        run, length, drawn = [points[0]], 0.0, True
        for before, after in itertools.pairwise(points):
            length += math.dist(before, after)
            run.append(after)
            if length >= dash:
                if drawn:
                    self.line(run, color, width)
                run, length, drawn = [after], 0.0, not drawn

    def polygon(self, points: Iterable[Point], fill: Color) -> None:
        """Fill a polygon."""
        self._draw.polygon(_enlarged(points), fill)

    def rectangle(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        """Fill a rectangle; the right and bottom edges lie outside it."""
        corners = _enlarged([(left, top), (right, bottom)])
        (x0, y0), (x1, y1) = corners
        if x1 - 1 >= x0 and y1 - 1 >= y0:
            self._draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill)

    def circle(
        self,
        center: Point,
        radius: float,
        fill: Color | None = None,
        outline: Color | None = None,
        width: float = 1,
    ) -> None:
        """Draw a circle."""
        x, y = center
        box = _enlarged([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.ellipse(box, fill, outline, round(width * SUPERSAMPLING))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 16,
        color: Color = "black",
        anchor: str = "mm",
    ) -> None:
        """Write text; `anchor` is Pillow's two-letter anchor, middle by default."""
        (position,) = _enlarged([(x, y)])
        self._draw.text(position, text, color, _font(size), anchor)

    def upright_text(self, x: float, y: float, text: str, size: float = 16) -> None:
        """Write black text reading upward, centered on the point."""
        left, top, right, bottom = _font(size).getbbox(text)
        size_needed = (math.ceil(right - left) + 2, math.ceil(bottom - top) + 2)
        mask = Image.new("L", size_needed)
        ImageDraw.Draw(mask).text((1 - left, 1 - top), text, 255, _font(size))
        mask = mask.transpose(Image.Transpose.ROTATE_90)
        (center,) = _enlarged([(x, y)])
        corner = (center[0] - mask.width // 2, center[1] - mask.height // 2)
        self.image.paste((0, 0, 0), corner, mask)


def _enlarged(points: Iterable[Point]) -> list[tuple[int, int]]:
    return [(round(x * SUPERSAMPLING), round(y * SUPERSAMPLING)) for x, y in points]


@dataclass(frozen=True)
class Axes:
    """A plot area: a box in pixels and the data ranges that it spans.

    `x_range` runs from the left to the right edge and `y_range` from the bottom to
    the top edge, so an axis is inverted by giving its range in falling order.
    """

    canvas: Canvas
    left: float
    top: float
    right: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def at(self, x: float, y: float) -> Point:
        """Return the pixel position of a data point."""
        x_share = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        y_share = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return (
            self.left + x_share * (self.right - self.left),
            self.bottom - y_share * (self.bottom - self.top),
        )

    def pixels(self, points: Iterable[Point]) -> list[Point]:
        """Return the pixel positions of data points."""
        return [self.at(x, y) for x, y in points]

    def frame(self, color: Color = "black") -> None:
        """Draw the outline of the plot area."""
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        self.canvas.line([*corners, corners[0], corners[1]], color, 1.3)

    def x_ticks(self, ticks: Iterable[tuple[float, str]], grid: Color, size: float = 15) -> None:
        """Draw vertical grid lines with their labels below the plot area."""
        for value, label in ticks:
            x = self.at(value, self.y_range[0])[0]
            self.canvas.line([(x, self.top), (x, self.bottom)], grid)
            self.canvas.text(x, self.bottom + 8, label, size, anchor="mt")

    def y_ticks(self, ticks: Iterable[tuple[float, str]], grid: Color, size: float = 15) -> None:
        """Draw horizontal grid lines with their labels left of the plot area."""
        for value, label in ticks:
            y = self.at(self.x_range[0], value)[1]
            self.canvas.line([(self.left, y), (self.right, y)], grid)
            self.canvas.text(self.left - 8, y, label, size, anchor="rm")
