"""How far the judges of a panel agree, from real panels' logs."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval, score
from inspect_ai.log import (
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample_summaries,
    write_eval_log,
)

from nejm_inspect import diagnosis_rubric, nejm_image_challenge
from nejm_inspect.report.sections import comparison_sections
from tests.loopback import Call, OpenRouter, verdict
from tests.report.logs import only, report_of, run_demo

LENIENT, STRICT, SILENT = (f"openrouter/{n}/judge" for n in ("ten", "six", "mute"))
PANEL = [LENIENT, STRICT, SILENT]


def panel_judge(call: Call) -> str:
    """Ten points, or six; the third agrees with the second, and often says nothing."""
    wide = "fainted" in call.text or "34-year-old" in call.text
    points = {"ten/judge": 10 if wide else 7, "six/judge": 6, "mute/judge": 6}
    if call.model == "mute/judge" and not wide:
        return "no verdict"
    return verdict(points[call.model], reasoning="so it is " * 60)


@pytest.fixture
def run_panel(openrouter: OpenRouter, tmp_path: Path) -> Callable[..., str]:
    """Has the panel judge models' answers to the demo cases; gives the log folder."""
    openrouter.examinee = lambda call: "Gout"
    openrouter.judge = panel_judge

    def run(*models: str) -> str:
        run_demo(model=list(models), model_roles={"grader": PANEL})
        return str(tmp_path / "logs")

    return run


def test_agreement_severity_and_withheld_votes(run_panel: Callable[..., str]) -> None:
    folder = run_panel("openrouter/a/b", "openrouter/a/c")
    comparison = only(report_of(folder))
    assert comparison.settings["judge"] == ", ".join(PANEL)
    assert comparison.judges == PANEL
    *models, all_models = comparison.panel
    assert {row.model for row in models} == {"openrouter/a/b", "openrouter/a/c"}
    for row, responses in ((models[0], 12), (models[1], 12), (all_models, 24)):
        assert row.responses == responses
        assert row.far_apart.value == pytest.approx(2 / 12)
        assert [(j.judge, j.mean_points, j.withheld) for j in row.judges] == [
            (LENIENT, pytest.approx((2 * 10 + 10 * 7) / 12), 0),
            (STRICT, 6, 0),
            (SILENT, 6, responses * 10 // 12),
        ]
    # The log's own metric says the same.
    (header, _) = map(read_eval_log, list_eval_logs(folder))
    assert header.results
    logged = {score.name: score.metrics for score in header.results.scores}
    alpha = next(m.value for n, m in logged["judge_panel"].items() if "alpha" in n)
    assert models[0].alpha == pytest.approx(alpha)
    (section,) = comparison_sections(comparison)
    agreement, judges = section.tables
    assert agreement.columns[0].cell(agreement.rows[-1]) == "all models"
    assert [judges.columns[0].cell(row) for row in judges.rows[:3]] == PANEL


def test_votes_too_long_for_a_summary_are_read_all_the_same(
    run_panel: Callable[..., str], tmp_path: Path
) -> None:
    folder = run_panel("openrouter/a/b")
    again = tmp_path / "again"
    again.mkdir()
    for info in list_eval_logs(folder):
        copy = str(again / os.path.basename(info.name))
        log = score(read_eval_log(info), diagnosis_rubric(), action="overwrite")
        write_eval_log(log, copy)
        (summary, *_) = read_eval_log_sample_summaries(copy)
        (rubric,) = (summary.scores or {}).values()
        assert "removed" in (rubric.metadata or {})["verdicts"]
    (row,) = only(report_of(str(again))).panel
    assert [row] == only(report_of(folder)).panel
    assert row.judges[2].withheld == 10


def test_a_single_judge_is_no_panel(run: Callable[..., Any]) -> None:
    comparison = only(report_of(run({"a/b": [5] * 12})))
    assert comparison.panel == []
    assert comparison.judges == ["openrouter/anthropic/claude-sonnet-4.6"]


def test_an_unanimous_panel(openrouter: OpenRouter, tmp_path: Path) -> None:
    run_demo(model_roles={"grader": PANEL[:2]})
    (row,) = only(report_of(str(tmp_path / "logs"))).panel
    assert row.far_apart.value == 0
    assert not math.isnan(row.far_apart.upper)
    assert row.alpha == 1  # as Inspect has it where no rating differs


def test_a_judge_with_settings_of_its_own_is_named_with_them(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    from inspect_ai.model import GenerateConfig, get_model

    warm = get_model(LENIENT, config=GenerateConfig(temperature=1))
    eval(
        nejm_image_challenge(cases="demo", sample_size=2),
        model="openrouter/a/b",
        model_roles={"grader": [STRICT, warm]},
    )
    comparison = only(report_of(str(tmp_path / "logs")))
    assert comparison.settings["judge"] == f"{STRICT}, {LENIENT} (temperature=1.0)"
    assert comparison.judges == [STRICT, LENIENT]


def test_the_tokens_of_an_examinee_that_judges_too_are_its_own(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    run_demo(model=STRICT, model_roles={"grader": PANEL})
    (row,) = only(report_of(str(tmp_path / "logs"))).leaderboard
    assert (row.input_tokens, row.output_tokens) == (12 * 7, 12 * 3)
    assert row.same_vendor == [STRICT]
