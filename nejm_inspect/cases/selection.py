"""Which cases a run takes: filters, then a seeded sample. Pure functions."""

import datetime
import random
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from nejm_inspect.cases.schema import Case, IsoDate, levels_of
from nejm_inspect.errors import NejmInspectError, Parameters


class Selection(Parameters):
    """Filters over cases and the size of the sample drawn from what they leave."""

    sample_size: Annotated[int, Field(ge=1)] | None = 50
    """How many cases to draw; None takes all, in file order."""
    seed: int = 42
    difficulty: Literal["all", "easy", "medium", "hard", "expert"] = "all"
    question_type: Literal["all", "diagnosis", "other"] = "all"
    since: IsoDate | None = None
    """First day of publication, inclusive."""
    until: IsoDate | None = None
    """Last day of publication, inclusive."""

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"since ({self.since}) is later than until ({self.until})")
        return self


def select_cases(cases: Sequence[Case], selection: Selection) -> list[Case]:
    """Filters the cases and draws the sample.

    The draw is ``random.Random(seed).sample(pool, n)`` over the filtered cases in file
    order, as in the published benchmark, so that a seed names the same cases
    everywhere.

    Args:
        cases: All cases of a source, in file order.
        selection: The filters, the size of the sample and its seed.

    Raises:
        NejmInspectError: If the filters leave no case or fewer than asked for, or use
            a property that a case does not have.
    """
    pool = [case for case in cases if _admits(selection, case)]
    size = selection.sample_size
    if not pool:
        raise NejmInspectError(f"None of the {len(cases)} cases passes the filters.")
    if size is None:
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


def _is_in_window(selection: Selection, case: Case) -> bool:
    if selection.since is None and selection.until is None:
        return True
    if case.date is None:
        raise NejmInspectError(
            f"since and until need dates, and case {case.id} has none."
        )
    return (
        (selection.since or datetime.date.min)
        <= case.date
        <= (selection.until or datetime.date.max)
    )
