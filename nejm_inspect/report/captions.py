"""What the figures say in words: names, numbers, captions and text alternatives.

Names of models and cases are other people's text. They are written as they are read:
without control characters, and short enough to leave room for the data.
"""

import functools
import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from nejm_inspect.cases.schema import DIFFICULTY_FLOORS
from nejm_inspect.report.contents import (
    BANDS,
    CaseRow,
    Comparison,
    Estimate,
    PairedComparison,
)
from nejm_inspect.rubric import MAX_POINTS

SIGNIFICANT = 0.05
"""Adjusted p values below this are marked."""
FONT = "DejaVu Sans"  # comes with matplotlib, so that text is alike everywhere
NAME_LENGTH = 60
LINE_LENGTH = 34
CASE_ID_LENGTH = 12
READER_BINS = 5
NO_SCORE, NO_BRIER_SCORE = "no score", "no Brier score"
ACTING_CATEGORIES = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def plain_text(text: str, length: int = NAME_LENGTH) -> str:
    """Other people's text as one short line; too long a text loses its middle."""
    if len(text) > length:
        text = f"{text[: (length - 1) // 2]}…{text[-(length // 2) :]}"
    return "".join(
        "\ufffd" if unicodedata.category(c) in ACTING_CATEGORIES else c for c in text
    )


@functools.cache
def glyphs() -> frozenset[int]:
    """The code points that the figures' font can draw."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())


def drawable_text(text: str, length: int = NAME_LENGTH) -> str:
    """Plain text whose every character the font has."""
    plain = plain_text(text, length)
    return "".join(c if ord(c) in glyphs() else "\ufffd" for c in plain)


def model_label(model: str) -> str:
    """A model's name on one line or, broken where it breaks best, on two."""
    name = drawable_text(model)
    if len(name) <= LINE_LENGTH:
        return name
    middle = len(name) // 2
    fitting = range(len(name) - LINE_LENGTH, LINE_LENGTH + 1)
    breaks = [cut for cut in fitting if name[cut - 1] in "/-_: "] or [middle]
    cut = min(breaks, key=lambda cut: (name[cut - 1] != "/", abs(cut - middle)))
    return f"{name[:cut]}\n{name[cut:]}"


def percent(share: float) -> str:
    """A share of 0 to 1 as it is printed, or that there is none."""
    return NO_SCORE if math.isnan(share) else f"{100 * share:.1f}%"


def with_interval(estimate: Estimate) -> str:
    """A share of 0 to 1 with its interval, if it has one."""
    if math.isnan(estimate.value + estimate.lower + estimate.upper):
        return percent(estimate.value)
    lower, upper = percent(estimate.lower), percent(estimate.upper)
    return f"{percent(estimate.value)} (95% CI {lower} to {upper})"


def difference_text(pair: PairedComparison, sign: int = 1) -> str:
    """In percentage points, with a star if it is significant."""
    points = sign * round(100 * pair.difference.value, 1)
    if math.isnan(points):
        return NO_SCORE
    number = f"{points:+.1f}".replace("-", "−") if points else "0.0"
    return number + "*" * is_significant(pair)


def is_significant(pair: PairedComparison) -> bool:
    """Whether the points of a pair differ by more than chance, Holm-adjusted."""
    return pair.p_points_adjusted < SIGNIFICANT


def full_score(comparison: Comparison) -> int:
    """What a perfect response to a case is worth."""
    return MAX_POINTS if comparison.kind == "points" else 1


def measures(comparison: Comparison) -> list[tuple[str, list[Estimate]]]:
    """What the bars show: its name, and every model's estimate of it."""
    rows = comparison.leaderboard
    overall = [row.overall for row in rows]
    if comparison.kind == "choice":
        return [("accuracy", overall)]
    exact = [row.exact or Estimate(math.nan, math.nan, math.nan) for row in rows]
    return [("overall score", overall), ("exact diagnoses", exact)]


def reader_accuracies(comparison: Comparison) -> list[float]:
    """The reader accuracy of every case that has votes."""
    accuracies = [case.reader_accuracy for case in comparison.cases]
    return [accuracy for accuracy in accuracies if accuracy is not None]


def reader_mean(comparison: Comparison) -> float | None:
    """The readers' mean accuracy, where models chose among the same options."""
    accuracies = reader_accuracies(comparison)
    if comparison.kind == "points" or not accuracies:
        return None
    return sum(accuracies) / len(accuracies)


def readers_line(comparison: Comparison) -> tuple[float, str] | None:
    """What the models' accuracy is measured against, if the readers' is known."""
    mean = reader_mean(comparison)
    return None if mean is None else (mean, f"mean of NEJM readers: {percent(mean)}")


def has_levels(comparison: Comparison) -> bool:
    """Whether any case has a difficulty."""
    return any(case.brier_score is not None for case in comparison.cases)


def level_labels(comparison: Comparison) -> list[str]:
    """Every case's difficulty, as far as a Brier score tells it."""
    return [
        NO_BRIER_SCORE
        if case.brier_score is None
        else drawable_text(case.difficulty, CASE_ID_LENGTH)
        for case in comparison.cases
    ]


def level_texts(comparison: Comparison) -> dict[str, str]:
    """For each level, easiest first: which Brier scores it covers, how many cases."""
    bounds: dict[str, str] = {}
    harder_floor = None
    for level, floor in DIFFICULTY_FLOORS.items():
        end = f"≥ {floor:.3f}" if harder_floor is None else f"< {harder_floor:.3f}"
        bounds[level], harder_floor = f" (Brier score {end})", floor
    return {
        level: f"{level}{bounds.get(level, '')}: {count} case{'s' * (count != 1)}"
        for level, count in Counter(level_labels(comparison)).items()
    }


