"""Which runs stand together, which of several counts, and what they are called.

A chapter of a report is about runs that may be compared. Its frames carry the data to
the sections; `order`, `shares` and `cases` are the ways in which sections look at them.
"""

import datetime
import functools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.formats import counted, listing
from nejm_inspect.report.headers import EXAM_TASK, JUDGED, NO_SOLVER
from nejm_inspect.report.statistics import MIN_CASES
from nejm_inspect.rubric import MAX_POINTS

if TYPE_CHECKING:
    import pandas as pd

Topic = Literal["models", "ablation", "judges", "exam"]

SETTINGS = (
    *("task", "task_version", "prompt_version", "inputs", "solver", "scorer", "judge"),
    "dataset",
)
"""What must agree for runs to be compared."""

COLOURS = 8
"""How many colours tell models apart; then they begin again."""

SEEN = {"both": "", "history": "text only", "image": "image only"}
"""What an entrant of an ablation is called by, behind its name."""

CASE_COLUMNS = (
    *("date", "year", "difficulty", "brier_score", "question_type", "has_history"),
    "reader_accuracy",
)


@dataclass(frozen=True)
class Options:
    """What the user asks of a report."""

    baseline: str | None = None
    repeats: bool = False
    cutoffs: Mapping[str, datetime.date] | None = None
    judges: bool = False
    with_texts: bool = False


@dataclass(frozen=True, eq=False)
class Chapter:
    """Runs that may be compared, under one heading."""

    topic: Topic
    runs: "pd.DataFrame"
    """As read, with `name`, `colour` and `baseline` of the entrant that each is of."""
    responses: "pd.DataFrame"
    """Those of the runs, with `name`."""
    options: Options
    notes: Sequence[str] = ()
    images: Mapping[str, str] | None = None
    """Where a case's image is, as a page refers to it."""
    number: int = 1

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the runs have in common."""
        first = self.runs.iloc[0]
        return {s: first[s] for s in SETTINGS if self.runs[s].nunique() == 1}

    @property
    def is_choice(self) -> bool:
        """Whether responses are right or wrong instead of having points."""
        return bool(self.runs["kind"].iloc[0] == "choice")

    @property
    def scale(self) -> int:
        """What a perfect response is worth."""
        return 1 if self.is_choice else MAX_POINTS

    @functools.cached_property
    def shares(self) -> "pd.DataFrame":
        """Mean share of the points; a row a case, a column an entrant, best first."""
        scored = self.responses.dropna(subset="points")
        means = scored.groupby(["case_id", "name"]).points.mean() / self.scale
        wide = means.unstack().reindex(columns=self.runs["name"].unique())
        wide = wide.reindex(self.cases.index)
        own = wide.mean()
        full = wide.loc[:, wide.notna().sum() * 2 >= len(wide)]
        shared = full.dropna()
        means = shared.mean() if len(shared) >= MIN_CASES else own
        last = self.runs.groupby("name")["baseline"].any()
        key = [(last[n], -means.get(n, own[n]), n) for n in wide]
        return wide[[name for *_, name in sorted(key, key=_nan_last)]]

    @property
    def order(self) -> list[str]:
        """The entrants, best first by the cases that all share; baselines last."""
        return list(self.shares.columns)

    @property
    def case_ids(self) -> frozenset[str]:
        """The cases that any of the runs was to be asked."""
        return frozenset().union(*self.runs["case_ids"])

    @property
    def reader_accuracy(self) -> float:
        """The readers' mean accuracy on the cases whose votes are known, or NaN."""
        return float(self.cases["reader_accuracy"].astype(float).mean())

    @functools.cached_property
    def models(self) -> list[str]:
        """The entrants that are models, best first."""
        return [name for name in self.order if not self.of(name)["baseline"].any()]

    @functools.cached_property
    def cases(self) -> "pd.DataFrame":
        """What is known of each case, by its id, easiest first."""
        known = self.responses.groupby("case_id")[list(CASE_COLUMNS)].first()
        by_id = known.sort_index(key=lambda ids: ids.map(_by_number))
        return by_id.sort_values("brier_score", kind="stable")

    def of(self, name: str) -> "pd.DataFrame":
        """The runs of an entrant."""
        return self.runs[self.runs["name"] == name]

    def colour(self, name: str) -> int:
        """The number of an entrant's colour; 0 for baselines."""
        return int(self.of(name)["colour"].iloc[0])


def _nan_last(key: tuple[bool, float, str]) -> tuple[bool, bool, float, str]:
    baseline, score, name = key
    return baseline, score != score, score, name


