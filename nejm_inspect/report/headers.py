"""The heads of logs: which logs there are, and what each says of its run."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log
from inspect_ai.model import GenerateConfig, ModelUsage

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.asking import GRADER_CONFIG
from nejm_inspect.judging.panel import GRADER_ROLE, judges_of_log
from nejm_inspect.report.formats import counted

JUDGED, VERBATIM, EXAM_SCORER = "diagnosis_rubric", "verbatim_diagnosis", "judge_exam"
SCORERS = (JUDGED, VERBATIM, "choice", EXAM_SCORER)  # reported, the preferred first
Row = dict[str, Any]  # of a frame, by column
TASK, CHOICE_TASK, EXAM_TASK = "nejm_image_challenge", "nejm_multiple_choice", "nejm_judge_exam"
NO_SOLVER = "none"  # stands for the solver of a baseline, which asks no model
PUBLISHED_DIGEST = "be0d7620"  # the digest of the ids of the published benchmark's 50 cases
TRANSPORT = "max_connections adaptive_connections max_retries timeout attempt_timeout "
TRANSPORT += "stream_idle_timeout cache batch extra_headers"  # which may also hold keys
DUMPED: Mapping[str, Any] = {"exclude_none": True, "exclude": {*TRANSPORT.split()}}
"""What to dump of a config: not how requests travel, which changes no response."""


def log_headers(place: str, exam: bool | None = None) -> list[EvalLog]:
    """Reads what is at the head of logs.

    Args:
        place: A log or a folder of logs, local or any URL that fsspec opens.
        exam: Whether to return exams of judges alone, or all but these; None for both.

    Raises:
        NejmInspectError: If there is no such log, or one cannot be read.
    """
    headers, option, name = [], "--exam: " if exam else "", place
    try:
        for info in list_eval_logs(place, descending=False):
            name = info.name
            headers.append(read_eval_log(info, header_only=True))
    except Exception as error:  # file systems and broken logs raise what they like
        raise NejmInspectError(f"{option}{name} cannot be read: {error}") from error
    if not headers:
        raise NejmInspectError(f"{option}{place} is not an Inspect log or a folder of logs.")
    if fitting := [h for h in headers if exam in (None, task_of(h) == EXAM_TASK)]:
        return fitting
    raise NejmInspectError(
        f"--exam {place} is not a log of {EXAM_TASK}. Run one with inspect eval nejm_inspect/"
        f"{EXAM_TASK} --model PROVIDER/JUDGE; logs of models are given without --exam."
        if exam
        else f"{place} holds exams of a judge, and no run to report: give it as --exam {place}."
    )


def last_attempts(headers: Sequence[EvalLog]) -> list[EvalLog]:
    """Leaves out attempts that were retried: the retry holds their finished samples."""
    last = {h.eval.task_id: h.eval.eval_id for h in sorted(headers, key=lambda h: h.eval.created)}
    return [h for h in headers if last[h.eval.task_id] == h.eval.eval_id]


def task_of(header: EvalLog) -> str:
    """The task's name without its package."""
    return header.eval.task.rpartition("/")[2]


def scorer_of(header: EvalLog) -> str | None:
    """The scorer whose scores are reported; None if the log has no such scores."""
    # An unfinished run has no results yet, a judged-again one may have new scorers.
    scored = header.results.scores if header.results else []
    names = {one.name.rpartition("/")[2] for one in scored or header.eval.scorers or []}
    if task_of(header) != CHOICE_TASK:
        names.discard("choice")  # Inspect's own scorer, of any evaluation
    return next((name for name in SCORERS if name in names), None)


