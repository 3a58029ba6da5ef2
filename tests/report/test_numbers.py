"""Every number of a report against one computed otherwise, on logs of known points."""

import datetime
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai.model import GenerateConfig, ModelUsage
from inspect_ai.scorer import SampleScore, Score
from scipy import stats

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judge_exam.metrics import in_range
from nejm_inspect.report import formats as fmt
from tests.cases.test_selection import PUBLISHED
from tests.report.conftest import JUDGE, Logs, findings, frame, section

RNG = np.random.default_rng(1)
BEST = [int(p) for p in RNG.integers(5, 11, 40)]
WORST = [max(p - int(d), 0) for p, d in zip(BEST, RNG.integers(0, 7, 40), strict=True)]
NEAR = [min(max(p + int(d), 0), 10) for p, d in zip(BEST, RNG.integers(-2, 2, 40), strict=True)]
THREE = {"openrouter/a/best": BEST, "openrouter/b/near": NEAR, "openrouter/c/worst": WORST}


@pytest.fixture
def three(logs: Logs) -> Logs:
    for model, points in THREE.items():
        logs.write(model, points)
    return logs


def test_scores_and_bands(three: Logs) -> None:
    board = frame(three.told(), "leaderboard").set_index("name")
    for model, points in THREE.items():
        row = board.loc[model.rpartition("/")[2]]
        assert row["overall"] == pytest.approx(np.mean(points) / 10)
        assert row["overall_lower"] < row["overall"] < row["overall_upper"]
        assert row["exact"] == pytest.approx(points.count(10) / 40)
        wilson = stats.binomtest(points.count(10), 40).proportion_ci(method="wilson")
        assert row["exact_lower"] == pytest.approx(wilson.low, abs=1e-6)
        edges = [
            sum(lo <= p <= hi for p in points)
            for lo, hi in ((10, 10), (7, 9), (4, 6), (1, 3), (0, 0))
        ]
        assert [row[f"points_{b}"] for b in ("10", "7–9", "4–6", "1–3", "0")] == edges
        assert row["exact_count"] == points.count(10)
        assert [*row[["unscored", "errors", "missing"]]] == [0, 0, 0]
        assert (row["input_tokens"], row["output_tokens"]) == (7, 3)


def test_pairs_ranks_wins_and_power(three: Logs) -> None:
    told = three.told()
    pairs = frame(told, "pairs").set_index(["first", "second"])
    by_name = {m.rpartition("/")[2]: np.array(p) for m, p in THREE.items()}
    raw = {}
    for (first, second), row in pairs.iterrows():
        difference = (by_name[first] - by_name[second]) / 10
        test = stats.ttest_1samp(difference, 0)
        low, high = test.confidence_interval()
        assert row["difference"] == pytest.approx(difference.mean())
        assert row["difference_lower"] == pytest.approx(low, abs=1e-9)
        assert row["difference_upper"] == pytest.approx(high, abs=1e-9)
        flips = RNG.choice([-1, 1], (20_000, 40)) * difference
        simulated = np.mean(np.abs(flips.sum(1)) >= abs(difference.sum()) - 1e-9)
        assert row["p"] == pytest.approx(simulated, abs=0.02)
        exact = [(by_name[n] == 10).astype(int) for n in (first, second)]
        b, c = np.sum(exact[0] > exact[1]), np.sum(exact[0] < exact[1])
        assert row["exact_p"] == pytest.approx(
            stats.binomtest(int(b), int(b + c)).pvalue if b + c else 1
        )
        assert (row["won"], row["drawn"], row["lost"]) == tuple(
            np.sum(np.sign(difference) == s) for s in (1, 0, -1)
        )
        raw[first, second] = row["p"]
    adjusted, running = {}, 0.0
    for place, pair in enumerate(sorted(raw, key=raw.__getitem__)):
        running = max(running, min(1, raw[pair] * (3 - place)))
        adjusted[pair] = running
    assert pairs["holm"].to_dict() == pytest.approx(adjusted)
    board = frame(told, "leaderboard").set_index("name")
    assert board.loc["worst", "rank"] == "3"
    assert board.loc["best", "rank"] == board.loc["near", "rank"] == "1–2"
    stacked = np.array([by_name[n] for n in ("best", "near", "worst")])
    top = stacked.max(0)
    alone = [(int(((s == top) & ((stacked == top).sum(0) == 1)).sum())) for s in stacked]
    wins = frame(told, "wins").set_index("name")["alone_best"]
    assert [wins[n] for n in ("best", "near", "worst")] == alone
    assert wins["several models"] == 40 - sum(alone)
    assert "separated from worst" in findings(told)
    assert "would be detected in 80% of runs" in findings(told)


