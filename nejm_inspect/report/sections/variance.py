"""Where the variance of points comes from, and what more cases or more epochs would show."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.judge_exam.agreement import repeats
from nejm_inspect.report import components as co, statistics as st
from nejm_inspect.report.estimates import scores, verdicts
from nejm_inspect.report.figures import bands
from nejm_inspect.report.formats import counted, hundredfold, listing, percent
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots
from nejm_inspect.rubric import MAX_POINTS

TITLE, AXES = "Where the variance comes from", ("models", "cases", "epochs", "judges")
ONE = "One response to a case with one verdict: the variance cannot be split. Run with --epochs 3."
METHOD = (
    "By the mean squares of a balanced design (Searle, Casella and McCulloch 1992). Intervals: by "
    f"the jackknife over cases, from {co.CASES_FOR_BOUNDS} on, for these models and judges."
)
UNSPLIT = {
    "models": "With one model, case contains model × case.",
    "epochs": "With one epoch, model × case contains sampling (case does with one model).",
    "judges": "Points do not show judges apart: all parts contain what judging adds, sampling also "
    "a judge's repeat variance.",
}
POWER = (
    f"Detectable: with {st.POWER:.0%} power, for the average pair of models, if further cases are "
    "like these. It is as uncertain as the parts that it is computed from. Responses: each "
    "model's. For as many responses, new cases show at least as much as epochs, which help where "
    "cases run out."
)


def section(chapter: Chapter) -> Section | None:
    """The parts with epochs or several judges; and what the judge's own repeats may make."""
    rows, notes, grid = [], [METHOD], pd.DataFrame()
    for of, values, without in _designs(chapter):
        sizes, found = dict(zip(AXES, values.shape, strict=True)), co.components(values)
        if not max(found.values()) > 0:
            continue
        for part, share in co.portions(values).items():
            variance = max(0.0, found[part]) * chapter.scale**2
            row = {"part": part, "of": of, "variance": variance, **st.columns("share", share)}
            rows.append(row | sizes)
        each = " × ".join(counted(n, axis.removesuffix("s")) for axis, n in sizes.items())
        told = f"{of.capitalize()}: {each}"
        told += f", without {listing(without)}" if without else ""
        below = listing(part for part, variance in found.items() if variance < 0)
        told += f"; estimated below 0, and shown as 0: {below}" if below else ""
        judged = {*chapter.runs["judge"]} != {"none"}
        single = [axis for axis, n in sizes.items() if n == 1 and (judged or axis != "judges")]
        notes += [f"{told}.", *(UNSPLIT[axis] for axis in single)]
        if of == "points" and "model × case" in found and co.paired_deviation(found, 1):
            grid = _grid(found, sizes["cases"], sizes["epochs"])
    findings = [*_findings(grid), *_repeats(chapter)]
    if not rows:
        return Section(TITLE, findings=findings, lead=ONE) if findings else None
    frame = pd.DataFrame(rows)
    present = [part for part in co.PARTS if part in {*frame["part"]}]
    lead = "; ".join(f"{part}: {co.PARTS[part]}" for part in present)
    shown = ["part", "of", "variance", "share"]
    tables = [Table("variance", "Parts of the variance, in squared points", frame, shown)]
    wide = 100 * frame.pivot(index="of", columns="part", values="share").fillna(0)
    draw = partial(bands, wide.reset_index(names="name"), dict(zip(present, present, strict=True)))
    figures = [Figure("variance", "Parts of the variance", "In percent.", tables[0], draw)]
    if len(grid):
        caption = "Detectable difference between two models, percentage points"
        tables.append(Table("detectable", caption, grid, [*grid], [POWER]))
        figures.append(_curve(grid, tables[1]))
    return Section(TITLE, tables, figures, notes, findings, f"{lead[0].upper()}{lead[1:]}.")


