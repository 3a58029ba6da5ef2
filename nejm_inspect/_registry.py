"""What Inspect's entry point loads, so that names work in any folder."""

from nejm_inspect.exam_metrics import (
    adversarial_pass_rate,
    bias,
    in_range,
    in_range_by,
    invalid_rate,
    mean_absolute_error,
    weighted_kappa,
)
from nejm_inspect.judge_exam import give_response, judge_exam, nejm_judge_exam
from nejm_inspect.metrics import (
    accuracy_by,
    ci,
    exact_rate,
    exact_rate_by,
    overall_score,
    overall_score_by,
    panel_agreement,
    stderr,
    stderr_by,
)
from nejm_inspect.multiple_choice import nejm_multiple_choice
from nejm_inspect.scorers import (
    diagnosis_rubric,
    judge_panel,
    rubric_category,
    verbatim_diagnosis,
)
from nejm_inspect.solvers import diagnose, random_option, reader_vote, require_grader
from nejm_inspect.task import nejm_image_challenge

__all__ = [
    "accuracy_by",
    "adversarial_pass_rate",
    "bias",
    "ci",
    "diagnose",
    "diagnosis_rubric",
    "exact_rate",
    "exact_rate_by",
    "give_response",
    "in_range",
    "in_range_by",
    "invalid_rate",
    "judge_exam",
    "judge_panel",
    "mean_absolute_error",
    "nejm_image_challenge",
    "nejm_judge_exam",
    "nejm_multiple_choice",
    "overall_score",
    "overall_score_by",
    "panel_agreement",
    "random_option",
    "reader_vote",
    "require_grader",
    "rubric_category",
    "stderr",
    "stderr_by",
    "verbatim_diagnosis",
    "weighted_kappa",
]
