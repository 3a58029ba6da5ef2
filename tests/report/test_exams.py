"""A judge's exam in a report, from logs of the real task."""

import datetime
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log, write_eval_log

from nejm_inspect import nejm_image_challenge, nejm_judge_exam
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.contents import Exam, Report
from nejm_inspect.report.exams import read_exams
from nejm_inspect.report.reading import read_runs
from nejm_inspect.report.sections import report_sections
from tests.loopback import Call, OpenRouter, verdict
from tests.report.logs import report_of

JUDGE = "openrouter/anthropic/claude-sonnet-4.6"


def pair(number: int, level: str, given: object, **more: Any) -> dict[str, Any]:
    """A pair whose response tells the judge what to give."""
    expected = {"exact": [9, 10], "related": [5, 6], "wrong": [0, 0]}[level]
    return {
        "id": f"pair-{number}",
        "history": "A toe hurts. What is it?",
        "reference": "Gout",
        "response": f"Number {number}, worth {given}.",
        "expected": expected,
        "level": level,
        **more,
    }


Given = tuple[str, object, bool]
"""A pair's level, the points that the judge gives, and whether it is an attack."""


def sit(
    openrouter: OpenRouter,
    folder: Path,
    *given: Given,
    **options: Any,
) -> str:
    """Has a judge sit an exam; gives the log."""

    def judge(call: Call) -> str:
        worth = call.text.rpartition("worth ")[2].partition(".")[0]
        return verdict(int(worth)) if worth.isdigit() else "no verdict"

    openrouter.judge = judge
    file = folder / "pairs.jsonl"
    pairs = [
        pair(number, level, points, **({"attack": "flattery"} if attack else {}))
        for number, (level, points, attack) in enumerate(given)
    ]
    file.write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    (log,) = eval(
        nejm_judge_exam(pairs=str(file)),
        model=JUDGE,
        log_dir=str(folder / "exams"),
        **options,
    )
    assert log.status == "success"
    return log.location


def shown(exam: Exam) -> Report:
    now = datetime.datetime.now(datetime.UTC)
    return Report(comparisons=[], created=now, with_texts=False, exams=[exam])


def one(location: str) -> Exam:
    (exam,) = read_exams([location])
    return exam


GIVEN: list[Given] = [
    *[("exact", 10, False)] * 5,
    ("exact", 9, False),  # inside the range, and so of its level
    ("exact", 7, False),
    ("related", 5, False),
    ("related", 9, False),
    ("wrong", 0, False),
    ("wrong", "nothing", False),
    *[("wrong", 0, True)] * 3,
    ("wrong", 10, True),
    ("wrong", "nothing", True),
]


def test_an_exam_in_numbers(openrouter: OpenRouter, tmp_path: Path) -> None:
    location = sit(openrouter, tmp_path, *GIVEN)
    exam = one(location)
    assert (exam.judge, exam.setting, exam.finished) == (JUDGE, "", True)
    ordinary, adversarial = exam.ordinary, exam.adversarial
    assert (ordinary.verdicts, ordinary.without_verdict) == (10, 1)
    assert (adversarial.verdicts, adversarial.without_verdict) == (4, 1)
    assert (ordinary.threshold, adversarial.threshold) == (0.90, 0.95)
    assert ordinary.in_range.value == 0.8
    # Wilson's interval for 8 of 10, from its formula with z = 1.96.
    assert ordinary.in_range.lower == pytest.approx(0.4902, abs=1e-4)
    assert ordinary.in_range.upper == pytest.approx(0.9433, abs=1e-4)
    assert adversarial.in_range.value == 0.75
    assert ordinary.absolute_error.value == pytest.approx((2 + 3) / 10)
    assert ordinary.bias.value == pytest.approx((-2 + 3) / 10)
    assert adversarial.bias.value == pytest.approx(10 / 4)
    levels = {level.level: level for level in exam.levels}
    assert levels["exact"].in_range.value == pytest.approx(6 / 7)
    assert math.isnan(levels["partial"].in_range.value)
    assert (levels["exact"].verdicts, levels["partial"].verdicts) == (7, 0)
    # Rows are expected, columns given: six exact as such, one as the fourth level
    # (broader), one related as the second (synonym).
    assert exam.confusion[0] == [6, 0, 0, 1, 0, 0, 0, 0]
    assert exam.confusion[4] == [0, 1, 0, 0, 1, 0, 0, 0]
    # The log's own metrics are of the same mind.
    results = read_eval_log(location, header_only=True).results
    assert results
    logged = results.scores[0].metrics
    resisted = adversarial.in_range.value
    assert ordinary.kappa == pytest.approx(logged["weighted_kappa"].value)
    assert ordinary.in_range.value == pytest.approx(logged["in_range"].value)
    assert resisted == pytest.approx(logged["adversarial_pass_rate"].value)
    assert not exam.passed


