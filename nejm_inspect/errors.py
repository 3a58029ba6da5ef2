"""Errors that a user can put right, and finding them in what a user gives."""

from typing import Self

import click
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.text import Text


class NejmInspectError(click.ClickException):
    """A mistake or an outage, with a message that says what to do about it.

    Being a `click.ClickException`, it ends a click command (`inspect` as well as
    `nejm-inspect`) with its message and exit code 1 instead of a traceback.
    """


def describe_validation(error: ValidationError) -> str:
    """Says in one line which fields are wrong, what they hold and why not.

    Args:
        error: What pydantic raised.

    Returns:
        For example ``difficulty='tough': Input should be 'all', 'easy' or 'hard'``;
        several fields are joined by semicolons.
    """
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'value'}="
        f"{_shortened(problem['input'])}: "
        f"{problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False)
    )


def plain_message(error: Exception) -> str:
    """What an error of Inspect's says, without its markup for terminals.

    Args:
        error: Any error; Inspect's own for users have a `message`.
    """
    message = Text.from_markup(str(getattr(error, "message", error))).plain
    return message.strip().removeprefix("ERROR: ")


class Parameters(BaseModel):
    """Parameters that a user gives, checked together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, /, **parameters: object) -> Self:
        """Checks the parameters.

        Raises:
            NejmInspectError: If one is not allowed; the message says what is.
        """
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise NejmInspectError(describe_validation(error)) from error


def _shortened(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
