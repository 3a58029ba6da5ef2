"""The numbers that several sections show: scores, and differences between models."""

import functools
import json
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from nejm_inspect.judge_exam.agreement import quadratic_weighted_kappa
from nejm_inspect.report import statistics as st
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.headers import VERBATIM
from nejm_inspect.rubric import MAX_POINTS

BANDS = {"10": 10, "7–9": 7, "4–6": 4, "1–3": 1, "0": 0}
"""The bands of points that the published benchmark counted, best first, and the fewest points of
each. Points between two (a panel's 9.5) belong to the lower band."""

RESPONSE = ["run", "case_id", "epoch"]
"""The columns that tell which response a row is of."""


def score_of(responses: pd.DataFrame, scale: int) -> st.Estimate:
    """The overall score, or the accuracy: the mean over cases of their responses' mean."""
    scored = responses.dropna(subset="points")
    return st.mean_estimate(scored.groupby("case_id").points.mean() / scale)


def rate_of(responses: pd.DataFrame, column: str) -> st.Estimate:
    """How often a column holds, over the responses for which it is known."""
    known = responses.dropna(subset=column)
    return st.rate_estimate(known[column].astype(bool), known["case_id"])


@functools.lru_cache(8)
def scores(chapter: Chapter) -> pd.DataFrame:
    """A row an entrant, best first: its score and all that it is made of."""
    rows = chapter.responses
    board = pd.DataFrame([_score(chapter, n, rows[rows["name"] == n]) for n in chapter.order])
    scored = [name for name in chapter.models if chapter.shares[name].notna().any()]
    if chapter.topic == "models" and len(scored) > 1:
        found = pairs(chapter)[["first", "second", "difference", "holm"]]
        ranks = st.rank_ranges(scored, found.itertuples(index=False, name=None))
        ends = pd.DataFrame.from_dict(ranks, "index", columns=["best_rank", "worst_rank"])
        ends["rank"] = [f"{a}" if a == b else f"{a}–{b}" for a, b in ranks.values()]
        board = board.join(ends, on="name")
    if board["absent"].any() and len(chapter.shared) < len(chapter.shares):
        board["on_shared"] = board["name"].map(chapter.shared[chapter.models].mean(skipna=False))
        board["shared_cases"] = board["on_shared"].notna().map({True: len(chapter.shared)})
    return board


def _score(chapter: Chapter, name: str, rows: pd.DataFrame) -> dict[str, Any]:
    runs, scored = chapter.runs[chapter.runs["name"] == name], rows.dropna(subset="points")
    cases = scored.groupby("case_id")["points"].agg(["size", "sum"])
    cases = cases.reindex(sorted(chapter.case_ids), fill_value=0)
    asked = cases["size"].clip(lower=int(runs["epochs"].sum()))
    found: dict[str, Any] = {
        "name": name,
        "model": runs["model"].iloc[0],
        "colour": chapter.colour(name),
        "baseline": bool(runs["baseline"].any()),
        **st.columns("overall", score_of(rows, chapter.scale)),
        **st.columns("exact", rate_of(rows, "exact")),
        "responses": len(scored),
    }
    if runs["scorer"].iloc[0] != VERBATIM:  # which has no exact responses to count
        found["exact_count"] = int(scored["exact"].eq(True).sum())
    if rows["verbatim"].notna().any():
        found |= st.columns("verbatim", rate_of(rows, "verbatim"))
    counts = np.histogram(scored["points"], [*sorted(BANDS.values()), MAX_POINTS + 1])[0]
    found |= {f"points_{b}": int(n) for b, n in zip(BANDS, reversed(counts), strict=True)}
    flags = {"unscored": "unscored", "malformed": "malformed", "errors": "error"}
    found |= {column: int(rows[flag].sum()) for column, flag in flags.items()}
    found |= {"cases": int(cases["size"].gt(0).sum()), "missing": int(cases["size"].eq(0).sum())}
    found["absent"] = absent = int((asked - cases["size"]).sum())
    if absent:
        worst = (cases["sum"] / chapter.scale / asked).mean()
        found["if_all_wrong"] = worst
        found["if_all_right"] = worst + (1 - cases["size"] / asked).mean()
    found |= runs[["input_tokens", "output_tokens", "cost", "time"]].sum(skipna=False)
    vendors = ", ".join(rows["same_vendor"].unique()).split(", ")
    return found | {"same_vendor": ", ".join(dict.fromkeys(filter(None, vendors)))}


