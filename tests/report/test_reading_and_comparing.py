"""From real logs to the contents of a report: reading, grouping, comparing."""

import datetime
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval, eval_retry, score
from inspect_ai.dataset import Sample
from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log
from inspect_ai.scorer import choice
from inspect_ai.solver import generate, multiple_choice, system_message

from nejm_inspect import (
    diagnosis_rubric,
    nejm_image_challenge,
    nejm_multiple_choice,
    random_option,
)
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.reading import read_runs
from tests.loopback import Call, OpenRouter, Reply, openrouter_error, verdict
from tests.report.logs import judge_by, only, report_of, run_demo


def test_a_leaderboard_from_logs(run: Callable[..., str]) -> None:
    folder = run({"a/low": [10, 7, 0] * 4, "a/high": [10, 9, 8] * 4})
    comparison = only(report_of(folder))
    high, low = comparison.leaderboard
    assert (high.model, low.model) == ("openrouter/a/high", "openrouter/a/low")
    assert high.overall.value == pytest.approx(0.9)
    assert low.overall.value == pytest.approx(17 / 30)
    assert (high.exact_count, high.responses, high.cases) == (4, 12, 12)
    assert high.bands == {"10": 4, "7–9": 8, "4–6": 0, "1–3": 0, "0": 0}
    assert low.bands == {"10": 4, "7–9": 4, "4–6": 0, "1–3": 0, "0": 4}
    assert (high.rank, low.rank) == ((1, 1), (2, 2))
    assert (high.input_tokens, high.output_tokens, high.cost) == (84, 36, None)
    assert comparison.kind == "points"
    assert comparison.settings["judge"] == "openrouter/anthropic/claude-sonnet-4.6"
    assert "12 cases" in comparison.settings["cases"]
    (pair,) = comparison.pairs
    assert (pair.won, pair.drawn, pair.lost, pair.cases) == (8, 4, 0, 12)
    assert pair.difference.value == pytest.approx(1 / 3)
    assert comparison.outright_wins == {"openrouter/a/high": 8, "openrouter/a/low": 0}
    assert (comparison.ties_for_best, comparison.shared_cases) == (4, 12)
    assert comparison.power
    assert comparison.power.cases == 12
    assert any("12 cases leave wide intervals" in note for note in comparison.notes)


def test_cases_hold_no_texts_unless_asked(run: Callable[..., str]) -> None:
    folder = run({"a/b": [5] * 12})
    plain = only(report_of(folder)).cases
    assert len(plain) == 12
    assert all(case.texts is None for case in plain)
    assert {case.points["openrouter/a/b"] for case in plain} == {5}
    with_texts = only(report_of(folder, with_texts=True)).cases
    first = next(case for case in with_texts if case.case_id == "demo-01")
    assert first.texts
    assert first.texts.history.startswith("A 78-year-old woman fainted")
    assert first.texts.reference == "Complete atrioventricular block"
    assert first.texts.answers == {"openrouter/a/b": "Answer of a/b"}


