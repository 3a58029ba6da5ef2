"""The NEJM Image Challenge as an Inspect AI evaluation."""

from nejm_inspect.scorers import diagnosis_rubric, exact_diagnosis
from nejm_inspect.solvers import diagnose, random_option
from nejm_inspect.task import nejm_image_challenge

__all__ = [
    "diagnose",
    "diagnosis_rubric",
    "exact_diagnosis",
    "nejm_image_challenge",
    "random_option",
]
