"""Who scores what: the figure of scores, the leaderboard and what to know of it."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.report import figures
from nejm_inspect.report.comparing import Chapter
from nejm_inspect.report.estimates import BANDS, all_pairs, is_separated, pairs, scores
from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import (
    bounds,
    counted,
    dollars,
    duration,
    hundredfold,
    is_missing,
    listing,
    percent,
    short,
)
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.statistics import MIN_CASES
from nejm_inspect.report.table import Column, Table, estimate, number

if TYPE_CHECKING:
    import pandas as pd

READERS = "NEJM readers"
CHANCE = 0.2  # one of five options
PRINTED = (
    *("Model", "Rank", "Overall", "Accuracy", "Exact", "Right"),
    *("Unscored", "Errors", "Missing"),
)
"""The columns of the leaderboard that a terminal has room for."""


def section(chapter: Chapter) -> Section | None:
    """The scores of a comparison or an ablation."""
    if chapter.topic not in ("models", "ablation"):
        return None
    board = scores(chapter)
    caption = (
        f"{'Models' if len(chapter.models) > 1 else 'The model'}, best first; 95% "
        "confidence intervals beside the values"
    )
    return Section(
        title="Accuracy" if chapter.is_choice else "Scores",
        figures=[_figure(chapter, board, caption)],
        tables=[
            Table(
                name="leaderboard",
                caption=caption,
                frame=board,
                columns=list(_columns(chapter, board)),
                in_terminal=PRINTED,
                notes=list(_reading(chapter, board)),
            )
        ],
        notes=[*chapter.notes, *_run_notes(chapter)],
        findings=[*_leaders(chapter, board), *_limits(board)],
    )


def reader_accuracy(chapter: Chapter) -> float | None:
    """The readers' mean accuracy on the cases whose votes are known."""
    known = chapter.cases["reader_accuracy"].dropna().astype(float)
    return float(known.mean()) if len(known) else None


def _figure(chapter: Chapter, board: "pd.DataFrame", caption: str) -> Figure:
    lines, readers = {}, reader_accuracy(chapter)
    if chapter.is_choice:
        lines["chance 20%"] = CHANCE
        if readers is not None:
            lines[f"{READERS} {percent(readers)}"] = readers
    shown = board.rename(columns={"name": "label", "overall": "value"}).assign(
        lower=board["overall_lower"], upper=board["overall_upper"], mark=_marks(chapter)
    )
    what = "accuracy" if chapter.is_choice else "overall score"
    return Figure(
        name="scores",
        title=f"{what.capitalize()} with 95% interval",
        caption="Share of cases with the correct of five options."
        if chapter.is_choice
        else "Mean share of the ten points that a case gives.",
        table=caption,
        draw=partial(figures.dots, shown, percent, lines, axis=f"{what}, %"),
    )


def _marks(chapter: Chapter) -> list[int]:
    """The form of the dots: by what was seen, and for colours that come again."""
    inputs = {"both": 0, "history": 1, "image": 2}
    found = []
    for name in chapter.order:
        seen = chapter.of(name)["inputs"].iloc[0]
        found.append(inputs.get(seen, 0) if chapter.topic == "ablation" else 0)
    return found


def _columns(chapter: Chapter, board: "pd.DataFrame") -> Iterator[Column]:
    yield Column("Model", _marked, "name", "name")
    if chapter.topic == "models" and len(chapter.models) > 1:
        yield Column("Rank", _rank, "number", "rank")
    yield estimate("Accuracy" if chapter.is_choice else "Overall", "overall")
    if not chapter.is_choice:
        yield estimate("Exact", "exact")
    yield Column(
        "Right" if chapter.is_choice else "Count",
        lambda row: f"{row['exact_count']:,}/{row['responses']:,}",
    )
    if "verbatim" in board:
        yield estimate("Verbatim", "verbatim")
    if not chapter.is_choice:
        for band in BANDS:
            yield number(f"{band} points", f"points {band}")
    for heading, name in (("Unscored", "unscored"), ("Errors", "errors")):
        yield number(heading, name)
    yield number("Missing", "missing")
    yield number("Tokens in", "input_tokens")
    yield number("Tokens out", "output_tokens")
    yield number("Cost", "cost", dollars)
    yield number("Time", "seconds", duration)


def _marked(row: Any) -> str:
    mark = " †" * bool(row["same_vendor"]) + " ‡" * bool(row["absent"])
    return short(row["name"]) + mark


def _rank(row: Any) -> str:
    if is_missing(row["rank"]):
        return "–"
    best, worst = int(row["rank"]), int(row["worst_rank"])
    return f"{best}–{worst}" if best < worst else f"{best}"


def _reading(chapter: Chapter, board: "pd.DataFrame") -> Iterator[str]:
    if chapter.topic == "models" and len(chapter.models) > 1:
        yield (
            "Ranks such as 1–3: the places that a model may hold. A place is excluded "
            "only by a paired difference with Holm-adjusted p < 0.05."
        )
    if not chapter.is_choice:
        yield (
            "Overall: mean points as a percentage of the ten that a case gives. Exact: "
            "responses with ten points."
            + " Verbatim: responses that are the reference's very words, a lower bound "
            "of exactness that no judge can raise." * ("verbatim" in board)
        )
    if board["same_vendor"].any():
        yield "† A judge is of this model's vendor."
    if board["absent"].any():
        yield "‡ Responses are missing; the findings say what the score could be."
    if chapter.is_choice and (readers := reader_accuracy(chapter)) is not None:
        cases = chapter.cases["reader_accuracy"].notna().sum()
        yield (
            f"{READERS} chose among the same five options: on average {percent(readers)} "
            f"of them the correct one ({counted(cases, 'case')})."
        )
    if len(chapter.cases) < MIN_CASES:
        yield f"Fewer than {MIN_CASES} cases: no intervals."


