"""Electroencephalogram, ear-referenced, with the 10-20 electrode names."""

import math
import random

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas, bell, steps

# Left and right electrode; their share of a frontally dominant generalized
# discharge and of the posterior alpha rhythm.
ELECTRODES = (
    ("Fp1", "Fp2", 0.85, 0.15),
    ("F3", "F4", 1.0, 0.15),
    ("C3", "C4", 0.85, 0.3),
    ("P3", "P4", 0.6, 0.8),
    ("O1", "O2", 0.4, 1.0),
    ("F7", "F8", 0.7, 0.1),
    ("T3", "T4", 0.45, 0.2),
    ("T5", "T6", 0.38, 0.6),
)
SECONDS = 10
START, END = 2.3, 7.9
SPACING = 49
PIXELS_PER_MICROVOLT = 0.155


def _discharge(time: float) -> float:
    """Return the spike-and-wave potential (uV), slowing from 3.2 to 2.8 per second.

    The rate is within the 2.5 to 4 per second of the ILAE definition (2022).
    """
    if not START <= time < END:
        return 0
    elapsed = time - START
    phase = (3.2 * elapsed - 0.2 * elapsed**2 / (END - START)) % 1
    spike = bell(phase, 0.14, 0.035) - 0.3 * bell(phase, 0.26, 0.04)
    wave = math.sin(math.pi * (phase - 0.3) / 0.7) ** 2 if phase > 0.3 else 0
    envelope = min(1, 0.6 + elapsed, (END - time) / 0.5)
    return envelope * (-240 * spike - 185 * wave)


def _channel(axes: Axes, name: str, discharge_share: float, alpha_share: float) -> None:
    chance = random.Random(name)
    waves = [
        (chance.uniform(6, 140), chance.uniform(0, 6.3), chance.uniform(3, 7)) for _ in range(14)
    ]
    trace = []
    for time in steps(0, SECONDS, 3000):
        alpha = 20 + 12 * math.sin(1.9 * time)
        rest = alpha_share * alpha * math.sin(2 * math.pi * 8.8 * time)
        rest += sum(size * math.sin(rate * time + lag) for rate, lag, size in waves)
        calm = 0.35 if START <= time < END else 1.0
        blink = 150 * bell(time, 1.1, 0.09) if name.startswith("Fp") else 0
        trace.append((time, discharge_share * _discharge(time) + calm * rest + blink))
    axes.canvas.line(axes.pixels(trace), "#10204a", 1.15)
    axes.canvas.text(12, axes.at(0, 0)[1], name, 15, anchor="lm")


def generalized_discharge() -> Image.Image:
    """Draw ten seconds of EEG with regular 3-Hz spike-and-wave, negative upward."""
    canvas = Canvas(1180, 880)
    left, right = 90, 1160
    per_second = (right - left) / SECONDS
    for second in range(SECONDS + 1):
        x = left + per_second * second
        canvas.line([(x, 20), (x, 820)], "#dcdcdc")
    limit = SPACING / PIXELS_PER_MICROVOLT / 2
    for row, (odd, even, *shares) in enumerate(ELECTRODES):
        for name, place in ((f"{odd}-A1", row), (f"{even}-A2", row + len(ELECTRODES))):
            top = 24 + SPACING * place
            box = (left, top, right, top + SPACING)
            axes = Axes(canvas, *box, (0, SECONDS), (limit, -limit))
            _channel(axes, name, *shares)
    high, low = 836 - 100 * PIXELS_PER_MICROVOLT, 836 + 100 * PIXELS_PER_MICROVOLT
    canvas.line([(left, high), (left, low), (left + per_second, low)], width=2)
    canvas.text(left + 8, 834, "200 uV", 15, anchor="lm")
    canvas.text(left + per_second + 8, low, "1 s", 15, anchor="lm")
    return canvas.finish()
