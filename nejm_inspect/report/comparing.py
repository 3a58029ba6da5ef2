"""From runs to the contents of a report: what may be compared, and how it compares."""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from nejm_inspect.cases.schema import DIFFICULTIES, levels_of
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.ablation import find_ablations
from nejm_inspect.report.contents import (
    BANDS,
    Breakdown,
    BreakdownRow,
    CaseRow,
    CaseTexts,
    Comparison,
    Exam,
    LeaderboardRow,
    Power,
    Report,
)
from nejm_inspect.report.cutoffs import split_at
from nejm_inspect.report.entrants import (
    CasePoints,
    Entrant,
    entrants_of,
    mean_of,
    pair_of,
    points_by_case,
    score_estimate,
    shared_cases,
    shares_of,
)
from nejm_inspect.report.exams import exam_notes
from nejm_inspect.report.judges import compare_judges, judged_twice
from nejm_inspect.report.panels import panel_rows
from nejm_inspect.report.reading import NO_SOLVER, Run
from nejm_inspect.report.statistics import (
    adjust_pairs,
    outright_wins,
    power_of,
    rank_ranges,
    rate_estimate,
)

BAND_FLOORS = dict(zip(BANDS, (10, 7, 4, 1, 0), strict=True))
"""The fewest points of each band."""

WIDE_INTERVALS_BELOW = 200
"""Below so many cases the report says that its intervals are wide."""


def build_report(
    runs: Sequence[Run],
    *,
    baseline: str | None = None,
    repeats: bool = False,
    cutoffs: Mapping[str, datetime.date] | None = None,
    judges: bool = False,
    exams: Sequence[Exam] = (),
    with_texts: bool = False,
) -> Report:
    """Groups the runs that may be compared and compares them.

    Args:
        runs: The runs, oldest first.
        baseline: A model to compare all others with, instead of every pair.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.
        cutoffs: Models' training cut-offs.
        judges: Whether to compare judges that scored the same responses.
        exams: The exams of judges, to be shown beside.
        with_texts: Whether the cases' rows hold texts.

    Raises:
        NejmInspectError: If `baseline` or a model of `cutoffs` is not among the runs,
            or there are no judges to compare.
    """
    groups = _comparable(runs)
    known = {run.model for run in runs}
    for model in (*([baseline] if baseline else []), *(cutoffs or {})):
        if model not in known:
            names = ", ".join(sorted(known))
            raise NejmInspectError(f"No log is of {model!r}. There are: {names}.")
    settings = [group[0].settings for group in groups]
    comparisons = [
        _compare(title, group, baseline, repeats, cutoffs or {}, with_texts)
        for title, group in zip(_titles(settings), groups, strict=True)
    ]
    ablations = find_ablations(runs, repeats)
    remedies = {}
    if judges:
        remedies["judge"] = " The judges are compared in a section of their own."
    elif judged_twice(runs):
        remedies["judge"] = " --judges compares judges response by response."
    if ablations:
        remedies["inputs"] = " What image and text add has a section of its own."
    return Report(
        comparisons=comparisons,
        created=datetime.datetime.now(datetime.UTC),
        with_texts=with_texts,
        notes=[
            *_differences(settings, remedies),
            *exam_notes(comparisons, exams),
        ],
        ablations=ablations,
        judge_pairs=compare_judges(runs, repeats) if judges else (),
        exams=exams,
    )


def _comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """Groups the runs that may stand in one table.

    A baseline, which asks no model, has neither solver nor inputs that could differ: it
    stands beside all runs that it otherwise agrees with.
    """
    asking = ("solver", "inputs")
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        if run.settings["solver"] != NO_SOLVER:
            groups.setdefault(run.settings_but(), []).append(run)
    asked = list(groups.values())
    for run in runs:
        if run.settings["solver"] == NO_SOLVER:
            alike = [
                group
                for group in asked
                if group[0].settings_but(*asking) == run.settings_but(*asking)
            ]
            for group in alike or [groups.setdefault(run.settings_but(), [])]:
                group.append(run)
    return list(groups.values())


def _differences(
    groups: Sequence[Mapping[str, str]], remedies: Mapping[str, str]
) -> list[str]:
    """Why the runs are not all in one table, and what to do by what they differ in."""
    if len(groups) < 2:
        return []
    notes = []
    for setting in groups[0]:
        values = list(dict.fromkeys(group[setting] for group in groups))
        if len(values) > 1:
            notes.append(
                f"These logs differ in {setting} ({'; '.join(values)}) and are not in "
                "one table, since their scores are not comparable."
                + remedies.get(setting, "")
            )
    return notes


def _titles(groups: Sequence[Mapping[str, str]]) -> list[str]:
    """Task, cases, and whatever else tells one table of the task from another."""

    def title(group: Mapping[str, str]) -> str:
        same_task = [other for other in groups if other["task"] == group["task"]]
        telling = [
            f"{setting}: {value}"
            for setting, value in group.items()
            if setting not in ("task", "cases")
            and any(other[setting] != value for other in same_task)
        ]
        return "; ".join([f"{group['task']}: {group['cases']}", *telling])

    return [title(group) for group in groups]