def order_note(comparison: Comparison) -> str:
    """How the cases are sorted, to follow a noun."""
    return ", easiest first" if has_levels(comparison) else ""


def reader_bins(comparison: Comparison) -> list[list[CaseRow]]:
    """The cases by reader accuracy, in bins of equal width; 100% is in the last."""
    bins: list[list[CaseRow]] = [[] for _ in range(READER_BINS)]
    for case in comparison.cases:
        if case.reader_accuracy is not None:
            place = int(case.reader_accuracy * READER_BINS)
            bins[min(place, READER_BINS - 1)].append(case)
    return bins


def bin_names() -> list[str]:
    """The bins of reader accuracy as they are printed, lowest first."""
    edges = [100 * n // READER_BINS for n in range(READER_BINS + 1)]
    return [f"{low}–{high}%" for low, high in pairwise(edges)]


def mean_score(comparison: Comparison, model: str, cases: Sequence[CaseRow]) -> float:
    """A model's mean share of the points over some cases; NaN for none."""
    points = [p for case in cases if (p := case.points.get(model)) is not None]
    return sum(points) / len(points) / full_score(comparison) if points else math.nan


def describe_scores(comparison: Comparison) -> tuple[str, str]:
    """Caption and text alternative of the figure `scores`."""
    parts = []
    for nth, row in enumerate(comparison.leaderboard):
        numbers = [
            f"{name} {with_interval(estimates[nth])}"
            for name, estimates in measures(comparison)
        ]
        parts.append(f"{plain_text(row.model)}: {', '.join(numbers)}")
    caption = (
        "Overall score: mean share of the ten points per case. Exact diagnoses: share "
        "of responses with all ten points."
    )
    if comparison.kind == "choice":
        caption = "Share of cases in which the correct of five options was chosen."
    caption += " Error bars: 95% confidence intervals."
    if readers := readers_line(comparison):
        caption += " Dashed line: mean share of NEJM readers who chose it."
        parts.append(readers[1])
    return caption, f"Bar chart, best model first. {'; '.join(parts)}."


def describe_bands(comparison: Comparison) -> tuple[str, str]:
    """Caption and text alternative of the figure `bands`."""
    parts = []
    for row in comparison.leaderboard:
        counts = [f"{row.bands.get(band, 0)} with {band}" for band in BANDS]
        parts.append(
            f"{plain_text(row.model)}: {', '.join(counts)} points; "
            f"{row.unscored} unscored"
        )
    caption = (
        "Scored responses by their points, from 10 (the reference diagnosis itself) to "
        "0 (wrong and implausible, or no diagnosis). Responses without a valid verdict "
        "are unscored and not part of the bars."
    )
    return caption, f"Stacked bar chart of responses. {'. '.join(parts)}."


def describe_differences(comparison: Comparison) -> tuple[str, str]:
    """Caption and text alternative of the figure `differences`."""
    caption = (
        "Mean difference per case, row minus column, in percentage points, on the "
        "cases that both models have a score for. Bold with a star: Holm-adjusted "
        f"p < {SIGNIFICANT} in a paired permutation test."
    )
    parts = [
        f"{plain_text(pair.first)} minus {plain_text(pair.second)}: "
        f"{difference_text(pair)}"
        for pair in comparison.pairs
    ]
    alt = (
        "Matrix of mean differences in percentage points, * where the Holm-adjusted p "
        f"is below {SIGNIFICANT}. {'; '.join(parts)}."
    )
    return caption, alt


def describe_cases(comparison: Comparison) -> tuple[str, str]:
    """Caption and text alternative of the figure `cases`."""
    top = full_score(comparison)
    best, worst = ("correct", "wrong") if top == 1 else ("10 points", "0 points")
    parts = []
    for row in comparison.leaderboard:
        points = [case.points.get(row.model) for case in comparison.cases]
        parts.append(
            f"{plain_text(row.model)}: {points.count(top)} with {best}, "
            f"{points.count(0)} with {worst}, {points.count(None)} without a score"
        )
    order = order_note(comparison)
    caption = f"Each column is a case{order}; each cell the mean of all epochs."
    alt = f"Heat map of {len(comparison.cases)} cases{order}"
    if has_levels(comparison):
        caption += (
            " Difficulty: Brier score of the NEJM readers' votes, higher is harder."
        )
        alt += f" ({'; '.join(level_texts(comparison).values())})"
    return caption, f"{alt}. {'. '.join(parts)}."


def describe_readers(comparison: Comparison) -> tuple[str, str]:
    """Caption and text alternative of the figure `readers`."""
    scales = (
        "Readers chose among five options while models named a diagnosis freely, so "
        "the two scales are not alike."
    )
    if comparison.kind == "choice":
        scales = "Readers and models chose among the same five options."
    caption = (
        "Cases in five bins of equal width by the share of NEJM readers who chose the "
        f"correct option; each dot is a model's mean over the cases of a bin. {scales}"
    )
    bins = reader_bins(comparison)
    filled = [pair for pair in zip(bin_names(), bins, strict=True) if pair[1]]
    parts = [", ".join(f"{name}: n = {len(cases)}" for name, cases in filled)]
    for row in comparison.leaderboard:
        means = [
            f"{name}: {percent(mean_score(comparison, row.model, cases))}"
            for name, cases in filled
        ]
        parts.append(f"{plain_text(row.model)}: {', '.join(means)}")
    return caption, f"Mean score by reader accuracy. {'. '.join(parts)}."
