"""What a case is, and how a row of any source becomes one."""

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nejm_inspect.cases.own_images import ImagePlace, from_json, stored_images

OPTION_LETTERS = ("A", "B", "C", "D", "E")
MAX_ID = 200
"""Characters; a log is an archive, whose members have names of limited length."""

CaseId = int | str
OptionLetter = Literal["A", "B", "C", "D", "E"]
QuestionType = Literal["diagnosis", "other"]
Difficulty = Literal["easy", "medium", "hard", "expert"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

DIFFICULTY_FLOORS: Mapping[Difficulty, float] = {
    "easy": 0.0,
    "medium": 0.040,
    "hard": 0.087,
    "expert": 0.123,
}
"""The lowest Brier score of each level. A case is labelled with its hardest level."""
DIFFICULTIES = tuple(DIFFICULTY_FLOORS)

_SENTENCE_END = re.compile(r"(?<=[.?!])[\"”’']?\s+")
_ASKS_FOR_DIAGNOSIS = re.compile(r"\bdiagnos[ei]s\b", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"(0|-?[1-9][0-9]{0,17})(\.0)?")
_ISO_DATE = re.compile(r"([0-9]{4}-?[0-9]{2}-?[0-9]{2})([T ]00:00:00)?")
_NO_REFERENCE = re.compile(r"none|nan|nat|null|<na>|#(n/a|ref!|value!|name\?)", re.IGNORECASE)
"""What tables hold in the place of a missing text once it has become text."""
_OPTION_NAME = re.compile(r"[A-Ea-e1-5][.)]?")


def levels_of(difficulty: str) -> tuple[str, ...]:
    """Returns every level that a case with this label belongs to: expert cases are also hard."""
    return ("hard", "expert") if difficulty == "expert" else (difficulty,)


def closing_question(history: str) -> str | None:
    """Returns the last sentence that ends in a question mark.

    None for a text without a question; the list lacks the question of six NEJM cases.
    """
    sentences = _SENTENCE_END.split(history.strip())
    return next((s for s in reversed(sentences) if s.endswith("?")), None)


def question_type(history: str) -> QuestionType:
    """Returns whether the text of a case asks for a diagnosis or for something else.

    A closing question with the word "diagnosis" or "diagnoses" asks for a diagnosis, and so does a
    case without a question. Every other question ("Which vector…?", "What is the underlying
    condition?") is `other`, even if its answer is the name of a disease, because the type decides
    whether the solver may replace the case's question by its own.

    Known errors: questions that contain the word but ask for something else ("Which test would
    confirm the diagnosis?"), and NEJM case 942, whose missing question asked for a treatment.
    """
    question = closing_question(history)
    if question is None or _ASKS_FOR_DIAGNOSIS.search(question):
        return "diagnosis"
    return "other"


def as_id(value: object) -> object:
    """Returns one id for 7, 7.0, "7" and "7.0": its type depends on the file format."""
    match = _WHOLE_NUMBER.fullmatch(str(value).strip())
    if match and (type(value) in (int, str) or (type(value) is float and abs(value) < 2**53)):
        return int(match[1])
    if type(value) not in (int, str):
        raise ValueError("Input should be a whole number or text")
    text = str(value)
    if len(text) > MAX_ID or not text.isprintable() or re.search(r"[/\\]", text):
        raise ValueError(
            f"Input should be printable, without / and \\, of at most {MAX_ID} characters: it "
            "names a sample in the log"
        )
    return text


def _as_date(value: object) -> object:
    """Reads 2020-01-31, 20200131 or Jan-31-2020; an ISO date may be followed by midnight."""
    # Pydantic alone would take a number such as 20200101 for a Unix time.
    if isinstance(value, datetime.date):
        return value
    if match := _ISO_DATE.fullmatch(str(value)):
        # fromisoformat takes more, such as 20200203zz in Python 3.11.
        return datetime.date.fromisoformat(match[1])
    try:
        return datetime.datetime.strptime(str(value), "%b-%d-%Y").date()
    except ValueError:
        raise ValueError("Input should be a date such as 2020-01-31") from None


def _as_share(value: object) -> object:
    """Reads a share from 0 to 1, or a percentage with its sign."""
    number = str(value).strip()
    try:
        share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ValueError("Input should be a share from 0 to 1, or a percentage such as '12%'")
    return share


def _as_count(value: object) -> object:
    # The NEJM list has "96521", and in a few places "165,436" and "85230.".
    return value.replace(",", "").removesuffix(".") if isinstance(value, str) else value


def _as_list(value: object) -> object:
    """Reads a list; in a cell of text, as JSON."""
    listed = from_json(value)
    if not isinstance(listed, list | tuple):
        raise ValueError(
            'Input should be a list; in a cell of a CSV file, such as ["Gout", "Lupus"]'
        )
    return listed


IsoDate = Annotated[datetime.date, BeforeValidator(_as_date)]
Share = Annotated[float, BeforeValidator(_as_share)]


def _named(*names: str, **options: Any) -> Any:
    """Declares a field by the names that its column may have; users map from the first."""
    return Field(validation_alias=AliasChoices(*names), **options)


class Case(BaseModel):
    """One case: what the examinee may see, and what it may not.

    Validated from a row of a table, by the names given here or those of the NEJM list. The
    validation context is the row's `Table`.
    """

    model_config = ConfigDict(frozen=True, validate_default=True)

    id: Annotated[int | Text, BeforeValidator(as_id)] = _named("id", "image_id")
    """Unique within its source; an int for NEJM cases."""
    history: Text = _named("history", "question", default="")
    """What the journal's readers saw: history and closing question, no options."""
    has_history: bool | None = _named("has_history", "relevant_context", default=None)
    """Whether the text holds a history; None if its source does not say. It is not derived from the
    text: of the 440 NEJM cases that consist of a question, 183 have a history in that question."""
    question_type: QuestionType = Field(default_factory=lambda f: question_type(f["history"]))
    date: IsoDate | None = None
    """When the case was published."""
    options: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    """The five options A to E in their order, or none."""
    correct_option: OptionLetter | None = _named("correct_option", "correct_answer", default=None)
    reference: Text = _named("reference", "answer", default_factory=lambda f: _correct_option(f))
    """The reference answer, usually a diagnosis; without one, the correct option."""
    reader_votes: Annotated[tuple[Share, ...], BeforeValidator(_as_list)] = ()
    """The share of readers who chose each option, rounded to 1% as published: the five may sum to
    0.99 or 1.02."""
    total_votes: Annotated[int, Field(ge=0), BeforeValidator(_as_count)] | None = _named(
        "total_votes", "total_number_votes", default=None
    )
    brier_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """Mean over the five options of the squared error of the readers' votes; higher is harder."""
    given_difficulty: Difficulty | None = _named("difficulty", default=None, exclude=True)
    """The level that the source states."""
    images: Annotated[tuple[ImagePlace, ...], BeforeValidator(stored_images)] = _named(
        "image", "images", "file_name", "file_names", default=(), exclude=True
    )
    """Where its images are: files or https URLs; none for NEJM cases."""

    @model_validator(mode="before")
    @classmethod
    def _read_row(cls, row: Any) -> Any:
        """Drops empty cells, and collects options and votes that have a column each."""
        fields = {k: v for k, v in row.items() if v is not None and v != ""}
        columns = [f"option_{letter}" for letter in OPTION_LETTERS]
        options = [fields[column] for column in columns if column in fields]
        votes = [fields[f"{column}_votes"] for column in columns if f"{column}_votes" in fields]
        if options:
            fields.setdefault("options", options)
        if votes:
            fields.setdefault("reader_votes", votes)
            texts = fields.get("options")
            if isinstance(texts, list) and fields.get("answer") in texts:
                letter = OPTION_LETTERS[texts.index(fields["answer"])]
                fields.setdefault("correct_option", letter)
        return fields

    @field_validator("reference")
    @classmethod
    def _is_an_answer(cls, reference: str, info: ValidationInfo) -> str:
        options = info.data.get("options", ())
        if reference in options:
            return reference
        if options and _OPTION_NAME.fullmatch(reference):
            raise ValueError(
                "looks like an option's letter. Say so, as in columns='{correct_option: answer}'"
            )
        if _NO_REFERENCE.fullmatch(reference):
            raise ValueError("stands for a missing value")
        return reference

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        if len(self.options) not in (0, len(OPTION_LETTERS)):
            raise ValueError(f"there must be five options, not {len(self.options)}")
        if len(set(self.options)) < len(self.options):
            raise ValueError("two options are the same")
        if self.correct_option and not self.options:
            raise ValueError("correct_option is given but options are not")
        if self.correct_option and self.reference in self.options:
            letter = OPTION_LETTERS[self.options.index(self.reference)]
            if letter != self.correct_option:
                raise ValueError(
                    f"the reference is option {letter}, but correct_option is {self.correct_option}"
                )
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
        """The hardest level that the Brier score reaches; without a score, the level given."""
        if self.brier_score is None:
            return self.given_difficulty
        return [d for d, floor in DIFFICULTY_FLOORS.items() if self.brier_score >= floor][-1]

    @property
    def question(self) -> str | None:
        """The closing question of the history, or None."""
        return closing_question(self.history)

    @property
    def reader_accuracy(self) -> float | None:
        """The share of readers who chose the correct option, if both are known."""
        if not self.reader_votes or self.correct_option is None:
            return None
        return self.reader_votes[OPTION_LETTERS.index(self.correct_option)]


def _correct_option(fields: Mapping[str, Any]) -> str:
    letter, options = fields["correct_option"], fields["options"]
    return options[OPTION_LETTERS.index(letter)] if letter and len(options) == 5 else ""


def _names(field: str) -> list[str]:
    alias = Case.model_fields[field].validation_alias
    return [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else [field]


CASE_COLUMNS: Mapping[str, str] = {
    **{name: _names(field)[0] for field in Case.model_fields for name in _names(field)},
    **{f"option_{letter}": "options" for letter in OPTION_LETTERS},
    **{f"option_{letter}_votes": "reader_votes" for letter in OPTION_LETTERS},
}
"""The field that each known name of a column stands for, under the field's first name."""
