"""Which runs stand together, which of several counts, and what they are called."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.chapter import SETTINGS, Chapter, Options
from nejm_inspect.report.formats import counted, listing
from nejm_inspect.report.headers import EXAM_TASK, JUDGED, NO_SOLVER

if TYPE_CHECKING:
    import pandas as pd

COLOURS = 8  # tell models apart; then they begin again
SEEN = {"both": "", "history": " (text only)", "image": " (image only)"}
"""Behind the names of an ablation's entrants."""

NO_JUDGES = (
    "--judges: no two of these logs hold the same responses with scores of different "
    "judges. Judge a log again, with inspect score LOG --scorer "
    "nejm_inspect/diagnosis_rubric --model-role grader=PROVIDER/MODEL --action "
    "overwrite --output-file COPY.eval, and give both."
)


def chapters_of(
    runs: "pd.DataFrame",
    responses: "pd.DataFrame",
    options: Options,
    images: Mapping[str, str] | None = None,
) -> list[Chapter]:
    """Groups the runs into chapters.

    Runs that agree in all settings are compared. Runs of a model that differ in their
    inputs alone are an ablation, which takes the place of comparisons of a single model
    or with one input alone.

    Raises:
        NejmInspectError: If a model of the options is in no log, or there are no judges
            to compare.
    """
    runs = _named(runs)
    exams = runs[runs["task"] == EXAM_TASK]
    asked = runs.drop(exams.index)
    wanted = [options.baseline] if options.baseline else []
    for model in [*wanted, *options.cutoffs]:
        if model not in {*asked["model"], *asked["name"]}:
            there = ", ".join(sorted(asked["model"].unique()))
            raise NejmInspectError(f"No log is of {model!r}. There are: {there}.")

    def chapter(topic: Any, found: "pd.DataFrame", notes: Sequence[str] = ()) -> Chapter:
        rows = responses.merge(found["name"], left_on="run", right_index=True)
        return Chapter(topic, found, rows, options, notes, images)

    ablations, pairs = _ablations(asked), judged_twice(asked) if options.judges else []
    if options.judges and not pairs:
        raise NejmInspectError(NO_JUDGES)
    told = [one for one in _comparable(asked) if not _is_told(one, ablations)]
    found = [chapter("models", *_counting(one, options.repeats)) for one in told]
    for one in ablations:
        named = one.assign(model_name=one["name"], name=one["name"] + one["inputs"].map(SEEN))
        found.append(chapter("ablation", *_counting(named, options.repeats)))
    found += [chapter("judges", pair) for pair in pairs]
    if len(exams):
        found.append(chapter("exam", exams, _exam_notes(asked, exams)))
    return [replace(one, number=n) for n, one in enumerate(found, start=1)]


