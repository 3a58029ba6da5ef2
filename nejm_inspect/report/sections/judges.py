"""How far judges agree: those of a panel, or two that judged the same responses."""

from functools import partial
from typing import Any

import pandas as pd

from nejm_inspect.judge_exam.agreement import quadratic_weighted_kappa
from nejm_inspect.metrics import APART, ordinal_alpha
from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import point_counts, verdicts
from nejm_inspect.report.formats import bounds, counted, decimals, percent, signed_points
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.report.table import POINTS
from nejm_inspect.rubric import MAX_POINTS

NOTE = (
    "Responses: those with two valid verdicts or more. Alpha: Krippendorff's for ordinal ratings; "
    f"1 if judges always agree, 0 if as by chance. Apart: by more than {APART} points. Of two "
    "judges: Cohen's kappa with quadratic weights (1968); shift, the mean over cases of the second "
    "judge's points less the first's. Scores: over a judge's own verdicts. Agreement does not make "
    "judges right: the judge's exam tells more of that."
)


def section(chapter: Chapter) -> Section | None:
    """Agreement by model, each judge's scores, and what moved most."""
    given = verdicts(chapter)
    if given.empty:
        return None
    judges, models = [*given], [n for n in chapter.order if n in given.index.get_level_values(0)]
    groups = {name: given.loc[[name]] for name in models} | {"all models": given}
    rows = [{"name": name} | _agreement(some) for name, some in groups.items()]
    shown = [column for column in rows[0] if not column.endswith(("_lower", "_upper"))]
    tables = [Table("judges", "Agreement of judges, by model", pd.DataFrame(rows), shown)]
    shares = given.groupby(["name", "case_id"]).mean() / MAX_POINTS
    scores = pd.DataFrame(
        {"name": name, "judge": judge}
        | st.columns("overall", st.mean_estimate(shares[judge][name].dropna()))
        | {"unscored": int(groups[name][judge].isna().sum())}
        for judge in judges
        for name in models
    )
    # Rounded by more than the noise of a mean.
    scores["rank"] = scores.round(9).groupby("judge")["overall"].rank("min", ascending=False)
    shown = ["name", "judge", "overall", "rank", "unscored"]
    tables.append(Table("judge_scores", "Scores and ranks by each judge", scores, shown))
    one, both, figures = rows[-1], given.dropna(), []
    lead = f"Judges are apart on {percent(one['apart'])} of {counted(one['responses'], 'response')}"
    told = f" (by more than {APART} points; Krippendorff's alpha {decimals(one['alpha'])})."
    if len(judges) == 2 and len(both):
        first, second = judges
        moved = both.add_prefix(POINTS).assign(moved=both[second] - both[first])
        shown = ["case_id", "name", *moved]
        moved = moved[moved["moved"] != 0].reset_index()[shown]
        moved = moved.loc[moved["moved"].abs().nlargest(10).index]
        tables.append(Table("judge_responses", "Responses that moved most", moved, shown))
        counts = point_counts(both[first], both[second])
        draw = partial(heat, counts, f"points from {second}")
        caption = "Each cell: a number of responses; points are rounded down."
        figures = [Figure("judges", "Points by two judges", caption, tables[0], draw)]
        told += f" {second} gives {signed_points(one['shift'])} points against {first} on average"
        told += f"{bounds(one, 'shift', signed_points)}, kappa {decimals(one['weighted_kappa'])}."
        ranks = scores.pivot(index="name", columns="judge", values="rank")[judges].dropna()
        changes = [f"{n} from {a:.0f} to {b:.0f}" for n, a, b in ranks.itertuples() if a != b]
        told += f" Ranks change: {', '.join(changes)}." if changes else " No rank changes."
    findings = [Finding(lead, told, limits=True)] if one["responses"] else []
    return Section("Agreement of judges", tables, figures, [NOTE], findings)


def _agreement(given: pd.DataFrame) -> dict[str, Any]:
    several = given[given.notna().sum(axis=1) > 1]
    cases = several.index.get_level_values("case_id")
    units = several.groupby(["name", "case_id"]).ngroups
    alpha = ordinal_alpha(row.dropna().tolist() for _, row in several.iterrows())
    found: dict[str, Any] = {"responses": len(several), "alpha": alpha}
    apart = several.max(axis=1) - several.min(axis=1) > APART
    found |= st.columns("apart", st.rate_estimate(apart, cases, units))
    if given.shape[1] == 2:
        one, other = (several[judge] for judge in several)
        shift = st.difference_estimate((other - one).groupby(cases).mean(), MAX_POINTS)
        found["weighted_kappa"] = quadratic_weighted_kappa(point_counts(one, other))
        found |= st.columns("same_points", st.rate_estimate(one == other, cases, units))
        found |= st.columns("shift", shift)
    return found
