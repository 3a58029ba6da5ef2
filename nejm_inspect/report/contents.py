"""What a report says, before it is drawn or written: plain data, no logs, no layout."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    verbatim: Estimate | None = None
    """Share of responses that are the reference's very words (Wilson): what exactness
    is at least, whatever the judge says. None where it was not measured."""
    same_vendor: Sequence[str] = ()
    """The judges that are of the model's vendor."""


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
class CutoffSide:
    """A model's scored cases on one side of its training cut-off."""

    cases: int
    score: Estimate
    """Overall score or accuracy on them; 0 to 1."""
    reader_accuracy: float
    """Mean share of NEJM readers who chose the correct option; NaN if not known."""
    reader_cases: int
    """Cases whose readers' accuracy is known."""


@dataclass(frozen=True)
class CutoffSplit:
    """A model's score on cases published up to its training cut-off, and later."""

    model: str
    cutoff: datetime.date
    earlier: CutoffSide
    """Published on the day of the cut-off at the latest."""
    later: CutoffSide
    undated: int
    """Scored cases without a date, which are on neither side."""
    difference: Estimate
    """Later less earlier; the interval is Welch's, for cases that are not paired."""


@dataclass(frozen=True)
class PanelJudge:
    """A judge of a panel, on the responses of a model, or of all."""

    judge: str
    model: str
    mean_points: float
    """Over its own verdicts, 0 to 10: how lenient it is. NaN without any."""
    withheld: int
    """How often it gave no valid verdict."""


@dataclass(frozen=True)
class PanelRow:
    """How far a panel's judges agree on the responses of a model, or of all."""

    model: str
    responses: int
    """Responses with at least two valid verdicts."""
    alpha: float
    """Krippendorff's alpha for ordinal ratings over them."""
    far_apart: Estimate
    """Share of them for which two judges are far apart."""
    judges: Sequence[PanelJudge]


@dataclass(frozen=True)
class AblationEffect:
    """What seeing both adds to the history or the image alone."""

    model: str
    adds: Literal["image", "text"]
    both: Estimate
    """Overall score with both; 0 to 1."""
    alone: Estimate
    """The same without what is added."""
    pair: PairedComparison
    """With less without; p-values Holm-corrected over the ablation."""


@dataclass(frozen=True)
class Ablation:
    """What the image adds, and the text."""

    settings: Mapping[str, str]
    """What the runs have in common."""
    effects: Sequence[AblationEffect]
    """By model, best first by the score with both."""


@dataclass(frozen=True)
class JudgedResponse:
    """A response that two judges scored."""

    model: str
    case_id: str
    first: float
    """Points, 0 to 10, that the first judge gave."""
    second: float

    @property
    def shift(self) -> float:
        """The second judge's points less the first's."""
        return self.second - self.first


@dataclass(frozen=True)
class JudgedModel:
    """A model under two judges, on the responses that both scored."""

    model: str
    responses: int
    first: Estimate
    """Overall score under the first judge; 0 to 1."""
    second: Estimate
    first_rank: int
    second_rank: int
    """Counted from 1; equal scores share the better rank."""


@dataclass(frozen=True)
class JudgePair:
    """Two judges of the same responses."""

    first: str
    second: str
    settings: Mapping[str, str]
    """What else the logs have in common."""
    responses: int
    """Responses that both scored; all that follows is about these."""
    cases: int
    scored_once: int
    """Responses that only one of them scored."""
    kappa: float
    """Quadratic-weighted, on the points."""
    shift: Estimate
    """Second less first in points: mean over cases of a case's mean."""
    same: Estimate
    """Share of responses with the same points from both."""
    far_apart: Estimate
    """Share of responses for which they are far apart."""
    models: Sequence[JudgedModel]
    """Best first by the first judge's scores."""
    most_moved: Sequence[JudgedResponse]
    """Those on which they differ most, furthest first."""
    confusion: Sequence[Sequence[int]]
    """Responses by the first judge's points (rows) and the second's, 0 to 10."""


@dataclass(frozen=True)
class ExamPart:
    """The ordinary or the adversarial pairs of a judge's exam."""

    pairs: Literal["ordinary", "adversarial"]
    verdicts: int
    """Valid ones; all that follows is about these."""
    without_verdict: int
    in_range: Estimate
    """Share whose points are in the range of the right ones."""
    threshold: float
    """What the share of all pairs asked must be at the least."""
    kappa: float
    """Quadratic-weighted, on levels of the rubric."""
    absolute_error: Estimate
    """Mean distance to the range of right points."""
    bias: Estimate
    """The same with its sign; positive for a lenient judge."""

    @property
    def asked(self) -> int:
        """How many verdicts there should be."""
        return self.verdicts + self.without_verdict

    @property
    def passed(self) -> bool:
        """Whether the threshold is reached, a missing verdict being a failure.

        Otherwise a judge would pass by not answering what it finds hard.
        """
        return self.in_range.value * self.verdicts >= self.threshold * self.asked


@dataclass(frozen=True)
class ExamLevel:
    """The ordinary pairs of one level of the rubric."""

    level: str
    points: str
    verdicts: int
    in_range: Estimate


@dataclass(frozen=True)
class Exam:
    """What a judge gave for responses whose right points are known."""

    judge: str
    setting: str
    """How it was asked, where that differs from the default."""
    created: datetime.datetime
    finished: bool
    """Whether all pairs were asked."""
    settings: Mapping[str, str]
    """Which pairs, and versions of task and prompt."""
    ordinary: ExamPart
    adversarial: ExamPart
    """Those whose response tries to talk the judge round."""
    levels: Sequence[ExamLevel]
    """Best first."""
    confusion: Sequence[Sequence[int]]
    """Ordinary pairs by expected level (rows) and given level, best level first."""

    @property
    def parts(self) -> list[ExamPart]:
        """Those of which there are pairs."""
        return [part for part in (self.ordinary, self.adversarial) if part.asked]

    @property
    def passed(self) -> bool:
        """Whether it passed in all its parts, to the end."""
        return self.finished and all(part.passed for part in self.parts)


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
    notes: Sequence[str] = ()
    """What its reader must know: duplicate runs, missing cases, small numbers…"""
    judges: Sequence[str] = ()
    """The judge's name, or those of a panel."""
    cutoffs: Sequence[CutoffSplit] = ()
    """In the order of the leaderboard."""
    panel: Sequence[PanelRow] = ()
    """In the order of the leaderboard, all models last; empty without a panel."""


@dataclass(frozen=True)
class Report:
    """Everything that a report shows."""

    comparisons: Sequence[Comparison]
    created: datetime.datetime
    with_texts: bool
    notes: Sequence[str] = ()
    """For instance why the logs are not in one table."""
    ablations: Sequence[Ablation] = ()
    judge_pairs: Sequence[JudgePair] = ()
    exams: Sequence[Exam] = ()
