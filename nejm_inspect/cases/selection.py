"""Which cases a run takes: filters, then a seeded sample. Pure functions."""

import datetime
import random
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidateAs, model_validator

from nejm_inspect.cases.schema import Case, IsoDate, levels_of
from nejm_inspect.errors import NejmInspectError, Parameters

DEFAULT_SAMPLE_SIZE = 50
"""That of the published benchmark."""


def _words_of_yaml(value: object) -> object:
    # Inspect's command line and YAML files read yes and no as true and false.
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


Day = Annotated[str | int, ValidateAs(IsoDate, str)]
"""A day, given as an ISO date or as a number such as 20200131; validated, an ISO date."""


class Selection(Parameters):
    """Filters over cases and the size of the sample drawn from what they leave."""

    sample_size: Annotated[int, Field(ge=1)] | None = DEFAULT_SAMPLE_SIZE
    """How many cases to draw; None takes all, in file order. Of demo and own cases, 50 takes up to
    50."""
    seed: int = 42
    """Seed of the draw."""
    difficulty: Literal["all", "easy", "medium", "hard", "expert"] = "all"
    """How far NEJM readers' votes were from the answer; `expert` is a part of hard."""
    question_type: Literal["all", "diagnosis", "other"] = "all"
    """What the case asks for: a diagnosis, or something else."""
    history: Annotated[Literal["all", "yes", "no"], BeforeValidator(_words_of_yaml)] = "all"
    """Whether the text holds a history besides its question."""
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

    The draw is ``random.Random(seed).sample(pool, n)`` over the filtered cases in file
    order, as in the published benchmark, so that a seed names the same cases
    everywhere.

    Args:
        cases: All cases of a source, in file order.
        selection: The filters, the size of the sample and its seed.
        default_is_limit: Whether fewer cases than the default size will do, as for
            cases of the user's own. They are then all taken, in file order. The rule
            holds for a size of 50 whether the user named it or not; any other is
            meant.

    Raises:
        NejmInspectError: If the filters leave no case or fewer than asked for, or use
            a property that a case does not have.
    """
    pool = [case for case in cases if _admits(selection, case)]
    size = selection.sample_size
    if not pool:
        raise NejmInspectError(f"The filters leave out all {len(cases)} cases.")
    fewer_will_do = default_is_limit and size == DEFAULT_SAMPLE_SIZE
    if size is None or (fewer_will_do and len(pool) < size):
        return pool
    if size > len(pool):
        raise NejmInspectError(
            f"sample_size={size}, but only {len(pool)} cases are there to draw from. "
            f"Take sample_size={len(pool)} or less, or sample_size=null for all."
        )
    return random.Random(selection.seed).sample(pool, size)


def _admits(selection: Selection, case: Case) -> bool:
    return (
        _has_difficulty(selection, case)
        and selection.question_type in ("all", case.question_type)
        and _has_history(selection, case)
        and _is_in_window(selection, case)
    )


def _has_difficulty(selection: Selection, case: Case) -> bool:
    if selection.difficulty == "all":
        return True
    if case.difficulty is None:
        raise NejmInspectError(
            f"difficulty={selection.difficulty} needs a difficulty or a Brier score of "
            f"each case, and case {case.id} has none. Use difficulty=all."
        )
    return selection.difficulty in levels_of(case.difficulty)


def _has_history(selection: Selection, case: Case) -> bool:
    if selection.history == "all":
        return True
    if case.has_history is None:
        raise NejmInspectError(
            f"history={selection.history} needs has_history of each case, and case "
            f"{case.id} does not say. Use history=all."
        )
    return case.has_history == (selection.history == "yes")


def _is_in_window(selection: Selection, case: Case) -> bool:
    if selection.since is None and selection.until is None:
        return True
    if case.date is None:
        raise NejmInspectError(f"since and until need dates, and case {case.id} has none.")
    first, last = selection.since or datetime.date.min, selection.until or datetime.date.max
    return str(first) <= str(case.date) <= str(last)
