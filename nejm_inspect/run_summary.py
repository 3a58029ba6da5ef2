"""The last lines of a run: its score, what is missing, and how to continue."""

import atexit
import functools
import shlex
from collections import Counter
from math import isnan

import click
from inspect_ai.hooks import Hooks, RunEnd, SampleEnd, hooks
from inspect_ai.log import EvalLog, EvalSample

from nejm_inspect.judging.panel import GRADER_ROLE, judges_of_log

SCORED, UNSCORED, ERROR, UNJUDGED = "scored", "unscored", "error", "unjudged"
"""What can come of a sample. An unjudged one has a response, but its judge failed."""

_ends: dict[tuple[str, str], str] = {}
"""What to say of each run, by its task and model; a retry takes its place."""
_folders: dict[str, None] = {}
"""Where the logs of the runs are."""


def tell_run_ends() -> None:
    """Says what has not been said of the runs that ended, on standard error."""
    if _ends:
        report = f"To report: nejm-inspect report {' '.join(_folders)}"
        click.echo("\n" + "\n".join([*_ends.values(), report]), err=True)
    _ends.clear()
    _folders.clear()


@functools.cache
def announce_run_ends() -> None:
    """Has this process say at its end how the challenge's runs ended.

    Registered where the task is built: hooks that are there from the start are listed
    by Inspect at every run of any task.
    """
    atexit.register(tell_run_ends)

    @hooks(name="run_summary", description="Says a run's score and what is missing in it.")
    class RunSummary(Hooks):
        def __init__(self) -> None:
            self.outcomes: dict[str, Counter[str]] = {}

        async def on_sample_end(self, data: SampleEnd) -> None:
            outcomes = self.outcomes.setdefault(data.eval_id, Counter())
            outcomes[_outcome(data.sample)] += 1

        async def on_run_end(self, data: RunEnd) -> None:
            # The hook for the end of a task is not called for one that failed.
            for log in data.logs:
                spec = log.eval
                outcomes = self.outcomes.pop(spec.eval_id, Counter())
                if spec.task.rpartition("/")[2] == "nejm_image_challenge":
                    _ends[str(spec.task_args), spec.model] = _described(log, outcomes)
                    folder = _path(log).rpartition("/")[0]
                    _folders[shlex.quote(folder)] = None


def _outcome(sample: EvalSample) -> str:
    if sample.error:
        answered = sample.output.completion.strip() and not sample.scores
        return UNJUDGED if answered else ERROR
    score = next(iter((sample.scores or {}).values()), None)
    unscored = score is None or (isinstance(score.value, float) and isnan(score.value))
    return UNSCORED if unscored else SCORED


def _described(log: EvalLog, outcomes: Counter[str]) -> str:
    """Says in a few lines what came of a run."""
    results = log.results
    metrics = {}
    if results and results.scores:
        rubric = results.scores[0]
        metrics = {name: metric.value for name, metric in rubric.metrics.items()}
        # Of a resumed run the log counts the earlier samples too.
        outcomes[SCORED] = rubric.scored_samples or 0
        outcomes[UNSCORED] = rubric.unscored_samples or 0
    said = []
    if "overall_score" in metrics:
        interval = "too few cases for an interval"
        if "lower" in metrics:
            interval = f"95% interval {metrics['lower']:.1%} to {metrics['upper']:.1%}"
        said += [
            f"overall {metrics['overall_score']:.1%} ({interval})",
            f"exact {metrics['exact_rate']:.1%}",
        ]
    said += [f"{outcomes[SCORED]} scored", f"{outcomes[UNSCORED]} unscored"]
    said += [f"{outcomes[ERROR] + outcomes[UNJUDGED]} errors"]
    ended = "" if log.status == "success" else f" The run's status is {log.status}."
    lines = [f"{log.eval.model}: {', '.join(said)}.{ended}"]
    if log.eval.dataset.name == "demo":
        lines.append("Guessing among the five options of a demo case gives 20%.")
    if waiting := outcomes[UNJUDGED]:
        lines += [
            f"{waiting} response{'s wait' if waiting > 1 else ' waits'} for a verdict: "
            "the judge failed. To have all responses judged without asking the model "
            "again:",
            f"  inspect score {shlex.quote(_path(log))} --scorer "
            "nejm_inspect/diagnosis_rubric --action overwrite --overwrite "
            f"--model-role {GRADER_ROLE}={','.join(judges_of_log(log.eval))}",
        ]
    return "\n".join(lines)


def _path(log: EvalLog) -> str:
    return log.location.removeprefix("file://")
