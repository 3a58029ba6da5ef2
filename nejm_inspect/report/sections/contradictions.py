"""Verdicts that contradict themselves or the reference's words."""

from nejm_inspect.report.formats import counted
from nejm_inspect.report.sections.section import Chapter, Finding, Section, Table
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS, level_of

COLUMNS = ["case_id", "name", "epoch", "points", "category", "contradiction"]


def section(chapter: Chapter) -> Section | None:
    """The responses with such verdicts; None if there are none."""
    scored = chapter.responses.dropna(subset="points").astype({"category": object})
    points, category = scored["points"], scored["category"]
    right = points.map(lambda given: level_of(int(given)).category).astype(object)
    # A panel's category is computed from its points.
    single = scored["verdicts"].isna() & (points % 1 == 0) & category.isin(CATEGORIES)
    told = "called " + category + ", with the points of " + right
    told = told.where(single & category.ne(right))
    told = told.mask(scored["verbatim"].eq(True) & points.ne(MAX_POINTS), "verbatim, but not exact")
    found = scored.assign(contradiction=told).dropna(subset="contradiction")
    if found.empty or chapter.is_choice:
        return None
    caption = "Responses whose verdict contradicts itself or the reference"
    table = Table("contradictions", caption, found[COLUMNS], COLUMNS)
    kinds = "; ".join(f"{number} {kind}" for kind, number in told.value_counts().items())
    lead = f"{counted(len(found), 'verdict')} should be looked at"
    finding = Finding(lead, f": {kinds}. The scores count them as they are.", limits=True)
    return Section("Contradictions", [table], findings=[finding])
