"""The interface of a case source: cases, and the images of some of them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.manifest import CaseImage
from nejm_inspect.cases.schema import Case, CaseId
from nejm_inspect.text import one_line

IMAGES_AT_ONCE = 2  # Decoding one takes up to 1 GB of memory.


@dataclass(frozen=True)
class CaseImages:
    """The images of some cases, and why others lack them."""

    found: Mapping[CaseId, Sequence[CaseImage]]
    """All images of a case, in their order."""
    missing: Mapping[CaseId, str]
    """The reason for each case whose images cannot be used, in one line."""
    dataset: str | None = None
    """The dataset of the Hub, with its commit, that the images of NEJM cases come from."""


@dataclass(frozen=True)
class CaseSource:
    """All cases of a source, and a function that gets the images of some of them."""

    name: str
    cases: Sequence[Case]
    images: Callable[[Sequence[Case]], CaseImages]
    advice: str = ""
    """What else to do about missing images: a clause that ends in "; "."""


def collect_images(cases: Sequence[Case], get: Callable[[Case], Sequence[CaseImage]]) -> CaseImages:
    """Gets the images of cases by a function that raises `ImageError` if one cannot be used."""

    def attempt(case: Case) -> Sequence[CaseImage] | str:
        try:
            return get(case)
        except ImageError as error:
            return one_line(str(error), 500)

    with ThreadPoolExecutor(IMAGES_AT_ONCE) as pool:
        results = dict(zip((case.id for case in cases), pool.map(attempt, cases), strict=True))
    return CaseImages(
        {id: images for id, images in results.items() if not isinstance(images, str)},
        {id: reason for id, reason in results.items() if isinstance(reason, str)},
    )
