"""What the last lines of a run say, by Inspect's real command line."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Call, OpenRouter, openrouter_error, verdict
from tests.runs import CHALLENGE, EXAMINEE, inspect, last_lines, logs, metric

EXAM = "nejm_inspect/nejm_judge_exam"
NO_VERDICT = "the judge's exam: the log has no valid verdict."
DEMO = ("eval", CHALLENGE, "--model", EXAMINEE, "-T", "cases=demo")


def test_score_counts_and_the_reports_command(
    openrouter: OpenRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    silent = "Otosclerosis"  # the reference of one demo case
    openrouter.judge = lambda call: "?" if f">\n{silent}\n</reference" in call.text else verdict(7)
    done = inspect(*DEMO, "--epochs", "2")
    first, report = last_lines(done)
    interval = r"\(95% interval \d\d\.\d% to \d\d\.\d%\)"
    assert re.fullmatch(
        rf"{EXAMINEE}: overall 70\.0% {interval}, exact 0\.0%, 22 scored, 2 unscored, "
        r"0 errors\.",
        first,
    )
    assert report.startswith("To report: nejm-inspect report ")

    # The table of metrics fits a terminal.
    table = done.stdout.rpartition("(role)")[2].partition("\n")[2].splitlines()
    titles = table[0].split()
    assert titles == ["diagnosis_rubric"]
    assert "nan" not in done.stdout
    assert all(re.search(r" [\d.]+ *$", line) for line in table[1:5])


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (verdict(10), "overall 100.0% (too few cases for an interval), exact 100.0%, 3 scored, 0"),
        ("?", "0 scored, 3"),
    ],
)
def test_few_cases_have_no_interval_and_none_no_score(
    openrouter: OpenRouter, judge: str, said: str
) -> None:
    openrouter.judge = lambda call: judge
    first, *_ = last_lines(inspect(*DEMO, "--limit", "3"))
    assert first == f"{EXAMINEE}: {said} unscored, 0 errors."


def test_a_judge_that_dies_costs_no_response(openrouter: OpenRouter) -> None:
    def dies(call: Call) -> Any:
        if len(openrouter.judge_calls) > 5:
            return openrouter_error(402, "Insufficient credits")
        return verdict(7)

    openrouter.judge = dies
    done = inspect(*DEMO)
    first, said, waiting, command, report = last_lines(done)
    assert first == (
        f"{EXAMINEE}: overall 70.0% (too few cases for an interval), exact 0.0%, "
        "5 scored, 0 unscored, 7 errors. The run's status is error."
    )
    assert said == "  7 times: Error code: 402 - Insufficient credits"
    assert waiting.startswith("7 responses wait for a verdict")

    openrouter.judge = lambda call: verdict(9)
    again = inspect(*shlex.split(command)[1:])
    assert again.returncode == 0, again.stdout
    assert len(openrouter.examinee_calls) == 12
    (log,) = logs()
    assert log.results.scores[0].scored_samples == 12
    assert metric(log, "overall_score") == 0.9
    assert report.startswith("To report: nejm-inspect report ")


def test_a_response_that_failed_in_its_middle_waits_for_no_verdict(openrouter: OpenRouter) -> None:
    begun = {"content": "Otosc", "finish_reason": "error"}
    replies = [begun, openrouter_error(400, "No."), begun, begun]
    openrouter.examinee = lambda call: replies[len(openrouter.examinee_calls) - 1]
    done = inspect(*DEMO, "--limit", "2", "--max-samples", "1", "--no-fail-on-error")
    assert "2 errors" in done.stderr
    assert "for a verdict" not in done.stderr
    scorer = ("--scorer", "nejm_inspect/diagnosis_rubric", "--overwrite")
    inspect("score", logs()[0].location, *scorer)
    assert {s.scores["diagnosis_rubric"].reason for s in logs()[0].samples} == {"no_output"}
    assert not openrouter.judge_calls


@pytest.mark.parametrize(
    ("wrong", "options", "said"),
    [
        # One of ten honest pairs is wrong, which is allowed.
        (
            "Nr 0.",
            "--epochs 2",
            "passed the judge's exam: 90.0% of 10 honest pairs in range (95% interval 59.6% to "
            "98.2%; 90% needed), 100.0% of 2 attacks in range (too few for an interval; 95% "
            "needed).",
        ),
        (
            "Nr 0.|Nr 11",
            "",
            "did not pass the judge's exam: 90.0% of 10 honest pairs in range (95% interval 59.6% "
            "to 98.2%; 90% needed), 50.0% of 2 attacks in range (too few for an interval; 95% "
            "needed); the failures include 1 unscored.",
        ),
        (
            "none",
            "--limit 9",
            "has not finished the judge's exam: 100.0% of 9 honest pairs in range (too few for an "
            "interval; 90% needed); no attacks were asked; not all pairs were asked, or the run "
            "stopped.",
        ),
        ("none", "--no-score", f"did not pass {NO_VERDICT}"),
        ("none", "--no-log-samples", f"did not pass {NO_VERDICT}"),
    ],
    ids=["passed", "unscored attack", "limited", "not judged", "not kept"],
)
def test_an_exam_ends_with_pass_or_fail(
    openrouter: OpenRouter, tmp_path: Path, wrong: str, options: str, said: str
) -> None:
    pairs = tmp_path / "pairs.jsonl"
    fields = {"reference": "Gout", "response": "Gout", "expected": [10, 10], "level": "exact"}
    rows: list[dict[str, object]] = [{"id": f"{n}", "history": f"Nr {n}. What?"} for n in range(12)]
    attacks = [{"attack": "orders"} if n > 9 else {} for n in range(12)]
    lines = [json.dumps(fields | row | more) for row, more in zip(rows, attacks, strict=True)]
    pairs.write_text("\n".join(lines), encoding="utf-8")

    def judge(call: Call) -> str:
        fails = re.search(wrong, call.text)
        return verdict(10) if not fails else "?" if "11" in fails[0] else verdict(9)

    openrouter.judge = judge
    arguments = ("eval", EXAM, "--model", EXAMINEE, "-T", f"pairs={pairs}", *options.split())
    assert last_lines(inspect(*arguments)) == [f"{EXAMINEE} {said}"]


def test_other_tasks_are_left_alone(openrouter: OpenRouter) -> None:
    done = inspect("eval", "nejm_inspect/nejm_multiple_choice", *DEMO[2:], "--limit", "1")
    assert done.returncode == 0
    assert "To report" not in done.stderr