def _by_number(case_id: str) -> tuple[int, str]:
    return (int(case_id) if case_id.isdigit() and len(case_id) < 20 else -1, case_id)


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
    for model in (
        *([options.baseline] if options.baseline else []),
        *(options.cutoffs or {}),
    ):
        if not (runs["model"].eq(model) | runs["name"].eq(model)).any():
            there = ", ".join(sorted(runs.loc[~_is_exam(runs), "model"].unique()))
            raise NejmInspectError(f"No log is of {model!r}. There are: {there}.")
    asked = runs[~_is_exam(runs)]

    def chapter(topic: Topic, found: "pd.DataFrame") -> Chapter:
        kept, notes = (
            _counting(found, options.repeats) if topic != "judges" else (found, [])
        )
        rows = responses.merge(kept["name"], left_on="run", right_index=True)
        return Chapter(topic, kept, rows, options, notes, images)

    ablations = _ablations(asked)
    comparisons = [
        group
        for group in _comparable(asked)
        if not any(_is_told(group, ablation) for ablation in ablations)
    ]
    found = [
        *(chapter("models", group) for group in comparisons),
        *(chapter("ablation", _by_inputs(group)) for group in ablations),
        *(
            chapter("judges", pair)
            for pair in (_judges(asked) if options.judges else [])
        ),
    ]
    exams = runs[_is_exam(runs)]
    if len(exams):
        found.append(replace(chapter("exam", exams), notes=_exam_notes(asked, exams)))
    return [replace(one, number=n) for n, one in enumerate(found, start=1)]


def _is_exam(runs: "pd.DataFrame") -> "pd.Series[bool]":
    return runs["task"] == EXAM_TASK


