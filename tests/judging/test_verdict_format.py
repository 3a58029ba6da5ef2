"""The bundled format, by which servers of local models hold a judge to a valid verdict."""

import json
import os
from itertools import product
from typing import Any

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator

from nejm_inspect.judging.verdict import InvalidVerdictError, parse_verdict
from nejm_inspect.rubric import CATEGORIES, MAX_POINTS
from tests.loopback import OpenRouter
from tests.runs import DEMO, ROOT, inspect, logs

FORMAT = (ROOT / "nejm_inspect" / "run_configs" / "verdict_format.json").read_text("utf-8")
SCHEMA: dict[str, Any] = json.loads(FORMAT)["response_format"]["json_schema"]["schema"]
SIGNATURE = "0123456789ab"  # in place of the question's token
VERDICTS = [  # right and wrong ones
    {"token": SIGNATURE, "reasoning": "because", "category": category, "score": score}
    for category, score in product(CATEGORIES, range(-1, MAX_POINTS + 2))
]


def allows(value: dict[str, Any]) -> bool:
    return Draft202012Validator(SCHEMA).is_valid(value)


def is_verdict(value: dict[str, Any]) -> bool:
    try:
        return parse_verdict(json.dumps(value), SIGNATURE).score == value["score"]
    except InvalidVerdictError:
        return False


def test_the_schema_allows_each_number_of_points_with_its_own_category_alone() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    allowed = [one for one in VERDICTS if allows(one)]
    assert allowed == [one for one in VERDICTS if is_verdict(one)]
    assert sorted(one["score"] for one in allowed) == [*range(MAX_POINTS + 1)]


@given(st.text(max_size=600), st.sampled_from([one for one in VERDICTS if allows(one)]))
def test_a_verdict_is_valid_whatever_its_reasoning(reasoning: str, one: dict[str, Any]) -> None:
    assert allows({**one, "reasoning": reasoning})
    assert is_verdict({**one, "reasoning": reasoning})


def test_the_schema_ends_each_text_and_gives_the_points_last() -> None:
    """Servers write the keys in the schema's order: a judge reasons first, and cannot go on."""
    for level in SCHEMA["anyOf"]:
        assert [*level["properties"]] == level["required"]
        assert level["required"] == ["token", "reasoning", "category", "score"]
    (good,) = (one for one in VERDICTS if allows(one) and one["score"] == 9)
    for change in ({"reasoning": "x" * 601}, {"token": SIGNATURE + "c"}, {"remark": "more"}):
        assert not allows({**good, **change})


def test_the_format_reaches_judges_on_local_servers_and_not_the_examinee(
    openrouter: OpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server in ("OLLAMA", "VLLM", "LLAMA_CPP_PYTHON"):
        monkeypatch.setenv(f"{server}_BASE_URL", os.environ["OPENROUTER_BASE_URL"])
    panel = [
        f"{{model: {judge}, extra_body: {FORMAT}}}"
        for judge in ("ollama/gemma4:31b", "vllm/openai/gpt-oss-20b", "llama-cpp-python/judge")
    ]
    run = inspect(
        *(*DEMO, "--limit", 1, "--model", "ollama/qwen3-vl:8b"),
        *("--model-role", f"grader=[{', '.join(panel)}]"),
    )
    assert run.returncode == 0, run.stderr
    (examined,) = openrouter.examinee_calls
    assert examined.images
    assert "response_format" not in examined.payload
    for calls in (openrouter.preflight_calls, openrouter.judge_calls):
        assert {call.model for call in calls} == {"gemma4:31b", "openai/gpt-oss-20b", "judge"}
        for call in calls:
            assert call.payload["response_format"] == json.loads(FORMAT)["response_format"]
    assert logs()[0].status == "success"
