"""The judge's points against those of physicians, who graded some of the same responses."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from nejm_inspect.judge_exam.agreement import quadratic_weighted_kappa
from nejm_inspect.metrics import APART, ordinal_alpha
from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import RESPONSE, graded, is_separated, rate_of
from nejm_inspect.report.formats import bounds, counted, decimals, listing, signed_points
from nejm_inspect.report.reading import TEXTS
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.report.table import POINTS
from nejm_inspect.rubric import MAX_POINTS

WIDEST = 2 * MAX_POINTS  # of the differences between two differences
BINS = np.arange(MAX_POINTS + 2)
COLUMNS = "name responses bias kinder p holm absolute_error weighted_kappa exact_count sensitivity "
COLUMNS += "specificity"
NOTES = [
    "A response's right points are the mean of what physicians gave. Bias: the judge's points less "
    "these; error: the same without sign. Kappa: Cohen's with quadratic weights (1968), without "
    "fractions of points. Exact: responses to which all physicians gave ten points; sensitivity is "
    "how often the judge gives them ten, specificity how often it gives the others less.",
    "Kinder: the bias for a model less that for the others on the same cases, with the exact "
    "paired permutation test; p is adjusted over the models (Holm 1979), intervals are not.",
]
OVERLAP = (
    "Of the responses that several physicians graded. Alpha: Krippendorff's for ordinal ratings; "
    f"apart: by more than {APART} points. No judge can be expected to agree better with physicians "
    "than they do with each other."
)


def section(chapter: Chapter) -> Section | None:
    """The judge's errors by model, the agreement among physicians, and where they differ most."""
    found = graded(chapter)
    if found.empty:
        return None
    found["bias"] = found["points"] - found["physicians"]
    models = [name for name in chapter.order if name in {*found["name"]}]
    groups = {name: found[found["name"] == name] for name in models} | {"all models": found}
    rows = pd.DataFrame({"name": name} | _errors(own) for name, own in groups.items())
    errors = found.groupby(["case_id", "name"])["bias"].mean().unstack() / WIDEST
    if len(models) > 1:
        rows = rows.join(pd.DataFrame(_kinder(errors, models)).set_index("name"), "name")
    shown = [column for column in COLUMNS.split() if column in rows]
    caption = f"The judge's points less the physicians', on {counted(len(found), 'response')}"
    tables = [Table("physicians", caption, rows, shown)]
    findings, notes = [_bias(tables[0].rows)], [*NOTES[: 1 + (len(models) > 1)]]
    if overlap := _overlap(chapter, found):
        agreement = pd.DataFrame(overlap)
        caption = "Agreement on responses that several physicians graded"
        tables.append(Table("raters", caption, agreement, [*agreement], [OVERLAP]))
        each, judge = (decimals(row["alpha"]) for row in overlap)
        told = f" (Krippendorff's alpha, {counted(overlap[0]['responses'], 'response')}); the judge"
        lead = f"Physicians agree with each other at {each}"
        findings.append(Finding(lead, f"{told} agrees with each of them at {judge}."))
    else:
        notes.append("No response has two grades: how far physicians agree is not known.")
    tables.append(_most(chapter, found))
    cells = np.histogram2d(found["points"], found["physicians"], BINS)[0].astype(int)
    counts = pd.DataFrame(cells, [f"{points} from the judge" for points in BINS[:-1]])
    draw = partial(heat, counts, dict.fromkeys(BINS[:-1], 1), "points from physicians")
    caption = "Each cell: a number of responses; fractions of points are left out."
    figure = Figure("physicians", "Points by judge and physicians", caption, tables[0], draw)
    return Section("The judge against physicians", tables, [figure], notes, findings)


