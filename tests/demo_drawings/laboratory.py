"""Serum protein electrophoresis, with usual reference ranges for adults."""

import math

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas, bell, steps

# Fraction, reference range (g/dL), and its peaks: position and width (share of the
# migration distance on agarose, anode to cathode) and amount (g/dL).
FRACTIONS = (
    ("Albumin", "3.5-5.0", [(0.14, 0.026, 3.2)]),
    ("Alpha-1", "0.2-0.4", [(0.28, 0.020, 0.3)]),
    ("Alpha-2", "0.5-0.9", [(0.41, 0.026, 0.8)]),
    ("Beta", "0.6-1.1", [(0.55, 0.018, 0.5), (0.605, 0.016, 0.3)]),
    ("Gamma", "0.7-1.6", [(0.80, 0.070, 0.4), (0.79, 0.0125, 3.9)]),
)
NAME_POSITIONS = (0.12, 0.275, 0.408, 0.575, 0.835)
BOUNDARIES = (0.215, 0.335, 0.48, 0.67)


def _density(position: float) -> float:
    """Return the stain density, so that areas under the curve are amounts in g/dL."""
    return sum(
        amount / (width * math.sqrt(2 * math.pi)) * bell(position, center, width)
        for _, _, peaks in FRACTIONS
        for center, width, amount in peaks
    )


def _table(canvas: Canvas) -> None:
    amounts = [sum(amount for _, _, amount in peaks) for _, _, peaks in FRACTIONS]
    rows = [("Fraction", "g/dL", "Reference")]
    for (name, reference, _), amount in zip(FRACTIONS, amounts, strict=True):
        rows.append((name, f"{amount:.1f}", reference))
    rows.append(("Total", f"{sum(amounts):.1f}", "6.4-8.3"))
    for index, (name, amount_text, reference) in enumerate(rows):
        y = 200 + 44 * index
        canvas.text(740, y, name, 18, anchor="lm")
        canvas.text(930, y, amount_text, 18, anchor="rm")
        canvas.text(1080, y, reference, 18, anchor="rm")
        canvas.line([(740, y + 22), (1080, y + 22)], "#cccccc")


def narrow_gamma_spike() -> Image.Image:
    """Draw gel lane, densitogram and fractions with a spike in the gamma region."""
    canvas = Canvas(1100, 660)
    axes = Axes(canvas, 50, 170, 690, 600, (0, 1), (0, 140))
    curve = [(position, _density(position)) for position in steps(0, 1, 640)]
    for position, density in curve[:-1]:
        x, ink = axes.at(position, 0)[0], 1 - math.exp(-density / 45)
        color = (round(244 - 205 * ink), round(244 - 170 * ink), round(244 - 95 * ink))
        canvas.rectangle(x, 60, x + 1, 120, color)
    for boundary in BOUNDARIES:
        points = [(boundary, height) for height in steps(0, 140, 140)]
        canvas.dashed(axes.pixels(points), "#bbbbbb")
    canvas.polygon(axes.pixels([(0, 0), *curve, (1, 0)]), "#dbe4f3")
    canvas.line(axes.pixels(curve), "#1a3e7a", 2.6)
    canvas.line([axes.at(0, 0), axes.at(1, 0)], width=1.5)
    for (name, _, _), position in zip(FRACTIONS, NAME_POSITIONS, strict=True):
        canvas.text(axes.at(position, 0)[0], 622, name, 17)
    canvas.text(50, 140, "+  anode", 15, "#555555", "lm")
    canvas.text(690, 140, "cathode  -", 15, "#555555", "rm")
    canvas.text(50, 36, "Serum protein electrophoresis", 19, anchor="lm")
    _table(canvas)
    return canvas.finish()
