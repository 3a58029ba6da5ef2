"""The NEJM Image Challenge as an Inspect AI evaluation."""

from nejm_inspect.judge_exam.task import nejm_judge_exam
from nejm_inspect.multiple_choice import nejm_multiple_choice
from nejm_inspect.scorers import diagnosis_rubric, verbatim_diagnosis
from nejm_inspect.solvers import diagnose, random_option, reader_vote
from nejm_inspect.task import nejm_image_challenge

__all__ = [
    "diagnose",
    "diagnosis_rubric",
    "nejm_image_challenge",
    "nejm_judge_exam",
    "nejm_multiple_choice",
    "random_option",
    "reader_vote",
    "verbatim_diagnosis",
]
