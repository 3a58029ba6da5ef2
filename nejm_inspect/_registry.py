"""Inspect's entry point: imports the modules that register tasks, solvers, scorers and metrics."""

from nejm_inspect import metrics, multiple_choice, scorers, scripted, solvers, task
from nejm_inspect.grading import scorer as grading
from nejm_inspect.judge_exam import task as judge_exam
from nejm_inspect.judging import preflight

__all__ = ["grading", "judge_exam", "metrics", "multiple_choice", "preflight", "scorers", "solvers"]
__all__ += ["scripted", "task"]
