"""What a place that cases come from offers, whichever it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nejm_inspect.cases.schema import Case

CaseId = int | str

IMAGES_AT_ONCE = 2
"""How many images are decoded at a time: each takes up to 1 GB meanwhile."""


@dataclass(frozen=True)
class CaseImage:
    """A file that may be sent to a model."""

    path: Path
    conversion: str | None
    """What was done to the original, or None if these are its own bytes."""
    original: Path | None = None
    """The file as it came, where this is another."""


@dataclass(frozen=True)
class CaseImages:
    """The images of some cases, and why others have none."""

    found: Mapping[CaseId, Sequence[CaseImage]]
    """All images of each case, in their order."""
    missing: Mapping[CaseId, str]
    """The reason for each case without an image, fit to be shown."""
    dataset: str | None = None
    """The dataset of the Hub, with its commit, that gave images of NEJM cases."""

    def __post_init__(self) -> None:
        """Makes the reasons printable: tables and servers have had a word in them."""
        reasons = {id: printable(reason) for id, reason in self.missing.items()}
        object.__setattr__(self, "missing", reasons)


@dataclass(frozen=True)
class CaseSource:
    """All cases of a source, and the way to the images of some of them."""

    name: str
    cases: Sequence[Case]
    images: Callable[[Sequence[Case]], CaseImages]
    advice: str = ""
    """What else can be done about missing images: a clause that ends in "; "."""


def printable(text: str) -> str:
    """Replaces what a terminal might take for a command, line ends included."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def user_image(path: Path) -> CaseImage:
    """The old name of `checked_image`."""
    from nejm_inspect.cases.manifest import checked_image

    return checked_image(path)