@pytest.mark.parametrize(
    ("right", "resisted", "passed"),
    [(9, 19, True), (8, 19, False), (9, 18, False)],
)
def test_both_thresholds_must_be_reached(
    openrouter: OpenRouter, tmp_path: Path, right: int, resisted: int, passed: bool
) -> None:
    exam = one(
        sit(
            openrouter,
            tmp_path,
            *[("exact", 10, False)] * right,
            *[("exact", 3, False)] * (10 - right),
            *[("wrong", 0, True)] * resisted,
            *[("wrong", 9, True)] * (20 - resisted),
        )
    )
    assert exam.passed is passed


@pytest.mark.parametrize("attacks", [True, False])
def test_without_verdicts_of_both_kinds_nobody_passes(
    openrouter: OpenRouter, tmp_path: Path, attacks: bool
) -> None:
    silent: list[Given] = [("wrong", "nothing", attacks)] * 2
    right: list[Given] = [("wrong", 0, not attacks)] * 2
    exam = one(sit(openrouter, tmp_path, *silent, *right))
    assert not exam.passed


def test_an_exam_without_attacks_can_be_passed(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    exam = one(sit(openrouter, tmp_path, *[("exact", 10, False)] * 10))
    assert exam.passed
    (section,) = report_sections(shown(exam))
    assert "of 10 ordinary pairs" in section.findings[0]
    assert "adversarial" not in section.findings[0]
    assert "There were no attacks." in section.findings[0]
    assert len(section.tables[0].rows) == 1


def test_a_part_of_an_exam_passes_nobody(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    exam = one(sit(openrouter, tmp_path, *[("exact", 10, False)] * 10, limit=9))
    assert not exam.passed
    assert "Not all pairs were asked." in report_sections(shown(exam))[0].findings[0]


def test_a_retried_exam_counts_once(openrouter: OpenRouter, tmp_path: Path) -> None:
    location = sit(openrouter, tmp_path, *GIVEN)
    first = read_eval_log(location)
    first.eval.eval_id, first.status = "first-attempt", "error"
    first.eval.created = "2020-01-01T00:00:00+00:00"
    write_eval_log(first, str(tmp_path / "exams" / "first.eval"))
    (exam,) = read_exams([str(tmp_path / "exams")])
    assert exam.finished


def test_an_exam_with_another_prompt_says_so(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    eval(
        nejm_image_challenge(cases="demo", sample_size=1),
        model="openrouter/a/b",
        log_dir=str(tmp_path / "runs"),
    )
    exam = one(sit(openrouter, tmp_path, *GIVEN))
    assert exam.settings["pairs"] == f"pairs, {len(GIVEN)}"
    old = replace(exam, settings={**exam.settings, "prompt version": "1"})
    runs = str(tmp_path / "runs")
    assert not any("prompt version" in n for n in report_of(runs, exams=[exam]).notes)
    (note,) = (n for n in report_of(runs, exams=[old]).notes if "prompt version" in n)
    assert note.startswith(f"{JUDGE} sat its exam with prompt version 1 and judged")


def test_silence_does_not_pass(openrouter: OpenRouter, tmp_path: Path) -> None:
    # Every verdict is right, but a tenth and more of them are missing.
    silent: list[Given] = [("exact", "nothing", False)] * 2
    right: list[Given] = [("exact", 10, False)] * 10 + [("wrong", 0, True)] * 2
    exam = one(sit(openrouter, tmp_path, *silent, *right))
    assert exam.ordinary.in_range.value == exam.adversarial.in_range.value == 1
    assert exam.adversarial.passed
    assert not exam.passed


def test_epochs_of_a_pair_are_no_independent_trials(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    exam = one(sit(openrouter, tmp_path, *GIVEN, epochs=2))
    assert (exam.ordinary.verdicts, exam.ordinary.without_verdict) == (20, 2)
    assert exam.ordinary.in_range.value == 0.8
    # Student's t over ten pairs, not Wilson over twenty verdicts.
    margin = 2.2622 * math.sqrt(0.16 * 10 / 9 / 10)
    assert exam.ordinary.in_range.lower == pytest.approx(0.8 - margin, abs=1e-3)


def test_the_setting_of_the_judge_is_told(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    exam = one(sit(openrouter, tmp_path, *GIVEN, temperature=0.7))
    assert exam.setting == " (temperature=0.7)"


def test_the_report_passes_or_warns(
    run: Callable[..., str], openrouter: OpenRouter, tmp_path: Path
) -> None:
    folder = run({"a/b": [5] * 12})
    exam = one(sit(openrouter, tmp_path, *GIVEN))
    report = report_of(folder, exams=[exam])
    assert report.notes == []
    (section,) = report_sections(report)
    (finding,) = section.findings
    assert finding.startswith(f"Warning: {JUDGE} did not pass the exam: 80.0% (49.0–9")
    for text in (
        "of 10 ordinary pairs in range (threshold 90%; 1 more without a valid verdict)",
        "of 4 adversarial pairs in range (threshold 95%; 1 more without",
    ):
        assert text in finding
    assert any("No score in this report is corrected" in r for r in section.remarks)


def test_judges_and_exams_that_do_not_meet_are_named(
    run: Callable[..., str], openrouter: OpenRouter, tmp_path: Path
) -> None:
    folder = run({"a/b": [5] * 12})
    openrouter.judge = lambda call: verdict(5)
    eval(
        nejm_judge_exam(), model="openrouter/x/y", log_dir=str(tmp_path / "x"), limit=2
    )
    notes = report_of(folder, exams=read_exams([str(tmp_path / "x")])).notes
    assert notes == [
        f"{JUDGE} judged here and has no exam among those given.",
        "openrouter/x/y sat an exam and judged nothing here.",
    ]


def test_an_exam_given_as_a_log_is_told_where_it_belongs(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    location = sit(openrouter, tmp_path, *GIVEN)
    with pytest.raises(NejmInspectError, match=r"give it as --exam "):
        read_runs([location])


def test_an_exam_among_logs_is_left_out(
    run: Callable[..., str], openrouter: OpenRouter, tmp_path: Path
) -> None:
    folder = run({"a/b": [5] * 12})
    openrouter.judge = lambda call: verdict(5)
    eval(nejm_judge_exam(), model="openrouter/x/y", limit=1)
    assert len(read_runs([folder])) == 1


def test_a_log_given_as_an_exam_is_told_where_it_belongs(
    run: Callable[..., str],
) -> None:
    folder = run({"a/b": [5] * 12})
    with pytest.raises(NejmInspectError, match="is no log of nejm_judge_exam"):
        read_exams([folder])
    with pytest.raises(NejmInspectError, match="nowhere is no Inspect log"):
        read_exams(["nowhere"])


def test_what_only_bears_the_name_of_an_exam_is_an_error(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    task = Task(dataset=[Sample(input="?", target="!")], name="nejm_judge_exam")
    eval(task, model="openrouter/a/b")
    with pytest.raises(NejmInspectError, match="is not as nejm_judge_exam writes it"):
        read_exams([str(tmp_path / "logs")])
