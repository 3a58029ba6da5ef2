"""Errors that a user can put right, and finding them in what a user gives."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Self

import click
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.errors import MarkupError
from rich.text import Text

from nejm_inspect.text import one_line, visible


class NejmInspectError(click.ClickException):
    """A mistake or an outage, with a message that says what to do about it.

    Being a `click.ClickException`, it ends a click command (`inspect` as well as `nejm-inspect`)
    with its message and exit code 1 instead of a traceback. Messages quote what models, files and
    servers say: control characters in them are made visible.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message, len(message)))


def describe_validation(error: ValidationError, mask: Callable[[str], str] = str) -> str:
    """Says in one line which fields are wrong, what they hold and why not.

    For example ``difficulty='tough': Input should be 'all', 'easy' or 'hard'``. What must not be
    shown of values is for `mask` to remove.
    """
    problems = []
    for problem in error.errors(include_url=False):
        field = ".".join(map(str, problem["loc"])) or "value"
        value = mask(repr(problem["input"]))
        shown = f"={value if len(value) <= 80 else f'{value[:80]}…'}"
        reason = mask(problem["msg"]).removeprefix("Value error, ")
        if problem["type"] == "missing":  # the input is then all that was given
            shown = ""
        if problem["type"] != "default_factory_not_called":  # which follows from another problem
            problems.append(f"{field}{shown}: {reason}")
    return "; ".join(problems)


def plain_message(error: Exception) -> str:
    """What an error says, without the markup for terminals of Inspect's own errors."""
    message = str(getattr(error, "message", error))
    with suppress(MarkupError):  # of an error with brackets that are not markup
        message = Text.from_markup(message).plain
    return message.strip().removeprefix("ERROR: ")


@dataclass(frozen=True)
class ProviderFailure:
    """What a model's provider said when a request failed."""

    status: int | None
    """The HTTP status, as far as the error tells it."""
    message: str
    """In one line, shortened, with keys masked."""

    @classmethod
    def of(cls, error: BaseException) -> "ProviderFailure":
        """Reads an error of any provider; each raises its own."""
        cause = error.__cause__
        if cause and getattr(cause, "status_code", None):
            return cls.of(cause)  # Inspect's wrapper quotes the whole request
        body = getattr(error, "body", None) or getattr(error, "response", None)
        told = body if isinstance(body, Mapping) else {}
        status = getattr(error, "status_code", None) or told.get("code")
        said = told.get("message") or getattr(error, "message", None) or str(error)
        words = one_line(masked(str(said)), 300) or type(error).__name__
        return cls(status if isinstance(status, int) else None, words)

    def __str__(self) -> str:
        """The message, behind the status where there is one."""
        return f"{self.status}: {self.message}" if self.status else self.message


_KEY = re.compile(
    r"(?i:(\bbearer\s+)\S+)|(://)(?:[^/\s]+|[^/\s:]*:\S{1,200})@"
    r"|(?i:\b(\w*(?:key|key-?id|token|sig|signature|credential|secret|password|auth)=))[^&\s]+"
    r"|\b((?:sk|xai|hf|gsk|nvapi|pplx|csk|fw|r8)[-_]|AIza|AKIA)[\w-]{8,}"
)


def masked(text: str) -> str:
    """Takes API keys and the credentials of URLs out of a text that is to be shown."""
    return _KEY.sub(lambda found: f"{''.join(filter(None, found.groups()))}…", text)


class Parameters(BaseModel):
    """Parameters that a user gives, checked together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, /, **parameters: object) -> Self:
        """Checks the parameters; raises `NejmInspectError` if one is not allowed."""
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise NejmInspectError(describe_validation(error)) from error


def parameter_names(task: Callable[..., object]) -> list[str]:
    """The parameters that a task declares by name, in their order."""
    parameters = signature(task).parameters.values()
    return [p.name for p in parameters if p.kind is not Parameter.VAR_KEYWORD]


def refuse_unknown(task: Callable[..., object], names: Iterable[str]) -> None:
    """Raises `NejmInspectError` for a name that a task does not declare, with the nearest.

    Inspect hands a task parameters that it does not declare only if it takes any (`**unknown`).
    Without that, it logs a warning and runs the task without them.
    """
    declared = parameter_names(task)
    for name in names:
        if name not in declared:
            near = get_close_matches(name, declared, n=1)
            raise NejmInspectError(
                f"{name!r} is not a parameter of {task.__name__}."
                + "".join(f" Did you mean {other}?" for other in near)
                + f" Its parameters are: {', '.join(declared)}."
            )
