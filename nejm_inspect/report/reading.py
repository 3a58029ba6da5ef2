"""From Inspect logs to runs: what was asked of whom, and what it scored."""

import datetime
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from inspect_ai.analysis import Column, SampleColumn, samples_df
from inspect_ai.log import (
    EvalLog,
    EvalSample,
    EvalSampleSummary,
    EvalSpec,
    list_eval_logs,
    read_eval_log,
)
from inspect_ai.model import GenerateConfig, ModelConfig, ModelUsage
from inspect_ai.scorer import CORRECT, Score, Target

from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.asking import GRADER_CONFIG
from nejm_inspect.judging.panel import DEFAULT_GRADER, GRADER_ROLE
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

SCORERS: Mapping[str, Literal["points", "choice"]] = {
    "diagnosis_rubric": "points",
    "verbatim_diagnosis": "points",
    "choice": "choice",
}
"""The scorers whose logs can be reported, the preferred first."""

CHOICE_TASK = "nejm_multiple_choice"
"""The task whose `choice` scores are reported."""

JUDGED = "diagnosis_rubric"
"""The one of them that has a judge."""

VERBATIM, PANEL = "verbatim_diagnosis", "judge_panel"
"""Scorers whose values are shown beside its own."""

EXAM_TASK = "nejm_judge_exam"
"""The task whose logs are of judges, not of examinees."""

TRANSPORT = frozenset(
    (
        *("max_connections", "adaptive_connections", "max_retries", "timeout"),
        *("attempt_timeout", "stream_idle_timeout", "cache", "batch"),
        "extra_headers",  # which may also hold keys
    )
)
"""Settings of how requests travel, which change no answer."""

THINNED = "thinned"
"""Votes that Inspect leaves out of a sample's summary for their length."""

NO_SOLVER = "none"
"""What stands for the solver of a baseline, which asks no model."""

CASE_PROPERTIES: Mapping[str, type | tuple[type, ...]] = {
    "date": str,
    "year": int,
    "difficulty": str,
    "brier_score": (int, float),
    "question_type": str,
    "reader_accuracy": (int, float),
}
"""Metadata of a sample that describe its case, and their types. What others' datasets
have of another type under the same name is not read."""

AnySample = EvalSample | EvalSampleSummary


@dataclass(frozen=True)
class Run:
    """One model's run of a task, from one log."""

    eval_id: str
    """Of the run; a log that was judged again keeps it."""
    model: str
    variant: Mapping[str, Any]
    """How the model was set: generation config and model args; of a baseline, the
    solver's arguments."""
    created: datetime.datetime
    finished: bool
    scorer: str
    settings: Mapping[str, str]
    """What must agree for runs to be compared."""
    judges: Sequence[str]
    """The judges' names, several for a panel; none without a judge."""
    case_ids: frozenset[str]
    """The cases asked for, those left out for want of an image included."""
    skipped: frozenset[str]
    judged_again: bool
    """Whether the log holds further scores of the same scorer."""
    input_tokens: int
    output_tokens: int
    """The model's own tokens, cached ones included, without the judge's."""
    cost: float | None
    """US dollars, the judge's included; None where prices are not known."""
    seconds: float
    responses: "pd.DataFrame"
    """A row per case and epoch; see `_columns`."""

    @property
    def kind(self) -> Literal["points", "choice"]:
        """Whether responses have points or are right or wrong."""
        return SCORERS[self.scorer]

    def settings_but(self, *varied: str) -> tuple[tuple[str, str], ...]:
        """The settings in hashable form, without those that are to be compared."""
        return tuple(item for item in self.settings.items() if item[0] not in varied)


def read_runs(locations: Sequence[str], with_texts: bool = False) -> list[Run]:
    """Reads the runs of logs, sample summaries only unless texts are wanted.

    Args:
        locations: Logs or folders of logs, local or any URL that fsspec opens.
        with_texts: Whether to read histories, references, answers and reasoning too,
            which takes opening every sample.

    Returns:
        One run a log, in the order of their creation. Logs of other tasks are left
        out, if there are some of ours.

    Raises:
        NejmInspectError: If a location has no log, or no log has scores to report.
    """
    headers = [header for place in locations for header in _headers_to_report(place)]
    runs = [
        _read_run(header, scorer, with_texts)
        for header in last_attempts(headers)
        if (scorer := _scorer(header))
    ]
    if not runs:
        names = ", ".join(sorted({header.eval.task for header in headers}))
        raise NejmInspectError(
            f"None of the {len(headers)} logs ({names}) has scores of "
            f"{', '.join(SCORERS)}. Finish the run with inspect eval-retry, or score "
            "it with inspect score."
        )
    # Runs of one second come in no order that would be the same every time.
    return sorted(runs, key=lambda run: (run.created, run.model))