def test_unscored_and_failed_cases_are_shown_and_not_zeros(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/full": [10] * 12, "a/part": [10] * 9 + [None] * 3})
    comparison = only(report_of(folder))
    part = next(r for r in comparison.leaderboard if r.model.endswith("part"))
    assert part.overall.value == 1.0
    assert (part.unscored, part.errors, part.missing, part.cases) == (3, 0, 3, 9)
    (pair,) = comparison.pairs
    assert (pair.cases, comparison.shared_cases) == (9, 9)
    assert any("part has no score for 3 of 12 cases" in n for n in comparison.notes)


def test_errors_are_counted(openrouter: OpenRouter, tmp_path: Path) -> None:
    def examinee(call: Call) -> str | Reply:
        fails = "34-year-old woman" in call.text
        return openrouter_error(400, "no such image") if fails else "Gout"

    openrouter.examinee = examinee
    run_demo(fail_on_error=False)
    (row,) = only(report_of(str(tmp_path / "logs"))).leaderboard
    assert (row.errors, row.unscored, row.missing, row.cases) == (1, 0, 1, 11)


def test_a_model_without_any_score_has_no_rank(run: Callable[..., str]) -> None:
    folder = run({"a/none": [None] * 12, "a/some": [3] * 12})
    some, none = only(report_of(folder)).leaderboard
    assert none.model == "openrouter/a/none"
    assert none.rank is None
    assert math.isnan(none.overall.value)
    assert none.exact
    assert math.isnan(none.exact.value)
    assert some.rank == (1, 1)


def test_one_case_and_identical_models(run: Callable[..., str]) -> None:
    folder = run({"a/b": [7] * 12, "a/c": [7] * 12}, sample_size=1)
    comparison = only(report_of(folder))
    assert [row.rank for row in comparison.leaderboard] == [(1, 2), (1, 2)]
    (pair,) = comparison.pairs
    assert (pair.cases, pair.drawn, pair.difference.value) == (1, 1, 0)
    assert math.isnan(comparison.leaderboard[0].overall.lower)
    assert comparison.power is None


def test_the_newest_run_counts_unless_all_do(run: Callable[..., str]) -> None:
    run({"a/b": [0] * 12})
    folder = run({"a/b": [10] * 12})
    newest = only(report_of(folder))
    assert newest.leaderboard[0].overall.value == 1.0
    assert any("newest of 2 runs" in note for note in newest.notes)
    both = only(report_of(folder, repeats=True))
    assert both.leaderboard[0].overall.value == 0.5
    assert both.leaderboard[0].responses == 24
    assert both.leaderboard[0].cases == 12
    assert any("2 runs, taken together" in note for note in both.notes)


def test_one_model_in_two_settings_is_two_entrants(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/b": [0] * 12})
    openrouter.judge = judge_by({"a/b": [10] * 12})
    run_demo(temperature=0.5)
    names = [row.model for row in only(report_of(folder)).leaderboard]
    assert names == [
        "openrouter/a/b (temperature=0.5)",
        "openrouter/a/b (default settings)",
    ]


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"sample_size": 5}, "differ in cases (demo, 12 cases"),
        ({"inputs": "history"}, "differ in inputs (both; history)"),
        (
            {"scorer": "verbatim"},
            "differ in scorer (diagnosis_rubric; verbatim_diagnosis)",
        ),
    ],
)
def test_runs_that_are_not_comparable_are_kept_apart(
    run: Callable[..., str], changed: dict[str, Any], difference: str
) -> None:
    run({"a/b": [5] * 12})
    report = report_of(run({"a/c": [6] * 12}, **changed))
    assert len(report.comparisons) == 2
    assert any(difference in note for note in report.notes)


