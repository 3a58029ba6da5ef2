"""A report as pages (HTML, Markdown), as tables (CSV) and on the terminal.

All text is taken to be hostile, as models and case files wrote it: the templates cannot
output any that has not gone through `visible` and the escaping of their format.
"""

import base64
import csv
import dataclasses
import functools
import hashlib
import io
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nejm_inspect.report.captions import order_note
from nejm_inspect.report.contents import BANDS, Comparison, Estimate, Report

if TYPE_CHECKING:
    from nejm_inspect.report.figures import DrawnFigure

NAME_LIMIT = 80
"""Characters shown of a name: a model's, a case's, a group's."""

TEXT_LIMIT = 2_000
"""Characters shown of any other text."""

FOLD_ABOVE = 60
"""A table with more rows than this is folded away at first."""

UNDEFINED = "–"

Cell = str | int | float | None


def write_pages(
    report: Report, figures: Sequence[Sequence["DrawnFigure"]], folder: Path
) -> list[Path]:
    """Writes report.html, report.md, leaderboard.csv and cases.csv.

    Args:
        report: What they say.
        figures: The figures of each comparison, in the order of the comparisons.
        folder: Where to; created if need be. Markdown links figures relative to it.

    Returns:
        The files written.
    """

    def link(png: Path) -> Markup:
        return Markup(quote(Path(os.path.relpath(png, folder)).as_posix()))  # noqa: S704

    page = {
        "report": report,
        "sections": list(zip(report.comparisons, figures, strict=True)),
        "bands": BANDS,
        "fold_above": FOLD_ABOVE,
        "link": link,
        "base64": _base64,
        "order_note": order_note,
        "sha256": hashlib.sha256,
    }
    contents = {
        "report.html": _rendered("report.html.jinja", visible, page),
        "report.md": _rendered("report.md.jinja", as_markdown, page),
        "leaderboard.csv": _csv(list(_leaderboard_records(report))),
        "cases.csv": _csv(list(_case_records(report))),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in contents]


def print_leaderboard(report: Report, console: Console) -> None:
    """Prints a table for each comparison, its notes below, then those of the report.

    Args:
        report: What to print.
        console: Where to; 100 columns are enough.
    """
    for comparison in report.comparisons:
        rubric = comparison.kind == "points"
        console.print(Text(one_line(comparison.title), style="bold"))
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("Rank", justify="right", no_wrap=True)
        table.add_column("Model", overflow="fold")
        score, full = ("Overall", "Exact") if rubric else ("Accuracy", "Correct")
        for heading in (score, full, "Unscored", "Errors", "Missing"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in comparison.leaderboard:
            exact = f"{percent(row.exact.value)} " if row.exact else ""
            cells = (
                *(rank(row.rank), short(row.model)),
                f"{percent(row.overall.value)} {bounds(row.overall)}".rstrip(),
                exact + out_of(row.exact_count, row.responses),
                *(f"{n:,}" for n in (row.unscored, row.errors, row.missing)),
            )
            # In Text, brackets are brackets; in a str, rich takes them for markup.
            table.add_row(*map(Text, cells))
        console.print(table)
        for note in (*comparison.notes, ""):
            console.print(Text(f"• {one_line(note)}" if note else ""))
    for note in report.notes:
        console.print(Text(f"• {one_line(note)}"))


def visible(text: str, limit: int = TEXT_LIMIT) -> str:
    """Cuts a text, and shows as � every character that could hide or steer.

    Those are controls (which take escape sequences of terminals with them), zero-width
    characters, changes of direction, and half surrogate pairs. Line breaks stay; other
    white space becomes a blank.
    """
    cut = len(text) - limit
    if cut > 0:
        text = f"{text[:limit]}… ({cut:,} characters cut)"
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text.replace("\r\n", "\n")))