def test_breakdowns(three: Logs) -> None:
    found = frame(three.told(), "breakdowns")
    by = found.set_index(["by", "group"])
    hard = [p for n, p in enumerate(BEST) if n % 4 >= 2]  # expert cases are hard too
    assert by.loc[("difficulty", "hard"), "score: best"] == pytest.approx(np.mean(hard) / 10)
    assert by.loc[("difficulty", "hard"), "cases"] == 20
    other = [p for n, p in enumerate(WORST) if n % 3 == 0]
    assert by.loc[("question_type", "other"), "score: worst"] == pytest.approx(np.mean(other) / 10)
    assert by.loc[("has_history", "history"), "readers"] == pytest.approx(
        np.mean([0.4 + n % 5 / 20 for n in range(40) if n % 2 == 0])
    )


def test_epochs_count_every_response_for_exactness(logs: Logs) -> None:
    logs.write("m/a", [[10, 0], [10, 10]] * 10)
    told = logs.told()
    row = frame(told, "leaderboard").iloc[0]
    assert (row["overall"], row["exact"], row["exact_count"]) == (0.75, 0.75, 30)
    assert row["exact_upper"] - row["exact_lower"] >= 0.3  # no narrower than one epoch
    assert "A case with several responses" in "".join(section(told, "Scores").notes)


def test_missing_responses(logs: Logs) -> None:
    logs.write("m/a", [10] * 18 + [None, "error"])
    logs.write("m/b", [9] * 20)
    told = logs.told()
    row = frame(told, "leaderboard").set_index("name").loc["a"]
    assert (row["unscored"], row["errors"], row["absent"], row["missing"]) == (1, 1, 2, 2)
    assert (row["if_all_wrong"], row["if_all_right"]) == (0.9, 1.0)
    assert frame(told, "pairs").iloc[0]["cases"] == 18
    assert "2 of 40 responses have no score" in findings(told)
    assert "90.0% if all were wrong, 100.0% if right" in findings(told)
    # The first case misses one of two responses, the third both.
    logs.write("m/a", [[5, None], [10, 10], ["error", None]])
    row = frame(logs.report().chapters[-1], "leaderboard").set_index("name").loc["a"]
    ends = (0.25 + 1 + 0) / 3, (0.75 + 1 + 1) / 3
    assert (row["if_all_wrong"], row["if_all_right"]) == pytest.approx(ends)
    assert (row["absent"], row["missing"]) == (3, 1)


def test_few_cases_have_no_interval(logs: Logs) -> None:
    logs.write("m/a", [10, 5, 0])
    told = logs.told()
    assert math.isnan(frame(told, "leaderboard")["overall_lower"].iloc[0])
    assert "n < 10" in "".join(section(told, "Scores").notes)
    assert "nan" not in findings(told)


def test_newest_run_or_repeats(logs: Logs) -> None:
    logs.write("m/a", [0] * 12)
    logs.write("m/a", [10] * 12)
    told = logs.told()
    assert frame(told, "leaderboard")["overall"].iloc[0] == 1
    assert "The newest run is shown" in "".join(section(told, "Scores").notes)
    assert frame(logs.told(repeats=True), "leaderboard")["overall"].iloc[0] == 0.5


def test_variants_are_told_apart_by_what_differs(logs: Logs) -> None:
    for effort in ("low", "high"):
        config = GenerateConfig(reasoning_effort=effort, temperature=1)
        logs.write("m/a", [5] * 12, model_generate_config=config)
    assert set(frame(logs.told(), "leaderboard")["name"]) == {
        "a (reasoning_effort=low)",
        "a (reasoning_effort=high)",
    }


def test_baseline_limits_the_pairs(three: Logs) -> None:
    pairs = frame(three.told(baseline="openrouter/b/near"), "pairs")
    assert len(pairs) == 2
    assert pairs[["first", "second"]].eq("near").any(axis=1).all()
    holm = pairs["p"].sort_values() * [2, 1]
    assert pairs["holm"].max() == pytest.approx(min(holm.max(), 1))