def test_another_judge_is_another_table(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/b": [5] * 12})
    run_demo(model_roles={"grader": "openrouter/another/judge"})
    report = report_of(folder)
    assert len(report.comparisons) == 2
    assert "openrouter/another/judge" in report.notes[0]


def test_disjoint_cases_are_two_tables(run: Callable[..., str]) -> None:
    run({"a/b": [5] * 12}, sample_size=3, seed=1)
    report = report_of(run({"a/c": [5] * 12}, sample_size=3, seed=2))
    assert [c.shared_cases for c in report.comparisons] == [3, 3]


def test_epochs_are_responses_to_the_same_cases(run: Callable[..., str]) -> None:
    folder = run({"a/b": [10, 5] * 6}, epochs=2)
    comparison = only(report_of(folder))
    (row,) = comparison.leaderboard
    assert (row.cases, row.responses, row.exact_count) == (12, 24, 12)
    assert row.overall.value == pytest.approx(0.75)
    # Twelve cases, half of them exact: Student's t over cases, not Wilson over 24.
    assert row.exact
    assert row.exact.value == 0.5
    assert row.exact.upper == pytest.approx(0.5 + 2.201 * 0.5222 / 12**0.5, abs=1e-3)
    assert all(len(case.points) == 1 for case in comparison.cases)


def test_exactness_is_not_tested_over_unequal_numbers_of_responses(
    run: Callable[..., str],
) -> None:
    run({"a/once": [10, 5] * 6})
    folder = run({"a/often": [10, 6] * 6}, epochs=3)
    comparison = only(report_of(folder))
    (pair,) = comparison.pairs
    assert math.isnan(pair.p_exact)
    assert not math.isnan(pair.p_points)
    assert any("36 responses to 12 cases" in note for note in comparison.notes)


def test_a_retried_run_counts_once(openrouter: OpenRouter, tmp_path: Path) -> None:
    fails = [True]

    def examinee(call: Call) -> str | Reply:
        if "34-year-old woman" in call.text and fails:
            return openrouter_error(400, "no such image")
        return "Gout"

    openrouter.examinee = examinee
    task = nejm_image_challenge(cases="demo", sample_size=None)
    (failed,) = eval(task, model="openrouter/a/b", fail_on_error=False)
    failed.status = "error"
    write_eval_log(failed)
    fails.clear()
    time.sleep(1)  # logs are dated to the second
    eval_retry(failed)
    (row,) = only(report_of(str(tmp_path / "logs"), repeats=True)).leaderboard
    assert (row.responses, row.cases, row.errors) == (12, 12, 0)


def test_a_run_without_any_sample_hides_no_other(run: Callable[..., str]) -> None:
    folder = run({"a/b": [5] * 12, "a/c": [5] * 12})
    first = Path(folder) / min(os.listdir(folder))
    begun = read_eval_log(str(first))
    begun.samples, begun.results, begun.status = [], None, "started"
    write_eval_log(begun)
    rows = only(report_of(folder)).leaderboard
    assert sorted((row.cases, row.missing) for row in rows) == [(0, 12), (12, 0)]


def test_another_solver_is_another_table(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/b": [5] * 12})
    run_demo(solver=[system_message("Be brief."), generate()])
    report = report_of(folder)
    assert len(report.comparisons) == 2
    assert any("differ in solver" in note for note in report.notes)


def test_how_requests_travel_makes_no_other_model(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/b": [5] * 12})
    run_demo(max_connections=3)
    comparison = only(report_of(folder))
    assert [row.model for row in comparison.leaderboard] == ["openrouter/a/b"]


def test_a_log_that_was_judged_again_says_so(
    run: Callable[..., str], openrouter: OpenRouter
) -> None:
    folder = run({"a/b": [5] * 12})
    (info,) = list_eval_logs(folder)
    openrouter.judge = judge_by({"a/b": [9] * 12})
    again = score(read_eval_log(info), diagnosis_rubric(), action="append")
    write_eval_log(again, info.name)
    comparison = only(report_of(folder))
    assert comparison.leaderboard[0].overall.value == 0.5
    assert any("judged again" in note for note in comparison.notes)


def test_metadata_of_others_datasets_do_no_harm(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    odd = {"year": "unknown", "difficulty": 3, "date": 20200101, "brier_score": "x"}
    samples = [
        Sample(input="A toe.", target="Gout", id=1, metadata=odd),
        Sample(input="A rash.", target="Lupus", id=2),
    ]
    eval(Task(dataset=samples, scorer=diagnosis_rubric()), model="openrouter/a/b")
    comparison = only(report_of(str(tmp_path / "logs")))
    assert comparison.leaderboard[0].overall.value == 1.0
    assert comparison.breakdowns == []


@pytest.mark.parametrize(
    "odd", [{"verdicts": "many"}, {"verdicts": {"j": 3}}, {"same_vendor": "x"}]
)
def test_odd_metadata_of_scores_do_no_harm(
    run: Callable[..., str], odd: dict[str, Any]
) -> None:
    folder = run({"a/b": [5] * 12})
    (info,) = list_eval_logs(folder)
    log = read_eval_log(info)
    for sample in log.samples or []:
        assert sample.scores
        metadata = sample.scores["diagnosis_rubric"].metadata
        assert metadata
        metadata.update(odd)
    write_eval_log(log, info.name)
    (row,) = only(report_of(folder)).leaderboard
    assert (row.overall.value, row.same_vendor) == (0.5, [])


def test_a_baseline_stands_in_every_pair(run: Callable[..., str]) -> None:
    folder = run({"a/b": [9] * 12, "a/c": [6, 5] * 6, "a/d": [1] * 12})
    assert len(only(report_of(folder)).pairs) == 3
    pairs = only(report_of(folder, baseline="openrouter/a/c")).pairs
    assert [(p.first[-3:], p.second[-3:]) for p in pairs] == [
        ("a/b", "a/c"),
        ("a/c", "a/d"),
    ]
    with pytest.raises(NejmInspectError, match="No log is of 'openrouter/x/y'"):
        report_of(folder, baseline="openrouter/x/y")


def test_the_chance_baseline_is_named_by_its_solver(tmp_path: Path) -> None:
    eval(
        nejm_image_challenge(cases="demo", sample_size=None, scorer="verbatim"),
        solver=random_option(),
        model=None,
    )
    (row,) = only(report_of(str(tmp_path / "logs"))).leaderboard
    assert row.model == "nejm_inspect/random_option"


def test_baselines_of_one_solver_are_told_apart(tmp_path: Path) -> None:
    for seed in (1, 2):
        eval(
            nejm_image_challenge(cases="demo", sample_size=None, scorer="verbatim"),
            solver=random_option(seed=seed),
            model=None,
        )
    rows = only(report_of(str(tmp_path / "logs"))).leaderboard
    assert {row.model for row in rows} == {
        "nejm_inspect/random_option (seed=1)",
        "nejm_inspect/random_option (seed=2)",
    }


def test_a_baseline_stands_beside_models_of_any_solver(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    openrouter.examinee = lambda call: "ANSWER: A"
    task = nejm_multiple_choice(cases="demo", sample_size=None)
    eval(task, solver=random_option(), model=None)
    eval(task, model="openrouter/a/b")
    cot = nejm_multiple_choice(cases="demo", sample_size=None, cot=True)
    eval(cot, model="openrouter/a/c")
    report = report_of(str(tmp_path / "logs"), baseline="nejm_inspect/random_option")
    assert [{row.model for row in c.leaderboard} for c in report.comparisons] == [
        {"openrouter/a/b", "nejm_inspect/random_option"},
        {"openrouter/a/c", "nejm_inspect/random_option"},
    ]
    assert all(len(c.pairs) == 1 for c in report.comparisons)
    assert "multiple_choice" in report.comparisons[0].settings["solver"]


def test_shuffled_options_and_epochs_of_multiple_choice(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    openrouter.examinee = lambda call: "ANSWER: A"
    for shuffle in (None, 7):
        task = nejm_multiple_choice(
            cases="demo", sample_size=None, shuffle_options=shuffle
        )
        (log,) = eval(task, model="openrouter/a/b", epochs=2)
        assert log.results
        (accuracy,) = (
            m.value for n, m in log.results.scores[0].metrics.items() if n == "accuracy"
        )
        comparison = report_of(log.location).comparisons[0]
        (row,) = comparison.leaderboard
        assert (row.cases, row.responses) == (12, 24)
        assert row.overall.value == pytest.approx(accuracy)
    report = report_of(str(tmp_path / "logs"))
    assert len(report.comparisons) == 2
    assert "options shuffled by seed 7" in report.notes[0]
    assert {one.title.rpartition("; ")[2] for one in report.comparisons} == {
        'solver: multiple_choice({"cot": false})',
        'solver: multiple_choice({"cot": false}), options shuffled by seed 7',
    }


@pytest.mark.parametrize(
    ("epochs", "upper"),
    # Wilson for 1 of 12; for two responses to a case Student's t over the cases.
    [(1, 0.3539), (2, 1 / 12 + 2.201 / 12)],
)
def test_the_very_words_are_counted_beside_the_rubric(
    run: Callable[..., str], openrouter: OpenRouter, epochs: int, upper: float
) -> None:
    folder = run({"a/c": [10] * 12})
    openrouter.examinee = lambda call: (
        "complete Atrioventricular block" if "fainted" in call.text else "No idea"
    )
    openrouter.judge = lambda call: verdict(10)
    task = nejm_image_challenge(cases="demo", sample_size=None, scorer="both")
    eval(task, model="openrouter/a/b", epochs=epochs)
    comparison = only(report_of(folder))
    rows = {row.model[-1]: row for row in comparison.leaderboard}
    assert comparison.settings["scorer"] == "diagnosis_rubric"
    assert rows["c"].verbatim is None
    exact, verbatim = rows["b"].exact, rows["b"].verbatim
    assert exact
    assert verbatim
    # The judge gives all of them full points, and one has the reference's words.
    assert (exact.value, verbatim.value) == (1.0, pytest.approx(1 / 12))
    assert verbatim.upper == pytest.approx(upper, abs=1e-3)


def test_a_judge_of_the_models_vendor_is_named(run: Callable[..., str]) -> None:
    comparison = only(
        report_of(run({"anthropic/claude-opus-4.5": [5] * 12, "a/b": [5] * 12}))
    )
    marked = {row.model: row.same_vendor for row in comparison.leaderboard}
    assert marked == {
        "openrouter/anthropic/claude-opus-4.5": [
            "openrouter/anthropic/claude-sonnet-4.6"
        ],
        "openrouter/a/b": [],
    }
    (note,) = (note for note in comparison.notes if "vendor" in note)
    assert note.startswith(
        "openrouter/anthropic/claude-opus-4.5 is judged by "
        "openrouter/anthropic/claude-sonnet-4.6, of the same vendor"
    )


VOTES = {"reader_accuracy": 0.6, "difficulty": "expert", "brier_score": 0.2}


def test_multiple_choice_logs(openrouter: OpenRouter, tmp_path: Path) -> None:
    openrouter.examinee = lambda call: "ANSWER: B"
    samples = [
        Sample(
            input=f"Case {n}?",
            choices=["Gout", "Lupus", "Mumps"],
            target="B" if n < 3 else "C",
            id=n,
            metadata={"question_type": "diagnosis", "year": 2019 + n, **VOTES},
        )
        for n in range(4)
    ]
    task = Task(
        dataset=samples,
        solver=multiple_choice(),
        scorer=choice(),
        name="nejm_multiple_choice",
    )
    eval(task, model="openrouter/a/b")
    comparison = only(
        report_of(
            str(tmp_path / "logs"),
            cutoffs={"openrouter/a/b": datetime.date(2021, 6, 1)},
        )
    )
    assert comparison.kind == "choice"
    (row,) = comparison.leaderboard
    # Wilson's interval for 3 of 4, from its formula with z = 1.96.
    assert row.overall.value == 0.75
    assert row.overall.lower == pytest.approx(0.3006, abs=1e-4)
    assert row.overall.upper == pytest.approx(0.9544, abs=1e-4)
    assert row.exact is None
    difficulty, _, year = comparison.breakdowns
    assert [(r.group, r.cases, r.reader_accuracy) for r in difficulty.rows] == [
        ("hard", 4, pytest.approx(0.6)),
        ("expert", 4, pytest.approx(0.6)),
    ]
    assert [r.group for r in year.rows] == [
        "2019",
        "2020",
        "2021 (training cut-off: openrouter/a/b)",
        "2022",
    ]
    assert "2021-06-01" in year.note


def test_other_logs_are_left_out(run: Callable[..., str]) -> None:
    folder = run({"a/b": [5] * 12})
    eval(Task(dataset=[Sample(input="?", target="!")]), model="openrouter/a/b")
    assert len(read_runs([folder])) == 1


def test_a_folder_without_our_scores_is_an_error(
    openrouter: OpenRouter, tmp_path: Path
) -> None:
    eval(Task(dataset=[Sample(input="?", target="!")]), model="openrouter/a/b")
    with pytest.raises(NejmInspectError, match=r"None of the 1 logs .*inspect score"):
        read_runs([str(tmp_path / "logs")])


@pytest.mark.parametrize("kind", ["absent", "empty", "broken"])
def test_what_is_no_log_is_an_error(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if kind == "empty":
        place.mkdir()
    if kind == "broken":
        place = tmp_path / "broken.eval"
        place.write_bytes(b"no log")
    with pytest.raises(NejmInspectError, match=str(place)):
        read_runs([str(place)])


def test_logs_at_a_url(run: Callable[..., str]) -> None:
    import fsspec

    folder = run({"a/b": [5] * 12})
    memory = fsspec.filesystem("memory")
    memory.put(folder, "/elsewhere", recursive=True)
    (read,) = read_runs(["memory://elsewhere"])
    assert len(read.responses) == 12


def test_samples_are_not_opened_unless_texts_are_wanted(
    run: Callable[..., str], tmp_path: Path
) -> None:
    import zipfile

    folder = run({"a/b": [5] * 12})
    (log,) = Path(folder).glob("*.eval")
    stripped = tmp_path / "stripped"
    stripped.mkdir()
    with (
        zipfile.ZipFile(log) as full,
        zipfile.ZipFile(stripped / log.name, "w") as summaries,
    ):
        for name in full.namelist():
            if not name.startswith("samples/"):
                summaries.writestr(name, full.read(name))
    (row,) = only(report_of(str(stripped))).leaderboard
    assert (row.cases, row.overall.value) == (12, 0.5)
