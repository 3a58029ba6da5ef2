"""Benchmarks: all models of a roster on the same cases, judged by the same judge."""

import asyncio
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import click
import fsspec
from inspect_ai import eval_set
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    CachePolicy,
    Model,
    ModelInfo,
    get_model,
    get_model_info,
    set_model_info,
)

from nejm_inspect.errors import NejmInspectError, masked, plain_message
from nejm_inspect.judging.panel import GRADER_ROLE
from nejm_inspect.judging.preflight import check_judges
from nejm_inspect.planning import look_up_prices
from nejm_inspect.roster import Roster, RosterModel
from nejm_inspect.run_summary import frequent_errors
from nejm_inspect.task import nejm_image_challenge
from nejm_inspect.text import one_line

RETRY_ATTEMPTS = 2
"""How often an unfinished model is tried again before a benchmark ends. The next run continues."""

RUN_ID_FILE = ".nejm-run-id"
"""Holds the id of a folder of logs in Inspect's cache. A folder that is deleted and made again gets
a new id, and its models are asked again."""


def run_benchmark(
    roster: Roster,
    log_dir: str,
    *,
    model_cost_config: str | None = None,
    limit: int | None = None,
    **settings: Any,
) -> list[str] | None:
    """Runs the roster's models side by side, and continues where an earlier run stopped.

    A response that has arrived is kept in Inspect's cache: a later run in the same folder does not
    ask for it again. The `settings`, such as `epochs`, are those of Inspect's `eval_set`.

    Returns:
        A line for each frequent error of a model that did not finish; None if the user stopped the
        run.

    Raises:
        NejmInspectError: If a model, a parameter or the folder cannot be used.
    """
    # Judges have no cache: an invalid verdict must really be asked for again.
    judges = [_model(roster, judge) for judge in roster.judges]
    for name, cost in look_up_prices(roster, model_cost_config).items():
        # Inspect's set_model_cost() refuses models that its own database lacks.
        info = get_model_info(name) or ModelInfo()
        set_model_info(name, info.model_copy(update={"cost": cost}))
    kept = CachePolicy(expiry=None, per_epoch=True, scopes={"run": _run_id(log_dir)})
    models = [_model(roster, model, kept) for model in roster.models]
    try:
        check_judges(judges)
    except NejmInspectError as error:
        raise NejmInspectError(roster.without_secrets(error.message)) from None
    task = nejm_image_challenge(**roster.task)
    # Errors are reported at the end, for each model, and not for each case and attempt.
    logging.getLogger("inspect_ai._eval.task.run").addFilter(
        lambda record: not record.getMessage().startswith("Sample error")
    )
    grader = judges[0] if len(judges) == 1 else judges
    try:
        _, logs = eval_set(
            task,
            log_dir=log_dir,
            model=models,
            model_roles={GRADER_ROLE: grader} if judges else None,
            limit=limit,
            max_tasks=len(models),
            retry_attempts=RETRY_ATTEMPTS,
            # An error must not cancel requests that are under way and paid for.
            continue_on_fail=True,
            **settings,
        )
    except (KeyboardInterrupt, asyncio.CancelledError):
        # Inspect's full-screen display turns Ctrl-C into the latter.
        return None
    except Exception as error:
        if not hasattr(error, "message"):  # Inspect's errors for users have one
            raise
        message = plain_message(error)
        if "log_dir" in message:
            message += "\n\nLogs of other models or parameters need another --log-dir."
        raise NejmInspectError(message) from error
    # The logs decide: an interrupted eval_set reports success and returns no logs.
    if len(logs) < len(models) or any(log.status == "cancelled" for log in logs):
        return None
    for log in logs:
        planned = (limit or 0) * (log.eval.config.epochs or 1)
        if log.results and log.results.total_samples > planned > 0:
            answered = f"{log.eval.model} has answered more than --limit {limit} cases"
            click.echo(f"{answered} in an earlier run; all are kept.")
    return [line for log in logs for line in _failures(log, roster)]


def _run_id(log_dir: str) -> str:
    try:
        files, folder = fsspec.core.url_to_fs(log_dir)
        file = f"{folder.rstrip('/')}/{RUN_ID_FILE}"
        if not files.exists(file):
            files.makedirs(folder, exist_ok=True)
            files.pipe_file(file, uuid.uuid4().hex.encode())
        return str(files.cat_file(file).decode())
    except Exception as error:  # each file system has its own
        said = f"--log-dir {log_dir} cannot be used: {str(error) or type(error).__name__}"
        raise NejmInspectError(masked(said)) from error


def _model(roster: Roster, config: RosterModel, kept: CachePolicy | None = None) -> Model:
    # inspect-evals-lint allows get_model() in solvers and scorers only. This is not part of a task:
    # it calls Inspect as a command line does.
    settings = config.config.model_copy(update={"cache": kept} if kept else {})
    arguments = {"config": settings, "base_url": config.base_url, **config.args}
    try:
        return get_model(config.model, **arguments)  # inspect-evals-lint: ignore[IEBP001] -- above
    except Exception as error:  # each provider has its own
        message = roster.without_secrets(plain_message(error))
        raise NejmInspectError(f"{config.model}: {message}") from None


def _failures(log: EvalLog, roster: Roster) -> Iterator[str]:
    """Yields the most frequent errors of a model that did not finish, a line each."""
    if log.status == "success":
        return
    ended = log.error.message if log.error else f"the run ended as {log.status}"
    errors = frequent_errors(log, roster.without_secrets)
    for error in errors or [one_line(roster.without_secrets(ended), 300)]:
        yield f"{log.eval.model}, {error}"
