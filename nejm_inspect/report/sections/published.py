"""Beside the published run: scores on its 50 cases."""

import re
from functools import partial

import numpy as np
import pandas as pd

from nejm_inspect.report.estimates import scores
from nejm_inspect.report.formats import percent, signed
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots
from nejm_inspect.report.statistics import Estimate, columns, rate_estimate

PUBLISHED = (
    ("google/gemini-3-pro-preview", 0.698, 22),
    ("anthropic/claude-opus-4.5", 0.624, 17),
    ("openai/gpt-5.1", 0.578, 8),
    ("x-ai/grok-4.1-fast:free", 0.500, 13),
    ("qwen/qwen3-vl-235b-a22b-thinking", 0.482, 7),
)
"""Model, overall score and exact responses of 50, as published in November 2025 by the NEJM Medical
Image Diagnosis Benchmark."""

CASES = 50
DIFFERS = "the published run had other prompts and another judge, since retired"


def section(chapter: Chapter) -> Section | None:
    """The published run beside ours, where the cases are the same."""
    board = scores(chapter)
    models = board[~board["baseline"]].dropna(subset="overall")
    if not chapter.runs["published_cases"].all() or models.empty:
        return None
    there = [
        {"name": _name(model), "run": "published", "colour": 0}
        | columns("overall", Estimate(overall))
        | columns("exact", rate_estimate(np.arange(CASES) < count))
        for model, overall, count in PUBLISHED
    ]
    both = pd.concat([models.assign(run="here")[[*there[0]]], pd.DataFrame(there)])
    family = both["name"].map(_family)
    # Best first: of several models of a family, the best stands for it.
    best_of = models.set_index(models["model"].map(_family)).groupby(level=0).first()
    known = both["run"].eq("published") & family.isin(best_of.index)
    shown = ["name", "run", "overall", "exact"]
    if known.any():
        both["same_family"] = family.map(best_of["name"]).where(known)
        both["difference"] = family.map(best_of["overall"]).where(known) - both["overall"]
        shown += ["same_family", "difference"]
    frame = both.sort_values("overall", ascending=False, kind="stable")
    caption = "This run and the published one; difference of the same family here"
    table = Table("published", caption, frame, shown)
    suffix = frame["run"].map({"here": "", "published": ", published"})
    named, values = frame.assign(name=frame["name"] + suffix), {"overall": ""}
    draw = partial(dots, named, values, percent, "overall score, %")
    title = "Scores of this run and of the published one"
    caption = "Grey: published in November 2025, without intervals."
    best, top = models.iloc[0], PUBLISHED[0][1]
    lead = f"Beside the published run of November 2025: {best['name']} has "
    lead += f"{signed(best['overall'] - top)} percentage points"
    rest = f" against its best, {_name(PUBLISHED[0][0])} ({percent(top)}); {DIFFERS}."
    return Section(
        *("Beside the published run", [table], [Figure("published", title, caption, table, draw)]),
        findings=[Finding(lead, rest)],
        lead=f"The same {CASES} cases (seed 42), but {DIFFERS}.",
    )


def _name(model: str) -> str:
    return model.rpartition("/")[2]


def _family(model: str) -> str:
    """What models of a family have in common: `gemini`, of any provider and version."""
    found = re.match(r"[a-z]+", _name(model.lower()))
    return found[0] if found else model
