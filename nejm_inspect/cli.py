"""The command `nejm-inspect`."""

import datetime
from collections.abc import Iterable
from pathlib import Path

import click
import yaml
from rich.console import Console

from nejm_inspect.cases import open_source
from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.schema import DIFFICULTIES
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.errors import NejmInspectError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nejm-inspect")
def main() -> None:
    """The NEJM Image Challenge as an Inspect AI evaluation.

    To run it: inspect eval nejm_inspect/nejm_image_challenge --model PROVIDER/MODEL
    """


@main.command()
@click.option(
    "--sample-size",
    type=int,
    help="Number of cases to draw, as in the task.  [default: 50]",
)
@click.option("--all", "all_cases", is_flag=True, help="All 947 cases.")
@click.option("--seed", default=42, show_default=True, help="Seed of the draw.")
@click.option(
    "--difficulty",
    default="all",
    show_default=True,
    type=click.Choice(["all", *DIFFICULTIES]),
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
    sample_size: int | None,
    all_cases: bool,
    seed: int,
    difficulty: str,
    image_dir: str | None,
) -> None:
    """Fill the cache with the case list and images ahead of a run.

    What is there already is not fetched again. Exits with 1 if an image is missing.
    """
    if all_cases and sample_size is not None:
        raise click.UsageError("Give --sample-size or --all, not both.")
    # Not given, the size is the selection's own; null, which takes all, must be.
    size = {"sample_size": sample_size} if all_cases or sample_size is not None else {}
    selection = Selection.of(seed=seed, difficulty=difficulty, **size)
    source = open_source("nejm", image_dir)
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


@main.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG_OR_FOLDER...")
@click.option(
    "--out",
    default="logs/report",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to.",
)
@click.option("--baseline", metavar="MODEL", help="Compare all others with this one.")
@click.option(
    "--repeats",
    is_flag=True,
    help="Take several runs of a model as repeats, not the newest only.",
)
@click.option(
    "--cutoff",
    "cutoffs",
    multiple=True,
    metavar="MODEL=DATE",
    help="Mark a model's training cut-off (an ISO date).",
)
@click.option(
    "--with-texts",
    is_flag=True,
    help="Show histories, references, answers and reasoning: for your own eyes.",
)
def report(
    logs: tuple[str, ...],
    out: Path,
    baseline: str | None,
    repeats: bool,
    cutoffs: tuple[str, ...],
    with_texts: bool,
) -> None:
    """Compare models from their Inspect logs.

    Takes logs or folders of logs, local or at any URL that fsspec opens. Writes
    report.html (one file), report.md, leaderboard.csv, cases.csv and figures, and
    prints the leaderboard.
    """
    # Drawing and statistics take seconds to import, and only this command needs them.
    from nejm_inspect.report import write_report
    from nejm_inspect.report.pages import print_leaderboard

    written = write_report(
        logs,
        out,
        baseline=baseline,
        repeats=repeats,
        cutoffs=dict(_parse_cutoffs(cutoffs)),
        with_texts=with_texts,
    )
    print_leaderboard(written, Console())
    click.echo(f"Report: {out / 'report.html'}")


def _parse_cutoffs(cutoffs: Iterable[str]) -> Iterable[tuple[str, datetime.date]]:
    for cutoff in cutoffs:
        model, _, day = cutoff.rpartition("=")
        try:
            yield model, datetime.date.fromisoformat(day)
        except ValueError as error:
            raise NejmInspectError(
                f"--cutoff {cutoff}: must be MODEL=DATE with an ISO date."
            ) from error


@main.command()
@click.argument("roster", default="november_2025")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="PROVIDER/MODEL",
    help="Run this model, with the roster's settings if it is there; repeatable.",
)
@click.option(
    "--limit", type=click.IntRange(1), help="Only so many cases of the sample."
)
@click.option("--log-dir", help="Folder of the logs.  [default: logs/ROSTER]")
@click.option(
    "-T",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the task, as for inspect eval; repeatable.",
)
@click.option(
    "--model-cost-config",
    metavar="FILE",
    help="YAML or JSON file with model prices, as for inspect eval.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be run; call nothing.")
@click.pass_context
def benchmark(
    context: click.Context,
    roster: str,
    models: tuple[str, ...],
    limit: int | None,
    log_dir: str | None,
    parameters: tuple[str, ...],
    model_cost_config: str | None,
    dry_run: bool,
) -> None:
    """Run a roster of models on the same cases, then report.

    ROSTER is the name of a bundled roster (november_2025, the published benchmark) or
    the path of a YAML file. Run again, the command goes on where it stopped. The
    report is written beside the logs, to LOG_DIR-report.
    """
    from nejm_inspect.benchmark import print_plan, read_roster, run_benchmark

    chosen = read_roster(roster)
    if models:
        chosen = chosen.with_models(models)
    chosen = chosen.with_task(dict(map(_parse_parameter, parameters)))
    if dry_run:
        print_plan(chosen, limit, model_cost_config, Console())
        return
    folder = log_dir or f"logs/{Path(roster).stem}"
    outcome = run_benchmark(chosen, folder, limit, model_cost_config)
    if outcome == "interrupted":
        raise NejmInspectError(
            "Interrupted. Run the same command again to go on; what is finished is in "
            f"{folder} and can be reported."
        )
    place = folder.rstrip("/")
    local = place if "://" not in place else f"logs/{Path(place).name}"
    context.invoke(report, logs=(folder,), out=Path(f"{local}-report"))
    if outcome == "unfinished":
        raise NejmInspectError(
            "Not every model finished. Run the same command again to go on."
        )


def _parse_parameter(parameter: str) -> tuple[str, object]:
    name, equals, value = parameter.partition("=")
    if not equals:
        raise NejmInspectError(f"-T {parameter}: must be NAME=VALUE.")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise NejmInspectError(f"-T {parameter}: not a YAML value.") from error
