"""How many responses got how many points."""

from functools import partial

from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import BANDS, scores
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.sections.section import Section


def section(chapter: Chapter) -> Section | None:
    """The bands of points of each model."""
    if chapter.topic not in ("models", "ablation") or chapter.is_choice:
        return None
    names = {f"points {band}": f"{band} points" for band in BANDS}
    shown = scores(chapter).rename(columns={"name": "label", **names})
    return Section(
        title="Responses by points",
        figures=[
            Figure(
                name="bands",
                title="Scored and unscored responses by their points",
                caption="From 10 (the reference diagnosis itself) to 0 (wrong and "
                "implausible, or no diagnosis).",
                table="Models, best first",
                draw=partial(figures.bands, shown, [*names.values(), "unscored"]),
            )
        ],
    )
