"""Judges compared on the same responses, from logs that were judged again."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev

import pytest
from inspect_ai import score
from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log
from inspect_ai.model import GenerateConfig, Model, get_model

from nejm_inspect import diagnosis_rubric
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.contents import JudgePair, Report
from nejm_inspect.report.sections import report_sections
from tests.loopback import OpenRouter
from tests.report.logs import Points, judge_by, report_of, run_demo

FIRST, SECOND = "openrouter/anthropic/claude-sonnet-4.6", "openrouter/j/other"
B, C = [10, 8, 9, 7, 10, 8, 9, 7, 10, 8, 9, None], [9, 3, 9, 3, 9, 3, 9, 3, 9, 3, 9, 3]
B2, C2 = [10, 5, 8, 7, 3, 8, 9, 1, 10, 8, None, 2], [9, 3, 9, 3, 9, 3, 9, 3, 9, 3, 9, 3]

Rejudge = Callable[..., str]


@pytest.fixture
def rejudge(openrouter: OpenRouter, tmp_path: Path) -> Rejudge:
    """Has another judge score copies of the logs; gives their folder."""

    def rejudge(folder: str, points: Points, judge: str | Model = SECOND) -> str:
        openrouter.judge = judge_by(points)
        copies = tmp_path / "copies"
        copies.mkdir(exist_ok=True)
        for info in list_eval_logs(folder):
            log = score(
                read_eval_log(info),
                diagnosis_rubric(),
                action="overwrite",
                model_roles={"grader": judge},
            )
            name = f"{str(judge).rpartition('/')[2]}-{os.path.basename(info.name)}"
            write_eval_log(log, str(copies / name))
        return str(copies)

    return rejudge


def pair_of(report: Report) -> JudgePair:
    (pair,) = report.judge_pairs
    return pair


def test_judges_are_compared_response_by_response(
    run: Callable[..., str], rejudge: Rejudge
) -> None:
    folder = run({"a/b": B, "a/c": C})
    report = report_of(folder, rejudge(folder, {"a/b": B2, "a/c": C2}), judges=True)
    pair = pair_of(report)
    assert (pair.first, pair.second) == (FIRST, SECOND)
    assert "judge" not in pair.settings
    assert (pair.responses, pair.cases, pair.scored_once) == (22, 12, 2)
    # By hand: the judges differ on four responses, all of a/b.
    moved = {1: -3, 2: -1, 4: -7, 7: -6}
    by_case = [moved.get(case, 0) / (1 if case > 9 else 2) for case in range(12)]
    assert pair.shift.value == pytest.approx(fmean(by_case))
    margin = 2.201 * stdev(by_case) / math.sqrt(12)  # t at 11 degrees of freedom
    assert pair.shift.upper == pytest.approx(fmean(by_case) + margin, abs=1e-3)
    assert pair.same.value == pytest.approx((8 + 4 * 0.5) / 12)
    assert pair.far_apart.value == pytest.approx(3 * 0.5 / 12)
    assert sum(map(sum, pair.confusion)) == 22
    assert pair.confusion[10][3] == 1
    assert pair.confusion[7][1] == 1
    assert pair.confusion[3][3] == 6
    scores = [(b, b2) for b, b2 in zip(B, B2, strict=True)]
    scores += zip(C, C2, strict=True)
    both = [(x, y) for x, y in scores if x is not None and y is not None]
    assert pair.kappa == pytest.approx(concordance(both))
    assert [(one.case_id, one.shift) for one in pair.most_moved] == [
        ("demo-05", -7),
        ("demo-08", -6),
        ("demo-02", -3),
        ("demo-03", -1),
    ]


def test_what_no_judge_saw_is_no_agreement(
    run: Callable[..., str], rejudge: Rejudge, openrouter: OpenRouter, tmp_path: Path
) -> None:
    openrouter.judge = judge_by({"a/b": [9] * 12})
    said = iter(["", "of a/b\n"] * 6)  # half of the responses are empty
    openrouter.examinee = lambda call: next(said)
    folder = str(tmp_path / "half")
    run_demo(log_dir=folder, max_connections=1)
    report = report_of(folder, rejudge(folder, {"a/b": [3] * 12}), judges=True)
    pair = pair_of(report)
    assert pair.responses == 6
    assert pair.shift.value == -6
    assert pair.same.value == 0


def test_one_judge_at_two_temperatures_is_two(
    run: Callable[..., str], rejudge: Rejudge
) -> None:
    folder = run({"a/b": [9] * 12})
    warm = get_model(FIRST, config=GenerateConfig(temperature=1), memoize=False)
    again = rejudge(folder, {"a/b": [5] * 12}, judge=warm)
    pair = pair_of(report_of(folder, again, judges=True))
    assert (pair.first, pair.second) == (FIRST, f"{FIRST} (temperature=1.0)")
    assert pair.shift.value == -4


def concordance(pairs: list[tuple[int, int]]) -> float:
    """Another way to quadratic-weighted kappa; see tests/test_agreement.py."""
    first, second = zip(*pairs, strict=True)
    x, y = fmean(first), fmean(second)
    covariance = fmean((a - x) * (b - y) for a, b in pairs)
    spread = fmean((a - x) ** 2 for a in first) + fmean((b - y) ** 2 for b in second)
    return 2 * covariance / (spread + (x - y) ** 2)


def test_ranks_under_each_judge(run: Callable[..., str], rejudge: Rejudge) -> None:
    folder = run({"a/b": [9] * 12, "a/c": [8] * 12, "a/d": [2] * 12})
    again = rejudge(folder, {"a/b": [5] * 12, "a/c": [7] * 12, "a/d": [7] * 12})
    report = report_of(folder, again, judges=True)
    assert [
        (m.model[-3:], m.responses, m.first_rank, m.second_rank)
        for m in pair_of(report).models
    ] == [("a/b", 12, 1, 3), ("a/c", 12, 2, 1), ("a/d", 12, 3, 1)]
    first = pair_of(report).models[0]
    assert (first.first.value, first.second.value) == (pytest.approx(0.9), 0.5)
    (section,) = report_sections(report)
    assert section.findings[1] == (
        "Ranks change, by the scores alone: openrouter/a/b from 1 to 3; "
        "openrouter/a/c from 2 to 1; openrouter/a/d from 3 to 1."
    )


def test_without_the_flag_a_note_names_it(
    run: Callable[..., str], rejudge: Rejudge
) -> None:
    folder = run({"a/b": [9] * 12})
    report = report_of(folder, rejudge(folder, {"a/b": [5] * 12}))
    assert [c.judges for c in report.comparisons] == [[FIRST], [SECOND]]
    assert report.judge_pairs == ()
    assert "--judges compares judges response by response." in report.notes[0]


def test_other_responses_are_not_the_same(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/b": [9] * 12})
    run_demo(model_roles={"grader": SECOND})
    assert "--judges" not in report_of(folder).notes[0]
    with pytest.raises(NejmInspectError, match=r"--judges: no two .*inspect score"):
        report_of(folder, judges=True)


def test_the_second_judge_does_not_bear_the_firsts_settings(
    openrouter: OpenRouter, rejudge: Rejudge, tmp_path: Path
) -> None:
    openrouter.examinee = lambda call: f"Answer of {call.model}\n"
    run_demo(
        model_roles={"grader": get_model(FIRST, config=GenerateConfig(temperature=1))}
    )
    folder = str(tmp_path / "logs")
    report = report_of(folder, rejudge(folder, {"a/b": [5] * 12}), judges=True)
    pair = pair_of(report)
    assert (pair.first, pair.second) == (f"{FIRST} (temperature=1.0)", SECOND)


def test_three_judges_are_three_pairs(
    run: Callable[..., str], rejudge: Rejudge
) -> None:
    folder = run({"a/b": [9] * 12})
    rejudge(folder, {"a/b": [5] * 12})
    copies = rejudge(folder, {"a/b": [4] * 12}, "openrouter/j/third")
    report = report_of(folder, copies, judges=True)
    assert len(report.judge_pairs) == 3
    assert {pair.shift.value for pair in report.judge_pairs} == {-4, -5, -1}


def test_a_copy_of_a_log_adds_nothing(
    run: Callable[..., str], rejudge: Rejudge, tmp_path: Path
) -> None:
    folder = run({"a/b": [9] * 12})
    copies = rejudge(folder, {"a/b": [5] * 12})
    shutil.copytree(folder, tmp_path / "more")
    report = report_of(
        folder, str(tmp_path / "more"), copies, judges=True, repeats=True
    )
    assert pair_of(report).responses == 12
    (row,) = report.comparisons[0].leaderboard
    assert row.responses == 12
    assert any("2 logs are of 1 run" in note for note in report.comparisons[0].notes)


def test_epochs_are_matched(run: Callable[..., str], rejudge: Rejudge) -> None:
    folder = run({"a/b": [9] * 12}, epochs=2)
    report = report_of(folder, rejudge(folder, {"a/b": [5] * 12}), judges=True)
    pair = pair_of(report)
    assert (pair.responses, pair.cases, pair.shift.value) == (24, 12, -4)
    assert math.isnan(pair.shift.lower) or pair.shift.lower == -4


def test_judges_without_a_common_score_are_an_error(
    run: Callable[..., str], rejudge: Rejudge
) -> None:
    folder = run({"a/b": [9] * 6 + [None] * 6})
    copies = rejudge(folder, {"a/b": [None] * 6 + [9] * 6})
    with pytest.raises(NejmInspectError, match="--judges"):
        report_of(folder, copies, judges=True)
