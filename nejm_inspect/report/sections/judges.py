"""How far judges agree: those of a panel, or two that judged the same responses."""

import json
import math
from functools import partial
from typing import Any

import pandas as pd
from inspect_ai.scorer import MetricProtocol, SampleScore, Score

from nejm_inspect.agreement import quadratic_weighted_kappa
from nejm_inspect.metrics import APART, panel_agreement
from nejm_inspect.report import formats as fmt, statistics as st
from nejm_inspect.report.comparing import distinct_runs
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.report.table import POINTS
from nejm_inspect.rubric import MAX_POINTS

MOST_MOVED = 10  # responses that are listed
SCALE = range(MAX_POINTS + 1)
AGREEMENT = ["name", "responses", "alpha", "apart", "weighted_kappa", "same_points", "shift"]
NOTE = (
    "Responses: those with at least two valid verdicts. Alpha: Krippendorff's for ordinal ratings; "
    f"1 if judges always agree, 0 if as by chance. Apart: by more than {APART} points. Of two "
    "judges: Cohen's kappa with quadratic weights (1968); shift, the mean over cases of the second "
    "judge's points less the first's. Scores: over a judge's own verdicts. That judges agree does "
    "not make them right: the judge's exam tells more of that."
)


def section(chapter: Chapter) -> Section | None:
    """Agreement by model, each judge's scores, and what moved most."""
    given = _of_logs(chapter) if chapter.topic == "judges" else _of_panels(chapter)
    if given.empty:
        return None
    judges, models = [*given], [n for n in chapter.order if n in given.index.get_level_values(0)]
    groups = {name: given.loc[[name]] for name in models} | {"all models": given}
    rows = [{"name": name, **_agreement(some)} for name, some in groups.items()]
    shown = [c for c in AGREEMENT if c in rows[-1]]
    tables = [Table("judges", "Agreement of judges, by model", pd.DataFrame(rows), shown)]
    scores = pd.DataFrame([_score(groups[n], n, judge) for judge in judges for n in models])
    # Rounded by more than the noise of a mean.
    ranks = scores["overall"].round(9).groupby(scores["judge"])
    scores["rank"] = ranks.rank(ascending=False, method="min")
    shown = ["name", "judge", "overall", "rank", "unscored"]
    tables.append(Table("judge_scores", "Scores and ranks by each judge", scores, shown))
    figures, both = [], given.dropna()
    if len(judges) == 2 and len(both):
        named = both.reset_index().rename(columns=lambda c: f"{POINTS}{c}" if c in judges else c)
        named["moved"] = (both[judges[1]] - both[judges[0]]).to_numpy()
        furthest = named.sort_values("moved", key=lambda by: -by.abs(), kind="stable")
        furthest = furthest[furthest["moved"] != 0].head(MOST_MOVED)
        shown = ["case_id", "name", *(f"{POINTS}{judge}" for judge in judges), "moved"]
        caption = "Responses that moved most"
        tables.append(Table("judge_responses", caption, furthest[shown], shown))
        counts = _counts(both).set_axis([f"{points} from {judges[0]}" for points in SCALE])
        draw = partial(heat, counts, dict.fromkeys(SCALE, 1), f"points from {judges[1]}")
        caption = "Each cell: a number of responses; half points are rounded down."
        figures = [Figure("judges", "Points by two judges", caption, tables[0], draw)]
    findings = [_finding(rows[-1], judges, scores)]
    return Section("Agreement of judges", tables, figures, [NOTE], findings)


def _of_panels(chapter: Chapter) -> pd.DataFrame:
    """The points of each response from each judge of its panel; NaN without a valid verdict."""
    rows = chapter.responses.dropna(subset="verdicts").set_index(["name", "case_id", "epoch"])
    return pd.DataFrame([*map(json.loads, rows["verdicts"])], rows.index).astype(float)


def _of_logs(chapter: Chapter) -> pd.DataFrame:
    """The same of two logs of the same responses, for those that a judge was asked about."""
    asked = chapter.responses[chapter.responses["attempts"] != 0]
    asked = asked.merge(chapter.runs[["eval_id", "judge"]], left_on="run", right_index=True)
    judges = chapter.runs["judge"].unique()
    kept = [distinct_runs(chapter.runs[chapter.runs["judge"] == judge]) for judge in judges]
    if not chapter.options.repeats:
        kept[0] = kept[0].drop_duplicates("name", keep="last")
    keys = ["name", "case_id", "epoch", "eval_id"]
    first, second = (
        asked[asked["run"].isin(runs.index)].set_index(keys)["points"].rename(judge)
        for runs, judge in zip(kept, judges, strict=True)
    )
    return first.to_frame().join(second, how="left").dropna(how="all")


def _counts(both: pd.DataFrame) -> pd.DataFrame:
    first, second = (pd.Categorical(both[judge].astype(int), SCALE) for judge in both)
    return pd.crosstab(first, second, dropna=False)


def _agreement(given: pd.DataFrame) -> dict[str, Any]:
    several = given[given.notna().sum(axis=1) > 1]
    cases = several.index.get_level_values("case_id")
    units = len(several.reset_index()[["name", "case_id"]].drop_duplicates())
    apart = several.max(axis=1) - several.min(axis=1)
    metric = panel_agreement()  # alpha as the log has it
    assert isinstance(metric, MetricProtocol)
    told = [{j: {"score": p} for j, p in row.dropna().items()} for _, row in given.iterrows()]
    scores = [Score(value=math.nan, metadata={"verdicts": one}) for one in told]
    measured: Any = metric([SampleScore(score=score) for score in scores])
    alpha = measured["alpha"]
    found = {"responses": len(several), "alpha": math.nan if alpha is None else alpha}
    found |= st.columns("apart", st.rate_estimate(apart > APART, cases, units))
    if given.shape[1] == 2:
        moved = several.iloc[:, 1] - several.iloc[:, 0]
        shift = st.difference_estimate(moved.groupby(cases).mean() / MAX_POINTS)
        found["weighted_kappa"] = quadratic_weighted_kappa(_counts(several))
        found |= st.columns("same_points", st.rate_estimate(moved == 0, cases, units))
        found |= st.columns("shift", st.Estimate(*(MAX_POINTS * number for number in shift)))
    return found


def _score(given: pd.DataFrame, name: str, judge: Any) -> dict[str, Any]:
    own = given[judge]
    shares = own.dropna().groupby("case_id").mean() / MAX_POINTS
    found = {"name": name, "judge": judge, **st.columns("overall", st.mean_estimate(shares))}
    return found | {"unscored": int(own.isna().sum())}


def _finding(one: dict[str, Any], judges: list[Any], scores: pd.DataFrame) -> Finding:
    lead = f"Judges are apart on {fmt.percent(one['apart'])} of "
    lead += fmt.counted(one["responses"], "response")
    told = f" (by more than {APART} points; Krippendorff's alpha {fmt.decimals(one['alpha'])})."
    if "shift" in one:
        told += f" {judges[1]} gives {fmt.signed_points(one['shift'])} points on average against "
        told += f"{judges[0]} (weighted kappa {fmt.decimals(one['weighted_kappa'])})."
        ranks = scores.pivot(index="name", columns="judge", values="rank")[judges]
        changed = ranks[ranks[judges[0]] != ranks[judges[1]]].itertuples(name=None)
        changes = [f"{name} from {a:.0f} to {b:.0f}" for name, a, b in changed]
        told += f" Ranks change: {', '.join(changes)}." if changes else " No rank changes."
    return Finding(lead, told, limits=True)
