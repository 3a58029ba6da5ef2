"""Electrocardiogram strips on millimeter paper.

The waves are sums of Gaussians after McSharry et al., "A dynamical model for
generating synthetic electrocardiogram signals" (IEEE Trans Biomed Eng 2003;50:289),
here with separate widths before and after the peak so that a limb can be slurred.
"""

import math
import random
from collections.abc import Callable, Mapping

from PIL import Image

from tests.demo_drawings.canvas import Canvas, bell

PIXELS_PER_MM = 5
MM_PER_SECOND = 25
MM_PER_MILLIVOLT = 10
PAPER_MM = 230
HEADER_MM = 10
TRACE_START_MM = 13

# Peak after the event (ms), height (mV), width before and after the peak (ms).
Wave = tuple[float, float, float, float]
Signal = Callable[[float], float]


def _heartbeats(beats: list[float], waves: list[Wave]) -> Signal:
    """Return the voltage over time (s) of a group of waves at each event (s)."""

    def voltage(time: float) -> float:
        return sum(
            height * bell(lag, 0, before if lag < 0 else after)
            for beat in beats
            for peak, height, before, after in waves
            for lag in (1000 * (time - beat) - peak,)
        )

    return voltage


def _sum(*signals: Signal) -> Signal:
    return lambda time: sum(signal(time) for signal in signals)


def _paper(height_mm: int) -> Canvas:
    width, height = PAPER_MM * PIXELS_PER_MM + 1, height_mm * PIXELS_PER_MM + 1
    canvas = Canvas(width, height, "#fff6f4")
    for spacing, color in ((PIXELS_PER_MM, "#fadcd8"), (5 * PIXELS_PER_MM, "#efa9a3")):
        for x in range(0, width, spacing):
            canvas.rectangle(x, 0, x + 1, height, color)
        for y in range(0, height, spacing):
            canvas.rectangle(0, y, width, y + 1, color)
    canvas.text(15, 25, "25 mm/s    10 mm/mV", 17, anchor="lm")
    return canvas


def _strip(leads: Mapping[str, Signal], row_mm: int) -> Image.Image:
    """Draw simultaneous leads, each after a calibration pulse of 1 mV and 0.2 s."""
    canvas = _paper(HEADER_MM + row_mm * len(leads))
    tremor = random.Random(5)
    for row, (name, signal) in enumerate(leads.items()):
        zero_mm = HEADER_MM + row_mm * (row + 0.53)
        trace = []
        for step in range(TRACE_START_MM * 10, (PAPER_MM - 2) * 10, 2):
            time = (step / 10 - TRACE_START_MM) / MM_PER_SECOND
            wander = 0.02 * math.sin(1.3 * time + row) + tremor.gauss(0, 0.004)
            trace.append((step / 10, MM_PER_MILLIVOLT * (signal(time) + wander)))
        pulse = [(2.0, 0.0), (4, 0), (4, 10), (9, 10), (9, 0), (11, 0)]
        for curve in (pulse, trace):
            points = [(x * PIXELS_PER_MM, (zero_mm - y) * PIXELS_PER_MM) for x, y in curve]
            canvas.line(points, "#111111", 1.6)
        x, y = (TRACE_START_MM + 2) * PIXELS_PER_MM, (zero_mm - 13) * PIXELS_PER_MM
        canvas.text(x, y, name, 20, anchor="lm")
    return canvas.finish()


def dissociated_rhythm() -> Image.Image:
    """Draw P waves at 88/min and, unrelated to them, wide beats at 36/min."""
    shake = random.Random(1)
    atria = [0.12 + 60 / 88 * n + shake.uniform(-0.012, 0.012) for n in range(14)]
    ventricles = [0.62 + 60 / 36 * n + shake.uniform(-0.01, 0.01) for n in range(6)]
    p_waves: dict[str, list[Wave]] = {
        "II": [(0, 0.19, 26, 26)],
        "V1": [(-18, 0.09, 18, 18), (24, -0.07, 20, 20)],
    }
    inferior: list[Wave] = [(-60, -0.1, 12, 14), (-12, 0.85, 22, 26), (48, 0.36, 20, 26)]
    inferior += [(100, -0.3, 22, 32), (380, -0.36, 75, 50)]
    septal: list[Wave] = [(-60, 0.15, 12, 14), (0, -0.9, 24, 26), (55, -0.5, 22, 30)]
    septal += [(380, 0.38, 80, 50)]
    leads = {
        name: _sum(_heartbeats(atria, p_waves[name]), _heartbeats(ventricles, waves))
        for name, waves in (("II", inferior), ("V1", septal))
    }
    return _strip(leads, 38)


def _twisting(onset: float, lead_angle: float) -> Signal:
    """Return a tachycardia of 230/min whose axis turns once in 3.5 s."""

    def voltage(time: float) -> float:
        elapsed = max(0.0, time - onset)
        phase = 2 * math.pi * (3.8 * elapsed + 0.05 * math.sin(2.1 * elapsed))
        axis = math.pi * elapsed / 1.75 + lead_angle
        # A pointed peak, unlike a sine, shows which way the complexes point.
        pointed = 2.1 * math.exp(1.8 * (math.cos(phase) - 1)) - 0.85
        growth = 1 - math.exp(-elapsed / 0.2)
        return growth * (math.sin(axis) * pointed + 0.14 * math.sin(phase))

    return voltage


def twisting_tachycardia() -> Image.Image:
    """Draw long-QT sinus beats, an R-on-T beat, then twisting beats at 230/min."""
    sinus: list[Wave] = [(-170, 0.13, 26, 26), (-25, -0.06, 8, 8), (0, 0.9, 11, 11)]
    sinus += [(30, -0.18, 9, 12), (470, 0.36, 100, 60)]
    early: list[Wave] = [(0, 1.1, 35, 40), (120, -0.35, 40, 50), (340, -0.45, 100, 70)]
    slow = _heartbeats([0.35, 2.15], sinus)
    # The second early beat has no T wave of its own: it starts the tachycardia.
    premature = _sum(_heartbeats([0.98], early), _heartbeats([2.72], early[:1]))
    leads = {
        name: _sum(slow, premature, _twisting(2.86, angle))
        for name, angle in (("II", 0.9), ("V5", 0.2))
    }
    return _strip(leads, 42)