def _headers_to_report(place: str) -> list[EvalLog]:
    headers = list(log_headers(place))
    if all(is_exam(header) for header in headers):
        raise NejmInspectError(
            f"{place} holds exams of a judge, and no run to report: give it as "
            f"--exam {place}."
        )
    return headers


def is_exam(header: EvalLog) -> bool:
    """Whether a log is of a judge's exam."""
    return header.eval.task.rpartition("/")[2] == EXAM_TASK


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
        raise NejmInspectError(f"{place} is no Inspect log, nor a folder of some.")
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


def _scorer(header: EvalLog) -> str | None:
    # An unfinished run has no results yet, a judged-again one may have new scorers.
    planned = {scorer.name for scorer in header.eval.scorers or []}
    scored = {score.name for score in header.results.scores} if header.results else {}
    names = {name.rpartition("/")[2] for name in scored or planned}
    if header.eval.task.rpartition("/")[2] != CHOICE_TASK:
        names.discard("choice")  # Inspect's own scorer, of any evaluation
    return next((name for name in SCORERS if name in names), None)


def _read_run(header: EvalLog, scorer: str, with_texts: bool) -> Run:
    spec = header.eval
    metadata = spec.metadata or {}
    responses = _responses(header, scorer, with_texts)
    skipped = frozenset(metadata.get("skipped_cases", {}))
    ids = frozenset(map(str, spec.dataset.sample_ids or responses["case_id"])) | skipped
    digest = hashlib.sha256(json.dumps(sorted(ids)).encode()).hexdigest()[:8]
    judges = _judges(spec, responses) if scorer == JUDGED else []
    input_tokens, output_tokens = _own_tokens(header)
    costs = [usage.total_cost for usage in header.stats.model_usage.values()]
    known = [cost for cost in costs if cost is not None]
    return Run(
        eval_id=spec.eval_id,
        model=spec.model if not _is_none(spec.model) else spec.solver or spec.model,
        variant=_variant(spec),
        created=datetime.datetime.fromisoformat(spec.created),
        finished=header.status == "success",
        scorer=scorer,
        settings={
            "task": spec.task.rpartition("/")[2],
            "task version": str(spec.task_version),
            "prompt version": str(metadata.get("prompt_version", "–")),
            "inputs": str(spec.task_args.get("inputs", "both")),
            "solver": _solver(header),
            "scorer": scorer,
            "judge": _judge_label(judges, responses) or "none",
            "cases": f"{spec.dataset.name}, {len(ids)} cases (sample {digest})",
        },
        judges=judges,
        case_ids=ids,
        skipped=skipped,
        judged_again=_is_judged_again(header, scorer),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost=sum(known) if known and len(known) == len(costs) else None,
        seconds=_seconds(header),
        responses=responses,
    )


def _responses(header: EvalLog, scorer: str, with_texts: bool) -> "pd.DataFrame":
    """Reads the samples; see `_columns`."""

    def read(full_votes: bool) -> "pd.DataFrame":
        return samples_df(
            header.location,
            columns=_columns(scorer, with_texts, full_votes),
            quiet=True,
            exclude_fields={"messages", "events", "store", "attachments"},
        )

    responses = read(full_votes=False)
    if responses.empty:  # a run that ended before its first sample; no columns either
        names = [column.name for column in _columns(scorer, with_texts, False)]
        return responses.reindex(columns=names)
    if (responses["votes"] == THINNED).any():
        responses = read(full_votes=True)
    for name in ("votes", "same_vendor", "judge_config"):  # which Inspect keeps as JSON
        # As objects, which pandas would make arrays of Arrow's.
        texts = responses[name].astype(object)
        responses[name] = texts.map(json.loads, na_action="ignore")
    return responses


