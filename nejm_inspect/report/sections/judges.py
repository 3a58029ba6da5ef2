"""Two judges of the same responses: how far they agree."""

from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.agreement import quadratic_weighted_kappa
from nejm_inspect.metrics import DISAGREEMENT
from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter, distinct_runs
from nejm_inspect.report.estimates import spread
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import counted, decimals, percent, signed_points
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import (
    difference_estimate,
    mean_estimate,
    rate_estimate,
)
from nejm_inspect.report.table import (
    Table,
    estimate,
    model,
    number,
    points_column,
    text,
)
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

MOST_MOVED = 10
"""How many of the responses that moved most are listed."""


def section(chapter: Chapter) -> Section | None:
    """Agreement, each model's score under both, and what moved most."""
    if chapter.topic != "judges":
        return None
    import pandas as pd

    first, second = chapter.runs["judge"].unique()
    every = _responses(chapter, first, second)
    both = every.dropna(subset=["first", "second"])
    if both.empty:
        return Section("Agreement", "The two judges have no scored response in common.")
    one = _agreement(both) | {"scored_once": len(every) - len(both)}
    counts = _counts(both)
    models, moved = _models(both), both[both["shift"] != 0]
    moved = moved.reindex(
        moved["shift"].abs().sort_values(ascending=False, kind="stable").index
    )
    caption = "Agreement of the two judges"
    judges = {"first_judge": first, "second_judge": second}
    return Section(
        title="Agreement",
        lead=f"First judge: {first}. Second judge: {second}.",
        figures=[
            Figure(
                name="judges",
                title="Points by two judges",
                caption="Each cell: responses with so many points from the first judge "
                "(row) and the second (column); a panel's half points are rounded down.",
                table=caption,
                draw=partial(
                    figures.matrix,
                    counts,
                    [str(n) for n in range(MAX_POINTS + 1)],
                    "points from the first judge",
                    "points from the second judge",
                ),
            )
        ],
        tables=[
            Table(
                name="judges",
                caption=caption,
                frame=pd.DataFrame([judges | one]),
                columns=[
                    *(number("Responses", "responses"), number("Cases", "cases")),
                    number("Scored by one only", "scored_once"),
                    number("Weighted kappa", "kappa", decimals),
                    estimate("Shift, points", "shift", decimals, decimals),
                    *(estimate("Same points", "same"), estimate("Apart", "apart")),
                ],
            ),
            Table(
                name="judge_models",
                caption="Scores and ranks under each judge",
                frame=models.assign(
                    **judges, colour=models["name"].map(chapter.colour)
                ),
                columns=[
                    *(model(), number("Responses", "responses")),
                    *(estimate("First judge", "first"), number("Rank", "first_rank")),
                    *(
                        estimate("Second judge", "second"),
                        number("Rank", "second_rank"),
                    ),
                ],
            ),
            Table(
                name="judge_responses",
                caption="Responses that moved most",
                frame=moved.head(MOST_MOVED).assign(**judges),
                columns=[
                    *(text("Case", "case_id"), model()),
                    points_column("First judge", "first", MAX_POINTS),
                    points_column("Second judge", "second", MAX_POINTS),
                    number("Second less first", "shift", signed_points),
                ],
            ),
        ],
        notes=[
            "Kappa: Cohen's with quadratic weights (1968). Shift: mean over cases of the "
            "second judge's points less the first's. Apart: by more than "
            f"{DISAGREEMENT} points. That judges agree does not make them right: the "
            "judge's exam tells more of that."
        ],
        findings=[_finding(one, models)],
    )


def _responses(chapter: Chapter, first: str, second: str) -> "pd.DataFrame":
    """A row a response, with the points from either judge; no row without a judge."""
    runs = chapter.runs
    sides = []
    for judge, side in ((first, "first"), (second, "second")):
        kept = distinct_runs(runs[runs["judge"] == judge])
        if side == "first" and not chapter.options.repeats:
            kept = kept.drop_duplicates("name", keep="last")
        rows = chapter.responses[chapter.responses["run"].isin(kept.index)]
        rows = rows[rows["attempts"] != 0]  # else no judge was asked
        rows = rows.assign(eval_id=rows["run"].map(runs["eval_id"]))
        keyed = rows.set_index(["eval_id", "name", "case_id", "epoch"])["points"]
        sides.append(keyed.rename(side))
    found = sides[0].to_frame().join(sides[1], how="left").reset_index()
    found = found[found["first"].notna() | found["second"].notna()]
    return found.assign(shift=found["second"] - found["first"])


def _agreement(both: "pd.DataFrame") -> dict[str, Any]:
    shift = both.groupby("case_id")["shift"].mean() / MAX_POINTS
    pairs = len(both[["name", "case_id"]].drop_duplicates())
    mean = [MAX_POINTS * bound for bound in difference_estimate(shift)]
    apart = both["shift"].abs() > DISAGREEMENT
    return {
        "responses": len(both),
        "cases": len(shift),
        "kappa": quadratic_weighted_kappa(_counts(both)),
        **dict(zip(("shift", "shift_lower", "shift_upper"), mean, strict=True)),
        **spread("same", rate_estimate(both["shift"] == 0, both["case_id"], pairs)),
        **spread("apart", rate_estimate(apart, both["case_id"], pairs)),
    }


def _counts(both: "pd.DataFrame") -> list[list[int]]:
    counts = [[0] * (MAX_POINTS + 1) for _ in range(MAX_POINTS + 1)]
    for first, second in zip(both["first"], both["second"], strict=True):
        counts[int(first)][int(second)] += 1
    return counts


def _models(both: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for name, some in both.groupby("name"):
        shares = some.groupby("case_id")[["first", "second"]].mean() / MAX_POINTS
        found = {"name": name, "responses": len(some)}
        for side in ("first", "second"):
            found |= spread(side, mean_estimate(shares[side]))
        rows.append(found)
    models = pd.DataFrame(rows).sort_values("first", ascending=False, kind="stable")
    for side in ("first", "second"):  # rounded by more than the noise of a mean
        models[f"{side}_rank"] = (
            models[side].round(9).rank(ascending=False, method="min")
        )
    return models


def _finding(one: dict[str, Any], models: "pd.DataFrame") -> Finding:
    moved = models[models["first_rank"] != models["second_rank"]]
    ranks = ", ".join(
        f"{row['name']} from {row['first_rank']:.0f} to {row['second_rank']:.0f}"
        for row in moved.to_dict("records")
    )
    return Finding(
        f"The second judge gives {signed_points(one['shift'])} points on average",
        f" and is apart from the first on {percent(one['apart'])} of "
        f"{counted(one['responses'], 'response')} (weighted kappa {decimals(one['kappa'])}). "
        + (f"Ranks change: {ranks}." if ranks else "No rank changes."),
    )
