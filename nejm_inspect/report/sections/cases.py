"""Every case with every model's points; on demand with its texts."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import is_missing, percent, points, short, visible
from nejm_inspect.report.sections.section import Section
from nejm_inspect.report.table import Column, Table, number, points_column, text

if TYPE_CHECKING:
    import pandas as pd

MOST_CELLS = 120
"""With more cases, a cell of the heat map is the mean of several."""

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
    scale, frame = chapter.scale, _frame(chapter)
    caption = (
        "Right (1) or wrong (0), case by case"
        if chapter.is_choice
        else "Points, case by case"
    ) + (", easiest first" if frame["brier_score"].notna().any() else "")
    with_texts = chapter.options.with_texts

    def anchor(row: Any) -> str:
        return _anchor(chapter, row["place"])

    known = [
        *([text("Date", "date")] * bool(frame["date"].notna().any())),
        *([text("Difficulty", "difficulty")] * bool(frame["difficulty"].notna().any())),
        *(
            [text("Question", "question_type")]
            * bool(frame["question_type"].notna().any())
        ),
        *(
            [number("Readers", "reader_accuracy", percent)]
            * bool(frame["reader_accuracy"].notna().any())
        ),
    ]
    case = Column(
        "Case",
        lambda row: short(row["case_id"]),
        "text",
        link=anchor if with_texts else None,
    )
    return Section(
        title="Cases",
        lead="A case opens with its image, texts and verdicts." * with_texts,
        figures=[_figure(chapter, caption)],
        tables=[
            Table(
                name="cases",
                caption=caption,
                frame=frame,
                columns=[
                    *(case, *known),
                    *(points_column(name, name, scale) for name in chapter.order),
                    number("Spread", "spread", points),
                    number("Unscored", "unscored"),
                ],
                sortable=True,
            )
        ],
        notes=["Spread: best less worst model."] * (len(chapter.models) > 1),
        content=Markup("\n").join(_texts(chapter, frame)) if with_texts else Markup(),
    )


def _anchor(chapter: Chapter, place: int) -> str:
    return f"c{chapter.number}-case-{place}"


def _frame(chapter: Chapter) -> "pd.DataFrame":
    given = chapter.shares * chapter.scale
    unscored = chapter.responses.groupby("case_id")["unscored"].sum()
    models = given[chapter.models]
    extra = {
        "spread": models.max(axis=1) - models.min(axis=1),
        "unscored": unscored.reindex(given.index),
        "place": range(1, len(given) + 1),
    }
    return chapter.cases.join(given).assign(**extra).reset_index()


def _figure(chapter: Chapter, caption: str) -> Figure:
    shares, levels = chapter.shares, chapter.cases["difficulty"]
    per_cell = -(-len(shares) // MOST_CELLS)
    if per_cell > 1:
        cells = [n // per_cell for n in range(len(shares))]
        shares = shares.groupby(cells).mean()
        levels = levels.groupby(cells).first()
    known = levels.fillna("–")
    groups = [(str(level), int((known == level).sum())) for level in known.unique()]
    return Figure(
        name="cases",
        title="Points by case" if not chapter.is_choice else "Right and wrong by case",
        caption="Each column is a case"
        + (f" (the mean of {per_cell} neighbours)" * (per_cell > 1))
        + (", from easy to expert by the readers' votes." if len(groups) > 1 else "."),
        table=caption,
        draw=partial(figures.strips, shares, groups if len(groups) > 1 else []),
    )


def _texts(chapter: Chapter, frame: "pd.DataFrame") -> Iterator[Markup]:
    first = chapter.responses.drop_duplicates(["name", "case_id"])
    by_case = {case: rows.set_index("name") for case, rows in first.groupby("case_id")}
    images = chapter.images or {}
    for row in frame.to_dict("records"):
        own = by_case[row["case_id"]]
        chips = {name: _chip(row[name], chapter.scale) for name in chapter.order}
        told = own.iloc[0]
        image = images.get(row["case_id"])
        yield _CASE.format(
            id=_anchor(chapter, row["place"]),
            case=short(row["case_id"]),
            chips=Markup(" ").join(chips.values()),
            image=_IMAGE.format(src=image) if image else "",
            history=visible(told["history"]),
            reference=visible(told["reference"]),
            responses=Markup().join(
                _RESPONSE.format(
                    name=short(name),
                    chip=chips[name],
                    response=visible(own.at[name, "response"]) or "–",
                    reasoning=visible(own.at[name, "reasoning"]),
                )
                for name in chapter.order
                if name in own.index
            ),
        )


def _chip(given: float, scale: int) -> Markup:
    shade = "none" if is_missing(given) else f"p{round(10 * given / scale)}"
    return _CHIP.format(shade=shade, points=points(given))
