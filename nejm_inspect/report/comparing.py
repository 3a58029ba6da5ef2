"""Which runs stand together, which of several counts, and what they are called."""

from collections.abc import Sequence
from itertools import combinations, count
from typing import Any

import pandas as pd

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.chapter import SETTINGS, Chapter, Images, Options
from nejm_inspect.report.formats import counted, listing
from nejm_inspect.report.headers import EXAM_TASK, JUDGED, NO_SOLVER

COLOURS = 8  # of models; a ninth takes the first again
SEEN = {"both": "", "history": " (text only)", "image": " (image only)"}  # suffixes of a name


def chapters_of(
    runs: pd.DataFrame,
    responses: pd.DataFrame,
    options: Options,
    images: Images = None,
    grades: pd.DataFrame | None = None,
) -> list[Chapter]:
    """Groups the runs into comparisons, ablations, pairs of judges, and exams.

    Raises:
        NejmInspectError: If the options ask for a model or for judges that no log has, or grades
            are given of a run that is not compared.
    """
    runs = _named(runs)
    is_exam = runs["task"] == EXAM_TASK
    asked, exams = runs[~is_exam], runs[is_exam].drop_duplicates("eval_id", keep="last")
    for model in [*filter(None, [options.baseline]), *options.cutoffs]:
        if model not in {*asked["model"], *asked["name"]}:
            there = ", ".join(sorted(asked["model"].unique()))
            raise NejmInspectError(f"No log has the model {model!r}. Models in the logs: {there}.")
    judges = judged_twice(asked) if options.judges else []
    if options.judges and not judges:
        raise NejmInspectError(
            "--judges: no two of these logs hold the same responses with scores of different "
            "judges. Judge a log again, with inspect score LOG --scorer nejm_inspect/"
            "diagnosis_rubric --model-role grader=PROVIDER/MODEL --action overwrite --output-file "
            "COPY.eval, and give both."
        )
    ablations = _ablations(asked)
    found: list[tuple[Any, pd.DataFrame, list[str]]] = []
    for topic, groups in (("models", _comparable(asked, ablations)), ("ablation", ablations)):
        found += [(topic, *_counting(group, options.repeats)) for group in groups]
    found += [("judges", pair, []) for pair in judges]
    found += [("exam", exams, _exam_notes(asked, exams))] if len(exams) else []
    compared = {run for topic, own, _ in found if topic == "models" for run in own.index}
    if grades is not None and not compared.issuperset(grades["run"]):
        raise NejmInspectError(
            "--grades: some graded responses are of a run that this report does not compare. Give "
            "the logs that they were drawn from, and --repeats if a model has a newer run."
        )
    judged = exams[["judge", "prompt_version"]]
    examined = responses.drop(columns="judge").join(judged, "run", "inner")
    made = []
    for n, (topic, own, notes) in enumerate(found, start=1):
        rows, given = responses.join(own["name"], "run", "inner"), {"models": grades}.get(topic)
        made.append(Chapter(topic, own, rows, options, notes, images, n, examined, given))
    return made


def _named(runs: pd.DataFrame) -> pd.DataFrame:
    """Adds names without what all have in common, and colours."""
    exam, models = runs["task"] == EXAM_TASK, runs["model"]
    baseline = (runs["solver"] == NO_SOLVER) & ~exam
    ends = (models.str.split("/").str[-parts:].str.join("/") for parts in count(1))
    name = next(short for short in ends if short.nunique() == models.nunique())
    variants: Any = runs["variant"].map(lambda settings: {*settings.items()})
    own = variants - models.map(variants.groupby(models).agg(lambda some: set.intersection(*some)))
    told = own.map(lambda some: ", ".join(f"{key}={value}" for key, value in sorted(some)))
    varied = told.ne("").groupby(models).transform("any") & ~exam
    name += (" (" + told.replace("", "default settings") + ")").where(varied, "")
    used = pd.concat([name[~baseline & ~exam], name[exam]])  # a judge takes no model's colour
    colour = pd.Series(pd.factorize(used)[0] % COLOURS + 1, used.index)
    colour = colour.reindex(runs.index, fill_value=0)
    return runs.assign(name=name.astype(str), baseline=baseline, colour=colour)


