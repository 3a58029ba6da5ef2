"""The command `nejm-inspect report`."""

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.text import one_line

if TYPE_CHECKING:
    from nejm_inspect.report.page import Report


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG_OR_FOLDER...")
@click.option(
    "--out",
    default="logs/report",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; files of an earlier report there are replaced.",
)
@click.option("--baseline", metavar="MODEL", help="Compare all others with this one.")
@click.option(
    "--repeats", is_flag=True, help="Take several runs of a model as repeats, not the newest only."
)
@click.option(
    "--cutoff",
    "cutoffs",
    multiple=True,
    metavar="MODEL=DATE",
    help="Split a model's cases at its training cut-off (an ISO date); repeatable.",
)
@click.option(
    "--judges",
    is_flag=True,
    help="Compare judges, from logs of the same run judged by different ones.",
)
@click.option(
    "--exam",
    "exams",
    multiple=True,
    metavar="LOG_OR_FOLDER",
    help="Show the exam of a judge, a log of nejm_judge_exam; repeatable.",
)
@click.option(
    "--with-texts",
    is_flag=True,
    help="Show images, histories, references, responses and reasoning: for your own eyes.",
)
@click.option("--case", metavar="ID", help="Print one case, and write nothing.")
def report(
    logs: tuple[str, ...],
    out: Path,
    baseline: str | None,
    repeats: bool,
    cutoffs: tuple[str, ...],
    judges: bool,
    exams: tuple[str, ...],
    with_texts: bool,
    case: str | None,
) -> None:
    """Compare models from their Inspect logs.

    Takes logs or folders of logs, local or at any URL that fsspec opens. Writes
    report.html, report.md, CSV tables and figures, and prints findings and leaderboard.
    """
    # Drawing and statistics take seconds to import, and only this command needs them.
    from nejm_inspect.report import write_report
    from nejm_inspect.report.chapter import Options
    from nejm_inspect.report.one_case import print_case

    if case is not None:
        print_case(logs, case, Console())
        return
    days = dict(_parse_cutoffs(cutoffs))
    options = Options(baseline, repeats, days, judges, with_texts)
    _print(write_report(logs, out, options, exams), Console())
    click.echo(f"Report: {out / 'report.html'}")


def _print(report: "Report", console: Console) -> None:
    """Prints findings and leaderboards."""
    for told in report.chapters:
        console.print(Text(one_line(told.title), style="bold"))
        for finding in told.findings:
            console.print(Text(f"• {one_line(finding.lead + finding.rest)}"))
        for table in (table for section in told.sections for table in section.tables):
            if table.in_terminal:
                console.print(table.to_terminal())
        console.print()


def _parse_cutoffs(cutoffs: Iterable[str]) -> Iterable[tuple[str, datetime.date]]:
    for cutoff in cutoffs:
        model, _, day = cutoff.rpartition("=")
        try:
            yield model, datetime.date.fromisoformat(day)
        except ValueError as error:
            raise NejmInspectError(
                f"--cutoff {cutoff}: must be MODEL=DATE with an ISO date."
            ) from error
