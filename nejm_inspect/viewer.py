"""How a run looks in Inspect's viewer."""

from inspect_ai import viewer

from nejm_inspect.rubric import MAX_POINTS

LABELS = {"diagnosis_rubric": "Points", "verbatim_diagnosis": "Verbatim"}
LABELS |= {"physician_grades": "Physicians"}


def points_viewer(scorer: str) -> viewer.ViewerConfig:
    """Lists cases by the points that `scorer` gives, the lowest first.

    Columns that are not named keep the viewer's defaults: it shows epochs, errors, limits and
    retries if there are any.
    """
    hidden = [viewer.TaskSamplesColumn(id=id, visible=False) for id in ("tokens", "duration")]
    scale = viewer.ScoreColorScale(palette="good-high", min=0, max=MAX_POINTS)
    cases = viewer.TaskSamplesView(
        name="Cases",
        columns=hidden,
        sort=[viewer.TaskSamplesSort.score(scorer, dir="asc")],
        score_labels=LABELS,
        score_color_scales={scorer: scale},
        color_scales_enabled=True,
    )
    return viewer.ViewerConfig(task_samples_view=cases)
