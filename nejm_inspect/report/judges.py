"""The same responses judged by different judges: how far these agree."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from nejm_inspect.agreement import quadratic_weighted_kappa
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.metrics import APART
from nejm_inspect.report.contents import (
    Estimate,
    JudgedModel,
    JudgedResponse,
    JudgePair,
)
from nejm_inspect.report.entrants import entrants_of, mean_of
from nejm_inspect.report.reading import JUDGED, Run
from nejm_inspect.report.statistics import mean_estimate, rate_estimate
from nejm_inspect.rubric import MAX_POINTS

MOST_MOVED = 10
"""How many of the responses that moved most are listed."""


def judged_twice(runs: Sequence[Run]) -> list[tuple[list[Run], list[Run]]]:
    """Two lists for each two judges with runs in common: each one's logs of these.

    Args:
        runs: All runs. A log that was judged again keeps its run's id.
    """
    groups: dict[tuple[tuple[str, str], ...], dict[str, list[Run]]] = {}
    for run in runs:
        if run.scorer == JUDGED:
            by_judge = groups.setdefault(run.settings_but("judge"), {})
            by_judge.setdefault(run.settings["judge"], []).append(run)
    found = []
    for by_judge in groups.values():
        for first, second in combinations(by_judge.values(), 2):
            common = {run.eval_id for run in first} & {run.eval_id for run in second}
            if common:
                found.append((_of(common, first), _of(common, second)))
    return found


def _of(eval_ids: set[str], runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.eval_id in eval_ids]


def compare_judges(runs: Sequence[Run], repeats: bool) -> list[JudgePair]:
    """Compares judges response by response, over all models.

    Args:
        runs: All runs, oldest first.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.

    Raises:
        NejmInspectError: If no two logs hold the same responses under different judges.
    """
    pairs = [
        pair
        for first, second in judged_twice(runs)
        if (pair := _judge_pair(first, second, repeats))
    ]
    if not pairs:
        raise NejmInspectError(
            "--judges: no two of these logs hold the same responses with scores of "
            "different judges. Judge a log again, with inspect score LOG --scorer "
            "nejm_inspect/diagnosis_rubric --model-role grader=PROVIDER/MODEL --action "
            "overwrite --output-file COPY.eval, and give both."
        )
    return pairs


def _judge_pair(
    first: Sequence[Run], second: Sequence[Run], repeats: bool
) -> JudgePair | None:
    """Two judges' scores of the same runs; None if they share no response."""

    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return row["eval_id"], row["case_id"], row["epoch"]

    again, _ = entrants_of(second, repeats=True)
    others = {key(row): row["points"] for one in again.values() for row in one.rows}
    entrants, _ = entrants_of(first, repeats)
    scores = [
        (name, row["case_id"], row["points"], others.get(key(row)))
        for name, entrant in entrants.items()
        for row in entrant.rows
        if row["attempts"] != 0  # else the scorer gave 0 points, and no judge was asked
    ]
    both = [
        JudgedResponse(name, case_id, points, other)
        for name, case_id, points, other in scores
        if points is not None and other is not None
    ]
    if not both:
        return None
    by_case: dict[str, list[float]] = {}
    confusion = [[0] * (MAX_POINTS + 1) for _ in range(MAX_POINTS + 1)]
    for response in both:
        by_case.setdefault(response.case_id, []).append(response.shift)
        confusion[round(response.first)][round(response.second)] += 1
    shifts = list(by_case.values())
    return JudgePair(
        first=first[0].settings["judge"],
        second=second[0].settings["judge"],
        settings=dict(first[0].settings_but("judge")),
        responses=len(both),
        cases=len(shifts),
        scored_once=sum((a is None) != (b is None) for *_, a, b in scores),
        kappa=quadratic_weighted_kappa(confusion),
        shift=mean_estimate([mean_of(case) for case in shifts]),
        same=rate_estimate([[shift == 0 for shift in case] for case in shifts]),
        far_apart=rate_estimate(
            [[abs(shift) > APART for shift in case] for case in shifts]
        ),
        models=_judged_models(both),
        most_moved=sorted(
            (response for response in both if response.shift),
            key=lambda response: (-abs(response.shift), response.case_id),
        )[:MOST_MOVED],
        confusion=confusion,
    )


def _judged_models(responses: Sequence[JudgedResponse]) -> list[JudgedModel]:
    """Every model's score and rank under each judge, best first under the first."""
    models: dict[str, dict[str, list[JudgedResponse]]] = {}
    for one in responses:
        models.setdefault(one.model, {}).setdefault(one.case_id, []).append(one)

    def scores(points: Callable[[JudgedResponse], float]) -> dict[str, Estimate]:
        return {
            name: mean_estimate(
                [mean_of([*map(points, case)]) / MAX_POINTS for case in cases.values()]
            )
            for name, cases in models.items()
        }

    def rank(name: str, among: Mapping[str, Estimate]) -> int:
        own = among[name].value + 1e-12  # more than the noise of a mean
        return 1 + sum(other.value > own for other in among.values())

    first, second = scores(lambda one: one.first), scores(lambda one: one.second)
    return [
        JudgedModel(
            model=name,
            responses=sum(map(len, models[name].values())),
            first=first[name],
            second=second[name],
            first_rank=rank(name, first),
            second_rank=rank(name, second),
        )
        for name in sorted(models, key=lambda name: -first[name].value)
    ]
