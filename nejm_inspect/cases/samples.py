"""From cases to Inspect samples."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, Content, ContentImage, ContentText

from nejm_inspect.cases.manifest import CaseImage
from nejm_inspect.cases.schema import OPTION_LETTERS, Case, CaseId
from nejm_inspect.cases.source import CaseImages, CaseSource
from nejm_inspect.errors import NejmInspectError

Inputs = Literal["both", "history", "image"]
MissingImages = Literal["error", "skip"]

WITHHELD_HISTORY = "withheld_history"
"""The metadata key of a history that only the judge sees."""


def cases_to_dataset(
    source: CaseSource, cases: Sequence[Case], inputs: Inputs, missing_images: MissingImages
) -> tuple[MemoryDataset, Mapping[CaseId, str]]:
    """Makes the dataset of the selected cases, with their images.

    Args:
        source: Where the cases come from.
        cases: The selected cases, in order.
        inputs: What the examinee sees of each; no image is fetched for `history`.
        missing_images: Whether cases without an image are an `error` or left out (`skip`).

    Returns:
        The dataset, and the reason for each case that was left out.

    Raises:
        NejmInspectError: If images are missing: any of them for `error`, all of them for `skip`.
    """
    images = CaseImages({}, {}) if inputs == "history" else source.images(cases)
    if images.missing and (missing_images == "error" or not images.found):
        reasons = "\n".join(f"  case {id}: {reason}" for id, reason in images.missing.items())
        raise NejmInspectError(
            f"{len(images.missing)} of {len(cases)} cases have no image, so nothing was run:\n"
            f"{reasons}\n"
            "To continue: run the same command again (images that arrived are kept); "
            f"{source.advice}or leave these cases out with missing_images=skip."
        )
    samples = [
        case_to_sample(case, images.found.get(case.id, ()), inputs, images.dataset)
        for case in cases
        if case.id not in images.missing
    ]
    return MemoryDataset(samples, name=source.name), images.missing


def case_to_sample(
    case: Case, images: Sequence[CaseImage], inputs: Inputs, image_dataset: str | None = None
) -> Sample:
    """Makes the sample of a case.

    The input is the history, then the images; the solver adds the prompts. With `inputs` of
    `image`, the history moves to the metadata for the judge, and a case that asks for something
    other than a diagnosis keeps its own question.

    Args:
        case: The case.
        images: Its images in order, or none for `history`. Their bytes are read when the sample
            runs.
        inputs: What the examinee sees: `both`, or the `history` or the `image` alone.
        image_dataset: The dataset of the Hub that the images of NEJM cases come from, if any.
    """
    texts, metadata = [case.history], case_metadata(case)
    if inputs == "image":
        metadata[WITHHELD_HISTORY] = case.history
        texts = [case.question or ""] if case.question_type == "other" else []
        if texts == [""]:
            raise NejmInspectError(
                f"Case {case.id} asks for something other than a diagnosis and has no question of "
                "its own to show without its history: use inputs=both."
            )
    content: list[Content] = [ContentText(text=text) for text in texts]
    content += [ContentImage(image=str(image.path)) for image in images]
    if conversions := _conversions(images):
        metadata["image_conversion"] = conversions
    if images and image_dataset:
        metadata["image_dataset"] = image_dataset
    message = ChatMessageUser(content=content)
    return Sample(input=[message], target=case.reference, id=case.id, metadata=metadata)


def _conversions(images: Sequence[CaseImage]) -> str:
    """Says what was done to which image; several images are numbered."""
    done = [(n, i.conversion) for n, i in enumerate(images, start=1) if i.conversion]
    if len(images) == 1:
        return "".join(text for _, text in done)
    return "; ".join(f"image {number}: {text}" for number, text in done)


def case_metadata(case: Case) -> dict[str, Any]:
    """Returns what else is known of a case; options and votes are mapped from letters."""
    metadata = {
        "case_id": case.id,
        "date": case.date and case.date.isoformat(),
        "year": case.date and case.date.year,
        "difficulty": case.difficulty,
        "brier_score": case.brier_score,
        "question_type": case.question_type,
        "has_history": case.has_history,
        "options": dict(zip(OPTION_LETTERS, case.options, strict=False)) or None,
        "correct_option": case.correct_option,
        "reader_votes": dict(zip(OPTION_LETTERS, case.reader_votes, strict=False)) or None,
        "reader_accuracy": case.reader_accuracy,
    }
    return {key: value for key, value in metadata.items() if value is not None}
