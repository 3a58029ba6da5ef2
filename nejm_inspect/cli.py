"""The command `nejm-inspect`."""

import click

from nejm_inspect.cases import open_source
from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.selection import Selection, select_cases


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nejm-inspect")
def main() -> None:
    """The NEJM Image Challenge as an Inspect AI evaluation.

    To run it: inspect eval nejm_inspect/nejm_image_challenge --model PROVIDER/MODEL
    """


@main.command()
@click.option(
    "--sample-size",
    default=50,
    show_default=True,
    help="Number of cases to draw, as in the task.",
)
@click.option("--all", "all_cases", is_flag=True, help="All 947 cases.")
@click.option("--seed", default=42, show_default=True, help="Seed of the draw.")
@click.option(
    "--difficulty",
    default="all",
    show_default=True,
    type=click.Choice(["all", "easy", "medium", "hard", "expert"]),
    help="Draw only from cases that NEJM readers found this hard.",
)
@click.option(
    "--image-dir",
    metavar="FOLDER",
    help="Your own image files, named ID.* or ICYYYYMMDD.*, used before any download.",
)
@click.pass_context
def fetch(
    context: click.Context,
    sample_size: int,
    all_cases: bool,
    seed: int,
    difficulty: str,
    image_dir: str | None,
) -> None:
    """Fill the cache with the case list and images ahead of a run.

    What is there already is not fetched again. Exits with 1 if an image is missing.
    """
    source = open_source("nejm", image_dir)
    selection = Selection.of(
        sample_size=None if all_cases else sample_size, seed=seed, difficulty=difficulty
    )
    cases = select_cases(source.cases, selection)
    images = source.images(cases)
    click.echo(f"{len(images.found)} of {len(cases)} images are there.")
    converted = {id: i.conversion for id, i in images.found.items() if i.conversion}
    for id, conversion in converted.items():
        click.echo(f"  case {id}: converted, {conversion}")
    for id, reason in images.missing.items():
        click.echo(f"  case {id}: missing, {reason}")
    click.echo(f"Cache: {cache_folder()}")
    if images.missing:
        context.exit(1)
