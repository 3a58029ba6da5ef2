"""Before a benchmark: the prices of its models, and estimates of calls, tokens and cost."""

from collections.abc import Mapping
from math import isnan, nan
from pathlib import Path

import yaml
from inspect_ai.model import ModelCost
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.openrouter import PREFIX, look_up
from nejm_inspect.roster import Roster, RosterModel
from nejm_inspect.task import nejm_image_challenge

EXAMINEE_TOKENS = (128 + 1_000, 5)
JUDGE_TOKENS = (910, 55)
"""Input and output per case. Texts: measured over all 947 cases (o200k encoding). Images: 1,000
tokens, by providers' rules for about a megapixel."""


def look_up_prices(roster: Roster, model_cost_config: str | None) -> dict[str, ModelCost]:
    """Returns the known prices of the roster's models, by Inspect's name of each.

    Args:
        roster: Its models of OpenRouter are looked up there.
        model_cost_config: A file as `inspect eval` takes it. Its prices override OpenRouter's.

    Raises:
        NejmInspectError: If OpenRouter lacks a model, an examinee there takes no images, or the
            file does not hold prices.
    """
    own = _read_prices(model_cost_config) if model_cost_config else {}
    shown = roster.task.get("inputs") != "history"
    # By URL and name: whether it must take images. Examinees come last: one may also be a judge.
    wanted: dict[str | None, dict[str, bool]] = {}
    for models, images in ((roster.judges, False), (roster.models, shown)):
        for model in models:
            if model.model.startswith(PREFIX):
                wanted.setdefault(model.base_url, {})[model.model] = images
    listed: dict[str, ModelCost] = {}
    for url, names in wanted.items():
        listed |= look_up(names, url)
    return listed | own


def _read_prices(file: str) -> dict[str, ModelCost]:
    try:
        prices = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        return {name: ModelCost.model_validate(p) for name, p in prices.items()}
    except (OSError, yaml.YAMLError, AttributeError, ValidationError) as error:
        message = f"{file} is not a file of model prices as inspect eval takes it: {error}"
        raise NejmInspectError(message) from error


def print_plan(
    roster: Roster,
    prices: Mapping[str, ModelCost],
    console: Console,
    limit: int | None = None,
    epochs: int | None = None,
) -> None:
    """Prints what a benchmark would run, with an estimate of tokens and cost.

    The output of a model that reasons cannot be predicted: the plan gives the tokens of the bare
    answers and, where the roster limits tokens, the most that it allows.
    """
    # Building the task checks its parameters. With the history alone, no image is fetched.
    cases = len(nejm_image_challenge(**{**roster.task, "inputs": "history"}).dataset)
    cases = min(cases, limit or cases)
    asked = cases * (epochs or 1)
    judged = asked * len(roster.models)
    rows = [(m, asked, *EXAMINEE_TOKENS, m.config.max_tokens) for m in roster.models]
    rows += [(m, judged, *JUDGE_TOKENS, JUDGE_TOKENS[1]) for m in roster.judges]
    folded = (Column(name, overflow="fold") for name in ("model", "settings"))
    table = Table(*folded, "calls", "input", "output", "cost")
    total = [0.0, 0.0]
    for model, calls, input, least, most in rows:
        outputs = [calls * least, calls * max(most or 0, least)]
        price = prices.get(model.model)
        costs = [
            (calls * input * price.input + output * price.output) / 1e6 if price else nan
            for output in outputs
        ]
        total = [sum(ends) for ends in zip(total, costs, strict=True)]
        tokens = _range([f"{output:,}" for output in outputs], open_end=not most)
        settings = Text(roster.without_secrets(_settings(model)))
        numbers = f"{calls:,}", f"{calls * input:,}", tokens, _cost(costs, open_end=not most)
        table.add_row(Text(model.model), settings, *numbers)
    console.print(table)
    task = ", ".join(f"{name}={value}" for name, value in roster.task.items())
    repeats = f", {epochs} times each" if epochs and epochs > 1 else ""
    verdicts = judged * len(roster.judges)
    cost = _cost(total, open_end=not all(most for *_, most in rows))
    summary = (
        f"{len(roster.models)} models on {cases} cases{repeats} "
        f"({roster.without_secrets(task) or 'defaults'}): {judged + verdicts:,} calls, "
        f"{verdicts:,} of them to the judge. Cost: {cost}. Tokens are estimates; output runs from "
        "the bare answers to the most that max_tokens allows."
    )
    console.print(Text(summary))


def _cost(ends: list[float], *, open_end: bool) -> str:
    if any(map(isnan, ends)):
        return "not known"
    return _range([f"${end:,.2f}" for end in ends], open_end=open_end)


def _range(ends: list[str], *, open_end: bool) -> str:
    return " to ".join(dict.fromkeys(ends)) + (" or more" if open_end else "")


def _settings(model: RosterModel) -> str:
    url = {"base_url": model.base_url} if model.base_url else {}
    settings = model.config.model_dump(exclude_none=True) | model.args | url
    return ", ".join(f"{key}={value}" for key, value in settings.items())
