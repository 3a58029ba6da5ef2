"""Every case with every model's points; on demand with its texts."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from markupsafe import Markup

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.figures import Figure, strips
from nejm_inspect.report.formats import points, short, visible
from nejm_inspect.report.sections.section import Section
from nejm_inspect.report.table import POINTS, Table, shade

MOST_CELLS = 120  # with more cases, a cell of the heat map is the mean of several

_CASE = Markup(
    '<details class="case" id="{id}"><summary>Case {case} {chips}</summary>{image}'
    '<p class="said">{history}</p><p class="said"><b>Reference:</b> {reference}</p>'
    "{responses}</details>"
)
_RESPONSE = Markup(
    '<div><p><b>{name}</b> {chip}</p><p class="said">{response}</p>'
    '<p class="said sub">{reasoning}</p></div>'
)
_CHIP = Markup('<span class="chip {shade}">{points}</span>')
_IMAGE = Markup('<p><img loading="lazy" alt="Image of the case" src="{src}"></p>')


def section(chapter: Chapter) -> Section | None:
    """The case explorer."""
    if chapter.topic not in ("models", "ablation") or chapter.cases.empty:
        return None
    given = chapter.shares * chapter.scale
    models, frame = given[chapter.models], chapter.cases.join(given.add_prefix(POINTS))
    frame["spread"] = models.max(axis=1) - models.min(axis=1)
    frame["unscored"] = chapter.responses.groupby("case_id")["unscored"].sum()
    frame = frame.rename(columns={"reader_accuracy": "readers"}).reset_index()
    what = "Right (1) or wrong (0)" if chapter.is_choice else "Points"
    order = ", easiest first" if frame["brier_score"].notna().any() else ""
    known = ("date", "difficulty", "question_type", "readers")
    columns = ["case_id", *(name for name in known if frame[name].notna().any())]
    columns += [*(f"{POINTS}{name}" for name in chapter.order), "spread", "unscored"]
    with_texts = chapter.options.with_texts
    anchors = [f"c{chapter.number}-case-{n}" for n in range(len(frame))] * with_texts
    table = Table(
        *("cases", f"{what}, case by case{order}", frame, columns),
        most_points=chapter.scale,
        anchors=anchors,
    )
    texts = Markup("\n").join(_texts(chapter, anchors) if with_texts else ())
    lead = "A case opens with its image, texts and verdicts." * with_texts
    notes = ["Spread: the best model's points less the worst's."]
    figures = [_figure(chapter, table)]
    return Section("Cases", [table], figures, notes, lead=lead, content=texts)


def _figure(chapter: Chapter, table: Table) -> Figure:
    shares, levels = chapter.shares, chapter.cases["difficulty"]
    per_cell = -(-len(shares) // MOST_CELLS)
    cells = [n // per_cell for n in range(len(shares))]
    shares, levels = shares.groupby(cells).mean(), levels.groupby(cells).first()
    groups = levels.dropna().value_counts(sort=False).to_dict()
    of = "a case" if per_cell == 1 else f"the mean of {per_cell} cases"
    caption = f"Each column is {of}"
    caption += ", from easy to expert by the readers' votes." if groups else "."
    draw = partial(strips, shares, groups)
    return Figure("cases", "Points by case", caption, table, draw)


def _texts(chapter: Chapter, anchors: list[str]) -> Iterator[Markup]:
    first = chapter.responses.drop_duplicates(["name", "case_id"])
    by_case: Any = {case: rows.set_index("name") for case, rows in first.groupby("case_id")}
    images, cases = chapter.images or {}, chapter.shares * chapter.scale
    for anchor, (case, row) in zip(anchors, cases.iterrows(), strict=False):
        own = by_case[case]
        chips = {
            name: _CHIP.format(shade=shade(p, chapter.scale), points=points(p))
            for name, p in row.items()
        }
        responses = (
            _RESPONSE.format(
                name=short(name),
                chip=chips[name],
                response=visible(own.at[name, "response"]) or "–",
                reasoning=visible(own.at[name, "reasoning"]),
            )
            for name in chapter.order
            if name in own.index
        )
        image = images.get(str(case))
        yield _CASE.format(
            id=anchor,
            case=short(case),
            chips=Markup(" ").join(chips.values()),
            image=_IMAGE.format(src=image) if image else "",
            history=visible(own["history"].iloc[0]),
            reference=visible(own["reference"].iloc[0]),
            responses=Markup().join(responses),
        )