def _designs(chapter: Chapter) -> Iterator[tuple[str, NDArray[np.float64], list[str]]]:
    """Shares as models × cases × epochs × judges, and the models that are not among them."""
    points = chapter.responses.set_index(["name", "case_id", "epoch"])[["points"]]
    given = {"points": points} if chapter.topic == "models" else {}
    for of, some in {**given, "verdicts": verdicts(chapter)}.items():
        valid = some[some.index.isin(chapter.models, level="name")].dropna().sort_index()
        counts = valid.groupby(level=["name", "case_id"]).size().unstack("name", fill_value=0)
        usual = counts.quantile(interpolation="lower")  # of half of the cases, at least
        epochs = int(usual[usual > 1].min() if usual.gt(1).any() else 1)
        counts = counts.loc[:, usual >= epochs]
        cases = counts.index[(counts >= epochs).all(axis=1)]
        if counts.empty or len(cases) < MIN_CASES or epochs * valid.shape[1] == 1:
            continue
        inside = valid[valid.index.isin(cases, level="case_id")].loc[[*counts]]
        kept = inside.groupby(level=["name", "case_id"]).head(epochs).to_numpy() / chapter.scale
        without = [name for name in chapter.models if name not in counts]
        yield of, kept.reshape(counts.shape[1], len(cases), epochs, -1), without


def _grid(found: Mapping[str, float], cases: int, epochs: int) -> pd.DataFrame:
    """The detectable difference for the design as it is and others, by what they cost."""
    sizes = [(n * cases, k) for n in {1, 2, epochs} for k in {1, epochs, 2 * epochs}]
    rows = [
        {"cases": n, "epochs": k, "responses": n * k}
        | {"detectable": st.detectable_difference(co.paired_deviation(found, k), n)}
        for n, k in sorted(sizes, key=lambda size: (math.prod(size), size))
    ]
    return pd.DataFrame(rows)


def _findings(grid: pd.DataFrame) -> Iterator[Finding]:
    if len(grid):
        cases, epochs = int(grid["cases"].min()), int(grid["epochs"].max()) // 2
        told = grid.set_index(["cases", "epochs"])["detectable"].map(hundredfold)
        lead = f"Doubling the cases lowers the detectable difference from {told[cases, epochs]} to "
        lead += f"{told[2 * cases, epochs]} percentage points"
        rest = f", doubling the epochs to {told[cases, 2 * epochs]}. As many responses as here, "
        rest += f"one to each of {cases * epochs:,} cases, would show {told[cases * epochs, 1]}."
        yield Finding(lead, rest)


def _curve(grid: pd.DataFrame, table: Table) -> Figure:
    rows: dict[int, dict[str, Any]] = {}
    for cases, epochs, _, value in grid.itertuples(index=False):
        row = rows.setdefault(cases, {"name": counted(cases, "case")})
        row |= st.columns(f"{epochs}", st.Estimate(value))
    names = {f"{n}": counted(n, "epoch") for n in sorted({*grid["epochs"]})}
    look: Any = {"colours": dict.fromkeys(names, 0), "whole": False}
    draw = partial(dots, pd.DataFrame(rows.values()), names, hundredfold, table.caption, **look)
    caption = "By cases (rows) and epochs; the first row has the cases of this run."
    return Figure("detectable", "What more cases or epochs would show", caption, table, draw)


def _repeats(chapter: Chapter) -> Iterator[Finding]:
    """What part of the squared standard errors the judge's repeat variance in its exam would be."""
    if chapter.topic != "models":
        return
    same = chapter.exams.merge(chapter.runs[["judge", "prompt_version"]].drop_duplicates())
    pairs = same.groupby(["run", "case_id"]).ngroup()
    _, within = repeats(zip(pairs, same["points"], strict=True))
    responses = scores(chapter).set_index("name")["responses"][chapter.models]
    squared = chapter.shares[chapter.models].var() / chapter.shares[chapter.models].count()
    parts = ((within / MAX_POINTS) ** 2 / responses / squared[squared > 0]).dropna()
    if len(parts):
        ends = dict.fromkeys(map(percent, (parts.min(), parts.max())))
        lead = f"Of the variance of a score, {' to '.join(ends)} may be the judge's inconsistency"
        told = ", if its verdicts here vary as on the same pair of its exam."
        yield Finding(lead, told, limits=True)
