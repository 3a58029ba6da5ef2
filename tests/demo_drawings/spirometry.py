"""Flow-volume loops of forced breathing."""

import math

from PIL import Image

from tests.demo_drawings.canvas import Axes, Canvas, Point, steps


def _limited(flow: float, ceiling: float) -> float:
    """Return the flow bounded smoothly, so that the plateau has round shoulders."""
    return float((flow**-7 + ceiling**-7) ** (-1 / 7)) if flow > 1e-9 else 0.0


def _loop(capacity: float, ceiling: float) -> list[Point]:
    """Return a forced loop as volume exhaled (L) and flow (L/s, out is positive).

    The unlimited loop peaks early at 6.9 L/s and then declines nearly straight;
    inspiration is a half ellipse of 5.2 L/s. Peak flow and vital capacity are about
    those predicted for a woman of 44 years and 170 cm (Quanjer et al. 1993).
    """
    out, back = [], []
    for angle in steps(0, math.pi, 240):
        share = (1 - math.cos(angle)) / 2
        wobble = 0.02 * (math.sin(41 * share) + math.sin(67 * share + 1))
        flow = 8.6 * (1 - math.exp(-share / 0.045)) * (1 - share) ** 1.15
        out.append((capacity * share, _limited(flow, ceiling + wobble)))
        flow = 5.2 * math.sin(angle)
        back.append((capacity * share, -_limited(flow, 0.93 * ceiling - wobble)))
    return out + back[::-1]


def flattened_loop() -> Image.Image:
    """Draw a flow-volume loop with a plateau in both limbs over the predicted one."""
    canvas = Canvas(900, 800)
    axes = Axes(canvas, 110, 40, 860, 700, (-0.4, 4.6), (-7, 8))
    axes.x_ticks([(volume, str(volume)) for volume in range(5)], "#e2e2e2", 17)
    axes.y_ticks([(flow, str(flow)) for flow in range(-6, 9, 2)], "#e2e2e2", 17)
    canvas.line([axes.at(-0.4, 0), axes.at(4.6, 0)], "#555555", 1.5)
    axes.frame()
    canvas.dashed(axes.pixels(_loop(3.5, 20)), "#777777", 2.2, 9)
    canvas.line(axes.pixels(_loop(3.3, 2.2)), "#0b3d91", 3.4)
    canvas.text(485, 752, "Volume exhaled (L)", 19)
    canvas.upright_text(40, 370, "Flow (L/s)", 19)
    canvas.text(130, 62, "Expiration", 18, "#444444", "lm")
    canvas.text(130, 678, "Inspiration", 18, "#444444", "lm")
    canvas.line([(640, 75), (700, 75)], "#0b3d91", 3.4)
    canvas.text(712, 75, "Measured", 18, anchor="lm")
    canvas.dashed([(x, 105) for x in range(640, 701)], "#777777", 2.2, 9)
    canvas.text(712, 105, "Predicted", 18, anchor="lm")
    return canvas.finish()
