"""Beside the NEJM Medical Image Diagnosis Benchmark of November 2025: scores on its 50 cases."""

from functools import partial

import numpy as np
import pandas as pd

from nejm_inspect.report.estimates import scores
from nejm_inspect.report.formats import hundredfold, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots
from nejm_inspect.report.statistics import Estimate, columns, rate_estimate

PUBLISHED = (
    ("google/gemini-3-pro-preview", 0.698, 22),
    ("anthropic/claude-opus-4.5", 0.624, 17),
    ("openai/gpt-5.1", 0.578, 8),
    ("x-ai/grok-4.1-fast:free", 0.500, 13),
    ("qwen/qwen3-vl-235b-a22b-thinking", 0.482, 7),
)
"""Model, overall score and exact responses of 50, as published."""

DIFFERS = "the published run had other prompts and another judge, since retired"


def section(chapter: Chapter) -> Section | None:
    """The published run beside ours, where the cases are the same."""
    models = scores(chapter).query("not baseline and missing == 0").assign(run="here")
    whole = chapter.settings.get("inputs") == "both" and chapter.runs["published_cases"].all()
    if not whole or models.empty:
        return None
    there = pd.DataFrame(
        {"model": model, "name": model.rpartition("/")[2], "run": "published", "colour": 0}
        | columns("overall", Estimate(overall))
        | columns("exact", rate_estimate(np.arange(50) < count))
        for model, overall, count in PUBLISHED
    )
    both = pd.concat([models[[*there]], there], ignore_index=True)
    # What models of a family share: `gemini`, of any provider and version. Its best stands for it.
    family = both.pop("model").str.lower().str.extract(r"(?:^|/)([a-z]+)[^/]*$", expand=False)
    best_of = both[both["run"] == "here"].groupby(family).first()
    family = family.where((both["run"] == "published") & family.isin(best_of.index))
    if family.notna().any():
        both["same_family"] = family.map(best_of["name"])
        both["difference"] = family.map(best_of["overall"]) - both["overall"]
    shown = [*both.filter(regex="^(name|run|overall|exact|same_family|difference)$").columns]
    frame = both.sort_values("overall", ascending=False, kind="stable")
    caption = "This run and the published one. Difference: the same family here, less the published"
    table = Table("published", caption, frame, shown)
    names = frame["name"] + frame["run"].map({"here": "", "published": ", published"})
    draw = partial(dots, frame.assign(name=names), {"overall": ""}, percent, "overall score, %")
    title = "Scores of this run and of the published one"
    caption = "Grey: published in November 2025, without intervals."
    figure = Figure("published", title, caption, table, draw)
    best, top = models.iloc[0], there.iloc[0]
    apart = best["overall"] - top["overall"]
    lead = f"Beside the published run of November 2025: {best['name']} is {hundredfold(abs(apart))}"
    lead += f" percentage points {'above' if apart > 0 else 'below'}"
    rest = f" its best, {top['name']} ({percent(top['overall'])}); {DIFFERS}."
    findings, lead_in = [Finding(lead, rest)], f"The same 50 cases (seed 42), but {DIFFERS}."
    return Section("Beside the published run", [table], [figure], (), findings, lead_in)
