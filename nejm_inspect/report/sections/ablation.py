"""What the image adds, and the text: a model with both against the same with one."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.report import formats as fmt, statistics as st
from nejm_inspect.report.estimates import is_separated
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots

ADDED = {"history": "image", "image": "text"}  # what both add to what is seen alone
COLUMNS = ["name", "adds", "cases", "both", "alone", "difference", "p", "holm"]
NOTES = [
    "What the text adds is measured without the cases known to have no history.",
    "p is adjusted, intervals are not; one with 0 in it does not show that nothing is added.",
]


def section(chapter: Chapter) -> Section:
    """The differences that image and text make."""
    seen = chapter.runs.groupby(["model_name", "inputs"])["name"].first().to_dict()
    found = pd.DataFrame(
        _row(chapter, both, added, seen[both, alone])
        for both in chapter.order  # called as its model is
        for alone, added in ADDED.items()
        if (both, alone) in seen
    )
    found["holm"] = st.holm(found["p"])
    caption = "Scores on the same cases, and the paired difference in percentage points"
    table = Table("ablations", caption, found, COLUMNS)
    drawn = found.assign(name=found["name"] + ": the " + found["adds"])
    draw = partial(dots, drawn, {"difference": ""}, fmt.signed, "percentage points", whole=False)
    title = "What seeing both adds, with 95% interval"
    figure = Figure("ablation", title, "Above 0: both are better than one.", table, draw)
    findings = [_finding(row) for row in table.rows]
    return Section("What image and text add", [table], [figure], NOTES, findings)


def _row(chapter: Chapter, both: str, added: str, alone: str) -> dict[str, Any]:
    shares = chapter.shares[[both, alone]].dropna()
    if added == "text":
        shares = shares[chapter.cases["has_history"].loc[shares.index].ne(False)]
    return {
        **{"name": both, "colour": chapter.colour(both), "adds": added},
        **st.columns("both", st.mean_estimate(shares[both])),
        **st.columns("alone", st.mean_estimate(shares[alone])),
        **st.paired(shares[both], shares[alone]),
    }


def _finding(row: Any) -> Finding:
    name, added = row["name"], row["adds"]
    if not row["cases"]:
        return Finding(f"{name} shares no case that could show what the {added} adds.", limits=True)
    size = f"{fmt.signed(row['difference'])} percentage points"
    told = f"Holm-adjusted p {fmt.p_value(row['holm'])}, {row['cases']} cases."
    told = f"{fmt.bounds(row, 'difference')}, {told}"
    if is_separated(row):
        return Finding(f"The {added} adds {size} for {name}", told)
    return Finding(f"No difference by the {added} was detected for {name}", f": {size}{told}")
