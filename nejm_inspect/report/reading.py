"""From Inspect logs to two frames: `runs`, a row a log; `responses`, a row a response.

Logs are not trusted: a score outside the scale is unscored and `malformed`, a property of a case
with a wrong type or range is missing, and anything else malformed is an error naming the log.
"""

import base64
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pandas as pd
from inspect_ai.log import (
    EvalLog,
    EvalSample,
    EvalSampleSummary,
    read_eval_log_sample_summaries as read_summaries,
    read_eval_log_samples as read_samples,
)
from inspect_ai.model import ContentImage
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Target
from PIL import Image

from nejm_inspect.cases.images import MAX_PIXELS, READ_FORMATS
from nejm_inspect.cases.samples import WITHHELD_HISTORY
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report import headers as heads
from nejm_inspect.report.headers import EXAM_SCORER, JUDGED, SCORERS, VERBATIM, Row
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS
from nejm_inspect.version import TASK_VERSION

RESPONSES = "run case_id epoch points exact verbatim category unscored malformed error judge "
RESPONSES += "attempts stop_reason same_vendor verdicts date year difficulty brier_score "
RESPONSES += "question_type has_history reader_accuracy level attack off uuid"
"""The columns of `responses`, which README.md explains."""
TEXTS = ("history", "reference", "response", "reasoning")  # its further columns, of full samples
UNREAD = {"messages", "events", "store", "attachments"}  # fields that are large and not needed
THUMBNAIL = (640, 640)  # pixels at most
Read = tuple[pd.DataFrame, pd.DataFrame, dict[str, bytes]]  # runs, responses, thumbnails by case

_SCORE: Row = dict.fromkeys(("category", "judge", "stop_reason"), str)
_SCORE |= {"attempts": (0, 1_000), "same_vendor": list, "verdicts": dict}
_CASE: Row = dict.fromkeys(("date", "difficulty", "question_type"), str) | {"has_history": bool}
_CASE |= {"brier_score": (0, 1), "reader_accuracy": (0, 1), "year": (1000, 9999)}
"""What is read of the metadata of score and case: the type, or the bounds of a number."""


def read_logs(places: Sequence[str], exams: Sequence[str] = (), full: bool = False) -> Read:
    """Reads logs, sample summaries only unless texts are wanted.

    Args:
        places: Logs or folders of logs, local or any URL that fsspec opens.
        exams: The same, of exams of judges.
        full: Whether to read every sample, for texts and images.

    Returns:
        The runs in the order of their creation, the responses, and thumbnails by case. Logs of
        other tasks are left out, if there are some of ours.

    Raises:
        NejmInspectError: If a place has no log, or none has scores, or one is malformed.
    """
    headers = [h for place in places for h in heads.log_headers(place, exam=False)]
    if not any(map(heads.scorer_of, headers)):
        logs = sorted({f"{heads.task_of(h)} {h.eval.task_version}" for h in headers})
        raise NejmInspectError(
            f"None of the {len(headers)} logs ({', '.join(logs)}) has scores of "
            f"{', '.join(SCORERS)} (task version {TASK_VERSION}). Finish the run with inspect "
            "eval-retry, or score it with inspect score; a log of another task version needs the "
            "nejm-inspect that wrote it."
        )
    headers += [h for place in exams for h in heads.log_headers(place, exam=True)]
    read, images = [], dict[str, bytes]()
    for header in heads.last_attempts(headers):
        if scorer := heads.scorer_of(header):
            with naming(header.location):
                read.append(_read_log(header, scorer, full, images))
    read.sort(key=lambda run: (run["created"], run["model"]))  # runs of one second too
    rows = [{"run": n, **row} for n, run in enumerate(read, 1) for row in run.pop("rows")]
    runs = pd.DataFrame(read, pd.RangeIndex(1, len(read) + 1, name="run"))
    columns = [*RESPONSES.split(), *((*TEXTS, "history_length") if full else ())]
    return runs, pd.DataFrame(rows, columns=columns), images


@contextmanager
def naming(log: str) -> Iterator[None]:
    """Turns whatever a malformed log leads to into an error that names the log."""
    try:
        yield
    except NejmInspectError:
        raise
    except Exception as error:  # a log may hold anything anywhere
        raise NejmInspectError(f"{log} is not as Inspect writes it: {error!r}") from error


def _read_log(header: EvalLog, scorer: str, full: bool, images: dict[str, bytes]) -> Row:
    """The row of `runs`, with those of `responses` as its `rows`; adds to the images."""
    log, ids = header.location, map(str, header.eval.dataset.sample_ids or ())
    samples: Iterable[EvalSample | EvalSampleSummary] = () if full else read_summaries(log)
    if full:  # attachments hold the images
        unread = UNREAD if {*ids} <= {*images} else UNREAD - {"attachments"}
        samples = read_samples(log, all_samples_required=False, exclude_fields=unread)
    rows, configs = [], None
    for sample in samples:
        row = response_of(sample, scorer, log)
        told = row.pop("metadata")
        if not full and isinstance(told.get("verdicts"), str):  # too long for a summary
            return _read_log(header, scorer, True, images)
        configs = configs or told.get("judge_config")
        rows.append(row)
        if isinstance(sample, EvalSample) and row["case_id"] not in images:
            images |= {row["case_id"]: image} if (image := _thumbnail(sample)) else {}
    return heads.describe_run(header, scorer, rows, configs) | {"rows": rows}


