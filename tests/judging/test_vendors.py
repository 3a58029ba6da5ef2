import pytest
from inspect_ai.model import Model, get_model

from nejm_inspect.judging.vendors import judges_of_same_vendor, vendor_of


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "none")


def unkept(name: str) -> Model:
    """A model that no other test gets to see."""
    return get_model(name, memoize=False)


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("openrouter/anthropic/claude-sonnet-4", "anthropic"),
        ("openrouter/google/gemini-3-pro-preview", "google"),
        ("openrouter/google/medgemma-27b", "google"),
        ("openrouter/openai/gpt-5.1", "openai"),
        ("openrouter/openai/o3", "openai"),
        ("openrouter/x-ai/grok-4.1-fast:free", "xai"),
        ("openrouter/qwen/qwen3-vl-235b-a22b-thinking", "alibaba"),
        ("openrouter/meta-llama/llama-4-maverick", "meta"),
        ("openrouter/mistralai/pixtral-large-2411", "mistralai"),
        ("openrouter/mistralai/magistral-medium", "mistralai"),
        ("openrouter/openai/codex-mini", "openai"),
        ("openrouter/openai/ft:gpt-4o:us", "openai"),
        ("openrouter/z-ai/glm-4.6", "zai"),
        ("openrouter/amazon/nova-pro-v1", "amazon"),
        ("mockllm/model", None),
    ],
)
def test_vendors(model: str, vendor: str | None) -> None:
    assert vendor_of(unkept(model)) == vendor


def test_inspect_knows_other_vendors() -> None:
    kimi = get_model("together/moonshotai/Kimi-K2.5", api_key="none", memoize=False)
    assert vendor_of(kimi) == vendor_of(unkept("openrouter/moonshotai/kimi-k2"))


def test_judges_of_the_examinees_vendor() -> None:
    names = ("x/claude-opus-4.5", "x/gpt-5.1", "x/olympus-1", "y/olympus-2")
    opus, gpt, first, second = (unkept(f"openrouter/{name}") for name in names)
    sonnet = unkept("openrouter/anthropic/claude-sonnet-4")
    assert judges_of_same_vendor(opus, [sonnet, gpt]) == [str(sonnet)]
    assert judges_of_same_vendor(gpt, [sonnet]) == []
    assert judges_of_same_vendor(first, [first, second]) == [str(first)]
    unknown = unkept("mockllm/model")
    assert judges_of_same_vendor(unknown, [unknown, first]) == [str(unknown)]