@functools.lru_cache(8)
def pairs(chapter: Chapter) -> pd.DataFrame:
    """A row for every two entrants, the better one first, Holm-adjusted over the rows.

    With a baseline, only the pairs with it. Solvers that ask no model are in no family of tests,
    unless there is but one model or the baseline is one.
    """
    exact = chapter.responses.astype({"exact": float}).groupby(["case_id", "name"])["exact"]
    rates = exact.mean().unstack().reindex(index=chapter.shared.index, columns=chapter.order)
    called = chapter.runs[["model", "name"]].isin([chapter.options.baseline]).any(axis=1)
    middle = {*chapter.runs["name"][called]}
    models = chapter.models if len(chapter.models) > 1 and not middle else chapter.order
    rows = [
        {"first": a, "second": b, **st.paired(chapter.shared[a], chapter.shared[b])}
        | {"exact_p": st.paired(rates[a], rates[b])["p"]}
        for a, b in combinations(models, 2)
        if not middle or middle & {a, b}
    ]
    found = pd.DataFrame(rows)
    adjusted = {"holm": "p", "exact_holm": "exact_p"} if rows else {}
    return found.assign(**{name: st.holm(found[p]) for name, p in adjusted.items()})


def graded(chapter: Chapter) -> pd.DataFrame:
    """The judged responses with points `given` by physicians (a list); `physicians`: the mean."""
    judged = chapter.judged
    if chapter.grades is None or chapter.is_choice:
        return judged.head(0)
    grades = chapter.grades.dropna(subset="points").groupby(RESPONSE)["points"]
    return judged.join(grades.agg(physicians="mean", given=list), RESPONSE, "inner")


def point_counts(one: pd.Series, other: pd.Series) -> pd.DataFrame:
    """Counts responses by one rater's points (rows) and another's (columns), rounded down."""
    ends = np.arange(MAX_POINTS + 2)
    cells = np.histogram2d(one, other, ends)[0].astype(int)
    return pd.DataFrame(cells, [f"{points} from {one.name}" for points in ends[:-1]], ends[:-1])


def errors(off: pd.Series, cases: pd.Series, confusion: Any) -> dict[str, Any]:
    """A rater's kappa, and means of its errors over cases; `off`: points less the right ones."""
    bias, error = (each.groupby(cases).mean() for each in (off, off.abs()))
    return {
        "weighted_kappa": quadratic_weighted_kappa(confusion),
        "absolute_error": float(error.mean()),
        **st.columns("bias", st.difference_estimate(bias, MAX_POINTS)),
    }


def is_separated(pair: Any) -> bool:
    """Whether a row shows a difference, by its Holm-adjusted p: ranks and stars go by the same."""
    return bool(pair["holm"] < st.SIGNIFICANCE)


def verdicts(chapter: Chapter) -> pd.DataFrame:
    """The points of each response from each judge of a panel or of two; NaN without a verdict."""
    keys = ["name", "case_id", "epoch"]
    if chapter.topic != "judges":  # but judged by panels
        rows = chapter.responses.dropna(subset="verdicts").set_index(keys)
        return pd.DataFrame([*map(json.loads, rows["verdicts"])], rows.index).astype(float)
    runs = chapter.runs.drop_duplicates(["judge", "eval_id"], keep="last")
    judges = runs["judge"].unique()
    if not chapter.options.repeats:
        newest = runs[runs["judge"] == judges[0]].drop_duplicates("name", keep="last")
        runs = runs[runs["eval_id"].isin(newest["eval_id"])]
    asked = chapter.responses[chapter.responses["attempts"] != 0].drop(columns="judge")
    rows = asked.merge(runs[["eval_id", "judge"]], left_on="run", right_index=True)
    wide = rows.set_index([*keys, "eval_id", "judge"])["points"].unstack()
    return wide.reindex(columns=judges).dropna(how="all")
