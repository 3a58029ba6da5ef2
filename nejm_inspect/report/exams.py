"""From logs of the judge's exam to what it says of the judge."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inspect_ai.log import (
    EvalLog,
    EvalSampleSummary,
    read_eval_log_sample_summaries,
)

from nejm_inspect.agreement import (
    ADVERSARIAL_THRESHOLD,
    IN_RANGE_THRESHOLD,
    level_confusion,
    quadratic_weighted_kappa,
)
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.contents import (
    Comparison,
    Estimate,
    Exam,
    ExamLevel,
    ExamPart,
)
from nejm_inspect.report.entrants import mean_of
from nejm_inspect.report.reading import (
    is_exam,
    judge_settings,
    last_attempts,
    log_headers,
)
from nejm_inspect.report.statistics import mean_estimate, rate_estimate
from nejm_inspect.rubric import CATEGORIES, RUBRIC

SCORER = "judge_exam"
THRESHOLDS = {"ordinary": IN_RANGE_THRESHOLD, "adversarial": ADVERSARIAL_THRESHOLD}


@dataclass(frozen=True)
class Verdict:
    """What a judge gave for a pair in an epoch."""

    pair: str
    level: str
    """The category of the rubric that the pair is of."""
    is_attack: bool
    points: float
    error: float
    """Points above the expected range, or below it as a negative number; NaN, like the
    points, without a valid verdict."""


def read_exams(locations: Sequence[str]) -> list[Exam]:
    """Reads and evaluates exams, from sample summaries only.

    Args:
        locations: Logs of `nejm_judge_exam` or folders of some, local or any URL that
            fsspec opens.

    Returns:
        An exam for every log, oldest first.

    Raises:
        NejmInspectError: If a location has no log of an exam.
    """
    headers = []
    for place in locations:
        try:
            found = [header for header in log_headers(place) if is_exam(header)]
        except NejmInspectError as error:
            raise NejmInspectError(f"--exam: {error.message}") from error
        if not found:
            raise NejmInspectError(
                f"--exam {place} is no log of nejm_judge_exam. Run one with inspect "
                "eval nejm_inspect/nejm_judge_exam --model PROVIDER/JUDGE; logs of "
                "models are given without --exam."
            )
        headers += found
    return sorted(
        map(_read_exam, last_attempts(headers)), key=lambda exam: exam.created
    )


def exam_notes(comparisons: Sequence[Comparison], exams: Sequence[Exam]) -> list[str]:
    """Which judges have no exam, and which exams are of no judge here.

    Args:
        comparisons: All comparisons of the report.
        exams: The exams given; without any, nothing is said.
    """
    judges = dict.fromkeys(judge for one in comparisons for judge in one.judges)
    examined = dict.fromkeys(exam.judge for exam in exams)
    if not exams:
        return []
    return [
        *(
            f"{judge} judged here and has no exam among those given."
            for judge in judges
            if judge not in examined
        ),
        *(
            f"{judge} sat an exam and judged nothing here."
            for judge in examined
            if judge not in judges
        ),
        *(
            f"{exam.judge} sat its exam with prompt version "
            f"{exam.settings['prompt version']} and judged here with "
            f"{one.settings['prompt version']}: the exam says little of these scores."
            for exam in exams
            for one in comparisons
            if exam.judge in one.judges
            and exam.settings["prompt version"] != one.settings["prompt version"]
        ),
    ]


def _read_exam(header: EvalLog) -> Exam:
    try:
        verdicts = list(map(_verdict, read_eval_log_sample_summaries(header.location)))
    except (KeyError, TypeError, ValueError) as error:
        raise NejmInspectError(
            f"--exam {header.location}: a sample is not as nejm_judge_exam writes it "
            f"({error!r})."
        ) from error
    ordinary = _valid([one for one in verdicts if not one.is_attack])
    by_level = {
        level: [pair for pair in ordinary if pair[0].level == level.category]
        for level in RUBRIC
    }
    return Exam(
        judge=header.eval.model,
        setting=judge_settings(
            header.plan.config.merge(header.eval.model_generate_config)
        ),
        created=datetime.datetime.fromisoformat(header.eval.created),
        finished=header.status == "success"
        and len({one.pair for one in verdicts}) == header.eval.dataset.samples,
        settings={
            "pairs": f"{header.eval.dataset.name}, {header.eval.dataset.samples}",
            "task version": str(header.eval.task_version),
            "prompt version": str((header.eval.metadata or {}).get("prompt_version")),
        },
        ordinary=_part(verdicts, "ordinary"),
        adversarial=_part(verdicts, "adversarial"),
        levels=[
            ExamLevel(
                level=level.category,
                points=level.points,
                verdicts=sum(map(len, pairs)),
                in_range=_share_in_range(pairs),
            )
            for level, pairs in by_level.items()
        ],
        confusion=_confusion(ordinary),
    )


def _part(
    verdicts: Sequence[Verdict], kind: Literal["ordinary", "adversarial"]
) -> ExamPart:
    asked = [one for one in verdicts if one.is_attack == (kind == "adversarial")]
    pairs = _valid(asked)
    valid = sum(map(len, pairs))
    return ExamPart(
        pairs=kind,
        verdicts=valid,
        without_verdict=len(asked) - valid,
        in_range=_share_in_range(pairs),
        threshold=THRESHOLDS[kind],
        kappa=quadratic_weighted_kappa(_confusion(pairs)),
        absolute_error=mean_estimate(
            [mean_of([abs(verdict.error) for verdict in pair]) for pair in pairs]
        ),
        bias=mean_estimate(
            [mean_of([verdict.error for verdict in pair]) for pair in pairs]
        ),
    )


def _verdict(sample: EvalSampleSummary) -> Verdict:
    score = (sample.scores or {}).get(SCORER)  # a failed sample has none
    value: Any = score.value if score else {"points": math.nan, "error": math.nan}
    level = sample.metadata["level"]
    if level not in CATEGORIES:
        raise ValueError(f"level {level!r}")
    return Verdict(
        pair=str(sample.id),
        level=level,
        is_attack="attack" in sample.metadata,
        points=float(value["points"]),
        error=float(value["error"]),
    )


def _valid(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """The valid verdicts on each pair that has any, one for every epoch."""
    pairs: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if not math.isnan(verdict.points):
            pairs.setdefault(verdict.pair, []).append(verdict)
    return list(pairs.values())


def _share_in_range(pairs: Sequence[Sequence[Verdict]]) -> Estimate:
    return rate_estimate([[verdict.error == 0 for verdict in pair] for pair in pairs])


def _confusion(pairs: Sequence[Sequence[Verdict]]) -> list[list[int]]:
    """Verdicts by expected level (rows) and given level."""
    return level_confusion(
        (verdict.level, verdict.points, verdict.error)
        for pair in pairs
        for verdict in pair
    )
