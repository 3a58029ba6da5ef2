"""The rubric as data. Prompt, scorers and viewer read it from here."""

from typing import NamedTuple

MAX_POINTS = 10
"""Points run from 0 to this, in whole numbers."""


class RubricLevel(NamedTuple):
    """A range of points with one meaning."""

    lowest: int
    highest: int
    category: str
    meaning: str

    @property
    def points(self) -> str:
        """The range in words, such as `10` or `5-6`."""
        return "-".join(map(str, sorted({self.lowest, self.highest})))


RUBRIC = (
    RubricLevel(10, 10, "exact", "the reference diagnosis itself, in proper terms"),
    RubricLevel(9, 9, "synonym", "another valid medical name of the same entity"),
    RubricLevel(8, 8, "subtype", "a more specific subtype that is still correct"),
    RubricLevel(7, 7, "broader", "the correct broader category of the entity"),
    RubricLevel(5, 6, "related", "same organ system or family of diseases, but another entity"),
    RubricLevel(3, 4, "partial", "the right anatomy or the right kind of pathology, no more"),
    RubricLevel(1, 2, "plausible", "wrong, yet medically plausible for this presentation"),
    RubricLevel(0, 0, "wrong", "wrong and implausible, or no diagnosis at all"),
)
"""The levels of the NEJM Medical Image Diagnosis Benchmark (November 2025), best first."""

CATEGORIES = tuple(level.category for level in RUBRIC)

NO_DIAGNOSIS = "no diagnosis"
"""The category of a response that names nothing; it is not sent to the judge."""


def level_of(points: int) -> RubricLevel:
    """Returns the level of a number of points, from 0 to `MAX_POINTS`."""
    return next(level for level in RUBRIC if level.lowest <= points <= level.highest)
