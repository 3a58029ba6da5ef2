"""What a section of a report is, and what sections are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from nejm_inspect.report.chapter import Chapter
from nejm_inspect.report.figures import Figure, dots, heat
from nejm_inspect.report.table import Table

__all__ = ["Chapter", "Figure", "Finding", "Section", "Table", "dots", "heat"]


@dataclass(frozen=True)
class Finding:
    """A sentence of the first screen, with its emphasized beginning."""

    lead: str
    rest: str = ""
    limits: bool = False  # whether it says what limits the results, or what to doubt


@dataclass(frozen=True)
class Section:
    """A part of a chapter: figures, then tables, then how to read them."""

    title: str
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = ()  # what it adds to the first screen
    lead: str = ""
