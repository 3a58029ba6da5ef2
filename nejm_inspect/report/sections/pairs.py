"""Models against each other, case by case, and what so many cases can show."""

from functools import partial

import pandas as pd

from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import is_separated, pairs
from nejm_inspect.report.formats import counted, hundredfold, signed
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots

COLUMNS = ["first", "second", "cases", "difference", "standard_error", "p", "holm"]
EXACT = ["exact_p", "exact_holm"]  # of right or wrong responses the same as p


def section(chapter: Chapter) -> Section | None:
    """The paired comparisons of a chapter with several entrants."""
    found = pairs(chapter, chapter.options.baseline)
    if found.empty:
        return None
    if not found["cases"].any():
        return Section("Paired comparisons", lead="No two models share a scored case.")
    caption = "First less second, in percentage points, on the cases that both have"
    columns = [*COLUMNS, *EXACT[: 0 if chapter.is_choice else 2], "won", "drawn", "lost"]
    table = Table("pairs", caption, found, columns)
    return Section(
        *("Paired comparisons", [table, *_wins(chapter)], [_figure(chapter, table)]),
        findings=_power(chapter),
    )


def _figure(chapter: Chapter, table: Table) -> Figure:
    """Differences of all others from the best, or from the baseline."""
    found = table.frame.dropna(subset="difference")
    counts = pd.concat([found["first"], found["second"]]).value_counts()
    middle = next(n for n in chapter.order if counts.get(n) == counts.max())
    ends = ["difference", "difference_upper", "difference_lower"]
    ahead = found[found["first"] == middle].rename(columns={"second": "other"})
    ahead[ends] = -ahead[["difference", "difference_lower", "difference_upper"]].to_numpy()
    behind = found[found["second"] == middle].rename(columns={"first": "other"})
    frame = pd.concat([behind, ahead])
    starred = [f"{row['other']}{' *' * is_separated(row)}" for _, row in frame.iterrows()]
    frame = frame.assign(name=starred, colour=frame["other"].map(chapter.colour))
    values, axis = {"difference": ""}, "percentage points"
    draw = partial(dots, frame, values, signed, axis, whole=False)
    title = f"Difference from {middle}, with 95% interval"
    caption = "Below 0: fewer points. * Holm-adjusted p < 0.05; intervals are unadjusted."
    return Figure("differences", title, caption, table, draw)


def _wins(chapter: Chapter) -> list[Table]:
    shared = chapter.shares[chapter.models].dropna()
    if shared.empty or len(chapter.models) < 2:
        return []
    wins, ties = st.outright_wins(shared.to_numpy().T)
    names = [*chapter.models, "several models"]
    frame = pd.DataFrame({"name": names, "alone_best": [*wins, ties]})
    caption = f"Cases won outright, of {len(shared)} that every model has a score for"
    return [Table("wins", caption, frame, ["name", "alone_best"])]


def _power(chapter: Chapter) -> list[Finding]:
    """What so many cases can show between the two best models."""
    if len(chapter.models) < 2:
        return []
    pair = st.paired(*(chapter.shares[name] for name in chapter.models[:2]))
    if not (power := st.power_of(pair)):
        return []
    detectable, needed = power
    enough = f"about {counted(needed, 'case')}" if needed else "more than "
    enough += "" if needed else f"{st.WITHIN_REACH} times these cases"
    told = (
        f"{counted(pair['cases'], 'case')} show a true difference of {hundredfold(detectable)} "
        f"percentage points or more between the two best models with {st.POWER:.0%} power; the "
        f"difference observed would need {enough}."
    )
    return [Finding("What these cases can show: ", told)]
