"""Draws responses for physicians: of each model the same number, mostly on the same cases."""

from dataclasses import replace
from random import Random

import pandas as pd

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import Design, hashed, identify
from nejm_inspect.report.chapter import Options
from nejm_inspect.report.comparing import chapters_of, differences
from nejm_inspect.report.formats import counted
from nejm_inspect.report.headers import JUDGED
from nejm_inspect.report.titles import title_of


def draw(runs: pd.DataFrame, responses: pd.DataFrame, design: Design) -> list[pd.DataFrame]:
    """Draws responses and divides them among raters; the same frames give the same draw.

    Only responses with points of a judge are drawn, and at most one for each case and model. The
    cases are put in a random order, and each model's first responses in it are drawn: a random
    sample of that model, mostly on the same cases as the others. A model with fewer responses than
    its share gives all of them.

    Returns:
        For each rater the rows of `responses`, in random order, with `log`, `response_id` and
        `draw`.

    Raises:
        NejmInspectError: If the overlap exceeds what is drawn, a rater would have nothing, the runs
            cannot stand in one comparison, or no response was judged.
    """
    judged = _judged(runs, responses)
    if judged.empty:
        raise NejmInspectError("No response in these logs was given points by a judge.")
    # Sorted, the order of logs and of rows in them does not matter.
    judged = judged.sort_values(["name", "case_id", "epoch"])
    judged = judged.groupby(["name", "case_id"]).sample(1, random_state=design.seed)
    cases, models = (sorted(judged[column].unique()) for column in ("case_id", "name"))
    random = Random(design.seed)
    random.shuffle(cases)
    random.shuffle(models)
    judged["place"] = pd.Index(cases).get_indexer(judged["case_id"])
    judged["model"] = pd.Index(models).get_indexer(judged["name"])
    judged = judged.sort_values(["place", "model"])
    # The models take turns.
    turn = judged.groupby("model").cumcount() * len(models) + judged["model"]
    drawn = judged[turn < design.responses]
    if design.overlap > len(drawn):
        raise NejmInspectError(
            f"--overlap {design.overlap} is more than the {counted(len(drawn), 'response')} drawn: "
            "all raters can grade at most these."
        )
    if not design.overlap and design.raters > len(drawn):
        raise NejmInspectError(
            f"--raters {design.raters} is more than the {counted(len(drawn), 'response')} drawn: "
            "without an overlap, a rater would have nothing to grade."
        )
    return _deal(drawn, replace(design, responses=len(drawn)))


def _judged(runs: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """The judged responses of the models that are compared, with `log`."""
    chapters = [
        one
        for one in chapters_of(runs, responses, Options())
        if one.topic == "models" and one.runs["scorer"].iloc[0] == JUDGED
    ]
    if len(chapters) > 1:
        titles = "\n".join(f"  {title_of(one)}" for one in chapters)
        why = " ".join(differences(chapters))
        raise NejmInspectError(f"Give the logs of one comparison. These hold:\n{titles}\n{why}")
    if not chapters:
        return responses[:0]
    rows = chapters[0].judged.join(chapters[0].runs[["log", "baseline"]], "run")
    return rows[rows["uuid"].ne("") & ~rows["baseline"]]


def _deal(drawn: pd.DataFrame, design: Design) -> list[pd.DataFrame]:
    """Gives all raters the overlap, and each an equal share of the rest of each model."""
    drawn = drawn.assign(response_id=identify(drawn, design.seed))
    drawn["draw"] = design.text(hashed(8, *sorted(drawn["response_id"])))
    shared, rest = drawn[: design.overlap], drawn[design.overlap :]
    rest = rest.sort_values(["model", "place"])
    dealt = []
    for rater in range(design.raters):
        own = pd.concat([shared, rest[rater :: design.raters]])
        order = Random(f"{design.seed}/{rater}").sample(range(len(own)), len(own))
        dealt.append(own.iloc[order])
    return dealt
