"""Inspect's entry point: imports the modules that register what Inspect finds by name."""

from nejm_inspect import metrics, multiple_choice, scorers, scripted, solvers, task
from nejm_inspect.grading import scorer as grading
from nejm_inspect.judge_exam import task as judge_exam
from nejm_inspect.judging import preflight

__all__ = ["grading", "judge_exam", "metrics", "multiple_choice", "preflight", "scorers"]
__all__ += ["scripted", "solvers", "task"]
