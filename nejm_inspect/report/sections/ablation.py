"""What the image adds, and the text: a model with both against the same with one."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.report import formats as fmt, statistics as st
from nejm_inspect.report.estimates import is_separated
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots

ADDED = {"history": "image", "image": "text"}
"""What seeing both adds to what is seen alone."""

COLUMNS = ["name", "adds", "cases", "both", "alone", "difference", "p", "holm"]
NOTES = [
    "What the text adds is measured on the cases whose text holds a history, where the logs say "
    "so, else on all.",
    "p is adjusted over this table. An interval that includes 0 does not show that nothing is "
    "added.",
]


def section(chapter: Chapter) -> Section:
    """The differences that image and text make."""
    seen: Any = chapter.runs.groupby(["model_name", "inputs"])["name"].first().unstack()
    rows = [
        _row(chapter, str(name), added, both, seen.at[name, alone])
        for both in chapter.order
        for name in seen.index[seen["both"] == both]
        for alone, added in ADDED.items()
        if isinstance(seen.get(alone, {}).get(name), str)
    ]
    found = pd.DataFrame(rows)
    found = found.assign(holm=st.holm(found["p"]))
    caption = "Scores on the same cases, and the paired difference in percentage points"
    table = Table("ablations", caption, found, COLUMNS)
    drawn = found.assign(name=found["name"] + ": the " + found["adds"])
    values, axis = {"difference": ""}, "percentage points"
    draw = partial(dots, drawn, values, fmt.signed, axis, whole=False)
    title = "What seeing both adds, with 95% interval"
    figure = Figure("ablation", title, "Above 0: both are better than one.", table, draw)
    findings = [_finding(row) for row in table.rows]
    return Section("What image and text add", [table], [figure], NOTES, findings)


def _row(chapter: Chapter, name: str, added: str, both: str, alone: str) -> dict[str, Any]:
    shares = chapter.shares[[both, alone]].dropna()
    if added == "text":
        shares = shares[chapter.cases["has_history"].loc[shares.index].ne(False)]
    found = {"name": name, "colour": chapter.colour(both), "adds": added}
    found |= st.columns("both", st.mean_estimate(shares[both]))
    found |= st.columns("alone", st.mean_estimate(shares[alone]))
    return found | st.paired(shares[both], shares[alone])


def _finding(row: Any) -> Finding:
    name, added = row["name"], row["adds"]
    if not row["cases"]:
        return Finding(f"{name} has no case to show what the {added} adds.", limits=True)
    size = f"{fmt.signed(row['difference'])} percentage points"
    told = f", Holm-adjusted p {fmt.p_value(row['holm'])}, {row['cases']} cases."
    told = fmt.bounds(row, "difference") + told
    if is_separated(row):
        return Finding(f"The {added} adds {size} for {name}", told)
    return Finding(f"No difference by the {added} was detected for {name}", f": {size}{told}")
