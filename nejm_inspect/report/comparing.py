"""From runs to the contents of a report: what may be compared, and how it compares."""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.contents import (
    BANDS,
    Breakdown,
    BreakdownRow,
    CaseRow,
    CaseTexts,
    Comparison,
    LeaderboardRow,
    PairedComparison,
    Power,
    Report,
)
from nejm_inspect.report.reading import Run
from nejm_inspect.report.statistics import (
    adjust_pairs,
    compare_pair,
    mean_estimate,
    outright_wins,
    power_of,
    proportion_estimate,
    rank_ranges,
)
from nejm_inspect.rubric import MAX_POINTS

BAND_FLOORS = dict(zip(BANDS, (10, 7, 4, 1, 0), strict=True))
"""The fewest points of each band."""

WIDE_INTERVALS_BELOW = 200
"""Below so many cases the report says that its intervals are wide."""


@dataclass(frozen=True)
class Entrant:
    """A model in a comparison, with one run or, as repeats, several."""

    name: str
    runs: Sequence[Run]

    @property
    def scale(self) -> int:
        """What a perfect response is worth."""
        return MAX_POINTS if self.runs[0].kind == "points" else 1

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All responses, missing values as None."""
        return [
            {str(key): value for key, value in row.items()}
            for run in self.runs
            for row in run.responses.astype(object)
            .where(run.responses.notna(), None)
            .to_dict("records")
        ]


def build_report(
    runs: Sequence[Run],
    *,
    baseline: str | None = None,
    repeats: bool = False,
    cutoffs: Mapping[str, datetime.date] | None = None,
    with_texts: bool = False,
) -> Report:
    """Groups the runs that may be compared and compares them.

    Args:
        runs: The runs, oldest first.
        baseline: A model to compare all others with, instead of every pair.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.
        cutoffs: Models' training cut-offs.
        with_texts: Whether the cases' rows hold texts.

    Raises:
        NejmInspectError: If `baseline` or a model of `cutoffs` is not among the runs.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(run.settings.items()), []).append(run)
    known = {run.model for run in runs}
    for model in (*([baseline] if baseline else []), *(cutoffs or {})):
        if model not in known:
            names = ", ".join(sorted(known))
            raise NejmInspectError(f"No log is of {model!r}. There are: {names}.")
    comparisons = [
        _compare(group, baseline, repeats, cutoffs or {}, with_texts)
        for group in groups.values()
    ]
    return Report(
        comparisons=comparisons,
        created=datetime.datetime.now(datetime.UTC),
        with_texts=with_texts,
        notes=_differences([dict(settings) for settings in groups]),
    )


def _differences(groups: Sequence[Mapping[str, str]]) -> list[str]:
    """Why the runs are not all in one table."""
    if len(groups) < 2:
        return []
    notes = []
    for setting in groups[0]:
        values = list(dict.fromkeys(group[setting] for group in groups))
        if len(values) > 1:
            notes.append(
                f"These logs differ in {setting} ({'; '.join(values)}) and are not in "
                "one table, since their scores are not comparable."
            )
    return notes


def _compare(
    runs: Sequence[Run],
    baseline: str | None,
    repeats: bool,
    cutoffs: Mapping[str, datetime.date],
    with_texts: bool,
) -> Comparison:
    entrants, notes = _entrants(runs, repeats)
    rows = {entrant.name: entrant.rows for entrant in entrants}
    points = {name: _points_by_case(responses) for name, responses in rows.items()}
    properties = _case_properties(rows)
    case_ids = frozenset().union(*(run.case_ids for run in runs))
    scale = entrants[0].scale
    order = sorted(
        rows,
        key=lambda name: (
            -_mean(_shares_of(points[name], points[name], scale), default=-1)
        ),
    )
    all_pairs = adjust_pairs(
        [_pair(a, b, points, scale) for a, b in combinations(order, 2)]
    )
    scored = [name for name in order if points[name]]
    ranks = rank_ranges(scored, all_pairs)
    by_name = {entrant.name: entrant for entrant in entrants}
    leaderboard = [
        _leaderboard_row(
            by_name[name], rows[name], points[name], case_ids, ranks.get(name)
        )
        for name in order
    ]
    baseline_names = {e.name for e in entrants if e.runs[0].model == baseline}
    pairs = (
        adjust_pairs([p for p in all_pairs if {p.first, p.second} & baseline_names])
        if baseline_names
        else all_pairs
    )
    shared = sorted(frozenset(case_ids).intersection(*points.values()))
    wins, ties = outright_wins(
        {name: [_mean(points[name][case]) for case in shared] for name in order}
    )
    return Comparison(
        title=f"{runs[0].settings['task']}: {runs[0].settings['cases']}",
        kind=runs[0].kind,
        settings=runs[0].settings,
        leaderboard=leaderboard,
        pairs=pairs,
        cases=_case_rows(properties, rows, points, order, with_texts),
        breakdowns=_breakdowns(properties, points, order, scale, cutoffs),
        outright_wins=wins,
        ties_for_best=ties,
        shared_cases=len(shared),
        power=_power(order, points, scale),
        notes=[
            *notes,
            *(note for entrant in entrants for note in _run_notes(entrant)),
            *_warnings(leaderboard, len(case_ids)),
        ],
    )


