"""A report as pages (HTML, Markdown), as tables (CSV) and on the terminal.

All text is taken to be hostile, as models and case files wrote it: the templates cannot
output any that has not gone through `visible` and the escaping of their format.
"""

import base64
import csv
import dataclasses
import datetime
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

from nejm_inspect.report.captions import order_note, reader_accuracies, reader_mean
from nejm_inspect.report.contents import BANDS, Comparison, Estimate, Report
from nejm_inspect.report.formats import (
    bounds,
    dollars,
    duration,
    hundredfold,
    one_line,
    out_of,
    p_value,
    percent,
    points,
    rank,
    shade,
    share,
    short,
    signed,
    visible,
)
from nejm_inspect.report.sections import Table as SectionTable
from nejm_inspect.report.sections import comparison_sections, report_sections

if TYPE_CHECKING:
    from nejm_inspect.report.figures import DrawnFigure

FOLD_ABOVE = 60
"""A table with more rows than this is folded away at first."""

READERS = "NEJM readers"
"""What the readers are called among models of multiple choice."""

SAME_VENDOR = "†"
"""Marks a model whose judge is of its vendor."""

Cell = str | int | float | None


def write_pages(
    report: Report, figures: Sequence[Sequence["DrawnFigure"]], folder: Path
) -> list[Path]:
    """Writes report.html, report.md, leaderboard.csv, cases.csv and sections' tables.

    Args:
        report: What they say.
        figures: The figures of each comparison, in the order of the comparisons, then
            those of each of `report_sections`.
        folder: Where to; created if need be. Markdown links figures relative to it.

    Returns:
        The files written.
    """

    def link(png: Path) -> Markup:
        return Markup(quote(Path(os.path.relpath(png, folder)).as_posix()))  # noqa: S704

    parts = [*report.comparisons, *report_sections(report)]
    illustrated = list(zip(parts, figures, strict=True))
    count = len(report.comparisons)
    page = {
        "report": report,
        "comparisons": illustrated[:count],
        "sections": illustrated[count:],
        "comparison_sections": comparison_sections,
        "has_verbatim": has_verbatim,
        "reader_mean": reader_mean,
        "reader_cases": lambda comparison: len(reader_accuracies(comparison)),
        "readers": READERS,
        "same_vendor": SAME_VENDOR,
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
        **{file: _csv(records) for file, records in _section_records(report).items()},
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
        verbatim = has_verbatim(comparison)
        console.print(Text(one_line(comparison.title), style="bold"))
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("Rank", justify="right", no_wrap=True)
        table.add_column("Model", overflow="fold")
        score, full = ("Overall", "Exact") if rubric else ("Accuracy", "Correct")
        floor = ["Same words"] if verbatim else []
        for heading in (score, full, *floor, "Unscored", "Errors", "Missing"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in comparison.leaderboard:
            exact = f"{percent(row.exact.value)} " if row.exact else ""
            mark = f" {SAME_VENDOR}" if row.same_vendor else ""
            cells = (
                *(rank(row.rank), short(row.model) + mark),
                share(row.overall),
                exact + out_of(row.exact_count, row.responses),
                *([percent(row.verbatim.value if row.verbatim else None)] * verbatim),
                *(f"{n:,}" for n in (row.unscored, row.errors, row.missing)),
            )
            # In Text, brackets are brackets; in a str, rich takes them for markup.
            table.add_row(*map(Text, cells))
        if (readers := reader_mean(comparison)) is not None:
            table.add_row("", READERS, percent(readers))
        console.print(table)
        for section in comparison_sections(comparison):
            _print_notes(section.findings, console)
        _print_notes(comparison.notes, console)
        console.print()
    for section in report_sections(report):
        _print_notes(section.findings, console)
    _print_notes(report.notes, console)


def _print_notes(notes: Sequence[str], console: Console) -> None:
    for note in notes:
        console.print(Text(f"• {one_line(note)}"))


def has_verbatim(comparison: Comparison) -> bool:
    """Whether any model's responses were compared with the references' words."""
    return any(row.verbatim for row in comparison.leaderboard)


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
                **_bounded("verbatim", row.verbatim),
                "same_vendor": ", ".join(row.same_vendor),
            }
        if (readers := reader_mean(comparison)) is not None:
            yield {
                **_heading(number, comparison),
                **{"model": READERS, "overall": readers},
                "cases": len(reader_accuracies(comparison)),
            }


def _section_records(report: Report) -> dict[str, list[Mapping[str, Cell]]]:
    """The records of all sections by the file that they go to."""
    sections = [
        *(
            (_heading(number, comparison), section)
            for number, comparison in enumerate(report.comparisons, start=1)
            for section in comparison_sections(comparison)
        ),
        *(({}, section) for section in report_sections(report)),
    ]
    records: dict[str, list[Mapping[str, Cell]]] = {}
    for heading, section in sections:
        for table in section.tables:
            rows = [
                {**heading, **table.of, **_record(table, row)} for row in table.rows
            ]
            records.setdefault(table.file, []).extend(rows)
    return records


def _record(table: SectionTable, row: object) -> dict[str, Cell]:
    """A row with whole numbers, and an estimate's bounds beside it."""
    record: dict[str, Cell] = {}
    for column in table.columns:
        name, value = column.attribute.replace(".", "_"), column.value(row)
        if isinstance(value, Estimate):
            record |= _bounded(name, value)
        else:
            record[name] = str(value) if isinstance(value, datetime.date) else value
    return record


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
