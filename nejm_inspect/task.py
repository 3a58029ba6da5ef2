"""The NEJM Image Challenge as an Inspect task."""

import atexit
import datetime
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

import click
import yaml
from inspect_ai import Task, task
from inspect_ai.log import HeadlineMetric
from pydantic import ConfigDict

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import Inputs, MissingImages, cases_to_dataset
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.cases.source import CaseId
from nejm_inspect.errors import NejmInspectError, Parameters
from nejm_inspect.prompts import PROMPT_VERSION
from nejm_inspect.scorers import diagnosis_rubric, exact_diagnosis, rubric_category
from nejm_inspect.solvers import diagnose, require_grader
from nejm_inspect.viewer import points_viewer

TASK_VERSION: str = yaml.safe_load(
    files("nejm_inspect").joinpath("eval.yaml").read_text(encoding="utf-8")
)["version"]


@task
def nejm_image_challenge(
    sample_size: int | None = 50,
    seed: int = 42,
    difficulty: str = "all",
    question_type: str = "all",
    inputs: str = "both",
    since: str | int | None = None,
    until: str | int | None = None,
    cases: str = "nejm",
    scorer: str = "rubric",
    image_dir: str | None = None,
    missing_images: str = "error",
) -> Task:
    """One clinical image and a short history: name the diagnosis.

    The defaults are those of the published benchmark: 50 cases drawn with seed 42.

    Args:
        sample_size: Number of cases to draw; null takes all.
        seed: Seed of the draw.
        difficulty: `all`, `easy`, `medium`, `hard` or `expert` (a part of hard), by
            how far NEJM readers' votes were from the answer.
        question_type: `all`, `diagnosis`, or `other` (the case asks something else).
        inputs: What the model sees: `both`, or the `history` or the `image` alone.
        since: First day of publication, inclusive: an ISO date, on the command line
            in the form 20200131.
        until: Last day of publication, inclusive, likewise.
        cases: `nejm`, `demo` (bundled, free of rights), or the path of a JSON file.
        scorer: `rubric` (a judge model gives 0 to 10 points) or `exact` (the same
            words; no judge).
        image_dir: Folder of your own image files of NEJM cases, named `{image_id}.*`
            or `IC{YYYYMMDD}.*`, preferred to any download.
        missing_images: `error` stops before any model call if an image cannot be had;
            `skip` leaves the case out and says so.

    Raises:
        NejmInspectError: If a parameter is not allowed, or cases or images cannot be
            had.
    """
    for name, day in (("since", since), ("until", until)):
        if isinstance(day, datetime.date):
            # Inspect logs such an argument by the name of its type: the log would not
            # say what was run, and a retry of the run would fail.
            raise NejmInspectError(
                f"{name}={day}: on Inspect's command line and in YAML, write "
                f"{name}={day:%Y%m%d}; a date with hyphens is not kept in its logs."
            )
    selection = Selection.of(
        sample_size=sample_size,
        seed=seed,
        difficulty=difficulty,
        question_type=question_type,
        since=since,
        until=until,
    )
    choices = _Choices.of(
        inputs=inputs,
        cases=cases,
        scorer=scorer,
        image_dir=image_dir,
        missing_images=missing_images,
    )
    judged = choices.scorer == "rubric"
    setup = require_grader() if judged else None  # before anything is downloaded
    source = open_source(choices.cases, choices.image_dir)
    dataset, skipped = cases_to_dataset(
        source,
        select_cases(source.cases, selection),
        choices.inputs,
        choices.missing_images,
    )
    if skipped:
        _tell_at_exit(skipped)
    scorer_name = "diagnosis_rubric" if judged else "exact_diagnosis"
    return Task(
        dataset=dataset,
        setup=setup,
        solver=diagnose(),
        scorer=[diagnosis_rubric(), rubric_category()] if judged else exact_diagnosis(),
        version=TASK_VERSION,
        metadata={
            "prompt_version": PROMPT_VERSION,
            "skipped_cases": {str(id): reason for id, reason in skipped.items()},
        },
        viewer=points_viewer(scorer_name),
        headline_metric=HeadlineMetric(scorer=scorer_name, metric="overall_score"),
    )


class _Choices(Parameters):
    """The parameters that are not about which cases to take."""

    # A folder named 2024 reaches the task as a number.
    model_config = ConfigDict(coerce_numbers_to_str=True)

    inputs: Inputs
    cases: str
    scorer: Literal["rubric", "exact"]
    image_dir: str | None
    missing_images: MissingImages


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
