"""Solvers: the examinee's prompt, and baselines that need no model."""

import random
from collections.abc import Mapping
from typing import Any, Literal

from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ContentText, ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from nejm_inspect.cases.schema import OPTION_LETTERS
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.openrouter import PREFIX
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, SYSTEM_PROMPT


@solver
def diagnose() -> Solver:
    """Asks the model once for a single diagnosis, without tools.

    Puts the system prompt before the case and the closing question after it. A case with
    `question_type=other` in its metadata keeps the question that it ends with.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages.insert(0, ChatMessageSystem(content=SYSTEM_PROMPT))
        if state.metadata.get("question_type") != "other":
            case = state.user_prompt
            content = case.content
            if isinstance(content, str):
                content = [ContentText(text=content)]
            state.messages[state.messages.index(case)] = ChatMessageUser(
                content=[*content, ContentText(text=DIAGNOSIS_QUESTION)]
            )
        state.tools = []
        return await ask_examinee(state, generate)

    return solve


async def ask_examinee(state: TaskState, generate: Generate, **config: Any) -> TaskState:
    """Asks the model, without running tools.

    If a provider fails in the middle of a response, OpenRouter sends a normal reply with
    `finish_reason: error` (https://openrouter.ai/docs/api/reference/errors-and-debugging). Inspect
    takes it for a response, and may cache it. The model is then asked once more, without the cache.

    Raises:
        NejmInspectError: If it fails again.
    """
    for again in ({}, {"cache": False}):
        state = await generate(state, tool_calls="none", **config | again)
        if state.output.stop_reason != "unknown" or not str(state.model).startswith(PREFIX):
            return state
        # A log with this beginning as output would have it judged later.
        state.messages.pop()
        state.output = ModelOutput(model=str(state.model))
    raise NejmInspectError(f"The provider of {state.model} failed in the middle of a response.")


@solver
def random_option(seed: int = 42) -> Solver:
    """Names one of the case's options at random: the chance baseline. Calls no model.

    `seed`, the sample's id and the epoch decide the choice.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        options = _required(state, "options", "random_option")
        choice = _random(state, seed).choice(list(options))
        return _choose(state, options[choice], "random_option")

    return solve


@solver
def reader_vote(mode: Literal["plurality", "sample"] = "plurality", seed: int = 42) -> Solver:
    """Responds as NEJM's readers voted: the readers' baseline. Calls no model.

    Readers chose among the five options: this is their score on `nejm_multiple_choice`, not a human
    score for naming a diagnosis freely.

    Args:
        mode: `plurality` takes the option with the most votes (of equals, the first); `sample`
            draws one by the shares of the votes, as if one reader responded. Anything else raises
            `NejmInspectError`.
        seed: Decides what is drawn, together with the sample's id and epoch.
    """
    if mode not in ("plurality", "sample"):
        raise NejmInspectError(f"mode={mode!r}: Input should be 'plurality' or 'sample'")

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        options = _required(state, "options", "reader_vote")
        votes = _required(state, "reader_votes", "reader_vote")
        if mode == "plurality":
            choice = max(votes, key=votes.__getitem__)
        else:
            (choice,) = _random(state, seed).choices([*votes], [*votes.values()])
        return _choose(state, options[choice], "reader_vote")

    return solve


def _required(state: TaskState, key: str, solver_name: str) -> dict[str, Any]:
    """Returns the options or votes, by letter, from a case's metadata."""
    found = state.metadata.get(key)
    if not isinstance(found, Mapping) or not any(found.values()):
        raise NejmInspectError(
            f"{solver_name}: case {state.sample_id} has no {key.replace('_', ' ')}."
        )
    return dict(found)


def _random(state: TaskState, seed: int) -> random.Random:
    return random.Random(f"{seed}/{state.sample_id}/{state.epoch}")


def _choose(state: TaskState, option: str, solver_name: str) -> TaskState:
    """Responds with an option: by its letter where there are choices, else by its text."""
    response = option
    if state.choices:  # which may have been shuffled
        place = [choice.value for choice in state.choices].index(option)
        state.choices.mark_choice(place, True)
        response = f"ANSWER: {OPTION_LETTERS[place]}"
    state.output = ModelOutput.from_content(solver_name, response)
    state.messages.append(state.output.message)
    return state
