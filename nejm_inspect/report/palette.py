"""The colours of pages and figures, by the name of their CSS variable."""

import numpy as np

STEPS = 11  # of the heat palette: 0 to 10 points

# The models' are Okabe and Ito's colours, made legible on either background.
_NAMES = "ink dim line paper soft on-low on-high none m0 m1 m2 m3 m4 m5 m6 m7 m8"
_LIGHT = "1a2330 566271 dde3ea ffffff f5f7fa 1a2331 fefefe c9ced6 6b7684 "
_LIGHT += "0b6fb8 c2571a 12805c 9a4f96 8f6c00 2c8fb0 b03a52 4f5d2f"
_DARK = "e7ecf2 9dabba 2c3846 10161d 18212b e6ecf3 0c1219 4a5563 97a3b1 "
_DARK += "5fb3ec f0965c 52c79c d59ad1 e0b84a 7fd4ee f08a9d b5c987"


def _scheme(colours: str, *heat: str) -> dict[str, str]:
    """The colours by name, and a ramp through the heat's low, middle and high."""
    stops = np.array([[int(colour[n : n + 2], 16) for n in (0, 2, 4)] for colour in heat])
    places = np.linspace(0, len(heat) - 1, STEPS)
    mixed = np.stack([np.interp(places, range(len(heat)), one) for one in stops.T], axis=1)
    ramp = {f"h{step}": bytes(rgb).hex() for step, rgb in enumerate(mixed.round().astype("u1"))}
    named = dict(zip(_NAMES.split(" "), colours.split(" "), strict=True))
    return {name: f"#{colour}" for name, colour in (named | ramp).items()}


LIGHT = _scheme(_LIGHT, "e9f0f6", "7fb3d9", "0b4f8a")
DARK = _scheme(_DARK, "1e2935", "2d6b98", "a5d6f8")
