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
from nejm_inspect.judging.verdict import DEFAULT_GRADER, GRADER_CONFIG, GRADER_ROLE
from nejm_inspect.version import TASK_VERSION

JUDGED, EXAM_SCORER = "diagnosis_rubric", "judge_exam"

SCORERS: Mapping[str, str] = {
    JUDGED: "points",
    "verbatim_diagnosis": "points",
    "choice": "choice",
    EXAM_SCORER: "exam",
}
"""The scorers whose logs can be reported, the preferred first, and what they give."""

TASK, CHOICE_TASK, EXAM_TASK = (
    *("nejm_image_challenge", "nejm_multiple_choice"),
    "nejm_judge_exam",
)

TRANSPORT = frozenset(
    (
        *("max_connections", "adaptive_connections", "max_retries", "timeout"),
        *("attempt_timeout", "stream_idle_timeout", "cache", "batch"),
        "extra_headers",  # which may also hold keys
    )
)
"""Settings of how requests travel, which change no response."""

NO_SOLVER = "none"
"""What stands for the solver of a baseline, which asks no model."""

FILTERS = {"difficulty": "all", "question_type": "all", "history": "all"}
PUBLISHED_CASES = {"cases": "nejm", "sample_size": 50, "seed": 42, **FILTERS}
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
    last = {
        header.eval.task_id: header.eval.eval_id
        for header in sorted(headers, key=lambda header: header.eval.created)
    }
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


def settings_of(config: GenerateConfig) -> dict[str, Any]:
    """What of a config may change a response."""
    return config.model_dump(exclude_none=True, exclude=set(TRANSPORT))


def judge_settings(config: GenerateConfig) -> str:
    """How a judge was set, unless by default: ` (temperature=1)`, behind its name."""
    settings = settings_of(config)
    if settings in ({}, settings_of(GRADER_CONFIG)):
        return ""
    return f" ({', '.join(f'{k}={v}' for k, v in settings.items())})"


def bound_judges(spec: EvalSpec) -> list[str]:
    """The judges of a run as it was started."""
    bound = (spec.model_roles or {}).get(GRADER_ROLE, [])
    configs = [bound] if isinstance(bound, ModelConfig) else bound
    return [config.model for config in configs] or [DEFAULT_GRADER]


def describe_run(
    header: EvalLog,
    scorer: str,
    judges: Sequence[str],
    judge: str,
    case_ids: frozenset[str],
) -> dict[str, Any]:
    """The row of `runs` for a log.

    Args:
        header: The log's.
        scorer: The one whose scores are reported.
        judges: The judges' names; none without a judge.
        judge: The same with their settings, as one text.
        case_ids: The cases that have a response, for logs that do not name theirs.
    """
    spec, metadata = header.eval, _mapping(header, "metadata", header.eval.metadata)
    arguments = spec.task_args
    skipped = frozenset(
        map(str, _mapping(header, "skipped_cases", metadata.get("skipped_cases")))
    )
    ids = (frozenset(map(str, spec.dataset.sample_ids or ())) or case_ids) | skipped
    digest = hashlib.sha256(json.dumps(sorted(ids)).encode()).hexdigest()[:8]
    baseline = _is_none(spec.model)
    tokens = _own_tokens(header)
    return {
        "log": header.location,
        "eval_id": spec.eval_id,
        "created": _time(header, "created", spec.created),
        "finished": header.status == "success",
        "model": (spec.solver or spec.model) if baseline else spec.model,
        "variant": _variant(spec),
        "task": task_of(header),
        "task_version": str(spec.task_version),
        "prompt_version": str(metadata.get("prompt_version", "–")),
        "inputs": str(arguments.get("inputs", "both")),
        "solver": _solver(header),
        "scorer": scorer,
        "kind": SCORERS[scorer],
        "judge": judge or "none",
        "judges": list(judges),
        "cases": f"{spec.dataset.name}, {len(ids)} cases (sample {digest})",
        "case_ids": ids,
        "skipped": skipped,
        "published_cases": task_of(header) == TASK
        and len(ids) == PUBLISHED_CASES["sample_size"]
        and all(arguments.get(k, v) == v for k, v in PUBLISHED_CASES.items())
        and not (arguments.get("since") or arguments.get("until")),
        "epochs": spec.config.epochs or 1,
        "reducer": ", ".join(spec.config.epochs_reducer or ["mean"]),
        "judged_again": _is_judged_again(header, scorer),
        "samples": spec.dataset.samples,
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "cost": _cost(header),
        "seconds": _seconds(header),
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


def _is_none(model: str) -> bool:
    """Whether no model was asked, as for the baselines, which are solvers."""
    return model.startswith("none/")


def _variant(spec: EvalSpec) -> dict[str, str]:
    if _is_none(spec.model):
        return {k: str(v) for k, v in (spec.solver_args_passed or {}).items()}
    settings = {**settings_of(spec.model_generate_config), **spec.model_args}
    if spec.model_base_url:
        settings["base_url"] = spec.model_base_url
    return {name: str(value) for name, value in sorted(settings.items())}


def _solver(header: EvalLog) -> str:
    """The solvers that the model went through: what asked it, and how."""
    if _is_none(header.eval.model):
        return NO_SOLVER
    steps = [
        step.solver
        + (f"({json.dumps(step.params_passed)})" if step.params_passed else "")
        for step in header.plan.steps
        if not step.solver.endswith("require_grader")
    ]
    shuffle = header.eval.task_args.get("shuffle_options")
    order = [] if shuffle is None else [f"options shuffled by seed {shuffle}"]
    return ", ".join([*steps, *order])


def _is_judged_again(header: EvalLog, scorer: str) -> bool:
    names = [score.name for score in header.results.scores] if header.results else []
    again = re.compile(rf"{scorer}-?\d+")
    return any(again.fullmatch(name) for name in names)


def _own_tokens(header: EvalLog) -> tuple[int, int]:
    """Input and output tokens of the model in its own role."""

    def tokens(usage: ModelUsage) -> tuple[int, int]:
        cached = (usage.input_tokens_cache_read or 0) + (
            usage.input_tokens_cache_write or 0
        )
        return usage.input_tokens + cached, usage.output_tokens

    usage, model = header.stats.model_usage, header.eval.model
    judges = {*bound_judges(header.eval)}
    total, spent = tokens(usage.get(model, ModelUsage())), (0, 0)
    if model in judges:
        # What it spent as a judge is what the role did, less the panel's others.
        spent = tokens(header.stats.role_usage.get(GRADER_ROLE, ModelUsage()))
        for other in judges - {model}:
            used = tokens(usage.get(other, ModelUsage()))
            spent = spent[0] - used[0], spent[1] - used[1]
    return total[0] - spent[0], total[1] - spent[1]


def _cost(header: EvalLog) -> float:
    costs = [usage.total_cost for usage in header.stats.model_usage.values()]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else math.nan


def _seconds(header: EvalLog) -> float:
    start, end = header.stats.started_at, header.stats.completed_at
    if not start or not end:
        return math.nan
    took = _time(header, "completed_at", end) - _time(header, "started_at", start)
    return took.total_seconds()
