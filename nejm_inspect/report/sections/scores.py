"""Who scores what: figures of scores and bands, the leaderboard, the main findings."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.report.estimates import BANDS, is_separated, pairs, scores
from nejm_inspect.report.formats import bounds, counted, hundredfold, listing, percent
from nejm_inspect.report.sections.section import (
    Chapter,
    Figure,
    Finding,
    Section,
    Table,
    bands,
    dots,
)

READERS = "NEJM's readers"
CHANCE = 0.2  # one of five options

COLUMNS = ["name", "rank", "overall", "on_shared", "exact", "exact_count", "verbatim"]
COLUMNS += [*(f"points_{band}" for band in BANDS), "unscored", "errors", "missing"]
COLUMNS += ["input_tokens", "output_tokens", "cost", "time"]
CHOICE = {"overall": "accuracy", "exact_count": "right"}
CHOICE |= {f"overall_{end}": f"accuracy_{end}" for end in ("lower", "upper")}
PRINTED = ["name", "rank", "overall", "accuracy", "exact", "right", "unscored", "errors", "missing"]
"""The columns that a terminal has room for."""

NOTES = {
    "rank": "Ranks such as 1–3: the places that a model may hold. A place is excluded only by a "
    "paired difference with Holm-adjusted p < 0.05.",
    "exact": "Overall: mean points as a percentage of the ten that a case gives. Exact: the share, "
    "and count, of responses with ten points.",
    "verbatim": "Verbatim: responses that are the reference's very words, a lower bound of "
    "exactness that no judge can raise.",
}


def section(chapter: Chapter) -> Section:
    """The scores of a comparison or an ablation."""
    board, choice = scores(chapter), chapter.is_choice
    findings = [*_results(chapter, board), *_limits(board)]
    board = board.assign(mark=board["same_vendor"].ne("").map({True: " †", False: ""}))
    if choice:
        board = board.loc[:, ~board.columns.str.match("points_|exact(_[lu]|$)")]
        board = board.rename(columns=CHOICE)
    shown = [CHOICE.get(c, c) if choice else c for c in COLUMNS]
    shown = [column for column in shown if column in board and board[column].notna().any()]
    notes = [note for column, note in NOTES.items() if column in shown]
    notes += ["† A judge is of this model's vendor."] * bool(board["mark"].any())
    caption = "Best first, with 95% confidence intervals"
    table = Table("leaderboard", caption, board, shown, notes, PRINTED)
    notes = [*chapter.notes, *_notes(chapter, board)]
    title = "Accuracy" if choice else "Scores"
    return Section(title, [table], _figures(chapter, table), notes, findings)


def _figures(chapter: Chapter, table: Table) -> list[Figure]:
    board, readers = table.frame, chapter.reader_accuracy
    if chapter.is_choice:
        known = {f"{READERS} {percent(readers)}": readers} if readers == readers else {}
        lines, values = {"chance 20%": CHANCE, **known}, {"accuracy": ""}
        draw = partial(dots, board, values, percent, "accuracy, %", lines=lines)
        caption = "Share of cases with the correct of five options."
        return [Figure("scores", "Accuracy with 95% interval", caption, table, draw)]
    draw = partial(dots, board, {"overall": ""}, percent, "score, %")
    caption = "Mean share of the ten points that a case gives."
    overall = Figure("scores", "Overall score with 95% interval", caption, table, draw)
    names = {f"points_{band}": f"{band} points" for band in BANDS} | {"unscored": "unscored"}
    draw = partial(bands, board, names)
    caption = "From 10 (the reference diagnosis itself) to 0 (wrong, or no diagnosis)."
    return [overall, Figure("bands", "Responses by points", caption, table, draw)]


def _results(chapter: Chapter, board: pd.DataFrame) -> Iterator[Finding]:
    models = board[~board["baseline"]].dropna(subset="overall")
    if models.empty or chapter.topic != "models":
        return
    best, several = models.iloc[0], len(models) > 1
    lead, score = f"{best['name']} {'leads with' if several else 'scores'}", best["overall"]
    told = f"{bounds(best, 'overall')} on {counted(best['cases'], 'case')}"
    if several and "on_shared" in models:
        score, shared = best["on_shared"], counted(int(best["shared_cases"]), "case")
        told = f" on the {shared} that all models have a score for"
    told += _separation(chapter, best["name"]) if several else ""
    yield Finding(f"{lead} {percent(score)}", f"{told}.")
    if not chapter.is_choice:
        top = models.sort_values("exact", ascending=False, kind="stable").iloc[0]
        lead = f"{top['name']} names the reference exactly in {percent(top['exact'])}"
        told = f" of its responses{bounds(top, 'exact')}, {top['exact_count']} of "
        yield Finding(lead, f"{told}{top['responses']}{', the most of all models' * several}.")
    if (readers := chapter.reader_accuracy) == readers:
        gap = best["overall"] - readers
        told = f"; {best['name']} is {hundredfold(abs(gap))} percentage points "
        told += "above" if gap >= 0 else "below"
        unlike = ", choosing among five options: not a like-for-like human score"
        lead = f"{READERS} were right in {percent(readers)} of these cases"
        yield Finding(lead, f"{told if chapter.is_choice else unlike}.")


def _separation(chapter: Chapter, best: str) -> str:
    """By how much the best leads, and from whom it is separated."""
    found = pairs(chapter, chapter.options.baseline)
    rows = found[found["first"] == best].to_dict("records")
    told = ""
    if rows and rows[0]["second"] == chapter.models[1]:
        told = f", {hundredfold(rows[0]['difference'])} percentage points"
        told += f"{bounds(rows[0], 'difference')} before {chapter.models[1]}"
    apart = listing(row["second"] for row in rows if is_separated(row))
    near = listing((row["second"] for row in rows if not is_separated(row)), "or")
    words = [f"it is separated from {apart}"] * bool(apart)
    words += [f"no difference was detected from {near}"] * bool(near)
    return f"{told}; {', '.join(words)} (Holm-adjusted paired tests)" if words else told


def _limits(board: pd.DataFrame) -> Iterator[Finding]:
    related, gaps = board[board["same_vendor"] != ""], board[board["absent"] > 0]
    if len(related):
        lead = f"Judged by a model of the same vendor: {listing(related['name'])}"
        told = f" ({listing(related['same_vendor'].unique())}). Judges may prefer their own family"
        yield Finding(lead, f"{told} (arXiv 2404.13076).", limits=True)
    if len(gaps):
        told = "; ".join(
            f"{row['name']} {row['absent']} ({row['unscored']} unscored, {row['errors']} errors), "
            f"with which it would score between {percent(row['if_all_wrong'])} and "
            f"{percent(row['if_all_right'])}"
            for row in gaps.to_dict("records")
        )
        if bad := int(board["malformed"].sum()):
            told += f"; {counted(bad, 'score')} cannot be read as points"
        total = board["responses"].sum() + board["absent"].sum()
        lead = f"{gaps['absent'].sum():,} of {total:,} responses have no score"
        rest = f": {told}. Models are ordered and compared on shared cases."
        yield Finding(lead, rest, limits=True)


def _notes(chapter: Chapter, board: pd.DataFrame) -> Iterator[str]:
    runs, name = chapter.runs, chapter.runs["name"]
    skipped, reducer = (name + " (" + runs[c].map(str) + ")" for c in ("skipped", "reducer"))
    told = {
        "The run has not finished: {}.": name[~runs["finished"]],
        "Cases were left out because their image is missing: {}.": skipped[runs["skipped"] > 0],
        "The log was judged again; the first of several scores is shown: {}.": name[
            runs["judged_again"]
        ],
        "Several responses to a case, which counts with their mean: {}.": board["name"][
            board["responses"] > board["cases"]
        ],
        "The log reduces epochs otherwise, this report by the mean: {}.": reducer[
            runs["reducer"] != "mean"
        ],
    }
    yield from (words.format(listing(of.unique())) for words, of in told.items() if len(of))
    if board["absent"].any():
        yield "Scores of models with missing responses are over the cases they have."
    if len(chapter.cases) < MIN_CASES:
        yield f"n < {MIN_CASES} cases: no intervals are shown."
