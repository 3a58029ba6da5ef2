"""Models against each other, case by case, and what so many cases can show."""

from functools import partial

import pandas as pd

from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import is_separated, pairs
from nejm_inspect.report.formats import counted, hundredfold, signed
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots

COLUMNS = "first second cases difference standard_error p holm exact_p exact_holm won drawn lost"


def section(chapter: Chapter) -> Section | None:
    """The paired comparisons of a chapter with several entrants, and the power of the cases."""
    found, models = pairs(chapter), chapter.models
    if found.empty:
        return None
    if not found["cases"].any():
        return Section("Paired comparisons", lead="No two models share a scored case.")
    caption = "First less second, in percentage points, on the cases that both have"
    # Of right or wrong responses, p of the exact ones is the same.
    shown = [c for c in COLUMNS.split() if not chapter.is_choice or not c.startswith("exact")]
    shown = [c for c in shown if found[c].notna().any()]
    note = "Ranks and findings go by points. Exact: the same tests of responses with ten points."
    tables, findings = [Table("pairs", caption, found, shown, [note])], []
    shared = chapter.shared[models].dropna()
    if len(models) > 1 and len(shared):
        rounded = shared.round(9)  # by more than the noise of a mean
        best = rounded.eq(rounded.max(axis=1), axis=0)
        alone = best.sum(axis=1) == 1
        wins = [*best[alone].sum().items(), ("several models", int((~alone).sum()))]
        frame = pd.DataFrame(wins, columns=["name", "alone_best"])
        caption = f"Cases won outright, of {len(shared)} that every model has a score for"
        tables.append(Table("wins", caption, frame, [*frame]))
    two = st.paired(*chapter.shared[models[:2]].to_numpy().T) if len(models) > 1 else None
    if two and not chapter.options.baseline and (power := st.power_of(two)):
        cases = counted(power[1], "case") if power[1] else f"over {st.WITHIN_REACH} times the cases"
        more = "" if is_separated(found.iloc[0]) else f"; the one observed would need {cases}"
        told = f": a difference of {hundredfold(power[0])} percentage points between the two best "
        told += f"models would be detected in {st.POWER:.0%} of runs{more}."
        findings.append(Finding("What these cases can show", told))
    return Section("Paired comparisons", tables, [_figure(chapter, tables[0])], (), findings)


def _figure(chapter: Chapter, table: Table) -> Figure:
    """Differences of all others from the best, or from the baseline."""
    found = table.frame.dropna(subset="difference")
    swap = {"first": "second", "difference_lower": "difference_upper"}
    turned = found.rename(columns=swap | {new: old for old, new in swap.items()})
    ends = ["difference", "difference_lower", "difference_upper"]
    turned[ends] = -turned[ends]
    both = pd.concat([found, turned])
    # The baseline is in all pairs; without one all are in equally many, and the best comes first.
    middle = both["second"].value_counts().reindex(chapter.order).idxmax()
    frame = both[both["second"] == middle]
    names = frame["first"] + frame.apply(is_separated, axis="columns").map({True: " *", False: ""})
    frame = frame.assign(name=names, colour=frame["first"].map(chapter.colour))
    draw = partial(dots, frame, {"difference": ""}, signed, "percentage points", whole=False)
    title = f"Difference from {middle}, with 95% interval"
    caption = "Below 0: fewer points. * Holm-adjusted p < 0.05; intervals are unadjusted."
    return Figure("differences", title, caption, table, draw)