def _errors(own: pd.DataFrame) -> dict[str, Any]:
    bias, error = (e.groupby(own["case_id"]).mean() for e in (own["bias"], own["bias"].abs()))
    errors = st.columns("bias", st.difference_estimate(bias / MAX_POINTS))
    errors |= st.columns("absolute_error", st.mean_estimate(error / MAX_POINTS))
    exact, pair = own["physicians"] == MAX_POINTS, (own["points"], own["physicians"])
    own = own.assign(less=own["points"] != MAX_POINTS)
    return {
        "responses": len(own),
        **{column: MAX_POINTS * value for column, value in errors.items()},
        "weighted_kappa": quadratic_weighted_kappa(np.histogram2d(*pair, BINS)[0]),
        "exact_count": int(exact.sum()),
        **st.columns("sensitivity", rate_of(own[exact], "exact")),
        **st.columns("specificity", rate_of(own[~exact], "less")),
    }


def _kinder(errors: pd.DataFrame, models: list[str]) -> list[dict[str, Any]]:
    """How much kinder the judge is to each model than to the others, by cases and models."""
    pairs = [st.paired(errors[name], errors.drop(columns=name).mean(axis=1)) for name in models]
    p = [pair["p"] for pair in pairs]
    adjusted = st.holm(p) if len(p) > 2 else p  # of two models, both tests are the same
    ends = {"kinder": "difference"} | {f"kinder_{e}": f"difference_{e}" for e in ("lower", "upper")}
    return [
        {"name": name, "p": pair["p"], "holm": holm, "shared_cases": pair["cases"]}
        | {column: WIDEST * pair[end] for column, end in ends.items()}
        for name, pair, holm in zip(models, pairs, adjusted, strict=True)
    ]


def _bias(rows: list[dict[str, Any]]) -> Finding:
    *models, one = rows
    size = f"{decimals(abs(one['bias']))} points {'more' if one['bias'] > 0 else 'less'}"
    lead, told = f"The judge gives {size} than physicians", bounds(one, "bias", decimals)
    if one["bias"] == 0 or one["bias_lower"] <= 0 <= one["bias_upper"]:
        lead = "No bias of the judge against physicians was detected"
        told = f": {decimals(one['bias'])} points{told}"
    told += f" on {counted(one['responses'], 'graded response')}; mean absolute error "
    told += f"{decimals(one['absolute_error'])}, kappa {decimals(one['weighted_kappa'])}."
    apart = [row for row in models if "holm" in row and is_separated(row)]
    if apart:
        by = listing(f"{row['name']} ({signed_points(row['kinder'])} points)" for row in apart)
        told += f" It grades {by} differently from the other models on the same cases."
    if len(models) > 1 and not apart:
        told += " No difference between models was detected."
    return Finding(lead, told, limits=True)


def _overlap(chapter: Chapter, found: pd.DataFrame) -> list[dict[str, Any]]:
    """How far physicians agree with each other, and the judge with each of them."""
    assert chapter.grades is not None
    given = chapter.grades.dropna(subset="points").merge(
        found, on=RESPONSE, suffixes=("_given", "")
    )
    several = given[given.groupby(RESPONSE)["points_given"].transform("size") > 1]
    if several.empty:
        return []
    own = several.groupby(RESPONSE)["points_given"]
    units = {
        "physicians with each other": own.agg(list),
        "judge with each physician": several[["points_given", "points"]].apply(list, axis=1),
    }
    return [
        {"raters": who, "responses": own.ngroups, "alpha": ordinal_alpha(some)}
        | {"apart": float(np.mean([max(points) - min(points) > APART for points in some]))}
        for who, some in units.items()
    ]


def _most(chapter: Chapter, found: pd.DataFrame) -> Table:
    """The ten responses that judge and physicians differ on most."""
    most = found[found["bias"] != 0].sort_values("bias", key=lambda by: -by.abs(), kind="stable")
    names = {"points": f"{POINTS}judge", "physicians": f"{POINTS}physicians"}
    frame = most.head(10).rename(columns=names).reset_index(drop=True)
    shown = ["case_id", "name", "epoch", *names.values(), "bias"]
    if chapter.options.with_texts:
        texts: Any = [{"judge": row} for row in frame[[*TEXTS]].to_dict("records")]
        frame["texts"] = texts
        frame["anchor"] = [f"c{chapter.number}-graded-{n}" for n in range(len(frame))]
    caption = "Responses on which judge and physicians differ most"
    return Table("physician_responses", caption, frame.filter([*shown, "texts", "anchor"]), shown)
