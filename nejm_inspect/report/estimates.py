"""The numbers that several sections show: scores, and differences between models."""

import functools
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nejm_inspect.report import statistics as st
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.statistics import Estimate

if TYPE_CHECKING:
    import pandas as pd

BANDS = {"10": 10, "7–9": 7, "4–6": 4, "1–3": 1, "0": 0}
"""The bands of points that the published benchmark counted, best first, and the fewest
points of each. Points between two (a panel's 9.5) belong to the lower band."""


def spread(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as columns of a frame: `name`, `name_lower` and `name_upper`."""
    value, lower, upper = estimate
    return {name: value, f"{name}_lower": lower, f"{name}_upper": upper}


def score_of(responses: "pd.DataFrame", scale: int) -> Estimate:
    """The overall score, or the accuracy, over some responses; a case counts once."""
    scored = responses.dropna(subset="points")
    if scale == 1:
        return st.rate_estimate(scored["points"] == 1, scored["case_id"])
    return st.mean_estimate(scored.groupby("case_id").points.mean() / scale)


def rate_of(responses: "pd.DataFrame", column: str) -> Estimate:
    """How often a column holds, over the responses for which it is known."""
    known = responses.dropna(subset=column)
    return st.rate_estimate(known[column].astype(bool), known["case_id"])


@functools.cache
def scores(chapter: Chapter) -> "pd.DataFrame":
    """A row an entrant, best first: its score and all that it is made of."""
    import pandas as pd

    rows = chapter.responses
    found = {n: _score(chapter, n, rows[rows["name"] == n]) for n in chapter.order}
    for name, (best, worst) in _ranks(chapter).items():
        rank = f"{best}" if best == worst else f"{best}–{worst}"
        found[name] |= {"best_rank": best, "worst_rank": worst, "rank": rank}
    shared = chapter.shares[chapter.models].dropna()
    if any(row["absent"] for row in found.values()) and len(shared):
        for entrant, share in shared.mean().items():
            found[str(entrant)] |= {"on_shared": share, "shared_cases": len(shared)}
    return pd.DataFrame(found.values())


def _score(chapter: Chapter, name: str, rows: "pd.DataFrame") -> dict[str, Any]:
    import pandas as pd

    runs, scored = chapter.of(name), rows.dropna(subset="points")
    everything, wanted = chapter.case_ids, int(runs["epochs"].sum())
    counts = scored["case_id"].value_counts()
    gaps = [case for case in sorted(everything) for _ in range(wanted - counts.get(case, 0))]
    shares = [*(scored["points"] / chapter.scale), *[float("nan")] * len(gaps)]
    found: dict[str, Any] = {"name": name, "model": runs["model"].iloc[0]}
    found |= {"colour": chapter.colour(name), "baseline": bool(runs["baseline"].any())}
    found |= spread("overall", score_of(rows, chapter.scale))
    found |= spread("exact", rate_of(rows, "exact"))
    found |= {"exact_count": int(scored["exact"].eq(True).sum()), "responses": len(scored)}
    if rows["verbatim"].notna().any():
        found |= spread("verbatim", rate_of(rows, "verbatim"))
    left = scored["points"]
    for band, floor in BANDS.items():
        found[f"points_{band}"] = int((left >= floor).sum())
        left = left[left < floor]
    for column, of in (("unscored", "unscored"), ("malformed", "malformed"), ("errors", "error")):
        found[column] = int(rows[of].sum())
    found |= {"cases": len(counts), "missing": len(everything - {*counts.index})}
    found["absent"] = len(gaps)
    if gaps:
        ends = st.score_bounds(shares, [*scored["case_id"], *gaps])
        found |= dict(zip(("if_all_wrong", "if_all_right"), ends, strict=True))
    for column in ("input_tokens", "output_tokens", "cost", "time"):
        found[column] = pd.to_numeric(runs[column]).sum(skipna=False)
    vendors = ", ".join(rows["same_vendor"].unique()).split(", ")
    return found | {"same_vendor": ", ".join(dict.fromkeys(filter(None, vendors)))}


def pair_of(first: "pd.Series[float]", second: "pd.Series[float]") -> dict[str, Any]:
    """Two columns of shares on the cases that both have."""
    both = first.notna() & second.notna()
    found = st.paired(first[both], second[both])
    told = {"cases": found.cases, **spread("difference", found.difference)}
    told |= {"standard_error": found.stderr, "p": found.p}
    return told | {"won": found.won, "drawn": found.drawn, "lost": found.lost}


@functools.cache
def _all_pairs(chapter: Chapter) -> "pd.DataFrame":
    """Every two entrants, better one first; p-values of points and of exactness."""
    import pandas as pd

    exact = chapter.responses.dropna(subset="exact")
    rates = exact.assign(exact=exact["exact"].astype(float))
    rates = rates.groupby(["case_id", "name"])["exact"].mean().unstack()
    rates = rates.reindex(index=chapter.shares.index, columns=chapter.order)
    rows = []
    for first, second in combinations(chapter.order, 2):
        found = pair_of(chapter.shares[first], chapter.shares[second])
        found["exact_p"] = pair_of(rates[first], rates[second])["p"]
        rows.append({"first": first, "second": second, **found})
    columns = ["first", "second", "cases", "difference", "p", "exact_p"]
    return pd.DataFrame(rows, columns=None if rows else columns)


def adjusted(found: "pd.DataFrame") -> "pd.DataFrame":
    """The pairs with p-values that are Holm-adjusted over them."""
    found = found.assign(holm=st.holm(found["p"]))
    return found.assign(exact_holm=st.holm(found["exact_p"])) if "exact_p" in found else found


def _among(chapter: Chapter, names: set[str], needed: int) -> "pd.DataFrame":
    found = _all_pairs(chapter)
    count = found["first"].isin(names).astype(int) + found["second"].isin(names)
    return adjusted(found[count >= needed])


@functools.cache
def pairs(chapter: Chapter) -> "pd.DataFrame":
    """The pairs that a chapter shows: of all models, or those with the baseline.

    Solvers that ask no model are in no family of tests, unless there is but one model.
    """
    runs, baseline = chapter.runs, chapter.options.baseline or ""
    names = zip(runs["model"], runs["name"], strict=True)
    asked = {name for model, name in names if baseline in (model, name)}
    if asked:
        return _among(chapter, asked, 1)
    models = {*chapter.models} if len(chapter.models) > 1 else {*chapter.order}
    return _among(chapter, models, 2)


def is_separated(pair: Any) -> bool:
    """Whether a row of `pairs` shows a difference: what ranks and stars go by."""
    return bool(pair["holm"] < st.SIGNIFICANCE)


def _ranks(chapter: Chapter) -> dict[str, tuple[int, int]]:
    scored = [n for n in chapter.models if chapter.shares[n].notna().any()]
    if chapter.topic != "models" or len(scored) < 2:
        return {}
    found = _among(chapter, {*scored}, 2)[["first", "second", "difference", "holm"]]
    return st.rank_ranges(scored, found.itertuples(index=False, name=None))
