"""What the image adds, and the text: a model with both against the same with one."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import (
    adjusted,
    is_separated,
    pair_of,
    spread,
)
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import bounds, p_value, signed
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import mean_estimate
from nejm_inspect.report.table import Table, estimate, model, number, text

if TYPE_CHECKING:
    pass

ADDED = {"history": "image", "image": "text"}
"""What seeing both adds to what is seen alone."""


def section(chapter: Chapter) -> Section | None:
    """The differences that image and text make."""
    import pandas as pd

    if chapter.topic != "ablation":
        return None
    entrants = chapter.runs.groupby(["model_name", "inputs"])["name"].first().unstack()
    models = sorted(
        entrants.index, key=lambda n: chapter.order.index(entrants.at[n, "both"])
    )
    rows = [
        _row(chapter, name, added, entrants.at[name, "both"], entrants.at[name, alone])
        for name in models
        for alone, added in ADDED.items()
        if alone in entrants and isinstance(entrants.at[name, alone], str)
    ]
    found = adjusted(pd.DataFrame(rows))
    shown = found.rename(
        columns={
            "difference": "value",
            "difference_lower": "lower",
            "difference_upper": "upper",
        }
    ).assign(label=found["name"], key="adds the " + found["adds"])
    table = Table(
        name="ablations",
        caption="Scores with both and with one, on the same cases, and the paired "
        "difference in percentage points",
        frame=found.drop(columns=["p_exact", "p_exact_holm"]),
        columns=[
            *(model(), text("Adds", "adds"), number("Cases", "cases")),
            *(estimate("With both", "both"), estimate("Without it", "alone")),
            estimate("Difference", "difference", signed),
            *(number("p", "p", p_value), number("Holm", "p_holm", p_value)),
        ],
    )
    known = chapter.cases["has_history"].notna().any()
    return Section(
        title="What image and text add",
        figures=[
            Figure(
                name="ablation",
                title="What seeing both adds, with 95% interval",
                caption="Paired difference; above 0: both are better than one.",
                table=table.caption,
                draw=partial(
                    figures.dots, shown, signed, scale=None, axis="percentage points"
                ),
            )
        ],
        tables=[table],
        notes=[
            "What the text adds is measured on the cases whose text holds a history."
            if known
            else "The logs do not say which cases have a history: the text of some is a "
            "mere question.",
            "p is adjusted over this table. An interval that includes 0 does not show "
            "that nothing is added.",
        ],
        findings=[_finding(row) for row in found.to_dict("records")],
    )


def _row(
    chapter: Chapter, name: str, added: str, both: str, alone: str
) -> dict[str, Any]:
    shares = chapter.shares[[both, alone]]
    if added == "text":
        # Where it is not known whether there is a history, the case counts.
        shares = shares[chapter.cases["has_history"].ne(False)]
    shared = shares.dropna()
    return {
        "name": name,
        "colour": chapter.colour(both),
        "adds": added,
        **{**spread("both", mean_estimate(shared[both]))},
        **{**spread("alone", mean_estimate(shared[alone]))},
        **pair_of(shared[both], shared[alone]),
        "p_exact": None,
    }


def _finding(row: dict[str, Any]) -> Finding:
    name, added = row["name"], row["adds"]
    if not row["cases"]:
        return Finding(
            f"{name} has no case with a score with and without the {added}.",
            limits=True,
        )
    told = (
        f" {bounds(row['difference_lower'], row['difference_upper'])}".rstrip()
        + f", Holm-adjusted p {p_value(row['p_holm'])}, {row['cases']} cases."
    )
    size = f"{signed(row['difference'])} percentage points"
    if is_separated(row):
        return Finding(f"The {added} adds {size} for {name}", told)
    return Finding(
        f"No difference by the {added} was detected for {name}", f": {size}{told}"
    )
