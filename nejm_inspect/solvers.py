"""Solvers: the examinee's prompt, and a baseline that needs no model."""

import random

import click
from inspect_ai.model import (
    ChatMessageSystem,
    ChatMessageUser,
    ContentText,
    ModelOutput,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver

from nejm_inspect.errors import NejmInspectError, plain_message
from nejm_inspect.grading import (
    DEFAULT_GRADER,
    GRADER_CONFIG,
    GRADER_ROLE,
    refuse_panel,
)
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, SYSTEM_PROMPT


@solver
def diagnose() -> Solver:
    """Asks the model for a single diagnosis.

    Puts the system prompt before the case and the closing question behind it. A case
    whose metadata say `question_type=other` keeps the question it ends with; every
    other sample is asked for the most likely diagnosis.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages.insert(0, ChatMessageSystem(content=SYSTEM_PROMPT))
        if state.metadata.get("question_type") != "other":
            case = state.user_prompt
            content = (
                [ContentText(text=case.content)]
                if isinstance(case.content, str)
                else case.content
            )
            state.messages[state.messages.index(case)] = ChatMessageUser(
                content=[*content, ContentText(text=DIAGNOSIS_QUESTION)]
            )
        return await generate(state)

    return solve


@solver
def random_option(seed: int = 42) -> Solver:
    """Names one of the case's options at random: the chance baseline; calls no model.

    Args:
        seed: With the sample's id and epoch, decides the choice.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        options = state.metadata.get("options")
        if not options:
            raise NejmInspectError(
                f"random_option: case {state.sample_id} has no options."
            )
        draw = random.Random(f"{seed}/{state.sample_id}/{state.epoch}")
        choice = draw.choice(list(options.values()))
        state.output = ModelOutput.from_content("random_option", choice)
        state.messages.append(state.output.message)
        return state

    return solve


@solver
def require_grader() -> Solver:
    """Ends the run before the first request to the examinee if there is no judge.

    For a task's `setup`: scorers run last, when everything has been paid for. With
    `--no-score` no judge is needed. A run started from Python with `score=False` looks
    to a task like any other; it can do without a judge by
    `model_roles={"grader": "none"}`.
    """

    def resolve() -> None:
        refuse_panel()
        try:
            get_model(role=GRADER_ROLE, default=DEFAULT_GRADER, config=GRADER_CONFIG)
        except Exception as error:
            # Providers each raise their own errors.
            raise NejmInspectError(
                f"There is no judge: {plain_message(error)}\n\n"
                f"The judge is {DEFAULT_GRADER} unless another is bound by "
                "--model-role grader=PROVIDER/MODEL. Set the variable or bind another "
                "judge; or run with --no-score, or with -T scorer=exact."
            ) from None

    command = click.get_current_context(silent=True)
    parameters = command.params if command else {}
    if "no_score" in parameters and not parameters["no_score"]:
        # Inspect's command line binds the roles before it builds the task, so that the
        # judge can be missed here already, where it costs no traceback.
        resolve()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if not parameters.get("no_score"):
            resolve()
        return state

    return solve
