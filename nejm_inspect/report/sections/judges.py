"""Two judges of the same responses: how far they agree."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.agreement import quadratic_weighted_kappa
from nejm_inspect.metrics import APART
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.comparing import distinct_runs
from nejm_inspect.report.estimates import spread
from nejm_inspect.report.figures import Figure, matrix
from nejm_inspect.report.formats import counted, decimals, percent, signed_points
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import (
    Estimate,
    difference_estimate,
    mean_estimate,
    rate_estimate,
)
from nejm_inspect.report.table import POINTS, Table
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("first_judge", "second_judge")
MOST_MOVED = 10  # responses that are listed
AGREEMENT = "responses cases scored_once weighted_kappa shift same_points apart"
NOTE = (
    "Kappa: Cohen's with quadratic weights (1968). Shift: mean over cases of the "
    f"second judge's points less the first's. Apart: by more than {APART} "
    "points. That judges agree does not make them right: the judge's exam tells more "
    "of that."
)


def section(chapter: Chapter) -> Section | None:
    """Agreement, each model's score under both, and what moved most."""
    import pandas as pd

    if chapter.topic != "judges":
        return None
    judges = chapter.runs["judge"].unique()
    every = _responses(chapter, judges)
    both = every.dropna(subset=list(SIDES))
    if both.empty:
        return Section("Agreement", lead="The judges have no scored response in common.")
    of = {f"{side}_name": judge for side, judge in zip(SIDES, judges, strict=True)}
    one = _agreement(both) | {"scored_once": len(every) - len(both)} | of
    caption = "Agreement of the two judges"
    table = Table("judges", caption, pd.DataFrame([one]), AGREEMENT.split())
    models = _models(chapter, both).assign(**of)
    columns = ["name", "responses", *(f"{s}{end}" for s in SIDES for end in ("", "_rank"))]
    scored = Table("judge_models", "Scores and ranks under each judge", models, columns)
    furthest = both["moved"].abs().sort_values(ascending=False, kind="stable").index
    moved = both.loc[furthest].query("moved != 0").head(MOST_MOVED)
    named = {side: f"{POINTS}{side.replace('_', ' ')}" for side in SIDES}
    columns = ["case_id", "name", *named.values(), "moved"]
    moved = moved.rename(columns=named)[columns].assign(**of)
    caption = "Responses that moved most"
    responses = Table("judge_responses", caption, moved, columns, most_points=MAX_POINTS)
    axes = [f"points from the {side.replace('_', ' ')}" for side in SIDES]
    labels = [str(points) for points in range(MAX_POINTS + 1)]
    draw = partial(matrix, _counts(both), labels, *axes)
    caption = "Each cell: a number of responses; a panel's half points are rounded down."
    figure = Figure("judges", "Points by two judges", caption, table, draw)
    lead = "First judge: {}. Second judge: {}.".format(*judges)
    tables = [table, scored, responses]
    return Section("Agreement", tables, [figure], [NOTE], [_finding(one, models)], lead)


def _responses(chapter: Chapter, judges: Any) -> "pd.DataFrame":
    """A row a response, with the points from either judge; no row without a judge."""
    runs = chapter.runs
    sides: list[Any] = []
    for judge, side in zip(judges, SIDES, strict=True):
        kept = distinct_runs(runs[runs["judge"] == judge])
        if not sides and not chapter.options.repeats:
            kept = kept.drop_duplicates("name", keep="last")
        rows = chapter.responses[chapter.responses["run"].isin(kept.index)]
        rows = rows[rows["attempts"] != 0]  # else no judge was asked
        rows = rows.assign(eval_id=rows["run"].map(runs["eval_id"]))
        keys = ["eval_id", "name", "case_id", "epoch"]
        sides.append(rows.set_index(keys)["points"].rename(side))
    found: pd.DataFrame = sides[0].to_frame().join(sides[1], how="left").reset_index()
    found = found.dropna(subset=list(SIDES), how="all")
    return found.assign(moved=found[SIDES[1]] - found[SIDES[0]])


def _agreement(both: "pd.DataFrame") -> dict[str, Any]:
    shift = difference_estimate(both.groupby("case_id")["moved"].mean() / MAX_POINTS)
    units = len(both[["name", "case_id"]].drop_duplicates())
    same, apart = both["moved"].eq(0), both["moved"].abs() > APART
    found: dict[str, Any] = {"responses": len(both)}
    found["cases"] = both["case_id"].nunique()
    found["weighted_kappa"] = quadratic_weighted_kappa(_counts(both))
    found |= spread("shift", Estimate(*(MAX_POINTS * number for number in shift)))
    found |= spread("same_points", rate_estimate(same, both["case_id"], units))
    return found | spread("apart", rate_estimate(apart, both["case_id"], units))


def _counts(both: "pd.DataFrame") -> list[list[int]]:
    counts = [[0] * (MAX_POINTS + 1) for _ in range(MAX_POINTS + 1)]
    for first, second in zip(*(both[side] for side in SIDES), strict=True):
        counts[int(first)][int(second)] += 1
    return counts


def _models(chapter: Chapter, both: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for name, some in both.groupby("name"):
        shares: Any = some.groupby("case_id")[list(SIDES)].mean() / MAX_POINTS
        found: dict[str, Any] = {"name": name, "responses": len(some)}
        found["colour"] = chapter.colour(str(name))
        for side in SIDES:
            found |= spread(side, mean_estimate(shares[side]))
        rows.append(found)
    models = pd.DataFrame(rows).sort_values(SIDES[0], ascending=False, kind="stable")
    for side in SIDES:  # rounded by more than the noise of a mean
        models[f"{side}_rank"] = models[side].round(9).rank(ascending=False, method="min")
    return models


def _finding(one: dict[str, Any], models: "pd.DataFrame") -> Finding:
    ranks = [f"{side}_rank" for side in SIDES]
    changes = [
        f"{name} from {first:.0f} to {second:.0f}"
        for name, first, second in models[["name", *ranks]].itertuples(index=False)
        if first != second
    ]
    lead = f"The second judge gives {signed_points(one['shift'])} points on average"
    told = (
        f" and is apart from the first on {percent(one['apart'])} of "
        f"{counted(one['responses'], 'response')} (weighted kappa "
        f"{decimals(one['weighted_kappa'])}). "
    )
    told += f"Ranks change: {', '.join(changes)}." if changes else "No rank changes."
    return Finding(lead, told)