def _visible_character(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return " " if character.isspace() else "�"


def one_line(text: str, limit: int = TEXT_LIMIT) -> str:
    """The visible text with its white space collapsed."""
    return " ".join(visible(text, limit).split())


def short(name: str) -> str:
    """A name on one line, cut where it is longer than any sensible one."""
    return one_line(name, NAME_LIMIT)


def as_markdown(text: str) -> Markup:
    """The text on one line of Markdown, or in a cell of a table, without any effect."""
    acting = r"[\\`*~$|\[\]]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\."
    line = re.sub(acting, r"\\\g<0>", one_line(text))
    line = re.sub(r"^(\d*)(#|[-+=](?!\w)|(?<=\d)[.)](?!\S))", r"\1\\\2", line)
    # Markdown lets HTML through: only references write these characters safely.
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(line)  # noqa: S704 - nothing is left that acts


def as_csv(cell: Cell) -> str | int | float:
    """The cell, empty if undefined, and with no text that a spreadsheet computes."""
    if isinstance(cell, str):
        text = one_line(cell)
        return f"'{text}" if text.startswith(tuple("=+-@＝＋－＠")) else text
    return cell if cell is not None and math.isfinite(cell) else ""


def _or_dash(write: Callable[[float], str]) -> Callable[[float | None], str]:
    @functools.wraps(write)
    def written(number: float | None) -> str:
        return UNDEFINED if number is None or math.isnan(number) else write(number)

    return written


@_or_dash
def percent(share: float) -> str:
    """For example 69.8%."""
    return f"{100 * share:z.1f}%".replace("-", "−")


@_or_dash
def hundredfold(share: float) -> str:
    """In percentage points, for example 7.4."""
    return f"{100 * share:z.1f}".replace("-", "−")


@_or_dash
def signed(difference: float) -> str:
    """In percentage points with the sign, for example +7.4."""
    return f"{100 * difference:+z.1f}".replace("-", "−")


@_or_dash
def p_value(p: float) -> str:
    """For example 0.012, or < 0.001."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


@_or_dash
def dollars(cost: float) -> str:
    """For example $1.23."""
    return f"${cost:,.2f}" if cost >= 0.005 or cost == 0 else "< $0.01"


@_or_dash
def duration(seconds: float) -> str:
    """For example 3 min 20 s, or 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@_or_dash
def points(number: float) -> str:
    """Mean points of a case in two digits, for example 10 or 6.3."""
    return f"{number:.2g}"


def bounds(estimate: Estimate) -> str:
    """The interval in percent, (61.2–78.4); nothing where it is undefined."""
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return ""
    # A dash before a minus could not be told from it.
    dash = "–" if estimate.lower >= 0 else " to "
    return f"({hundredfold(estimate.lower)}{dash}{hundredfold(estimate.upper)})"


def out_of(number: int, total: int) -> str:
    """For example 22/50."""
    return f"{number:,}/{total:,}" if total else UNDEFINED


def rank(places: tuple[int, int] | None) -> str:
    """For example 1, or 1–3."""
    return UNDEFINED if places is None else "–".join(map(str, sorted(set(places))))


def shade(number: float | None, most: int) -> str:
    """The CSS class of so many points out of the most possible: p0 to p10, or none."""
    if number is None or math.isnan(number):
        return "none"
    return f"p{round(10 * min(max(number / most, 0), 1))}"


def _base64(content: bytes) -> Markup:
    # Markup, for it may be longer than any text; there is nothing in it to escape.
    return Markup(base64.b64encode(content).decode())  # noqa: S704


def _rendered(name: str, escape: Callable[[str], str], page: dict[str, object]) -> str:
    """A page with every str escaped unless it is Markup, and whole numbers as 1,234."""

    def finalize(value: object) -> object:
        if isinstance(value, str) and not isinstance(value, Markup):
            return escape(value)
        return f"{value:,}" if isinstance(value, int) else value

    environment = Environment(
        loader=PackageLoader("nejm_inspect.report"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (
        *(short, percent, hundredfold, signed, bounds, p_value, rank, out_of),
        *(dollars, duration, points, shade),
    ):
        environment.filters[write.__name__] = write
    return environment.get_template(name).render(page)


def _csv(records: Sequence[Mapping[str, Cell]]) -> str:
    """A column for every key that any of the records has."""
    headings = list(dict.fromkeys(key for record in records for key in record))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(map(as_csv, headings))
    for record in records:
        writer.writerow(as_csv(record.get(heading)) for heading in headings)
    return table.getvalue()


def _leaderboard_records(report: Report) -> Iterator[Mapping[str, Cell]]:
    for number, comparison in enumerate(report.comparisons, start=1):
        for row in comparison.leaderboard:
            best, worst = row.rank or (None, None)
            yield {
                **_heading(number, comparison),
                **{"best_rank": best, "worst_rank": worst, "model": row.model},
                **_bounded("overall", row.overall),
                **_bounded("exact", row.exact),
                **_fields(row, "exact_count", "responses", "cases"),
                **{f"points {band}": row.bands.get(band) for band in BANDS},
                **_fields(row, "unscored", "errors", "missing"),
                **_fields(row, "input_tokens", "output_tokens", "cost", "seconds"),
            }


def _case_records(report: Report) -> Iterator[Mapping[str, Cell]]:
    for number, comparison in enumerate(report.comparisons, start=1):
        models = [row.model for row in comparison.leaderboard]
        for case in comparison.cases:
            record = {
                **_heading(number, comparison),
                **_fields(case, "case_id", "date", "difficulty", "brier_score"),
                **_fields(case, "question_type", "reader_accuracy"),
                **{f"points: {model}": case.points.get(model) for model in models},
            }
            if report.with_texts and (texts := case.texts):
                record |= _fields(texts, "history", "reference")
                record |= {f"answer: {m}": texts.answers.get(m) for m in models}
                record |= {f"reasoning: {m}": texts.reasoning.get(m) for m in models}
            yield record


def _heading(number: int, comparison: Comparison) -> dict[str, Cell]:
    return {"comparison": number, **_fields(comparison, "title", "kind")}


def _fields(row: object, *names: str) -> dict[str, Cell]:
    return {name: getattr(row, name) for name in names}


def _bounded(name: str, estimate: Estimate | None) -> dict[str, Cell]:
    numbers = dataclasses.astuple(estimate) if estimate else (None, None, None)
    return dict(zip((name, f"{name}_lower", f"{name}_upper"), numbers, strict=True))
