"""How a run looks in Inspect's viewer."""

from inspect_ai.viewer import (
    ScoreColorScale,
    TaskSamplesColumn,
    TaskSamplesSort,
    TaskSamplesView,
    ViewerConfig,
)

from nejm_inspect.rubric import MAX_POINTS

DETAILS = ("epoch", "tokens", "duration", "retries", "error", "limit")
"""Columns that the viewer offers and a reader of diagnoses seldom wants."""


def points_viewer(scorer: str) -> ViewerConfig:
    """A list of cases with their points, the worst first.

    Args:
        scorer: The name of the scorer that gives the points.
    """
    return ViewerConfig(
        task_samples_view=TaskSamplesView(
            name="Cases",
            columns=[
                TaskSamplesColumn(id="sampleId"),
                TaskSamplesColumn(id="input"),
                TaskSamplesColumn(id="target"),
                TaskSamplesColumn(id="answer"),
                TaskSamplesColumn.score(scorer),
                TaskSamplesColumn.score("rubric_category"),
                *(TaskSamplesColumn(id=id, visible=False) for id in DETAILS),
            ],
            sort=[
                TaskSamplesSort.score(scorer, dir="asc"),
                TaskSamplesSort(column="sampleId", dir="asc"),
            ],
            score_labels={scorer: "Points", "rubric_category": "Category"},
            score_color_scales={
                scorer: ScoreColorScale(palette="good-high", min=0, max=MAX_POINTS)
            },
            color_scales_enabled=True,
        )
    )
