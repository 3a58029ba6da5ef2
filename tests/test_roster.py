"""Rosters: reading them, their retired models, their secrets."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from nejm_inspect.cli_benchmark import DEFAULT_ROSTER
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.panel import DEFAULT_GRADER
from nejm_inspect.roster import Roster, bundled_rosters, read_roster
from tests.benchmark_runs import PUBLISHED, PUBLISHED_JUDGE, benchmark

Written = Callable[[str], str]
KEY = "sk-or-v1-roster-secret"
SECRET_ROSTER = f"""
task: {{cases: "https://host.example/cases.csv?signature={KEY}"}}
grader: {{model: openrouter/x/judge, args: {{api_key: {KEY}}}}}
models:
  - model: openrouter/a/b
    base_url: "http://me:{KEY}@127.0.0.1:9/v1"
    args: {{max_retries: 3, default_headers: {{X-Any: {KEY}}}, note: plain}}
    config:
      max_tokens: 2000
      extra_headers: {{Authorization: Bearer {KEY}}}
      extra_body: {{plugins: [{{id: web, accessToken: {KEY}}}], effort: high}}
"""


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a roster; gives the name of its file."""
    file = tmp_path / "roster.yaml"

    def write(text: str) -> str:
        file.write_text(text, encoding="utf-8")
        return str(file)

    return write


def test_bundled_rosters_are_sound() -> None:
    assert {DEFAULT_ROSTER, "november_2025"} <= set(bundled_rosters())
    for name in bundled_rosters():
        families = [model.model.split("/")[1] for model in read_roster(name).models]
        assert sorted(families) == ["anthropic", "google", "openai", "qwen", "x-ai"]
    today, record = read_roster(DEFAULT_ROSTER), read_roster("november_2025")
    today.check_living()
    assert not any(model.retired for model in today.models)
    assert [judge.model for judge in today.judges] == [DEFAULT_GRADER]
    assert [model.model for model in record.models] == [*PUBLISHED]
    assert [judge.model for judge in record.judges] == [PUBLISHED_JUDGE]


def test_retired_models_stop_a_run_with_the_way_to_continue() -> None:
    result = benchmark("november_2025", "--dry-run")
    assert result.exit_code == 1
    for line in (
        "openrouter/google/gemini-3-pro-preview since 2026-03-09",
        "openrouter/x-ai/grok-4.1-fast:free since 2026-05-15",
        "openrouter/anthropic/claude-sonnet-4, the judge, since 2026-06-15",
        " ".join(f"--model {PUBLISHED[place]}" for place in (1, 2, 4))
        + f" --judge {DEFAULT_GRADER}\n",
    ):
        assert line in result.stderr
    assert "gpt-5.1 since" not in result.stderr


def test_what_is_named_is_run_though_it_is_retired() -> None:
    roster = read_roster("november_2025").with_models(PUBLISHED, [PUBLISHED_JUDGE])
    roster.check_living()
    assert roster.models[0].config.max_tokens == 64_000


def test_a_name_stands_for_all_models_that_have_it() -> None:
    models = [{"model": "a/b", "config": {"reasoning_effort": e}} for e in ("low", "high")]
    roster = Roster.model_validate({"models": [*models, {"model": "c/d"}]})
    chosen = roster.with_models(["a/b", "e/f"]).models
    assert [m.model for m in chosen] == ["a/b", "a/b", "e/f"]
    assert [m.config.reasoning_effort for m in chosen] == ["low", "high", None]


def test_a_judge_that_is_not_asked_may_be_retired() -> None:
    living = read_roster("november_2025").with_models([PUBLISHED[1]])
    living.with_task({"scorer": "verbatim"}).check_living()
    with pytest.raises(NejmInspectError, match="--judge"):
        living.check_living()


@pytest.mark.parametrize(("days", "gone"), [(-1, True), (0, True), (1, False)])
def test_a_model_is_gone_from_its_day_on(days: int, gone: bool) -> None:
    day = datetime.date.today() + datetime.timedelta(days)
    roster = Roster.model_validate({"models": [{"model": "a/b", "retired": day}]})
    if gone:
        with pytest.raises(NejmInspectError, match=f"a/b since {day}"):
            roster.check_living()
    else:
        roster.check_living()


def test_the_judge_may_be_a_list() -> None:
    one = Roster.model_validate({"models": [{"model": "a/b"}], "grader": {"model": "c"}})
    two = one.with_models(judges=["c/d", "e/f"])
    assert [judge.model for judge in one.judges] == ["c"]
    assert [judge.model for judge in two.judges] == ["c/d", "e/f"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: [{model: a/b, temperature: 1}]", r"models.0.temperature=1: Extra"),
        ("models: [{model: a/b, config: {temprature: 1}}]", "temprature"),
        ("models: [{model: a/b, retired: soon}]", r"models.0.retired='soon'"),
        ("models: []", "at least 1 item"),
        ("models: [{model: a/b}]\ngrader: []", "at least 1 item"),
        ("judge: x", "judge='x': Extra"),
        ("models: [{model: a/b}]\ntask: {sample: 3}", "'sample' is not a parameter"),
        ("task: {}\nmodels: [", "line 2: not valid YAML"),
        ("just text", "Roster .*valid dictionary"),
        ("", "Roster .*valid dictionary"),
    ],
)
def test_a_faulty_roster_is_refused(text: str, message: str, written: Written) -> None:
    with pytest.raises(NejmInspectError, match=message):
        read_roster(written(text))


@pytest.mark.parametrize(
    "text",
    [
        f"models: [{{model: a/b, api_key: {KEY}}}]",
        f"models: [{{model: a/b, config: {{api_token: {KEY}}}}}]",
        f"models: [{{model: a/b, args: {{api_key: {KEY}}}, args: ]",
        f"grader: https://me:{KEY}@host.example/v1",
        f"models: [{{model: a/b, api_key: {KEY * 9}}}]",
    ],
)
def test_the_message_of_a_faulty_roster_has_no_key(text: str, written: Written) -> None:
    with pytest.raises(NejmInspectError) as caught:
        read_roster(written(text))
    assert "sk-or-v1" not in str(caught.value)


def test_secrets_are_told_from_settings(written: Written) -> None:
    roster = read_roster(written(SECRET_ROSTER))
    shown = roster.without_secrets(str(roster.model_dump(exclude_none=True)))
    assert KEY not in shown
    for plain in ("127.0.0.1:9/v1", "host.example/cases.csv", "plain", "2000", "high"):
        assert plain in shown
    assert roster.without_secrets(f"401: {KEY} is no key") == "401: *** is no key"
