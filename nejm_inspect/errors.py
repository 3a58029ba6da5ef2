"""Errors that a user can put right, and checks of what a user gives."""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import ParamSpec, Self, TypeVar

import click
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.errors import MarkupError
from rich.text import Text
from tenacity import RetryError

from nejm_inspect.text import one_line, visible

Names = ParamSpec("Names")
Task = TypeVar("Task")


class NejmInspectError(click.ClickException):
    """A mistake or an outage, with a message that says what to do about it.

    A `click.ClickException` ends a click command (`inspect` or `nejm-inspect`) with its message and
    exit code 1, without a traceback. Messages quote models, files and servers: control characters
    in them are made visible.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message, len(message)))


def describe_validation(error: ValidationError, mask: Callable[[str], str] = str) -> str:
    """Says in one line which fields are wrong, what they hold and why not.

    For example ``difficulty='tough': Input should be 'all', 'easy' or 'hard'``. `mask` removes what
    must not be shown from values and reasons.
    """
    problems = []
    for problem in error.errors(include_url=False):
        field = ".".join(map(str, problem["loc"])) or "value"
        if problem["type"] != "missing":  # whose input is everything that was given
            value = mask(repr(problem["input"]))
            field += f"={value if len(value) <= 80 else f'{value[:80]}…'}"
        if problem["type"] != "default_factory_not_called":  # which follows from another problem
            problems.append(f"{field}: {mask(problem['msg']).removeprefix('Value error, ')}")
    return "; ".join(problems)


def plain_message(error: Exception) -> str:
    """The message of an error, without the terminal markup that Inspect's own errors have."""
    message = str(getattr(error, "message", error))
    with suppress(MarkupError):  # brackets that are not markup
        message = Text.from_markup(message).plain
    return message.strip().removeprefix("ERROR: ")


@dataclass(frozen=True)
class ProviderFailure:
    """What a model's provider said when a request failed."""

    status: int | None
    """The HTTP status, if the error tells it."""
    message: str
    """One line, shortened, with keys masked."""

    @classmethod
    def of(cls, error: BaseException) -> "ProviderFailure":
        """Reads an error of any provider; each has its own class."""
        cause = error.__cause__
        # Inspect's wrapper quotes the whole request; tenacity's says nothing of the cause.
        if cause and (getattr(cause, "status_code", None) or isinstance(error, RetryError)):
            return cls.of(cause)
        body = getattr(error, "body", None) or getattr(error, "response", None)
        details = body if isinstance(body, Mapping) else {}
        status = getattr(error, "status_code", None) or details.get("code")
        said = details.get("message") or getattr(error, "message", None) or str(error)
        root = error
        while deeper := root.__cause__ or root.__context__:
            root = deeper
        if isinstance(root, OSError) and root is not error:  # why there was no connection
            said = f"{said} ({type(root).__name__}: {root})"
        words = one_line(masked(str(said)), 300) or type(error).__name__
        return cls(status if isinstance(status, int) else None, words)

    def __str__(self) -> str:
        """The status, if known, and the message."""
        return f"{self.status}: {self.message}" if self.status else self.message


_KEY = re.compile(
    r"(?i:(\bbearer\s+)\S+)|(://)(?:[^/\s]+|[^/\s:]*:\S{1,200})@"
    r"|(?i:\b(\w*(?:key|key-?id|token|sig|signature|credential|secret|password|auth)=))[^&\s]+"
    r"|\b((?:sk|xai|hf|gsk|nvapi|pplx|csk|fw|r8)[-_]|AIza|AKIA)[\w-]{8,}"
)


def masked(text: str) -> str:
    """Removes API keys and the credentials of URLs from a text that is to be shown."""
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
    """Raises `NejmInspectError` for a name that a task does not declare, and suggests one."""
    declared = parameter_names(task)
    for name in names:
        if name not in declared:
            near = get_close_matches(name, declared, n=1)
            raise NejmInspectError(
                f"{name!r} is not a parameter of {task.__name__}."
                + "".join(f" Did you mean {other}?" for other in near)
                + f" Its parameters are: {', '.join(declared)}."
            )


def takes(model: Callable[Names, object]) -> Callable[[Callable[..., Task]], Callable[Names, Task]]:
    """Declares the fields of a model as the parameters of a task that takes `**given`.

    Inspect finds the names and defaults for its command line and logs in the task's signature. A
    name that is not declared is refused; without `**given` in the signature, Inspect would log a
    warning and run the task without it.
    """

    def declare(build: Callable[..., Task]) -> Callable[Names, Task]:
        @functools.wraps(build)
        def task(*args: Names.args, **given: Names.kwargs) -> Task:
            refuse_unknown(task, given)
            return build(*args, **given)

        fields, own = signature(model).parameters, signature(build)
        declared = own.replace(parameters=[*fields.values(), *own.parameters.values()])
        vars(task)["__signature__"] = declared
        return task

    return declare
