"""The command `nejm-inspect grade`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click


def _number(
    name: str, default: int, lowest: int, help: str, highest: int | None = None
) -> Callable[..., Any]:
    allowed = click.IntRange(lowest, highest)
    return click.option(name, default=default, show_default=True, type=allowed, help=help)


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG_OR_FOLDER...")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; it must be empty or new.",
)
@_number("--responses", 120, 1, "How many responses to draw; each model gets an equal share.")
@_number("--raters", 2, 1, "How many raters.")
@_number("--overlap", 30, 0, "How many responses all raters grade; the others have one each.")
@_number("--seed", 1, 0, "Seed of the draw.", highest=2**32 - 1)  # the highest that numpy takes
def grade(logs: Sequence[str], out: Path, **numbers: int) -> None:
    """Draw responses for physicians to grade.

    Writes a page and a sheet for each rater, without the names of model and judge and without
    points. Give the files that raters send back to nejm-inspect report LOGS --grades FILE.
    """
    # These modules take seconds to import, and only this command needs them.
    from nejm_inspect.grading.design import Design
    from nejm_inspect.grading.drawing import draw
    from nejm_inspect.grading.writing import RIGHTS, check_folder, write_raters
    from nejm_inspect.report.formats import counted
    from nejm_inspect.report.reading import read_logs

    check_folder(out)  # before the logs are read, which takes long
    runs, responses, _ = read_logs(logs)
    design = Design(**numbers)
    raters = draw(runs, responses, design)
    write_raters(raters, out)
    drawn = len({id for own in raters for id in own["response_id"]})
    if drawn < design.responses:
        click.echo(
            f"Only {drawn} of {design.responses} responses: models have fewer judged responses "
            "than their share."
        )
    for number, own in enumerate(raters, start=1):
        models, cases = own["name"].nunique(), own["case_id"].nunique()
        click.echo(
            f"Rater {number}: {counted(len(own), 'response')} of {counted(models, 'model')} to "
            f"{counted(cases, 'case')}, in {out / f'rater-{number}' / 'grade.html'}"
        )
    click.echo(RIGHTS)
