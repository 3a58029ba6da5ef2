"""A G-banded karyotype laid out in the ISCN order, groups A to G and sex pair.

`bands.json` holds arms and bands of the UCSC "cytoBand" table (human assembly hg19),
sampled about every 2.5 megabases: 0 to 4 is the Giemsa density (gneg to gpos100),
v variable heterochromatin, c centromere, s stalk, and | the point between the arms.
"""

import json
import math
import random
from pathlib import Path

from PIL import Image

from tests.demo_drawings.canvas import SUPERSAMPLING, Canvas

ROWS = ("1 2 3 - 4 5", "6 7 8 9 10 11 12", "13 14 15 - 16 17 18", "19 20 - 21 22 - X Y")
GRAY = {"0": 205, "1": 165, "2": 128, "3": 92, "4": 62, "v": 105, "c": 95, "s": 200}
PIXELS_PER_SAMPLE = 2.2
HALF_WIDTH = 9.6


def _chromosome(
    canvas: Canvas, x: float, centromere_y: float, bands: str, shake: random.Random
) -> None:
    """Draw one chromosome with its centromere at the point, bent a little."""
    centromere, samples = bands.index("|"), bands.replace("|", "")
    scale = PIXELS_PER_SAMPLE * shake.uniform(0.96, 1.04)
    bend, tilt = shake.uniform(-0.28, 0.28) * len(samples), shake.uniform(-0.04, 0.04)
    contrast = shake.uniform(0.92, 1.04)
    length = len(samples) * scale
    for step in range(round(length * SUPERSAMPLING)):
        along = step / SUPERSAMPLING
        band = samples[min(int(along / scale), len(samples) - 1)]
        to_end = min(along, length - along, 6)
        cap = 0.35 + 0.65 * math.sqrt(max(0.0, 1 - (1 - to_end / 6) ** 2))
        waist = 1 - 0.42 * math.exp(-(((along / scale - centromere) / 1.5) ** 2))
        half = HALF_WIDTH * min(waist, 0.6 if band == "s" else 1) * cap
        middle = x + bend * (along / length - 0.5) ** 2 + tilt * (along - length / 2)
        y = centromere_y + along - centromere * scale
        tone = round(215 - (215 - GRAY[band]) * contrast)
        for inset, gray in ((0.0, min(215, tone + 35)), (1.3, tone)):
            left, right = middle - half + inset, middle + half - inset
            canvas.rectangle(left, y, right, y + 0.4, (gray, gray, gray))


def _karyogram(copies: dict[str, int], seed: int) -> Image.Image:
    """Draw the chromosomes, two of each unless `copies` says otherwise."""
    bands = json.loads((Path(__file__).parent / "bands.json").read_text("utf-8"))
    canvas = Canvas(1100, 960, "#f4f4f1")
    shake = random.Random(seed)
    labels, bottom = [], 0.0
    for row in map(str.split, ROWS):
        arms = [bands[name].split("|") for name in row if name != "-"]
        centromere_y = bottom + 40 + PIXELS_PER_SAMPLE * max(len(p) for p, _ in arms)
        bottom = centromere_y + 32 + PIXELS_PER_SAMPLE * max(len(q) for _, q in arms)
        slot = 1040 / (len(arms) + 0.5 * row.count("-"))
        x = 30.0
        for name in row:
            if name == "-":
                x += slot / 2
                continue
            count = copies.get(name, 2)
            for copy in range(count):
                center = x + slot / 2 + 36 * (copy - (count - 1) / 2)
                _chromosome(canvas, center, centromere_y, bands[name], shake)
            labels.append((x + slot / 2, bottom, name))
            x += slot
    canvas.blur(0.8)
    for x, y, name in labels:
        canvas.line([(x - 34, y - 14), (x + 34, y - 14)], "#555555", 1.2)
        canvas.text(x, y, name, 17)
    return canvas.finish()


def extra_sex_chromosome() -> Image.Image:
    """Draw a metaphase of 47 chromosomes with two X and one Y."""
    return _karyogram({"X": 2, "Y": 1}, seed=21)
