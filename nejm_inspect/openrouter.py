"""OpenRouter's public list of models: what it serves, takes and charges."""

import difflib
import os
from collections.abc import Mapping
from math import isnan, nan

import click
import httpx
from inspect_ai.model import ModelCost
from pydantic import AliasPath, BaseModel, Field, ValidationError

from nejm_inspect.errors import NejmInspectError

PREFIX = "openrouter/"
"""How Inspect's names of OpenRouter's models start."""
BASE_URL = "https://openrouter.ai/api/v1"
ROUTED = frozenset(("nitro", "floor", "online", "exacto"))
"""Suffixes that choose among a model's hosts. Only other suffixes, such as `:free` and `:thinking`,
are in the list, as models of their own."""
TIMEOUT = 20
"""Seconds to wait for the list."""


class ListedModel(BaseModel):
    """What the list says of a model."""

    id: str
    inputs: list[str] = Field(
        default=["image"], validation_alias=AliasPath("architecture", "input_modalities")
    )
    """`text`, `image`, …; if the list does not say, the model is assumed to take images."""
    pricing: dict[str, object] = {}
    """In dollars per token, as decimal texts; negative if the price depends on the request."""

    def cost(self) -> ModelCost | None:
        """Returns the prices in dollars per million tokens, None if they are not fixed.

        Without prices for reading and writing the prompt cache, those cost as much as other input.
        """
        input, output = self._price("prompt"), self._price("completion")
        if isnan(input + output):
            return None
        read = self._price("input_cache_read", otherwise=input)
        write = self._price("input_cache_write", otherwise=input)
        return ModelCost(input=input, output=output, input_cache_read=read, input_cache_write=write)

    def _price(self, name: str, otherwise: float = nan) -> float:
        try:
            price = float(str(self.pricing.get(name)))
        except ValueError:
            return otherwise
        # Rounded, since a millionth of a dollar has no exact binary form.
        return round(price * 1e6, 9) if 0 <= price < float("inf") else otherwise


class _List(BaseModel):
    data: list[ListedModel] = Field(min_length=1)


def look_up(wanted: Mapping[str, bool], base_url: str | None = None) -> dict[str, ModelCost]:
    """Checks that the list has the models, and returns those prices that are fixed.

    If the list cannot be fetched, nothing is checked, and a line on standard error says so. Presets
    (`@preset/…`) are never checked: only their owner sees them.

    Args:
        wanted: Inspect's names of models of OpenRouter, and whether each must take images.
        base_url: The API's URL; else that in `OPENROUTER_BASE_URL`, else OpenRouter's.

    Raises:
        NejmInspectError: If a model is missing or takes no images; names near matches.
    """
    url = base_url or os.environ.get("OPENROUTER_BASE_URL") or BASE_URL
    try:
        answer = httpx.get(f"{url.rstrip('/')}/models", timeout=TIMEOUT).raise_for_status()
        listed = {model.id: model for model in _List.model_validate_json(answer.content).data}
    except (httpx.HTTPError, httpx.InvalidURL, ValidationError) as error:
        reason = type(error).__name__
        if isinstance(error, httpx.HTTPStatusError):
            reason = f"HTTP {error.response.status_code}"
        elif isinstance(error, ValidationError):
            reason = "the answer is not a list of models"
        click.echo(
            f"OpenRouter's list of models could not be fetched ({reason}): {len(wanted)} models "
            "not checked, prices not known.",
            err=True,
        )
        return {}
    problems: list[str] = []
    prices: dict[str, ModelCost] = {}
    for name, images in wanted.items():
        id = name.removeprefix(PREFIX)
        plain, _, variant = id.partition(":")
        if "@preset/" in id:
            continue
        model = listed.get(id) or (listed.get(plain) if variant in ROUTED else None)
        if model is None:
            near = difflib.get_close_matches(id, listed, n=3)
            hint = ", ".join(PREFIX + match for match in near) or "none"
            problems.append(f"{name} is not there. Near matches: {hint}.")
        elif images and "image" not in model.inputs:
            problems.append(f"{name} takes no images (only {', '.join(model.inputs)}).")
        elif cost := model.cost():
            prices[name] = cost
    if problems:
        raise NejmInspectError("\n  ".join(["OpenRouter's list of models says:", *problems]))
    return prices
