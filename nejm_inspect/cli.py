"""The command `nejm-inspect`."""

from collections.abc import Callable

import click

from nejm_inspect.cases import open_source
from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.nejm_images import local_images
from nejm_inspect.cases.schema import DIFFICULTIES
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.cases.source import CaseImages
from nejm_inspect.cases.tables import user_path
from nejm_inspect.cli_benchmark import benchmark
from nejm_inspect.cli_report import report
from nejm_inspect.errors import NejmInspectError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nejm-inspect")
def main() -> None:
    """The NEJM Image Challenge as an Inspect AI evaluation.

    To run it: inspect eval nejm_inspect/nejm_image_challenge --model PROVIDER/MODEL
    """


Command = Callable[..., None]


def _of_cases(command: Command) -> Command:
    """The options that say which NEJM cases are wanted."""
    for option in reversed(
        (
            click.option(
                "--sample-size", type=int, help="Number of cases to draw, as in the task."
            ),
            click.option("--all", "all_cases", is_flag=True, help="All 947 cases."),
            click.option("--seed", default=42, show_default=True, help="Seed of the draw."),
            click.option(
                "--difficulty",
                default="all",
                show_default=True,
                type=click.Choice(["all", *DIFFICULTIES]),
                help="Take only cases that NEJM readers found this hard.",
            ),
            click.option(
                "--image-dir",
                metavar="FOLDER",
                help="Your own image files, named ID.* or ICYYYYMMDD.*, used before any download.",
            ),
        )
    ):
        command = option(command)
    return command


def _selection(sample_size: int | None, all_cases: bool, seed: int, difficulty: str) -> Selection:
    if all_cases and sample_size is not None:
        raise click.UsageError("Give --sample-size or --all, not both.")
    # Not given, the size is the selection's own; null, which takes all, must be.
    size = {"sample_size": sample_size} if all_cases or sample_size is not None else {}
    return Selection.of(seed=seed, difficulty=difficulty, **size)


@main.command()
@_of_cases
@click.pass_context
def fetch(
    context: click.Context,
    sample_size: int | None,
    all_cases: bool,
    seed: int,
    difficulty: str,
    image_dir: str | None,
) -> None:
    """Fill the cache with the case list and images ahead of a run.

    Takes the 50 cases of the published benchmark unless told otherwise. What is there
    already is not fetched again. Exits with 1 if an image is missing.
    """
    selection = _selection(sample_size, all_cases, seed, difficulty)
    source = open_source("nejm", image_dir)
    cases = select_cases(source.cases, selection)
    images = source.images(cases)
    click.echo(f"{len(images.found)} of {len(cases)} images are there.")
    for id, (image,) in images.found.items():
        if image.conversion:
            click.echo(f"  case {id}: converted, {image.conversion}")
    _tell_missing(images)
    click.echo(f"Cache: {cache_folder()}")
    if images.missing:
        context.exit(1)


def _tell_missing(images: CaseImages) -> None:
    for id, reason in images.missing.items():
        click.echo(f"  case {id}: missing, {reason}")


@main.command()
@click.argument("dest")
@_of_cases
def export(
    dest: str,
    sample_size: int | None,
    all_cases: bool,
    seed: int,
    difficulty: str,
    image_dir: str | None,
) -> None:
    """Write NEJM cases with their images to DEST, for your own use elsewhere.

    DEST is a folder, or any URL that fsspec writes to (s3://bucket/path), and is then
    read by cases=DEST. Takes every case whose image is in the cache; with --all or
    --sample-size the cases that fetch takes, and fetches what is not there. --seed is
    for --sample-size.
    """
    # The writing half of datasets takes a while to import.
    from nejm_inspect.cases.export import RIGHTS_NOTE, check_destination, export_cases

    place = check_destination(dest)  # before anything is fetched for it
    fetching = all_cases or sample_size is not None
    selection = _selection(sample_size, all_cases or not fetching, seed, difficulty)
    source = open_source("nejm", image_dir)
    cases = select_cases(source.cases, selection)
    if fetching:
        images = source.images(cases)
    else:
        images = local_images(cases, user_path(image_dir) if image_dir else None)
        cases = [case for case in cases if case.id in images.found]
    if not cases:
        raise NejmInspectError(
            "No image of the cases asked for is in the cache. Fetch them first "
            "(nejm-inspect fetch), or give --all or --sample-size, which fetch them."
        )
    if fetching and images.missing:
        _tell_missing(images)
        raise NejmInspectError(
            f"{len(images.missing)} of {len(cases)} images are missing, so nothing was "
            "exported. Without --all and --sample-size, what is in the cache is "
            "exported."
        )
    export_cases(cases, {id: image for id, (image,) in images.found.items()}, place)
    click.echo(RIGHTS_NOTE, err=True)
    click.echo(f"{len(cases)} cases are in {place}. To use them: -T cases={place}")


main.add_command(report)
main.add_command(benchmark)