def _leaders(chapter: Chapter, board: "pd.DataFrame") -> Iterator[Finding]:
    models = board[~board["baseline"]].dropna(subset="overall")
    if models.empty or chapter.topic != "models":
        return
    best = models.iloc[0]
    interval = bounds(best["overall_lower"], best["overall_upper"])
    verb = "leads with" if len(models) > 1 else "scores"
    rest = f" {interval}".rstrip() + f" on {counted(best['cases'], 'case')}"
    if len(models) > 1:
        rest += _separation(chapter, best["name"], models["name"].iloc[1])
    yield Finding(f"{best['name']} {verb} {percent(best['overall'])}", f"{rest}.")
    if not chapter.is_choice:
        top = models.loc[models["exact"].idxmax()]
        yield Finding(
            f"{top['name']} names the reference exactly in {percent(top['exact'])}",
            f" of its responses ({top['exact_count']} of {top['responses']}"
            f"{'; ' + e.strip('()') if (e := bounds(top['exact_lower'], top['exact_upper'])) else ''})"
            f"{', the most' if len(models) > 1 else ''}.",
        )
    if (readers := reader_accuracy(chapter)) is not None:
        if chapter.is_choice:
            gap = f" {hundredfold(abs(best['overall'] - readers))} percentage points"
            side = "above" if best["overall"] >= readers else "below"
            yield Finding(
                f"NEJM's readers chose the correct option in {percent(readers)}",
                f" of these cases; {best['name']} is{gap} {side}.",
            )
        else:
            yield Finding(
                f"NEJM's readers were right in {percent(readers)}",
                " of these cases, choosing among five options: not a like-for-like "
                "human score.",
            )


def _separation(chapter: Chapter, best: str, second: str) -> str:
    found = all_pairs(chapter)
    pair = found[found["first"].eq(best) & found["second"].eq(second)].iloc[0]
    lead = (
        f", {hundredfold(pair['difference'])} percentage points "
        f"{bounds(pair['difference_lower'], pair['difference_upper'])}".rstrip()
        + f" before {second}"
    )
    told = pairs(chapter)
    rows = [row for _, row in told[told["first"] == best].iterrows()]
    apart = [row["second"] for row in rows if is_separated(row)]
    near = [row["second"] for row in rows if not is_separated(row)]
    words = [f"it is separated from {listing(apart)}"] * bool(apart)
    words += [f"no difference was detected from {listing(near)}"] * bool(near)
    return f"{lead}; {', '.join(words)} (Holm-adjusted paired tests)" if words else lead


def _limits(board: "pd.DataFrame") -> Iterator[Finding]:
    related = board[board["same_vendor"] != ""]
    if len(related):
        yield Finding(
            f"{listing(related['name'])} {'is' if len(related) == 1 else 'are'} judged "
            "by a model of the same vendor",
            f" ({listing(dict.fromkeys(related['same_vendor']))}), which may prefer "
            "them (Panickssery et al. 2024, arXiv 2404.13076).",
            limits=True,
        )
    gaps = board[board["absent"] > 0]
    if len(gaps):
        told = [
            f"{row['name']} {row['absent']} ({row['unscored']} unscored, "
            f"{row['errors']} errors): it would score between "
            f"{percent(row['if_absent_0'])} and {percent(row['if_absent_all'])} with them"
            for _, row in gaps.iterrows()
        ]
        total = int(board["responses"].sum() + board["absent"].sum())
        yield Finding(
            f"{counted(int(gaps['absent'].sum()), 'response')} of {total:,} "
            f"{'has' if gaps['absent'].sum() == 1 else 'have'} no score",
            f": {'; '.join(told)}. Models are ordered and compared on shared cases.",
            limits=True,
        )
    if board["malformed"].any():
        names = listing(board.loc[board["malformed"] > 0, "name"])
        yield Finding(
            f"{counted(int(board['malformed'].sum()), 'score')} cannot be read",
            f" as points and count as unscored ({names}).",
            limits=True,
        )


def _run_notes(chapter: Chapter) -> Iterator[str]:
    runs = chapter.runs
    again = scores(chapter).set_index("name")
    repeated = again[again["responses"] > again["cases"]].index
    reduced = runs[runs["reducer"] != "mean"]
    for names, words in (
        (runs.loc[~runs["finished"], "name"], "The run has not finished: {}."),
        (
            runs.loc[runs["skipped"].map(len) > 0, "name"],
            "Cases were left out because their image is missing: {}.",
        ),
        (
            runs.loc[runs["judged_again"], "name"],
            "The log was judged again and holds several scores, of which the first is "
            "shown: {}.",
        ),
        (repeated, "Several responses to a case, which counts with their mean: {}."),
        (
            reduced["name"],
            f"The log reduces epochs by {listing(reduced['reducer'].unique(), 'or') if len(reduced) else ''}, "
            "this report by the mean: {}.",
        ),
    ):
        if len(names):
            yield words.format(listing(dict.fromkeys(names)))
