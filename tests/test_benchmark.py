"""Rosters and the benchmark command, end to end on loopback."""

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import nejm_inspect.benchmark
from nejm_inspect.benchmark import bundled_rosters, read_roster
from nejm_inspect.cli import main
from nejm_inspect.errors import NejmInspectError
from tests.conftest import KEY
from tests.loopback import Call, Journal, OpenRouter, openrouter_error, verdict

COMMAND = Path(sys.executable).with_name("nejm-inspect")

# For each model of the published run: points of 50 cases with its sum and its tens.
PUBLISHED = {
    "google/gemini-3-pro-preview": [10] * 22 + [6] * 20 + [9] + [0] * 7,  # 349
    "anthropic/claude-opus-4.5": [10] * 17 + [7] * 20 + [2] + [0] * 12,  # 312
    "openai/gpt-5.1": [10] * 8 + [7] * 29 + [6] + [0] * 12,  # 289
    "x-ai/grok-4.1-fast:free": [10] * 13 + [6] * 20 + [0] * 17,  # 250
    "qwen/qwen3-vl-235b-a22b-thinking": [10] * 7 + [7] * 24 + [3] + [0] * 18,  # 241
}
LEADERBOARD = [
    ("openrouter/google/gemini-3-pro-preview", 0.698, 22),
    ("openrouter/anthropic/claude-opus-4.5", 0.624, 17),
    ("openrouter/openai/gpt-5.1", 0.578, 8),
    ("openrouter/x-ai/grok-4.1-fast:free", 0.5, 13),
    ("openrouter/qwen/qwen3-vl-235b-a22b-thinking", 0.482, 7),
]


class Judge:
    """Gives each model its published points; a response bears its model's name."""

    def __init__(self) -> None:
        self.points = {model: list(points) for model, points in PUBLISHED.items()}
        self.lock = threading.Lock()

    def __call__(self, call: Call) -> str:
        with self.lock:
            (model,) = (model for model in PUBLISHED if f"of {model}" in call.text)
            return verdict(self.points[model].pop())


def benchmark(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["benchmark", *arguments])


def leaderboard(folder: Path) -> list[tuple[str, float, int]]:
    with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        return [
            (
                row["model"],
                round(float(row["overall"] or "nan"), 9),
                int(row["exact_count"]),
            )
            for row in csv.DictReader(file)
        ]


