"""The command `nejm-inspect report`."""

import datetime
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from inspect_ai.log import read_eval_log_sample, read_eval_log_sample_summaries
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table as RichTable
from rich.text import Text

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.text import one_line, visible

if TYPE_CHECKING:
    from nejm_inspect.report.page import Report
    from nejm_inspect.report.table import Table


repeatable = partial(click.option, multiple=True)


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
@repeatable(
    "--cutoff",
    metavar="MODEL=DATE",
    help="Split a model's cases at its training cut-off (an ISO date); repeatable.",
)
@click.option(
    "--judges", is_flag=True, help="Compare judges, from logs of one run judged by different ones."
)
@repeatable(
    "--exam",
    metavar="LOG_OR_FOLDER",
    help="Show the exam of a judge, a log of nejm_judge_exam; repeatable.",
)
@repeatable(
    "--grades",
    metavar="FILE",
    help="Show what physicians gave for responses of these logs, and adjust scores; repeatable.",
)
@click.option(
    "--with-texts",
    is_flag=True,
    help="Show images, histories, references, responses and reasoning: for your own eyes.",
)
@click.option("--case", metavar="ID", help="Print one case, and write nothing.")
def report(
    logs: Sequence[str],
    out: Path,
    cutoff: Sequence[str],
    exam: Sequence[str],
    grades: Sequence[str],
    case: str | None,
    **options: Any,
) -> None:
    """Compare models from their Inspect logs.

    Takes logs or folders of logs, local or at any URL that fsspec opens. Writes report.html,
    report.md, CSV tables and figures, and prints findings and leaderboard.
    """
    # These modules take seconds to import, and only this command needs them.
    from nejm_inspect.report import write_report
    from nejm_inspect.report.chapter import Options

    if case is not None:
        _print_case(logs, case, Console())
        return
    chosen = Options(cutoffs=dict(map(_parse_cutoff, cutoff)), **options)
    _print(write_report(logs, out, chosen, exam, grades), Console())
    click.echo(f"Report: {out / 'report.html'}")


def _print(report: "Report", console: Console) -> None:
    """Prints findings and leaderboards."""
    for note in report.notes:
        console.print(Text(f"• {one_line(note)}"))
    for chapter in report.chapters:
        console.print(Text(one_line(chapter.title), style="bold"))
        for finding in chapter.findings:
            console.print(Text(f"• {one_line(finding.lead + finding.rest)}"))
        for section in chapter.sections:
            for table in section.tables:
                if columns := [column for column in table.columns if column in table.in_terminal]:
                    _print_table(table, columns, console)
        console.print()


def _print_table(table: "Table", columns: Sequence[str], console: Console) -> None:
    from nejm_inspect.report.table import heading

    first, *others = map(heading, columns)
    head = [Column(first, overflow="fold", min_width=12)]
    head += [Column(other, justify="right", no_wrap=True) for other in others]
    printed = RichTable(*head, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for row in table.rows:
        # In a str, rich would read brackets as markup.
        printed.add_row(*(Text(table.cell(row, column)) for column in columns))
    console.print(printed)


def _parse_cutoff(cutoff: str) -> tuple[str, datetime.date]:
    model, _, day = cutoff.rpartition("=")
    try:
        return model, datetime.date.fromisoformat(day)
    except ValueError:
        raise NejmInspectError(f"--cutoff {cutoff}: must be MODEL=DATE with an ISO date.") from None


def _print_case(places: Sequence[str], case_id: str, console: Console) -> None:
    """Prints the history, the reference and every model's response to a case."""
    from nejm_inspect.report.formats import points, short
    from nejm_inspect.report.headers import last_attempts, log_headers, scorer_of
    from nejm_inspect.report.reading import UNREAD, naming, response_of

    found = []
    for header in last_attempts([h for place in places for h in log_headers(place)]):
        log, spec, scorer = header.location, header.eval, scorer_of(header)
        if scorer is None:
            continue
        # A baseline is a solver that does not ask a model.
        model = short(spec.solver if spec.model.startswith("none/") else spec.model)
        with naming(log):
            for one in read_eval_log_sample_summaries(log):
                if str(one.id) == case_id:
                    sample = read_eval_log_sample(log, one.id, one.epoch, exclude_fields=UNREAD)
                    row = response_of(sample, scorer, log)
                    epoch = f", epoch {one.epoch}" if one.epoch > 1 else ""
                    judge = f", judged by {short(row['judge'])}" if row["judge"] else ""
                    given = f"{points(row['points'])} points".replace("– points", "no score")
                    if scorer == "choice":
                        given = {1: "right", 0: "wrong"}.get(row["points"], "no score")
                    found.append((f"{model}{epoch}{judge}: {given}", row))
    if not found:
        raise NejmInspectError(f"--case {case_id}: no log has this case with a score.")
    first = found[0][1]
    console.print(Text(f"Case {short(case_id)}", style="bold"))
    console.print(Text(f"{visible(first['history'])}\nReference: {visible(first['reference'])}\n"))
    for name, row in found:
        console.print(Text(name, style="bold"))
        for words in (row["response"], row["reasoning"]):
            console.print(Padding(Text(visible(words)), (0, 0, 0, 2)))
