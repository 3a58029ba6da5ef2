"""Time capnograms of a ventilated patient; end-tidal CO2 is normally 35-45 mm Hg."""

import math

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas, steps

CYCLE_SECONDS = 5
EXPIRATION_SECONDS = 3.1
SLOW_SECONDS = 1.35


def _exhaled(since: float, end_tidal: float, slow: bool) -> float:
    """Return CO2 (mm Hg) `since` s after the beginning of expiration.

    Dead space empties within 0.3 s into a nearly flat plateau, or `slow`, as lung
    units with unlike time constants empty one after another.
    """
    if since < 0:
        return 0.0
    if since > EXPIRATION_SECONDS:
        return end_tidal * math.exp(-(since - EXPIRATION_SECONDS) / 0.07)
    if slow:
        reached = 1 - math.exp(-EXPIRATION_SECONDS / SLOW_SECONDS)
        return end_tidal * (1 - math.exp(-since / SLOW_SECONDS)) / reached
    upstroke = 1 / (1 + math.exp(-(since - 0.22) / 0.05))
    return upstroke * end_tidal * (0.94 + 0.06 * since / EXPIRATION_SECONDS)


def slow_upstroke_capnogram() -> Image.Image:
    """Draw a ventilated patient's CO2 tracing before and during slow emptying."""
    canvas = Canvas(1000, 640, "#0b0f14")
    panels = (("09:02", 70, 36, False), ("09:14", 360, 47, True))
    for clock, top, end_tidal, slow in panels:
        axes = Axes(canvas, 80, top, 800, top + 215, (0, 24), (0, 60))
        for pressure in (0, 20, 40, 60):
            y = axes.at(0, pressure)[1]
            canvas.line([(80, y), (800, y)], "#2b3640")
            canvas.text(70, y, str(pressure), 16, "#9fb0bd", "rm")
        trace = [
            (time, _exhaled(time % CYCLE_SECONDS - 0.9, end_tidal, slow))
            for time in steps(0, 24, 1440)
        ]
        canvas.line(axes.pixels(trace), "#ffd84a", 2.6)
        canvas.text(80, top - 24, clock, 19, "#dfe7ec", "lm")
        canvas.text(860, top + 40, "EtCO2", 20, "#ffd84a", "lm")
        canvas.text(860, top + 90, str(end_tidal), 54, "#ffd84a", "lm")
        canvas.text(860, top + 135, "mm Hg", 16, "#ffd84a", "lm")
        canvas.text(860, top + 180, "RR  12 /min", 18, "#9fb0bd", "lm")
    canvas.text(800, 46, "CO2 (mm Hg)", 16, "#9fb0bd", "rm")
    start, end = axes.at(0, 0)[0], axes.at(CYCLE_SECONDS, 0)[0]
    canvas.line([(start, 604), (end, 604)], "#9fb0bd", 2)
    canvas.text(end + 12, 604, "5 s", 16, "#9fb0bd", "lm")
    return canvas.finish()
