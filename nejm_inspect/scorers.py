"""Scorers: from a response to rubric points."""

import functools
import logging

from inspect_ai.model import ContentText, ModelOutput, get_model
from inspect_ai.scorer import Metric, Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from nejm_inspect import metrics
from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.asking import CUT_OFF
from nejm_inspect.judging.panel import bound_judges, grade
from nejm_inspect.judging.vendors import judges_of_same_vendor
from nejm_inspect.judging.verdict import Question
from nejm_inspect.response import after_thinking, is_verbatim
from nejm_inspect.rubric import MAX_POINTS, NO_DIAGNOSIS

POINTS_METRICS: list[Metric] = [
    metrics.overall_score(),
    metrics.stderr(),
    metrics.ci(),
    metrics.exact_rate(),
    *map(metrics.score_by, metrics.GROUPS),
]

SELF_PREFERENCE = (
    "{} is judged by {}, of the same vendor: judges may prefer responses of their own family. "
    "Bind another judge by --model-role grader=PROVIDER/MODEL."
)
PANEL_OF_TWO = (
    "A panel of two judges has no majority: where they differ, the points are the mean of both. "
    "Three judges or more give a median."
)


@scorer(metrics=[*POINTS_METRICS, metrics.panel_agreement()])
def diagnosis_rubric() -> Scorer:
    """Points from 0 to 10 that a judge model gives by the rubric.

    The judge is the model bound to the role `grader`, else `DEFAULT_GRADER`; several models are a
    panel (see `grade`). A judge sees history, reference and response, never the image or options.

    A response without any diagnosis (empty, refused, a request for a tool, thinking that never
    ended) gets 0 points, with a reason and without a judge call. A provider's error is the sample's
    error: Inspect retries it.

    The score's `answer` is the response, its `explanation` the judge's reasoning. Its metadata are
    those of `grade` and, if any, `same_vendor`: the judges of the examinee's vendor. Warns once of
    each of these, and of a panel of two.
    """
    warn_once = functools.cache(logging.getLogger(__name__).warning)

    async def score(state: TaskState, target: Target) -> Score:
        if absent := _without_diagnosis(state):
            return absent
        judges = bound_judges()
        history = state.metadata.get(WITHHELD_HISTORY) or _history(state)
        reference = " or ".join(_references(state, target))
        response = after_thinking(state.output.completion)
        related = judges_of_same_vendor(get_model(), judges)
        for judge in related:
            warn_once(SELF_PREFERENCE.format(get_model(), judge))
        if len(judges) == 2:
            warn_once(PANEL_OF_TWO)
        graded = await grade(judges, Question(history, reference, response))
        if related and graded.metadata is not None:
            graded.metadata["same_vendor"] = related
        return graded

    return score


@scorer(metrics=[*POINTS_METRICS])
def verbatim_diagnosis() -> Scorer:
    """10 points if the response is verbatim a reference (`is_verbatim`), else 0; without a judge.

    It does not know synonyms: its `exact_rate` is a lower bound.
    """

    async def score(state: TaskState, target: Target) -> Score:
        if absent := _without_diagnosis(state):
            return absent
        response = after_thinking(state.output.completion)
        verbatim = is_verbatim(response, _references(state, target))
        return Score(value=MAX_POINTS if verbatim else 0, answer=response)

    return score


def _history(state: TaskState) -> str:
    """Returns all text of a sample's user messages."""
    if isinstance(state.input, str):
        return state.input
    return "\n\n".join(m.text for m in state.input if m.role == "user")


def _references(state: TaskState, target: Target) -> list[str]:
    """Returns the right answers; a response that matches one of them is right."""
    references = [reference for reference in target if reference.strip()]
    if not references:
        raise NejmInspectError(f"Sample {state.sample_id} has no target to grade by.")
    return references


def _without_diagnosis(state: TaskState) -> Score | None:
    """Returns the score of a response without a diagnosis; None if there is text to grade."""
    if not state.output.choices:  # `inspect score` also asks for scores of samples with an error
        no_output = "The model was not asked, its request failed, or a limit stopped it."
        return Score.unscored(reason="no_output", explanation=no_output)
    response = after_thinking(state.output.completion)
    if _is_refusal(state.output):
        reason, explanation = "refusal", "The model or its provider refused to answer."
    elif response:
        return None
    else:
        reason, explanation = "no_response", _why_empty(state.output)
    details = {"category": NO_DIAGNOSIS, "attempts": 0}
    return Score(value=0, answer=response, reason=reason, explanation=explanation, metadata=details)


def _why_empty(output: ModelOutput) -> str:
    if output.message.tool_calls:
        return "The model asked for a tool, though none is offered."
    thought = bool(output.completion.strip())
    if output.stop_reason in CUT_OFF:
        part = "thinking" if thought else "response"
        remedy = ": raise max_tokens" if output.stop_reason == "max_tokens" else ""
        return f"The {part} was cut off before a diagnosis{remedy}."
    if thought:
        return "The thinking never ended, or nothing followed it."
    return "The response was empty."


def _is_refusal(output: ModelOutput) -> bool:
    """Whether the provider reports a refusal; text that reads like one is for the judge."""
    return output.stop_reason == "content_filter" or any(
        isinstance(part, ContentText) and part.refusal for part in output.message.content
    )
