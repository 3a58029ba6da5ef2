"""What the image adds, and the text: a model with both against the same with one."""

from functools import partial
from typing import Any

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import adjusted, is_separated, pair_of, spread
from nejm_inspect.report.figures import Figure, dots
from nejm_inspect.report.formats import bounds, p_value, signed
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import mean_estimate
from nejm_inspect.report.table import Table

ADDED = {"history": "image", "image": "text"}
"""What seeing both adds to what is seen alone."""

COLUMNS = ["name", "adds", "cases", "both", "alone", "difference", "p", "holm"]
NOTES = [
    "What the text adds is measured on the cases whose text holds a history, where the "
    "logs say so, else on all.",
    "p is adjusted over this table. An interval that includes 0 does not show that "
    "nothing is added.",
]


def section(chapter: Chapter) -> Section | None:
    """The differences that image and text make."""
    import pandas as pd

    if chapter.topic != "ablation":
        return None
    seen: Any = chapter.runs.groupby(["model_name", "inputs"])["name"].first().unstack()
    seen = seen.loc[sorted(seen.index, key=lambda n: chapter.order.index(seen.at[n, "both"]))]
    rows = [
        _row(chapter, name, added, seen.at[name, "both"], seen.at[name, alone])
        for name in seen.index
        for alone, added in ADDED.items()
        if alone in seen and isinstance(seen.at[name, alone], str)
    ]
    found = adjusted(pd.DataFrame(rows))
    caption = "Scores on the same cases, and the paired difference in percentage points"
    table = Table("ablations", caption, found, COLUMNS)
    drawn = found.assign(key="adds the " + found["adds"])
    axis = "percentage points"
    draw = partial(dots, drawn, "difference", signed, axis, key="key", whole=False)
    title = "What seeing both adds, with 95% interval"
    figure = Figure("ablation", title, "Above 0: both are better than one.", table, draw)
    findings = [_finding(row) for row in table.rows]
    return Section("What image and text add", [table], [figure], NOTES, findings)


def _row(chapter: Chapter, name: str, added: str, both: str, alone: str) -> dict[str, Any]:
    shares = chapter.shares[[both, alone]]
    if added == "text":
        shares = shares[chapter.cases["has_history"].ne(False)]
    shared = shares.dropna()
    found = {"name": name, "colour": chapter.colour(both), "adds": added}
    found |= spread("both", mean_estimate(shared[both]))
    found |= spread("alone", mean_estimate(shared[alone]))
    return found | pair_of(shared[both], shared[alone])


def _finding(row: Any) -> Finding:
    name, added = row["name"], row["adds"]
    if not row["cases"]:
        return Finding(f"{name} has no case to show what the {added} adds.", limits=True)
    size = f"{signed(row['difference'])} percentage points"
    told = (
        bounds(row["difference_lower"], row["difference_upper"])
        + f", Holm-adjusted p {p_value(row['holm'])}, {row['cases']} cases."
    )
    if is_separated(row):
        return Finding(f"The {added} adds {size} for {name}", told)
    return Finding(f"No difference by the {added} was detected for {name}", f": {size}{told}")