def response_of(sample: EvalSample | EvalSampleSummary, scorer: str, log: str) -> Row:
    """The row of `responses` for a sample, without its run; with `TEXTS` if it is full.

    It has the score's `metadata` too. Raises `NejmInspectError` for an exam's pair without a level.
    """
    scores, case, best, off = sample.scores or {}, sample.metadata, MAX_POINTS, 0.0
    score, verbatim = scores.get(scorer), scores.get(VERBATIM)
    value, told = (score.value, score.metadata or {}) if score else (None, {})
    row = {name: _valid(told.get(name), form) for name, form in _SCORE.items()}
    row |= {name: _valid(case.get(name), form) for name, form in _CASE.items()}
    if scorer == "choice":
        value, best = {CORRECT: 1, INCORRECT: 0, NOANSWER: 0}.get(str(value), value), 1
    elif scorer == EXAM_SCORER:
        if case.get("level") not in CATEGORIES:
            raise NejmInspectError(f"{log}: {sample.id} has a level that the rubric lacks.")
        pair = value if isinstance(value, dict) else {}
        value, off = pair.get("points"), _valid(pair.get("error"), (-best, best))
        row |= {"level": case["level"], "attack": "attack" in case}
    points = _valid(value, (0, best))
    # An exam's verdict needs its error, and a choice is right or wrong.
    if has_none := math.isnan(points + off) or bool(best == 1 and points % 1):
        points = off = math.nan
    if (panel := row["verdicts"]) is not None:  # each judge's points, null for none
        given = {str(j): v.get("score") if isinstance(v, dict) else None for j, v in panel.items()}
        read = {judge: _valid(value, (0, MAX_POINTS)) for judge, value in given.items()}
        row["verdicts"] = json.dumps({j: None if math.isnan(p) else p for j, p in read.items()})
    row |= {
        "case_id": str(sample.id),
        "epoch": sample.epoch,
        "points": points,
        "exact": None if has_none or scorer == VERBATIM else points == best,
        "verbatim": verbatim.value == best if scorer in (JUDGED, VERBATIM) and verbatim else None,
        "unscored": has_none and score is not None,
        "malformed": has_none and value is not None and value == value,  # NaN says: no score
        "error": bool(sample.error) and score is None,  # it may be judged since
        "judge": row["judge"] or "",
        "same_vendor": ", ".join(map(str, filter(None, row["same_vendor"] or ()))),
        "off": off if scorer == EXAM_SCORER else math.nan,
        "uuid": sample.uuid or "",
        "metadata": told,
    }
    if isinstance(sample, EvalSample):
        seen, said = sample.input, (score.answer, score.explanation) if score else ("", "")
        seen = seen if isinstance(seen, str) else "\n".join(message.text for message in seen)
        history = str(case.get(WITHHELD_HISTORY) or seen)
        references = " or ".join(filter(str.strip, Target(sample.target)))  # as to the judge
        texts = history, references, *(text or "" for text in said)
        row |= {**dict(zip(TEXTS, texts, strict=True)), "history_length": float(len(history))}
    return row


def _valid(value: Any, form: Any) -> Any:
    """The value if it is of a type, else None; or a number if within bounds, else NaN."""
    if isinstance(form, type):
        return value if isinstance(value, form) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and form[0] <= value <= form[1] else math.nan


def image_urls(sample: EvalSample) -> Iterator[str]:
    """The images of a sample's input: data URLs if the log holds them, else what it names."""
    messages = [] if isinstance(sample.input, str) else sample.input
    for part in (p for m in messages for p in m.content if isinstance(p, ContentImage)):
        yield sample.attachments.get(part.image.removeprefix("attachment://"), part.image)


def _thumbnail(sample: EvalSample) -> bytes:
    """A small JPEG of the first image that the log holds; empty if none can be read."""
    kind, _, body = next(image_urls(sample), "").partition(";base64,")
    written = io.BytesIO()
    with suppress(Exception):  # Pillow raises whatever broken bytes lead it to
        image = Image.open(io.BytesIO(base64.b64decode(body)), formats=READ_FORMATS)
        if kind.startswith("data:image/") and image.width * image.height <= MAX_PIXELS:
            image.draft("RGB", THUMBNAIL)
            small = image.convert("RGB")
            small.thumbnail(THUMBNAIL)
            small.save(written, "JPEG", quality=70)
    return written.getvalue()
