"""The command `nejm-inspect demo`."""

import shlex
import sys
from pathlib import Path

import click

from nejm_inspect.cli_benchmark import run_and_report

LABEL = "Scripted: responses, verdicts and token counts are invented. This is not a result."
VIEWER = "http://127.0.0.1:7575"


@click.command()
@click.option("--log-dir", default="logs/demo", show_default=True, help="Folder of the logs.")
def demo(log_dir: str) -> None:
    """Show what a benchmark gives, without a key or a network.

    Runs three scripted models on the twelve demo cases, with a scripted judge, and writes a report
    beside the logs, to LOG_DIR-report. Responses and verdicts are invented: nothing is a result.
    """
    # These modules take seconds to import, and only this command needs them.
    from nejm_inspect.roster import Roster, RosterModel
    from nejm_inspect.scripted import JUDGE, MODELS

    click.echo(f"{LABEL}\nRunning the demo cases, which takes about ten seconds.")
    *models, judge = (RosterModel(model=f"nejm_inspect/{name}") for name in (*MODELS, JUDGE))
    roster = Roster(models=tuple(models), grader=(judge,), task={"cases": "demo"})
    # Without Inspect's display, the whole output fits on a screen.
    labels = {"tags": ["scripted"], "metadata": {"note": LABEL}}
    run_and_report(roster, log_dir, with_texts=True, display="none", **labels)
    inspect = Path(sys.argv[0]).with_name("inspect")  # it may not be on the path
    command = shlex.join([str(inspect), "view", "--log-dir", log_dir])
    click.echo(f"Logs: {command}\n      shows them at {VIEWER}\n{LABEL}")