def _bound_judges(spec: EvalSpec) -> list[ModelConfig]:
    """The models bound to the role when the run was started."""
    bound = (spec.model_roles or {}).get(GRADER_ROLE, [])
    return [bound] if isinstance(bound, ModelConfig) else bound


def _judges(spec: EvalSpec, responses: "pd.DataFrame") -> list[str]:
    """Who judged; with nothing to judge, who would have been asked.

    The scores know best: a log that was judged again still names its first judge.
    """
    asked = sorted({*responses["judge"].dropna()} - {""})
    if asked:
        panels = [panel.split(", ") for panel in asked]
        each = dict.fromkeys(judge for panel in panels for judge in panel)
        return panels[0] if len(panels) == 1 else list(each)
    return [config.model for config in _bound_judges(spec)] or [DEFAULT_GRADER]


def _judge_label(judges: Sequence[str], responses: "pd.DataFrame") -> str:
    """The judges, with the settings that their scores say they were asked with."""
    configs: list[Any] = next(iter(responses["judge_config"].dropna()), [])
    if len(configs) != len(judges):
        return ", ".join(judges)
    return ", ".join(
        judge + judge_settings(GenerateConfig.model_validate(config))
        for judge, config in zip(judges, configs, strict=True)
    )


def _settings(config: GenerateConfig) -> dict[str, Any]:
    """What of a config may change an answer."""
    return config.model_dump(exclude_none=True, exclude=set(TRANSPORT))


def judge_settings(config: GenerateConfig) -> str:
    """How a judge was set, where its user set it otherwise than by default.

    Args:
        config: The judge's.

    Returns:
        For example ` (temperature=1)`, to follow the judge's name.
    """
    settings = _settings(config)
    if settings in ({}, _settings(GRADER_CONFIG)):
        return ""
    return f" ({', '.join(f'{k}={v}' for k, v in settings.items())})"


def _solver(header: EvalLog) -> str:
    """The solvers that the model went through: what asked it, and how."""
    if _is_none(header.eval.model):
        return NO_SOLVER
    steps = [
        step.solver
        + (f"({json.dumps(step.params_passed)})" if step.params_passed else "")
        for step in header.plan.steps
        if not step.solver.endswith("preflight")
    ]
    shuffle = header.eval.task_args.get("shuffle_options")
    order = [] if shuffle is None else [f"options shuffled by seed {shuffle}"]
    return ", ".join([*steps, *order])


def _is_judged_again(header: EvalLog, scorer: str) -> bool:
    names = [score.name for score in header.results.scores] if header.results else []
    again = re.compile(rf"{scorer}-?\d+")
    return any(again.fullmatch(name) for name in names)


def _is_none(model: str) -> bool:
    """Whether no model was asked, as for the baselines, which are solvers."""
    return model.startswith("none/")


def _variant(spec: EvalSpec) -> dict[str, Any]:
    if _is_none(spec.model):
        return spec.solver_args_passed or {}
    return {
        **_settings(spec.model_generate_config),
        **spec.model_args,
        **({"base_url": spec.model_base_url} if spec.model_base_url else {}),
    }


def _own_tokens(header: EvalLog) -> tuple[int, int]:
    """Input and output tokens of the model in its own role."""

    def tokens(usage: ModelUsage) -> tuple[int, int]:
        cached = (usage.input_tokens_cache_read or 0) + (
            usage.input_tokens_cache_write or 0
        )
        return usage.input_tokens + cached, usage.output_tokens

    usage, model = header.stats.model_usage, header.eval.model
    judges = {c.model for c in _bound_judges(header.eval)} or {DEFAULT_GRADER}
    total, spent = tokens(usage.get(model, ModelUsage())), (0, 0)
    if model in judges:
        # What it spent as a judge is what the role did, less the panel's others.
        spent = tokens(header.stats.role_usage.get(GRADER_ROLE, ModelUsage()))
        for other in judges - {model}:
            used = tokens(usage.get(other, ModelUsage()))
            spent = spent[0] - used[0], spent[1] - used[1]
    return total[0] - spent[0], total[1] - spent[1]


def _seconds(header: EvalLog) -> float:
    start, end = header.stats.started_at, header.stats.completed_at
    if not start or not end:
        return math.nan
    elapsed = datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(
        start
    )
    return elapsed.total_seconds()


def _vote(points: object) -> float | None:
    """A judge's points as a log has them; None for a withheld vote."""
    if not isinstance(points, int | float) or math.isnan(points):
        return None
    return points


