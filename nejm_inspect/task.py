"""The NEJM Image Challenge as an Inspect task."""

from typing import Literal

from inspect_ai import Task, task
from inspect_ai.log import HeadlineMetric
from inspect_ai.scorer import Scorer

from nejm_inspect.dataset import DatasetParameters
from nejm_inspect.errors import takes
from nejm_inspect.judging.preflight import preflight
from nejm_inspect.prompts import PROMPT_VERSION
from nejm_inspect.run_summary import announce_run_ends
from nejm_inspect.scorers import diagnosis_rubric, verbatim_diagnosis
from nejm_inspect.solvers import diagnose
from nejm_inspect.version import TASK_VERSION
from nejm_inspect.viewer import points_viewer


class ChallengeParameters(DatasetParameters):
    """The parameters of `nejm_image_challenge`."""

    scorer: Literal["rubric", "verbatim", "both"] = "rubric"
    """`rubric` (a judge model gives 0 to 10 points), `verbatim` (10 points for the reference's very
    words; no judge), or `both`."""


@task
@takes(ChallengeParameters)
def nejm_image_challenge(**given: object) -> Task:
    """One clinical image and a short history: name the diagnosis.

    Takes the fields of `ChallengeParameters`. Their defaults are those of the published benchmark:
    50 cases drawn with seed 42.

    Raises:
        NejmInspectError: If a parameter is not allowed, or cases or images are missing or
            malformed.
    """
    parameters = ChallengeParameters.of(**given)
    judged = parameters.scorer != "verbatim"
    scorers: list[Scorer] = [diagnosis_rubric()] if judged else []
    if parameters.scorer != "rubric":
        scorers.append(verbatim_diagnosis())
    setup = preflight() if judged else None  # before anything is downloaded
    dataset, skipped = parameters.load()
    announce_run_ends()
    scorer_name = "diagnosis_rubric" if judged else "verbatim_diagnosis"
    return Task(
        dataset=dataset,
        setup=setup,
        solver=diagnose(),
        scorer=scorers,
        # Otherwise a failing judge would end the run, and responses that wait for a verdict would
        # be lost. In the log they can be judged later.
        continue_on_fail=True,
        version=TASK_VERSION,
        metadata={"prompt_version": PROMPT_VERSION, "skipped_cases": skipped},
        viewer=points_viewer(scorer_name),
        headline_metric=HeadlineMetric(scorer=scorer_name),
    )
