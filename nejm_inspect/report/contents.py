"""What a report says, before it is drawn or written: plain data, no logs, no layout."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

BANDS = ("10", "7–9", "4–6", "1–3", "0")
"""The bands of points that the published benchmark counted, best first."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% confidence interval; NaN where it is undefined."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class LeaderboardRow:
    """One model in one comparison."""

    model: str
    rank: tuple[int, int] | None
    """Best and worst rank that the paired differences allow; None without a score."""
    overall: Estimate
    """Mean share of the points per case, or accuracy for multiple choice; 0 to 1."""
    exact: Estimate | None
    """Share of responses with all points (Wilson); None for multiple choice."""
    exact_count: int
    """Responses with all points, or correct ones for multiple choice."""
    responses: int
    """Responses with a score, over all epochs."""
    cases: int
    """Cases with at least one score."""
    bands: Mapping[str, int]
    """Number of scored responses in each of `BANDS`; empty for multiple choice."""
    unscored: int
    """Responses that the judge gave no valid verdict on."""
    errors: int
    """Responses that failed with an error."""
    missing: int
    """Cases of the comparison without any score of this model."""
    input_tokens: int
    output_tokens: int
    """Tokens of the model itself, without the judge's."""
    cost: float | None
    """US dollars, the judge's included; None where prices are not known."""
    seconds: float
    """From the start of the run to its end."""


@dataclass(frozen=True)
class PairedComparison:
    """Two models on the cases that both have a score for."""

    first: str
    second: str
    cases: int
    difference: Estimate
    """Mean of first minus second per case, as a share of the points; paired bootstrap
    interval."""
    stderr: float
    """Standard error of the mean difference."""
    p_points: float
    """Two-sided p of a paired permutation test on the points."""
    p_exact: float
    """Two-sided p of McNemar's exact test on all points or not."""
    p_points_adjusted: float
    p_exact_adjusted: float
    """The same, Holm-corrected over all pairs of the comparison."""
    won: int
    drawn: int
    lost: int
    """Cases in which the first model has more, the same, or fewer points."""


@dataclass(frozen=True)
class BreakdownRow:
    """One group of cases."""

    group: str
    cases: int
    reader_accuracy: float | None
    """Mean share of NEJM readers who chose the correct of five options."""
    scores: Mapping[str, Estimate]
    """Overall score per model; models without a scored case in the group left out."""


@dataclass(frozen=True)
class Breakdown:
    """The overall score by a property of the cases."""

    title: str
    rows: Sequence[BreakdownRow]
    note: str = ""


@dataclass(frozen=True)
class CaseTexts:
    """What is the journal's or the models' own words; shown only on demand."""

    history: str
    reference: str
    answers: Mapping[str, str]
    reasoning: Mapping[str, str]
    """The judge's, per model."""


@dataclass(frozen=True)
class CaseRow:
    """One case and every model's points for it."""

    case_id: str
    date: str
    difficulty: str
    brier_score: float | None
    question_type: str
    reader_accuracy: float | None
    points: Mapping[str, float | None]
    """Mean over epochs, 0 to 10 (0 or 1 for multiple choice); None: no score."""
    texts: CaseTexts | None = None


@dataclass(frozen=True)
class Power:
    """What this many cases can show."""

    cases: int
    detectable: float
    """Smallest true difference of the two best models' overall scores that this many
    cases show with 80% power at a two-sided 5% level; 0 to 1."""
    needed: int | None
    """Cases needed to separate the two best by their observed difference with that
    power; None if they are equal."""


@dataclass(frozen=True)
class Comparison:
    """Runs that may stand in one table: same task, cases, judge and prompts."""

    title: str
    kind: Literal["points", "choice"]
    settings: Mapping[str, str]
    """What the runs have in common: task, version, judge, prompt version, cases…"""
    leaderboard: Sequence[LeaderboardRow]
    """Best first."""
    pairs: Sequence[PairedComparison]
    """All pairs, or those with the baseline; better-placed model first."""
    cases: Sequence[CaseRow]
    """Easiest first."""
    breakdowns: Sequence[Breakdown]
    outright_wins: Mapping[str, int]
    """Cases in which a model alone has the best score."""
    ties_for_best: int
    shared_cases: int
    """Cases that every model has a score for; wins and ties are counted on these."""
    power: Power | None
    """None for fewer than two models or shared cases."""
    notes: Sequence[str] = field(default_factory=tuple)
    """What its reader must know: duplicate runs, missing cases, small numbers…"""


@dataclass(frozen=True)
class Report:
    """Everything that a report shows."""

    comparisons: Sequence[Comparison]
    created: datetime.datetime
    with_texts: bool
    notes: Sequence[str] = field(default_factory=tuple)
    """For instance why the logs are not in one table."""
