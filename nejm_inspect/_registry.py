"""What Inspect's entry point loads, so that names work in any folder."""

from nejm_inspect.metrics import (
    ci,
    exact_rate,
    exact_rate_by,
    overall_score,
    overall_score_by,
    stderr,
    stderr_by,
)
from nejm_inspect.scorers import diagnosis_rubric, exact_diagnosis, rubric_category
from nejm_inspect.solvers import diagnose, random_option, require_grader
from nejm_inspect.task import nejm_image_challenge

__all__ = [
    "ci",
    "diagnose",
    "diagnosis_rubric",
    "exact_diagnosis",
    "exact_rate",
    "exact_rate_by",
    "nejm_image_challenge",
    "overall_score",
    "overall_score_by",
    "random_option",
    "require_grader",
    "rubric_category",
    "stderr",
    "stderr_by",
]
