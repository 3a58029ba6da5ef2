"""Asking a judge until it gives a valid verdict."""

import re
from dataclasses import dataclass

from inspect_ai.model import GenerateConfig, Model, ModelOutput

from nejm_inspect.errors import ProviderFailure
from nejm_inspect.judging.verdict import InvalidVerdictError, Question, Verdict, parse_verdict

GRADER_CONFIG = GenerateConfig(temperature=0, max_tokens=2_000)
"""The settings of a judge. Those of its user override them."""
ATTEMPTS = 3
"""How often a judge is asked for a verdict, in all, before the response is unscored."""
RETRY_TEMPERATURE = 0.2
"""At temperature 0 the same prompt would bring the same invalid reply again."""
CUT_OFF = ("max_tokens", "model_length")
"""Stop reasons of a text that was not finished."""

_NAMES = {"temperature": r"\btemperature\b", "max_tokens": r"\bmax_?(completion|output)?_?tokens\b"}
"""What providers call our parameters when they refuse one."""
_refused: dict[str, set[str]] = {}
"""By a judge's name: those of our parameters that it does not take."""


@dataclass(frozen=True)
class Judgment:
    """What a judge made of a response."""

    judge: str
    verdict: Verdict | None
    problem: str  # why the last invalid reply is not a verdict
    attempts: int
    output: ModelOutput  # of the last attempt
    config: GenerateConfig  # of the first attempt, without those of our parameters that are refused


async def ask_judge(judge: Model, question: Question, *, at_once: bool = False) -> Judgment:
    """Asks a judge until it gives a valid verdict, at most `ATTEMPTS` times.

    The prompt stays the same: models read a note about their previous reply as a statement about
    the response, and change their verdict. Further attempts skip Inspect's cache and have a small
    temperature, unless the judge's user set one. Errors of the judge's provider are not caught.
    With `at_once`, nothing waits for a batch, even if the judge's user asked for batches.
    """
    verdict, problem, attempts = None, "", 0
    while verdict is None and attempts < ATTEMPTS:
        output = await _generate(judge, question, again=attempts > 0, at_once=at_once)
        attempts += 1
        try:
            verdict = parse_verdict(output.completion, question.token)
        except InvalidVerdictError as error:
            cut_off = output.stop_reason in CUT_OFF
            problem = f"cut off, raise its max_tokens ({error})" if cut_off else str(error)
    return Judgment(str(judge), verdict, problem, attempts, output, _config(judge))


def _config(judge: Model) -> GenerateConfig:
    """Returns the user's settings; where they say nothing, those of ours that the judge takes."""
    refused = dict.fromkeys(_refused.get(str(judge), ()))
    return GRADER_CONFIG.model_copy(update=refused).merge(judge.config)


async def _generate(judge: Model, question: Question, again: bool, at_once: bool) -> ModelOutput:
    config = _config(judge)
    if at_once:
        config.batch = False
    if again:
        config.cache = False
        if judge.config.temperature is None and config.temperature is not None:
            config.temperature = RETRY_TEMPERATURE
    try:
        return await judge.generate(question.messages(), config=config)
    except Exception as error:  # each provider has its own
        if not _note_refusal(judge, config, ProviderFailure.of(error)):
            raise
    return await _generate(judge, question, again, at_once)


def _note_refusal(judge: Model, config: GenerateConfig, error: ProviderFailure) -> bool:
    """Whether one of our own parameters is refused; it is left out from then on."""
    if error.status not in (400, 422):
        return False
    refused = {
        name
        for name, pattern in _NAMES.items()
        if getattr(config, name) is not None
        and getattr(judge.config, name) is None
        and re.search(pattern, error.message, re.IGNORECASE)
    }
    _refused.setdefault(str(judge), set()).update(refused)
    return bool(refused)
