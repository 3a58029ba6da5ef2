"""The heads of logs: which logs there are, and what each says of its run."""

import datetime
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inspect_ai.log import EvalLog, EvalSpec, list_eval_logs, read_eval_log
from inspect_ai.model import GenerateConfig, ModelConfig, ModelUsage

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.asking import GRADER_CONFIG
from nejm_inspect.judging.panel import DEFAULT_GRADER, GRADER_ROLE
from nejm_inspect.version import TASK_VERSION

JUDGED, EXAM_SCORER = "diagnosis_rubric", "judge_exam"
SCORERS: Mapping[str, str] = {
    JUDGED: "points",
    "verbatim_diagnosis": "points",
    "choice": "choice",
    EXAM_SCORER: "exam",
}
"""The scorers whose logs can be reported, the preferred first, and what they give."""

TASK, CHOICE_TASK = "nejm_image_challenge", "nejm_multiple_choice"
EXAM_TASK = "nejm_judge_exam"
NO_SOLVER = "none"  # stands for the solver of a baseline, which asks no model

TRANSPORT = {"max_connections", "adaptive_connections", "max_retries", "timeout"}
TRANSPORT |= {"attempt_timeout", "stream_idle_timeout", "cache", "batch"}
TRANSPORT |= {"extra_headers"}  # which may also hold keys
"""Settings of how requests travel, which change no response."""

PUBLISHED: Mapping[str, object] = {"cases": "nejm", "sample_size": 50, "seed": 42}
FILTERS: dict[str, object] = {"since": None, "until": None}
FILTERS |= dict.fromkeys(("difficulty", "question_type", "history"), "all")
"""The parameters that draw the cases of the published benchmark."""


def log_headers(place: str) -> Iterator[EvalLog]:
    """Reads what is at the head of logs.

    Args:
        place: A log or a folder of logs, local or any URL that fsspec opens.

    Raises:
        NejmInspectError: If there is no log, or one cannot be read.
    """
    # File systems and broken logs raise what they like.
    try:
        found = list_eval_logs(place, descending=False)
    except Exception as error:
        raise NejmInspectError(f"{place} cannot be read: {error}") from error
    if not found:
        raise NejmInspectError(f"{place} is not an Inspect log or a folder of logs.")
    for info in found:
        try:
            yield read_eval_log(info, header_only=True)
        except Exception as error:
            raise NejmInspectError(f"{info.name} cannot be read: {error}") from error


def last_attempts(headers: Sequence[EvalLog]) -> list[EvalLog]:
    """Leaves out attempts that were retried: the retry holds their finished samples."""
    by_time = sorted(headers, key=lambda header: header.eval.created)
    last = {header.eval.task_id: header.eval.eval_id for header in by_time}
    return [h for h in headers if last[h.eval.task_id] == h.eval.eval_id]


def task_of(header: EvalLog) -> str:
    """The task's name without its package."""
    return header.eval.task.rpartition("/")[2]


def scorer_of(header: EvalLog) -> str | None:
    """The scorer whose scores are reported; None if the log has no such scores."""
    # An unfinished run has no results yet, a judged-again one may have new scorers.
    planned = {scorer.name for scorer in header.eval.scorers or []}
    scored = {score.name for score in header.results.scores} if header.results else {}
    names = {name.rpartition("/")[2] for name in scored or planned}
    if task_of(header) != CHOICE_TASK:
        names.discard("choice")  # Inspect's own scorer, of any evaluation
    return next((name for name in SCORERS if name in names), None)


def without_scores(headers: Sequence[EvalLog]) -> str:
    """Why none of these logs can be reported, and what to do."""
    logs = sorted({f"{task_of(h)} {h.eval.task_version}" for h in headers})
    return (
        f"None of the {len(headers)} logs ({', '.join(logs)}) has scores of "
        f"{', '.join(SCORERS)} (task version {TASK_VERSION}). Finish the run with "
        "inspect eval-retry, or score it with inspect score; a log of another task "
        "version needs the nejm-inspect that wrote it."
    )


def _settings(config: GenerateConfig) -> dict[str, Any]:
    """What of a config may change a response."""
    return config.model_dump(exclude_none=True, exclude=TRANSPORT)


def judge_settings(config: GenerateConfig) -> str:
    """How a judge was set, unless by default: ` (temperature=1)`, behind its name."""
    settings = _settings(config)
    if settings in ({}, _settings(GRADER_CONFIG)):
        return ""
    return f" ({', '.join(f'{k}={v}' for k, v in settings.items())})"


def bound_judges(spec: EvalSpec) -> list[str]:
    """The judges of a run as it was started."""
    bound = (spec.model_roles or {}).get(GRADER_ROLE, [])
    configs = [bound] if isinstance(bound, ModelConfig) else bound
    return [config.model for config in configs] or [DEFAULT_GRADER]


