"""What a section of a report is."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nejm_inspect.report.figures import Figure
from nejm_inspect.report.table import Table


@dataclass(frozen=True)
class Finding:
    """A sentence of the first screen."""

    lead: str
    """Its emphasized beginning."""
    rest: str = ""
    limits: bool = False
    """Whether it says what limits the results, or what to doubt."""

    def __str__(self) -> str:
        """The sentence."""
        return self.lead + self.rest


@dataclass(frozen=True)
class Section:
    """A part of a chapter."""

    title: str
    lead: str = ""
    """A sentence that says what is shown."""
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    """How to read it, below."""
    findings: Sequence[Finding] = ()
    """What it adds to the first screen."""
    figures_first: bool = False
    content: Markup = Markup()  # noqa: RUF009 - immutable
    """Further HTML, for the page alone."""
