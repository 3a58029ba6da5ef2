"""The command `nejm-inspect`."""

import functools
from collections.abc import Callable
from typing import Any

import click

from nejm_inspect.cases import open_source
from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.nejm_images import find_images
from nejm_inspect.cases.schema import DIFFICULTIES, Case
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.cases.source import CaseImages
from nejm_inspect.cli_benchmark import benchmark
from nejm_inspect.cli_demo import demo
from nejm_inspect.cli_grade import grade
from nejm_inspect.cli_report import report
from nejm_inspect.errors import NejmInspectError, masked


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nejm-inspect")
def main() -> None:
    """The NEJM Image Challenge as an Inspect AI evaluation.

    To run it: inspect eval nejm_inspect/nejm_image_challenge --model PROVIDER/MODEL
    """


Command = Callable[..., None]


def _of_cases(command: Command) -> Command:
    """Adds the options for NEJM cases and the place of their images."""

    @functools.wraps(command)
    def with_place(images: str | None, image_dir: str | None, **given: Any) -> None:
        command(images=images or image_dir or "journal", **given)

    for option in (
        click.option("--image-dir", metavar="FOLDER", deprecated="Use --images FOLDER."),
        click.option(
            "--images",
            metavar="PLACE",
            help="Where images come from: journal (the default), a folder of your own files, named "
            "ID.* or ICYYYYMMDD.*, or hf:owner/name@revision.",
        ),
        click.option(
            "--difficulty",
            default="all",
            show_default=True,
            type=click.Choice(["all", *DIFFICULTIES]),
            help="Take only cases that NEJM readers found this hard.",
        ),
        click.option("--seed", default=42, show_default=True, help="Seed of the draw."),
        click.option("--all", "all_cases", is_flag=True, help="All 947 cases."),
        click.option("--sample-size", type=int, help="Number of cases to draw, as in the task."),
    ):
        option(with_place)
    return with_place


def _selected(images: str, sample_size: int | None, all_cases: bool, **filters: Any) -> list[Case]:
    if all_cases and sample_size is not None:
        raise click.UsageError("Give --sample-size or --all, not both.")
    # Without a size, the selection uses its default; None takes all cases.
    size = {"sample_size": sample_size} if all_cases or sample_size is not None else {}
    return select_cases(open_source("nejm", images).cases, Selection.of(**filters, **size))


@main.command()
@_of_cases
@click.option("--verify", is_flag=True, help="Read and decode all images again.")
def fetch(images: str, verify: bool, **wanted: Any) -> None:
    """Fill the cache with the case list and images ahead of a run.

    Takes the 50 cases of the published benchmark by default. What is in the cache is not fetched
    again; with --verify, damaged and changed images are. Exits with 1 if an image is missing.
    """
    cases = _selected(images, **wanted)
    result = find_images(cases, images, verify=verify)
    click.echo(f"{len(result.found)} of {len(cases)} images are there.")
    for id, (image,) in result.found.items():
        if image.conversion:
            click.echo(f"  case {id}: converted, {image.conversion}")
    _tell_missing(result)
    click.echo(f"Cache: {cache_folder()}")
    if result.missing:
        raise click.exceptions.Exit(1)


def _tell_missing(images: CaseImages) -> None:
    for id, reason in images.missing.items():
        click.echo(f"  case {id}: missing, {reason}")


@main.command()
@click.argument("dest")
@_of_cases
def export(
    dest: str, sample_size: int | None, all_cases: bool, images: str, **filters: Any
) -> None:
    """Write NEJM cases with their images to DEST, for your own use elsewhere.

    DEST is a folder, or any URL that fsspec writes to (s3://bucket/path). Use the cases by
    cases=DEST. Takes every case whose image is in the cache; with --all or --sample-size, takes
    the cases that fetch takes and fetches missing images. --seed works with --sample-size.
    """
    # The writing half of datasets takes a while to import.
    from nejm_inspect.cases.export import RIGHTS_NOTE, check_destination, export_cases

    place = check_destination(dest)  # before anything is fetched for it
    fetching = all_cases or sample_size is not None
    cases = _selected(images, sample_size, all_cases or not fetching, **filters)
    result = find_images(cases, images, fetch=fetching)
    if not (fetching or result.found):
        raise NejmInspectError(
            "No image of the cases asked for is in the cache. Fetch them first "
            "(nejm-inspect fetch), or give --all or --sample-size, which fetch them."
        )
    if fetching and result.missing:
        _tell_missing(result)
        raise NejmInspectError(
            f"{len(result.missing)} of {len(cases)} images are missing, so nothing was exported. "
            "Without --all and --sample-size, what is in the cache is exported."
        )
    exported = [case for case in cases if case.id in result.found]
    export_cases(exported, {id: image for id, (image,) in result.found.items()}, place)
    click.echo(RIGHTS_NOTE, err=True)
    shown = masked(place)
    click.echo(f"{len(exported)} cases are in {shown}. To use them: -T cases={shown}")


main.add_command(report)
main.add_command(benchmark)
main.add_command(demo)
main.add_command(grade)
