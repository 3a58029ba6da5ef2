"""The command `nejm-inspect benchmark`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from dotenv import find_dotenv, load_dotenv
from rich.console import Console

from nejm_inspect.cli_report import repeatable, report
from nejm_inspect.errors import NejmInspectError

if TYPE_CHECKING:
    from nejm_inspect.roster import Roster

DEFAULT_ROSTER = "november_2026"
TO_CONTINUE = "To continue: run the same command again."


@click.command()
@click.argument("roster", default=DEFAULT_ROSTER)
@repeatable(
    "--model",
    metavar="PROVIDER/MODEL",
    help="Run this model, with its settings in the roster if it has any; repeatable.",
)
@repeatable(
    "--judge",
    metavar="PROVIDER/MODEL",
    help="Judge by this model instead of the roster's; repeatable, for a panel.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="Only so many cases of the sample. If you raise it later, only the new cases are asked; "
    "if you lower it, all are kept.",
)
@click.option("--epochs", type=click.IntRange(1), help="Ask each case so many times.")
@click.option("--log-dir", help="Folder of the logs.  [default: logs/ROSTER]")
@repeatable(
    "-T",
    "parameters",
    metavar="NAME=VALUE",
    help="A parameter of the task, as for inspect eval; repeatable.",
)
@click.option(
    "--model-cost-config",
    metavar="FILE",
    help="YAML or JSON file with model prices, as for inspect eval. OpenRouter's are looked up.",
)
@click.option(
    "--cost-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="DOLLARS",
    help="Drop a response that cost more. Judging does not count.",
)
@click.option("--max-connections", type=click.IntRange(1), help="Requests at once to each model.")
@click.option(
    "--no-log-images",
    "log_images",
    flag_value=False,
    default=None,
    help="Log no images, as for inspect eval.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be run and its cost; ask no model.")
def benchmark(
    roster: str,
    model: Sequence[str],
    judge: Sequence[str],
    log_dir: str | None,
    parameters: Sequence[str],
    dry_run: bool,
    **settings: Any,
) -> None:
    """Run a roster of models on the same cases, then report.

    ROSTER is the name of a bundled roster (november_2026, today's models, or november_2025, the
    published benchmark) or the path of a YAML file. The same command continues a run that stopped.
    The report is written beside the logs, to LOG_DIR-report.
    """
    # These modules take seconds to import, and only this command needs them.
    from nejm_inspect.planning import look_up_prices, print_plan
    from nejm_inspect.roster import read_roster

    # `inspect eval` reads keys and URLs from there, too.
    load_dotenv(find_dotenv(usecwd=True))
    task = dict(map(_parse_parameter, parameters))
    chosen = read_roster(roster).with_models(model, judge).with_task(task)
    chosen.check_living()
    if dry_run:
        prices = look_up_prices(chosen, settings["model_cost_config"])
        print_plan(chosen, prices, Console(), settings["limit"], settings["epochs"])
        return
    run_and_report(chosen, log_dir or f"logs/{Path(roster).stem}", **settings)


def run_and_report(
    roster: "Roster", folder: str, with_texts: bool = False, **settings: Any
) -> None:
    """Runs a benchmark in a folder of logs, says how it ended, and writes its report beside it."""
    from nejm_inspect.benchmark import run_benchmark
    from nejm_inspect.run_summary import tell_run_ends

    failures = run_benchmark(roster, folder, **settings)
    tell_run_ends(how_to_report=failures is None)  # else it is reported below
    if failures is None:
        raise NejmInspectError(
            f"Interrupted. What is finished is in {folder} and can be reported. {TO_CONTINUE}"
        )
    place = folder.rstrip("/")
    local = place if "://" not in place else f"logs/{Path(place).name}"
    out = Path(f"{local}-report")
    click.get_current_context().invoke(report, logs=(folder,), out=out, with_texts=with_texts)
    if failures:
        lines = "\n  ".join(["Not every model finished:", *failures])
        raise NejmInspectError(f"{lines}\n{TO_CONTINUE}")


def _parse_parameter(parameter: str) -> tuple[str, object]:
    name, equals, value = parameter.partition("=")
    if not equals:
        raise NejmInspectError(f"-T {parameter}: must be NAME=VALUE.")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise NejmInspectError(f"-T {parameter}: not a YAML value.") from error
