"""The NEJM Image Challenge as its readers take it: multiple choice."""

from typing import Literal, Never, Unpack

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import ChatMessageUser, ContentText, GenerateConfigArgs, ModelOutput
from inspect_ai.scorer import accuracy, choice, ci_wilson, stderr
from inspect_ai.solver import Generate, Solver, TaskState, multiple_choice, solver
from pydantic import ConfigDict

from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.dataset import DatasetParameters
from nejm_inspect.errors import NejmInspectError, Parameters, refuse_unknown
from nejm_inspect.metrics import accuracy_by
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, PROMPT_VERSION
from nejm_inspect.response import after_thinking
from nejm_inspect.version import TASK_VERSION


@task
def nejm_multiple_choice(
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
    image_dir: str | None = None,
    missing_images: str = "error",
    shuffle_options: int | None = None,
    cot: bool = False,
    **unknown: Never,
) -> Task:
    """One clinical image, a short history and five options, of which one is right.

    Chance is 20%, and NEJM's readers chose among the same options. History and options
    come first, the image last. The published benchmark took hard cases in this mode
    (`difficulty=hard`).

    Args:
        sample_size: As in `nejm_image_challenge`, and so are all up to
            `missing_images`.
        seed: Seed of the draw.
        difficulty: `all`, `easy`, `medium`, `hard` or `expert` (a part of hard).
        question_type: `all`, `diagnosis` or `other`.
        history: `all`, `yes` or `no`.
        inputs: What the model sees beside the options: `both`, `history` or `image`.
        since: First day of publication, inclusive.
        until: Last day of publication, inclusive.
        cases: `nejm`, `demo`, or your own cases, which need `options` and
            `correct_option`.
        columns: What the columns of your own cases are called, by our names.
        image_dir: Folder of your own image files of NEJM cases.
        missing_images: `error` or `skip`.
        shuffle_options: Seed to shuffle the options by, against memorised letters;
            null keeps the journal's order. Metadata keep the journal's letters.
        cot: Whether to ask for step-by-step reasoning before the answer.
        **unknown: Refused: what is given here is misspelt.

    Raises:
        NejmInspectError: If a parameter is not allowed, cases or images cannot be had,
            or a case has no options.
    """
    refuse_unknown(nejm_multiple_choice, unknown)
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
    choices = _Choices.of(shuffle_options=shuffle_options, cot=cot)
    dataset, skipped = parameters.load()
    for sample in dataset:
        _pose_options(sample)
    if choices.shuffle_options is not None:
        dataset.shuffle_choices(choices.shuffle_options)
    return Task(
        dataset=dataset,
        solver=choose_option(cot=choices.cot),
        scorer=choice(),
        metrics=[
            accuracy(),
            stderr(),
            ci_wilson(),
            accuracy_by("difficulty"),
            accuracy_by("has_history"),
        ],
        version=TASK_VERSION,
        metadata={"prompt_version": PROMPT_VERSION, "skipped_cases": skipped},
        headline_metric=HeadlineMetric(scorer="choice", metric="accuracy"),
    )


class _Choices(Parameters):
    model_config = ConfigDict(strict=True)

    shuffle_options: int | None
    cot: bool


@solver
def choose_option(cot: bool = False) -> Solver:
    """Inspect's `multiple_choice`, asked once, without tools, its thinking ignored.

    Args:
        cot: Whether to ask for step-by-step reasoning before the answer.
    """
    choose = multiple_choice(cot=cot)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        output = state.output

        async def ask_once(
            state: TaskState,
            tool_calls: Literal["loop", "single", "none"] = "none",
            **config: Unpack[GenerateConfigArgs],
        ) -> TaskState:
            nonlocal output
            state = await generate(state, tool_calls="none", **config)
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
    asks_diagnosis = metadata["question_type"] == "diagnosis"
    if WITHHELD_HISTORY in metadata and asks_diagnosis:
        # The question went with the history.
        assert isinstance(sample.input, list)
        (message,) = sample.input
        assert isinstance(message.content, list)
        question = ContentText(text=DIAGNOSIS_QUESTION)
        sample.input = [ChatMessageUser(content=[question, *message.content])]
