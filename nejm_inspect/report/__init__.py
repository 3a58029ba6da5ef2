"""From Inspect logs to a report. Reads logs only; imports no task."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.comparing import build_report
from nejm_inspect.report.confusions import draw_confusion
from nejm_inspect.report.contents import Report
from nejm_inspect.report.exams import read_exams
from nejm_inspect.report.figures import draw_figures
from nejm_inspect.report.pages import write_pages
from nejm_inspect.report.reading import read_runs
from nejm_inspect.report.sections import report_sections


def write_report(
    locations: Sequence[str],
    folder: Path,
    *,
    baseline: str | None = None,
    repeats: bool = False,
    cutoffs: Mapping[str, datetime.date] | None = None,
    judges: bool = False,
    exams: Sequence[str] = (),
    with_texts: bool = False,
) -> Report:
    """Reads logs and writes pages, tables and figures about them.

    Args:
        locations: Logs or folders of logs, local or any URL that fsspec opens.
        folder: Where to; `report.html`, `report.md`, `leaderboard.csv`, `cases.csv`,
            a CSV file for each table of what else there is to say, and `figures/` in
            it are made or replaced.
        baseline: A model to compare all others with, instead of every pair.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.
        cutoffs: Models' training cut-offs, at which their cases are split.
        judges: Whether to compare judges that scored the same responses.
        exams: Logs of the judge's exam or folders of some.
        with_texts: Whether to show histories, references, answers and reasoning.

    Returns:
        What the report says.

    Raises:
        NejmInspectError: If the logs cannot be read or hold nothing to report, or the
            folder cannot be written to.
    """
    try:  # before the work of reading
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    report = build_report(
        read_runs(locations, with_texts),
        baseline=baseline,
        repeats=repeats,
        cutoffs=cutoffs,
        judges=judges,
        exams=read_exams(exams),
        with_texts=with_texts,
    )
    several = len(report.comparisons) > 1
    try:
        figures = [
            draw_figures(one, folder / "figures", f"{number}-" if several else "")
            for number, one in enumerate(report.comparisons, start=1)
        ]
        for number, section in enumerate(report_sections(report), start=1):
            name = f"agreement-{number}"
            drawn = section.confusion and draw_confusion(
                section.confusion, folder / "figures", name
            )
            figures.append([drawn] if drawn else [])
        write_pages(report, figures, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return report


def _unwritable(folder: Path, error: OSError) -> NejmInspectError:
    return NejmInspectError(f"--out {folder} cannot be written to: {error.strerror}.")
