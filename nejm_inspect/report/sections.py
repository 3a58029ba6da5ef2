"""What stands beside the leaderboards, as words and tables that any page can show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from nejm_inspect.metrics import APART
from nejm_inspect.report.captions import is_significant
from nejm_inspect.report.contents import (
    Ablation,
    AblationEffect,
    Comparison,
    CutoffSplit,
    Estimate,
    Exam,
    JudgePair,
    Report,
)
from nejm_inspect.report.formats import (
    bounds,
    decimals,
    difference,
    in_points,
    p_value,
    percent,
    points,
    share,
    short,
    signed,
    signed_points,
)
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS


@dataclass(frozen=True)
class Column:
    """A column of a table: what it is called, and how its values are written."""

    heading: str
    attribute: str
    """Of the rows, or of an attribute of theirs: `earlier.score`."""
    write: Callable[[Any], str] = "{:,}".format

    @property
    def is_text(self) -> bool:
        """Whether it holds texts and no numbers."""
        return self.write is short

    def value(self, row: object) -> Any:
        """A text, a number, a date or an estimate."""
        return attrgetter(self.attribute)(row)

    def cell(self, row: object) -> str:
        """The value as it is written."""
        return self.write(self.value(row))


@dataclass(frozen=True)
class Table:
    """A table of a section; the first column names the row."""

    file: str
    """The CSV file that has the same columns, for all sections of the kind."""
    caption: str
    columns: Sequence[Column]
    rows: Sequence[object]
    """What the columns take their values from."""
    of: Mapping[str, str] = field(default_factory=dict)
    """What tells the table from others in its file."""


@dataclass(frozen=True)
class Confusion:
    """How often one rating went with another, to be drawn."""

    title: str
    caption: str
    rows: str
    """What the rows are, and likewise the columns."""
    columns: str
    labels: Sequence[str]
    """Of the ratings, in order, for rows and columns alike."""
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Section:
    """A part of a report, to be read from top to bottom."""

    title: str
    settings: Mapping[str, str]
    """What its runs have in common; nothing within a comparison, which says so."""
    findings: Sequence[str]
    tables: Sequence[Table]
    remarks: Sequence[str]
    """How to read it."""
    confusion: Confusion | None = None


def comparison_sections(comparison: Comparison) -> list[Section]:
    """What a comparison says beside its leaderboard, pairs and breakdowns."""
    sections = []
    if comparison.cutoffs:
        sections.append(_cutoff_section(comparison))
    if comparison.panel:
        sections.append(_panel_section(comparison))
    return sections


def report_sections(report: Report) -> list[Section]:
    """What goes beyond single comparisons."""
    return [
        *map(_ablation_section, report.ablations),
        *map(_judge_section, report.judge_pairs),
        *map(_exam_section, report.exams),
    ]


def _cutoff_section(comparison: Comparison) -> Section:
    return Section(
        title="Before and after the training cut-off",
        settings={},
        findings=[_cutoff_finding(split) for split in comparison.cutoffs],
        tables=[
            Table(
                file="cutoffs.csv",
                caption="Scores on cases published up to the cut-off and after, and "
                "the difference in percentage points; 95% confidence intervals in "
                "parentheses",
                columns=[
                    Column("Model", "model", short),
                    Column("Cut-off", "cutoff", str),
                    Column("Cases up to it", "earlier.cases"),
                    Column("Score", "earlier.score", share),
                    Column("Readers*", "earlier.reader_accuracy", percent),
                    Column("Cases after", "later.cases"),
                    Column("Score", "later.score", share),
                    Column("Readers*", "later.reader_accuracy", percent),
                    Column("Later less earlier", "difference", difference),
                ],
                rows=comparison.cutoffs,
            )
        ],
        remarks=[
            "A lower score after the cut-off is compatible with contamination, that is "
            "with cases seen in training; but later cases may also differ in "
            "difficulty, of which the readers' accuracy tells something. The two sides "
            "are different cases: the difference is not paired, and its interval is "
            "Welch's (1947). Cut-offs are as given.",
            "* Mean share of NEJM readers who chose the correct of five options, on "
            "the cases whose votes are known.",
        ],
    )


def _cutoff_finding(split: CutoffSplit) -> str:
    day = split.cutoff.isoformat()
    undated = f" {split.undated} cases have no date." if split.undated else ""
    for side, when in ((split.earlier, f"up to {day}"), (split.later, f"after {day}")):
        if not side.cases:
            return (
                f"{split.model} has no score for a case published {when}, so that its "
                f"cut-off separates nothing.{undated}"
            )
    return (
        f"{split.model}: {_in_percentage_points(split.difference)} on the "
        f"{split.later.cases} cases published after {day}, against the "
        f"{split.earlier.cases} published up to then. NEJM readers: "
        f"{percent(split.later.reader_accuracy)} against "
        f"{percent(split.earlier.reader_accuracy)}.{undated}"
    )


def _in_percentage_points(estimate: Estimate) -> str:
    interval = bounds(estimate).strip("()")
    known = f"95% CI {interval}" if interval else "no interval"
    return f"{signed(estimate.value)} percentage points ({known})"


def _panel_section(comparison: Comparison) -> Section:
    return Section(
        title="Agreement of the panel",
        settings={},
        findings=[],
        tables=[
            Table(
                file="panels.csv",
                caption="Agreement by model; 95% confidence intervals in parentheses",
                columns=[
                    Column("Model", "model", short),
                    Column("Responses", "responses"),
                    Column("Alpha", "alpha", decimals),
                    Column("Far apart", "far_apart", share),
                ],
                rows=comparison.panel,
            ),
            Table(
                file="panel_judges.csv",
                caption="Verdicts by judge",
                columns=[
                    Column("Judge", "judge", short),
                    Column("Model", "model", short),
                    Column("Mean points", "mean_points", decimals),
                    Column("Withheld", "withheld"),
                ],
                rows=[judge for row in comparison.panel for judge in row.judges],
            ),
        ],
        remarks=[
            "Responses: those with at least two valid verdicts. Alpha: Krippendorff's "
            "for ordinal ratings, 1 if judges always agree and 0 if as by chance. Far "
            "apart: two judges differ by more than "
            f"{APART} points. Mean points show how severe a judge is, over its "
            "own verdicts; a withheld vote is one without a valid verdict."
        ],
    )


def _ablation_section(ablation: Ablation) -> Section:
    return Section(
        title=f"What image and text add: {ablation.settings['task']}",
        settings=ablation.settings,
        findings=[_ablation_finding(effect) for effect in ablation.effects],
        tables=[
            Table(
                file="ablations.csv",
                caption="Overall scores, and the paired difference per case in "
                "percentage points; 95% confidence intervals in parentheses",
                columns=[
                    Column("Model", "model", short),
                    Column("Adds", "adds", short),
                    Column("With both", "both", share),
                    Column("Without it", "alone", share),
                    Column("Shared cases", "pair.cases"),
                    Column("Difference", "pair.difference", difference),
                    Column("p", "pair.p_points", p_value),
                    Column("Holm", "pair.p_points_adjusted", p_value),
                ],
                rows=ablation.effects,
                of=_origin(ablation.settings),
            )
        ],
        remarks=[
            "The scores are those of whole runs; the difference is on the cases that "
            "have a score in both, with interval and p as for pairs of models, p "
            "adjusted over this table. An interval that includes zero does not show "
            "that nothing is added: any difference in it would fit.",
        ],
    )


def _origin(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"of {name}": value for name, value in settings.items()}


def _ablation_finding(effect: AblationEffect) -> str:
    pair, added = effect.pair, effect.adds
    if not pair.cases:
        return f"{effect.model} has no case with a score with and without the {added}."
    if is_significant(pair):
        verb = "better" if pair.difference.value > 0 else "worse"
        finding = f"scores {verb} with the {added} than without it"
    elif pair.difference.value > 0:
        finding = f"is not shown to score better with the {added} than without it"
    else:
        finding = (
            f"scores as well without the {added} as with it, as far as these cases show"
        )
    return (
        f"{effect.model} {finding}: difference "
        f"{_in_percentage_points(pair.difference)}, Holm-adjusted p "
        f"{p_value(pair.p_points_adjusted)}, {pair.cases} cases."
    )


def _judge_section(pair: JudgePair) -> Section:
    judges = {"first judge": pair.first, "second judge": pair.second}
    changes = [
        f"{model.model} from {model.first_rank} to {model.second_rank}"
        for model in pair.models
        if model.first_rank != model.second_rank
    ]
    ranks = "Every model keeps its rank."
    if changes:
        ranks = f"Ranks change, by the scores alone: {'; '.join(changes)}."
    return Section(
        title=f"Judges compared: {pair.first} and {pair.second}",
        settings=pair.settings,
        findings=[
            f"{pair.second} less {pair.first}: {in_points(pair.shift)} points, over "
            f"{pair.responses:,} responses to {pair.cases:,} cases. "
            f"{percent(pair.same.value)} have the same points from both, "
            f"{percent(pair.far_apart.value)} are more than {APART} points "
            "apart.",
            *([ranks] if len(pair.models) > 1 else []),
        ],
        tables=[
            Table(
                file="judges.csv",
                caption="Agreement on the responses that both scored; 95% confidence "
                "intervals in parentheses",
                columns=[
                    Column("First judge", "first", short),
                    Column("Second judge", "second", short),
                    Column("Responses", "responses"),
                    Column("Cases", "cases"),
                    Column("Scored by one only", "scored_once"),
                    Column("Weighted kappa", "kappa", decimals),
                    Column("Second less first, points", "shift", in_points),
                    Column("Same points", "same", share),
                    Column("Far apart", "far_apart", share),
                ],
                rows=[pair],
                of=_origin(pair.settings),
            ),
            Table(
                file="judge_models.csv",
                caption="Models under each judge, on these responses",
                columns=[
                    Column("Model", "model", short),
                    Column("Responses", "responses"),
                    Column("First judge", "first", share),
                    Column("Rank", "first_rank"),
                    Column("Second judge", "second", share),
                    Column("Rank", "second_rank"),
                ],
                rows=pair.models,
                of=judges | _origin(pair.settings),
            ),
            Table(
                file="judge_responses.csv",
                caption="Responses that moved most",
                columns=[
                    Column("Case", "case_id", short),
                    Column("Model", "model", short),
                    Column("First judge", "first", points),
                    Column("Second judge", "second", points),
                    Column("Second less first", "shift", signed_points),
                ],
                rows=pair.most_moved,
                of=judges | _origin(pair.settings),
            ),
        ],
        remarks=[
            "Kappa: Cohen's on the points, with quadratic weights (1968), 1 if judges "
            "always agree and 0 if as by chance. In all else a case counts once, with "
            "the mean over the responses to it, so that intervals are over cases. Far "
            f"apart: by more than {APART} points. That judges agree does not "
            "make them right: the judge's exam tells more of that."
        ],
        confusion=Confusion(
            title="Points by two judges",
            caption="Each cell: the number of responses with so many points from the "
            "first judge (row) and the second (column).",
            rows="points from the first judge",
            columns="points from the second judge",
            labels=[str(number) for number in range(MAX_POINTS + 1)],
            counts=pair.confusion,
        ),
    )


def _exam_section(exam: Exam) -> Section:
    judge = f"{exam.judge}{exam.setting}"
    of = {
        "judge": judge,
        "created": exam.created.isoformat(timespec="minutes"),
        **_origin(exam.settings),
    }
    return Section(
        title=f"The judge's exam: {judge}",
        settings=exam.settings,
        findings=[_exam_finding(exam)],
        tables=[
            Table(
                file="exams.csv",
                caption="Verdicts on responses of known worth; 95% confidence "
                "intervals in parentheses",
                columns=[
                    Column("Pairs", "pairs", short),
                    Column("Verdicts", "verdicts"),
                    Column("None valid", "without_verdict"),
                    Column("In range", "in_range", share),
                    Column("Threshold", "threshold", percent),
                    Column("Weighted kappa", "kappa", decimals),
                    Column("Absolute error, points", "absolute_error", in_points),
                    Column("Bias, points", "bias", in_points),
                ],
                rows=exam.parts,
                of=of,
            ),
            Table(
                file="exam_levels.csv",
                caption="Ordinary pairs by the level that is right",
                columns=[
                    Column("Level", "level", short),
                    Column("Points", "points", short),
                    Column("Verdicts", "verdicts"),
                    Column("In range", "in_range", share),
                ],
                rows=exam.levels,
                of=of,
            ),
        ],
        remarks=[
            "Each pair is a reference and a response whose right points are known as a "
            "range; an adversarial response tries to talk the judge round. Shares have "
            "Wilson's intervals or, over several epochs, Student's t. Pairs without a "
            "valid verdict are in no share. Kappa: Cohen's on levels of the rubric, "
            "with quadratic weights (1968). Error: distance to the range; bias: the "
            "same with its sign, positive for a lenient judge. No score in this report "
            "is corrected by an exam."
        ],
        confusion=Confusion(
            title="Levels given in the exam",
            caption="Each cell: the number of ordinary pairs of a level (row) whose "
            "points are of a level (column). Points inside a pair's range count as its "
            "level.",
            rows="level that is right",
            columns="level of the points given",
            labels=CATEGORIES,
            counts=exam.confusion,
        ),
    )


def _exam_finding(exam: Exam) -> str:
    judge = f"{exam.judge}{exam.setting}"
    verdict = (
        f"{judge} passed the exam"
        if exam.passed
        else f"Warning: {judge} did not pass the exam"
    )
    parts = [
        f"{share(part.in_range)} of {part.verdicts} {part.pairs} pairs in range "
        f"(threshold {part.threshold:.0%}; {part.without_verdict} more without a valid "
        "verdict)"
        for part in exam.parts
    ]
    return (
        f"{verdict}: {', '.join(parts)}. Thresholds are on the shares, a missing "
        "verdict counting as a failure; behind these their 95% confidence intervals."
        f"{'' if exam.adversarial.asked else ' There were no attacks.'}"
        f"{'' if exam.finished else ' Not all pairs were asked.'}"
    )
