"""Benchmarks: a roster of models, all run on the same cases by the same judge."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import yaml
from inspect_ai import eval_set
from inspect_ai.model import Model, ModelConfig, ModelCost, get_model
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from nejm_inspect.errors import (
    NejmInspectError,
    describe_validation,
    plain_message,
    refuse_unknown,
)
from nejm_inspect.judging.asking import GRADER_CONFIG
from nejm_inspect.judging.panel import DEFAULT_GRADER, GRADER_ROLE
from nejm_inspect.task import is_judged, nejm_image_challenge

RETRY_ATTEMPTS = 2
"""How often an unfinished model is tried again before the benchmark ends; running it
once more goes on from there."""


class RosterModel(ModelConfig):
    """Inspect's model config, in which a misspelt field is an error."""

    model_config = ConfigDict(extra="forbid")


class Roster(BaseModel):
    """What a benchmark runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[RosterModel, ...] = Field(min_length=1)
    grader: RosterModel = RosterModel(model=DEFAULT_GRADER, config=GRADER_CONFIG)
    task: dict[str, Any] = Field(default_factory=dict)
    """Parameters of `nejm_image_challenge`."""

    @property
    def is_judged(self) -> bool:
        """Whether the task asks a judge."""
        return is_judged(self.task.get("scorer", "rubric"))

    def with_models(self, names: Sequence[str]) -> "Roster":
        """The roster with these models only.

        Args:
            names: Inspect's names of models; those of the roster keep their settings,
                others have their providers' defaults.
        """
        known = {model.model: model for model in self.models}
        models = tuple(known.get(name) or RosterModel(model=name) for name in names)
        return self.model_copy(update={"models": models})

    def with_task(self, parameters: Mapping[str, Any]) -> "Roster":
        """The roster with these parameters of the task set.

        Raises:
            NejmInspectError: If the task has no such parameter.
        """
        refuse_unknown(nejm_image_challenge, parameters)
        return self.model_copy(update={"task": {**self.task, **parameters}})


def bundled_rosters() -> list[str]:
    """The names of the rosters that come with the package."""
    return sorted(Path(file.name).stem for file in _roster_folder().iterdir())


def read_roster(name: str) -> Roster:
    """Reads a roster.

    Args:
        name: The name of a bundled roster, or the path of a YAML file.

    Raises:
        NejmInspectError: If there is none, or it has a field that is not known or
            wrong.
    """
    bundled = name in bundled_rosters()
    file = _roster_folder() / f"{name}.yaml" if bundled else Path(name).expanduser()
    if not file.is_file():
        raise NejmInspectError(
            f"There is no roster {name!r}: name one of {', '.join(bundled_rosters())}, "
            "or the path of a YAML file."
        )
    try:
        roster = Roster.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NejmInspectError(f"Roster {name} is no YAML: {error}") from error
    except ValidationError as error:
        raise NejmInspectError(
            f"Roster {name}: {describe_validation(error)}"
        ) from error
    return roster.with_task(roster.task)


def _roster_folder() -> Traversable:
    return files("nejm_inspect") / "rosters"


def run_benchmark(
    roster: Roster,
    log_dir: str,
    limit: int | None = None,
    model_cost_config: str | None = None,
) -> Literal["finished", "unfinished", "interrupted"]:
    """Runs the roster's models side by side, going on where an earlier run stopped.

    Args:
        roster: What to run.
        log_dir: Folder of the logs, the only trace of the run.
        limit: Only so many cases of the sample.
        model_cost_config: A file of prices, as for `inspect eval`.

    Returns:
        Whether every model finished, or some failed, or the user stopped the run.

    Raises:
        NejmInspectError: If a model, parameter or the folder cannot be used.
    """
    models = [_model(model) for model in roster.models]
    roles = {GRADER_ROLE: _model(roster.grader)} if roster.is_judged else None
    task = nejm_image_challenge(**roster.task)
    try:
        _, logs = eval_set(
            task,
            log_dir=log_dir,
            model=models,
            model_roles=roles,
            limit=limit,
            max_tasks=len(models),
            retry_attempts=RETRY_ATTEMPTS,
            model_cost_config=model_cost_config,
        )
    except Exception as error:
        if not hasattr(error, "message"):
            raise
        # Inspect's errors for its users, such as that of a folder with other logs.
        raise NejmInspectError(
            f"{plain_message(error)}\n\nLogs of other models or parameters need "
            "another --log-dir."
        ) from error
    # The logs decide: an interrupted eval_set reports success, and no logs.
    statuses = {log.status for log in logs}
    if len(logs) < len(roster.models) or "cancelled" in statuses:
        return "interrupted"
    return "finished" if statuses == {"success"} else "unfinished"


def _model(config: RosterModel) -> Model:
    # inspect-evals-lint wants get_model() in solvers and scorers only. A roster is a
    # caller of Inspect, like a command line, and no part of the task.
    model, settings, url = config.model, config.config, config.base_url
    try:
        return get_model(  # inspect-evals-lint: ignore[IEBP001] -- see above
            model, config=settings, base_url=url, **config.args
        )
    except Exception as error:  # providers each raise their own
        raise NejmInspectError(f"{model}: {plain_message(error)}") from error


TEXT_TOKENS = 128
IMAGE_TOKENS = 1_000
ANSWER_TOKENS = 5
GRADER_INPUT_TOKENS = 482
GRADER_OUTPUT_TOKENS = 55
"""Tokens per case: texts as measured over all 947 cases (o200k encoding), images by
providers' rules for about a megapixel."""


