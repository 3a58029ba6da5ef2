"""From sections to report.html, report.md, CSV files and figures.

All text is taken to be hostile, as models and case files wrote it: the templates output
none that has not gone through `visible` and the escaping of their format.
"""

import base64
import datetime
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from rich.console import Console
from rich.text import Text

from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import as_markdown, one_line, visible
from nejm_inspect.report.palette import DARK, LIGHT
from nejm_inspect.report.sections.section import Finding, Section

if TYPE_CHECKING:
    import pandas as pd

METHODS = (
    "Intervals are at 95%: of scores, Wilson's (1927) with an effective number of "
    "cases; of shares of responses, Wilson's with a design effect where a case has "
    "several. No interval is shown for fewer than ten cases.",
    "Models are compared case by case (Miller 2024, arXiv 2411.00640): p is two-sided, "
    "from an exact paired permutation test, adjusted over the pairs shown by Holm's "
    "method (1979). “No difference was detected” does not mean that there is none.",
)


@dataclass(frozen=True)
class Told:
    """A chapter in words and sections."""

    number: int
    title: str
    sections: Sequence[Section]

    @property
    def findings(self) -> list[Finding]:
        """What its sections find, results before limits."""
        found = [finding for one in self.sections for finding in one.findings]
        return sorted(found, key=lambda finding: finding.limits)


@dataclass(frozen=True)
class Report:
    """What a report shows."""

    title: str
    subtitle: str
    chapters: Sequence[Told]
    created: datetime.datetime
    with_texts: bool
    notes: Sequence[str] = ()


def pages(report: Report, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Writes the pages and figures.

    Args:
        report: What they say.
        pictures: Pictures beside the page, by path.

    Returns:
        The files' contents by their path.
    """
    several = len(report.chapters) > 1

    def file_of(told: Told, figure: Figure) -> str:
        return f"{told.number}-{figure.name}" if several else figure.name

    style = _template("report.css", str).render()
    page = {
        "report": report,
        "methods": METHODS,
        "file_of": file_of,
        "style": Markup(_colours() + style),  # noqa: S704 - our own
        "script": Markup(_text("report.js")),  # noqa: S704
        # Pictures beside the page are files of its folder.
        "images": "'self' file:" if pictures else "",
        "sha256": _sha256,
    }
    written = {
        "report.html": _template("report.html.jinja", visible).render(page),
        "report.md": _template("report.md.jinja", as_markdown).render(page),
    }
    return {
        **{name: text.encode() for name, text in written.items()},
        **{
            f"figures/{file_of(told, figure)}.{suffix}": content
            for told in report.chapters
            for section in told.sections
            for figure in section.figures
            for suffix, content in figure.files.items()
        },
        **pictures,
    }


def tables(report: Report) -> dict[str, bytes]:
    """The CSV files of all tables by name, with the number of the chapter first."""
    import pandas as pd

    frames: dict[str, list[pd.DataFrame]] = {}
    for told in report.chapters:
        for section in told.sections:
            for table in section.tables:
                records = table.records()
                records.insert(0, "chapter", told.number)
                frames.setdefault(table.name, []).append(records)
    return {f"{name}.csv": as_bytes(pd.concat(some)) for name, some in frames.items()}


def as_bytes(records: "pd.DataFrame") -> bytes:
    """A frame as a CSV file."""
    return records.to_csv(index=False, lineterminator="\n").encode("utf-8", "replace")


def print_report(report: Report, console: Console) -> None:
    """Prints findings and leaderboards.

    Args:
        report: What to print.
        console: Where to; 100 columns are enough.
    """
    for told in report.chapters:
        console.print(Text(one_line(told.title), style="bold"))
        for finding in told.findings:
            console.print(Text(f"• {one_line(finding.lead + finding.rest)}"))
        for section in told.sections:
            for table in section.tables:
                if table.in_terminal:
                    console.print(table.to_terminal())
        console.print()


def _colours() -> str:
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in scheme.items())
        for scheme in (LIGHT, DARK)
    )
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def _text(name: str) -> str:
    return files("nejm_inspect.report").joinpath("templates", name).read_text("utf-8")


def _sha256(text: str) -> Markup:
    digest = hashlib.sha256(text.encode()).digest()
    return Markup(base64.b64encode(digest).decode())  # noqa: S704 - letters and digits


def _template(name: str, escape: Callable[[str], str]) -> Template:
    """A template that writes every str escaped unless it is Markup."""

    def finalize(value: object) -> object:
        if isinstance(value, str) and not isinstance(value, Markup):
            return escape(value)
        return value

    environment = Environment(
        loader=PackageLoader("nejm_inspect.report"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
