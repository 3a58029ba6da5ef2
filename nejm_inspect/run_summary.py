"""The last lines of a run: its score, what is missing, and how to continue."""

import atexit
import functools
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable
from math import isnan, nan
from typing import cast

import click
from inspect_ai.event import ModelEvent
from inspect_ai.hooks import Hooks, RunEnd, SampleEnd, hooks
from inspect_ai.log import EvalLog, EvalSample, read_eval_log_sample_summaries_async

from nejm_inspect.errors import masked
from nejm_inspect.judge_exam import passing
from nejm_inspect.judging.panel import GRADER_ROLE, judges_of_log
from nejm_inspect.text import one_line

SCORED, UNSCORED, ERROR, UNJUDGED = "scored", "unscored", "error", "unjudged"
"""Outcomes of a sample. An unjudged sample has a response, but its judge failed."""

_ends: dict[tuple[str, str, str], tuple[str, str]] = {}
"""What to say of each run, and its log's folder for the report, empty for an exam. The keys are
task, arguments and settings, and model: a retry replaces its run."""
_errors: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""By the id of a run: the errors of its samples, and how often each occurred."""


def tell_run_ends(how_to_report: bool = True) -> None:
    """Says on standard error how runs ended, once for each, and the command for their report."""
    if _ends:
        lines, folders = map(list, zip(*_ends.values(), strict=True))
        to_report = shlex.join(dict.fromkeys(filter(None, folders)))
        if how_to_report and to_report:
            lines.append(f"To report: nejm-inspect report {to_report}")
        click.echo("\n" + "\n".join(lines), err=True)
    _ends.clear()


@functools.cache
def announce_run_ends() -> None:
    """Makes this process say, when it exits, how the challenge's and the exam's runs ended.

    Called when the task is built: if the hook were registered on import, Inspect would list it at
    every run of any task.
    """
    atexit.register(tell_run_ends)
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @hooks(name="run_summary", description="Says a run's score and what is missing in it.")
    class RunSummary(Hooks):
        async def on_sample_end(self, data: SampleEnd) -> None:
            outcomes[data.eval_id][_outcome(data.sample)] += 1
            if error := data.sample.error:
                _errors[data.eval_id][_told(error.message.strip(), data.sample)] += 1

        async def on_run_end(self, data: RunEnd) -> None:
            # Inspect does not call the hook for a task's end if the task failed.
            for log in data.logs:
                of_run = outcomes.pop(log.eval.eval_id, Counter())
                task = log.eval.task.rpartition("/")[2]
                spec = log.eval
                settings = f"{spec.task_args} {spec.model_args} {spec.model_generate_config}"
                key = task, settings, spec.model
                if task == "nejm_image_challenge":
                    _ends[key] = _described(log, of_run), _path(log).rpartition("/")[0]
                elif task == "nejm_judge_exam":
                    _ends[key] = await _exam_described(log), ""


def frequent_errors(log: EvalLog, mask: Callable[[str], str] = masked) -> list[str]:
    """Returns the three most frequent errors of a run in this process, masked, a line each."""
    counts: Counter[str] = Counter()
    for error, count in _errors[log.eval.eval_id].items():
        counts[one_line(mask(error), 300)] += count
    return [f"{count} times: {words}" for words, count in counts.most_common(3)]


def _told(message: str, sample: EvalSample) -> str:
    """Returns what the provider said if the error's message quotes the request, or nothing."""
    if message.startswith(("RetryError(", "ModelGenerateError(", "Request:")):
        said = [e.error for e in sample.events if isinstance(e, ModelEvent) and e.error]
        return said[-1] if said else message
    return message


def _outcome(sample: EvalSample) -> str:
    if sample.error:
        answered = sample.output.completion.strip() and not sample.scores
        return UNJUDGED if answered else ERROR
    score = next(iter((sample.scores or {}).values()), None)
    unscored = score is None or (isinstance(score.value, float) and isnan(score.value))
    return UNSCORED if unscored else SCORED


def _described(log: EvalLog, outcomes: Counter[str]) -> str:
    """Describes the outcome of a run in a few lines."""
    said, scores = [], log.results.scores if log.results else []
    if scores:
        rubric = scores[0]
        # The log of a resumed run counts the earlier samples too.
        outcomes[SCORED] = rubric.scored_samples or 0
        outcomes[UNSCORED] = rubric.unscored_samples or 0
        metrics = {name: metric.value for name, metric in rubric.metrics.items()}
        if "overall_score" in metrics:
            interval = "too few cases for an interval"
            if "lower" in metrics:
                interval = f"95% interval {metrics['lower']:.1%} to {metrics['upper']:.1%}"
            overall, exact = metrics["overall_score"], metrics["exact_rate"]
            said = [f"overall {overall:.1%} ({interval})", f"exact {exact:.1%}"]
    errors = outcomes[ERROR] + outcomes[UNJUDGED]
    said += [f"{outcomes[SCORED]} scored", f"{outcomes[UNSCORED]} unscored", f"{errors} errors"]
    ended = "" if log.status == "success" else f" The run's status is {log.status}."
    lines = [f"{log.eval.model}: {', '.join(said)}.{ended}"]
    if log.eval.dataset.name == "demo" and scores and scores[0].name == "verbatim_diagnosis":
        lines.append("Guessing among the five options of a demo case gives 20%.")
    waiting = outcomes[UNJUDGED]
    if not log.eval.eval_set_id:  # a set is run again by its own command
        lines += [f"  {error}" for error in frequent_errors(log)]
        if outcomes[ERROR]:
            more = " and, unless the run had --cache, those that wait" if waiting else ""
            lines += [
                f"To ask again for the cases without a response{more}:",
                f"  inspect eval-retry {shlex.quote(_path(log))}",
            ]
    if waiting:
        lines += [
            f"{waiting} response{'s wait' if waiting > 1 else ' waits'} for a verdict: the judge "
            "failed. To have all responses judged without asking the model again:",
            f"  inspect score {shlex.quote(_path(log))} --scorer nejm_inspect/diagnosis_rubric "
            "--action overwrite --overwrite "
            f"--model-role {GRADER_ROLE}={','.join(judges_of_log(log.eval))}",
        ]
    return "\n".join(lines)


async def _exam_described(log: EvalLog) -> str:
    asked = []
    for sample in await read_eval_log_sample_summaries_async(log.location):
        score = (sample.scores or {}).get("judge_exam")
        error = cast(float, score.as_dict()["error"]) if score else nan
        asked.append((str(sample.id), "attack" in sample.metadata, error))
    pairs = {pair for pair, *_ in asked}
    complete = log.status == "success" and len(pairs) == log.eval.dataset.samples
    ended = passing.outcome(log.eval.model, asked, complete)
    return ended.lead + ended.rest


def _path(log: EvalLog) -> str:
    return log.location.removeprefix("file://")
