"""What Inspect's entry point loads, so that names work in any folder."""

from nejm_inspect.exam_metrics import (
    adversarial_pass_rate,
    asked_again_rate,
    bias,
    in_range,
    in_range_by,
    invalid_rate,
    mean_absolute_error,
    weighted_kappa,
)
from nejm_inspect.judge_exam import give_response, judge_exam, nejm_judge_exam
from nejm_inspect.judging.preflight import preflight
from nejm_inspect.metrics import (
    accuracy_by,
    category_share,
    ci,
    exact_rate,
    overall_score,
    panel_agreement,
    score_by,
    stderr,
)
from nejm_inspect.multiple_choice import nejm_multiple_choice
from nejm_inspect.scorers import diagnosis_rubric, rubric_category, verbatim_diagnosis
from nejm_inspect.solvers import diagnose, random_option, reader_vote
from nejm_inspect.task import nejm_image_challenge

__all__ = [
    "accuracy_by",
    "adversarial_pass_rate",
    "asked_again_rate",
    "bias",
    "category_share",
    "ci",
    "diagnose",
    "diagnosis_rubric",
    "exact_rate",
    "give_response",
    "in_range",
    "in_range_by",
    "invalid_rate",
    "judge_exam",
    "mean_absolute_error",
    "nejm_image_challenge",
    "nejm_judge_exam",
    "nejm_multiple_choice",
    "overall_score",
    "panel_agreement",
    "preflight",
    "random_option",
    "reader_vote",
    "rubric_category",
    "score_by",
    "stderr",
    "verbatim_diagnosis",
    "weighted_kappa",
]