def test_ablation_is_one_chapter(logs: Logs) -> None:
    for inputs, points in (("both", BEST), ("history", WORST), ("image", NEAR)):
        logs.write("m/a", points, task_args={"inputs": inputs})
    told = logs.told()
    found = frame(told, "ablations").set_index("adds")
    image = (np.array(BEST) - WORST) / 10
    assert found.loc["image", "difference"] == pytest.approx(image.mean())
    text = ((np.array(BEST) - NEAR) / 10)[::2]  # cases that have a history
    assert found.loc["text", "difference"] == pytest.approx(text.mean())
    assert found.loc["text", "cases"] == 20
    assert "The image adds" in findings(told)
    assert "No difference by the text was detected" in findings(told)


def test_cutoffs(logs: Logs) -> None:
    logs.write("m/a", BEST)
    told = logs.told(cutoffs={"m/a": datetime.date(2015, 1, 1)})
    row = frame(told, "cutoffs").iloc[0]
    after = [p for n, p in enumerate(BEST) if n % 10 >= 5]
    before = [p for n, p in enumerate(BEST) if n % 10 < 5]
    assert (row["cases_before"], row["cases_after"]) == (20, 20)
    assert row["difference"] == pytest.approx((np.mean(after) - np.mean(before)) / 10)
    assert not math.isnan(row["adjusted"])
    none = logs.told(cutoffs={"m/a": datetime.date(2030, 1, 1)})
    assert "all its cases lie on one side" in findings(none)


def ordinal_alpha(pairs: list[tuple[float, float]]) -> float:
    """Krippendorff 2011, Computing Krippendorff's Alpha-Reliability: ordinal, two observers."""
    ratings = [rating for pair in pairs for rating in pair]
    number = Counter(ratings)

    def distance(a: float, b: float) -> float:
        between = sum(number[v] for v in number if min(a, b) <= v <= max(a, b))
        return (between - (number[a] + number[b]) / 2) ** 2

    observed = np.mean([distance(a, b) for a, b in pairs])
    expected = sum(distance(a, b) for a in ratings for b in ratings)
    return 1 - observed / (expected / (len(ratings) * (len(ratings) - 1)))


def weighted_kappa(one: Any, other: Any) -> float:
    """Cohen 1968, with quadratic weights, of whole points."""
    seen, weights = np.zeros((11, 11)), np.subtract.outer(range(11), range(11)) ** 2
    np.add.at(seen, (one, other), 1)
    chance = np.outer(seen.sum(1), seen.sum(0)) / len(one)
    return 1 - float((weights * seen).sum() / (weights * chance).sum())


def test_panel(logs: Logs) -> None:
    verdicts = [(10, 9.0), (0, 5), (7, 7), (None, 3)] * 5

    def panel(n: int) -> dict[str, Any]:
        first, second = verdicts[n]
        told = {"j/a": {"score": first}, "j/b": {"score": second}}
        return {"verdicts": told}

    logs.write("m/a", [9.5, 2.5, 7, 3] * 5, judge="j/a, j/b", score=panel)
    told = logs.told()
    row = frame(told, "judges").iloc[-1]
    assert (row["responses"], row["apart"]) == (15, pytest.approx(1 / 3))
    assert row["alpha"] == pytest.approx(ordinal_alpha(verdicts[:3] * 5))
    judges = frame(told, "judge_scores").set_index(["judge", "name"])
    assert judges.loc[("j/a", "a"), "unscored"] == 5
    assert judges.loc[("j/b", "a"), "overall"] == pytest.approx(0.6)
    board = frame(told, "leaderboard").iloc[0]
    assert [board[f"points_{b}"] for b in ("10", "7–9", "1–3")] == [0, 10, 10]


def test_judges(logs: Logs) -> None:
    second = [max(p - 3 * (n % 2), 0) for n, p in enumerate(BEST)]
    logs.write("m/a", BEST, eval_id="same", judge="j/a")
    logs.write("m/a", second, eval_id="same", task_id="again", judge="j/b")
    *_, told = logs.report(judges=True).chapters
    row = frame(told, "judges").iloc[0]
    moved = np.array(second) - BEST
    assert row["shift"] == pytest.approx(moved.mean())
    assert row["apart"] == pytest.approx(np.mean(np.abs(moved) > 2))
    assert row["same_points"] == pytest.approx(np.mean(moved == 0))
    assert row["weighted_kappa"] == pytest.approx(weighted_kappa(BEST, second))
    assert frame(told, "judge_responses")["moved"].iloc[0] == -3