def test_the_published_benchmark_killed_half_way_and_run_again(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    stalled = threading.Event()
    openrouter.judge = Judge()

    def examinee(call: Call) -> str:
        if len(openrouter.examinee_calls) > 120:
            stalled.wait(60)
        return f"Answer of {call.model}"

    openrouter.examinee = examinee
    command = [COMMAND, "benchmark", "--log-dir", str(tmp_path / "run")]
    environment = {**os.environ, "INSPECT_DISPLAY": "plain"}
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    while len(openrouter.judge_calls) < 120:
        assert killed.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    killed.send_signal(signal.SIGINT)
    killed.wait(timeout=60)
    stalled.set()
    assert killed.returncode == 1
    assert not (tmp_path / "run-report").exists()

    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(openrouter.judge_calls) == 250, "a finished case was judged again"
    assert leaderboard(tmp_path / "run-report") == LEADERBOARD
    assert "69.8%" in done.stdout
    assert "48.2%" in done.stdout
    assert journal.image_requests == 50


def test_each_model_of_the_published_run_is_asked_as_it_was(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    result = benchmark("--limit", "1", "--log-dir", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    asked = {
        call.model: {k: v for k, v in call.payload.items() if k != "messages"}
        for call in openrouter.calls
    }
    assert asked == {
        "google/gemini-3-pro-preview": {
            "model": "google/gemini-3-pro-preview",
            "temperature": 1,
            "max_tokens": 64_000,
        },
        "anthropic/claude-opus-4.5": {
            "model": "anthropic/claude-opus-4.5",
            "temperature": 1,
            "max_tokens": 64_000,
            "reasoning": {"effort": "high"},
        },
        "openai/gpt-5.1": {
            "model": "openai/gpt-5.1",
            "temperature": 0,
            "max_completion_tokens": 64_000,
            "reasoning": {"effort": "high", "exclude": True},
        },
        "x-ai/grok-4.1-fast:free": {
            "model": "x-ai/grok-4.1-fast:free",
            "temperature": 0,
            "max_tokens": 2_000,
        },
        "qwen/qwen3-vl-235b-a22b-thinking": {
            "model": "qwen/qwen3-vl-235b-a22b-thinking",
            "temperature": 0.6,
            "max_tokens": 32_000,
        },
        "anthropic/claude-sonnet-4": {
            "model": "anthropic/claude-sonnet-4",
            "temperature": 0,
        },
    }


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
        """,
        encoding="utf-8",
    )
    result = benchmark(str(roster), "--log-dir", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert len(openrouter.examinee_calls) == 2
    for call in openrouter.examinee_calls:
        assert call.payload["provider"] == {
            "order": ["Together"],
            "allow_fallbacks": False,
        }
    assert {call.model for call in openrouter.judge_calls} == {"a/judge"}


def test_other_models_and_parameters_from_the_command_line(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    result = benchmark(
        *("--model", "openrouter/a/b", "--model", "openrouter/openai/gpt-5.1"),
        *("-T", "sample_size=3", "--log-dir", str(tmp_path / "run")),
    )
    assert result.exit_code == 0, result.output
    payloads = {call.model: call.payload for call in openrouter.examinee_calls}
    assert payloads.keys() == {"a/b", "openai/gpt-5.1"}
    assert "temperature" not in payloads["a/b"]
    assert payloads["openai/gpt-5.1"]["temperature"] == 0
    assert len(openrouter.examinee_calls) == 6


def test_a_dry_run_calls_nothing(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "openrouter/openai/gpt-5.1: "
        "{input: 1, output: 10, input_cache_write: 0, input_cache_read: 0}",
        encoding="utf-8",
    )
    result = benchmark("--dry-run", "--limit", "10", "--model-cost-config", str(prices))
    assert result.exit_code == 0, result.output
    assert "5 models on 10 cases" in " ".join(result.output.split())
    assert "100 calls, 50 of them to the judge" in " ".join(result.output.split())
    # 10 x 1,128 tokens of input for $1 a million, 50 to 640,000 of output for $10.
    assert "$0.01 to" in result.output
    assert "$6.41" in result.output
    assert not openrouter.calls
    assert journal.image_requests == 0


def test_the_rosters_judge_judges_beside_the_exact_scorer(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    roster = tmp_path / "two.yaml"
    roster.write_text(
        "{grader: {model: openrouter/x/judge}, models: [{model: openrouter/a/b}]}",
        encoding="utf-8",
    )
    both = ("-T", "scorer=both", "-T", "cases=demo", "-T", "sample_size=2")
    plan = benchmark(str(roster), *both, "--dry-run")
    assert "4 calls, 2 of them to the judge" in " ".join(plan.output.split())
    result = benchmark(str(roster), *both, "--log-dir", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert [call.model for call in openrouter.judge_calls] == ["x/judge"] * 2


def test_a_dry_run_refuses_what_a_run_would(journal: Journal) -> None:
    result = benchmark("--dry-run", "-T", "difficulty=hrad")
    assert result.exit_code == 1
    assert "difficulty='hrad'" in result.stderr


def test_an_exact_benchmark_needs_no_judge(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("LOOPBACK_API_KEY", KEY)
    monkeypatch.setenv("LOOPBACK_BASE_URL", os.environ["OPENROUTER_BASE_URL"])
    monkeypatch.delenv("OPENROUTER_API_KEY")
    result = benchmark(
        *("--model", "openai-api/loopback/a", "-T", "scorer=verbatim"),
        *("-T", "sample_size=2", "--log-dir", str(tmp_path / "run")),
    )
    assert result.exit_code == 0, result.output
    assert not openrouter.judge_calls


def test_other_parameters_need_another_folder(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    run = ("--model", "openrouter/a/b", "--log-dir", str(tmp_path / "run"))
    assert benchmark(*run, "-T", "sample_size=2").exit_code == 0
    result = benchmark(*run, "-T", "sample_size=3")
    assert result.exit_code == 1
    assert "need another --log-dir" in result.stderr


def test_bundled_rosters_are_sound() -> None:
    assert "november_2025" in bundled_rosters()
    for name in bundled_rosters():
        assert read_roster(name).models


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: [{model: a/b, temperature: 1}]", r"models.0.temperature=1: Extra"),
        ("models: [{model: a/b, config: {temprature: 1}}]", "temprature"),
        ("models: []", "at least 1 item"),
        ("judge: x", "judge='x': Extra"),
        ("models: [{model: a/b}]\ntask: {sample: 3}", "'sample' is not a parameter"),
        ("models: [", "is no YAML"),
        ("just text", "Roster .*valid dictionary"),
    ],
)
def test_a_faulty_roster_is_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "roster.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NejmInspectError, match=message):
        read_roster(str(file))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "There is no roster 'nowhere.yaml'"),
        (["-T", "colour=red"], "'colour' is not a parameter"),
        (["-T", "seed"], "must be NAME=VALUE"),
        (["-T", "cases=[x"], "not a YAML value"),
        (["--model", "nosuch/x"], "nosuch/x: Model API nosuch"),
        (["--dry-run", "--model-cost-config", "none.yaml"], "no file of model prices"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str) -> None:
    result = benchmark(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr


def test_unfinished_models_are_told(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(nejm_inspect.benchmark, "RETRY_ATTEMPTS", 0)
    openrouter.examinee = lambda call: (
        openrouter_error(400, "No image input") if call.model == "a/b" else "Gout"
    )
    result = benchmark(
        *("--model", "openrouter/a/b", "--model", "openrouter/a/c"),
        *("-T", "sample_size=3", "--log-dir", str(tmp_path / "run")),
    )
    assert result.exit_code == 1
    assert "Run the same command again to go on" in result.stderr
    rows = leaderboard(tmp_path / "run-report")
    assert rows[0] == ("openrouter/a/c", 1.0, 3)
