"""The sections of a report. To add one: a file, and its name here."""

from collections.abc import Callable, Mapping
from importlib import import_module

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.sections.section import Section

_NAMES = {
    "models": "scores published pairs physicians adjusted cutoffs judges variance breakdowns "
    "contradictions cases settings",
    "ablation": "scores ablation cutoffs judges breakdowns contradictions cases settings",
    "judges": "judges variance settings",
    "exam": "exam settings",
}
SECTIONS: Mapping[str, list[Callable[[Chapter], Section | None]]] = {
    topic: [import_module(f"{__name__}.{name}").section for name in names.split()]
    for topic, names in _NAMES.items()
}
"""The sections of a chapter by its topic, in the order in which they are read."""
