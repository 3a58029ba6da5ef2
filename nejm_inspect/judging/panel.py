"""From the verdicts of one judge, or of a panel, to a score."""

from collections.abc import Mapping, Sequence
from statistics import median, median_low
from typing import Any

from inspect_ai.log import EvalSpec
from inspect_ai.model import Model, ModelConfig, get_model, model_roles
from inspect_ai.scorer import Score
from inspect_ai.util import collect

from nejm_inspect.judging.asking import GRADER_CONFIG, Judgment, ask_judge
from nejm_inspect.judging.verdict import Question
from nejm_inspect.rubric import level_of

GRADER_ROLE = "grader"
DEFAULT_GRADER = "openrouter/anthropic/claude-sonnet-4.6"
"""The judge if no model is bound to the role. Its maker names it as the replacement of Claude
Sonnet 4, the published run's judge (retired on 2026-06-15). Unlike Claude 5 models, it takes a
temperature; it will not be retired before 2027-02-17 (platform.claude.com/docs, "Model
deprecations" and "Claude Sonnet 4.6", read in November 2026)."""


def bound_judges() -> list[Model]:
    """Returns the judges of the running task: all models bound to the role, else the default.

    Errors of the judge's provider, such as a missing key, are not caught.
    """
    bound = model_roles().get(GRADER_ROLE)
    if isinstance(bound, list):
        return bound
    # Only solvers and scorers call this, as the linter requires.
    judge = get_model(  # inspect-evals-lint: ignore[IEBP001] -- see above
        role=GRADER_ROLE, default=DEFAULT_GRADER
    )
    return [judge]


def judges_of_log(spec: EvalSpec) -> list[str]:
    """Returns the names of the judges that a run was started with, from its log's `eval`."""
    bound = (spec.model_roles or {}).get(GRADER_ROLE) or ModelConfig(model=DEFAULT_GRADER)
    return [judge.model for judge in (bound if isinstance(bound, list) else [bound])]


async def grade(judges: Sequence[Model], question: Question) -> Score:
    """Grades a response with one or more judges, concurrently.

    The points are the median of the valid verdicts; of an even number, the mean of the middle two.
    With valid verdicts from fewer than half of the judges, the response is unscored.

    Returns:
        The score. Its metadata hold the names of the judges (`judge`), the `attempts` in all, the
        `category` of the points (between two levels, of the lower), each judge's `judge_config`
        unless all have our settings, and for a panel all `verdicts`, by judge.
    """
    judgments = await collect(*(ask_judge(judge, question) for judge in judges))
    named = _by_name(judgments)
    records = {name: _record(judgment) for name, judgment in named.items()}
    metadata: dict[str, Any] = {
        "judge": ", ".join(judgment.judge for judgment in judgments),
        "attempts": sum(judgment.attempts for judgment in judgments),
    }
    if any(judgment.config != GRADER_CONFIG for judgment in judgments):
        metadata["judge_config"] = [
            # Headers may hold keys.
            judgment.config.model_dump(exclude_none=True, exclude={"extra_headers"})
            for judgment in judgments
        ]
    if len(records) > 1:
        metadata["verdicts"] = records
    else:
        (record,) = records.values()
        metadata |= {key: record[key] for key in ("stop_reason", "reply") if key in record}
    points = [judgment.verdict.score for judgment in judgments if judgment.verdict]
    if 2 * len(points) < len(judgments):
        graded = Score.unscored(reason="grader_failed")
    else:
        graded = Score(value=median(points))
        metadata = {"category": level_of(median_low(points)).category, **metadata}
    fields = {"answer": question.response, "explanation": _explanation(named), "metadata": metadata}
    return graded.model_copy(update=fields)


def _by_name(judgments: Sequence[Judgment]) -> dict[str, Judgment]:
    """Returns judgments by the judge's name; a model that is in the panel twice is numbered."""
    named: dict[str, Judgment] = {}
    for place, judgment in enumerate(judgments):
        number = [one.judge for one in judgments[:place]].count(judgment.judge) + 1
        named[judgment.judge + (f" #{number}" if number > 1 else "")] = judgment
    return named


def _record(judgment: Judgment) -> dict[str, Any]:
    """Returns what the log keeps of a judgment; the reply only if it has no valid verdict."""
    kept = {"attempts": judgment.attempts, "stop_reason": judgment.output.stop_reason}
    verdict = judgment.verdict
    if verdict is None:
        return {"score": None, **kept, "reply": judgment.output.completion}
    category = level_of(verdict.score).category
    return {"score": verdict.score, "category": category, "reasoning": verdict.reasoning, **kept}


def _explanation(named: Mapping[str, Judgment]) -> str | None:
    lines = []
    for name, judgment in named.items():
        verdict = judgment.verdict
        said = f"no valid verdict in {judgment.attempts} attempts: {judgment.problem}."
        if verdict and len(named) == 1:
            return verdict.reasoning
        if verdict:
            said = f"{verdict.score} points. {verdict.reasoning or ''}"
        lines.append(f"{name}: {said}")
    return "\n".join(lines)
