"""Who scores what: figures of scores and bands, the leaderboard, the main findings."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.estimates import BANDS, is_separated, pairs, scores
from nejm_inspect.report.figures import Figure, bands, dots
from nejm_inspect.report.formats import bounds, counted, hundredfold, listing, percent
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import Table

if TYPE_CHECKING:
    import pandas as pd

READERS = "NEJM's readers"
CHANCE = 0.2  # one of five options

COUNTS = [f"points_{band}" for band in BANDS]
COLUMNS = [
    "name",
    "rank",
    "overall",
    "on_shared",
    "exact",
    "exact_count",
    "verbatim",
    *COUNTS,
    "unscored",
]
COLUMNS += ["errors", "missing", "input_tokens", "output_tokens", "cost", "time"]
CHOICE = {"overall": "accuracy", "exact_count": "right"}
PRINTED = ["name", "rank", "overall", "accuracy", "exact", "right", "unscored", "errors"]
PRINTED += ["missing"]
"""The columns that a terminal has room for."""

NOTES = {
    "rank": "Ranks such as 1–3: the places that a model may hold. A place is excluded "
    "only by a paired difference with Holm-adjusted p < 0.05.",
    "exact": "Overall: mean points as a percentage of the ten that a case gives. "
    "Exact: the share, and count, of responses with ten points.",
    "verbatim": "Verbatim: responses that are the reference's very words, a lower "
    "bound of exactness that no judge can raise.",
}


def section(chapter: Chapter) -> Section | None:
    """The scores of a comparison or an ablation."""
    if chapter.topic not in ("models", "ablation"):
        return None
    board = scores(chapter)
    board = board.assign(mark=board["same_vendor"].ne("").map({True: "†", False: ""}))
    shown = [c for c in COLUMNS if c in board and board[c].notna().any()]
    if chapter.is_choice:
        board = board.rename(columns=lambda c: c.replace("overall", "accuracy"))
        board = board.rename(columns=CHOICE).drop(columns=[*COUNTS, "exact"])
        shown = [CHOICE.get(c, c) for c in shown if c not in ("exact", *COUNTS)]
    caption = "Best first, with 95% confidence intervals"
    notes = [note for column, note in NOTES.items() if column in shown]
    notes += ["† A judge is of this model's vendor."] * bool(board["mark"].any())
    table = Table("leaderboard", caption, board, shown, notes, PRINTED)
    findings = [*_results(chapter), *_limits(scores(chapter))]
    title = "Accuracy" if chapter.is_choice else "Scores"
    notes = [*chapter.notes, *_notes(chapter)]
    return Section(title, [table], [*_figures(chapter, table)], notes, findings)


def _figures(chapter: Chapter, table: Table) -> Iterator[Figure]:
    board, lines, readers = table.frame, {}, chapter.reader_accuracy
    value, axis = ("accuracy", "accuracy, %") if chapter.is_choice else ("overall", "score, %")
    if chapter.is_choice:
        lines["chance 20%"] = CHANCE
        if readers == readers:
            lines[f"{READERS} {percent(readers)}"] = readers
    draw = partial(dots, board, value, percent, axis, lines=lines)
    title = f"{'Accuracy' if chapter.is_choice else 'Overall score'} with 95% interval"
    caption = "Mean share of the ten points that a case gives."
    if chapter.is_choice:
        caption = "Share of cases with the correct of five options."
    yield Figure("scores", title, caption, table, draw)
    if not chapter.is_choice:
        names = {f"points_{band}": f"{band} points" for band in BANDS}
        draw = partial(bands, board, names | {"unscored": "unscored"})
        caption = (
            "From 10 (the reference diagnosis itself) to 0 (wrong and implausible, or "
            "no diagnosis)."
        )
        yield Figure("bands", "Responses by points", caption, table, draw)


def _results(chapter: Chapter) -> Iterator[Finding]:
    board = scores(chapter)
    models = board[~board["baseline"]].dropna(subset="overall")
    if models.empty or chapter.topic != "models":
        return
    best, several = models.iloc[0], len(models) > 1
    rest = bounds(best["overall_lower"], best["overall_upper"])
    rest, score = f"{rest} on {counted(best['cases'], 'case')}", best["overall"]
    if several and "on_shared" in models:
        score, shared = best["on_shared"], counted(int(best["shared_cases"]), "case")
        rest = f" on the {shared} that all models have a score for"
    rest += _separation(chapter, best["name"]) if several else ""
    verb = "leads with" if several else "scores"
    yield Finding(f"{best['name']} {verb} {percent(score)}", f"{rest}.")
    if not chapter.is_choice:
        top = models.sort_values("exact", ascending=False, kind="stable").iloc[0]
        lead = f"{top['name']} names the reference exactly in {percent(top['exact'])}"
        told = f" of its responses{bounds(top['exact_lower'], top['exact_upper'])}"
        most = ", the most of all models" if several else ""
        yield Finding(lead, f"{told}, {top['exact_count']} of {top['responses']}{most}.")
    readers = chapter.reader_accuracy
    if readers == readers:
        gap = best["overall"] - readers
        side = "above" if gap >= 0 else "below"
        rest = f"; {best['name']} is {hundredfold(abs(gap))} percentage points {side}"
        unlike = ", choosing among five options: not a like-for-like human score"
        lead = f"{READERS} were right in {percent(readers)} of these cases"
        yield Finding(lead, f"{rest if chapter.is_choice else unlike}.")


def _separation(chapter: Chapter, best: str) -> str:
    found = pairs(chapter)
    rows = found[found["first"] == best].to_dict("records")
    told = ""
    if rows and rows[0]["second"] == chapter.models[1]:
        ends = bounds(rows[0]["difference_lower"], rows[0]["difference_upper"])
        lead = hundredfold(rows[0]["difference"])
        told = f", {lead} percentage points{ends} before {chapter.models[1]}"
    apart = listing(row["second"] for row in rows if is_separated(row))
    near = listing((row["second"] for row in rows if not is_separated(row)), "or")
    words = [f"it is separated from {apart}"] * bool(apart)
    words += [f"no difference was detected from {near}"] * bool(near)
    tests = " (Holm-adjusted paired tests)" if rows else ""
    return f"{told}; {', '.join(words)}{tests}" if words else told


def _limits(board: "pd.DataFrame") -> Iterator[Finding]:
    related = board[board["same_vendor"] != ""]
    if len(related):
        lead = f"Judged by a model of the same vendor: {listing(related['name'])}"
        judges = listing(dict.fromkeys(related["same_vendor"]))
        told = f" ({judges}). Judges may prefer their own family (arXiv 2404.13076)."
        yield Finding(lead, told, limits=True)
    gaps = board[board["absent"] > 0]
    if len(gaps):
        told = "; ".join(
            f"{row['name']} {row['absent']} ({row['unscored']} unscored, "
            f"{row['errors']} errors), with which it would score between "
            f"{percent(row['if_all_wrong'])} and {percent(row['if_all_right'])}"
            for row in gaps.to_dict("records")
        )
        total = int(board["responses"].sum() + board["absent"].sum())
        lead = f"{int(gaps['absent'].sum()):,} of {total:,} responses have no score"
        rest = f": {told}. Models are ordered and compared on shared cases."
        yield Finding(lead, rest, limits=True)
    bad = board[board["malformed"] > 0]
    if len(bad):
        lead = f"{counted(int(bad['malformed'].sum()), 'score')} cannot be read as points"
        yield Finding(lead, f" and count as unscored ({listing(bad['name'])}).", limits=True)


def _notes(chapter: Chapter) -> Iterator[str]:
    runs, board = chapter.runs, scores(chapter)
    reduced = runs[runs["reducer"] != "mean"]
    told: dict[str, Any] = {
        "The run has not finished: {}.": runs.loc[~runs["finished"], "name"],
        "Cases were left out because their image is missing: {}.": [
            f"{n} ({c})" for n, c in zip(runs["name"], runs["skipped"], strict=True) if c
        ],
        "The log was judged again; the first of several scores is shown: {}.": runs.loc[
            runs["judged_again"], "name"
        ],
        "Several responses to a case, which counts with their mean: {}.": board.loc[
            board["responses"] > board["cases"], "name"
        ],
        "The log reduces epochs otherwise, this report by the mean: {}.": [
            f"{n} ({r})" for n, r in zip(reduced["name"], reduced["reducer"], strict=True)
        ],
    }
    for words, names in told.items():
        if len(names):
            yield words.format(listing(dict.fromkeys(names)))
    if board["absent"].any():
        yield "Scores of models with missing responses are over the cases they have."
    if len(chapter.cases) < MIN_CASES:
        yield f"n < {MIN_CASES} cases: no intervals are shown."