def print_plan(
    roster: Roster, limit: int | None, model_cost_config: str | None, console: Console
) -> None:
    """Prints what a benchmark would run and about what it would take.

    The output of a model that reasons cannot be foreseen: given are the tokens of the
    bare answers and, where the roster limits tokens, the most that it allows.

    Args:
        roster: What would be run.
        limit: Only so many cases of the sample.
        model_cost_config: A file of prices, as for `inspect eval`.
        console: Where to print.
    """
    prices = _read_prices(model_cost_config)
    cases = _case_count(roster, limit)
    table = Table(
        Column("model", overflow="fold"),
        Column("settings", overflow="fold"),
        *("calls", "input", "output", "cost"),
    )
    for model in roster.models:
        most = cases * (model.config.max_tokens or 0)
        _add_plan_row(
            table,
            model,
            cases,
            cases * (TEXT_TOKENS + IMAGE_TOKENS),
            (cases * ANSWER_TOKENS, max(most, cases * ANSWER_TOKENS)),
            prices,
        )
    calls = cases * len(roster.models)
    judged = calls if roster.is_judged else 0
    if judged:
        output = judged * GRADER_OUTPUT_TOKENS
        _add_plan_row(
            table,
            roster.grader,
            judged,
            judged * GRADER_INPUT_TOKENS,
            (output, output),
            prices,
        )
    console.print(table)
    task = ", ".join(f"{name}={value}" for name, value in roster.task.items())
    console.print(
        f"{len(roster.models)} models on {cases} cases ({task or 'defaults'}): "
        f"{calls + judged} calls, {judged} of them to the judge. Tokens are estimates; "
        "output runs from the bare answers to the most that max_tokens allows.",
        highlight=False,
    )


def _case_count(roster: Roster, limit: int | None) -> int:
    # Built as for the run, which checks the parameters, but without fetching images.
    task = nejm_image_challenge(**{**roster.task, "inputs": "history"})
    size = len(task.dataset)
    return min(size, limit or size)


def _read_prices(file: str | None) -> Mapping[str, ModelCost]:
    if file is None:
        return {}
    try:
        prices = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        return {name: ModelCost.model_validate(p) for name, p in prices.items()}
    except (OSError, yaml.YAMLError, AttributeError, ValidationError) as error:
        raise NejmInspectError(
            f"{file} is no file of model prices as inspect eval takes: {error}"
        ) from error


def _add_plan_row(
    table: Table,
    model: RosterModel,
    calls: int,
    input_tokens: int,
    output_tokens: tuple[int, int],
    prices: Mapping[str, ModelCost],
) -> None:
    settings = model.config.model_dump(exclude_none=True) | model.args
    least, most = output_tokens
    price = prices.get(model.model)
    cost = "not known"
    if price:
        low, high = (
            (input_tokens * price.input + tokens * price.output) / 1e6
            for tokens in output_tokens
        )
        cost = f"${low:,.2f} to ${high:,.2f}"
    table.add_row(
        Text(model.model),
        Text(", ".join(f"{key}={value}" for key, value in settings.items())),
        f"{calls:,}",
        f"{input_tokens:,}",
        f"{least:,} to {most:,}" if most > least else f"{least:,}",
        cost,
    )
