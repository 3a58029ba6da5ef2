"""The numbers that several sections show: scores, and differences between models."""

import functools
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nejm_inspect.report import statistics as st
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.statistics import Estimate

if TYPE_CHECKING:
    import pandas as pd

BANDS = {"10": 10, "7–9": 7, "4–6": 4, "1–3": 1, "0": 0}
"""The bands of points that the published benchmark counted, best first, and the fewest
points of each. Points between two (a panel's 9.5) belong to the lower band."""


def spread(name: str, estimate: Estimate) -> dict[str, float]:
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

    ranks = _ranks(chapter)
    own = dict(iter(chapter.responses.groupby("name")))
    empty = chapter.responses.iloc[:0]
    return pd.DataFrame(
        [
            {
                **dict(
                    zip(
                        ("rank", "worst_rank"),
                        ranks.get(name, (None, None)),
                        strict=True,
                    )
                ),
                **_score(chapter, name, own.get(name, empty)),
            }
            for name in chapter.order
        ]
    )


def _score(chapter: Chapter, name: str, rows: "pd.DataFrame") -> dict[str, Any]:
    import pandas as pd

    runs, scored = chapter.of(name), rows.dropna(subset="points")
    everything = frozenset().union(*chapter.runs["case_ids"])
    wanted = int(runs["epochs"].sum())
    absent = len(everything) * wanted - len(scored)
    per_case = (
        scored.groupby("case_id")
        .points.count()
        .reindex(sorted(everything), fill_value=0)
    )
    gaps = [case for case, n in per_case.items() for _ in range(max(wanted - n, 0))]
    worst, best = st.score_bounds(
        pd.concat(
            [scored["points"] / chapter.scale, pd.Series([float("nan")] * len(gaps))]
        ),
        [*scored["case_id"], *gaps],
    )
    cost, vendors = runs["cost"], rows.loc[rows["same_vendor"] != "", "same_vendor"]
    return {
        "name": name,
        "model": runs["model"].iloc[0],
        "colour": chapter.colour(name),
        "baseline": bool(runs["baseline"].any()),
        **spread("overall", score_of(rows, chapter.scale)),
        **spread("exact", rate_of(rows, "exact")),
        "exact_count": int(scored["exact"].eq(True).sum()),
        "responses": len(scored),
        "cases": scored["case_id"].nunique(),
        **_bands(scored["points"], chapter.is_choice),
        **(
            spread("verbatim", rate_of(rows, "verbatim"))
            if chapter.responses["verbatim"].notna().any()
            else {}
        ),
        "unscored": int(rows["unscored"].sum()),
        "malformed": int(rows["malformed"].sum()),
        "errors": int(rows["error"].sum()),
        "missing": len(everything) - scored["case_id"].nunique(),
        "absent": max(absent, 0),
        "if_absent_0": worst if absent > 0 else None,
        "if_absent_all": best if absent > 0 else None,
        "input_tokens": int(runs["input_tokens"].sum()),
        "output_tokens": int(runs["output_tokens"].sum()),
        "cost": cost.sum() if cost.notna().all() else None,
        "seconds": runs["seconds"].sum(skipna=False),
        "same_vendor": ", ".join(dict.fromkeys(", ".join(vendors).split(", "))),
    }


def _bands(points: "pd.Series[float]", is_choice: bool) -> dict[str, int]:
    if is_choice:
        return {}
    left, counts = points, {}
    for band, floor in BANDS.items():
        inside = left >= floor
        counts[f"points {band}"] = int(inside.sum())
        left = left[~inside]
    return counts


def pair_of(first: "pd.Series[float]", second: "pd.Series[float]") -> dict[str, Any]:
    """Two columns of shares on the cases that both have."""
    both = first.notna() & second.notna()
    found = st.paired(first[both], second[both])
    return {
        "cases": found.cases,
        **spread("difference", found.difference),
        "stderr": found.stderr,
        "p": found.p,
        "won": found.won,
        "drawn": found.drawn,
        "lost": found.lost,
    }


@functools.cache
def all_pairs(chapter: Chapter) -> "pd.DataFrame":
    """Every two entrants, better one first; p-values of points and of exactness."""
    import pandas as pd

    exact = chapter.responses.dropna(subset="exact")
    exact = exact.assign(exact=exact["exact"].astype(float))
    rates = exact.groupby(["case_id", "name"]).exact.mean().unstack()
    rates = rates.reindex(index=chapter.shares.index, columns=chapter.order)
    rows = [
        {
            "first": first,
            "second": second,
            "baselines": sum(chapter.of(n)["baseline"].any() for n in (first, second)),
            **pair_of(chapter.shares[first], chapter.shares[second]),
            "p_exact": pair_of(rates[first], rates[second])["p"],
        }
        for first, second in combinations(chapter.order, 2)
    ]
    columns = ["first", "second", "baselines", "p", "p_exact", "cases"]
    return adjusted(pd.DataFrame(rows, columns=None if rows else columns))


def adjusted(pairs: "pd.DataFrame") -> "pd.DataFrame":
    """The pairs with p-values that are Holm-adjusted over them."""
    return pairs.assign(
        p_holm=st.holm(pairs["p"]), p_exact_holm=st.holm(pairs["p_exact"])
    )


@functools.cache
def pairs(chapter: Chapter) -> "pd.DataFrame":
    """The pairs that a chapter shows: all, or those with the baseline asked for."""
    found, baseline = all_pairs(chapter), chapter.options.baseline
    runs = chapter.runs
    names = {*runs.loc[runs["model"].eq(baseline) | runs["name"].eq(baseline), "name"]}
    if names:
        return adjusted(found[found["first"].isin(names) | found["second"].isin(names)])
    # Baselines drawn from chance are not in the family of tests between models.
    models = found[found["baselines"] == 0]
    return adjusted(models) if len(models) else found


def is_separated(pair: Any) -> bool:
    """Whether a row of `pairs` shows a difference: what ranks and stars go by."""
    return bool(pair["p_holm"] < st.SIGNIFICANCE)


def _ranks(chapter: Chapter) -> dict[str, tuple[int, int]]:
    if chapter.topic != "models":
        return {}
    scored = [n for n in chapter.models if chapter.shares[n].notna().any()]
    found = all_pairs(chapter)
    found = adjusted(found[found["baselines"] == 0])
    rows = found.reindex(columns=["first", "second", "difference", "p_holm"])
    return st.rank_ranges(scored, rows.itertuples(index=False, name=None))