def _entrants(runs: Sequence[Run], repeats: bool) -> tuple[list[Entrant], list[str]]:
    """The models to compare, and what was done about several runs of one."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.model, repr(sorted(run.variant.items()))), []).append(
            run
        )
    models = [model for model, _ in grouped]
    entrants, notes = [], []
    for (model, _), same in grouped.items():
        name = model
        if models.count(model) > 1:
            setting = ", ".join(f"{k}={v}" for k, v in same[0].variant.items())
            name = f"{model} ({setting or 'default settings'})"
        if len(same) > 1 and repeats:
            notes.append(f"{name}: {len(same)} runs, taken together as repeats.")
        elif len(same) > 1:
            newest = f"{same[-1].created:%Y-%m-%d %H:%M} UTC"
            notes.append(
                f"{name}: the newest of {len(same)} runs ({newest}) is shown; "
                "--repeats takes all."
            )
            same = same[-1:]
        entrants.append(Entrant(name, same))
    return entrants, notes


def _run_notes(entrant: Entrant) -> list[str]:
    notes = []
    for run in entrant.runs:
        if not run.finished:
            notes.append(f"{entrant.name}: its run has not finished.")
        if run.skipped:
            notes.append(
                f"{entrant.name}: {len(run.skipped)} cases were left out for want of "
                "an image."
            )
        if run.judged_again:
            notes.append(
                f"{entrant.name}: its log was judged again and holds several scores; "
                "the first is shown."
            )
    return notes


def _points_by_case(responses: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The points of each case that has any, one for every scored response."""
    found: dict[str, list[float]] = {}
    for row in responses:
        if row["points"] is not None:
            found.setdefault(row["case_id"], []).append(row["points"])
    return found


def _mean(values: Sequence[float], default: float = math.nan) -> float:
    return math.fsum(values) / len(values) if values else default


def _shares_of(
    cases: Iterable[str], points: Mapping[str, Sequence[float]], scale: int
) -> list[float]:
    """The cases' mean points as a share of the attainable."""
    return [_mean(points[case]) / scale for case in cases]


def _shared_cases(
    first: str, second: str, points: Mapping[str, Mapping[str, Sequence[float]]]
) -> list[str]:
    return sorted(points[first].keys() & points[second].keys())


def _pair(
    first: str,
    second: str,
    points: Mapping[str, Mapping[str, Sequence[float]]],
    scale: int,
) -> PairedComparison:
    shared = _shared_cases(first, second, points)

    def exact(name: str) -> list[bool]:
        return [points[name][case][0] == scale for case in shared]

    pair = compare_pair(
        first,
        second,
        *(_shares_of(shared, points[name], scale) for name in (first, second)),
        *(exact(name) for name in (first, second)),
    )
    if any(len(points[name][case]) > 1 for name in (first, second) for case in shared):
        # McNemar's test is of one response to a case against one.
        pair = replace(pair, p_exact=math.nan, p_exact_adjusted=math.nan)
    return pair


def _leaderboard_row(
    entrant: Entrant,
    responses: Sequence[Mapping[str, Any]],
    points: Mapping[str, Sequence[float]],
    case_ids: frozenset[str],
    rank: tuple[int, int] | None,
) -> LeaderboardRow:
    scored = [value for values in points.values() for value in values]
    exact = sum(value == entrant.scale for value in scored)
    is_points = entrant.runs[0].kind == "points"
    # Repeated answers to a case are no independent trials: then a mean over cases.
    rate = (
        proportion_estimate(exact, len(scored))
        if len(scored) == len(points)
        else mean_estimate(
            [_mean([value == entrant.scale for value in p]) for p in points.values()]
        )
    )
    costs = [run.cost for run in entrant.runs if run.cost is not None]
    return LeaderboardRow(
        model=entrant.name,
        rank=rank,
        overall=mean_estimate(_shares_of(points, points, entrant.scale))
        if is_points
        else rate,
        exact=rate if is_points else None,
        exact_count=exact,
        responses=len(scored),
        cases=len(points),
        bands=_bands(scored) if is_points else {},
        unscored=sum(bool(row["unscored"]) for row in responses),
        errors=sum(bool(row["error"]) for row in responses),
        missing=len(case_ids - points.keys()),
        input_tokens=sum(run.input_tokens for run in entrant.runs),
        output_tokens=sum(run.output_tokens for run in entrant.runs),
        cost=sum(costs) if len(costs) == len(entrant.runs) else None,
        seconds=math.fsum(run.seconds for run in entrant.runs),
    )


def _bands(scored: Iterable[float]) -> dict[str, int]:
    counts = dict.fromkeys(BANDS, 0)
    for points in scored:
        band = next(band for band, floor in BAND_FLOORS.items() if points >= floor)
        counts[band] += 1
    return counts


