"""From the parameters that the challenge's tasks share to a dataset."""

import atexit
import datetime
from collections.abc import Mapping

import click
from inspect_ai.dataset import MemoryDataset
from pydantic import ConfigDict, field_validator

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import Inputs, MissingImages, cases_to_dataset
from nejm_inspect.cases.schema import CaseId
from nejm_inspect.cases.selection import Selection, select_cases


class DatasetParameters(Selection):
    """Which cases a task takes from where, and what of them the examinee sees."""

    # A folder named 2024 reaches the task as a number.
    model_config = ConfigDict(coerce_numbers_to_str=True)

    inputs: Inputs = "both"
    cases: str = "nejm"
    columns: dict[str, str] | None = None
    image_dir: str | None = None
    missing_images: MissingImages = "error"

    @field_validator("since", "until", mode="before")
    @classmethod
    def _can_be_logged(cls, day: object) -> object:
        if isinstance(day, datetime.date):
            # Inspect logs such an argument by the name of its type: the log would not
            # say what was run, and a retry of the run would fail.
            raise ValueError(
                f"on Inspect's command line and in YAML, write {day:%Y%m%d}; a date "
                "with hyphens is not kept in its logs"
            )
        return day

    def load(self) -> tuple[MemoryDataset, dict[str, str]]:
        """Opens the source, draws the cases and gets their images.

        Returns:
            The dataset; and, by id, why a case was left out, for the task's metadata.

        Raises:
            NejmInspectError: If cases or images cannot be had.
        """
        source = open_source(self.cases, self.image_dir, self.columns)
        cases = select_cases(source.cases, self, default_is_limit=self.cases != "nejm")
        dataset, skipped = cases_to_dataset(source, cases, self.inputs, self.missing_images)
        if skipped:
            _tell_at_exit(skipped)
        return dataset, {str(id): reason for id, reason in skipped.items()}


_skipped_in_process: dict[CaseId, str] = {}


def _tell_at_exit(skipped: Mapping[CaseId, str]) -> None:
    # One list in the end, however many models the task is built for.
    if not _skipped_in_process:
        atexit.register(_tell_skipped)
    _skipped_in_process.update(skipped)


def _tell_skipped() -> None:
    cases = _skipped_in_process.items()
    reasons = "".join(f"\n  case {id}: {reason}" for id, reason in cases)
    click.echo(f"Left out for want of an image: {len(cases)} cases{reasons}", err=True)
