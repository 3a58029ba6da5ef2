"""Beside the published run: scores on its 50 cases."""

import re
from functools import partial
from typing import TYPE_CHECKING

from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import scores, spread
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import percent, signed
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import rate_estimate
from nejm_inspect.report.table import Table, estimate, model, number, text

if TYPE_CHECKING:
    import pandas as pd

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


def section(chapter: Chapter) -> Section | None:
    """The published run beside ours, where the cases are the same."""
    if not (chapter.topic == "models" and chapter.runs["published_cases"].all()):
        return None
    board = scores(chapter)
    models = board[~board["baseline"]].dropna(subset="overall")
    if models.empty:
        return None
    table = _table(models)
    shown = table.frame.rename(
        columns={"overall": "value", "overall_lower": "lower", "overall_upper": "upper"}
    ).assign(
        label=table.frame["name"]
        + table.frame["run"].map({"published": ", published", "here": ""})
    )
    best, first = models.iloc[0], PUBLISHED[0]
    differ = (
        "the published run had other prompts and another judge (Claude Sonnet 4), "
        "since retired"
    )
    return Section(
        title="Beside the published run",
        lead=f"The same {CASES} cases (seed 42), but {differ}: differences are not of "
        "the models alone.",
        figures=[
            Figure(
                name="published",
                title="Scores of this run and of the published one",
                caption="Grey: published in November 2025, without intervals.",
                table=table.caption,
                draw=partial(figures.dots, shown, percent, axis="overall score, %"),
            )
        ],
        tables=[table],
        findings=[
            Finding(
                f"Beside the published run of November 2025: {best['name']} has "
                f"{signed(best['overall'] - first[1])} percentage points",
                f" against its best, {first[0].rpartition('/')[2]} "
                f"({percent(first[1])}); {differ}.",
            )
        ],
    )


def _table(models: "pd.DataFrame") -> Table:
    import pandas as pd

    ours = {
        _family(name): row
        for name, row in zip(models["model"], models.to_dict("records"), strict=True)
    }
    published = [
        {
            "name": name.rpartition("/")[2],
            "run": "published",
            "colour": 0,
            **spread("overall", (overall, float("nan"), float("nan"))),
            **spread(
                "exact", rate_estimate([n < exact for n in range(CASES)], range(CASES))
            ),
            "same_family": ours[_family(name)]["name"]
            if _family(name) in ours
            else None,
            "difference": ours[_family(name)]["overall"] - overall
            if _family(name) in ours
            else None,
        }
        for name, overall, exact in PUBLISHED
    ]
    names = [c for c in published[0] if c in models]
    here = models[names].assign(run="here").to_dict("records")
    frame = pd.DataFrame([*here, *published]).sort_values(
        "overall", ascending=False, kind="stable"
    )
    return Table(
        name="published",
        caption="This run and the published one, by overall score",
        frame=frame,
        columns=[
            *(model(), text("Run", "run"), estimate("Overall", "overall")),
            *(estimate("Exact", "exact"), text("Same family here", "same_family")),
            number("Its difference, points", "difference", signed),
        ],
    )


def _family(name: str) -> str:
    """What models of a family have in common: `gemini`, of any provider and version."""
    found = re.match(r"[a-z]+", name.lower().rpartition("/")[2])
    return found[0] if found else name
