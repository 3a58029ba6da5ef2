"""Before a benchmark: prices of its models, an estimate of calls, tokens and cost."""

from collections.abc import Mapping
from math import isnan, nan
from pathlib import Path

import click
import yaml
from inspect_ai.model import ModelCost
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.openrouter import PREFIX, ListUnavailableError, check_models, list_models
from nejm_inspect.roster import Roster, RosterModel
from nejm_inspect.task import nejm_image_challenge

TEXT_TOKENS = 128
IMAGE_TOKENS = 1_000
ANSWER_TOKENS = 5
GRADER_INPUT_TOKENS = 910
GRADER_OUTPUT_TOKENS = 55
"""Tokens per case: texts as measured over all 947 cases (o200k encoding), images by
providers' rules for about a megapixel."""


def look_up_prices(roster: Roster, model_cost_config: str | None) -> dict[str, ModelCost]:
    """Looks up what the roster's models cost, and whether OpenRouter has them.

    Says on standard error if OpenRouter's list could not be fetched.

    Args:
        roster: What is to be run.
        model_cost_config: A file of prices, as for `inspect eval`, which go before
            those of OpenRouter's list.

    Returns:
        The prices that are known, by Inspect's name of the model.

    Raises:
        NejmInspectError: If OpenRouter does not have a model, or it takes no images, or
            `model_cost_config` is not a file of prices.
    """
    own = _read_prices(model_cost_config)
    shown = roster.task.get("inputs") != "history"
    # By URL and name: whether it must take images. An examinee may be a judge, too.
    wanted: dict[str | None, dict[str, bool]] = {}
    for model, images in (
        *((judge, False) for judge in roster.judges),
        *((model, shown) for model in roster.models),
    ):
        if model.model.startswith(PREFIX):
            wanted.setdefault(model.base_url, {})[model.model] = images
    listed: dict[str, ModelCost] = {}
    for url, models in wanted.items():
        try:
            listed |= check_models(list_models(url), models)
        except ListUnavailableError as error:
            click.echo(
                f"OpenRouter's list of models could not be had ({error}): "
                f"{len(models)} models not checked, prices not known.",
                err=True,
            )
    return listed | own


def _read_prices(file: str | None) -> dict[str, ModelCost]:
    if file is None:
        return {}
    try:
        prices = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        return {name: ModelCost.model_validate(p) for name, p in prices.items()}
    except (OSError, yaml.YAMLError, AttributeError, ValidationError) as error:
        raise NejmInspectError(
            f"{file} is not a file of model prices as inspect eval takes it: {error}"
        ) from error


def print_plan(
    roster: Roster,
    prices: Mapping[str, ModelCost],
    console: Console,
    *,
    limit: int | None = None,
    epochs: int | None = None,
) -> None:
    """Prints what a benchmark would run, with an estimate of tokens and cost.

    The output of a model that reasons cannot be foreseen. The plan gives the tokens of
    the bare answers and, where the roster limits tokens, the most that it allows.

    Args:
        roster: What would be run.
        prices: Of the models whose prices are known.
        console: Where to print.
        limit: Only so many cases of the sample.
        epochs: How often each case is asked.
    """
    cases = _case_count(roster, limit)
    asked = cases * (epochs or 1)
    judged = asked * len(roster.models)
    examinee = (TEXT_TOKENS + IMAGE_TOKENS, ANSWER_TOKENS)
    judge = (GRADER_INPUT_TOKENS, GRADER_OUTPUT_TOKENS, GRADER_OUTPUT_TOKENS)
    rows = [
        *((model, asked, *examinee, model.config.max_tokens) for model in roster.models),
        *((model, judged, *judge) for model in roster.judges),
    ]
    table = Table(
        Column("model", overflow="fold"),
        Column("settings", overflow="fold"),
        *("calls", "input", "output", "cost"),
    )
    total = [0.0, 0.0]
    for model, calls, input, least, most in rows:
        outputs = [calls * least, calls * max(most or 0, least)]
        price = prices.get(model.model)
        costs = [
            (calls * input * price.input + output * price.output) / 1e6 if price else nan
            for output in outputs
        ]
        total = [sum(ends) for ends in zip(total, costs, strict=True)]
        table.add_row(
            Text(model.model),
            Text(roster.without_secrets(_settings(model))),
            f"{calls:,}",
            f"{calls * input:,}",
            _range([f"{output:,}" for output in outputs], open_end=not most),
            _cost(costs, open_end=not most),
        )
    console.print(table)
    task = ", ".join(f"{name}={value}" for name, value in roster.task.items())
    repeats = f", {epochs} times each" if epochs and epochs > 1 else ""
    calls = judged + judged * len(roster.judges)
    console.print(
        f"{len(roster.models)} models on {cases} cases{repeats} "
        f"({roster.without_secrets(task) or 'defaults'}): {calls:,} calls, "
        f"{calls - judged:,} of them to the judge. Cost: "
        f"{_cost(total, open_end=not all(most for *_, most in rows))}. Tokens are "
        "estimates; output runs from the bare answers to the most that max_tokens "
        "allows.",
        highlight=False,
        markup=False,
    )


def _cost(ends: list[float], *, open_end: bool) -> str:
    if any(map(isnan, ends)):
        return "not known"
    return _range([f"${end:,.2f}" for end in ends], open_end=open_end)


def _range(ends: list[str], *, open_end: bool) -> str:
    return " to ".join(dict.fromkeys(ends)) + (" or more" if open_end else "")


def _settings(model: RosterModel) -> str:
    settings = model.config.model_dump(exclude_none=True) | model.args
    if model.base_url:
        settings["base_url"] = model.base_url
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def _case_count(roster: Roster, limit: int | None) -> int:
    # Built as for the run, which checks the parameters, but without fetching images.
    task = nejm_image_challenge(**{**roster.task, "inputs": "history"})
    size = len(task.dataset)
    return min(size, limit or size)
