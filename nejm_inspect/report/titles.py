"""Chapters in words."""

import datetime
from collections.abc import Sequence

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.formats import counted, listing, short
from nejm_inspect.report.headers import CHOICE_TASK, TASK

_INPUTS = {"both": "image and text", "history": "text alone", "image": "image alone"}
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def title_of(chapter: Chapter) -> str:
    """What a chapter is about: `Five models on 50 cases: free diagnosis, …`."""
    if chapter.topic == "exam":
        return "The judge's exam"
    runs, models = chapter.runs, _models(chapter)
    cases = counted(len(frozenset().union(*runs["case_ids"])), "case")
    if chapter.topic == "judges":
        judges = listing(map(_named, runs["judge"].unique()))
        return f"Two judges of the same responses: {judges}"
    if chapter.topic == "ablation":
        return f"What image and text add: {models} on {cases}"
    return f"{models} on {cases}: {', '.join(_conditions(chapter))}"


def heading(chapters: Sequence[Chapter], created: datetime.datetime) -> tuple[str, str]:
    """The report's title and the line below it."""
    day = f"{created.day} {created:%B %Y}"
    (first, *more) = [one for one in chapters if one.topic != "exam"]
    if more:
        return "NEJM Image Challenge: report", f"{len(chapters)} chapters · {day}"
    title = title_of(first) if first.topic != "models" else title_of(first).partition(":")[0]
    says = " · ".join(_conditions(first))
    return (
        f"{title} of the NEJM Image Challenge"
        if first.settings.get("task") in (TASK, CHOICE_TASK)
        and "nejm" in str(first.settings.get("dataset"))
        else title
    ), f"{says[0].upper()}{says[1:]} · {day}"


def _models(chapter: Chapter) -> str:
    names = chapter.runs.get("model_name", chapter.runs["name"])
    count = names[~chapter.runs["baseline"]].nunique()
    number = _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
    return counted(count, "model").replace(f"{count:,}", number) if count else "Baselines"


def _conditions(chapter: Chapter) -> list[str]:
    settings = chapter.settings
    asked = "multiple choice" if chapter.is_choice else "free diagnosis"
    if inputs := settings.get("inputs"):
        asked += f" from {_INPUTS.get(inputs, inputs)}"
    judge = settings.get("judge", "none")
    if settings.get("scorer") == "verbatim_diagnosis":
        return [asked, "scored by the reference's words"]
    return [asked] if judge == "none" else [asked, f"judged by {_named(judge)}"]


def _named(judge: str) -> str:
    """Judges without their providers."""
    return listing(short(one.rpartition("/")[2]) for one in judge.split(", "))
