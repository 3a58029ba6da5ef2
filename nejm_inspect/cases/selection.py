"""Which cases a run takes: filters, then a seeded sample."""

import random
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictInt, ValidateAs, model_validator

from nejm_inspect.cases.schema import Case, IsoDate, levels_of
from nejm_inspect.errors import NejmInspectError, Parameters

DEFAULT_SAMPLE_SIZE = 50  # that of the published benchmark


def _words_of_yaml(value: object) -> object:
    # Inspect's command line and YAML files read yes and no as true and false.
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


Day = Annotated[str | int, ValidateAs(IsoDate, str)]
"""A day as an ISO date; also given as a number such as 20200131."""


class Selection(Parameters):
    """Filters over cases, and the size of the sample drawn from the rest."""

    sample_size: Annotated[int, Field(ge=1, strict=True)] | None = DEFAULT_SAMPLE_SIZE
    """Number of cases to draw; None takes all, in file order. Of demo and own cases, 50 means up to
    50."""
    seed: StrictInt = 42
    """Seed of the draw."""
    difficulty: Literal["all", "easy", "medium", "hard", "expert"] = "all"
    """How far the votes of NEJM's readers were from the answer; `expert` is a part of hard."""
    question_type: Literal["all", "diagnosis", "other"] = "all"
    """What the case asks for: a diagnosis, or something else."""
    history: Annotated[Literal["all", "yes", "no"], BeforeValidator(_words_of_yaml)] = "all"
    """Whether the text holds a history."""
    since: Day | None = None
    """First day of publication, inclusive."""
    until: Day | None = None
    """Last day of publication, inclusive."""

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.since and self.until and str(self.since) > str(self.until):
            raise ValueError(f"since ({self.since}) is later than until ({self.until})")
        return self


def select_cases(
    cases: Sequence[Case], selection: Selection, *, default_is_limit: bool = False
) -> list[Case]:
    """Filters the cases and draws the sample.

    The draw is ``random.Random(seed).sample(pool, n)`` over the filtered cases in file order, as
    in the published benchmark: a seed gives the same cases everywhere.

    With `default_is_limit`, the default size takes all cases, in file order, if there are fewer.

    Raises:
        NejmInspectError: If the filters leave no case or fewer than asked for, or use a property
            that a case does not have.
    """
    pool = [case for case in cases if _admits(selection, case)]
    size = selection.sample_size
    if not pool:
        raise NejmInspectError(f"The filters leave out all {len(cases)} cases.")
    if size is None:
        return pool
    if size > len(pool):
        if default_is_limit and size == DEFAULT_SAMPLE_SIZE:
            return pool
        raise NejmInspectError(
            f"sample_size={size}, but only {len(pool)} cases are there to draw from. "
            f"Take sample_size={len(pool)} or less, or sample_size=null for all."
        )
    return random.Random(selection.seed).sample(pool, size)


def _admits(wanted: Selection, case: Case) -> bool:
    if wanted.difficulty != "all":
        if case.difficulty is None:
            raise NejmInspectError(
                f"difficulty={wanted.difficulty} needs a difficulty or a Brier score of each case, "
                f"and case {case.id} has none. Use difficulty=all."
            )
        if wanted.difficulty not in levels_of(case.difficulty):
            return False
    if wanted.question_type not in ("all", case.question_type):
        return False
    if wanted.history != "all":
        if case.has_history is None:
            raise NejmInspectError(
                f"history={wanted.history} needs has_history of each case, and case {case.id} has "
                "none. Use history=all."
            )
        if case.has_history != (wanted.history == "yes"):
            return False
    if wanted.since or wanted.until:
        if case.date is None:
            raise NejmInspectError(f"since and until need dates, and case {case.id} has none.")
        day = case.date.isoformat()
        return str(wanted.since or day) <= day <= str(wanted.until or day)
    return True
