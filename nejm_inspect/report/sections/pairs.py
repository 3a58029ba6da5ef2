"""Models against each other, case by case, and what so many cases can show."""

from functools import partial
from typing import TYPE_CHECKING

from nejm_inspect.report import figures
from nejm_inspect.report import statistics as st
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import is_separated, pairs
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import counted, hundredfold, p_value, signed
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import Column, Table, estimate, model, number

if TYPE_CHECKING:
    import pandas as pd

DIFFERENCE = (
    "First less second model, in percentage points, on the cases that both have"
)


def section(chapter: Chapter) -> Section | None:
    """The paired comparisons of a chapter with several entrants."""
    if chapter.topic != "models" or len(chapter.order) < 2:
        return None
    found, power = pairs(chapter), _power(chapter)
    if not found["cases"].any():
        return Section(
            "Paired comparisons", "No two models have a score for the same case."
        )
    return Section(
        title="Paired comparisons",
        lead=power,
        figures=_figures(chapter, found),
        tables=[_pair_table(found, chapter), *_wins(chapter)],
        findings=[Finding("What these cases can show: ", power)] if power else [],
    )


def _figures(chapter: Chapter, found: "pd.DataFrame") -> list[Figure]:
    """Differences of one model from all others: the baseline's, else the best's."""
    counts = (
        found["first"].value_counts().add(found["second"].value_counts(), fill_value=0)
    )
    middle = next(n for n in chapter.order if counts.get(n, 0) == counts.max())
    rows = found[found["first"].eq(middle) | found["second"].eq(middle)].dropna(
        subset="difference"
    )
    turn = rows["first"].eq(middle).map({True: -1, False: 1})
    other = rows["first"].where(rows["first"] != middle, rows["second"])
    shown = rows.assign(
        label=other + [" *" * is_separated(row) for row in rows.to_dict("records")],
        colour=other.map(chapter.colour),
        value=turn * rows["difference"],
        lower=(turn * rows["difference_lower"]).where(
            turn > 0, -rows["difference_upper"]
        ),
        upper=(turn * rows["difference_upper"]).where(
            turn > 0, -rows["difference_lower"]
        ),
    )
    title = f"Difference from {middle}, with 95% interval"
    return [
        Figure(
            name="differences",
            title=title,
            caption="Below 0: fewer points. * Holm-adjusted p < 0.05. Intervals are not "
            "adjusted.",
            table=DIFFERENCE,
            draw=partial(
                figures.dots, shown, signed, scale=None, axis="percentage points"
            ),
        )
    ] * bool(len(shown))


def _pair_table(found: "pd.DataFrame", chapter: Chapter) -> Table:
    exact = "McNemar" if chapter.is_choice else "exact"
    return Table(
        name="pairs",
        caption=DIFFERENCE,
        frame=found.drop(columns="baselines"),
        columns=[
            *(
                model("First", "first"),
                model("Second", "second"),
                number("Cases", "cases"),
            ),
            estimate("Difference", "difference", signed),
            number("Standard error", "stderr", hundredfold),
            *(number("p", "p", p_value), number("Holm", "p_holm", p_value)),
            *(
                ()
                if chapter.is_choice
                else (
                    number(f"p, {exact}", "p_exact", p_value),
                    number("Holm", "p_exact_holm", p_value),
                )
            ),
            Column("Won–drawn–lost", lambda r: f"{r['won']}–{r['drawn']}–{r['lost']}"),
        ],
    )


def _wins(chapter: Chapter) -> list[Table]:
    import pandas as pd

    shared = chapter.shares[chapter.models].dropna()
    if shared.empty or len(chapter.models) < 2:
        return []
    wins, ties = st.outright_wins(shared.to_numpy().T)
    rows = [
        {"name": name, "colour": chapter.colour(name), "wins": int(won)}
        for name, won in zip(chapter.models, wins, strict=True)
    ]
    return [
        Table(
            name="wins",
            caption=f"Cases won outright, of {len(shared)} that every model has a score for",
            frame=pd.DataFrame([*rows, {"name": "several models", "wins": ties}]),
            columns=[model("Alone with the best score"), number("Cases", "wins")],
        )
    ]


def _power(chapter: Chapter) -> str:
    """What so many cases can show between the two best models."""
    if len(chapter.models) < 2:
        return ""
    shared = chapter.shares[chapter.models[:2]].dropna()
    found = st.power_of(st.paired(*(shared[name] for name in shared)))
    if found is None:
        return ""
    enough = (
        f"more than {st.WITHIN_REACH} times these cases"
        if found.needed is None
        else f"about {counted(found.needed, 'case')}"
    )
    return (
        f"{counted(len(shared), 'case')} show a true difference of "
        f"{hundredfold(found.detectable)} percentage points or more between the two best "
        f"models with {st.POWER:.0%} power; the difference observed would need {enough}."
    )