def _named(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Adds names without what all have in common, and colours."""
    baseline = runs["solver"].eq(NO_SOLVER) & ~_is_exam(runs)
    short = _without_common_folders(runs["model"].unique())
    names = runs["model"].map(short)
    for _, same in runs[~_is_exam(runs)].groupby("model"):
        variants = {tuple(v.items()): v for v in same["variant"]}
        for run, variant in same["variant"].items() if len(variants) > 1 else ():
            telling = [
                f"{key}={value}"
                for key, value in variant.items()
                if any(other.get(key) != value for other in variants.values())
            ]
            names[run] += f" ({', '.join(telling) or 'default settings'})"
    by_use = (names[~baseline & ~_is_exam(runs)], names[_is_exam(runs)])
    coloured = dict.fromkeys(name for some in by_use for name in some)
    numbers = {name: n for n, name in enumerate(coloured)}
    colours = [
        0 if b else 1 + numbers[n] % COLOURS
        for n, b in zip(names, baseline, strict=True)
    ]
    return runs.assign(name=names, colour=colours, baseline=baseline)


def _without_common_folders(models: Sequence[str]) -> dict[str, str]:
    """Each model's name from the first part on in which it is like no other's."""
    for parts in range(1, max((m.count("/") for m in models), default=0) + 2):
        short = {model: "/".join(model.split("/")[-parts:]) for model in models}
        if len({*short.values()}) == len(short):
            break
    return short


def _key(run: Mapping[Hashable, Any], *without: str) -> tuple[str, ...]:
    return tuple(run[setting] for setting in SETTINGS if setting not in without)


def _grouped(runs: "pd.DataFrame", *without: str) -> dict[tuple[str, ...], list[int]]:
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, run in runs.iterrows():
        groups.setdefault(_key(run, *without), []).append(number)
    return groups


def _comparable(runs: "pd.DataFrame") -> list["pd.DataFrame"]:
    """Groups the runs that may stand in one table.

    A baseline, which asks no model, has neither solver nor inputs that could differ: it
    stands beside all runs that it otherwise agrees with.
    """
    groups = _grouped(runs[~runs["baseline"]])
    asked = list(groups.values())
    for number, run in runs[runs["baseline"]].iterrows():
        key = _key(run, "solver", "inputs")
        alike = [g for g in asked if _key(runs.loc[g[0]], "solver", "inputs") == key]
        for group in alike or [groups.setdefault(_key(run), [])]:
            group.append(number)
    return [runs.loc[sorted(group)] for group in groups.values()]


def _ablations(runs: "pd.DataFrame") -> list["pd.DataFrame"]:
    """The runs of models that saw both, and in another run one of them alone."""
    found = []
    for group in _grouped(runs[~runs["baseline"]], "inputs").values():
        some = runs.loc[group]
        inputs = some.groupby("name")["inputs"].agg(set)
        whole = [n for n, seen in inputs.items() if "both" in seen and len(seen) > 1]
        if whole:
            found.append(some[some["name"].isin(whole)])
    return found


def _is_told(group: "pd.DataFrame", ablation: "pd.DataFrame") -> bool:
    """Whether an ablation says all that a comparison would."""
    models = group[~group["baseline"]]
    return (
        len(models) > 0
        and {*models.index} <= {*ablation.index}
        and (models["name"].nunique() == 1 or models["inputs"].iloc[0] != "both")
    )


def _by_inputs(runs: "pd.DataFrame") -> "pd.DataFrame":
    """The runs under names that say what was seen."""
    seen = runs["inputs"].map(SEEN)
    names = runs["name"].where(seen == "", runs["name"] + " (" + seen + ")")
    return runs.assign(model_name=runs["name"], name=names)


def distinct_runs(logs: "pd.DataFrame") -> "pd.DataFrame":
    """Of several logs of one run, the last."""
    return logs.drop_duplicates("eval_id", keep="last")


def _counting(runs: "pd.DataFrame", repeats: bool) -> tuple["pd.DataFrame", list[str]]:
    """The runs that count, and what the reader must know of the others."""
    kept, notes = [], []
    copies, older, repeated = [], [], []
    for name, logs in runs.groupby("name", sort=False):
        same = distinct_runs(logs)
        if len(same) < len(logs):
            copies.append(f"{name} ({len(logs)} logs of {counted(len(same), 'run')})")
        if len(same) > 1 and repeats:
            repeated.append(f"{name} ({len(same)} runs)")
        elif len(same) > 1:
            newest = f"{same['created'].iloc[-1]:%Y-%m-%d %H:%M} UTC"
            older.append(f"{name} (of {len(same)} runs that of {newest})")
            same = same.iloc[-1:]
        kept.extend(same.index)
    for models, words in (
        (copies, "Several logs of one run; the last read counts: {}."),
        (repeated, "Runs taken together as repeats: {}."),
        (older, "The newest run is shown; --repeats takes all: {}."),
    ):
        if models:
            notes.append(words.format("; ".join(models)))
    return runs.loc[sorted(kept)], notes


def judged_twice(runs: "pd.DataFrame") -> list["pd.DataFrame"]:
    """The logs of runs that two judges scored, for each two judges."""
    found = []
    for group in _grouped(runs[runs["scorer"] == JUDGED], "judge").values():
        by_judge = [some for _, some in runs.loc[group].groupby("judge", sort=False)]
        for first, second in combinations(by_judge, 2):
            common = {*first["eval_id"]} & {*second["eval_id"]}
            both = runs.loc[sorted([*first.index, *second.index])]
            if common:
                found.append(both[both["eval_id"].isin(common)])
    return found


def _judges(runs: "pd.DataFrame") -> Iterable["pd.DataFrame"]:
    pairs = judged_twice(runs)
    if not pairs:
        raise NejmInspectError(
            "--judges: no two of these logs hold the same responses with scores of "
            "different judges. Judge a log again, with inspect score LOG --scorer "
            "nejm_inspect/diagnosis_rubric --model-role grader=PROVIDER/MODEL --action "
            "overwrite --output-file COPY.eval, and give both."
        )
    return pairs


def _exam_notes(asked: "pd.DataFrame", exams: "pd.DataFrame") -> list[str]:
    """Which judges have no exam, and which exams say little of the runs."""
    judged = asked.explode("judges").dropna(subset="judges")
    examined = exams["model"].unique()
    used = judged["judges"].unique()
    without, idle = (
        [j for j in used if j not in examined],
        [j for j in examined if j not in used],
    )
    prompts = exams.merge(judged, left_on="model", right_on="judges")
    other = prompts[prompts["prompt_version_x"] != prompts["prompt_version_y"]]
    told = (
        (without, "Judges here without an exam among those given: {}."),
        (idle, "Judges with an exam that judged nothing here: {}."),
        (
            other["judges_y"].unique(),
            "Examined with another version of the prompts: {}.",
        ),
    )
    return [words.format(listing(judges)) for judges, words in told if len(judges)]


def differences(chapters: Sequence[Chapter], is_compared: bool) -> list[str]:
    """Why runs are in different chapters, and what to do about it."""
    import pandas as pd

    runs = pd.concat([one.runs for one in chapters if one.topic != "exam"])
    runs = runs[~runs["baseline"] & ~runs.index.duplicated()]
    told = {"inputs"} if any(one.topic == "ablation" for one in chapters) else set()
    notes = []
    for setting in SETTINGS:
        values = runs[setting].unique()
        if len(values) > 1 and setting not in told:
            remedy = " --judges compares judges response by response."
            shown = setting == "judge" and not is_compared and judged_twice(runs)
            notes.append(
                f"The logs differ in {setting.replace('_', ' ')} ({'; '.join(values)}): "
                f"their scores are not comparable.{remedy if shown else ''}"
            )
    return notes