def _case_rows(
    properties: Mapping[str, Mapping[str, Any]],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    points: Mapping[str, Mapping[str, Sequence[float]]],
    order: Sequence[str],
    with_texts: bool,
) -> list[CaseRow]:
    # Of several epochs, the first one's texts.
    first = {
        name: {row["case_id"]: row for row in reversed(rows[name])} for name in order
    }
    cases = []
    for case_id, case in properties.items():
        texts = None
        if with_texts:
            own = {n: first[n][case_id] for n in order if case_id in first[n]}
            texts = CaseTexts(
                history=case["history"],
                reference=case["reference"],
                answers={name: row["answer"] for name, row in own.items()},
                reasoning={name: row["reasoning"] for name, row in own.items()},
            )
        cases.append(
            CaseRow(
                case_id=case_id,
                date=case["date"] or "",
                difficulty=case["difficulty"] or "",
                brier_score=case["brier_score"],
                question_type=case["question_type"] or "",
                reader_accuracy=case["reader_accuracy"],
                points={
                    name: _mean(points[name][case_id])
                    if case_id in points[name]
                    else None
                    for name in order
                },
                texts=texts,
            )
        )
    return sorted(cases, key=lambda c: (c.brier_score or 0, c.case_id))


def _case_properties(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Mapping[str, Any]]:
    """One response of each case, for what they all say of it."""
    return {row["case_id"]: row for responses in rows.values() for row in responses}


def _breakdowns(
    properties: Mapping[str, Mapping[str, Any]],
    points: Mapping[str, Mapping[str, Sequence[float]]],
    order: Sequence[str],
    scale: int,
    cutoffs: Mapping[str, datetime.date],
) -> list[Breakdown]:

    def breakdown(
        title: str,
        groups_of: Callable[[Mapping[str, Any]], Sequence[str]],
        note: str = "",
    ) -> Breakdown:
        members: dict[str, list[str]] = {}
        for case_id, case in properties.items():
            for group in groups_of(case):
                members.setdefault(group, []).append(case_id)
        return Breakdown(
            title,
            [
                _breakdown_row(group, members[group], properties, points, order, scale)
                for group in sorted(members, key=_group_order)
            ],
            note,
        )

    def difficulty(case: Mapping[str, Any]) -> Sequence[str]:
        return levels_of(case["difficulty"]) if case["difficulty"] else ()

    def year(case: Mapping[str, Any]) -> list[str]:
        if case["year"] is None:
            return []
        passed = [m for m, day in cutoffs.items() if day.year == int(case["year"])]
        mark = f" (training cut-off: {', '.join(passed)})" if passed else ""
        return [f"{int(case['year'])}{mark}"]

    known = "; ".join(f"{model} {day.isoformat()}" for model, day in cutoffs.items())
    found = [
        breakdown("By difficulty", difficulty, "Hard includes the expert cases."),
        breakdown(
            "By question type",
            lambda case: [case["question_type"]] if case["question_type"] else [],
        ),
        breakdown(
            "By year of the case",
            year,
            f"Training cut-offs as given: {known}." if known else "",
        ),
    ]
    return [one for one in found if one.rows]


def _group_order(group: str) -> tuple[int, str]:
    levels: Sequence[str] = DIFFICULTIES
    return (levels.index(group) if group in levels else len(levels), group)


def _breakdown_row(
    group: str,
    case_ids: Sequence[str],
    properties: Mapping[str, Mapping[str, Any]],
    points: Mapping[str, Mapping[str, Sequence[float]]],
    order: Sequence[str],
    scale: int,
) -> BreakdownRow:
    accuracies = [
        properties[case]["reader_accuracy"]
        for case in case_ids
        if properties[case]["reader_accuracy"] is not None
    ]
    scored = {
        name: [case for case in case_ids if case in points[name]] for name in order
    }
    return BreakdownRow(
        group=group,
        cases=len(case_ids),
        reader_accuracy=_mean(accuracies) if accuracies else None,
        scores={
            name: mean_estimate(_shares_of(found, points[name], scale))
            for name, found in scored.items()
            if found
        },
    )


def _power(
    order: Sequence[str],
    points: Mapping[str, Mapping[str, Sequence[float]]],
    scale: int,
) -> Power | None:
    if len(order) < 2:
        return None
    first, second = order[:2]
    shared = _shared_cases(first, second, points)
    return power_of(
        *(_shares_of(shared, points[name], scale) for name in (first, second))
    )


def _warnings(leaderboard: Sequence[LeaderboardRow], cases: int) -> list[str]:
    notes = []
    for row in leaderboard:
        if row.missing:
            notes.append(
                f"{row.model} has no score for {row.missing} of {cases} cases "
                f"({row.errors} errors, {row.unscored} unscored responses). It is "
                "compared on the cases that it shares with others only."
            )
        elif row.unscored or row.errors:
            notes.append(
                f"{row.model}: {row.unscored} responses unscored, {row.errors} errors."
            )
        if row.responses > row.cases:
            notes.append(
                f"{row.model}: {row.responses} responses to {row.cases} cases. A case "
                "counts with its mean, and exactness is not tested between models."
            )
    if cases < WIDE_INTERVALS_BELOW:
        notes.append(
            f"{cases} cases leave wide intervals: mind them, and the paired "
            "comparisons, rather than the order of the table."
        )
    return notes