def _columns(scorer: str, with_texts: bool, full_votes: bool) -> list[Column]:
    """What is read of every sample.

    `points` is a number, or missing where there is none; `unscored` (the judge gave no
    verdict) and `error` tell the ways to have none apart. `verbatim` is whether the
    response is the reference's very words, `attempts` how often judges were asked (0 if
    there was nothing to judge) and `judge_config` with which settings, `same_vendor`
    lists the judges of the model's vendor, and `votes` maps the judges of a panel to
    their points, None for a withheld vote; each is missing where the log does not tell.
    """

    def score(sample: AnySample) -> Score | None:
        return (sample.scores or {}).get(scorer)

    def metadata(sample: AnySample) -> Mapping[str, Any]:
        found = score(sample)
        return (found and found.metadata) or {}

    def points(sample: AnySample) -> float | None:
        found = score(sample)
        if found is None:
            return None
        if isinstance(found.value, str):
            return float(found.value == CORRECT)
        return None if math.isnan(found.as_float()) else found.as_float()

    def is_unscored(sample: AnySample) -> bool:
        return score(sample) is not None and points(sample) is None

    def verbatim(sample: AnySample) -> bool | None:
        found = (sample.scores or {}).get(VERBATIM) if scorer == JUDGED else None
        return found.value == MAX_POINTS if found else None

    def votes(sample: AnySample) -> dict[str, float | None] | str | None:
        panel = (sample.scores or {}).get(PANEL)
        if panel and isinstance(panel.value, dict):
            return {judge: _vote(points) for judge, points in panel.value.items()}
        verdicts = metadata(sample).get("verdicts")
        if isinstance(verdicts, dict):
            return {
                judge: _vote(given.get("score") if isinstance(given, dict) else None)
                for judge, given in verdicts.items()
            }
        return THINNED if verdicts and not full_votes else None

    def same_vendor(sample: AnySample) -> list[str] | None:
        judges = metadata(sample).get("same_vendor")
        return list(map(str, judges)) if isinstance(judges, list) else None

    def judge_config(sample: AnySample) -> list[Any] | None:
        configs = metadata(sample).get("judge_config")
        return configs if isinstance(configs, list) else None

    def text(part: Callable[[Score], str | None]) -> Callable[[AnySample], str]:
        def read(sample: AnySample) -> str:
            found = score(sample)
            return (found and part(found)) or ""

        return read

    def history(sample: AnySample) -> str:
        withheld = sample.metadata.get(WITHHELD_HISTORY)
        if withheld:
            return str(withheld)
        if isinstance(sample.input, str):
            return sample.input
        return "\n".join(message.text for message in sample.input)

    def case_property(
        name: str, kind: type | tuple[type, ...]
    ) -> Callable[[AnySample], Any]:
        def read(sample: AnySample) -> Any:
            value = (sample.metadata or {}).get(name)
            return value if isinstance(value, kind) else None

        return read

    columns: list[Column] = [
        SampleColumn("case_id", path="id", required=True, type=str),
        SampleColumn("epoch", path="epoch", required=True),
        SampleColumn("error", path=lambda sample: bool(sample.error), full=False),
        SampleColumn("points", path=points, full=False, type=float),
        SampleColumn("unscored", path=is_unscored, full=False),
        SampleColumn("verbatim", path=verbatim, full=False),
        SampleColumn(
            "judge", path=lambda s: str(metadata(s).get("judge", "")), full=False
        ),
        SampleColumn("judge_config", path=judge_config, full=False),
        SampleColumn(
            "attempts", path=lambda s: metadata(s).get("attempts"), full=False
        ),
        SampleColumn("same_vendor", path=same_vendor, full=False),
        SampleColumn("votes", path=votes, full=full_votes),
        *(
            SampleColumn(name, path=case_property(name, kind), full=False)
            for name, kind in CASE_PROPERTIES.items()
        ),
    ]
    if with_texts:
        columns += [
            SampleColumn("history", path=history, full=True),
            SampleColumn(
                "reference", path=lambda sample: Target(sample.target).text, full=True
            ),
            SampleColumn("answer", path=text(lambda s: s.answer), full=True),
            SampleColumn("reasoning", path=text(lambda s: s.explanation), full=True),
        ]
    return columns