def _compare(
    title: str,
    runs: Sequence[Run],
    baseline: str | None,
    repeats: bool,
    cutoffs: Mapping[str, datetime.date],
    with_texts: bool,
) -> Comparison:
    entrants, notes = entrants_of(runs, repeats)
    rows = {name: entrant.rows for name, entrant in entrants.items()}
    points = {name: points_by_case(responses) for name, responses in rows.items()}
    properties = _case_properties(rows)
    case_ids = frozenset().union(*(run.case_ids for run in runs))
    scale = next(iter(entrants.values())).scale
    order = sorted(
        rows,
        key=lambda name: (
            -mean_of(shares_of(points[name], points[name], scale), default=-1)
        ),
    )
    all_pairs = adjust_pairs(
        [pair_of(a, b, points, scale) for a, b in combinations(order, 2)]
    )
    scored = [name for name in order if points[name]]
    ranks = rank_ranges(scored, all_pairs)
    leaderboard = [
        _leaderboard_row(
            entrants[name], rows[name], points[name], case_ids, ranks.get(name)
        )
        for name in order
    ]
    models = {name: entrant.runs[0].model for name, entrant in entrants.items()}
    cutoffs = {m: day for m, day in cutoffs.items() if m in models.values()}
    asked = [n for n in order if entrants[n].runs[0].settings["solver"] != NO_SOLVER]
    baseline_names = {name for name, model in models.items() if model == baseline}
    pairs = (
        adjust_pairs([p for p in all_pairs if {p.first, p.second} & baseline_names])
        if baseline_names
        else all_pairs
    )
    shared = sorted(frozenset(case_ids).intersection(*points.values()))
    wins, ties = outright_wins(
        {name: [mean_of(points[name][case]) for case in shared] for name in order}
    )
    return Comparison(
        title=title,
        kind=runs[0].kind,
        settings=runs[0].settings,
        leaderboard=leaderboard,
        pairs=pairs,
        cases=_case_rows(properties, rows, points, order, with_texts),
        breakdowns=_breakdowns(properties, points, order, scale, cutoffs),
        outright_wins=wins,
        ties_for_best=ties,
        shared_cases=len(shared),
        power=_power(asked, points, scale),
        notes=[
            *notes,
            *(note for entrant in entrants.values() for note in _run_notes(entrant)),
            *_warnings(leaderboard, len(case_ids)),
        ],
        judges=runs[0].judges,
        cutoffs=[
            split_at(cutoffs[models[name]], name, points[name], scale, properties)
            for name in order
            if models[name] in cutoffs
        ],
        panel=panel_rows(rows, order),
    )


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


def _leaderboard_row(
    entrant: Entrant,
    responses: Sequence[Mapping[str, Any]],
    points: CasePoints,
    case_ids: frozenset[str],
    rank: tuple[int, int] | None,
) -> LeaderboardRow:
    scored = [value for values in points.values() for value in values]
    is_points = entrant.runs[0].kind == "points"
    rate = rate_estimate(
        [[value == entrant.scale for value in values] for values in points.values()]
    )
    verbatim: dict[str, list[bool]] = {}
    for row in responses:
        if row["verbatim"] is not None:
            verbatim.setdefault(row["case_id"], []).append(row["verbatim"])
    costs = [run.cost for run in entrant.runs if run.cost is not None]
    return LeaderboardRow(
        model=entrant.name,
        rank=rank,
        overall=score_estimate(points, points, entrant.scale),
        exact=rate if is_points else None,
        exact_count=sum(value == entrant.scale for value in scored),
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
        verbatim=rate_estimate(list(verbatim.values())) if verbatim else None,
        same_vendor=list(
            dict.fromkeys(
                judge for row in responses for judge in row["same_vendor"] or ()
            )
        ),
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
    points: Mapping[str, CasePoints],
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
                    name: mean_of(points[name][case_id])
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
    points: Mapping[str, CasePoints],
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
    points: Mapping[str, CasePoints],
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
        reader_accuracy=mean_of(accuracies) if accuracies else None,
        scores={
            name: score_estimate(found, points[name], scale)
            for name, found in scored.items()
            if found
        },
    )


def _power(
    order: Sequence[str],
    points: Mapping[str, CasePoints],
    scale: int,
) -> Power | None:
    if len(order) < 2:
        return None
    first, second = order[:2]
    shared = shared_cases(points[first], points[second])
    return power_of(
        *(shares_of(shared, points[name], scale) for name in (first, second))
    )


def _warnings(leaderboard: Sequence[LeaderboardRow], cases: int) -> list[str]:
    notes = []
    for row in leaderboard:
        if row.same_vendor:
            notes.append(
                f"{row.model} is judged by {' and '.join(row.same_vendor)}, of the "
                "same vendor: judges may prefer answers of their own family "
                "(Panickssery et al. 2024, arXiv 2404.13076). Its score may be too "
                "high by that."
            )
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
