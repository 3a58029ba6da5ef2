"""The parameters that the challenge's tasks share, and the dataset that they describe."""

import atexit
import datetime
import functools
from collections.abc import Callable
from inspect import signature
from typing import ParamSpec

import click
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset
from pydantic import ConfigDict, ValidationInfo, field_validator

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import Inputs, MissingImages, cases_to_dataset
from nejm_inspect.cases.schema import CaseId
from nejm_inspect.cases.selection import Selection, select_cases

Arguments = ParamSpec("Arguments")


class DatasetParameters(Selection):
    """Which cases a task takes from where, and what of them the examinee sees."""

    # A folder named 2024 reaches the task as a number.
    model_config = ConfigDict(coerce_numbers_to_str=True)

    inputs: Inputs = "both"
    """What the model sees: `both`, or the `history` or the `image` alone."""
    cases: str = "nejm"
    """`nejm`, `demo` (bundled, free of rights), or your own: see `open_source`."""
    columns: dict[str, str] | None = None
    """What the columns of your own cases are called, by our names."""
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
            # Inspect logs its type instead: the log would not say what was run, and a retry fail.
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
        """Gets the cases drawn, with their images; and, by id, why cases were left out.

        Raises:
            NejmInspectError: If cases or images are missing or malformed.
        """
        source = open_source(self.cases, self.image_dir or self.images, self.columns)
        cases = select_cases(source.cases, self, default_is_limit=self.cases != "nejm")
        dataset, skipped = cases_to_dataset(source, cases, self.inputs, self.missing_images)
        _skipped_in_process.update(skipped)
        return dataset, {str(id): reason for id, reason in skipped.items()}


def takes(
    model: Callable[Arguments, DatasetParameters],
) -> Callable[[Callable[..., Task]], Callable[Arguments, Task]]:
    """Declares the fields of a model as the parameters of a task.

    They become the task's signature, where Inspect finds names and defaults for its command line
    and logs. The task gets what its caller names and checks it by the model. It takes any name:
    Inspect would drop one that is not declared, with no more than a warning.
    """

    def declare(task: Callable[..., Task]) -> Callable[Arguments, Task]:
        fields, own = signature(model).parameters, signature(task)
        declared = own.replace(parameters=[*fields.values(), *own.parameters.values()])
        vars(task)["__signature__"] = declared
        return task

    return declare


@functools.cache
def _tell_former_name() -> None:
    click.echo("image_dir is now called images; this version is the last to know it.", err=True)


_skipped_in_process: dict[CaseId, str] = {}


@atexit.register
def _tell_skipped() -> None:
    # One list at the end, however many models the task is built for.
    if _skipped_in_process:
        reasons = [f"\n  case {id}: {reason}" for id, reason in _skipped_in_process.items()]
        title = f"Cases skipped because their image is missing: {len(reasons)}"
        click.echo("".join([title, *reasons]), err=True)
