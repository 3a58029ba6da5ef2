"""From Inspect logs to a report. Reads logs only; imports no task."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.comparing import build_report
from nejm_inspect.report.contents import Report
from nejm_inspect.report.figures import draw_figures
from nejm_inspect.report.pages import write_pages
from nejm_inspect.report.reading import read_runs


def write_report(
    locations: Sequence[str],
    folder: Path,
    *,
    baseline: str | None = None,
    repeats: bool = False,
    cutoffs: Mapping[str, datetime.date] | None = None,
    with_texts: bool = False,
) -> Report:
    """Reads logs and writes pages, tables and figures about them.

    Args:
        locations: Logs or folders of logs, local or any URL that fsspec opens.
        folder: Where to; `report.html`, `report.md`, `leaderboard.csv`, `cases.csv`
            and `figures/` in it are made or replaced.
        baseline: A model to compare all others with, instead of every pair.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.
        cutoffs: Models' training cut-offs, to be marked.
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
        with_texts=with_texts,
    )
    several = len(report.comparisons) > 1
    try:
        figures = [
            draw_figures(one, folder / "figures", f"{number}-" if several else "")
            for number, one in enumerate(report.comparisons, start=1)
        ]
        write_pages(report, figures, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return report


def _unwritable(folder: Path, error: OSError) -> NejmInspectError:
    return NejmInspectError(f"--out {folder} cannot be written to: {error.strerror}.")
