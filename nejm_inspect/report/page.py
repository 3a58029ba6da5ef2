"""From sections to report.html, report.md, CSV files and figures.

All text is hostile: what templates output has gone through `visible` and their format's escaping.
"""

import datetime
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from nejm_inspect.report.figures import DARK, LIGHT
from nejm_inspect.report.formats import as_csv, as_markdown
from nejm_inspect.report.sections.section import Finding, Section
from nejm_inspect.report.table import HIDDEN, heading
from nejm_inspect.text import visible

METHODS = (
    "Intervals are at 95%: Wilson's (1927), of scores with an effective number of cases, of shares "
    "of responses with a design effect where a case has several; none for fewer than ten cases.",
    "Models are compared case by case (Miller 2024, arXiv 2411.00640) by exact paired permutation "
    "tests, two-sided, with p adjusted over the pairs shown (Holm 1979). “No difference was "
    "detected” does not mean that there is none.",
)


@dataclass(frozen=True)
class Told:
    """A chapter in words and sections."""

    number: int
    title: str
    sections: Sequence[Section]
    prefix: str = ""  # of its figures' files

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
    """The contents, by path, of pages, figures and tables, and the pictures beside the page."""
    known = {"report": report, "pictures": pictures}
    texts = {n: _TEMPLATES.get_template(f"{n}.jinja") for n in ("report.html", "report.md")}
    written = {name: template.render(known).encode() for name, template in texts.items()}
    frames: dict[str, list[pd.DataFrame]] = {}
    for told, section in ((c, section) for c in report.chapters for section in c.sections):
        for figure in section.figures:
            path = f"figures/{told.prefix}{figure.name}"
            written |= {f"{path}.{suffix}": data for suffix, data in figure.files.items()}
        for table in section.tables:
            frame = table.frame.drop(columns=HIDDEN, errors="ignore")
            frame.insert(0, "chapter", told.number)
            frames.setdefault(f"{table.name}.csv", []).append(frame)
    return {**written, **pictures, **{n: as_csv(pd.concat(some)) for n, some in frames.items()}}


@pass_context
def _escape(context: Context, value: object) -> object:
    """Every str as its format shows it, unless it is Markup."""
    escape = as_markdown if context.name == "report.md.jinja" else visible
    return escape(value) if type(value) is str else value


def environment(package: str) -> Environment:
    """The environment of a package's templates; see above for what it does to text."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=_escape,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.globals |= {"light": LIGHT, "dark": DARK}
    made.globals["sha256"] = lambda text: b64encode(sha256(text.encode()).digest()).decode()
    return made


_TEMPLATES = environment("nejm_inspect.report")
_TEMPLATES.globals |= {"methods": METHODS, "heading": heading}
