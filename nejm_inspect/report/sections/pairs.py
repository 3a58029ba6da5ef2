"""Models against each other, case by case, and what so many cases can show."""

from functools import partial

from nejm_inspect.report import statistics as st
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import is_separated, pairs
from nejm_inspect.report.figures import Figure, dots
from nejm_inspect.report.formats import counted, hundredfold, signed
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import Table

COLUMNS = ("first", "second", "cases", "difference", "standard_error", "p", "holm")
EXACT = ("exact_p", "exact_holm")  # of right or wrong responses the same as p
WON = ("won", "drawn", "lost")


def section(chapter: Chapter) -> Section | None:
    """The paired comparisons of a chapter with several entrants."""
    if chapter.topic != "models" or len(chapter.order) < 2:
        return None
    found, power = pairs(chapter), _power(chapter)
    if not found["cases"].any():
        return Section("Paired comparisons", lead="No two models share a scored case.")
    caption = "First less second, in percentage points, on the cases that both have"
    columns = [*COLUMNS, *(() if chapter.is_choice else EXACT), *WON]
    table = Table("pairs", caption, found, columns)
    findings = [Finding("What these cases can show: ", power)] if power else []
    figures, wins = _figures(chapter, table), _wins(chapter)
    return Section("Paired comparisons", [table, *wins], figures, (), findings)


def _figures(chapter: Chapter, table: Table) -> list[Figure]:
    """Differences of all others from the best, or from the baseline."""
    found = table.frame.dropna(subset="difference")
    if found.empty:
        return []
    counts = found["first"].value_counts().add(found["second"].value_counts(), fill_value=0)
    middle = next(n for n in chapter.order if counts.get(n, 0) == counts.max())
    rows = []
    for row in found.to_dict("records"):
        if middle not in (row["first"], row["second"]):
            continue
        other = row["second" if row["first"] == middle else "first"]
        ends = [row["difference"], row["difference_lower"], row["difference_upper"]]
        if row["first"] == middle:
            ends = [-ends[0], -ends[2], -ends[1]]
        name = f"{other} *" if is_separated(row) else other
        drawn = {"name": name, "colour": chapter.colour(other)}
        names = ("difference", "difference_lower", "difference_upper")
        rows.append(drawn | dict(zip(names, ends, strict=True)))
    import pandas as pd

    frame = pd.DataFrame(rows)
    draw = partial(dots, frame, "difference", signed, "percentage points", whole=False)
    title = f"Difference from {middle}, with 95% interval"
    caption = "Below 0: fewer points. * Holm-adjusted p < 0.05; intervals are unadjusted."
    return [Figure("differences", title, caption, table, draw)]


def _wins(chapter: Chapter) -> list[Table]:
    import pandas as pd

    shared = chapter.shares[chapter.models].dropna()
    if shared.empty or len(chapter.models) < 2:
        return []
    wins, ties = st.outright_wins(shared.to_numpy().T)
    frame: pd.DataFrame = pd.DataFrame({"name": [*chapter.models, "several models"]})
    frame = frame.assign(alone_best=[*wins, ties])
    caption = f"Cases won outright, of {len(shared)} that every model has a score for"
    return [Table("wins", caption, frame, ["name", "alone_best"])]


def _power(chapter: Chapter) -> str:
    """What so many cases can show between the two best models."""
    shared = chapter.shares[chapter.models[:2]].dropna()
    if len(chapter.models) < 2:
        return ""
    found = st.power_of(st.paired(*(shared[name] for name in shared)))
    if found is None:
        return ""
    beyond = f"more than {st.WITHIN_REACH} times these cases"
    enough = f"about {counted(found.needed, 'case')}" if found.needed else beyond
    return (
        f"{counted(len(shared), 'case')} show a true difference of "
        f"{hundredfold(found.detectable)} percentage points or more between the two "
        f"best models with {st.POWER:.0%} power; the difference observed would need "
        f"{enough}."
    )
