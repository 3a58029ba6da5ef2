"""The command `nejm-inspect grade`."""

from collections.abc import Sequence
from pathlib import Path

import click


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG_OR_FOLDER...")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; it must be empty or new.",
)
@click.option(
    "--responses",
    default=120,
    show_default=True,
    type=click.IntRange(1),
    help="How many responses to draw in all; each model gets an equal share.",
)
@click.option(
    "--raters", default=2, show_default=True, type=click.IntRange(1), help="How many raters."
)
@click.option(
    "--overlap",
    default=30,
    show_default=True,
    type=click.IntRange(0),
    help="How many of the responses all raters grade; the rest is divided among them.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),  # those of numpy
    help="Seed of the draw.",
)
def grade(logs: Sequence[str], out: Path, **numbers: int) -> None:
    """Draw responses for physicians to grade.

    Writes a page and a sheet for each rater, which tell neither model nor judge nor points. Give
    what comes back to nejm-inspect report LOGS --grades FILE.
    """
    # These modules take seconds to import, and only this command needs them.
    from nejm_inspect.grading.design import Design
    from nejm_inspect.grading.drawing import draw
    from nejm_inspect.grading.writing import RIGHTS, check_folder, write_raters
    from nejm_inspect.report.formats import counted
    from nejm_inspect.report.reading import read_logs

    check_folder(out)  # before the work of reading
    runs, responses, _ = read_logs(logs)
    raters = draw(runs, responses, Design(**numbers))
    write_raters(raters, out)
    drawn = len({id for own in raters for id in own["response_id"]})
    if drawn < numbers["responses"]:
        wanted = numbers["responses"]
        click.echo(
            f"Only {drawn} of {wanted} responses: models have fewer judged than their share."
        )
    for number, own in enumerate(raters, start=1):
        models, cases = own["name"].nunique(), own["case_id"].nunique()
        click.echo(
            f"Rater {number}: {counted(len(own), 'response')} of {counted(models, 'model')} to "
            f"{counted(cases, 'case')}, in {out / f'rater-{number}' / 'grade.html'}"
        )
    click.echo(RIGHTS)
