"""From Inspect logs to two frames: `runs`, a row a log; `responses`, a row a response.

Logs are read defensively. A score that cannot be one leaves its response unscored and
counted as `malformed`; a property of a case that cannot be one is not read; anything
else that is not as Inspect writes it is an error that names the log.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inspect_ai.log import (
    EvalLog,
    EvalSample,
    EvalSampleSummary,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
)
from inspect_ai.model import ContentImage, GenerateConfig
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Score, Target
from pydantic import ValidationError

from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.headers import (
    EXAM_SCORER,
    EXAM_TASK,
    JUDGED,
    SCORERS,
    bound_judges,
    describe_run,
    judge_settings,
    last_attempts,
    log_headers,
    scorer_of,
    task_of,
    without_scores,
)
from nejm_inspect.report.thumbnails import thumbnail
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

AnySample = EvalSample | EvalSampleSummary

RESPONSES = "run case_id epoch points exact verbatim category unscored malformed error "
RESPONSES += "judge attempts stop_reason same_vendor verdicts date year difficulty "
RESPONSES += "brier_score question_type has_history reader_accuracy level attack off"
"""The columns of `responses`, which README.md explains."""

TEXTS = ("history", "reference", "response", "reasoning")
"""Further columns of `responses` where texts are wanted."""

_CHOICES = {CORRECT: 1.0, INCORRECT: 0.0, NOANSWER: 0.0}


def read_logs(
    places: Sequence[str], exams: Sequence[str] = (), full: bool = False
) -> tuple["pd.DataFrame", "pd.DataFrame", dict[str, bytes]]:
    """Reads logs, sample summaries only unless texts are wanted.

    Args:
        places: Logs or folders of logs, local or any URL that fsspec opens.
        exams: The same, of exams of judges.
        full: Whether to read every sample, for texts and images.

    Returns:
        The runs in the order of their creation, the responses, and thumbnails of the
        cases' images by case; `RESPONSES` and `TEXTS` say what their columns are. Logs
        of other tasks are left out, if there are some of ours.

    Raises:
        NejmInspectError: If a place has no log, no log has scores to report, or a log
            is not as Inspect writes it.
    """
    import pandas as pd

    headers = [h for place in places for h in _headers(place, exam=False)]
    if not any(map(scorer_of, headers)):
        raise NejmInspectError(without_scores(headers))
    headers += [h for place in exams for h in _headers(place, exam=True)]
    read: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    images: dict[str, bytes] = {}
    for header in last_attempts(headers):
        if scorer := scorer_of(header):
            try:
                read.append(_read_log(header, scorer, full, images))
            except NejmInspectError:
                raise
            except Exception as error:  # a log may hold anything anywhere
                raise NejmInspectError(
                    f"{header.location} is not as Inspect writes it: {error!r}"
                ) from error
    # Runs of one second come in no order that would be the same every time.
    read.sort(key=lambda one: (one[0]["created"], one[0]["model"]))
    rows = [{"run": n, **row} for n, (_, some) in enumerate(read, 1) for row in some]
    texts = [*TEXTS, "history_length"] if full else []
    runs = pd.DataFrame([run for run, _ in read])
    runs.index = pd.RangeIndex(1, len(runs) + 1, name="run")
    return runs, pd.DataFrame(rows, columns=[*RESPONSES.split(), *texts]), images


def _headers(place: str, exam: bool) -> list[EvalLog]:
    try:
        headers = list(log_headers(place))
    except NejmInspectError as error:
        raise NejmInspectError(f"{'--exam: ' * exam}{error.message}") from error
    fitting = [h for h in headers if (task_of(h) == EXAM_TASK) == exam]
    if not fitting and exam:
        raise NejmInspectError(
            f"--exam {place} is not a log of {EXAM_TASK}. Run one with inspect eval "
            f"nejm_inspect/{EXAM_TASK} --model PROVIDER/JUDGE; logs of models are "
            "given without --exam."
        )
    if not fitting:
        raise NejmInspectError(
            f"{place} holds exams of a judge, and no run to report: give it as --exam {place}."
        )
    return fitting


def _read_log(
    header: EvalLog, scorer: str, full: bool, images: dict[str, bytes]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of `runs`, and those of `responses`; adds to the images."""
    samples: Iterable[AnySample] = (
        _samples(header, {*map(str, header.eval.dataset.sample_ids or ())} <= {*images})
        if full
        else read_eval_log_sample_summaries(header.location)
    )
    rows, configs = [], None
    for sample in samples:
        row = response_of(sample, scorer, header.location)
        if row["verdicts"] == THINNED:  # the summary has no room for them
            return _read_log(header, scorer, True, images)
        if full and row["case_id"] not in images and (image := _image(sample)):
            images[row["case_id"]] = image
        configs = configs or _metadata(sample, scorer).get("judge_config")
        rows.append(row)
    judges = _judges(header, rows) if scorer == JUDGED else []
    if scorer == EXAM_SCORER:
        asked = header.plan.config.merge(header.eval.model_generate_config)
        label = header.eval.model + judge_settings(asked)
    else:
        label = _judge_label(header, judges, configs)
    ids = frozenset(row["case_id"] for row in rows)
    run = describe_run(header, scorer, ids)
    return run | {"judges": judges, "judge": label or "none"}, rows


def _samples(header: EvalLog, no_images: bool) -> Iterator[EvalSample]:
    unread = UNREAD if no_images else UNREAD - {"attachments"}
    return read_eval_log_samples(header.location, all_samples_required=False, exclude_fields=unread)