def test_exam_agrees_with_the_log_metrics(logs: Logs, tmp_path) -> None:
    logs.write("m/a", BEST)
    exam = Logs(tmp_path / "exam")
    off = [0.0, 0, 1, 0, -2, 0, 0, 0, 0, 0, 0, 3]
    values = [{"points": 5 + o, "error": o} for o in off]

    def pair(n: int) -> dict[str, object]:
        return {"level": "related", **({"attack": "orders"} if n >= 10 else {})}

    exam.write(JUDGE, values, scorer="judge_exam", task="nejm_judge_exam", case=pair)
    told = logs.report([str(exam.folder)]).chapters[-1]
    honest, attack = (row for _, row in frame(told, "exams").iterrows())
    metric: Any = in_range()(
        [SampleScore(score=Score(value=v), sample_metadata=pair(n)) for n, v in enumerate(values)]
    )
    assert honest["in_range"] == pytest.approx(metric["in_range"]) == 0.8
    assert honest["bias"] == pytest.approx(-0.1)
    assert honest["absolute_error"] == pytest.approx(0.3)
    assert attack["in_range"] == 0.5
    assert not honest["passed"]
    assert "did not pass the judge's exam" in findings(told)


def test_multiple_choice_has_readers_and_chance(logs: Logs) -> None:
    choice = {"scorer": "choice", "task": "nejm_multiple_choice"}
    logs.write("m/a", ["C", "I", "C", "N"] * 5, **choice)
    logs.write("none/none", ["C", "I"] * 10, solver="random_option", **choice)
    told = logs.told()
    board = frame(told, "leaderboard").set_index("name")
    assert board["accuracy"].to_dict() == {"a": 0.5, "random_option": 0.5}
    assert "On average 50.0% of NEJM's readers" in findings(told)
    assert board.loc["random_option", "baseline"]


def test_beside_the_published_run(logs: Logs) -> None:
    points, ids = [10] * 22 + [5] * 28, [int(case) for case in PUBLISHED.split()]
    logs.write("openrouter/google/gemini-9", points, ids=ids)
    told = logs.told()
    row = frame(told, "published").set_index("name").loc["gemini-3-pro-preview"]
    assert (row["same_family"], row["difference"]) == ("gemini-9", pytest.approx(0.72 - 0.698))
    logs.write("openrouter/x/other", points, ids=[*ids[:-1], 1])
    *_, other = logs.report().chapters
    assert not [s for s in other.sections if "published" in s.title]


def test_contradictions_are_listed(logs: Logs) -> None:
    logs.write(
        "m/a",
        [10, 9, 7] * 4,
        score=lambda n: {"category": "synonym"},
        scores=lambda n: {"verbatim_diagnosis": Score(value=10 if n == 2 else 0)},
    )
    found = frame(logs.told(), "contradictions").set_index("case_id")["contradiction"]
    assert found["3"] == "verbatim, but not exact"
    assert found["1"] == "called synonym, with the points of exact"
    assert "2" not in found


def test_options_are_checked(three: Logs) -> None:
    with pytest.raises(NejmInspectError, match="No log has the model 'x'"):
        three.report(baseline="x")
    with pytest.raises(NejmInspectError, match="no two of these logs"):
        three.report(judges=True)


def test_a_model_is_ranked_by_the_cases_that_all_share(logs: Logs) -> None:
    logs.write("m/a", [9] * 12 + ["error"] * 8)
    logs.write("m/b", [10] * 12 + [0] * 8)
    told = logs.told()
    board = frame(told, "leaderboard").set_index("name")
    assert [*board.index] == ["b", "a"]
    assert board["overall"].to_dict() == pytest.approx({"a": 0.9, "b": 0.6})
    assert board["on_shared"].to_dict() == pytest.approx({"a": 0.9, "b": 1.0})
    assert [*board["shared_cases"]] == [12, 12]
    assert "b has the highest score, 100.0% on the 12 shared cases" in findings(told)
    assert "on_shared" in section(told, "Scores").tables[0].columns


