"""The design of a draw, and the ids of what is drawn. Imports nothing of the report."""

import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Design:
    """How many responses are drawn, and how many of them all raters grade."""

    responses: int  # in all
    raters: int
    overlap: int  # responses that every rater grades; the others have one rater each
    seed: int

    @property
    def gradings(self) -> int:
        """The number of grades to be given by all raters together."""
        return self.overlap * (self.raters - 1) + self.responses

    def text(self, digest: str) -> str:
        """The design and a hash of the draw, as every row of a file of grades holds them."""
        return " ".join(f"{name}={number}" for name, number in asdict(self).items()) + f" {digest}"

    @classmethod
    def of(cls, text: str) -> Self | None:
        """The design in such a text; None if the text has another form."""
        names = " ".join(f"{name}=(-?[0-9]{{1,18}})" for name in cls.__annotations__)
        found = re.fullmatch(f"{names} [0-9a-f]{{8}}", text)
        return cls(*map(int, found.groups())) if found else None


def hashed(length: int, *parts: object) -> str:
    """The first `length` hexadecimal digits of a hash of the parts."""
    return sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def response_id(seed: int, uuid: str) -> str:
    """The id of a response in a draw.

    `uuid` is that of Inspect's sample: it is random, and `eval-retry` and `score` keep it.
    """
    # Without the letter, spreadsheets would read 12345678 and 1e234567 as numbers.
    return f"r{hashed(10, seed, uuid)}"


def identify(responses: "pd.DataFrame", seed: int) -> list[str]:
    """The id of each of the report's responses, with a hash of its judge and points after a dash.

    The hash does not reveal the points to a rater: it includes the `uuid`, which only logs hold.
    """
    checked = responses[["uuid", "case_id", "epoch", "judge", "points"]]
    return [
        f"{response_id(seed, row[0])}-{hashed(6, *row)}"
        for row in checked.itertuples(index=False, name=None)
    ]
