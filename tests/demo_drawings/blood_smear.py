"""A peripheral blood smear in Wright stain, seen through a round field."""

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.demo_drawings.canvas import Canvas, Point

WIDTH, HEIGHT = 920, 740
MICROMETER = 7.8  # Pixels; a normal red cell measures 7.5 micrometers.
PLASMA = (246, 240, 236)
NUCLEUS = (118, 84, 150)
HEMOGLOBIN = (214, 140, 132)
Color = tuple[int, int, int]
Ring = tuple[float, Color]


def _pale(share: float) -> Color:
    """Return the color of a red cell, from full (0) to no hemoglobin (1)."""
    red, green, blue = (
        round(full + share * (none - full)) for full, none in zip(HEMOGLOBIN, PLASMA, strict=True)
    )
    return red, green, blue


DISC = ((1, 0), (0.95, 0.1), (0.7, 0.2), (0.5, 0.4), (0.38, 0.6), (0.25, 0.75))
TARGET = ((1, 0), (0.94, 0.12), (0.72, 0.68), (0.42, 0.2), (0.3, 0.05))
# Each cell is a stack of shrinking outlines: scale and color, from rim to center.
RINGS: dict[str, list[Ring]] = {
    "disc": [(scale, _pale(share)) for scale, share in DISC],
    "target": [(scale, _pale(share)) for scale, share in TARGET],
    "crescent": [(1.0, (196, 112, 108)), (0.82, (205, 120, 115))],
    "platelet": [(1.0, (196, 164, 204)), (0.6, (170, 130, 182))],
}
# Distance (pixels) that a cell keeps; red cells may overlap a little.
ROOM = {"crescent": 39.0, "target": 26.5, "disc": 26.5, "platelet": 8.0}


def _disc(radius: float, chance: random.Random) -> list[Point]:
    """Return a nearly round outline about the origin (pixels)."""
    waves = [(k, chance.uniform(0, 0.03), chance.uniform(0, 6.3)) for k in (2, 3, 4)]
    outline = []
    for angle in (math.radians(degree) for degree in range(0, 360, 4)):
        size = radius * (1 + sum(a * math.cos(k * angle + p) for k, a, p in waves))
        outline.append((size * math.cos(angle), size * math.sin(angle)))
    return outline


def _crescent(chance: random.Random) -> list[Point]:
    """Return a pointed outline along an arc about the origin (pixels)."""
    length, thickness = chance.uniform(9.5, 13), chance.uniform(1.9, 2.8)
    bend, turn = chance.uniform(0.9, 2.1), chance.uniform(0, 2 * math.pi)
    radius = length / bend
    upper: list[Point] = []
    lower: list[Point] = []
    for step in range(-20, 21):
        angle = step / 20 * bend / 2
        half = thickness / 2 * (1 - abs(step / 20) ** 2.2)
        for reach, edge in ((radius + half, upper), (radius - half, lower)):
            along, across = reach * math.sin(angle), radius - reach * math.cos(angle)
            x = along * math.cos(turn) - across * math.sin(turn)
            y = along * math.sin(turn) + across * math.cos(turn)
            edge.append((x * MICROMETER, y * MICROMETER))
    return upper + lower[::-1]


def _stain(film: Image.Image, center: Point, outline: list[Point], rings: list[Ring]) -> None:
    """Multiply a soft cell onto the film, as overlapping cells add their color."""
    reach = math.ceil(max(math.hypot(x, y) for x, y in outline)) + 4
    tile = Canvas(2 * reach, 2 * reach, "white")
    for scale, color in rings:
        tile.polygon([(reach + x * scale, reach + y * scale) for x, y in outline], color)
    _overlay(film, center, tile)


def _overlay(film: Image.Image, center: Point, tile: Canvas) -> None:
    tile.blur(0.9)
    stained = tile.finish()
    left, top = (round(middle - stained.width / 2) for middle in center)
    box = (left, top, left + stained.width, top + stained.height)
    film.paste(ImageChops.multiply(film.crop(box), stained), box)


def _cell(film: Image.Image, kind: str, center: Point, chance: random.Random) -> None:
    if kind == "crescent":
        outline = _crescent(chance)
    else:
        diameter = 1.7 if kind == "platelet" else chance.uniform(6.8, 8.0)
        outline = _disc(MICROMETER * diameter / 2, chance)
    _stain(film, center, outline, RINGS[kind])


def _neutrophil(film: Image.Image, center: Point, chance: random.Random) -> None:
    _stain(film, center, _disc(MICROMETER * 6.2, chance), [(1, (232, 208, 218))])
    nucleus = Canvas(120, 120, "white")
    lobes = ((-22, -9, 15), (-11, 4, 7), (-3, 13, 14), (9, 8, 7), (19, -1, 16))
    for x, y, radius in (*lobes, (14, -14, 7), (7, -24, 12)):
        nucleus.circle((60 + x, 60 + y), radius, NUCLEUS)
    _overlay(film, center, nucleus)


def _through_eyepiece(film: Image.Image) -> Image.Image:
    """Return the film in a round field with a scale bar in the corner."""
    mask = Image.new("L", film.size, 0)
    edge = (WIDTH - HEIGHT) / 2 + 8
    ImageDraw.Draw(mask).ellipse((edge, 8, WIDTH - edge, HEIGHT - 8), 255)
    field = Image.new("RGB", film.size, "black")
    field.paste(film, mask=mask.filter(ImageFilter.GaussianBlur(2)))
    bar = Canvas(110, 50, "black")
    bar.line([(8, 36), (8 + 10 * MICROMETER, 36)], "white", 3)
    bar.text(8 + 5 * MICROMETER, 16, "10 um", 16, "white")
    field.paste(bar.finish(), (WIDTH - 125, HEIGHT - 65))
    return field


def crescent_cells() -> Image.Image:
    """Draw a field of normal, target and crescent red cells, 10-um scale bar."""
    chance = random.Random(17)
    film = Image.new("RGB", (WIDTH, HEIGHT), PLASMA)
    _neutrophil(film, (560, 290), chance)
    taken = [((560.0, 290.0), 54.0)]
    cells = {"crescent": 22, "target": 14, "disc": 70, "platelet": 7}
    for kind in (kind for kind, count in cells.items() for _ in range(count)):
        for _ in range(250):
            spot = (chance.uniform(110, 810), chance.uniform(55, 685))
            room = ROOM[kind]
            if all(math.dist(spot, other) > room + size for other, size in taken):
                taken.append((spot, room))
                _cell(film, kind, spot, chance)
                break
    # Nuclear remnants in a few red cells, which a working spleen would have removed.
    for (x, y), _ in taken[40:90:20]:
        _stain(film, (x + 11, y - 9), _disc(4.3, chance), [(1, (120, 78, 150))])
    return _through_eyepiece(film)
