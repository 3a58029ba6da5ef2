"""Scores by properties of the cases."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import score_of, spread
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import percent
from nejm_inspect.report.sections.section import Section
from nejm_inspect.report.table import Table, estimate, number, text

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5
"""Groups of fewer cases are not drawn."""

READERS_NOTE = (
    "Readers: mean share of NEJM's readers who chose the correct of five options; not a "
    "like-for-like human score."
)
KINDS = {
    "difficulty": "By difficulty; hard includes the expert cases",
    "question_type": "By question type",
    "has_history": "By whether the text holds a history",
    "year": "By year of publication",
}


def section(chapter: Chapter) -> Section | None:
    """A table for each property that some cases have."""
    if chapter.topic not in ("models", "ablation"):
        return None
    tables = [
        Table(
            name="breakdowns",
            caption=caption,
            frame=frame,
            columns=[
                *(text("Group", "group"), number("Cases", "cases")),
                number("Readers", "reader_accuracy", percent),
                *(estimate(name, name) for name in chapter.order),
            ],
        )
        for kind, caption in KINDS.items()
        if len(frame := _groups(chapter, kind)) > (kind != "difficulty")
    ]
    drawn = [t for t in tables if t.frame["by"].iloc[0] == "difficulty"]
    return (
        Section(
            title="Scores by kind of case",
            figures=[_figure(chapter, table) for table in drawn],
            tables=tables,
            notes=[READERS_NOTE],
        )
        if tables
        else None
    )


def _groups(chapter: Chapter, kind: str) -> "pd.DataFrame":
    import pandas as pd

    groups = chapter.cases[kind].dropna().map(partial(_of, kind)).explode()
    rows: list[Mapping[str, Any]] = []
    for group in sorted(groups.unique(), key=_place):
        ids = groups.index[groups == group]
        inside = chapter.responses[chapter.responses["case_id"].isin(ids)]
        by_name = dict(iter(inside.groupby("name")))
        readers = chapter.cases.loc[ids, "reader_accuracy"].astype(float)
        found: dict[str, float] = {}
        for name in chapter.order:
            found |= spread(
                name, score_of(by_name.get(name, inside.iloc[:0]), chapter.scale)
            )
        known = {"cases": len(ids), "reader_accuracy": readers.mean()}
        rows.append({"by": kind, "group": group, **known, **found})
    return pd.DataFrame(rows)


def _of(kind: str, value: Any) -> tuple[str, ...]:
    if kind == "difficulty":
        return levels_of(value)
    if kind == "has_history":
        return ("history" if value else "no history",)
    return (f"{value:.0f}" if kind == "year" else str(value),)


def _place(group: str) -> tuple[int, str]:
    levels = list(DIFFICULTIES)
    return (levels.index(group) if group in levels else len(levels), group)  # type: ignore[arg-type]


def _figure(chapter: Chapter, table: Table) -> Figure:
    import pandas as pd

    rows = [
        {
            "label": f"{row['group']}: {row['cases']} cases",
            "key": name,
            "colour": chapter.colour(name),
            "value": row[name],
            "lower": row[f"{name}_lower"],
            "upper": row[f"{name}_upper"],
        }
        for row in table.rows
        if row["cases"] >= FEWEST
        for name in chapter.models
    ]
    return Figure(
        name="difficulty",
        title="Scores by difficulty, with 95% intervals",
        caption="Levels of the Brier score of the readers' votes; hard includes expert. "
        f"Levels with fewer than {FEWEST} cases are not drawn.",
        table=table.caption,
        draw=partial(figures.dots, pd.DataFrame(rows), percent, axis="score, %"),
    )
