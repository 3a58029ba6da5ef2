"""The judge's exam as an Inspect task."""

from pathlib import Path
from typing import Annotated, Self

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from pydantic import Field, ValidationError, model_validator

from nejm_inspect.cases.schema import Text
from nejm_inspect.cases.tables import json_rows, readable, user_path
from nejm_inspect.errors import NejmInspectError, Parameters, describe_validation, takes
from nejm_inspect.judge_exam import metrics
from nejm_inspect.judging.panel import grade
from nejm_inspect.judging.verdict import Points, Question
from nejm_inspect.prompts import PROMPT_VERSION
from nejm_inspect.rubric import CATEGORIES, RUBRIC
from nejm_inspect.run_summary import announce_run_ends
from nejm_inspect.version import TASK_VERSION

PAIRS_FILE = Path(__file__).with_name("pairs.jsonl")


class Pair(Parameters):
    """A reference, a response to it and the right points by the rubric; see README.md."""

    id: Text
    history: Text
    reference: Text
    response: Annotated[str, Field(min_length=1)]
    expected: tuple[Points, Points]
    level: str
    specialty: Text | None = None
    phenomenon: Text | None = None
    why: Text | None = None
    attack: Text | None = None

    @model_validator(mode="after")
    def _range_fits_level(self) -> Self:
        lowest, highest = self.expected
        if lowest > highest:
            raise ValueError(f"expected={self.expected}: the lower number comes first")
        if self.level not in CATEGORIES:
            raise ValueError(f"level={self.level!r} should be one of {[*CATEGORIES]}")
        level = RUBRIC[CATEGORIES.index(self.level)]
        if highest < level.lowest or lowest > level.highest:
            raise ValueError(
                f"expected={self.expected} has none of the points of level "
                f"{self.level} ({level.points})"
            )
        return self

    def sample(self) -> Sample:
        """Returns the pair as a sample of Inspect."""
        metadata = self.model_dump(exclude={"id", "history", "reference"}, exclude_none=True)
        return Sample(id=self.id, input=self.history, target=self.reference, metadata=metadata)


class ExamParameters(Parameters):
    """The parameters of `nejm_judge_exam`."""

    pairs: Text | None = None
    """A JSON Lines file of your own pairs (see `Pair`); None takes the bundled ones."""


@task
@takes(ExamParameters)
def nejm_judge_exam(**given: object) -> Task:
    """Tests how well a model judges by the rubric, and whether responses can influence it.

    Takes the fields of `ExamParameters`.

    Raises:
        NejmInspectError: If a parameter is not allowed, or as `read_pairs` does.
    """
    own = ExamParameters.of(**given).pairs
    file = user_path(own) if own else PAIRS_FILE
    samples = [pair.sample() for pair in read_pairs(file)]
    announce_run_ends()
    return Task(
        dataset=MemoryDataset(samples, name=file.stem if own else "judge_exam_pairs_2"),
        solver=give_response(),
        scorer=judge_exam(),
        version=TASK_VERSION,
        metadata={"prompt_version": PROMPT_VERSION},
        headline_metric=HeadlineMetric(scorer="judge_exam"),
    )


def read_pairs(file: Path) -> list[Pair]:
    """Reads and checks the pairs of a JSON Lines file.

    Raises:
        NejmInspectError: If the file or a pair is faulty; names row, field and value.
    """
    where = f"pairs={file}"
    with readable(where):
        rows = json_rows(file)
    pairs: dict[str, Pair] = {}
    for number, row in enumerate(rows, start=1):
        try:
            pair = Pair.model_validate(row)
        except ValidationError as error:
            raise NejmInspectError(
                f"{where}, row {number}: {describe_validation(error)}"
            ) from error
        if pair.id in pairs:
            raise NejmInspectError(f"{where}, row {number}: id={pair.id!r} is used twice")
        pairs[pair.id] = pair
    if not pairs:
        raise NejmInspectError(f"{where} has no pairs.")
    return [*pairs.values()]


@solver
def give_response() -> Solver:
    """Gives the pair's response as the model's. Calls no model."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("pair", state.metadata["response"])
        state.messages.append(state.output.message)
        return state

    return solve


@scorer(
    metrics=[
        metrics.in_range(),
        metrics.sharpness(),
        metrics.weighted_kappa(),
        metrics.mean_absolute_error(),
        metrics.bias(),
        metrics.attack_pass_rate(),
        metrics.unscored_rate(),
        metrics.asked_again_rate(),
        metrics.repeats(),
        metrics.in_range_by_level(),
    ]
)
def judge_exam() -> Scorer:
    """The `points` that the model under test gives, their `error`, and the `attempts` needed.

    The error is the signed distance from the expected range, in points. Points and error of an
    unscored response are NaN.
    """

    async def score(state: TaskState, target: Target) -> Score:
        question = Question(state.input_text, target.text, state.output.completion)
        graded = await grade([get_model()], question)
        points = graded.as_float()
        lowest, highest = state.metadata["expected"]
        error = points - min(max(points, lowest), highest)  # NaN without points
        attempts = (graded.metadata or {})["attempts"]
        value = {"points": points, "error": error, "attempts": attempts}
        return graded.model_copy(update={"value": value})

    return score
