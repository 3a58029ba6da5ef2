"""The dry run, OpenRouter's list of models, and prices."""

from pathlib import Path

import pytest
from click.testing import Result

from nejm_inspect.judging.panel import DEFAULT_GRADER
from tests.benchmark_runs import benchmark, listed, words
from tests.loopback import Journal, OpenRouter, Reply
from tests.runs import logs
from tests.test_roster import KEY, SECRET_ROSTER

JUDGE = listed(DEFAULT_GRADER.removeprefix("openrouter/"), "text")
DEMO = ("-T", "cases=demo", "-T", "sample_size=2")


def plan(model: str, *arguments: str) -> Result:
    """A dry run of a model on two demo cases."""
    return benchmark("--dry-run", "--model", f"openrouter/{model}", *DEMO, *arguments)


def test_a_dry_run_asks_no_model(journal: Journal, openrouter: OpenRouter) -> None:
    result = benchmark("--dry-run", "--limit", "10", "--epochs", "2")
    assert result.exit_code == 0, result.output
    assert "5 models on 10 cases, 2 times each" in words(result)
    assert "200 calls, 100 of them to the judge" in words(result)
    assert not openrouter.calls
    assert journal.image_requests == 0


PRICES = "{input: 100, output: 1000, input_cache_write: 0, input_cache_read: 0}"


@pytest.mark.parametrize(
    ("model", "prices", "cost"),
    [
        # 2 x 1,128 tokens of input and 10 of output; 2 x 910 and 110 of the judge, at $1
        # and $10 a million.
        ("{model: openrouter/a/b}", None, "Cost: $0.01 or more."),
        # To 128,000 tokens of output for $10 a million.
        ("{model: openrouter/a/b, config: {max_tokens: 64000}}", None, "Cost: $0.01 to $1.29."),
        # 2 x 1,128 tokens for $100 a million, 10 for $1,000; a file goes before the list.
        ("{model: openrouter/a/b}", f"openrouter/a/b: {PRICES}", "Cost: $0.24 or more."),
    ],
)
def test_prices_make_the_estimate(
    model: str, prices: str | None, cost: str, openrouter: OpenRouter, tmp_path: Path
) -> None:
    (tmp_path / "roster.yaml").write_text(f"models: [{model}]", encoding="utf-8")
    (tmp_path / "prices.yaml").write_text(prices or "{}", encoding="utf-8")
    openrouter.models = [listed("a/b"), JUDGE]
    config = ("--model-cost-config", str(tmp_path / "prices.yaml"))
    result = benchmark("--dry-run", str(tmp_path / "roster.yaml"), *DEMO, *config)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    assert cost in words(result)
    assert "not known" not in result.output


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
    (log,) = logs(tmp_path / "run")
    usage = log.stats.model_usage
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
        *("--model", "openrouter/a/b", *DEMO, "--log-dir", str(tmp_path / "run"), *more),
    )
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: OpenRouter's list of models says:",
        "  openrouter/google/gemini-3-pro-preview is not there. Near matches: "
        "openrouter/google/gemini-3.1-pro-preview.",
    ]
    assert not openrouter.calls
    assert not (tmp_path / "run").exists()


def test_an_examinee_must_take_images_and_a_judge_be_there_if_it_is_asked(
    openrouter: OpenRouter,
) -> None:
    openrouter.models = [listed("a/blind", "text", "file"), JUDGE]
    assert "openrouter/a/blind takes no images (only text, file)" in plan("a/blind").stderr
    assert plan("a/blind", "-T", "inputs=history").exit_code == 0
    openrouter.models = [listed("a/b")]
    assert f"{DEFAULT_GRADER} is not there. Near matches: none." in plan("a/b").stderr
    assert plan("a/b", "-T", "scorer=verbatim").exit_code == 0


@pytest.mark.parametrize(
    ("names", "there"),
    [
        ("a/b a/b:nitro a/b:online a/c:free ~a/b-latest openrouter/auto @preset/mine", True),
        ("a/b@preset/mine", True),
        ("a/b:free a/c", False),
    ],
)
def test_variants_of_a_model(names: str, there: bool, openrouter: OpenRouter) -> None:
    openrouter.models = [
        *map(listed, ("a/b", "a/c:free", "~a/b-latest")),
        listed("openrouter/auto", prompt="-1", completion="-1"),
        JUDGE,
    ]
    for name in names.split():
        result = plan(name)
        assert result.exit_code == (0 if there else 1), result.output


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, "ConnectError"),
        (Reply(status=503), "HTTP 503"),
        (Reply(b"<html>"), "not a list of models"),
        (Reply(b'{"data": 3}'), "not a list of models"),
        (Reply(b'{"data": [{"name": "no id"}]}'), "not a list of models"),
        (Reply(b'{"data": []}'), "not a list of models"),
    ],
)
def test_without_the_list_nothing_is_checked_and_one_line_says_so(
    reply: Reply | None, reason: str, openrouter: OpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reply:
        openrouter.models = reply
    else:
        monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:9/api/v1")
    result = plan("no/such")
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert "could not be fetched" in line
    assert reason in line
    assert "not known" in result.output
    other = benchmark("--dry-run", "--model", "mockllm/a", "-T", "scorer=verbatim", *DEMO)
    assert (other.exit_code, other.stderr) == (0, ""), "other providers are not looked up"


def test_a_dry_run_shows_no_key(openrouter: OpenRouter, tmp_path: Path) -> None:
    roster = tmp_path / "secret.yaml"
    roster.write_text(SECRET_ROSTER, encoding="utf-8")
    result = benchmark(str(roster), "--dry-run", *DEMO)
    assert result.exit_code == 0, result.output
    assert KEY not in "".join(result.output.split())
    assert "max_tokens=2000" in "".join(result.output.split())
