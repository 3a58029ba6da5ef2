"""What a case is, whatever its source."""

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

OPTION_LETTERS = ("A", "B", "C", "D", "E")

OptionLetter = Literal["A", "B", "C", "D", "E"]
QuestionType = Literal["diagnosis", "other"]
Difficulty = Literal["easy", "medium", "hard", "expert"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

DIFFICULTY_FLOORS: Mapping[Difficulty, float] = {
    "expert": 0.123,
    "hard": 0.087,
    "medium": 0.040,
    "easy": 0.0,
}
"""The lowest Brier score of each level, hardest first. Every expert case is also a
hard one; a case carries the label of its hardest level."""

DIFFICULTIES = tuple(reversed(tuple(DIFFICULTY_FLOORS)))
"""The levels, easiest first."""

_SENTENCE_END = re.compile(r"(?<=[.?!])[\"”’']?\s+")
_ISO_DATE = re.compile(r"([0-9]{4}-?[0-9]{2}-?[0-9]{2})([T ]00:00:00)?")
_ASKS_FOR_DIAGNOSIS = re.compile(r"\bdiagnos[ei]s\b", re.IGNORECASE)


def _parse_iso_date(value: object) -> object:
    # Pydantic alone would take a number such as 20200101 for a Unix time.
    if isinstance(value, datetime.date):
        return value
    match = _ISO_DATE.fullmatch(str(value))
    if not match:  # fromisoformat takes more, such as 20200203zz in Python 3.11
        raise ValueError("Input should be a date such as 2020-01-31")
    return datetime.date.fromisoformat(match[1])


IsoDate = Annotated[datetime.date, BeforeValidator(_parse_iso_date)]
"""An ISO 8601 date: 2020-01-01, or 20200101 (a number will do); midnight may follow, as
it does where a table holds points in time."""


def _check_share(value: object) -> object:
    try:
        good = 0 <= float(str(value)) <= 1
    except ValueError:
        good = False
    if not good:
        raise ValueError("Input should be a share from 0 to 1, not a percentage")
    return value


Share = Annotated[float, BeforeValidator(_check_share)]


class Case(BaseModel):
    """One image-challenge case: what the examinee may see, and what it may not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int | Text
    """Unique within its source; an int for NEJM cases."""
    history: Text
    """The case as its readers saw it: history and closing question, no options."""
    reference: Text
    """The reference answer, usually a diagnosis."""
    date: IsoDate | None = None
    """When the case was published."""
    options: tuple[Text, ...] = ()
    """The five options A to E in their order, or none."""
    correct_option: OptionLetter | None = None
    reader_votes: tuple[Share, ...] = ()
    """The share of readers who chose each option, as published: rounded to 1%, so
    that the five may sum to 0.99 or 1.02."""
    total_votes: Annotated[int, Field(ge=0)] | None = None
    brier_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """Mean over the five options of the squared error of the readers' votes; higher
    is harder."""
    given_difficulty: Annotated[Difficulty | None, Field(alias="difficulty")] = None
    """The level that a source names by itself."""
    question_type: QuestionType
    """`diagnosis` if the case asks for a diagnosis; see `question_type`."""
    has_history: bool | None = None
    """Whether the text holds a history besides its question; None if its source does
    not say. It is not read from the text: of the 440 NEJM cases whose text is only a
    question, 183 have a history in that question."""

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        if len(self.options) not in (0, len(OPTION_LETTERS)):
            raise ValueError(f"there must be five options, not {len(self.options)}")
        if len(set(self.options)) < len(self.options):
            raise ValueError("two options are the same")
        if self.correct_option and not self.options:
            raise ValueError("correct_option is given but options are not")
        if self.reader_votes and len(self.reader_votes) != len(self.options):
            raise ValueError("reader_votes must hold one share for each option")
        if self.given_difficulty not in (None, self.difficulty):
            raise ValueError(
                f"difficulty is {self.given_difficulty}, but the Brier score "
                f"{self.brier_score} is {self.difficulty}"
            )
        return self

    @property
    def difficulty(self) -> Difficulty | None:
        """The hardest level that the Brier score reaches; without one, that given."""
        if self.brier_score is None:
            return self.given_difficulty
        return next(
            level for level, floor in DIFFICULTY_FLOORS.items() if self.brier_score >= floor
        )

    @property
    def reader_accuracy(self) -> float | None:
        """The share of readers who chose the correct option; None without votes."""
        if not self.reader_votes or self.correct_option is None:
            return None
        return self.reader_votes[OPTION_LETTERS.index(self.correct_option)]

    @property
    def question(self) -> str | None:
        """The last sentence of the history if it asks something, else None."""
        return closing_question(self.history)


def levels_of(difficulty: str) -> tuple[str, ...]:
    """Every level that a case with this label belongs to: expert cases are hard too.

    Args:
        difficulty: The label of a case.
    """
    return ("hard", "expert") if difficulty == "expert" else (difficulty,)


def closing_question(history: str) -> str | None:
    """Finds the question that a case ends with.

    Args:
        history: The text of the case.

    Returns:
        The last sentence that ends in a question mark, or None. Six NEJM cases ask
        nothing: their list lost the question.
    """
    sentences = _SENTENCE_END.split(history.strip())
    return next((s for s in reversed(sentences) if s.endswith("?")), None)


def question_type(history: str) -> QuestionType:
    """Tells whether a case asks for a diagnosis or for something else.

    The rule is the word: a closing question with "diagnosis" or "diagnoses" in it asks
    for a diagnosis, and so does a case without any question. Every other question
    ("Which vector…?", "What is the most likely cause?", "What is the underlying
    condition?") is `other`, even where its answer is the name of a disease, because
    the type decides whether the solver may replace the case's question by its own:
    asked for the most likely diagnosis, a model would answer another question than
    "What is the underlying condition?".

    The rule reads the text alone. It is therefore wrong, knowingly, for questions that
    name the diagnosis but want something else ("Which test would confirm the
    diagnosis?"), and for NEJM case 942, whose lost question wanted a treatment.

    Args:
        history: The text of the case.
    """
    question = closing_question(history)
    if question is None or _ASKS_FOR_DIAGNOSIS.search(question):
        return "diagnosis"
    return "other"
