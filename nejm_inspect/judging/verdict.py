"""What a judge is asked about a response, and what counts as its verdict."""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Self

from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from nejm_inspect.prompts import GRADER_PROMPT, GRADER_SYSTEM_PROMPT, GRADING_RULES
from nejm_inspect.response import after_thinking
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, RUBRIC, level_of
from nejm_inspect.text import unique_keys

MAX_RESPONSE_CHARACTERS = 8_000
"""How much of a response the judge sees, half from its start and half from its end."""


@dataclass(frozen=True)
class Question:
    """What a judge is asked about: a response and what it is compared with."""

    history: str
    reference: str
    response: str
    """What the examinee wrote, without its thinking."""

    @property
    def token(self) -> str:
        """The word that fences the texts and signs the verdict: a hash of all three.

        None of them can contain it. The same question has the same token, and a cached reply fits.
        """
        judged = json.dumps([self.history, self.reference, self.response])
        return hashlib.sha256(judged.encode()).hexdigest()[:12]

    def messages(self) -> list[ChatMessage]:
        """The judge's prompt: the rules, then history, reference and response with the task."""
        rubric = "\n".join(
            f"- {level.points} ({level.category}): {level.meaning}" for level in RUBRIC
        )
        rules = GRADER_SYSTEM_PROMPT.format(rubric=rubric, rules=GRADING_RULES)
        prompt = GRADER_PROMPT.format(
            token=self.token,
            history=neutralized(self.history),
            reference=neutralized(self.reference),
            response=_cut(neutralized(self.response)),
            categories=", ".join(CATEGORIES),
            max_points=MAX_POINTS,
        )
        return [ChatMessageSystem(content=rules), ChatMessageUser(content=prompt)]


def neutralized(text: str) -> str:
    """Replaces characters by which a text could pass for something other than data to be graded.

    Tags and braces become look-alikes: the text cannot open or close a fence, and its echo is not a
    verdict. Control and format characters (zero-width, right-to-left) become visible.
    """
    return "".join(map(_harmless, text.replace("\r\n", "\n")))


def _cut(text: str) -> str:
    cut = len(text) - MAX_RESPONSE_CHARACTERS
    half = MAX_RESPONSE_CHARACTERS // 2
    return f"{text[:half]}\n[{cut:,} characters cut]\n{text[-half:]}" if cut > 0 else text


@lru_cache(maxsize=4_096)  # called for each character of each case
def _harmless(character: str) -> str:
    # A character whose compatibility form is a bracket counts as that bracket.
    plain = unicodedata.normalize("NFKC", character)
    if plain in _LOOK_ALIKES:
        return _LOOK_ALIKES[plain]
    is_control = unicodedata.category(character).startswith(("C", "Zl", "Zp"))
    if character not in "\n\t" and (is_control or _INVISIBLE.fullmatch(character)):
        return f"[U+{ord(character):04X}]"
    return character


_LOOK_ALIKES = {"<": "‹", ">": "›", "{": "(", "}": ")"}
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Fillers and variation selectors; Unicode calls them letters, marks or symbols."""


def _whole_number(value: object) -> object:
    """Reads 10.0 and "10" as 10."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    match = re.fullmatch(r"\s*([0-9]{1,2})(\.0+)?\s*", value) if isinstance(value, str) else None
    return int(match[1]) if match else value


Points = Annotated[int, Field(ge=0, le=MAX_POINTS, strict=True)]
# A remark does not decide the points: whatever its form, the judge is not asked again.
Remark = Annotated[str | None, BeforeValidator(lambda v: v if isinstance(v, str) else None)]


class Verdict(BaseModel):
    """A judge's decision about one response."""

    model_config = ConfigDict(frozen=True)

    token: Annotated[str, Field(strict=True)]
    score: Annotated[Points, BeforeValidator(_whole_number)]
    category: Remark = None
    reasoning: Remark = None

    @model_validator(mode="after")
    def _category_holds_points(self) -> Self:
        words = (self.category or "").lower()
        named = [c for c in CATEGORIES if re.search(rf"\b{c}\b", words)]
        if named and level_of(self.score).category not in named:
            raise ValueError("the category is not that of the score")
        return self


class InvalidVerdictError(ValueError):
    """A reply of the judge without a valid verdict; the message says why."""


def parse_verdict(reply: str, token: str) -> Verdict:
    """Reads the verdict from the judge's reply: the last JSON object after its thinking.

    Prose, code fences and a wrapper object around it are allowed. Nothing is guessed: if the last
    object is not a verdict, or a brace after it opens something that is not JSON, no earlier object
    is taken. A verdict with another token is not valid: it may be an echo of the response.

    Raises:
        InvalidVerdictError: If there is no valid verdict, or several.
    """
    try:
        # A reply that is one object may quote a marker of thinking in its reasoning.
        whole = _FENCE.sub("", reply.strip())
        found = _verdicts_in(_only_object(whole) or _last_object(after_thinking(reply)))
    except RecursionError:
        found = []
    if len(found) != 1:
        raise InvalidVerdictError("several verdicts" if found else "no verdict in JSON")
    try:
        verdict = Verdict.model_validate(found[0])
    except ValidationError as error:
        # Without the values, which may be words of the response.
        problems = [": ".join([*map(str, one["loc"]), one["msg"]]) for one in error.errors()]
        raise InvalidVerdictError("; ".join(problems)) from error
    if verdict.token != token:
        raise InvalidVerdictError("token: not that of the question")
    return verdict


def _verdicts_in(value: object) -> list[dict[str, Any]]:
    """Returns all objects with a score, at any depth."""
    if isinstance(value, dict):
        if "score" in value:
            return [value]
        value = [*value.values()]
    inside = value if isinstance(value, list) else []
    return [verdict for inner in inside for verdict in _verdicts_in(inner)]


def _only_object(text: str) -> dict[str, Any] | None:
    try:
        value = _DECODER.decode(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _last_object(text: str) -> dict[str, Any] | None:
    """Returns the last object, unless broken JSON surrounds or follows it."""
    last: dict[str, Any] | None = None
    depth = position = 0  # depth: in braces of prose, or of an object that does not parse
    while brace := _BRACE.search(text, position):
        position = brace.end()
        if brace[0] == "}":
            depth = max(0, depth - 1)
            continue
        try:
            value, position = _DECODER.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            depth += 1
            last = None
        else:
            last = value if depth == 0 else last
    return last


_BRACE = re.compile("[{}]")
_FENCE = re.compile(r"\A```\w*\s*|\s*```\Z")
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=unique_keys)
"""Allows a bare line break in a text, and refuses a key that occurs twice."""
