"""From judges to one score: a single judge, or a panel and its median."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from inspect_ai.model import GenerateConfig, Model, get_model, model_roles
from inspect_ai.scorer import Score
from inspect_ai.util import collect

from nejm_inspect.judging.verdict import (
    DEFAULT_GRADER,
    GRADER_CONFIG,
    GRADER_ROLE,
    Vote,
    ask_for_vote,
)


def bound_judges() -> list[Model]:
    """The judges of the running task: all models bound to the role, or the default.

    Only to be called where a sample runs.

    Raises:
        Exception: Whatever the judge's provider raises for want of a key.
    """
    bound = model_roles().get(GRADER_ROLE)
    if isinstance(bound, list):
        return bound
    # Called by solvers and scorers alone, as the rule wants it.
    judge = get_model(  # inspect-evals-lint: ignore[IEBP001] -- see above
        role=GRADER_ROLE, default=DEFAULT_GRADER
    )
    return [judge]


async def grade(
    judges: Sequence[Model],
    *,
    history: str,
    reference: str,
    response: str,
    config: GenerateConfig = GRADER_CONFIG,
) -> Score:
    """Has one judge or several score a response, each by itself and all at once.

    The points are the median of the valid verdicts, of an even number the lower of the
    two in the middle, so that they stay on the rubric. A judge without a valid verdict
    withholds its vote; with fewer than half of the votes the score is unscored.

    Args:
        judges: The judges.
        history: The case as its readers saw it.
        reference: The reference answer.
        response: What the examinee wrote; untrusted.
        config: How a judge is asked where its user sets nothing else.

    Returns:
        The score. Its metadata hold the `judge` (several: their names joined), the
        `attempts` in all, the `category` and, unless all are asked by default, each
        one's `judge_config`; of a panel also all `verdicts`, by judge, and of a single
        judge without a valid verdict its last `reply`.
    """
    configs = [config.merge(judge.config) for judge in judges]
    votes = await collect(
        *(
            ask_for_vote(
                judge, asked, history=history, reference=reference, response=response
            )
            for judge, asked in zip(judges, configs, strict=True)
        )
    )
    metadata: dict[str, Any] = {
        "judge": ", ".join(vote.judge for vote in votes),
        "attempts": sum(vote.attempts for vote in votes),
    }
    if any(asked != GRADER_CONFIG for asked in configs):
        metadata["judge_config"] = [
            # Headers may hold keys.
            asked.model_dump(exclude_none=True, exclude={"extra_headers"})
            for asked in configs
        ]
    named = dict(zip(_names(votes), votes, strict=True))
    if len(votes) > 1:
        metadata["verdicts"] = {name: _record(vote) for name, vote in named.items()}
    elif votes[0].verdict is None:
        metadata["reply"] = votes[0].reply
    verdicts = [vote.verdict for vote in votes if vote.verdict]
    if 2 * len(verdicts) < len(votes):
        silent = len(votes) - len(verdicts)
        return Score.unscored(
            reason="grader_failed",
            answer=response,
            explanation=f"Judges without a valid verdict: {silent} of {len(votes)}.",
            metadata=metadata,
        )
    points = median_low(verdict.score for verdict in verdicts)
    deciding = next(verdict for verdict in verdicts if verdict.score == points)
    return Score(
        value=points,
        answer=response,
        explanation=_explanation(named),
        metadata={"category": deciding.category, **metadata},
    )


def _names(votes: Sequence[Vote]) -> list[str]:
    """The judges' names; a model that sits twice is numbered."""
    seen: Counter[str] = Counter()
    names = []
    for vote in votes:
        seen[vote.judge] += 1
        again = f" #{seen[vote.judge]}" if seen[vote.judge] > 1 else ""
        names.append(f"{vote.judge}{again}")
    return names


def _record(vote: Vote) -> dict[str, Any]:
    if vote.verdict is None:
        return {"score": None, "attempts": vote.attempts, "reply": vote.reply}
    return {
        **vote.verdict.model_dump(include={"score", "category", "reasoning"}),
        "attempts": vote.attempts,
    }


def _explanation(named: Mapping[str, Vote]) -> str | None:
    if len(named) == 1:
        (vote,) = named.values()
        return vote.verdict.reasoning if vote.verdict else None
    return "\n".join(
        f"{name}: {vote.verdict.score} points. {vote.verdict.reasoning or ''}"
        if vote.verdict
        else f"{name}: no valid verdict."
        for name, vote in named.items()
    )
