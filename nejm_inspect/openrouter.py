"""OpenRouter's public list of models: what it serves, takes and charges."""

import difflib
import os
from collections.abc import Mapping

import httpx
from inspect_ai.model import ModelCost
from pydantic import BaseModel, ValidationError

from nejm_inspect.errors import NejmInspectError

PREFIX = "openrouter/"
"""What Inspect's names of OpenRouter's models begin with."""
BASE_URL = "https://openrouter.ai/api/v1"
ROUTED = frozenset(("nitro", "floor", "online", "exacto"))
"""Suffixes that choose among a model's hosts, and are not in the list. Others, such as
`:free` and `:thinking`, are models of their own there."""
TIMEOUT = 20
"""Seconds to wait for the list."""


class ListUnavailableError(Exception):
    """The list could not be fetched; the message says why."""


class _Architecture(BaseModel):
    input_modalities: list[str] = ["image"]  # where the list does not say


class ListedModel(BaseModel):
    """What the list says of a model."""

    id: str
    architecture: _Architecture = _Architecture()
    pricing: dict[str, object] = {}
    """In dollars per token, as decimal texts; negative if it depends on the request."""

    def cost(self) -> ModelCost | None:
        """Returns its prices per million tokens, None if they are not fixed.

        What is read from or written to a prompt cache costs as much as other input
        where the list has no price of its own for it.
        """
        input, output = self._price("prompt"), self._price("completion")
        if input is None or output is None:
            return None
        read, write = self._price("input_cache_read"), self._price("input_cache_write")
        return ModelCost(
            input=input,
            output=output,
            input_cache_read=input if read is None else read,
            input_cache_write=input if write is None else write,
        )

    def _price(self, name: str) -> float | None:
        try:
            price = float(str(self.pricing.get(name)))
        except ValueError:
            return None
        # Rounded, since a millionth of a dollar has no exact binary form.
        return round(price * 1e6, 9) if 0 <= price < float("inf") else None


class _List(BaseModel):
    data: list[ListedModel]


def list_models(base_url: str | None = None) -> dict[str, ListedModel]:
    """Gets the list, by OpenRouter's id.

    Args:
        base_url: Of the API; without it that of `OPENROUTER_BASE_URL`, or OpenRouter's.

    Raises:
        ListUnavailableError: If there is no answer, or no list in it.
    """
    url = base_url or os.environ.get("OPENROUTER_BASE_URL") or BASE_URL
    try:
        answer = httpx.get(f"{url.rstrip('/')}/models", timeout=TIMEOUT)
        answer.raise_for_status()
        models = _List.model_validate_json(answer.content).data
    except httpx.HTTPStatusError as error:
        raise ListUnavailableError(f"HTTP {error.response.status_code}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ListUnavailableError(type(error).__name__) from error
    except ValidationError as error:
        raise ListUnavailableError("the answer is not a list of models") from error
    if not models:
        raise ListUnavailableError("it is empty")
    return {model.id: model for model in models}


def check_models(
    listed: Mapping[str, ListedModel], wanted: Mapping[str, bool]
) -> dict[str, ModelCost]:
    """Checks that the list has the models that are wanted.

    Args:
        listed: The list.
        wanted: Inspect's names of models of OpenRouter, and whether each must take
            images. Presets (`@preset/…`), which only their owner sees, are left out.

    Returns:
        Their prices, by Inspect's name, where these are fixed.

    Raises:
        NejmInspectError: If one is missing or takes no images; names near matches.
    """
    problems: list[str] = []
    prices: dict[str, ModelCost] = {}
    for name, images in wanted.items():
        id = name.removeprefix(PREFIX)
        plain, _, variant = id.partition(":")
        model = listed.get(id) or (listed.get(plain) if variant in ROUTED else None)
        if "@preset/" in id:
            continue
        if model is None:
            near = difflib.get_close_matches(id, listed, n=3)
            hint = ", ".join(PREFIX + match for match in near) or "none"
            problems.append(f"{name} is not there. Near matches: {hint}.")
        elif images and "image" not in model.architecture.input_modalities:
            takes = ", ".join(model.architecture.input_modalities)
            problems.append(f"{name} takes no images (only {takes}).")
        elif cost := model.cost():
            prices[name] = cost
    if problems:
        raise NejmInspectError("\n  ".join(["OpenRouter's list of models says:", *problems]))
    return prices
