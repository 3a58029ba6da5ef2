"""What Inspect's entry point loads, so that names work in any folder.

A module registers its tasks, solvers, scorers and metrics as it is imported.
"""

from nejm_inspect import metrics, multiple_choice, scorers, solvers, task
from nejm_inspect.judge_exam import task as judge_exam
from nejm_inspect.judging import preflight

__all__ = ["judge_exam", "metrics", "multiple_choice", "preflight", "scorers", "solvers", "task"]
