"""Beside the published run: scores on its 50 cases."""

import re
from functools import partial

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import scores, spread
from nejm_inspect.report.figures import Figure, dots
from nejm_inspect.report.formats import percent, signed
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import Estimate, rate_estimate
from nejm_inspect.report.table import Table

PUBLISHED = (
    ("google/gemini-3-pro-preview", 0.698, 22),
    ("anthropic/claude-opus-4.5", 0.624, 17),
    ("openai/gpt-5.1", 0.578, 8),
    ("x-ai/grok-4.1-fast:free", 0.500, 13),
    ("qwen/qwen3-vl-235b-a22b-thinking", 0.482, 7),
)
"""Model, overall score and exact responses of 50, as published in November 2025 by the
NEJM Medical Image Diagnosis Benchmark."""

CASES = 50
DIFFERS = "the published run had other prompts and another judge, since retired"


def section(chapter: Chapter) -> Section | None:
    """The published run beside ours, where the cases are the same."""
    import pandas as pd

    board = scores(chapter)
    models = board[~board["baseline"]].dropna(subset="overall")
    published_cases = chapter.runs["published_cases"].all()
    if chapter.topic != "models" or not published_cases or models.empty:
        return None
    rows_here = models.to_dict("records")
    # Best first: of several models of a family, the best stands for it.
    ours = {_family(row["model"]): row for row in reversed(rows_here)}
    rows = []
    for name, overall, count in PUBLISHED:
        exact = rate_estimate([n < count for n in range(CASES)], range(CASES))
        row = {"name": name.rpartition("/")[2], "run": "published", "colour": 0}
        row |= spread("overall", Estimate(overall)) | spread("exact", exact)
        if same := ours.get(_family(name)):
            gap = same["overall"] - overall
            row |= {"same_family": same["name"], "difference": gap}
        rows.append(row)
    kept = [column for column in rows[0] if column in models]
    here = models[kept].assign(run="here")
    frame = pd.concat([here, pd.DataFrame(rows)], ignore_index=True)
    frame = frame.sort_values("overall", ascending=False, kind="stable")
    columns = ("name", "run", "overall", "exact", "same_family", "difference")
    caption = "This run and the published one; difference of the same family here"
    table = Table("published", caption, frame, [c for c in columns if c in frame])
    drawn = frame.assign(
        name=frame["name"] + (frame["run"] == "published").map({True: ", published", False: ""})
    )
    figure = Figure(
        "published",
        "Scores of this run and of the published one",
        "Grey: published in November 2025, without intervals.",
        table,
        partial(dots, drawn, "overall", percent, "overall score, %"),
    )
    best, (first, top, _) = models.iloc[0], PUBLISHED[0]
    lead = (
        f"Beside the published run of November 2025: {best['name']} has "
        f"{signed(best['overall'] - top)} percentage points"
    )
    rest = f" against its best, {first.rpartition('/')[2]} ({percent(top)}); {DIFFERS}."
    return Section(
        "Beside the published run",
        [table],
        [figure],
        findings=[Finding(lead, rest)],
        lead=f"The same {CASES} cases (seed 42), but {DIFFERS}.",
    )


def _family(name: str) -> str:
    """What models of a family have in common: `gemini`, of any provider and version."""
    found = re.match(r"[a-z]+", name.lower().rpartition("/")[2])
    return found[0] if found else name
