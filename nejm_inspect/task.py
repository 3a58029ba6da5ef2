"""The NEJM Image Challenge as an Inspect task."""

from typing import Literal, Never

from inspect_ai import Task, task
from inspect_ai.log import HeadlineMetric
from inspect_ai.scorer import Scorer

from nejm_inspect.dataset import DatasetParameters
from nejm_inspect.errors import Parameters, refuse_unknown
from nejm_inspect.judging.preflight import preflight
from nejm_inspect.prompts import PROMPT_VERSION
from nejm_inspect.run_summary import announce_run_ends
from nejm_inspect.scorers import diagnosis_rubric, rubric_category, verbatim_diagnosis
from nejm_inspect.solvers import diagnose
from nejm_inspect.version import TASK_VERSION
from nejm_inspect.viewer import points_viewer


@task
def nejm_image_challenge(
    sample_size: int | None = 50,
    seed: int = 42,
    difficulty: str = "all",
    question_type: str = "all",
    history: str | bool = "all",
    inputs: str = "both",
    since: str | int | None = None,
    until: str | int | None = None,
    cases: str = "nejm",
    columns: dict[str, str] | None = None,
    scorer: str = "rubric",
    image_dir: str | None = None,
    missing_images: str = "error",
    **unknown: Never,
) -> Task:
    """One clinical image and a short history: name the diagnosis.

    The defaults are those of the published benchmark: 50 cases drawn with seed 42.

    Args:
        sample_size: Number of cases to draw; null takes all. Of demo and own cases, 50
            takes up to 50.
        seed: Seed of the draw.
        difficulty: `all`, `easy`, `medium`, `hard` or `expert` (a part of hard), by
            how far NEJM readers' votes were from the answer.
        question_type: `all`, `diagnosis`, or `other` (the case asks something else).
        history: `all`, or cases whose text holds a history (`yes`) or does not (`no`).
        inputs: What the model sees: `both`, or the `history` or the `image` alone.
        since: First day of publication, inclusive: an ISO date, on the command line
            in the form 20200131.
        until: Last day of publication, inclusive, in the same form.
        cases: `nejm`, `demo` (bundled, free of rights), or your own: the path of a
            JSON, JSONL, CSV or Parquet file, of an image folder or of a folder saved by
            `datasets`, its URL, or `hf:owner/name` for a dataset of the Hub.
        columns: What the columns of your own cases are called, by our names.
        scorer: `rubric` (a judge model gives 0 to 10 points), `verbatim` (the very
            words of the reference; no judge), or `both`.
        image_dir: Folder of your own image files of NEJM cases, named `{image_id}.*`
            or `IC{YYYYMMDD}.*`, preferred to any download.
        missing_images: `error` stops before any model call if an image cannot be had;
            `skip` leaves the case out and says so.
        **unknown: Refused: what is given here is misspelt.

    Raises:
        NejmInspectError: If a parameter is not allowed, or cases or images cannot be
            had.
    """
    refuse_unknown(nejm_image_challenge, unknown)
    parameters = DatasetParameters.of(
        sample_size=sample_size,
        seed=seed,
        difficulty=difficulty,
        question_type=question_type,
        history=history,
        inputs=inputs,
        since=since,
        until=until,
        cases=cases,
        columns=columns,
        image_dir=image_dir,
        missing_images=missing_images,
    )
    scorers = _scorers(_Scoring.of(scorer=scorer).scorer)
    judged = is_judged(scorer)
    setup = preflight() if judged else None  # before anything is downloaded
    dataset, skipped = parameters.load()
    announce_run_ends()
    scorer_name = "diagnosis_rubric" if judged else "verbatim_diagnosis"
    return Task(
        dataset=dataset,
        setup=setup,
        solver=diagnose(),
        scorer=scorers,
        # A failing judge would else end the run, and responses that wait for their
        # verdict would be lost; kept in the log, they can be judged later.
        continue_on_fail=True,
        version=TASK_VERSION,
        metadata={"prompt_version": PROMPT_VERSION, "skipped_cases": skipped},
        viewer=points_viewer(scorer_name),
        headline_metric=HeadlineMetric(scorer=scorer_name),
    )


def is_judged(scorer: str) -> bool:
    """Whether a choice of the parameter `scorer` asks a judge."""
    return scorer != "verbatim"


class _Scoring(Parameters):
    scorer: Literal["rubric", "verbatim", "both"]


def _scorers(chosen: str) -> list[Scorer]:
    rubric = [diagnosis_rubric(), rubric_category()]
    verbatim = [verbatim_diagnosis()]
    return {"rubric": rubric, "verbatim": verbatim, "both": rubric + verbatim}[chosen]
