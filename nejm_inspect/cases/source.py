"""What a place that cases come from offers, whichever it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nejm_inspect.cases.images import CaseImage, ImageError, prepare_image
from nejm_inspect.cases.schema import Case

CaseId = int | str


@dataclass(frozen=True)
class CaseImages:
    """The images of some cases, and why others have none."""

    found: Mapping[CaseId, Sequence[CaseImage]]
    """All images of each case, in their order."""
    missing: Mapping[CaseId, str]
    """The reason for each case without an image."""


@dataclass(frozen=True)
class CaseSource:
    """All cases of a source, and the way to the images of some of them."""

    name: str
    cases: Sequence[Case]
    images: Callable[[Sequence[Case]], CaseImages]


def user_image(path: Path) -> CaseImage:
    """Prepares an image file, with errors that name it.

    Raises:
        ImageError: If it cannot be read or is no sound image.
    """
    try:
        return prepare_image(path)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
