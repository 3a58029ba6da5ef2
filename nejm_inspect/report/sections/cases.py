"""Every case with every model's points; on demand with its texts."""

from functools import partial

import numpy as np

from nejm_inspect.report.reading import TEXTS
from nejm_inspect.report.sections.section import Chapter, Figure, Section, Table, heat
from nejm_inspect.report.table import POINTS


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
    columns = ["case_id", *known, *given.add_prefix(POINTS), "spread"]
    columns += ["unscored"] * bool(frame["unscored"].any())
    lead = ""
    if chapter.options.with_texts:
        epoch = " of the first epoch" if chapter.responses["epoch"].max() > 1 else ""
        lead = f"A case opens with its image, texts and verdicts{epoch}."
        first = chapter.responses.drop_duplicates(["case_id", "name"]).set_index("name")
        texts = {c: own[[*TEXTS]].to_dict("index") for c, own in first.groupby("case_id")}
        frame["texts"] = frame["case_id"].map(texts)
        frame["image"] = frame["case_id"].map(chapter.images or {})
        frame["anchor"] = [f"c{chapter.number}-case-{n}" for n in range(len(frame))]
    caption = f"{'Right (1) or wrong (0)' if chapter.is_choice else 'Points'}, case by case"
    caption += ", easiest first" if frame["brier_score"].notna().any() else ""
    table = Table("cases", caption, frame, columns, most_points=chapter.scale)
    per_cell = -(-len(frame) // 120)  # more cells could not be told apart
    cells = np.arange(len(frame)) // per_cell
    levels = frame["difficulty"].where(frame["brier_score"].notna()).groupby(cells).first()
    groups = levels.dropna().value_counts(sort=False).to_dict()
    caption = f"Each column is {'a case' if per_cell == 1 else f'the mean of {per_cell} cases'}"
    caption += ", from easy to expert by the readers' votes." if groups else "."
    draw = partial(heat, chapter.shares.groupby(cells).mean().T, below=groups)
    figure = Figure("cases", "Points by case", caption, table, draw)
    notes = ["Spread: the best model's points less the worst's."]
    return Section("Cases", [table], [figure], notes, lead=lead)
