"""The benchmark command, end to end on loopback."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import nejm_inspect.benchmark
from nejm_inspect.judging.panel import DEFAULT_GRADER
from tests.benchmark_runs import AS_PUBLISHED, benchmark, listed
from tests.conftest import KEY
from tests.loopback import Journal, OpenRouter, openrouter_error, verdict
from tests.runs import logs

Run = Callable[..., Result]
MODEL = ("--model", "openrouter/a/b")
TWO_JUDGES = ("--judge", "openrouter/x/one", "--judge", "openrouter/y/two")


@pytest.fixture
def run(openrouter: OpenRouter, tmp_path: Path) -> Run:
    """The command, on three demo cases unless told otherwise."""
    demo = ("-T", "cases=demo", "-T", "sample_size=3")
    return lambda *arguments: benchmark(*demo, *arguments, "--log-dir", str(tmp_path / "run"))


def asked(openrouter: OpenRouter) -> dict[str, dict[str, Any]]:
    """What each model was asked with, beside the messages."""
    return {
        call.model: {k: v for k, v in call.payload.items() if k not in ("messages", "model")}
        for call in openrouter.calls
    }


HIGH = {"reasoning": {"effort": "high"}}
THINKING = {"max_tokens": 64_000, **HIGH}
PUBLISHED_SETTINGS = {
    "google/gemini-3-pro-preview": {"temperature": 1, "max_tokens": 64_000},
    "anthropic/claude-opus-4.5": {"temperature": 1, **THINKING},
    "openai/gpt-5.1": {
        "temperature": 0,
        "max_completion_tokens": 64_000,
        "reasoning": {"effort": "high", "exclude": True},
    },
    "x-ai/grok-4.1-fast:free": {"temperature": 0, "max_tokens": 2_000},
    "qwen/qwen3-vl-235b-a22b-thinking": {"temperature": 0.6, "max_tokens": 32_000},
    "anthropic/claude-sonnet-4": {"temperature": 0, "max_tokens": 2_000},
}
DEFAULT_SETTINGS = {
    "google/gemini-4-carbon": THINKING,
    "anthropic/claude-opus-5.5": THINKING,
    "openai/gpt-6.1-sol": {"max_completion_tokens": 64_000, **HIGH},
    "x-ai/grok-4.7": THINKING,
    "qwen/qwen3.8-max-0902": {"max_tokens": 64_000},
    DEFAULT_GRADER.removeprefix("openrouter/"): {"temperature": 0, "max_tokens": 2_000},
}


@pytest.mark.parametrize(
    ("roster", "settings"), [(AS_PUBLISHED, PUBLISHED_SETTINGS), ((), DEFAULT_SETTINGS)]
)
def test_each_model_of_a_bundled_roster_is_asked_as_it_says(
    roster: tuple[str, ...], settings: dict[str, Any], openrouter: OpenRouter, run: Run
) -> None:
    result = run(*roster, "--limit", "1")
    assert result.exit_code == 0, result.output
    assert asked(openrouter) == settings
    if settings is DEFAULT_SETTINGS:  # what is written to a maker's cache would never be read
        assert not any("cache_control" in str(call.payload) for call in openrouter.examinee_calls)


def test_a_roster_of_ones_own_with_pinned_routing(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    roster = tmp_path / "mine.yaml"
    roster.write_text(
        """
        task: {sample_size: 2}
        grader: {model: openrouter/a/judge}
        models:
          - model: openrouter/a/b
            args: {provider: {order: [Together], allow_fallbacks: false}}
          - model: openrouter/a/b
            args: {provider: {order: [Groq], allow_fallbacks: false}}
        """,
        encoding="utf-8",
    )
    result = benchmark(str(roster), "--log-dir", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert result.stderr.count("openrouter/a/b: overall 100.0%") == 2
    routed = [call.payload["provider"] for call in openrouter.examinee_calls]
    assert sorted(provider["order"][0] for provider in routed) == [*["Groq"] * 2, *["Together"] * 2]
    assert not any(provider["allow_fallbacks"] for provider in routed)
    assert {call.model for call in openrouter.judge_calls} == {"a/judge"}


def test_other_models_judges_and_parameters_from_the_command_line(
    openrouter: OpenRouter, run: Run
) -> None:
    models = (*MODEL, "--model", "openrouter/x-ai/grok-4.7")
    result = run(*models, *TWO_JUDGES, "-T", "scorer=both")
    assert result.exit_code == 0, result.output
    settings = asked(openrouter)
    assert "max_tokens" not in settings["a/b"]
    assert settings["x-ai/grok-4.7"]["max_tokens"] == 64_000
    assert len(openrouter.examinee_calls) == 6
    assert sorted(call.model for call in openrouter.judge_calls) == [*["x/one"] * 6, *["y/two"] * 6]


def test_options_of_inspect(openrouter: OpenRouter, run: Run, tmp_path: Path) -> None:
    openrouter.models = [listed("a/b"), listed(DEFAULT_GRADER.removeprefix("openrouter/"), "text")]
    result = run(
        *(*MODEL, "--epochs", "2", "--cost-limit", "5", "--max-connections", "1"), "--no-log-images"
    )
    assert result.exit_code == 0, result.output
    (log,) = logs(tmp_path / "run")
    config = log.eval.config
    assert (config.epochs, config.cost_limit, config.log_images) == (2, 5, False)
    assert log.plan.config.max_connections == 1
    assert "data:image" not in str([sample.messages for sample in log.samples])
    # Each epoch is an answer of its own.
    assert len(openrouter.examinee_calls) == 6


def test_a_cost_limit_needs_prices(openrouter: OpenRouter, run: Run) -> None:
    result = run("--model", "openrouter/no/price", "--cost-limit", "5")
    assert result.exit_code == 1
    assert "Missing cost data for: " in result.stderr
    assert "--log-dir" not in result.stderr
    assert not openrouter.examinee_calls


def test_more_cases_are_added_and_fewer_change_nothing(
    openrouter: OpenRouter, run: Run, tmp_path: Path
) -> None:
    assert run(*MODEL, "--limit", "1").exit_code == 0
    assert len(openrouter.examinee_calls) == 1
    assert run(*MODEL).exit_code == 0
    assert len(openrouter.examinee_calls) == 3
    fewer = run(*MODEL, "--limit", "2")
    assert fewer.exit_code == 0
    assert "more than --limit 2 cases in an earlier run; all are kept" in fewer.stdout
    assert len(openrouter.examinee_calls) == len(openrouter.judge_calls) == 3
    (log,) = logs(tmp_path / "run")
    assert len(log.samples) == 3
    # Other parameters need another folder; a folder made anew asks anew.
    other = run(*MODEL, "-T", "sample_size=2")
    assert other.exit_code == 1
    assert "need another --log-dir" in other.stderr
    shutil.rmtree(tmp_path / "run")
    assert run(*MODEL).exit_code == 0
    assert len(openrouter.examinee_calls) == 6


def test_a_key_in_a_dotenv_file_and_none_for_a_judge_that_is_not_asked(
    openrouter: OpenRouter, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_API_KEY", KEY)
    monkeypatch.setenv("LOOPBACK_BASE_URL", os.environ["OPENROUTER_BASE_URL"])
    monkeypatch.delenv("OPENROUTER_API_KEY")
    result = run("--model", "openai-api/loopback/a", "-T", "scorer=verbatim")
    assert result.exit_code == 0, result.output
    assert not openrouter.judge_calls
    (tmp_path / ".env").write_text(f"OPENROUTER_API_KEY={KEY}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "run")
    result = run("--model", "openrouter/dot/env")
    assert result.exit_code == 0, result.output
    assert openrouter.judge_calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "There is no roster 'nowhere.yaml'"),
        (["-T", "colour=red"], "'colour' is not a parameter"),
        (["-T", "seed"], "must be NAME=VALUE"),
        (["--dry-run", "-T", "difficulty=hrad"], "difficulty='hrad'"),
        (["-T", "cases=[x"], "not a YAML value"),
        (["--model", "nosuch/x", "-T", "scorer=verbatim"], "nosuch/x: Model API nosuch"),
        (["--dry-run", "--model-cost-config", "none.yaml"], "not a file of model prices"),
        (["--log-dir", __file__], "test_benchmark.py cannot be used: "),
        (["--log-dir", "nosuch://run"], "nosuch://run cannot be used: Protocol not known"),
    ],
)
@pytest.mark.usefixtures("openrouter")
def test_bad_arguments(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = benchmark("--log-dir", str(tmp_path / "run"), *arguments)
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_model_that_is_not_there_is_one_line(
    openrouter: OpenRouter, run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    openrouter.examinee = lambda call: (
        openrouter_error(404, "No endpoints found.") if call.model == "no/such" else "Gout"
    )
    result = run("--model", "openrouter/no/such", *MODEL)
    assert result.exit_code == 1
    assert "Traceback" not in result.output + "".join(capfd.readouterr())
    assert result.stderr.splitlines()[-3:] == [
        "Error: Not every model finished:",
        "  openrouter/no/such, 3 times: Error code: 404 - No endpoints found.",
        "To continue: run the same command again.",
    ]
    # The other model was not disturbed.
    (log,) = (log for log in logs(tmp_path / "run") if log.status == "success")
    assert len(log.samples) == 3


def test_a_provider_that_repeats_the_key_is_not_quoted_with_it(
    openrouter: OpenRouter, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nejm_inspect.benchmark, "RETRY_ATTEMPTS", 0)
    key = "sk-or-v1-roster-secret"
    roster = tmp_path / "mine.yaml"
    roster.write_text(
        f"models: [{{model: openrouter/a/b, args: {{api_key: {key}}}}}]", encoding="utf-8"
    )
    openrouter.examinee = lambda call: openrouter_error(
        401, f"{key} is\x1b[2J no key, sk-or-v1-environment neither.\n" + "No " * 500
    )
    result = run(str(roster))
    assert result.exit_code == 1
    failures = result.stderr.partition("Not every model finished")[2]
    assert "*** is" in failures
    assert "sk-or-v1" not in failures
    assert "\x1b" not in failures
    assert len(failures) < 500


def test_an_error_of_the_judge_costs_no_second_answer(
    openrouter: OpenRouter, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nejm_inspect.benchmark, "RETRY_ATTEMPTS", 0)
    openrouter.judge = lambda call: openrouter_error(402, "Insufficient credits")
    failed = run(*MODEL)
    assert failed.exit_code == 1
    assert "3 times: Error code: 402" in failed.stderr
    openrouter.judge = lambda call: verdict(10)
    assert run(*MODEL).exit_code == 0
    assert len(openrouter.examinee_calls) == 3
