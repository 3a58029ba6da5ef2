"""The NEJM source: the pinned case list."""

import datetime
import hashlib
import json
import os
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nejm_inspect.cases.cache import cache_folder, tell_rights_once, write_atomically
from nejm_inspect.cases.download import DownloadError, describe_body, download, new_client
from nejm_inspect.cases.nejm_images import fetch_images
from nejm_inspect.cases.schema import OPTION_LETTERS, Case, OptionLetter, Text, question_type
from nejm_inspect.cases.source import CaseSource
from nejm_inspect.cases.tables import user_path
from nejm_inspect.errors import NejmInspectError, describe_validation

CASES_URL = (
    "https://raw.githubusercontent.com/cx0/nejm-image-challenge/"
    "1c4c37388a0a644c601ac95f93b3ded892d8822a/image_challenge_dataset_20231223.json"
)
CASES_BYTES = 707_258
CASES_SHA256 = "fa8a5b46c349196370400997f8ac98ddf2cea0fdcabce36067e0818d3a416de5"


def _parse_date(value: object) -> object:
    return datetime.datetime.strptime(str(value), "%b-%d-%Y").date()


def _parse_share(value: object) -> object:
    match = re.fullmatch(r"(\d{1,3})%", str(value))
    if not match:
        raise ValueError("Input should be a whole percentage such as '12%'")
    return int(match[1]) / 100


def _parse_count(value: object) -> object:
    # The list has "96521", and in a few places "165,436" and "85230.".
    return str(value).replace(",", "").removesuffix(".")


Share = Annotated[float, BeforeValidator(_parse_share)]


class NejmRecord(BaseModel):
    """One object of the case list, field by field as it is there."""

    model_config = ConfigDict(extra="forbid")

    image_id: int
    date: Annotated[datetime.date, BeforeValidator(_parse_date)]
    question: Text
    relevant_context: Literal["yes", "no"]
    option_A: Text
    option_B: Text
    option_C: Text
    option_D: Text
    option_E: Text
    option_A_votes: Share
    option_B_votes: Share
    option_C_votes: Share
    option_D_votes: Share
    option_E_votes: Share
    option_most_voted: OptionLetter
    correct_answer: OptionLetter
    total_number_votes: Annotated[int, BeforeValidator(_parse_count)]
    brier_score: Annotated[float, Field(ge=0, le=1)]

    def to_case(self) -> Case:
        """The record as a case."""
        fields = self.model_dump()
        return Case(
            id=self.image_id,
            date=self.date,
            history=self.question,
            options=tuple(fields[f"option_{letter}"] for letter in OPTION_LETTERS),
            correct_option=self.correct_answer,
            reference=fields[f"option_{self.correct_answer}"],
            reader_votes=tuple(fields[f"option_{letter}_votes"] for letter in OPTION_LETTERS),
            total_votes=self.total_number_votes,
            brier_score=self.brier_score,
            question_type=question_type(self.question),
            has_history=self.relevant_context == "yes",
        )


def parse_records(records: Sequence[Any]) -> list[Case]:
    """Reads the objects of the case list.

    Raises:
        NejmInspectError: If a record is malformed; names it, the field and the value.
    """
    cases = []
    for position, record in enumerate(records, start=1):
        try:
            cases.append(NejmRecord.model_validate(record).to_case())
        except ValidationError as error:
            name = record.get("image_id") if isinstance(record, dict) else None
            raise NejmInspectError(
                f"Record {position} of the case list (image_id {name}): "
                f"{describe_validation(error)}"
            ) from error
    return cases


def nejm_source(images: str | None = None) -> CaseSource:
    """The 947 cases of the NEJM Image Challenge from 2005 to 2023.

    The case list is downloaded on first use and kept in the cache; images when they
    are asked for.

    Args:
        images: The folder of the user's own image files, preferred to any download.

    Raises:
        NejmInspectError: If the case list cannot be had, or `images` is not a folder.
    """
    image_dir = None if images in (None, "journal") else user_path(images)
    if image_dir and not os.path.isdir(image_dir):
        raise NejmInspectError(f"image_dir={image_dir} is not a folder.")
    cases = parse_records(json.loads(_case_list()))
    return CaseSource(
        "nejm",
        cases,
        lambda wanted: fetch_images(wanted, image_dir),
        "give your own files with images=FOLDER (named ID.* or ICYYYYMMDD.*); ",
    )


def _case_list() -> bytes:
    cached = cache_folder() / "image_challenge_dataset_20231223.json"
    if cached.is_file():
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == CASES_SHA256:
            return data
    tell_rights_once()
    url = os.environ.get("NEJM_INSPECT_CASES_URL", CASES_URL)
    try:
        with new_client() as client:
            data = download(client, url, _check_case_list)
    except DownloadError as error:
        raise NejmInspectError(
            f"The case list could not be downloaded from {url}: {error}. Try again "
            f"later, set NEJM_INSPECT_CASES_URL to a mirror of the same file, or save "
            f"it as {cached}."
        ) from error
    write_atomically(cached, data)
    return data


def _check_case_list(data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != CASES_SHA256:
        raise DownloadError(
            f"what came is not the pinned file of {CASES_BYTES:,} bytes "
            f"(sha256 {CASES_SHA256[:12]}…) but {describe_body(data)} "
            f"(sha256 {hashlib.sha256(data).hexdigest()[:12]}…)"
        )
