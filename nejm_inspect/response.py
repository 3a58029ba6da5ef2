"""What a model wrote: which part is the response, and whether that is the reference."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import pairwise

_TAG = r"(?:\w{1,20}[:_])?(?:think|thinking|thought|reasoning)"
_OPENING = (
    rf"<{_TAG}(?:\s[^<>]*)?>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|think:start\|>"
    r"|<\|begin_of_thought\|>|<\|inner_prefix\|>|<\|channel>thought\b|<unused94>"
    r"|<\|channel\|>(?:analysis|commentary)\b"
)
_CLOSING = (
    rf"</{_TAG}\s*>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|think:end\|>"
    r"|<\|end_of_thought\|>|<\|inner_suffix\|>|<channel\|>|<unused95>"
    r"|<\|channel\|>final\b.{0,80}?<\|message\|>|assistantfinal"
    r"|Here(?: is|['’]s) my response:"
)
_CODE = r"^[ \t]*```.*\n(?:(?![ \t]*```).*\n)*+[ \t]*```[ \t]*$|`[^`\n]+`"
_NEXT = re.compile(
    rf"(?P<code>{_CODE})|(?P<opening>{_OPENING})|{_CLOSING}", re.IGNORECASE | re.MULTILINE
)
_CLOSES = re.compile(_CLOSING, re.IGNORECASE)
_SPECIAL = re.compile(rf"\A(?:\s|(?!{_OPENING}|{_CLOSING})<\|\w+\|>)+", re.IGNORECASE)


def after_thinking(text: str) -> str:
    """Returns the text after the thinking of a model, which may be the judge or the examinee.

    Inspect removes thinking that a provider sends separately, and one closed `<think>` block. This
    finds the rest, by the markers of public parsers (mainly vLLM's). Chat templates may open the
    thinking: a closing marker does not need an opening one. Thinking that starts again after an
    answer withdraws that answer. In Markdown code outside the thinking, a marker is a quotation.

    Returns:
        The text after the last closing marker, without white space and special tokens
        (`<|return|>`) around it; "" if the thinking never ends or nothing follows it.
    """
    while (last := text.rfind("<|")) >= 0 and _SPECIAL.fullmatch(text[last:]):
        text = text[:last]
    text, start = _SPECIAL.sub("", text.rstrip()), 0
    while marker := _NEXT.search(text, start):
        start = marker.end()
        if not marker["code"]:
            closing = _CLOSES.search(text, start) if marker["opening"] else marker
            if closing is None:
                return ""
            text, start = _SPECIAL.sub("", text[closing.end() :]), 0
    return text


_ANSWER_TAGS = re.compile(r"<\|\w+\|>|</?(?:answer|response)>", re.IGNORECASE)
_OBJECT = re.compile(r"\{[^{}]*\}")
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*+)\}")
_LATEX_TEXT = re.compile(r"\\(?:text|math)\w*\s*\{([^{}]*)\}")
_LATEX_SPACE = re.compile(r"\\[,;:! ]|~")
_WITHDRAWN = re.compile(r"\b(?:ruled out|final (?:answer|diagnosis)|instead)\b")
_BOLD_LINE = re.compile(r"\s*(\*\*|__)([^*_]+)\1[.\s]*")


def is_verbatim(response: str, references: Collection[str]) -> bool:
    """Whether a response, without its thinking, is verbatim one of the references.

    It is if the whole response or the one diagnosis that it commits to equals a reference after
    normalization. The first of `_COMMITMENTS` that finds something decides; if it finds different
    diagnoses, as in two boxes or labels, none counts. The last line of a list never counts, and a
    reference that only the explanation mentions does not count.
    """
    right = {normalized_diagnosis(reference) for reference in references}
    if normalized_diagnosis(response) in right:
        return True
    text = _ANSWER_TAGS.sub("", response).strip()
    for find in _COMMITMENTS:
        if found := {normalized_diagnosis(diagnosis) for diagnosis in find(text)}:
            return len(found) == 1 and found <= right
    return False


def _in_json(text: str) -> Iterator[str]:
    """Texts of a JSON object's `diagnosis` or `answer` (`final_diagnosis`, …)."""
    for found in _OBJECT.findall(text):
        with suppress(ValueError, RecursionError):
            for key, value in json.loads(found).items():
                label = re.sub(r"[\s_-]+", " ", key).strip().casefold()
                if _LABEL_WORDS.fullmatch(label) and isinstance(value, str):
                    yield value


def _in_boxes(text: str) -> Iterator[str]:
    for found in _BOXED.findall(text):
        yield _LATEX_SPACE.sub(" ", _LATEX_TEXT.sub(r"\1", found))


def _labelled(text: str) -> Iterator[str]:
    """Lines with a label ("Final diagnosis: …"), and lines after such a heading."""
    lines = [line for line in text.splitlines() if line.strip()]
    for line, following in pairwise([*lines, ""]):
        bare = _EDGES.sub("", line.casefold())
        if _LABEL_WORDS.fullmatch(bare):
            yield following
        elif _LABEL.match(bare):  # normalization removes the label
            yield f"{line} {following}" if _goes_on(following) else line


def _bold_line(text: str) -> Iterator[str]:
    """The only line that is all bold, if it is the first line, or the last after prose."""
    lines = [line for line in text.splitlines() if line.strip()]
    bold = [_BOLD_LINE.fullmatch(line) for line in lines]
    found = [line for line in bold if line]
    if len(found) == 1:
        is_first = bold[0] and not _goes_on("".join(lines[1:2]))
        if is_first or (bold[-1] and all(map(_is_prose, lines[:-1]))):
            yield found[0][2]


def _is_prose(line: str) -> bool:
    """Whether a line is too long, or too much like a sentence, to be an answer."""
    words = len(line.split())
    return words > 6 or (words > 3 and line.rstrip().endswith((".", ":")))


def _goes_on(line: str) -> bool:
    """Whether a line continues the sentence before it."""
    return line.lstrip()[:1].islower()


def _first_line(text: str) -> Iterator[str]:
    """The first line, if a blank line and an explanation follow that does not withdraw it.

    A paragraph of one line without a full stop or colon counts as a further diagnosis.
    """
    first, *explanation = re.split(r"\n\s*\n", text)
    rest = normalized_diagnosis(" ".join(explanation))
    withdrawn = _WITHDRAWN.search(rest) or f"not {normalized_diagnosis(first)}" in rest
    explains = all("\n" in p or p.rstrip("*_ ").endswith((".", ":")) for p in explanation)
    if "\n" not in first and not withdrawn and explains:
        yield first


_COMMITMENTS = (_in_json, _in_boxes, _labelled, _bold_line, _first_line)

_LABEL_WORDS = re.compile(
    r"(?:the\s+)?(?:(?:single|most|likely|final|correct|primary)\s+)*(?:diagnosis|answer)"
)
_LABEL = re.compile(rf"^{_LABEL_WORDS.pattern}[*_` \t]*(?:[:=–—\n]|(?<=\s)-|(?<=\s)is\b)[\W_]*")
_EDGES = re.compile(r"\A[\W_]++|(?<![\W_])[\W_]++\Z")
_NOT_WORDS = re.compile(r"[\W_]+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`", "'"))
_POSSESSIVE = re.compile(r"'s\b|(?<=s)'(?=\s|$)")
_PLURAL = re.compile(r"\b(disease|disorder|syndrome|infection|carcinoma)s\b")
# It spares the letter of "hemophilia A" and "vitamin A deficiency".
_ARTICLE = re.compile(r"(^|\b(?:and|as|by|for|from|in|into|of|on|or|to|with) )an? (?=\S)|\bthe\b ?")


def normalized_diagnosis(text: str) -> str:
    """Returns a diagnosis without differences that do not matter, such as formatting or a label.

    What remains are lower-case words with single spaces, in ASCII where that can express the text.
    """
    straight = text.translate(_APOSTROPHES).casefold()
    decomposed = unicodedata.normalize("NFKD", straight)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    unlabelled = _LABEL.sub("", _EDGES.sub("", plain))
    while unlabelled != plain:
        plain, unlabelled = unlabelled, _LABEL.sub("", _EDGES.sub("", unlabelled))
    words = _NOT_WORDS.sub(" ", _POSSESSIVE.sub("", plain)).split()
    return _PLURAL.sub(r"\1", _ARTICLE.sub(r"\1", " ".join(words)).strip())
