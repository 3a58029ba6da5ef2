"""The judge's points against those of physicians, who graded some of the same responses."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from nejm_inspect.metrics import APART, ordinal_alpha
from nejm_inspect.report import statistics as st
from nejm_inspect.report.estimates import errors, graded, is_separated, point_counts, rate_of
from nejm_inspect.report.formats import bounds, counted, decimals, listing, signed_points
from nejm_inspect.report.reading import TEXTS
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, heat
from nejm_inspect.report.table import POINTS
from nejm_inspect.rubric import MAX_POINTS

WIDEST = 2 * MAX_POINTS  # of the differences between two differences
COLUMNS = "name responses bias kinder p holm absolute_error weighted_kappa exact_count sensitivity "
COLUMNS += "specificity"
NOTE = (
    "Right points: the mean of what physicians gave. Bias: the judge's points less the right ones; "
    "absolute error: the same without sign. Kappa: Cohen's with quadratic weights (1968), points "
    "rounded down. Exact: responses to which all physicians gave ten points. Sensitivity: the "
    "share of them that the judge gives ten; specificity: that of the others that it gives less."
)
KINDER = (
    "Kinder: the bias for a model less that for the others on the same cases, with the exact "
    "paired permutation test; p is adjusted over the models (Holm 1979), intervals are not."
)
OVERLAP = (
    "Responses that several physicians graded. Alpha: Krippendorff's for ordinal ratings; apart: "
    f"by more than {APART} points. A judge that agrees with each physician as well as physicians "
    "agree with each other errs no more than one of them."
)


def section(chapter: Chapter) -> Section | None:
    """The judge's errors by model, the agreement among physicians, and where they differ most."""
    found = graded(chapter)
    if found.empty:
        return None
    found["bias"] = found["points"] - found["physicians"]
    models = [name for name in chapter.order if name in {*found["name"]}]
    groups = {name: found[found["name"] == name] for name in models} | {"all models": found}
    rows, notes = pd.DataFrame({"name": n} | _errors(own) for n, own in groups.items()), [NOTE]
    if len(models) > 1:
        rows, notes = rows.join(_kinder(found, models), "name"), [NOTE, KINDER]
    caption = f"The judge's points less the physicians', on {counted(len(found), 'response')}"
    tables = [Table("physicians", caption, rows, [c for c in COLUMNS.split() if c in rows])]
    findings = [*_findings(tables[0].rows)]
    if found["given"].map(len).max() > 1:
        overlap, caption = _overlap(found), "Agreement on responses that several physicians graded"
        tables.append(Table("raters", caption, overlap, [*overlap], [OVERLAP]))
        each, judge = map(decimals, overlap["alpha"])
        told = f" (Krippendorff's alpha, {counted(overlap['responses'][0], 'response')}); the judge"
        lead = f"Physicians agree with each other at {each}"
        findings.append(Finding(lead, f"{told} agrees with each of them at {judge}."))
    else:
        notes.append("No response has two grades: how far physicians agree is not known.")
    tables.append(_most(chapter, found))
    counts = point_counts(found["points"].rename("the judge"), found["physicians"])
    draw = partial(heat, counts, "points from physicians")
    caption = "Each cell: a number of responses; points are rounded down."
    figure = Figure("physicians", "Points by judge and physicians", caption, tables[0], draw)
    return Section("The judge against physicians", tables, [figure], notes, findings)


def _errors(own: pd.DataFrame) -> dict[str, Any]:
    exact, less = own["physicians"] == MAX_POINTS, own["points"] != MAX_POINTS
    return {
        "responses": len(own),
        **errors(own["bias"], own["case_id"], point_counts(own["points"], own["physicians"])),
        "exact_count": int(exact.sum()),
        **st.columns("sensitivity", rate_of(own[exact], "exact")),
        **st.columns("specificity", rate_of(own.assign(less=less)[~exact], "less")),
    }


def _kinder(found: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """How much kinder the judge is to each model than to the others on the same cases."""
    bias = found.groupby(["case_id", "name"])["bias"].mean().unstack() / WIDEST
    pairs = [st.paired(bias[name], bias.drop(columns=name).mean(axis=1)) for name in models]
    rows = pd.DataFrame(pairs, models).rename(columns={"cases": "shared_cases"})
    # Of two models, both tests are the same.
    rows["holm"] = st.holm(rows["p"]) if len(models) > 2 else rows["p"]
    kinder = WIDEST * rows.filter(regex="^difference")
    kinder.columns = kinder.columns.str.replace("difference", "kinder")
    return kinder.join(rows[["p", "holm", "shared_cases"]])


def _findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    *models, one = rows
    if apart := [row for row in models if "holm" in row and is_separated(row)]:
        by = listing(f"{row['name']} ({signed_points(row['kinder'])} points)" for row in apart)
        told = ", compared with the others on the same cases (Holm-adjusted paired tests)."
        yield Finding(f"The judge does not treat all models alike: {by}", told, limits=True)
    bias, interval = decimals(abs(one["bias"])), bounds(one, "bias", decimals)
    error, on = decimals(one["absolute_error"]), counted(one["responses"], "graded response")
    kappa = decimals(one["weighted_kappa"])
    lead = f"The judge gives {bias} points {'more' if one['bias'] > 0 else 'less'} than physicians"
    told = f"{interval} on {on}; mean absolute error {error}, kappa {kappa}."
    if not (one["bias_lower"] > 0 or one["bias_upper"] < 0):
        lead = f"Judge and physicians differ by {error} points on average"
        words = "A bias was not detected" if interval else "Bias, without an interval"
        told = f", on {on} (kappa {kappa}). {words}: {decimals(one['bias'])} points{interval}."
    if len(models) > 1 and not apart:
        told += " No difference between models was detected."
    yield Finding(lead, told, limits=True)


def _overlap(found: pd.DataFrame) -> pd.DataFrame:
    """How far physicians agree with each other, and the judge with each of them."""
    several = found[found["given"].map(len) > 1]
    pairs = several.explode("given")[["given", "points"]].to_numpy(float).tolist()
    units = {"physicians with each other": [*several["given"]], "judge with each physician": pairs}
    return pd.DataFrame(
        {"raters": who, "responses": len(several), "alpha": ordinal_alpha(some)}
        | {"apart": float(np.mean([max(points) - min(points) > APART for points in some]))}
        for who, some in units.items()
    )


def _most(chapter: Chapter, found: pd.DataFrame) -> Table:
    """The ten responses that judge and physicians differ on most."""
    most = found.loc[found["bias"][found["bias"] != 0].abs().nlargest(10).index]
    names = {"points": f"{POINTS}judge", "physicians": f"{POINTS}physicians"}
    frame, shown = most.rename(columns=names), ["case_id", "name", "epoch", *names.values(), "bias"]
    if chapter.options.with_texts:
        texts: Any = [{"judge": row} for row in frame[[*TEXTS]].to_dict("records")]
        frame["texts"] = texts
        frame["anchor"] = [f"c{chapter.number}-graded-{n}" for n in range(len(frame))]
    caption = "Responses on which judge and physicians differ most"
    return Table("physician_responses", caption, frame.filter([*shown, "texts", "anchor"]), shown)
