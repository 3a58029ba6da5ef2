"""Automated perimetry: gray-scale maps of the central 30 degrees of both eyes."""

import itertools
import math
import random

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas

# Rows of the 30-2 pattern: points per row from 27 degrees above to 27 below, on
# a 6-degree grid that straddles both meridians.
POINTS_PER_ROW = (4, 6, 8, 10, 10, 10, 10, 8, 6, 4)
BLIND_SPOT = (15.0, -1.5)  # Degrees temporal to and above fixation.
CELL_DEGREES = 1.5
PIXELS_PER_DEGREE = 8.5
INK = "#101010"


def _sensitivity(temporal: float, y: float) -> float:
    """Return the threshold (dB) when the temporal half is lost, densest above.

    The normal hill of vision is taken as 33 dB at fixation, falling by 0.27 dB per
    degree, approximate values for middle age (compare Heijl et al. 1987).
    """
    spot_x, spot_y = BLIND_SPOT
    if math.hypot((temporal - spot_x) / 2.9, (y - spot_y) / 3.8) < 1:
        return 0
    if temporal > 0:
        return 0 if y > 0 else 11 + 0.15 * y - 0.1 * temporal
    return 33 - 0.27 * math.hypot(temporal, y)


def _eye(canvas: Canvas, center: float, temporal_side: int, seed: int) -> None:
    """Draw one field; `temporal_side` is -1 for the left eye, 1 for the right."""
    half = 30 * PIXELS_PER_DEGREE
    box = (center - half, 355 - half, center + half, 355 + half)
    axes = Axes(canvas, *box, (-30, 30), (-30, 30))
    randomness = random.Random(seed)
    ripples = [[randomness.uniform(-0.5, 0.5) for _ in range(3)] for _ in range(6)]
    for row, points in enumerate(POINTS_PER_ROW):
        for column, cell in itertools.product(range(points), range(16)):
            x = 6 * column - 3 * (points - 1) + CELL_DEGREES * (cell % 4 - 1.5)
            y = 27 - 6 * row + CELL_DEGREES * (cell // 4 - 1.5)
            level = _sensitivity(x * temporal_side, y)
            if level > 0:
                waves = (math.sin(a * x + b * y + 9 * c) for a, b, c in ripples)
                level += 0.7 * sum(waves)
            left, top = axes.at(x - CELL_DEGREES / 2, y + CELL_DEGREES / 2)
            _halftone(canvas, left, top, level)
    for degrees in (-30, -20, -10, 10, 20, 30):
        (x, y), (zero_x, zero_y) = axes.at(degrees, degrees), axes.at(0, 0)
        color = "#888888" if degrees * temporal_side > 0 else "#222222"
        canvas.line([(x, zero_y - 6), (x, zero_y + 6)], color, 1.3)
        canvas.line([(zero_x - 6, y), (zero_x + 6, y)], "#888888", 1.3)
    canvas.line([axes.at(-30, 0), axes.at(30, 0)], "#888888", 1.3)
    canvas.line([axes.at(0, -30), axes.at(0, 30)], "#888888", 1.3)
    canvas.text(axes.at(30, 0)[0] + 5, 355, "30°", 15, anchor="lm")
    canvas.text(center, 62, "Left eye" if temporal_side < 0 else "Right eye", 21)


def _halftone(canvas: Canvas, left: float, top: float, level: float) -> None:
    """Fill one cell with dots whose ink grows as sensitivity (dB) falls."""
    size = CELL_DEGREES * PIXELS_PER_DEGREE
    ink = min(1.0, max(0.0, 1 - level / 36))
    background, dots = ("white", INK) if ink < 0.6 else (INK, "white")
    dot = size / 3 * math.sqrt(ink if ink < 0.6 else 1 - ink)
    canvas.rectangle(left, top, left + size, top + size, background)
    for index in range(9):
        x = left + size / 3 * (index % 3)
        y = top + size / 3 * (index // 3)
        canvas.rectangle(x, y, x + dot, y + dot, dots)


def temporal_losses() -> Image.Image:
    """Draw both fields with the temporal halves lost up to the vertical meridian."""
    canvas = Canvas(1160, 720)
    _eye(canvas, 290, -1, 4)
    _eye(canvas, 860, 1, 9)
    canvas.text(20, 24, "Central 30-2 threshold, stimulus III white", 16, anchor="lm")
    canvas.text(330, 680, "Sensitivity (dB)", 16, anchor="rm")
    for index, level in enumerate(range(0, 36, 5)):
        left = 350 + 62 * index
        for cell in range(3):
            _halftone(canvas, left + 12.75 * cell, 660, level)
            _halftone(canvas, left + 12.75 * cell, 672.75, level)
        canvas.text(left + 19, 704, str(level), 15)
    return canvas.finish()
