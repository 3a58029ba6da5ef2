"""What tests of the benchmark command share."""

from typing import Any

from click.testing import Result

from tests.runs import cli

PUBLISHED = (
    "openrouter/google/gemini-3-pro-preview",
    "openrouter/anthropic/claude-opus-4.5",
    "openrouter/openai/gpt-5.1",
    "openrouter/x-ai/grok-4.1-fast:free",
    "openrouter/qwen/qwen3-vl-235b-a22b-thinking",
)
PUBLISHED_JUDGE = "openrouter/anthropic/claude-sonnet-4"
AS_PUBLISHED = (
    "november_2025",
    *(word for model in PUBLISHED for word in ("--model", model)),
    *("--judge", PUBLISHED_JUDGE),
)
"""The published run in full, its retired models named."""


def benchmark(*arguments: str) -> Result:
    return cli("benchmark", *arguments)


def words(result: Result) -> str:
    """What a command printed, whatever its lines were folded to."""
    return " ".join(result.output.split())


def listed(id: str, *modalities: str, **pricing: str) -> dict[str, Any]:
    """A model as OpenRouter's list has it."""
    return {
        "id": id,
        "name": id,
        "architecture": {
            "modality": "text+image->text",
            "input_modalities": list(modalities or ("text", "image")),
            "output_modalities": ["text"],
        },
        "pricing": {"prompt": "0.000001", "completion": "0.00001", **pricing},
        "supported_parameters": ["max_tokens"],
    }
