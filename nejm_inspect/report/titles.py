"""Titles of chapters and of the report."""

import datetime
from collections.abc import Sequence

from nejm_inspect.judging.vendors import SCRIPTED
from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.formats import counted, listing, short
from nejm_inspect.report.headers import CHOICE_TASK, TASK, VERBATIM

_INPUTS = {"both": "image and text", "history": "text alone", "image": "image alone"}
_NUMBERS = ("Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_MODELS = ("Baselines", "One model", *(f"{number} models" for number in _NUMBERS))


def title_of(chapter: Chapter) -> str:
    """What a chapter is about: `Five models on 50 cases: free diagnosis, …`."""
    runs = chapter.runs
    if chapter.topic == "exam":
        return "The judge's exam"
    if chapter.topic == "judges":
        return f"Two judges of the same responses: {listing(map(_bare, runs['judge'].unique()))}"
    count = runs.get("model_name", runs["name"])[~runs["baseline"]].nunique()
    models = _MODELS[count] if count < len(_MODELS) else counted(count, "model")
    if runs["model"].str.startswith(SCRIPTED).all():  # their responses are not a result
        models = models.replace("model", "scripted model")
    subject = f"{models} on {counted(len(chapter.case_ids), 'case')}"
    if chapter.topic == "ablation":
        return f"What image and text add: {subject}"
    return f"{subject}: {', '.join(_conditions(chapter))}"


def report_title(chapters: Sequence[Chapter], created: datetime.datetime) -> tuple[str, str]:
    """The report's title and the line below it."""
    day = f"{created.day} {created:%B %Y}"
    first, *more = [one for one in chapters if one.topic != "exam"]
    if more:
        return "NEJM Image Challenge: report", f"{len(chapters)} chapters · {day}"
    title = title_of(first) if first.topic != "models" else title_of(first).partition(":")[0]
    common = first.settings
    if common.get("task") in (TASK, CHOICE_TASK) and "nejm" in common.get("dataset", ""):
        title += " of the NEJM Image Challenge"
    says = " · ".join(_conditions(first))
    return title, f"{says[0].upper()}{says[1:]} · {day}"


def _conditions(chapter: Chapter) -> list[str]:
    common = chapter.settings
    asked = "multiple choice" if chapter.is_choice else "free diagnosis"
    if inputs := common.get("inputs"):
        asked += f" from {_INPUTS.get(inputs, inputs)}"
    if common.get("scorer") == VERBATIM:
        return [asked, "scored verbatim"]
    judge = common.get("judge", "none")
    return [asked] if judge == "none" else [asked, f"judged by {_bare(judge)}"]


def _bare(judge: str) -> str:
    return listing(short(one.rpartition("/")[2]) for one in judge.split(", "))
