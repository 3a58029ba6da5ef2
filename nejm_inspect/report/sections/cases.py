"""Every case with every model's points; on demand with its texts."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from nejm_inspect.report.formats import points, short
from nejm_inspect.report.reading import TEXTS
from nejm_inspect.report.sections.section import Chapter, Figure, Section, Table, heat
from nejm_inspect.report.table import POINTS
from nejm_inspect.text import visible

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
    known = frame[["date", "difficulty", "question_type", "readers"]].dropna(axis=1, how="all")
    columns = ["case_id", *known, *given.add_prefix(POINTS), "spread", "unscored"]
    lead = "A case opens with its image, texts and verdicts." * chapter.options.with_texts
    frame["anchor"] = [f"c{chapter.number}-case-{n}" * bool(lead) for n in range(len(frame))]
    caption = f"{'Right (1) or wrong (0)' if chapter.is_choice else 'Points'}, case by case"
    caption += ", easiest first" if frame["brier_score"].notna().any() else ""
    table = Table("cases", caption, frame, columns, most_points=chapter.scale)
    per_cell = -(-len(frame) // 120)  # more cells could not be told apart
    cells = np.arange(len(frame)) // per_cell
    levels = frame["difficulty"].groupby(cells).first()
    groups = levels.dropna().value_counts(sort=False).to_dict()
    caption = f"Each column is {'a case' if per_cell == 1 else f'the mean of {per_cell} cases'}"
    caption += ", from easy to expert by the readers' votes." if groups else "."
    draw = partial(heat, chapter.shares.groupby(cells).mean().T, groups)
    figure = Figure("cases", "Points by case", caption, table, draw)
    notes = ["Spread: the best model's points less the worst's."]
    texts = Markup("\n").join(_texts(chapter, table) if lead else ())
    return Section("Cases", [table], [figure], notes, lead=lead, content=texts)


def _texts(chapter: Chapter, table: Table) -> Iterator[Markup]:
    first = chapter.responses.drop_duplicates(["case_id", "name"]).set_index(["case_id", "name"])
    texts: Any = first[[*TEXTS]].map(visible).to_dict("index")
    for row in table.rows:
        case, got = row["case_id"], {name: row[f"{POINTS}{name}"] for name in chapter.order}
        chips = {name: _CHIP.format(table.shade(p), points(p)) for name, p in got.items()}
        own = {name: texts[case, name] for name in chapter.order if (case, name) in texts}
        told = Markup().join(
            _RESPONSE.format(short(name), chips[name], said["response"] or "–", said["reasoning"])
            for name, said in own.items()
        )
        any_, address = next(iter(own.values())), (chapter.images or {}).get(case)
        image, given = _IMAGE.format(address) if address else "", Markup(" ").join(chips.values())
        asked = any_["history"], any_["reference"]
        yield _CASE.format(row["anchor"], short(case), given, image, *asked, told)
