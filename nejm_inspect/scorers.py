"""Scorers: from a response to rubric points."""

import re
import unicodedata

from inspect_ai.model import ContentText, ModelOutput, get_model
from inspect_ai.scorer import Metric, Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.panel import bound_judges, grade
from nejm_inspect.judging.vendors import judges_of_same_vendor
from nejm_inspect.judging.verdict import Question
from nejm_inspect.metrics import (
    GROUPS,
    category_share,
    ci,
    exact_rate,
    overall_score,
    panel_agreement,
    score_by,
    stderr,
)
from nejm_inspect.rubric import MAX_POINTS, NO_DIAGNOSIS

POINTS_METRICS: list[Metric] = [
    overall_score(),
    stderr(),
    ci(),
    exact_rate(),
    *map(score_by, GROUPS),
]


@scorer(metrics=[*POINTS_METRICS, panel_agreement()])
def diagnosis_rubric() -> Scorer:
    """Points from 0 to 10 that a judge model gives by the rubric.

    The judge is the model bound to the role `grader`, else `DEFAULT_GRADER`, asked with
    `GRADER_CONFIG` where its user sets nothing else. Several models bound to the role
    are a panel, whose points are the median; see `grade`. A judge sees history,
    reference and response, never the image or the options.

    A response without any diagnosis (empty, refused, or cut off before its first
    word) gets 0 points, with a reason and without a judge call. If the judge gives no
    valid verdict in three attempts, the sample is unscored: it leaves every metric and
    is counted as such. A provider's error is the sample's error, for Inspect to
    retry.

    The score's `answer` is the response and its `explanation` the judge's reasoning.
    Its metadata are those of `grade`, and `same_vendor`: the judges that are of the
    examinee's vendor, if any.
    """

    async def score(state: TaskState, target: Target) -> Score:
        absent = _without_diagnosis(state)
        if absent:
            return absent
        judges = bound_judges()
        question = Question(
            history=state.metadata.get(WITHHELD_HISTORY) or _history(state),
            reference=" or ".join(_references(state, target)),
            response=state.output.completion.strip(),
        )
        graded = await grade(judges, question)
        related = judges_of_same_vendor(get_model(), judges)
        if related and graded.metadata is not None:
            graded.metadata["same_vendor"] = related
        return graded

    return score


@scorer(metrics=[*POINTS_METRICS])
def verbatim_diagnosis() -> Scorer:
    """10 points if the response is the reference in other clothes, else 0; no judge.

    Response and reference are compared without regard to case, accents, punctuation,
    articles, possessives, the plural of words such as "syndromes", formatting around
    the answer and a label before it ("Diagnosis: …"). It knows no synonyms: a lower
    bound of exactness.
    """

    async def score(state: TaskState, target: Target) -> Score:
        absent = _without_diagnosis(state)
        if absent:
            return absent
        answer = state.output.completion.strip()
        references = map(normalized_diagnosis, _references(state, target))
        same = normalized_diagnosis(answer) in references
        return Score(value=MAX_POINTS if same else 0, answer=answer)

    return score


@scorer(metrics=[category_share()])
def rubric_category() -> Scorer:
    """The judge's category, repeated as a value of its own for the viewer's columns.

    Only to be used behind `diagnosis_rubric`, whose score it reads.
    """

    async def score(state: TaskState, target: Target) -> Score | None:
        points = (state.scores or {}).get("diagnosis_rubric")
        category = ((points and points.metadata) or {}).get("category")
        return Score(value=category) if category else None

    return score


def _history(state: TaskState) -> str:
    """Everything that the user says in a sample."""
    if isinstance(state.input, str):
        return state.input
    return "\n\n".join(m.text for m in state.input if m.role == "user")


def _references(state: TaskState, target: Target) -> list[str]:
    """The answers that are right; any of them will do."""
    references = [reference for reference in target if reference.strip()]
    if not references:
        raise NejmInspectError(f"Sample {state.sample_id} has no target to grade by.")
    return references


def _without_diagnosis(state: TaskState) -> Score | None:
    """The score of a response that has nothing to grade; None if it has."""
    answer = state.output.completion.strip()
    if _is_refusal(state.output):
        reason, explanation = "refusal", "The model or its provider refused to answer."
    elif answer:
        return None
    elif state.output.stop_reason in ("max_tokens", "model_length"):
        reason, explanation = (
            "no_response",
            "The response was cut off before an answer.",
        )
    else:
        reason, explanation = "no_response", "The response was empty."
    return Score(
        value=0,
        answer=answer,
        reason=reason,
        explanation=explanation,
        metadata={"category": NO_DIAGNOSIS, "attempts": 0},
    )


def _is_refusal(output: ModelOutput) -> bool:
    """Whether the provider says so; what merely reads like one is for the judge."""
    if output.stop_reason == "content_filter":
        return True
    content = output.message.content if output.choices else ""
    return not isinstance(content, str) and any(
        isinstance(part, ContentText) and part.refusal for part in content
    )


_LABEL = re.compile(
    r"^(?:the\s+)?(?:(?:single|most|likely|final|correct|primary)\s+)*"
    r"(?:diagnosis|answer)[*_` \t]*(?:[:=–—\n]|(?<=\s)-|(?<=\s)is\b)[\W_]*"
)
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_NOT_WORDS = re.compile(r"[\W_]+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`", "'"))
_POSSESSIVE = re.compile(r"'s\b|(?<=s)'(?=\s|$)")
_BEFORE_ARTICLES = frozenset(
    ("and", "as", "by", "for", "from", "in", "into", "of", "on", "or", "to", "with")
)
_PLURALS = {
    "diseases": "disease",
    "disorders": "disorder",
    "syndromes": "syndrome",
    "infections": "infection",
    "carcinomas": "carcinoma",
}


def normalized_diagnosis(text: str) -> str:
    """A diagnosis without the differences that do not matter.

    Args:
        text: A diagnosis, perhaps with formatting and a label.

    Returns:
        Lower-case words of ASCII letters and digits where these can express the text,
        single spaces between them.
    """
    straight = text.translate(_APOSTROPHES).casefold()
    decomposed = unicodedata.normalize("NFKD", straight)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    unlabelled = _LABEL.sub("", _EDGES.sub("", plain))
    while unlabelled != plain:
        plain, unlabelled = unlabelled, _LABEL.sub("", _EDGES.sub("", unlabelled))
    words = _NOT_WORDS.sub(" ", _POSSESSIVE.sub("", plain)).split()
    return " ".join(
        _PLURALS.get(word, word)
        for position, word in enumerate(words)
        if not _is_article(words, position)
    )


def _is_article(words: list[str], position: int) -> bool:
    """Whether a word is an article and not the letter of "hemophilia A"."""
    if words[position] == "the":
        return True
    if words[position] not in ("a", "an") or position == len(words) - 1:
        return False
    return position == 0 or words[position - 1] in _BEFORE_ARTICLES
