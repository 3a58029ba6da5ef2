"""Every case with every model's points; on demand with its texts."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from markupsafe import Markup

from nejm_inspect.report.formats import points, short
from nejm_inspect.report.reading import TEXTS
from nejm_inspect.report.sections.section import Chapter, Figure, Section, Table, heat
from nejm_inspect.report.table import POINTS
from nejm_inspect.text import visible

MOST_CELLS = 120  # with more cases, a cell of the heat map is the mean of several

_CASE = Markup(
    '<details class="case" id="{}"><summary>Case {} {}</summary>{}<p class="said">{}</p>'
    '<p class="said"><b>Reference:</b> {}</p>{}</details>'
)
_RESPONSE = Markup('<div><p><b>{}</b> {}</p><p class="said">{}</p><p class="said sub">{}</p></div>')
_CHIP = Markup('<span class="chip {}">{}</span>')
_IMAGE = Markup('<p><img loading="lazy" alt="Image of the case" src="{}"></p>')


def section(chapter: Chapter) -> Section | None:
    """The case explorer."""
    if chapter.cases.empty:
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
    lead = "A case opens with its image, texts and verdicts." * chapter.options.with_texts
    frame["anchor"] = [f"c{chapter.number}-case-{n}" * bool(lead) for n in range(len(frame))]
    caption = f"{what}, case by case{order}"
    table = Table("cases", caption, frame, columns, most_points=chapter.scale)
    texts = Markup("\n").join(_texts(chapter, table) if lead else ())
    notes = ["Spread: the best model's points less the worst's."]
    return Section("Cases", [table], [_figure(chapter, table)], notes, lead=lead, content=texts)


def _figure(chapter: Chapter, table: Table) -> Figure:
    shares, levels = chapter.shares, chapter.cases["difficulty"]
    per_cell = -(-len(shares) // MOST_CELLS)
    cells = [n // per_cell for n in range(len(shares))]
    shares, levels = shares.groupby(cells).mean(), levels.groupby(cells).first()
    groups = levels.dropna().value_counts(sort=False).to_dict()
    caption = f"Each column is {'a case' if per_cell == 1 else f'the mean of {per_cell} cases'}"
    caption += ", from easy to expert by the readers' votes." if groups else "."
    draw = partial(heat, shares.T, groups)
    return Figure("cases", "Points by case", caption, table, draw)


def _texts(chapter: Chapter, table: Table) -> Iterator[Markup]:
    first = chapter.responses.drop_duplicates(["name", "case_id"]).groupby("case_id")
    by_case: Any = {case: rows.set_index("name").to_dict("index") for case, rows in first}
    for row in table.rows:
        own, image = by_case[row["case_id"]], (chapter.images or {}).get(row["case_id"])
        given = {name: row[f"{POINTS}{name}"] for name in chapter.order}
        chips = {name: _CHIP.format(table.shade(p), points(p)) for name, p in given.items()}
        texts = {n: {k: visible(own[n][k]) for k in TEXTS} for n in chapter.order if n in own}
        told = (
            _RESPONSE.format(short(name), chips[name], said["response"] or "–", said["reasoning"])
            for name, said in texts.items()
        )
        any_ = next(iter(texts.values()))
        yield _CASE.format(
            *(row["anchor"], short(row["case_id"]), Markup(" ").join(chips.values())),
            _IMAGE.format(image) if image else "",
            *(any_["history"], any_["reference"], Markup().join(told)),
        )
