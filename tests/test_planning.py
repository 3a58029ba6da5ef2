"""The dry run, OpenRouter's list of models, and prices."""

from pathlib import Path

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log

from nejm_inspect.judging.panel import DEFAULT_GRADER
from tests.benchmarks import benchmark, listed, words
from tests.loopback import Journal, OpenRouter, Reply
from tests.test_roster import KEY, SECRET_ROSTER

JUDGE = listed(DEFAULT_GRADER.removeprefix("openrouter/"), "text")
DEMO = ("-T", "cases=demo", "-T", "sample_size=2")


def test_a_dry_run_asks_no_model(journal: Journal, openrouter: OpenRouter) -> None:
    result = benchmark("--dry-run", "--limit", "10", "--epochs", "2")
    assert result.exit_code == 0, result.output
    assert "5 models on 10 cases, 2 times each" in words(result)
    assert "200 calls, 100 of them to the judge" in words(result)
    assert not openrouter.calls
    assert journal.image_requests == 0


def test_a_dry_run_refuses_what_a_run_would(journal: Journal) -> None:
    result = benchmark("--dry-run", "-T", "difficulty=hrad")
    assert result.exit_code == 1
    assert "difficulty='hrad'" in result.stderr


def test_prices_of_the_list_make_the_estimate(openrouter: OpenRouter) -> None:
    openrouter.models = [listed("a/b"), JUDGE]
    result = benchmark("--dry-run", "--model", "openrouter/a/b", *DEMO)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    # 2 x 1,128 tokens of input and 10 of output; 2 x 910 and 110 of the judge, at $1
    # and $10 a million.
    assert "Cost: $0.01 or more" in words(result)
    assert "not known" not in result.output


def test_the_estimate_runs_to_what_max_tokens_allows(
    journal: Journal, openrouter: OpenRouter, tmp_path: Path
) -> None:
    roster = tmp_path / "one.yaml"
    roster.write_text(
        "{grader: {model: openrouter/x/judge}, models: "
        "[{model: openrouter/a/b, config: {max_tokens: 64000}}]}",
        encoding="utf-8",
    )
    openrouter.models = [listed("a/b"), listed("x/judge", prompt="0", completion="0")]
    result = benchmark(str(roster), "--dry-run", "--limit", "10")
    # 10 x 1,128 tokens of input for $1 a million, 50 to 640,000 of output for $10.
    assert "Cost: $0.01 to $6.41." in words(result)


def test_a_price_file_goes_before_the_list(openrouter: OpenRouter, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    price = "{input: 100, output: 1000, input_cache_write: 0, input_cache_read: 0}"
    prices.write_text(f"openrouter/a/b: {price}", encoding="utf-8")
    openrouter.models = [listed("a/b"), JUDGE]
    result = benchmark(
        *("--dry-run", "--model", "openrouter/a/b", *DEMO), *("--model-cost-config", str(prices))
    )
    assert "$0.24" in result.output  # 2 x 1,128 tokens for $100, 10 for $1,000


def test_prices_of_the_list_are_in_the_log(openrouter: OpenRouter, tmp_path: Path) -> None:
    openrouter.models = [
        listed("unheard/of", prompt="0.001", completion="0.01"),
        listed("x/judge", "text", prompt="0", completion="0"),
    ]
    result = benchmark(
        *("--model", "openrouter/unheard/of", "--judge", "openrouter/x/judge", *DEMO),
        *("--log-dir", str(tmp_path / "run")),
    )
    assert result.exit_code == 0, result.output
    (info,) = list_eval_logs(str(tmp_path / "run"))
    usage = read_eval_log(info, header_only=True).stats.model_usage
    # Twice 7 tokens of input and 3 of output.
    assert usage["openrouter/unheard/of"].total_cost == pytest.approx(2 * 0.037)
    assert usage["openrouter/x/judge"].total_cost == 0


@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_a_model_that_is_not_there_stops_before_any_call(
    more: list[str], openrouter: OpenRouter, tmp_path: Path
) -> None:
    openrouter.models = [listed("google/gemini-3.1-pro-preview"), listed("a/b"), JUDGE]
    result = benchmark(
        *("--model", "openrouter/google/gemini-3-pro-preview"),
        *("--model", "openrouter/a/b", *DEMO),
        *("--log-dir", str(tmp_path / "run"), *more),
    )
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: OpenRouter's list of models says:",
        "  openrouter/google/gemini-3-pro-preview is not there. Near matches: "
        "openrouter/google/gemini-3.1-pro-preview.",
    ]
    assert not openrouter.calls
    assert not (tmp_path / "run").exists()


