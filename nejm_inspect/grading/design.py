"""The design of a draw, and the ids of what is drawn. Imports nothing of the report."""

import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Design:
    """How many responses are drawn, and how many of them each rater grades."""

    responses: int  # in all
    raters: int
    overlap: int  # responses that every rater grades; the others have one rater each
    seed: int

    @property
    def gradings(self) -> int:
        """How often a rater is to grade a response, in all."""
        return self.overlap * (self.raters - 1) + self.responses

    def text(self, digest: str) -> str:
        """What each row of a file of grades says of its draw; see `of`."""
        return " ".join(f"{name}={number}" for name, number in asdict(self).items()) + f" {digest}"

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Reads what `text` wrote; None if it did not."""
        names = " ".join(f"{name}=(-?[0-9]{{1,18}})" for name in cls.__annotations__)
        found = re.fullmatch(f"{names} [0-9a-f]{{8}}", text)
        return cls(*map(int, found.groups())) if found else None


def hashed(length: int, *parts: object) -> str:
    """So many hexadecimal digits, which do not tell the parts."""
    return sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def response_id(seed: int, uuid: str) -> str:
    """The name of a response to raters.

    `uuid` is that of Inspect's sample: it is random, and eval-retry and score keep it. The name
    begins with a letter: spreadsheets would read 12345678 and 1e234567 as numbers.
    """
    return f"r{hashed(10, seed, uuid)}"


def identify(responses: "pd.DataFrame", seed: int) -> list[str]:
    """The id of each of the report's responses, with a check of its judge and points behind a dash.

    Without the logs, nobody can tell the points by the check, since Inspect's `uuid` is random.
    """
    checked = responses[["uuid", "case_id", "epoch", "judge", "points"]]
    return [
        f"{response_id(seed, row[0])}-{hashed(6, *row)}"
        for row in checked.itertuples(index=False, name=None)
    ]
