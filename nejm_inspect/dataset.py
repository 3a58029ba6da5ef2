"""The parameters that the challenge's tasks share, and the dataset that they describe."""

import atexit
import datetime
import functools

import click
from inspect_ai.dataset import MemoryDataset
from pydantic import ConfigDict, ValidationInfo, field_validator

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import Inputs, MissingImages, cases_to_dataset
from nejm_inspect.cases.schema import CaseId
from nejm_inspect.cases.selection import Selection, select_cases


class DatasetParameters(Selection):
    """Which cases a task takes, from where, and what the examinee sees of them."""

    # A folder named 2024 reaches the task as a number.
    model_config = ConfigDict(coerce_numbers_to_str=True)

    inputs: Inputs = "both"
    """What the model sees: `both`, or the `history` or the `image` alone."""
    cases: str = "nejm"
    """`nejm`, `demo` (bundled, free of rights), or your own: see `open_source`."""
    columns: dict[str, str] | None = None
    """For your own cases: what your table calls a column, by our name of it."""
    images: str = "journal"
    """Where images of NEJM cases come from: `journal`, a folder of files named `{image_id}.*` or
    `IC{YYYYMMDD}.*`, or `hf:owner/name[@revision]`."""
    image_dir: str | None = None
    """The former name of `images`."""
    missing_images: MissingImages = "error"
    """Before any model call, `error` stops if an image is missing; `skip` leaves the case out."""

    @field_validator("since", "until", mode="before")
    @classmethod
    def _can_be_logged(cls, day: object) -> object:
        if isinstance(day, datetime.date):
            # Inspect would log only its type: the log would not say what was run, and a retry
            # would fail.
            raise ValueError(
                f"on Inspect's command line and in YAML, write {day:%Y%m%d}; a date with hyphens "
                "is not kept in its logs"
            )
        return day

    @field_validator("image_dir")
    @classmethod
    def _stands_for_images(cls, folder: str | None, info: ValidationInfo) -> str | None:
        if folder is not None:
            if info.data.get("images") != "journal":
                raise ValueError("this is the former name of images: give images alone")
            _tell_former_name()
        return folder

    def load(self) -> tuple[MemoryDataset, dict[str, str]]:
        """Returns the drawn cases with their images and, by case id, why others were skipped.

        Raises:
            NejmInspectError: If cases or images are missing or malformed.
        """
        source = open_source(self.cases, self.image_dir or self.images, self.columns)
        cases = select_cases(source.cases, self, default_is_limit=self.cases != "nejm")
        dataset, skipped = cases_to_dataset(source, cases, self.inputs, self.missing_images)
        if skipped and not _skipped_in_process:
            atexit.register(_tell_skipped)
        _skipped_in_process.update(skipped)
        return dataset, {str(id): reason for id, reason in skipped.items()}


@functools.cache
def _tell_former_name() -> None:
    click.echo("image_dir is now called images; the next version will refuse it.", err=True)


_skipped_in_process: dict[CaseId, str] = {}


def _tell_skipped() -> None:
    # One list at the end, however many models the task is built for.
    reasons = [f"\n  case {id}: {reason}" for id, reason in _skipped_in_process.items()]
    title = f"Cases skipped because their image is missing: {len(reasons)}"
    click.echo("".join([title, *reasons]), err=True)