def _judges(header: EvalLog, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who judged; with nothing to judge, who would have been asked.

    The scores know best: a log that was judged again still names its first judge.
    """
    panels = [name.split(", ") for name in sorted({r["judge"] for r in rows} - {""})]
    return list(dict.fromkeys(j for panel in panels for j in panel)) or bound_judges(header.eval)


def _judge_label(header: EvalLog, judges: Sequence[str], configs: Any) -> str:
    """The judges, with the settings that their scores say they were asked with."""
    if not isinstance(configs, list) or len(configs) != len(judges):
        return ", ".join(judges)
    try:
        read = [GenerateConfig.model_validate(config) for config in configs]
    except ValidationError as error:
        raise NejmInspectError(
            f"{header.location}: judge_config is not a model's configuration."
        ) from error
    return ", ".join(j + judge_settings(c) for j, c in zip(judges, read, strict=True))


UNREAD = {"messages", "events", "store", "attachments"}
"""Fields of samples that are large and say nothing here."""

THINNED = "thinned"
"""Verdicts that Inspect leaves out of a sample's summary for their length."""


def _metadata(sample: AnySample, scorer: str) -> Mapping[str, Any]:
    score = (sample.scores or {}).get(scorer)
    return (score and score.metadata) or {}


def response_of(sample: AnySample, scorer: str, log: str) -> dict[str, Any]:
    """The row of `responses` for a sample, without its run; with `TEXTS` if it is full.

    Args:
        sample: The sample or its summary.
        scorer: The one whose scores are reported.
        log: What to call the log by in an error.
    """
    score = (sample.scores or {}).get(scorer)
    given, case = _metadata(sample, scorer), sample.metadata
    value: Any = score.value if score else None
    if scorer == EXAM_SCORER:
        value = value if isinstance(value, dict) else {}
    points = _points(value.get("points") if scorer == EXAM_SCORER else value, scorer)
    verbatim = (sample.scores or {}).get("verbatim_diagnosis")
    row: dict[str, Any] = {
        "case_id": str(sample.id),
        "epoch": sample.epoch,
        "points": points,
        "exact": None
        if math.isnan(points)
        else points == (1 if SCORERS[scorer] == "choice" else MAX_POINTS),
        "verbatim": None if scorer != JUDGED or verbatim is None else verbatim.value == MAX_POINTS,
        "category": _text(given.get("category")),
        "unscored": score is not None and math.isnan(points),
        "malformed": math.isnan(points) and not _is_empty(value),
        "error": bool(sample.error) and score is None,  # it may be judged since
        "judge": _text(given.get("judge")) or "",
        "attempts": _number(given.get("attempts"), 0, 1_000),
        "stop_reason": _text(given.get("stop_reason")),
        "same_vendor": _names(given.get("same_vendor")),
        "verdicts": _verdicts(sample, given),
        "date": _text(case.get("date")),
        "year": _number(case.get("year"), 1000, 9999),
        "difficulty": _text(case.get("difficulty")),
        "brier_score": _number(case.get("brier_score"), 0, 1),
        "question_type": _text(case.get("question_type")),
        "has_history": h if isinstance(h := case.get("has_history"), bool) else None,
        "reader_accuracy": _number(case.get("reader_accuracy"), 0, 1),
    }
    if scorer == EXAM_SCORER:
        if case.get("level") not in CATEGORIES:
            raise NejmInspectError(f"{log}: level of {sample.id} is not of the rubric.")
        off = _number(value.get("error"), -MAX_POINTS, MAX_POINTS)
        row |= {"level": case["level"], "attack": "attack" in case, "off": off}
        if math.isnan(off):
            row |= {"points": math.nan, "unscored": score is not None}
    if isinstance(sample, EvalSample):
        row |= _texts(sample, score)
    return row


def _points(value: object, scorer: str) -> float:
    if SCORERS[scorer] == "choice":
        known = _CHOICES.get(value) if isinstance(value, str) else None
        return _number(value, 0, 1) if known is None else known
    return _number(value, 0, MAX_POINTS)


def _is_empty(value: object) -> bool:
    """Whether there is no score, or one that says that there is none."""
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number(value: object, lowest: float, highest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if lowest <= value <= highest else math.nan


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _names(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else ""


def _verdicts(sample: AnySample, given: Mapping[str, Any]) -> str | None:
    """Each judge's points as JSON, null without a valid verdict."""
    told = given.get("verdicts")
    if not isinstance(told, dict):
        return THINNED if told and isinstance(sample, EvalSampleSummary) else None
    points = {
        str(judge): _number(v.get("score") if isinstance(v, dict) else None, 0, 10)
        for judge, v in told.items()
    }
    return json.dumps({j: None if math.isnan(p) else p for j, p in points.items()})


def _texts(sample: EvalSample, score: Score | None) -> dict[str, Any]:
    withheld = sample.metadata.get(WITHHELD_HISTORY)
    if isinstance(sample.input, str):
        seen = sample.input
    else:
        seen = "\n".join(message.text for message in sample.input)
    return {
        "history": str(withheld) if withheld else seen,
        "history_length": float(len(str(withheld) if withheld else seen)),
        "reference": Target(sample.target).text,
        "response": (score and score.answer) or "",
        "reasoning": (score and score.explanation) or "",
    }


def _image(sample: AnySample) -> bytes | None:
    """A thumbnail of the first image that the log holds."""
    if not isinstance(sample, EvalSample) or isinstance(sample.input, str):
        return None
    parts = [p for m in sample.input if not isinstance(m.content, str) for p in m.content]
    image = next((p.image for p in parts if isinstance(p, ContentImage)), "")
    return thumbnail(sample.attachments.get(image.removeprefix("attachment://"), image))
