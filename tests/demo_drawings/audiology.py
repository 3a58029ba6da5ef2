"""Pure-tone audiograms after the ASHA guidelines (1990) for symbols and layout.

Air conduction is O (right, red) or X (left, blue); bone conduction is < or >
unmasked and [ or ] masked. One octave is as wide as 20 dB is tall.
"""

import math
from dataclasses import dataclass

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas, Color

PIXELS_PER_OCTAVE = 74
OCTAVES = (125, 250, 500, 1000, 2000, 4000, 8000)
AIR_FREQUENCIES = (250, 500, 1000, 2000, 3000, 4000, 6000, 8000)
BONE_FREQUENCIES = (250, 500, 1000, 2000, 3000, 4000)
LEVELS = (-10, 120)


@dataclass(frozen=True)
class Ear:
    """Thresholds of one ear in dB HL at the air and the bone frequencies."""

    air: tuple[int, ...]
    bone: tuple[int, ...]


def _octave(frequency: float) -> float:
    return math.log2(frequency / 125)


def _ear_chart(canvas: Canvas, left: float, ear: Ear, right_ear: bool, masked: bool) -> None:
    color: Color = "#c8102e" if right_ear else "#1240ab"
    top, width = 110, 6.8 * PIXELS_PER_OCTAVE
    height = (LEVELS[1] - LEVELS[0]) / 20 * PIXELS_PER_OCTAVE
    box = (left, top, left + width, top + height)
    axes = Axes(canvas, *box, (-0.4, 6.4), (LEVELS[1], LEVELS[0]))
    for between in (750, 1500, 3000, 6000):
        x = axes.at(_octave(between), 0)[0]
        canvas.dashed([(x, top + y) for y in range(round(height))], "#d0d0d0", 1, 4)
    axes.x_ticks([(octave, "") for octave in range(7)], "#b8b8b8")
    for frequency in OCTAVES:
        canvas.text(axes.at(_octave(frequency), 0)[0], top - 14, str(frequency), 14)
    levels = range(LEVELS[0], LEVELS[1] + 1, 10)
    axes.y_ticks([(level, str(level)) for level in levels], "#b8b8b8", 14)
    canvas.line([axes.at(-0.4, 0), axes.at(6.4, 0)], "#666666", 2)
    axes.frame()
    name = "Right ear" if right_ear else "Left ear"
    canvas.text(left + width / 2, 34, name, 21, color)
    canvas.text(left + width / 2, 70, "Frequency (Hz)", 15)
    air = list(zip(map(_octave, AIR_FREQUENCIES), ear.air, strict=True))
    canvas.line(axes.pixels(air), color, 2)
    for octave, level in air:
        x, y = axes.at(octave, level)
        if right_ear:
            canvas.circle((x, y), 8.5, "white", color, 2.4)
        else:
            canvas.line([(x - 7, y - 7), (x + 7, y + 7)], color, 2.6)
            canvas.line([(x - 7, y + 7), (x + 7, y - 7)], color, 2.6)
    # A right-ear bone symbol lies left of its frequency line, a left-ear one right.
    side = -1 if right_ear else 1
    for octave, level in zip(map(_octave, BONE_FREQUENCIES), ear.bone, strict=True):
        x, y = axes.at(octave, level)
        outer, inner = x + side * 21, x + side * 13
        if masked:
            bracket = [(inner, y - 8), (outer, y - 8), (outer, y + 8), (inner, y + 8)]
        else:
            bracket = [(inner, y - 8), (outer, y), (inner, y + 8)]
        canvas.line(bracket, color, 2.4)


def _audiogram(right: Ear, left: Ear, masked: bool) -> Image.Image:
    canvas = Canvas(1160, 660)
    _ear_chart(canvas, 80, right, True, masked)
    _ear_chart(canvas, 642, left, False, masked)
    canvas.upright_text(24, 350, "Hearing level (dB HL)", 16)
    bone = "[  ] bone, masked" if masked else "<  > bone, unmasked"
    legend = f"O  X  air conduction          {bone}"
    canvas.text(580, 626, legend, 16, "#333333")
    return canvas.finish()


def air_bone_gap() -> Image.Image:
    """Draw a rising conductive loss with a bone notch at 2 kHz in both ears."""
    right = Ear((55, 55, 50, 45, 45, 45, 50, 50), (5, 10, 15, 30, 20, 15))
    left = Ear((50, 50, 45, 40, 40, 35, 40, 45), (5, 5, 10, 25, 15, 10))
    return _audiogram(right, left, masked=True)


def notched_loss() -> Image.Image:
    """Draw a sensorineural notch at 4 kHz with recovery at 8 kHz in both ears."""
    right = Ear((10, 10, 10, 15, 40, 60, 40, 20), (10, 5, 10, 15, 35, 60))
    left = Ear((10, 5, 10, 15, 45, 65, 45, 25), (5, 5, 10, 10, 45, 60))
    return _audiogram(right, left, masked=False)
