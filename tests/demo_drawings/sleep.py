"""Polysomnography: periodic breathing as the AASM manual describes it.

Cycles last at least 40 s; breathing waxes and wanes, and effort stops in the apneas.
"""

import math
import random

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas, steps

RECORDING_SECONDS = 300
BREATH_SECONDS = 2.9


def _ventilation() -> list[float]:
    """Return the amplitude of breathing per second (0 during apnea), peak about 1."""
    randomness = random.Random(12)
    amplitudes: list[float] = []
    while len(amplitudes) <= RECORDING_SECONDS:
        length, peak = randomness.randint(35, 42), randomness.uniform(0.88, 1.0)
        rise = [math.sin(math.pi * second / length) ** 1.2 for second in range(length)]
        apnea_seconds = randomness.randint(22, 27)
        amplitudes += [peak * share for share in rise] + [0.0] * apnea_seconds
    return amplitudes[: RECORDING_SECONDS + 1]


def _saturation(ventilation: list[float]) -> list[float]:
    """Return SpO2 (%) per second, following ventilation with lag and smoothing."""
    circulation_seconds, smoothing_seconds = 17, 14
    level, saturation = 90.0, []
    for amplitude in ([0.0] * circulation_seconds + ventilation)[: len(ventilation)]:
        level += (86.5 + 12 * amplitude - level) / smoothing_seconds
        saturation.append(level)
    return saturation


def waxing_and_waning_sleep() -> Image.Image:
    """Draw five minutes of sleep: airflow, chest and abdominal effort, SpO2."""
    canvas = Canvas(1150, 700)
    tremor = random.Random(8)
    left, right, seconds = 150, 1120, RECORDING_SECONDS
    ventilation = _ventilation()
    axes = Axes(canvas, left, 500, right, 640, (0, seconds), (84, 100))
    axes.y_ticks([(level, str(level)) for level in (85, 90, 95, 100)], "#dddddd", 14)
    for mark in range(0, seconds + 1, 30):
        x = axes.at(mark, 84)[0]
        canvas.line([(x, 50), (x, 640)], "#dddddd")
        canvas.text(x, 664, f"{mark // 60}:{mark % 60:02d}", 15)
    canvas.line(axes.pixels(enumerate(_saturation(ventilation))), "#b00020", 2)
    canvas.text(20, 570, "SpO2 (%)", 16, anchor="lm")
    canvas.text(left, 26, "Stage N2, supine", 17, anchor="lm")
    canvas.text(right, 26, "Time (min:s)", 16, anchor="rm")
    channels = (
        ("Nasal pressure", 0.95, 0.0, "#0b3d91"),
        ("Thorax", 0.8, 0.03, "#1b6e3c"),
        ("Abdomen", 0.7, 0.02, "#7a3e00"),
    )
    for row, (name, gain, heartbeat, color) in enumerate(channels):
        top = 55 + row * 145
        axes = Axes(canvas, left, top, right, top + 135, (0, seconds), (-1.1, 1.1))
        trace = []
        for time in steps(0, seconds, 6000):
            second = min(int(time), seconds - 1)
            before, after = ventilation[second : second + 2]
            amplitude = before + (after - before) * (time - second)
            phase = 2 * math.pi * time / BREATH_SECONDS
            breath = math.sin(phase) + 0.2 * math.sin(2 * phase)
            heart = heartbeat * math.sin(2 * math.pi * 1.2 * time)
            level = gain * amplitude * breath + heart + tremor.gauss(0, 0.008)
            trace.append((time, level))
        canvas.line(axes.pixels(trace), color, 1.3)
        canvas.text(20, top + 67, name, 16, anchor="lm")
    return canvas.finish()
