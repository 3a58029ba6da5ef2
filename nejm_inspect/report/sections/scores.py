"""Who scores what: figures of scores and bands, the leaderboard, the main findings."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from nejm_inspect.interval import MIN_CASES
from nejm_inspect.report.estimates import BANDS, is_separated, pairs, scores
from nejm_inspect.report.figures import bands
from nejm_inspect.report.formats import bounds, counted, hundredfold, listing, percent, signed
from nejm_inspect.report.sections.section import Chapter, Figure, Finding, Section, Table, dots

POINTS = {f"points_{band}": f"{band} points" for band in BANDS} | {"unscored": "unscored"}
COLUMNS = "name rank overall accuracy on_shared exact right verbatim "
COLUMNS += f"{' '.join(POINTS)} errors missing input_tokens output_tokens cost time"
PRINTED = "name rank overall accuracy exact right unscored errors missing"  # a terminal has room

NOTES = {
    "rank": "Rank 1–3: a model may hold any of them. Only Holm-adjusted p < 0.05 excludes a place.",
    "exact": "Overall: mean points, as a percentage of ten. Exact: responses with all ten points.",
    "verbatim": "Verbatim: the reference's very words, a lower bound of exactness whoever judges.",
}


def section(chapter: Chapter) -> Section:
    """The scores of a comparison or an ablation."""
    board, choice, lines = scores(chapter), chapter.is_choice, {}
    readers = chapter.cases["reader_accuracy"].astype(float).mean()
    findings = [*_findings(chapter, board, readers)]
    board = board.assign(mark=board["same_vendor"].ne("").map({True: " †", False: ""}))
    value, caption = "overall score", "Mean share of the ten points that a case gives."
    if choice:
        value, caption = "accuracy", "Share of cases with the correct of five options."
        board = board.filter(regex="^(?!points_|exact(_[lu]|$))")
        names = board.columns.str.replace("overall", "accuracy")
        board.columns = names.str.replace("exact_count", "right")
        lines = {"chance 20%": 0.2}
        lines |= {f"NEJM's readers {percent(readers)}": readers} if readers >= 0 else {}
    shown = [c for c in COLUMNS.split() if c in board and board[c].notna().any()]
    notes = [note for column, note in NOTES.items() if column in shown]
    notes += ["† A judge is of this model's vendor."] * bool(board["mark"].any())
    head = "Best first, with 95% confidence intervals"
    table = Table("leaderboard", head, board, shown, notes, PRINTED.split())
    draw = partial(dots, board, {value.split()[0]: ""}, percent, f"{value}, %", lines=lines)
    figures = [Figure("scores", f"{value.capitalize()} with 95% interval", caption, table, draw)]
    if not choice:
        caption = "From 10 (the reference diagnosis itself) to 0 (wrong, or no diagnosis)."
        draw = partial(bands, board, POINTS)
        figures.append(Figure("bands", "Responses by points", caption, table, draw))
    told = [*chapter.notes, *_notes(chapter, board)]
    return Section("Accuracy" if choice else "Scores", [table], figures, told, findings)


def _findings(chapter: Chapter, board: pd.DataFrame, readers: float) -> Iterator[Finding]:
    models = board[~board["baseline"]].dropna(subset="overall")
    if len(models) and chapter.topic == "models":
        best, several = models.iloc[0], bool(len(models) > 1 and pairs(chapter)["cases"].any())
        value = "on_shared" if several and "on_shared" in models else "overall"
        told = f"{bounds(best, 'overall')} on {counted(best['cases'], 'case')}"
        if value == "on_shared":
            told = f" on the {int(best['shared_cases']):,} shared cases"
        first = models["name"][models[value].round(9) == round(best[value], 9)]
        verb = f"ha{'s' if len(first) == 1 else 've'} the highest score," if several else "scores"
        told += _separation(chapter, best["name"]) if several else ""
        yield Finding(f"{listing(first)} {verb} {percent(best[value])}", f"{told}.")
        if (exact := models["exact"].max()) > 0 and not chapter.is_choice:
            tied = models[models["exact"] == exact]
            top, one, names = tied.iloc[0], len(tied) == 1, listing(tied["name"])
            lead = f"{names} name{'s' * one} the reference exactly in {percent(exact)}"
            told = f" of responses{bounds(top, 'exact')}, {top['exact_count']} of "
            yield Finding(lead, f"{told}{top['responses']}{', the most' * (several and one)}.")
        if readers == readers:
            lead = f"On average {percent(readers)} of NEJM's readers chose the right option"
            told = " of five in these cases: not a like-for-like human score"
            if chapter.is_choice:
                gap = signed(best["overall"] - readers)
                told = f" in these cases; {best['name']}: {gap} percentage points"
            yield Finding(lead, f"{told}.")
    related, gaps = board[board["same_vendor"] != ""], board[board["absent"] > 0]
    if len(related):
        lead = f"Judged by a model of the same vendor: {listing(related['name'])}"
        told = f" ({listing(related['same_vendor'].unique())}). Judges may prefer their own family"
        yield Finding(lead, f"{told} (arXiv 2404.13076).", limits=True)
    if len(gaps):
        told = "; ".join(
            f"{g['name']} {g['absent']} ({g['unscored']} unscored, {g['errors']} errors): "
            f"{percent(g['if_all_wrong'])} if all were wrong, {percent(g['if_all_right'])} if right"
            for g in gaps.to_dict("records")
        )
        if bad := int(board["malformed"].sum()):
            told += f"; {counted(bad, 'score')} cannot be read as points"
        asked, absent = board[["responses", "absent"]].sum().sum(), gaps["absent"].sum()
        told += ". Scores are over a model's own cases, order and differences over shared ones."
        lead = f"{absent:,} of {asked:,} responses ha{'s' if absent == 1 else 've'} no score"
        yield Finding(lead, f": {told}", limits=True)


def _separation(chapter: Chapter, best: str) -> str:
    found = pairs(chapter)
    rows, told = found[(found["first"] == best) & (found["difference"] > 0)].to_dict("records"), ""
    if rows and rows[0]["second"] == chapter.models[1]:
        told = f", {hundredfold(rows[0]['difference'])} percentage points"
        told += f"{bounds(rows[0], 'difference')} ahead of {chapter.models[1]}"
    apart = listing(row["second"] for row in rows if is_separated(row))
    near = listing((row["second"] for row in rows if not is_separated(row)), "or")
    words = [f"it is separated from {apart}"] * bool(apart)
    words += [f"no difference from {near} was detected"] * bool(near)
    return f"{told}; {', but '.join(words)} (Holm-adjusted paired tests)" if words else told


def _notes(chapter: Chapter, board: pd.DataFrame) -> Iterator[str]:
    runs, name = chapter.runs, chapter.runs["name"]
    skipped, reducer = (name + runs[c].map(" ({})".format) for c in ("skipped", "reducer"))
    several = board["name"][board["responses"] > board["cases"]]
    told = {
        "The run has not finished: {}.": name[~runs["finished"]],
        "Cases were left out because their image is missing: {}.": skipped[runs["skipped"] > 0],
        "Judged again; the first of several scores is shown: {}.": name[runs["judged_again"]],
        "A case with several responses counts with their mean: {}.": several,
        "Epochs count with their mean, not as in the log: {}.": reducer[runs["reducer"] != "mean"],
    }
    yield from (words.format(listing(of.unique())) for words, of in told.items() if len(of))
    if len(chapter.cases) < MIN_CASES:
        yield f"n < {MIN_CASES} cases: no intervals are shown."
