"""The colours of pages and figures, by the name of their CSS variable."""

STEPS = 11  # of the heat palette: 0 to 10 points


def _ramp(low: str, middle: str, high: str) -> list[str]:
    """So many colours as there are steps, from low to high."""
    ends = [[int(c[n : n + 2], 16) for n in (0, 2, 4)] for c in (low, middle, high)]
    half = (STEPS - 1) / 2
    colours = []
    for step in range(STEPS):
        a, b = ends[:2] if step < half else ends[1:]
        part = (step % half) / half if step < STEPS - 1 else 1
        mixed = (round(x + part * (y - x)) for x, y in zip(a, b, strict=True))
        colours.append("{:02x}{:02x}{:02x}".format(*mixed))
    return colours


_NAMES = "ink dim line paper soft on-low on-high none m0 m1 m2 m3 m4 m5 m6 m7 m8"
# The models' are Okabe and Ito's colours, made legible on either background.
_LIGHT = (
    "1a2330 566271 dde3ea ffffff f5f7fa 1a2331 fefefe c9ced6 6b7684 "
    "0b6fb8 c2571a 12805c 9a4f96 8f6c00 2c8fb0 b03a52 4f5d2f"
)
_DARK = (
    "e7ecf2 9dabba 2c3846 10161d 18212b e6ecf3 0c1219 4a5563 97a3b1 "
    "5fb3ec f0965c 52c79c d59ad1 e0b84a 7fd4ee f08a9d b5c987"
)


def _scheme(colours: str, heat: list[str]) -> dict[str, str]:
    names = [*_NAMES.split(" "), *(f"h{step}" for step in range(STEPS))]
    both = [*colours.split(" "), *heat]
    return {name: f"#{colour}" for name, colour in zip(names, both, strict=True)}


LIGHT = _scheme(_LIGHT, _ramp("e9f0f6", "7fb3d9", "0b4f8a"))
DARK = _scheme(_DARK, _ramp("1e2935", "2d6b98", "a5d6f8"))
