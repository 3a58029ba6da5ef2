"""Scores by properties of the cases."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import score_of, spread
from nejm_inspect.report.figures import Figure, dots
from nejm_inspect.report.formats import counted, percent
from nejm_inspect.report.sections.section import Section
from nejm_inspect.report.table import SCORE, Table

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5  # groups of fewer cases are not drawn
KINDS = {
    "difficulty": "By difficulty; hard includes the expert cases",
    "question_type": "By question type",
    "has_history": "By whether the text holds a history",
    "year": "By year of publication",
}
NOTE = (
    "Readers: mean share of NEJM's readers who chose the correct of five options; not "
    "a like-for-like human score."
)


def section(chapter: Chapter) -> Section | None:
    """A table for each property that some cases have."""
    if chapter.topic not in ("models", "ablation"):
        return None
    tables = []
    for kind, caption in KINDS.items():
        frame = _groups(chapter, kind)
        scored = [f"{SCORE}{name}" for name in chapter.order]
        table = Table("breakdowns", caption, frame, ["group", "cases", "readers", *scored])
        if len(frame) > (kind != "difficulty"):
            tables.append(table)
    drawn = [t for t in tables if t.caption == KINDS["difficulty"]]
    figures = [_figure(chapter, t) for t in drawn if t.frame["cases"].max() >= FEWEST]
    return Section("Scores by kind of case", tables, figures, [NOTE]) if tables else None


def _groups(chapter: Chapter, kind: str) -> "pd.DataFrame":
    import pandas as pd

    groups = chapter.cases[kind].dropna().map(partial(_of, kind)).explode()
    rows = []
    for group in sorted(groups.unique(), key=_place):
        ids = groups.index[groups == group]
        inside = chapter.responses[chapter.responses["case_id"].isin(ids)]
        readers = chapter.cases.loc[ids, "reader_accuracy"].astype(float).mean()
        row = {"by": kind, "group": group, "cases": len(ids), "readers": readers}
        for name in chapter.order:
            own = inside[inside["name"] == name]
            row |= spread(f"{SCORE}{name}", score_of(own, chapter.scale))
        rows.append(row)
    return pd.DataFrame(rows)


def _of(kind: str, value: Any) -> tuple[str, ...]:
    if kind == "difficulty":
        return levels_of(value)
    if kind == "has_history":
        return ("history" if value else "no history",)
    return (f"{value:.0f}" if kind == "year" else str(value),)


def _place(group: str) -> tuple[int, str]:
    known = [*map(str, DIFFICULTIES)]
    return (known.index(group) if group in known else len(known), group)


def _figure(chapter: Chapter, table: Table) -> Figure:
    import pandas as pd

    rows = []
    for row in table.rows:
        for name in chapter.models if row["cases"] >= FEWEST else ():
            label = f"{row['group']}: {counted(row['cases'], 'case')}"
            own = {"group": label, "model": name, "colour": chapter.colour(name)}
            ends = {f"score{end}": row[f"{SCORE}{name}{end}"] for end in ("", "_lower", "_upper")}
            rows.append(own | ends)
    frame = pd.DataFrame(rows)
    draw = partial(dots, frame, "score", percent, "score, %", label="group", key="model")
    caption = (
        "Levels of the Brier score of the readers' votes; hard includes expert. Levels "
        f"with fewer than {FEWEST} cases are not drawn."
    )
    title = "Scores by difficulty, with 95% intervals"
    return Figure("difficulty", title, caption, table, draw)