def test_a_model_that_has_hardly_begun_does_not_decide_the_order(logs: Logs) -> None:
    logs.write("m/a", [0] * 12 + [10] * 18)
    logs.write("m/b", [5] * 30)
    logs.write("m/c", [1] * 12 + ["error"] * 18)
    assert [*frame(logs.told(), "leaderboard")["name"]] == ["a", "b", "c"]


def spent(logs: Logs, **usage: Any) -> dict[str, Any]:
    """What the leaderboard says was spent by a run of m/a."""
    logs.write("m/a", [10, 5, 0] * 4, **usage)
    row = frame(logs.told(), "leaderboard").iloc[0]
    return {name: row[name] for name in ("input_tokens", "output_tokens", "cost")}


def test_cached_tokens_are_input_and_a_judge_s_are_not(logs: Logs) -> None:
    own = ModelUsage(
        input_tokens=100, output_tokens=20, input_tokens_cache_read=7, input_tokens_cache_write=3
    )
    usage = {"m/a": own, "j/judge": ModelUsage(input_tokens=1_000, output_tokens=50)}
    found = spent(logs, usage=usage, role_usage={"grader": usage["j/judge"]})
    assert (found["input_tokens"], found["output_tokens"]) == (110, 20)


@pytest.mark.parametrize("judge", ["m/a", "m/a, j/b"])
def test_tokens_of_an_examinee_that_judges_too(logs: Logs, judge: str) -> None:
    other = ModelUsage(input_tokens=2_000, input_tokens_cache_read=500, output_tokens=90)
    as_judge = ModelUsage(input_tokens=300, input_tokens_cache_read=40, output_tokens=30)
    responding = ModelUsage(input_tokens=100, input_tokens_cache_read=9, output_tokens=20)
    usage, grader = {"m/a": responding + as_judge}, as_judge
    if "j/b" in judge:
        usage, grader = {**usage, "j/b": other}, as_judge + other
    found = spent(logs, judge=judge, usage=usage, role_usage={"grader": grader})
    assert (found["input_tokens"], found["output_tokens"]) == (109, 20)


@pytest.mark.parametrize(("judging", "expected"), [(0.25, 1.75), (None, math.nan)])
def test_the_cost_is_that_of_all_models_or_unknown(
    logs: Logs, judging: float | None, expected: float
) -> None:
    usage = {"m/a": ModelUsage(total_cost=1.5), "j/a": ModelUsage(total_cost=judging)}
    assert spent(logs, usage=usage)["cost"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("write", "shown"),
    {
        fmt.p_value: {0.00099: "< 0.001", 0.001: "0.001", 1.0: "1.000", None: "–", math.nan: "–"},
        fmt.signed: {-0.0342: "−3.4", 0.0342: "+3.4", -0.0001: "+0.0", 0.0: "+0.0"},  # U+2212
        fmt.signed_points: {-3.0: "−3", 0.5: "+0.5"},
        fmt.percent: {0.698: "69.8%", -0.05: "−5.0%", None: "–", math.nan: "–"},
        fmt.dollars: {
            **{0.0: "$0.00", 0.0049: "< $0.01", 0.005: "$0.01", 1234.5: "$1,234.50"},
            **{None: "–", math.nan: "–"},
        },
        fmt.whole: {1234.4: "1,234"},
        fmt.duration: {200.4: "0:03:20", None: "–"},
    }.items(),
)
def test_numbers_as_written(write: fmt.Write, shown: dict[float | None, str]) -> None:
    assert {number: write(number) for number in shown} == shown


def test_bounds_counts_and_lists_as_written() -> None:
    for lower, upper, told in (
        (0.1, 0.2, " (10.0–20.0)"),
        (-0.1, 0.2, " (−10.0 to 20.0)"),
        (-0.2, -0.1, " (−20.0 to −10.0)"),
        (math.nan, 0.2, ""),
    ):
        assert fmt.bounds({"x_lower": lower, "x_upper": upper}, "x") == told
    assert fmt.bounds({"x_lower": 0.1}, "x") == ""
    counts = [fmt.counted(number, "case") for number in (0, 1, 1234)]
    assert counts == ["0 cases", "1 case", "1,234 cases"]
    listed = [fmt.listing("abc"[:length]) for length in range(4)]
    assert listed == ["", "a", "a and b", "a, b and c"]
    assert fmt.listing("ab", "or") == "a or b"