def _grouped(runs: pd.DataFrame, *without: str) -> list[pd.DataFrame]:
    """Groups the runs that agree in all settings but some."""
    settings = [setting for setting in SETTINGS if setting not in without]
    return [group for _, group in runs.groupby(settings, sort=False)]


def _comparable(runs: pd.DataFrame, ablations: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Groups the runs that may stand in one table, unless an ablation says it all."""
    # A baseline asks no model: it stands beside all runs that agree but for solver and inputs.
    alike = runs.groupby([s for s in SETTINGS if s not in ("solver", "inputs")]).ngroup()
    asked, groups = ~runs["baseline"], []
    for group in _grouped(runs[asked]):
        spare = group["name"].nunique() == 1 or group["inputs"].iloc[0] != "both"
        if not (spare and any(group.index.isin(one.index).all() for one in ablations)):
            beside = ~asked & (alike == alike[group.index[0]])
            groups.append(runs[runs.index.isin(group.index) | beside])
    return groups + _grouped(runs[~asked & ~alike.isin(alike[asked])], "solver", "inputs")


def _ablations(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """The runs of models that saw both, and in another run one of them alone."""
    groups = [group.groupby("name") for group in _grouped(runs[~runs["baseline"]], "inputs")]
    whole = [models.filter(lambda own: {*own["inputs"]} > {"both"}) for models in groups]
    named = [own.assign(model_name=own["name"]) for own in whole if len(own)]
    return [own.assign(name=own["name"] + own["inputs"].map(SEEN)) for own in named]


def _counting(runs: pd.DataFrame, repeats: bool) -> tuple[pd.DataFrame, list[str]]:
    """The runs that count, and what the reader must know of the others."""
    logs = runs.groupby("name", sort=False)["eval_id"].agg(["size", "nunique"])
    told = logs.index + logs["nunique"].map(lambda number: f" ({counted(number, 'run')})")
    older = "The newest run is shown; --repeats takes all"
    notes = {
        "Several logs of one run; the last read counts": logs["size"] > logs["nunique"],
        "Runs taken together as repeats" if repeats else older: logs["nunique"] > 1,
    }
    kept = runs.drop_duplicates(["name", "eval_id"] if repeats else "name", keep="last")
    return kept, [f"{why}: {listing(told[of])}." for why, of in notes.items() if of.any()]


def judged_twice(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """The logs of runs that two judges scored, for each two judges."""
    groups = _grouped(runs[runs["scorer"] == JUDGED], "judge")
    pairs = [(one, pair) for one in groups for pair in combinations(one["judge"].unique(), 2)]
    logs = [one[one["judge"].isin(pair)].groupby("eval_id") for one, pair in pairs]
    both = [same.filter(lambda own: own["judge"].nunique() == 2) for same in logs]
    return [some for some in both if len(some)]


def _exam_notes(asked: pd.DataFrame, exams: pd.DataFrame) -> list[str]:
    """Which judges have no exam, and which exams say little of the runs."""
    judged = asked.explode("judges").dropna(subset="judges")
    used, examined = {*judged["judges"]}, {*exams["model"]}
    pairs = exams.merge(judged, left_on="model", right_on="judges")
    other = {*pairs.query("prompt_version_x != prompt_version_y")["judges_y"]}
    told = {
        "Judges here without an exam among those given": used - examined,
        "Judges with an exam that judged nothing here": examined - used,
        "Examined with another version of the prompts": other,
    }
    return [f"{words}: {listing(sorted(names))}." for words, names in told.items() if names]


def differences(chapters: Sequence[Chapter]) -> list[str]:
    """Why runs are in different chapters, and what to do about it."""
    runs = pd.concat([one.runs for one in chapters if one.topic != "exam"])
    runs = runs[~runs["baseline"] & ~runs.index.duplicated()]
    judges = " --judges compares judges response by response."
    told = judges if not chapters[0].options.judges and judged_twice(runs) else ""
    explained = "inputs" if any(one.topic == "ablation" for one in chapters) else ""
    return [
        f"The logs differ in {setting.replace('_', ' ')} ({'; '.join(runs[setting].unique())}): "
        f"their scores are not comparable.{told * (setting == 'judge')}"
        for setting in SETTINGS
        if runs[setting].nunique() > 1 and setting != explained
    ]
