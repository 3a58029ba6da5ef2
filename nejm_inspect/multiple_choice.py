"""The NEJM Image Challenge as its readers take it: multiple choice."""

from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import ChatMessageUser, ContentText, ModelOutput
from inspect_ai.scorer import accuracy, choice, ci_wilson, stderr
from inspect_ai.solver import Generate, Solver, TaskState, multiple_choice, solver
from pydantic import StrictBool, StrictInt

from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.dataset import DatasetParameters
from nejm_inspect.errors import NejmInspectError, takes
from nejm_inspect.metrics import accuracy_by
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, PROMPT_VERSION
from nejm_inspect.response import after_thinking
from nejm_inspect.solvers import ask_examinee
from nejm_inspect.version import TASK_VERSION


class ChoiceParameters(DatasetParameters):
    """The parameters of `nejm_multiple_choice`."""

    shuffle_options: StrictInt | None = None
    """Seed that shuffles the options, against memorised letters; None keeps the journal's order.
    The metadata keep the journal's letters."""
    cot: StrictBool = False
    """Whether to ask for step-by-step reasoning before the answer."""


@task
@takes(ChoiceParameters)
def nejm_multiple_choice(**given: object) -> Task:
    """One clinical image, a short history and five options: choose the one that is right.

    Takes the fields of `ChoiceParameters`. Chance is 20%, and NEJM's readers chose among the same
    options. History and options come first, the image last. The published benchmark took hard cases
    in this mode (`difficulty=hard`).

    Raises:
        NejmInspectError: As for `nejm_image_challenge`, or if a case has no options.
    """
    parameters = ChoiceParameters.of(**given)
    dataset, skipped = parameters.load()
    for sample in dataset:
        _pose_options(sample)
    if parameters.shuffle_options is not None:
        dataset.shuffle_choices(parameters.shuffle_options)
    breakdowns = map(accuracy_by, ("difficulty", "has_history"))
    return Task(
        dataset=dataset,
        solver=choose_option(cot=parameters.cot),
        scorer=choice(),
        metrics=[accuracy(), stderr(), ci_wilson(), *breakdowns],
        version=TASK_VERSION,
        metadata={"prompt_version": PROMPT_VERSION, "skipped_cases": skipped},
        headline_metric=HeadlineMetric(scorer="choice", metric="accuracy"),
    )


@solver
def choose_option(cot: bool = False) -> Solver:
    """Asks once, by Inspect's `multiple_choice`, without tools; ignores the model's thinking."""
    choose = multiple_choice(cot=cot)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        output = state.output

        async def ask_once(state: TaskState, *_: Any, **config: Any) -> TaskState:
            nonlocal output
            state = await ask_examinee(state, generate, **config)
            output = state.output
            response = after_thinking(output.completion)
            state.output = ModelOutput.from_content(output.model, response)
            return state

        state.tools = []
        state = await choose(state, ask_once)
        state.output = output  # what the model wrote, for the log
        return state

    return solve


def _pose_options(sample: Sample) -> None:
    metadata = sample.metadata or {}
    if not {"options", "correct_option"} <= metadata.keys():
        raise NejmInspectError(
            f"Case {sample.id} has no options or no correct_option, which multiple choice needs."
        )
    sample.choices = list(metadata["options"].values())
    sample.target = metadata["correct_option"]
    if WITHHELD_HISTORY in metadata and metadata["question_type"] == "diagnosis":
        # The question was withheld with the history.
        assert isinstance(sample.input, list)
        (message,) = sample.input
        assert isinstance(message.content, list)
        question = ContentText(text=DIAGNOSIS_QUESTION)
        sample.input = [ChatMessageUser(content=[question, *message.content])]
