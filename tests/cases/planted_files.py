"""All image files with planted names."""

from tests.cases import planted_jpeg, planted_others, planted_png
from tests.cases.planted import MAKERS, Planted

__all__ = ["planted_jpeg", "planted_others", "planted_png"]


def planted_files() -> dict[str, Planted]:
    """All files, by the names of their makers."""
    for file, make in MAKERS.values():
        file.data = file.data or make(file)
    return {name: file for name, (file, _) in MAKERS.items()}
