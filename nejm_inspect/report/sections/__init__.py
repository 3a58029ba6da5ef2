"""The sections of a report. To add one: a file, and its name here."""

from collections.abc import Callable, Mapping

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.sections import (
    ablation,
    breakdowns,
    cases,
    contradictions,
    cutoffs,
    exam,
    judges,
    pairs,
    published,
    scores,
    settings,
)
from nejm_inspect.report.sections.section import Section

_OF_TOPIC = {
    "models": (scores, published, pairs, cutoffs, judges, breakdowns, contradictions, cases),
    "ablation": (scores, ablation, judges, breakdowns, contradictions, cases),
    "judges": (judges,),
    "exam": (exam,),
}
SECTIONS: Mapping[str, list[Callable[[Chapter], Section | None]]] = {
    topic: [one.section for one in (*some, settings)] for topic, some in _OF_TOPIC.items()
}
"""The sections of a chapter by its topic, in the order in which they are read."""
