"""A chapter of a report: runs that may be compared, and views of their frames."""

import datetime
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.rubric import MAX_POINTS

SETTINGS: tuple[str, ...] = ("task", "task_version", "prompt_version", "inputs", "solver", "scorer")
SETTINGS += ("judge", "dataset")  # what must agree for runs to be compared
CASE = ["date", "year", "difficulty", "brier_score", "question_type", "has_history"]
CASE += ["reader_accuracy"]  # the columns of `responses` that describe the case


@dataclass(frozen=True)
class Options:
    """What the user asks of a report."""

    baseline: str | None = None
    repeats: bool = False
    cutoffs: Mapping[str, datetime.date] = field(default_factory=dict)
    judges: bool = False
    with_texts: bool = False


Images = Mapping[str, str] | None  # where each case's image is, as a page refers to it


@dataclass(frozen=True, eq=False)
class Chapter:
    """Runs that may be compared, under one heading."""

    topic: Literal["models", "ablation", "judges", "exam"]
    runs: pd.DataFrame  # with `name`, `colour` and `baseline` of the entrant that each is of
    responses: pd.DataFrame  # those of the runs, with `name`
    options: Options
    notes: Sequence[str] = ()
    images: Images = None
    number: int = 1
    exams: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Responses of judges' exams, with the run's `judge` and `prompt_version`."""
    grades: pd.DataFrame | None = None
    """Physicians' grades, if this is about models: `run`, `case_id` and `epoch` of the response,
    `rater`, and `points`, NaN where the rater cannot judge; see `grading.grades.read_grades`."""

    @property
    def settings(self) -> dict[str, str]:
        """What the runs have in common."""
        return {s: self.runs[s].iloc[0] for s in SETTINGS if self.runs[s].nunique() == 1}

    @property
    def judged(self) -> pd.DataFrame:
        """The responses that a judge gave points; without a diagnosis, no judge is asked."""
        return self.responses[self.responses["attempts"] > 0].dropna(subset="points")

    @property
    def is_choice(self) -> bool:
        """Whether responses are right or wrong instead of having points."""
        return bool(self.runs["scorer"].iloc[0] == "choice")

    @property
    def scale(self) -> int:
        """What a perfect response is worth."""
        return 1 if self.is_choice else MAX_POINTS

    @property
    def case_ids(self) -> frozenset[str]:
        """The cases that any of the runs was to be asked."""
        return frozenset().union(*self.runs["case_ids"])

    @functools.cached_property
    def shares(self) -> pd.DataFrame:
        """Mean shares of points; a row a case, a column an entrant, best first, baselines last."""
        scored = self.responses.dropna(subset="points").groupby(["case_id", "name"])["points"]
        last = self.runs.groupby("name")["baseline"].any()
        wide = (scored.mean() / self.scale).unstack().reindex(self.cases.index, columns=last.index)
        means = _shared(wide).mean(skipna=False)  # NaN: not all of the shared cases
        worse = -means.fillna(wide.mean()).fillna(-1)  # -1: without a score
        ranked = pd.DataFrame({"last": last, "part": means.isna(), "worse": worse})
        return wide[ranked.sort_values([*ranked]).index]

    @functools.cached_property
    def shared(self) -> pd.DataFrame:
        """The shares that order and differences go by: see `_shared`."""
        return _shared(self.shares)

    @property
    def order(self) -> list[str]:
        """The entrants, best first, baselines last; see `shares`."""
        return list(self.shares.columns)

    @property
    def models(self) -> list[str]:
        """The entrants that are models, best first."""
        baselines = {*self.runs.loc[self.runs["baseline"], "name"]}
        return [name for name in self.order if name not in baselines]

    @functools.cached_property
    def cases(self) -> pd.DataFrame:
        """What is known of each case, by its id, easiest first."""
        known = self.responses.groupby("case_id")[CASE].first()
        known = known.sort_index(key=lambda ids: ids.str.zfill(20))  # 7 before 10
        return known.sort_values("brier_score", kind="stable")

    def colour(self, name: str) -> int:
        """The number of an entrant's colour; 0 for baselines."""
        return int(self.runs["colour"][self.runs["name"] == name].iloc[0])


def _shared(shares: pd.DataFrame) -> pd.DataFrame:
    """The cases with a score of all entrants that have half of the cases; all if these are few."""
    # A model that has hardly begun must not decide which cases count.
    shared = shares.dropna(subset=shares.columns[shares.notna().sum() * 2 >= len(shares)])
    return shared if len(shared) >= MIN_CASES else shares
