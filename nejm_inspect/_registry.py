"""What Inspect's entry point loads, so that names work in any folder.

A module registers its tasks, solvers, scorers and metrics as it is imported.
"""

from nejm_inspect import exam_metrics, judge_exam, metrics, multiple_choice, scorers, solvers, task
from nejm_inspect.judging import preflight

__all__ = [
    "exam_metrics",
    "judge_exam",
    "metrics",
    "multiple_choice",
    "preflight",
    "scorers",
    "solvers",
    "task",
]
