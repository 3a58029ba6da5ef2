"""From sections to report.html, report.md, CSV files and figures.

All text is taken to be hostile, as models and case files wrote it: the templates output none that
has not gone through `visible` and the escaping of their format.
"""

import base64
import datetime
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from nejm_inspect.report.figures import Figure
from nejm_inspect.report.formats import as_csv, as_markdown
from nejm_inspect.report.palette import DARK, LIGHT
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import HIDDEN, heading
from nejm_inspect.text import visible

METHODS = (
    "Intervals are at 95%: of scores, Wilson's (1927) with an effective number of cases; of shares "
    "of responses, Wilson's with a design effect where a case has several. No interval is shown "
    "for fewer than ten cases.",
    "Models are compared case by case (Miller 2024, arXiv 2411.00640): p is two-sided, from an "
    "exact paired permutation test, adjusted over the pairs shown by Holm's method (1979). “No "
    "difference was detected” does not mean that there is none.",
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

    def path(self, told: Told, figure: Figure) -> str:
        """Where a figure's files are, without suffix."""
        chapter = f"{told.number}-" if len(self.chapters) > 1 else ""
        return f"figures/{chapter}{figure.name}"


def pages(report: Report, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Writes the pages, figures and tables.

    Args:
        report: What they say.
        pictures: Pictures beside the page, by path.

    Returns:
        The files' contents by their path.
    """
    style, script = (_template(name, str).render() for name in ("report.css", "report.js"))
    schemes = "".join(f"--{name}:light-dark({LIGHT[name]},{DARK[name]});" for name in LIGHT)
    page = {
        **{"report": report, "methods": METHODS, "heading": heading, "sha256": _sha256},
        "style": Markup(f":root{{color-scheme:light dark;{schemes}}}{style}"),  # noqa: S704 - ours
        "script": Markup(script),  # noqa: S704 - our own
        # Pictures beside the page are files of its folder.
        "images": "'self' file:" if pictures else "",
    }
    written = {
        "report.html": _template("report.html.jinja", visible).render(page).encode(),
        "report.md": _template("report.md.jinja", as_markdown).render(page).encode(),
        **pictures,
    }
    frames: dict[str, list[pd.DataFrame]] = {}
    for told in report.chapters:
        for section in told.sections:
            for figure in section.figures:
                path = report.path(told, figure)
                written |= {f"{path}.{suffix}": data for suffix, data in figure.files.items()}
            for table in section.tables:
                frame = table.frame.drop(columns=HIDDEN, errors="ignore")
                frame.insert(0, "chapter", told.number)
                frames.setdefault(f"{table.name}.csv", []).append(frame)
    return written | {name: as_csv(pd.concat(some)) for name, some in frames.items()}


def _sha256(text: str) -> Markup:
    digest = hashlib.sha256(text.encode()).digest()
    return Markup(base64.b64encode(digest).decode())  # noqa: S704 - letters and digits


def _template(name: str, escape: Callable[[str], str]) -> Template:
    """A template that writes every str escaped unless it is Markup."""

    def finalize(value: object) -> object:
        return escape(value) if type(value) is str else value

    return Environment(
        loader=PackageLoader("nejm_inspect.report"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)
