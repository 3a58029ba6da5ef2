"""From judges to one score: a single judge, or a panel and its median."""

from collections import Counter
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
"""The judge where none is bound to the role. Its maker names it as the replacement of
Claude Sonnet 4, the published run's judge, which was retired on 2026-06-15; it still
takes a temperature, as Claude 5 models do not. It is to be retired not before
2027-02-17 (platform.claude.com/docs, "Model deprecations" and "Claude Sonnet 4.6",
read in November 2026, which list it as a legacy model)."""


def bound_judges() -> list[Model]:
    """The judges of the running task: all models bound to the role, or the default.

    Only to be called where a sample runs.

    Raises:
        Exception: Whatever the judge's provider raises without a key.
    """
    bound = model_roles().get(GRADER_ROLE)
    if isinstance(bound, list):
        return bound
    # Called by solvers and scorers alone, as the rule wants it.
    judge = get_model(  # inspect-evals-lint: ignore[IEBP001] -- see above
        role=GRADER_ROLE, default=DEFAULT_GRADER
    )
    return [judge]


def judges_of_log(spec: EvalSpec) -> list[str]:
    """The names of the judges that a run was started with, by the `eval` of its log."""
    bound = (spec.model_roles or {}).get(GRADER_ROLE) or ModelConfig(model=DEFAULT_GRADER)
    return [judge.model for judge in (bound if isinstance(bound, list) else [bound])]


async def grade(judges: Sequence[Model], question: Question) -> Score:
    """Grades a response with one or more judges, concurrently.

    The points are the median of the valid verdicts, of an even number the mean of the
    middle two. With valid verdicts from fewer than half of the judges the score is
    unscored.

    Args:
        judges: The judges.
        question: What they are asked.

    Returns:
        The score. Its metadata hold the `judge` (several: their names joined), the
        `attempts` in all, the `category` of the points (between two levels: of the
        lower) and, unless all are asked by default, each judge's `judge_config`. For a
        panel they also hold all `verdicts`, by judge; for a single judge the
        `stop_reason` of its last reply and, without a valid verdict, that `reply`.
    """
    judgments = await collect(*(ask_judge(judge, question) for judge in judges))
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
    named = dict(zip(_names(judgments), judgments, strict=True))
    if len(named) > 1:
        metadata["verdicts"] = {name: _record(one) for name, one in named.items()}
    else:
        metadata |= _reply(judgments[0])
    points = [judgment.verdict.score for judgment in judgments if judgment.verdict]
    if 2 * len(points) < len(judgments):
        return Score.unscored(
            reason="grader_failed",
            answer=question.response,
            explanation=_explanation(named),
            metadata=metadata,
        )
    return Score(
        value=median(points),
        answer=question.response,
        explanation=_explanation(named),
        metadata={"category": level_of(median_low(points)).category, **metadata},
    )


def _names(judgments: Sequence[Judgment]) -> list[str]:
    """The judges' names; a model that sits twice is numbered."""
    seen: Counter[str] = Counter()
    names = []
    for judgment in judgments:
        seen[judgment.judge] += 1
        again = f" #{seen[judgment.judge]}" if seen[judgment.judge] > 1 else ""
        names.append(f"{judgment.judge}{again}")
    return names


def _reply(judgment: Judgment) -> dict[str, Any]:
    """What is kept of a judge's last reply: all of it if it holds no valid verdict."""
    kept: dict[str, Any] = {"stop_reason": judgment.stop_reason}
    if judgment.verdict is None:
        kept["reply"] = judgment.reply
    return kept


def _record(judgment: Judgment) -> dict[str, Any]:
    kept: dict[str, Any] = {"attempts": judgment.attempts, **_reply(judgment)}
    verdict = judgment.verdict
    if verdict is None:
        return {"score": None, **kept}
    return {
        "score": verdict.score,
        "category": level_of(verdict.score).category,
        "reasoning": verdict.reasoning,
        **kept,
    }


def _explanation(named: Mapping[str, Judgment]) -> str | None:
    if len(named) == 1:
        (judgment,) = named.values()
        if judgment.verdict:
            return judgment.verdict.reasoning
    return "\n".join(
        f"{name}: {judgment.verdict.score} points. {judgment.verdict.reasoning or ''}"
        if judgment.verdict
        else f"{name}: no valid verdict in {judgment.attempts} attempts: {judgment.problem}."
        for name, judgment in named.items()
    )
