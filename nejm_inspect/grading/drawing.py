"""Draws responses for physicians, equally many of each model and mostly on the same cases."""

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
    """Draws responses and deals them to raters; the same frames give the same draw.

    A response is drawn only if a judge has given it points, and one at most of a case and model.

    The cases stand in one random order, and of each model the first are drawn: a random sample of
    its own, mostly on the cases of the others. A model with too few gives all that it has.

    Returns:
        The rows of `responses` for each rater in an order of its own, with `log`, `response_id` and
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
    random, cases = Random(design.seed), sorted(judged["case_id"].unique())
    models = sorted(judged["name"].unique())
    random.shuffle(cases)
    random.shuffle(models)
    place = {case: n for n, case in enumerate(cases)}
    judged = judged.assign(place=judged["case_id"].map(place)).sort_values("place")
    own = [judged[judged["name"] == model].assign(model=n) for n, model in enumerate(models)]
    shares = [len(range(n, design.responses, len(models))) for n in range(len(models))]
    drawn = pd.concat(some[:share] for some, share in zip(own, shares, strict=True))
    if design.overlap > len(drawn):
        raise NejmInspectError(
            f"--overlap {design.overlap} is more than the {counted(len(drawn), 'response')} drawn: "
            "all raters can grade at most these."
        )
    if not design.overlap and design.raters > len(drawn):
        raise NejmInspectError(
            f"--raters {design.raters} is more than the {counted(len(drawn), 'response')} drawn: "
            "without an overlap, somebody would have nothing to grade."
        )
    return _deal(drawn.sort_values(["place", "model"]), replace(design, responses=len(drawn)))


def _judged(runs: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """The judged responses of the models that are compared, with `log`."""
    chapters = [
        one
        for one in chapters_of(runs, responses, Options())
        if one.topic == "models" and one.runs["scorer"].iloc[0] == JUDGED
    ]
    if len(chapters) > 1:
        told = "\n".join(f"  {title_of(one)}" for one in chapters)
        why = " ".join(differences(chapters))
        raise NejmInspectError(f"Give the logs of one comparison. These hold:\n{told}\n{why}")
    if not chapters:
        return responses[:0]
    rows = chapters[0].responses.join(chapters[0].runs[["log", "baseline"]], "run")
    # Without a diagnosis, a response has 0 points by rule: no judge was asked.
    scored = rows["points"].notna() & (rows["attempts"] > 0) & rows["uuid"].ne("")
    return rows[scored & ~rows["baseline"]]


def _deal(drawn: pd.DataFrame, design: Design) -> list[pd.DataFrame]:
    """The overlap goes to all raters; the rest is dealt so that all have equally many a model."""
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
