"""Verdicts that contradict themselves or the reference's words."""

from typing import TYPE_CHECKING, Any

from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.formats import counted
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import Table, model, points_column, text
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, level_of

if TYPE_CHECKING:
    pass

NOT_EXACT = "verbatim, but not exact"
CATEGORY = "category of other points"


def section(chapter: Chapter) -> Section | None:
    """The responses with such verdicts; None if there are none."""
    if chapter.topic not in ("models", "ablation") or chapter.is_choice:
        return None
    scored = chapter.responses.dropna(subset="points")
    found = scored.assign(contradiction=[_of(row) for row in scored.to_dict("records")])
    found = found.dropna(subset="contradiction")
    if found.empty:
        return None
    found = found.assign(colour=found["name"].map(chapter.colour))
    kinds = found["contradiction"].value_counts()
    return Section(
        title="Contradictions",
        lead="Verdicts to be looked at. The scores count them as they are.",
        tables=[
            Table(
                name="contradictions",
                caption="Responses whose verdict contradicts itself or the reference",
                frame=found[
                    [
                        "case_id",
                        "name",
                        "colour",
                        "epoch",
                        "points",
                        "category",
                        "contradiction",
                    ]
                ],
                columns=[
                    *(text("Case", "case_id"), model(), text("Epoch", "epoch")),
                    points_column("Points", "points", MAX_POINTS),
                    *(
                        text("Category", "category"),
                        text("Contradiction", "contradiction"),
                    ),
                ],
            )
        ],
        findings=[
            Finding(
                f"{counted(len(found), 'verdict')} to be looked at",
                f": {'; '.join(f'{n} {kind}' for kind, n in kinds.items())}.",
                limits=True,
            )
        ],
    )


def _of(row: dict[str, Any]) -> str | None:
    if row["verbatim"] is True and row["points"] != MAX_POINTS:
        return NOT_EXACT
    one_judge = row["verdicts"] is None and row["points"] == int(row["points"])
    if one_judge and row["category"] in CATEGORIES:
        right = level_of(int(row["points"])).category
        return CATEGORY if row["category"] != right else None
    return None
