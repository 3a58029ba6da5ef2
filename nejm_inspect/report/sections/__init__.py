"""The sections of a report. To add one: a file, and its name here."""

from collections.abc import Callable, Sequence

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
    panel,
    published,
    scores,
    settings,
)
from nejm_inspect.report.sections.section import Section

SECTIONS: Sequence[Callable[[Chapter], Section | None]] = tuple(
    one.section
    for one in (
        *(scores, published, ablation, judges, exam, pairs, cutoffs, panel),
        *(breakdowns, contradictions, cases, settings),
    )
)
"""In the order in which they are read. Each knows the chapters that it is about."""