def test_an_examinee_must_take_images_and_a_judge_need_not(openrouter: OpenRouter) -> None:
    openrouter.models = [listed("a/blind", "text", "file"), JUDGE]
    run = ("--dry-run", "--model", "openrouter/a/blind", *DEMO)
    result = benchmark(*run)
    assert result.exit_code == 1
    assert "openrouter/a/blind takes no images (only text, file)" in result.stderr
    assert benchmark(*run, "-T", "inputs=history").exit_code == 0


def test_the_judge_is_looked_up_where_it_is_asked(openrouter: OpenRouter) -> None:
    openrouter.models = [listed("a/b")]
    run = ("--dry-run", "--model", "openrouter/a/b", *DEMO)
    result = benchmark(*run)
    assert result.exit_code == 1
    assert f"{DEFAULT_GRADER} is not there. Near matches: none." in result.stderr
    assert benchmark(*run, "-T", "scorer=verbatim").exit_code == 0


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("a/b", True),
        ("a/b:nitro", True),
        ("a/b:online", True),
        ("a/b:free", False),
        ("a/c:free", True),
        ("a/c", False),
        ("~a/b-latest", True),
        ("openrouter/auto", True),
        ("@preset/mine", True),
        ("a/b@preset/mine", True),
    ],
)
def test_variants_of_a_model(name: str, there: bool, openrouter: OpenRouter) -> None:
    openrouter.models = [
        *map(listed, ("a/b", "a/c:free", "~a/b-latest")),
        listed("openrouter/auto", prompt="-1", completion="-1"),
        JUDGE,
    ]
    result = benchmark("--dry-run", "--model", f"openrouter/{name}", *DEMO)
    assert result.exit_code == (0 if there else 1), result.output


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=503), "HTTP 503"),
        (Reply(b"<html>"), "not a list of models"),
        (Reply(b'{"data": 3}'), "not a list of models"),
        (Reply(b'{"data": [{"name": "no id"}]}'), "not a list of models"),
        (Reply(b'{"data": []}'), "not a list of models"),
    ],
)
def test_without_the_list_nothing_is_checked_and_one_line_says_so(
    reply: Reply, reason: str, openrouter: OpenRouter
) -> None:
    openrouter.models = reply
    result = benchmark("--dry-run", "--model", "openrouter/no/such", *DEMO)
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert "could not be fetched" in line
    assert reason in line
    assert "not known" in result.output


def test_offline() -> None:
    result = benchmark("--dry-run", "--model", "openrouter/a/b", *DEMO)
    assert result.exit_code == 0, result.output
    assert len(result.stderr.splitlines()) == 1


def test_other_providers_are_not_looked_up() -> None:
    result = benchmark(*("--dry-run", "--model", "mockllm/a", "-T", "scorer=verbatim", *DEMO))
    assert result.exit_code == 0, result.output
    assert not result.stderr


def test_a_dry_run_shows_no_key(openrouter: OpenRouter, tmp_path: Path) -> None:
    roster = tmp_path / "secret.yaml"
    roster.write_text(SECRET_ROSTER, encoding="utf-8")
    result = benchmark(str(roster), "--dry-run", *DEMO)
    assert result.exit_code == 0, result.output
    assert KEY not in "".join(result.output.split())
    assert "max_tokens=2000" in "".join(result.output.split())
