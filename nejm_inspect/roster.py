"""Rosters: which models a benchmark runs, with which settings and which judge."""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from inspect_ai.model import ModelConfig
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nejm_inspect.errors import NejmInspectError, describe_validation, masked, refuse_unknown
from nejm_inspect.judging.panel import DEFAULT_GRADER
from nejm_inspect.task import nejm_image_challenge

ROSTERS = Path(__file__).with_name("rosters")


class RosterModel(ModelConfig):
    """Inspect's model config, in which a misspelt field is an error."""

    model_config = ConfigDict(extra="forbid")

    retired: datetime.date | None = None
    """The day from which its maker or provider no longer serves it."""

    @property
    def is_gone(self) -> bool:
        """Whether the model is retired today."""
        return self.retired is not None and self.retired <= datetime.date.today()


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class Roster(BaseModel):
    """What a benchmark runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[RosterModel, ...] = Field(min_length=1)
    grader: Annotated[tuple[RosterModel, ...], Field(min_length=1), BeforeValidator(_listed)] = (
        RosterModel(model=DEFAULT_GRADER),
    )
    """The judge, or the judges of a panel."""
    task: dict[str, Any] = Field(default_factory=dict)
    """Parameters of `nejm_image_challenge`."""

    @property
    def judges(self) -> tuple[RosterModel, ...]:
        """The judges that the task asks: none for `scorer=verbatim`."""
        return () if self.task.get("scorer") == "verbatim" else self.grader

    def with_models(self, models: Sequence[str] = (), judges: Sequence[str] = ()) -> "Roster":
        """Returns the roster with these models and judges, if any, instead of its own.

        Those that the roster has keep their settings, and are run even if they are marked as
        retired. Others have their providers' defaults.
        """
        chosen = {"models": _named(models, self.models), "grader": _named(judges, self.grader)}
        return self.model_copy(update={field: named for field, named in chosen.items() if named})

    def with_task(self, parameters: Mapping[str, Any]) -> "Roster":
        """Returns the roster with these parameters of the task; refuses unknown ones."""
        refuse_unknown(nejm_image_challenge, parameters)
        return self.model_copy(update={"task": {**self.task, **parameters}})

    def check_living(self) -> None:
        """Raises `NejmInspectError` if models are retired; says how to run the others."""
        models = [m for m in self.models if m.is_gone]
        judges = [m for m in self.judges if m.is_gone]
        if not models and not judges:
            return
        lines = [f"{m.model} since {m.retired}" for m in models]
        lines += [f"{m.model}, the judge, since {m.retired}" for m in judges]
        living = [f"--model {m.model}" for m in self.models if not m.is_gone]
        options = (living or ["--model PROVIDER/MODEL"]) if models else []
        options += [f"--judge {DEFAULT_GRADER}"] if judges else []
        raise NejmInspectError(
            "\n  ".join(["This roster has models that are no longer served:", *lines])
            + f"\nTo go without them, add: {' '.join(options)}\n"
            "A model that you name by --model or --judge is tried in any case."
        )

    def without_secrets(self, text: str) -> str:
        """Returns a text, such as a provider's error, without the roster's keys and other keys."""
        return masked(_without_secrets(text, self.model_dump(exclude_none=True)))


def _named(names: Sequence[str], known: Sequence[RosterModel]) -> tuple[RosterModel, ...]:
    living = [m.model_copy(update={"retired": None}) for m in known]
    chosen = ([m for m in living if m.model == n] or [RosterModel(model=n)] for n in names)
    return tuple(chain.from_iterable(chosen))


def bundled_rosters() -> list[str]:
    """Returns the names of the rosters in the package."""
    return sorted(file.stem for file in ROSTERS.glob("*.yaml"))


def read_roster(name: str) -> Roster:
    """Reads a bundled roster by its name, or any roster by the path of its YAML file.

    Raises:
        NejmInspectError: If there is no such roster, or a field of it is unknown or wrong.
    """
    bundled = bundled_rosters()
    file = ROSTERS / f"{name}.yaml" if name in bundled else Path(name).expanduser()
    if not file.is_file():
        raise NejmInspectError(
            f"There is no roster {name!r}: name one of {', '.join(bundled)}, or the path of a YAML "
            "file."
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Without the lines around the error, which may hold a key.
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it must be in UTF-8"
        raise NejmInspectError(f"Roster {name}{place}: not valid YAML: {reason}") from None
    try:
        roster = Roster.model_validate(content)
    except ValidationError as error:
        reason = describe_validation(error, lambda text: _without_secrets(text, content))
        raise NejmInspectError(f"Roster {name}: {reason}") from None
    return roster.with_task(roster.task)


_SECRET_NAME = re.compile(
    r"(?i)(key|token|secret|password|passwd|authorization|credentials?|cookie|auth|headers)$"
)
_SHORTEST_SECRET = 4
"""Characters. A shorter text is not a key, and would be found inside other words."""


def _without_secrets(text: str, content: object) -> str:
    secrets = {s for s in _secrets(content) if len(s) >= _SHORTEST_SECRET}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(content: object, name: str = "", secret: bool = False) -> Iterator[str]:
    """Yields the texts of a roster that only its owner should read."""
    secret = secret or bool(_SECRET_NAME.search(name))
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _secrets(value, str(key), secret)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _secrets(value, name, secret)
    elif secret:
        yield str(content)
    elif isinstance(content, str) and "://" in content:
        with suppress(ValueError):  # not a URL
            url = urlsplit(content)
            yield url.netloc.rpartition("@")[0]
            yield from url.query.split("&")