def describe_run(header: EvalLog, scorer: str, rows: Sequence[Row], configs: object) -> Row:
    """The row of `runs` for a log, from its rows of `responses` and its scores' `judge_config`."""
    spec, arguments, metadata = header.eval, header.eval.task_args, header.eval.metadata or {}
    if not isinstance(skipped := metadata.get("skipped_cases"), dict | None):
        raise NejmInspectError(f"{header.location}: skipped_cases is not a mapping.")
    named = spec.dataset.sample_ids or [row["case_id"] for row in rows]
    ids = frozenset(map(str, (*named, *(skipped or ()))))
    digest = hashlib.sha256(json.dumps(sorted(ids)).encode()).hexdigest()[:8]
    if spec.model.startswith("none/"):  # a baseline is a solver that asks no model
        model, solvers = spec.solver or spec.model, [NO_SOLVER]
        settings = spec.solver_args_passed or {}
    else:
        steps = [step for step in header.plan.steps if not step.solver.endswith("preflight")]
        passed = [f"({json.dumps(s.params_passed)})" if s.params_passed else "" for s in steps]
        model, solvers = spec.model, [s.solver + p for s, p in zip(steps, passed, strict=True)]
        if (seed := arguments.get("shuffle_options")) is not None:
            solvers.append(f"options shuffled by seed {seed}")
        settings = spec.model_generate_config.model_dump(**DUMPED) | spec.model_args
        settings |= {"base_url": spec.model_base_url} if spec.model_base_url else {}
    scores = header.results.scores if header.results else []
    return {
        "log": header.location,
        "eval_id": spec.eval_id,
        "created": pd.Timestamp(spec.created),
        "finished": header.status == "success",
        "model": model,
        "variant": {name: str(value) for name, value in sorted(settings.items())},
        "task": task_of(header),
        "task_version": str(spec.task_version),
        "prompt_version": str(metadata.get("prompt_version", "–")),
        "inputs": str(arguments.get("inputs", "both")),
        "solver": ", ".join(solvers),  # what asked the model, and how
        "scorer": scorer,
        "dataset": f"{spec.dataset.name}, {counted(len(ids), 'case')} (sample {digest})",
        "case_ids": ids,
        "skipped": len(skipped or ()),
        "published_cases": digest == PUBLISHED_DIGEST and scorer == JUDGED,
        "epochs": spec.config.epochs or 1,
        "reducer": ", ".join(spec.config.epochs_reducer or ["mean"]),
        "judged_again": any(re.fullmatch(rf"{scorer}-?\d+", score.name) for score in scores),
        "samples": spec.dataset.samples,
        **_spent_and_judged(header, scorer, rows, configs),
    }


def _spent_and_judged(header: EvalLog, scorer: str, rows: Sequence[Row], configs: object) -> Row:
    """What the run spent, as far as the model did not judge; and who judged, and how."""
    model, stats, log = header.eval.model, header.stats, header.location
    asked = judges_of_log(header.eval)
    # What it spent as a judge is what the role did, less the panel's others.
    as_judge = (stats.role_usage if model in asked else {}).get(GRADER_ROLE, ModelUsage())
    models = asked if model in asked else [model]
    own = sum((stats.model_usage.get(one, ModelUsage()) for one in {*models}), ModelUsage())
    total, less = (
        u.input_tokens + (u.input_tokens_cache_read or 0) + (u.input_tokens_cache_write or 0)
        for u in (own, as_judge)
    )
    took = (pd.Timestamp(stats.completed_at) - pd.Timestamp(stats.started_at)).total_seconds()
    costs = [usage.total_cost for usage in stats.model_usage.values()]
    # The scores know best: a log that was judged again still names its first judge.
    told = ", ".join(sorted({row["judge"] for row in rows} - {""}))
    judges = list(dict.fromkeys(told.split(", ") if told else asked)) if scorer == JUDGED else []
    names = judges
    if scorer == EXAM_SCORER:
        names, configs = [model], [header.plan.config.merge(header.eval.model_generate_config)]
    if isinstance(configs, list) and len(configs) == len(names):
        try:
            settings = [GenerateConfig.model_validate(c).model_dump(**DUMPED) for c in configs]
        except ValueError as error:
            raise NejmInspectError(f"{log}: judge_config is not a configuration.") from error
        default = GRADER_CONFIG.model_dump(**DUMPED)
        ways = [", ".join(f"{k}={v}" for k, v in c.items() if c != default) for c in settings]
        names = [f"{name} ({way})" if way else name for name, way in zip(names, ways, strict=True)]
    return {
        "input_tokens": total - less,
        "output_tokens": own.output_tokens - as_judge.output_tokens,
        "cost": pd.Series(costs, dtype=float).sum(skipna=False, min_count=1),  # NaN if in doubt
        "time": took if took >= 0 else math.nan,  # the clock was set back
        "judges": judges,
        "judge": ", ".join(names) or "none",
    }
