"""The judge's side of scoring: what it is sent, and what counts as its verdict."""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
)
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nejm_inspect.prompts import (
    GRADER_PROMPT,
    GRADER_RETRY_NOTE,
    GRADER_SYSTEM_PROMPT,
)
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, RUBRIC

GRADER_ROLE = "grader"
DEFAULT_GRADER = "openrouter/anthropic/claude-sonnet-4"
"""The judge of the published benchmark."""
GRADER_CONFIG = GenerateConfig(temperature=0)
"""What the judge is asked with where its user sets nothing else."""

ATTEMPTS = 3
"""How often in all the judge is asked for a verdict before the sample is unscored."""

MAX_RESPONSE_CHARACTERS = 8_000
"""How much of a response the judge sees, half from its start and half from its end; a
diagnosis needs one line."""


def _text_or_none(value: object) -> object:
    return value if isinstance(value, str) else None


Remark = Annotated[str | None, BeforeValidator(_text_or_none)]
"""What informs and decides nothing: a judge that puts it otherwise than as text is not
asked again for that."""


class Verdict(BaseModel):
    """What the judge decides."""

    model_config = ConfigDict(strict=True)

    token: str
    """The prompt's, which shows that the judge wrote this, in reply to that prompt."""
    score: int = Field(ge=0, le=MAX_POINTS)
    category: Remark = None
    reasoning: Remark = None


class InvalidVerdictError(ValueError):
    """A reply of the judge that holds no valid verdict; the message says why."""


@dataclass(frozen=True)
class Vote:
    """What a judge made of a response."""

    judge: str
    verdict: Verdict | None
    """None if no reply held a valid one."""
    attempts: int
    """How often the judge was asked."""
    reply: str
    """The judge's last reply."""


async def ask_for_vote(
    judge: Model,
    config: GenerateConfig,
    *,
    history: str,
    reference: str,
    response: str,
) -> Vote:
    """Asks a judge until it gives a valid verdict, three times at most.

    Args:
        judge: The judge.
        config: How to ask it.
        history: The case as its readers saw it.
        reference: The reference answer.
        response: What the examinee wrote; untrusted.
    """
    token = prompt_token(history, reference, response)
    note = ""
    reply = ""
    for attempt in range(1, ATTEMPTS + 1):
        prompt = grader_messages(history, reference, response, note)
        reply = (await judge.generate(prompt, config=config)).completion
        try:
            return Vote(str(judge), parse_verdict(reply, token), attempt, reply)
        except InvalidVerdictError as problem:
            # Telling what was wrong also makes the request a new one to any cache.
            note = GRADER_RETRY_NOTE.format(attempt=attempt + 1, problem=problem)
    return Vote(str(judge), None, ATTEMPTS, reply)


def prompt_token(history: str, reference: str, response: str) -> str:
    """What fences the response and signs the verdict: a hash of all that is judged.

    A response cannot contain it, being a part of what is hashed; and the same case and
    response always give the same prompt, so that replies can be cached.

    Args:
        history: The case as its readers saw it.
        reference: The reference answer.
        response: What the examinee wrote; untrusted.
    """
    judged = json.dumps([history, reference, response])
    return hashlib.sha256(judged.encode()).hexdigest()[:12]


def grader_messages(
    history: str, reference: str, response: str, note: str = ""
) -> list[ChatMessage]:
    """Builds the judge's prompt: rules, case, fenced response, task; in this order.

    Args:
        history: The case as its readers saw it.
        reference: The reference answer.
        response: What the examinee wrote; untrusted.
        note: What to add at the end, for a further attempt.
    """
    rubric = "\n".join(f"- {level.points}: {level.meaning}" for level in RUBRIC)
    prompt = GRADER_PROMPT.format(
        history=history,
        reference=reference,
        token=prompt_token(history, reference, response),
        response=neutralized(response),
        categories=", ".join(CATEGORIES),
        max_points=MAX_POINTS,
    )
    return [
        ChatMessageSystem(content=GRADER_SYSTEM_PROMPT.format(rubric=rubric)),
        ChatMessageUser(content=prompt + note),
    ]


def neutralized(response: str) -> str:
    """Takes from a response what could pass for anything but text to be graded.

    Tags and braces become harmless look-alikes, so that it can open or close no fence,
    and its echo is no JSON verdict; control and format characters (zero-width,
    right-to-left) become visible; an overlong middle is cut out, and the cut marked.

    Args:
        response: What the examinee wrote.
    """
    shown = "".join(map(_harmless, response.replace("\r\n", "\n")))
    cut = len(shown) - MAX_RESPONSE_CHARACTERS
    if cut <= 0:
        return shown
    half = MAX_RESPONSE_CHARACTERS // 2
    return f"{shown[:half]}\n[{cut:,} characters cut]\n{shown[-half:]}"


def _harmless(character: str) -> str:
    # Every form whose compatibility form is a bracket counts as that bracket.
    plain = unicodedata.normalize("NFKC", character)
    if plain in _LOOK_ALIKES:
        return _LOOK_ALIKES[plain]
    category = unicodedata.category(character)
    if character not in "\n\t" and (
        category.startswith(("C", "Zl", "Zp")) or _INVISIBLE.fullmatch(character)
    ):
        return f"[U+{ord(character):04X}]"
    return character


_LOOK_ALIKES = {"<": "‹", ">": "›", "{": "(", "}": ")"}
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Characters that show nothing though Unicode counts them as letters, marks or symbols:
fillers and variation selectors, in which a text can be hidden."""


def parse_verdict(reply: str, token: str) -> Verdict:
    """Reads the verdict from the judge's reply: the last JSON object in it.

    Prose and code fences around the object are allowed. Nothing is guessed: if the
    last object is no verdict, or something behind it opens a brace and is no JSON, an
    earlier one is not taken in its stead. A verdict without the prompt's token is not
    the judge's own: it may be an echo of the response.

    Args:
        reply: What the judge wrote.
        token: The prompt's.

    Raises:
        InvalidVerdictError: If there is no JSON object, or the last one has another
            token, or no whole number from 0 to 10 as its score.
    """
    found = _last_json_object(reply)
    if found is None:
        raise InvalidVerdictError("no JSON object")
    try:
        verdict = Verdict.model_validate(found)
    except ValidationError as error:
        # Without the values, which may be the response's words and must not come back
        # as ours.
        problems = (
            f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()
        )
        raise InvalidVerdictError("; ".join(problems)) from error
    if verdict.token != token:
        raise InvalidVerdictError("token: not that of the request")
    return verdict


def _last_json_object(text: str) -> dict[str, object] | None:
    """The last object that neither stands inside a broken one nor before one."""
    decoder = json.JSONDecoder(strict=False)  # a bare line break in a text will do
    last: dict[str, object] | None = None
    depth = 0  # braces of prose, or of an object that does not parse
    position = 0
    while position < len(text):
        if text[position] == "{":
            try:
                value, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                depth += 1
                last = None
            else:
                if depth == 0:
                    last = value
                position = end
                continue
        elif text[position] == "}":
            depth = max(0, depth - 1)
        position += 1
    return last
