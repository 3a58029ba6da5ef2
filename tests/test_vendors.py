import pytest
from inspect_ai.model import Model, get_model

from nejm_inspect.vendors import judges_of_same_vendor, vendor_of


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "none")


def unkept(name: str) -> Model:
    """A model that no other test gets to see."""
    return get_model(name, memoize=False)


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("openrouter/anthropic/claude-sonnet-4", "Anthropic"),
        ("openrouter/google/gemini-3-pro-preview", "Google"),
        ("openrouter/google/medgemma-27b", "Google"),
        ("openrouter/openai/gpt-5.1", "OpenAI"),
        ("openrouter/openai/o3", "OpenAI"),
        ("openrouter/x-ai/grok-4.1-fast:free", "xAI"),
        ("openrouter/qwen/qwen3-vl-235b-a22b-thinking", "Alibaba"),
        ("openrouter/meta-llama/llama-4-maverick", "Meta"),
        ("openrouter/mistralai/pixtral-large-2411", "Mistral AI"),
        ("openrouter/mistralai/magistral-medium", "Mistral AI"),
        # Only Inspect knows this one.
        ("openrouter/moonshotai/kimi-k2-instruct", "moonshotai"),
        ("openrouter/nobody/olympus-1", None),
        ("mockllm/model", None),
    ],
)
def test_vendors(model: str, vendor: str | None) -> None:
    assert vendor_of(unkept(model)) == vendor


def test_judges_of_the_examinees_vendor() -> None:
    names = ("x/claude-opus-4.5", "x/gpt-5.1", "x/olympus-1", "x/olympus-2")
    opus, gpt, first, second = (unkept(f"openrouter/{name}") for name in names)
    sonnet = unkept("openrouter/anthropic/claude-sonnet-4")
    assert judges_of_same_vendor(opus, [sonnet, gpt]) == [str(sonnet)]
    assert judges_of_same_vendor(gpt, [sonnet]) == []
    assert judges_of_same_vendor(first, [first, second]) == [str(first)]
