"""The scorer that puts physicians' grades into Inspect's logs."""

import math
from collections.abc import Sequence
from statistics import fmean

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from nejm_inspect import metrics
from nejm_inspect.grading.design import response_id
from nejm_inspect.grading.files import Grade, read_files


@scorer(metrics=[metrics.overall_score(), metrics.stderr(), metrics.ci(), metrics.exact_rate()])
def physician_grades(grades: str | Sequence[str]) -> Scorer:
    """Mean points of the raters who graded a response; for `inspect score`.

    Inspect's `precomputed_scores` finds samples by case and epoch, which the logs of all models
    have in common; this finds them by the ids of the draw. Responses that nobody graded get no
    score; those that no rater can judge are unscored. The metadata hold each rater's points.

    Args:
        grades: Files of grades, of one draw. Raises `NejmInspectError` as `read_files` does.
    """
    design, given = read_files([grades] if isinstance(grades, str) else grades)
    by_id: dict[str, list[Grade]] = {}
    for one in sorted(given, key=lambda grade: grade.rater):
        by_id.setdefault(one.response_id.partition("-")[0], []).append(one)

    async def score(state: TaskState, target: Target) -> Score | None:
        found = by_id.get(response_id(design.seed, state.uuid))
        if not found:
            return None
        told = "\n".join(f"Rater {one.rater}: {_told(one)}" for one in found)
        points = [one.points for one in found if one.points is not None]
        return Score(
            value=fmean(points) if points else math.nan,  # NaN: unscored
            reason=None if points else "cannot_judge",
            explanation=told,
            metadata={f"rater {one.rater}": one.points for one in found},
        )

    return score


def _told(grade: Grade) -> str:
    ending = "" if grade.points == 1 else "s"
    said = "cannot judge" if grade.points is None else f"{grade.points} point{ending}"
    return f"{said}. {grade.remark}".strip()