def describe_run(header: EvalLog, scorer: str, case_ids: frozenset[str]) -> dict[str, Any]:
    """The row of `runs` for a log, but for its judges.

    Args:
        header: The log's.
        scorer: The one whose scores are reported.
        case_ids: The cases that have a response, for logs that do not name theirs.
    """
    spec, arguments = header.eval, header.eval.task_args
    metadata = _mapping(header, "metadata", spec.metadata)
    skipped = _mapping(header, "skipped_cases", metadata.get("skipped_cases"))
    ids = frozenset(map(str, spec.dataset.sample_ids or ())) or case_ids
    ids |= frozenset(map(str, skipped))
    digest = hashlib.sha256(json.dumps(sorted(ids)).encode()).hexdigest()[:8]
    drawn = PUBLISHED.items() | {(k, v) for k, v in FILTERS.items() if k in arguments}
    input_tokens, output_tokens = _own_tokens(header)
    costs = [usage.total_cost for usage in header.stats.model_usage.values()]
    known = [cost for cost in costs if cost is not None]
    again = re.compile(rf"{scorer}-?\d+")
    scores = header.results.scores if header.results else []
    return {
        "log": header.location,
        "eval_id": spec.eval_id,
        "created": _time(header, "created", spec.created),
        "finished": header.status == "success",
        "model": (spec.solver or spec.model) if _is_none(spec.model) else spec.model,
        "variant": _variant(spec),
        "task": task_of(header),
        "task_version": str(spec.task_version),
        "prompt_version": str(metadata.get("prompt_version", "–")),
        "inputs": str(arguments.get("inputs", "both")),
        "solver": _solver(header),
        "scorer": scorer,
        "kind": SCORERS[scorer],
        "dataset": f"{spec.dataset.name}, {len(ids)} cases (sample {digest})",
        "case_ids": ids,
        "skipped": len(skipped),
        "published_cases": task_of(header) == TASK
        and len(ids) == PUBLISHED["sample_size"]
        and all(arguments.get(name) == value for name, value in drawn),
        "epochs": spec.config.epochs or 1,
        "reducer": ", ".join(spec.config.epochs_reducer or ["mean"]),
        "judged_again": any(again.fullmatch(score.name) for score in scores),
        "samples": spec.dataset.samples,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost": sum(known) if known and len(known) == len(costs) else math.nan,
        "time": _seconds(header),
    }


def _mapping(header: EvalLog, field: str, value: object) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise NejmInspectError(f"{header.location}: {field} is not a mapping.")
    return value or {}


def _time(header: EvalLog, field: str, value: str) -> datetime.datetime:
    try:
        time = datetime.datetime.fromisoformat(value)
    except ValueError as error:
        raise NejmInspectError(f"{header.location}: {field} is not a time.") from error
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def _seconds(header: EvalLog) -> float:
    start, end = header.stats.started_at, header.stats.completed_at
    if not start or not end:
        return math.nan
    took = _time(header, "completed_at", end) - _time(header, "started_at", start)
    return took.total_seconds()


def _is_none(model: str) -> bool:
    """Whether no model was asked, as for the baselines, which are solvers."""
    return model.startswith("none/")


def _variant(spec: EvalSpec) -> dict[str, str]:
    settings = {**_settings(spec.model_generate_config), **spec.model_args}
    if spec.model_base_url:
        settings["base_url"] = spec.model_base_url
    if _is_none(spec.model):
        settings = spec.solver_args_passed or {}
    return {name: str(value) for name, value in sorted(settings.items())}


def _solver(header: EvalLog) -> str:
    """The solvers that the model went through: what asked it, and how."""
    if _is_none(header.eval.model):
        return NO_SOLVER
    steps = [s for s in header.plan.steps if not s.solver.endswith("preflight")]
    told = [
        s.solver + (f"({json.dumps(s.params_passed)})" if s.params_passed else "") for s in steps
    ]
    if (seed := header.eval.task_args.get("shuffle_options")) is not None:
        told.append(f"options shuffled by seed {seed}")
    return ", ".join(told)


def _own_tokens(header: EvalLog) -> tuple[int, int]:
    """Input and output tokens of the model in its own role."""

    def tokens(usage: ModelUsage | None) -> tuple[int, int]:
        if usage is None:
            return 0, 0
        cached = usage.input_tokens_cache_read or 0, usage.input_tokens_cache_write or 0
        return usage.input_tokens + sum(cached), usage.output_tokens

    usage, model = header.stats.model_usage, header.eval.model
    own, judges = tokens(usage.get(model)), {*bound_judges(header.eval)}
    if model not in judges:
        return own
    # What it spent as a judge is what the role did, less the panel's others.
    role = tokens(header.stats.role_usage.get(GRADER_ROLE))
    others = [tokens(usage.get(other)) for other in judges - {model}]
    return (
        own[0] - role[0] + sum(spent for spent, _ in others),
        own[1] - role[1] + sum(spent for _, spent in others),
    )
