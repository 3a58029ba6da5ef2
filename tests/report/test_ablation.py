"""What image and text add, from logs that differ in what the model saw."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
from inspect_ai import eval

from nejm_inspect import nejm_image_challenge, random_option
from nejm_inspect.report.sections import report_sections
from tests.report.logs import report_of

MODEL = "openrouter/a/b"
BOTH = [10, 9, 8, 10, 9, 8, 10, 9, 8, 10, 9, None]
HISTORY = [2, 1, 0, 3, 2, 1, 2, 1, 0, 3, 2, 9]
IMAGE = [10, 9, 8, 9, 10, 8, 9, 10, 8, 10, None, 8]


def test_what_is_added_is_paired_by_case(run: Callable[..., str]) -> None:
    run({"a/b": BOTH})
    run({"a/b": HISTORY}, inputs="history")
    report = report_of(run({"a/b": IMAGE}, inputs="image"))
    assert len(report.comparisons) == 3
    (ablation,) = report.ablations
    assert "inputs" not in ablation.settings
    image, text = ablation.effects
    assert (image.adds, text.adds) == ("image", "text")
    assert {effect.model for effect in ablation.effects} == {MODEL}
    assert image.both.value == text.both.value == pytest.approx(100 / 110)
    assert image.alone.value == pytest.approx(26 / 120)
    assert text.alone.value == pytest.approx(99 / 110)
    gain, loss = image.pair, text.pair
    assert (gain.first, gain.second, gain.cases) == ("both", "history", 11)
    differences = [b - h for b, h in zip(BOTH[:11], HISTORY[:11], strict=True)]
    assert gain.difference.value == pytest.approx(fmean(differences) / 10)
    assert 0 < gain.difference.lower < gain.difference.value < gain.difference.upper
    # All eleven differences have one sign: exact, two-sided.
    assert gain.p_points == pytest.approx(2 / 2**11)
    assert gain.p_points_adjusted == pytest.approx(2 * gain.p_points)
    assert (loss.second, loss.cases) == ("image", 10)
    assert loss.difference.value == pytest.approx(0)
    assert loss.p_points == 1
    # The findings claim no more than the intervals.
    (section,) = report_sections(report)
    found, none = section.findings
    assert found.startswith(
        f"{MODEL} scores better with the image than without it: difference +75.5 "
        "percentage points (95% CI "
    )
    assert "scores as well without the text as with it, as far as these" in none
    assert "difference +0.0" in none
    assert "10 cases" in none
    (remark,) = section.remarks
    assert "does not show that nothing is added" in remark
    (note,) = report.notes
    assert "differ in inputs (both; history; image)" in note
    assert "What image and text add has a section of its own." in note


def test_a_gain_that_may_be_chance_is_not_called_one(run: Callable[..., str]) -> None:
    run({"a/b": [9, 5, 9, 5, 9, 5, 9, 5, 9, 5, 9, 5]})
    report = report_of(run({"a/b": [4, 9] * 6}, inputs="history"))
    ((finding,),) = (section.findings for section in report_sections(report))
    assert "is not shown to score better with the image" in finding
    assert "+5.0 percentage points (95% CI −" in finding


def test_a_baseline_sees_nothing_to_be_taken_away(tmp_path: Path) -> None:
    for inputs in ("both", "history"):
        task = nejm_image_challenge(
            cases="demo", sample_size=None, scorer="verbatim", inputs=inputs
        )
        eval(task, model="none", solver=random_option(), log_dir=str(tmp_path / "b"))
    report = report_of(str(tmp_path / "b"))
    assert report.ablations == []


def test_few_cases_have_no_interval(run: Callable[..., str]) -> None:
    run({"a/b": [9] * 12}, sample_size=3)
    report = report_of(run({"a/b": [4] * 12}, sample_size=3, inputs="history"))
    (section,) = report_sections(report)
    assert "no interval" in section.findings[0]
    assert "scores better" not in section.findings[0]
    assert section.tables[0].columns[5].cell(section.tables[0].rows[0]) == "+50.0"


def test_only_runs_that_agree_in_all_else_are_an_ablation(
    run: Callable[..., str],
) -> None:
    run({"a/b": [9] * 12})
    run({"a/c": [9] * 12}, inputs="history")
    run({"a/b": [9] * 12}, inputs="image", scorer="verbatim")
    folder = run({"a/b": [9] * 12}, inputs="history", sample_size=5)
    assert len(report_of(folder).comparisons) == 4
    assert report_of(folder).ablations == []


def test_the_newest_run_counts_unless_all_do(run: Callable[..., str]) -> None:
    run({"a/b": [9] * 12})
    run({"a/b": [0] * 12}, inputs="history")
    folder = run({"a/b": [4] * 12}, inputs="history")

    def history_alone(repeats: bool) -> float:
        ((effect,),) = (
            ablation.effects
            for ablation in report_of(folder, repeats=repeats).ablations
        )
        return effect.alone.value

    assert history_alone(False) == pytest.approx(0.4)
    assert history_alone(True) == pytest.approx(0.2)