def test_ties_and_models_that_share_no_case_have_no_leader(logs: Logs, tmp_path: Path) -> None:
    logs.write("m/a", [5, 10] * 6)
    logs.write("m/b", [10, 5] * 6)
    assert "a and b have the highest score, 75.0%" in findings(logs.told())
    assert "the most" not in findings(logs.told())
    apart = Logs(tmp_path / "apart")
    apart.write("m/a", [10] * 14 + ["error"] * 16)
    apart.write("m/b", ["error"] * 16 + [9] * 14)
    assert "a scores 100.0% (78.5–100.0) on 14 cases." in findings(apart.told())


def test_ranks_go_by_the_pairs_with_the_baseline(logs: Logs) -> None:
    for n in range(10):
        logs.write(f"m/{n}", [n] * 12)
    board = frame(logs.told(baseline="m/0"), "leaderboard").set_index("name")
    assert board.loc["0", "rank"] == "10"
    assert {*board.drop(index="0")["rank"]} == {"1–9"}


def test_runs_that_are_not_judged_have_no_exact_rate(logs: Logs, tmp_path: Path) -> None:
    logs.write("m/a", [10, 0] * 10, scorer="verbatim_diagnosis")
    assert frame(logs.told(), "leaderboard")["verbatim"].iloc[0] == 0.5
    assert "exactly" not in findings(logs.told())
    choices = Logs(tmp_path / "choices")
    choice = {"scorer": "choice", "task": "nejm_multiple_choice"}
    choices.write("m/a", [["C"] * 4] * 10 + [["I", "error", "error", "error"]] * 10, **choice)
    choices.write("m/b", [0.5] + ["C"] * 19, **choice)
    board = frame(choices.told(), "leaderboard").set_index("name")
    assert board["accuracy"].to_dict() == {"a": 0.5, "b": 1.0}
    assert board.loc["b", "malformed"] == 1


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        ({"points": None, "error": 0}, {"level": "synonym"}),
        ({"points": 99, "error": 0}, {"level": "synonym"}),
        ({"points": 9, "error": 0}, {"level": "synonym", "attack": "orders"}),
        (None, {"level": "synonym"}),
    ],
)
def test_no_exam_is_passed_without_verdicts_on_honest_pairs(
    logs: Logs, tmp_path: Path, value: Any, pair: dict[str, Any]
) -> None:
    logs.write("m/a", BEST)
    exam = Logs(tmp_path / "exam")
    task = {"scorer": "judge_exam", "task": "nejm_judge_exam"}
    exam.write(JUDGE, [value] * 12, case=lambda n: pair, **task)
    told = findings(logs.report([str(exam.folder)]).chapters[-1])
    assert "did not pass" in told
    asked = "no honest pairs were asked" if "attack" in pair else "the log has no valid verdict"
    assert asked in told
    assert "–" not in told


def test_the_published_run_stands_beside_whole_runs_of_its_kind_alone(logs: Logs) -> None:
    points, ids = [10] * 22 + [5] * 28, [int(case) for case in PUBLISHED.split()]
    logs.write("m/a", points, ids=ids, task_args={"inputs": "history"})
    logs.write("m/b", points, ids=ids, scorer="verbatim_diagnosis")
    logs.write("m/c", [*points[:49], "error"], ids=ids)
    titles = [one.title for told in logs.report().chapters for one in told.sections]
    assert "Scores" in titles
    assert "Beside the published run" not in titles


def test_judges_without_a_response_in_common_agree_on_nothing(logs: Logs) -> None:
    for event, (model, points) in enumerate({"m/a": 5, "m/b": 3}.items()):
        same = {"eval_id": f"e{event}", "task_id": f"t{event}"}
        logs.write(model, [points] * 12, judge="j/x", **same)
        other = [None] * 12 if model == "m/b" else [4] * 12
        logs.write(model, other, judge="j/y", **same | {"task_id": f"again{event}"})
    *_, told = logs.report(judges=True).chapters
    assert "No rank changes" in findings(told)
    assert "nan" not in findings(told)
