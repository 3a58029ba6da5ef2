"""Verdicts that contradict themselves or the reference's words."""

from typing import Any

import pandas as pd

from nejm_inspect.report.formats import counted
from nejm_inspect.report.sections.section import Chapter, Finding, Section, Table
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, level_of

COLUMNS = ["case_id", "name", "epoch", "points", "category", "contradiction"]


def section(chapter: Chapter) -> Section | None:
    """The responses with such verdicts; None if there are none."""
    scored = chapter.responses.dropna(subset="points")
    found = scored.assign(
        contradiction=pd.Series([*map(_of, scored.to_dict("records"))], scored.index, dtype=object)
    )
    found = found.dropna(subset="contradiction")
    if found.empty or chapter.is_choice:
        return None
    caption = "Responses whose verdict contradicts itself or the reference"
    table = Table("contradictions", caption, found[COLUMNS], COLUMNS)
    kinds = found["contradiction"].value_counts()
    told = "; ".join(f"{number} {kind}" for kind, number in kinds.items())
    lead = f"{counted(len(found), 'verdict')} should be looked at"
    findings = [Finding(lead, f": {told}. The scores count them as they are.", True)]
    return Section("Contradictions", [table], findings=findings)


def _of(row: dict[Any, Any]) -> str | None:
    points, category = row["points"], row["category"]
    if row["verbatim"] is True and points != MAX_POINTS:
        return "verbatim, but not exact"
    if isinstance(row["verdicts"], str) or points % 1 or category not in CATEGORIES:
        return None  # a panel's category is computed from its points
    right = level_of(int(points)).category
    return f"called {category}, with the points of {right}" if category != right else None