def _named(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Adds names without what all have in common, and colours."""
    rows: list[dict[Any, Any]] = runs.to_dict("records")
    short = _short_names([row["model"] for row in rows])
    for row in rows:
        exam = row["task"] == EXAM_TASK
        others = [o["variant"] for o in rows if o["model"] == row["model"]]
        telling = [
            f"{key}={value}"
            for key, value in row["variant"].items()
            if any(other.get(key) != value for other in others)
        ]
        varied = any(other != row["variant"] for other in others) and not exam
        which = f" ({', '.join(telling) or 'default settings'})" * varied
        row["name"] = short[row["model"]] + which
        row["baseline"] = row["solver"] == NO_SOLVER and not exam
    in_use = sorted((r for r in rows if not r["baseline"]), key=lambda r: r["task"] == EXAM_TASK)
    numbers = {name: n for n, name in enumerate(dict.fromkeys(r["name"] for r in in_use))}
    return runs.assign(
        name=[row["name"] for row in rows],
        baseline=[row["baseline"] for row in rows],
        colour=[0 if r["baseline"] else 1 + numbers[r["name"]] % COLOURS for r in rows],
    )


def _short_names(models: Sequence[str]) -> dict[str, str]:
    """Each model's name from the last part on in which it is like no other's."""
    short: dict[str, str] = {}
    for parts in range(1, max(model.count("/") for model in models) + 2):
        short = {model: "/".join(model.split("/")[-parts:]) for model in models}
        if len({*short.values()}) == len(short):
            break
    return short


def _grouped(runs: "pd.DataFrame", *without: str) -> dict[Any, list[Any]]:
    """The numbers of the runs that agree in all settings but some."""
    groups: dict[Any, list[Any]] = {}
    kept = [setting for setting in SETTINGS if setting not in without]
    for number, *key in runs[kept].itertuples(name=None):
        groups.setdefault(tuple(key), []).append(number)
    return groups


def _comparable(runs: "pd.DataFrame") -> list["pd.DataFrame"]:
    """Groups the runs that may stand in one table.

    A baseline, which asks no model, has neither solver nor inputs that could differ: it
    stands beside all runs that it otherwise agrees with.
    """
    models, unlike = runs[~runs["baseline"]], ("solver", "inputs")
    asked = list(_grouped(models).values())
    groups = [*asked]
    for key, baselines in _grouped(runs[runs["baseline"]], *unlike).items():
        beside = [group for group in asked if key in _grouped(runs.loc[group], *unlike)]
        for group in beside:
            group += baselines
        groups += [] if beside else [baselines]
    return [runs.loc[sorted(group)] for group in groups]


def _ablations(runs: "pd.DataFrame") -> list["pd.DataFrame"]:
    """The runs of models that saw both, and in another run one of them alone."""
    found = []
    for group in _grouped(runs[~runs["baseline"]], "inputs").values():
        some = runs.loc[group]
        inputs = some.groupby("name")["inputs"].agg(set)
        whole = [n for n, seen in inputs.items() if "both" in seen and len(seen) > 1]
        found += [some[some["name"].isin(whole)]] if whole else []
    return found


def _is_told(group: "pd.DataFrame", ablations: Sequence["pd.DataFrame"]) -> bool:
    """Whether an ablation says all that a comparison would."""
    models = group[~group["baseline"]]
    spare = models["name"].nunique() == 1 or not models["inputs"].eq("both").any()
    return spare and len(models) > 0 and any({*models.index} <= {*a.index} for a in ablations)


def distinct_runs(logs: "pd.DataFrame") -> "pd.DataFrame":
    """Of several logs of one run, the last."""
    return logs.drop_duplicates("eval_id", keep="last")


def _counting(runs: "pd.DataFrame", repeats: bool) -> tuple["pd.DataFrame", list[str]]:
    """The runs that count, and what the reader must know of the others."""
    copies = "Several logs of one run; the last read counts: {}."
    repeated = "Runs taken together as repeats: {}."
    older = "The newest run is shown; --repeats takes all: {}."
    notes: dict[str, list[str]] = {copies: [], repeated: [], older: []}
    kept: list[Any] = []
    for name, logs in runs.groupby("name", sort=False):
        same = distinct_runs(logs)
        told = f"{name} ({counted(len(same), 'run')})"
        if len(same) < len(logs):
            notes[copies].append(told)
        if len(same) > 1:
            notes[repeated if repeats else older].append(told)
        kept += [*(same if repeats else same.iloc[-1:]).index]
    told_notes = [words.format(listing(names)) for words, names in notes.items() if names]
    return runs.loc[sorted(kept)], told_notes


def judged_twice(runs: "pd.DataFrame") -> list["pd.DataFrame"]:
    """The logs of runs that two judges scored, for each two judges."""
    found = []
    for group in _grouped(runs[runs["scorer"] == JUDGED], "judge").values():
        by_judge = [some for _, some in runs.loc[group].groupby("judge", sort=False)]
        for first, second in combinations(by_judge, 2):
            common = {*first["eval_id"]} & {*second["eval_id"]}
            both = runs.loc[sorted([*first.index, *second.index])]
            found += [both[both["eval_id"].isin(common)]] if common else []
    return found


def _exam_notes(asked: "pd.DataFrame", exams: "pd.DataFrame") -> list[str]:
    """Which judges have no exam, and which exams say little of the runs."""
    judged = asked.explode("judges").dropna(subset="judges")
    used, examined = {*judged["judges"]}, {*exams["model"]}
    pairs = exams.merge(judged, left_on="model", right_on="judges")
    other = pairs.loc[pairs["prompt_version_x"] != pairs["prompt_version_y"], "judges_y"]
    told = {
        "Judges here without an exam among those given: {}.": used - examined,
        "Judges with an exam that judged nothing here: {}.": examined - used,
        "Examined with another version of the prompts: {}.": {*other},
    }
    return [words.format(listing(sorted(names))) for words, names in told.items() if names]


def differences(chapters: Sequence[Chapter]) -> list[str]:
    """Why runs are in different chapters, and what to do about it."""
    import pandas as pd

    runs = pd.concat([one.runs for one in chapters if one.topic != "exam"])
    runs = runs[~runs["baseline"] & ~runs.index.duplicated()]
    remedy = " --judges compares judges response by response."
    judges = "" if chapters[0].options.judges or not judged_twice(runs) else remedy
    notes = []
    for setting in SETTINGS:
        values = runs[setting].unique()
        if len(values) > 1 and not (setting == "inputs" and _ablations(runs)):
            told = f"{setting.replace('_', ' ')} ({'; '.join(values)})"
            notes.append(
                f"The logs differ in {told}: their scores are not comparable."
                + judges * (setting == "judge")
            )
    return notes
