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

    A response that nobody graded gets no score; one that no rater can judge is unscored. The
    metadata hold each rater's points. Inspect's `precomputed_scores` would not do: it finds samples
    by case and epoch, which are the same in the logs of all models.

    Args:
        grades: Files of grades, of one draw.

    Raises:
        NejmInspectError: As `read_files` does.
    """
    design, given = read_files([grades] if isinstance(grades, str) else grades)
    by_id: dict[str, list[Grade]] = {}
    for one in sorted(given, key=lambda grade: grade.rater):
        by_id.setdefault(one.response_id.partition("-")[0], []).append(one)

    async def score(state: TaskState, target: Target) -> Score | None:
        found = by_id.get(response_id(design.seed, state.uuid))
        if not found:
            return None
        points = [one.points for one in found if one.points is not None]
        return Score(
            value=fmean(points) if points else math.nan,  # NaN: unscored
            reason=None if points else "cannot_judge",
            explanation="\n".join(map(_in_words, found)),
            metadata={f"rater {one.rater}": one.points for one in found},
        )

    return score


def _in_words(grade: Grade) -> str:
    points = "cannot judge" if grade.points is None else f"{grade.points} of 10 points"
    return f"Rater {grade.rater}: {points}. {grade.remark}".strip()
