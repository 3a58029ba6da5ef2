"""The parts of the variance, each against the covariances of which it is made."""

import math
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, special, stats

from nejm_inspect.report import components as co
from tests.report.conftest import JUDGE, Logs, findings, frame, section
from tests.report.test_simulations import ratings

TITLE = "Where the variance comes from"
POINTS = np.round(10 * ratings("middle", 3, 24, 3, 3)).astype(int)
Design = NDArray[Any]


def mean_of(value: Callable[..., float], *chosen: Any) -> float:
    return float(np.mean([value(*each) for each in product(*chosen)]))


def covariance(one: Design, other: Design) -> float:
    return float(np.cov(one, other)[0, 1])


def expected(y: Design) -> dict[str, float]:
    """The parts by what two responses have in common: the same case, model, response or judge."""
    models, cases, epochs, judges = map(range, y.shape)
    cells, other = y.mean(axis=2), [*permutations(judges, 2)] or [(0, 0)]
    two = [*permutations(models, 2)]
    case = mean_of(lambda m, j: covariance(cells[m[0], :, j[0]], cells[m[1], :, j[1]]), two, other)
    own = mean_of(lambda m, j: covariance(cells[m, :, j[0]], cells[m, :, j[1]]), models, other)
    sampling = mean_of(
        lambda m, c, j: covariance(y[m, c, :, j[0]], y[m, c, :, j[1]]), models, cases, other
    )
    parts = {"case": case, "model × case": own - case - sampling / len(epochs)}
    parts["sampling"] = sampling
    if len(judges) > 1:
        of_judge = lambda m, c: covariance(cells[m[0], c[0]], cells[m[1], c[1]])  # noqa: E731
        parts["judge"] = mean_of(of_judge, two, [*permutations(cases, 2)])
        parts["judge × response"] = float(y.var(axis=3, ddof=1).mean()) - parts["judge"]
    return parts


def detectable(deviation: float, cases: int) -> float:
    critical = stats.t.ppf(0.975, cases - 1)
    power = lambda d: stats.nct.sf(critical, cases - 1, d * math.sqrt(cases) / deviation) - 0.8  # noqa: E731
    return float(optimize.brentq(power, 0.001, 0.9))


def test_shares_lie_in_their_intervals_if_others_are_estimated_far_below_0() -> None:
    points = np.random.default_rng(1).integers(0, 2, (2, 25, 3, 1))
    points[1] = 1 - points[0]  # one model is right where the other is wrong
    assert co.components(points)["case"] < -0.02
    for share in co.portions(points).values():
        assert share.lower <= share.value <= share.upper


@pytest.fixture
def epochs(logs: Logs) -> Logs:
    """Three models with three responses to each of 24 cases."""
    for model, points in zip("abc", POINTS[..., 0].tolist(), strict=True):
        logs.write(f"m/{model}", points)
    return logs


def test_parts_of_the_points(epochs: Logs) -> None:
    found = frame(epochs.told(), "variance").set_index("part")
    parts = expected(POINTS[..., :1])
    assert found["variance"].to_dict() == pytest.approx(parts)
    shares = {part: variance / sum(parts.values()) for part, variance in parts.items()}
    assert found["share"].to_dict() == pytest.approx(shares)
    assert (found["share_lower"] < found["share"]).all()
    assert (found["share"] < found["share_upper"]).all()
    sizes = found[["models", "cases", "epochs", "judges"]].drop_duplicates()
    assert sizes.to_numpy().tolist() == [[3, 24, 3, 1]]


def test_what_more_cases_and_epochs_show(epochs: Logs) -> None:
    told = epochs.told()
    grid = frame(told, "detectable").set_index(["cases", "epochs"])
    assert sorted(grid.index) == [*product((24, 48, 72), (1, 3, 6))]
    assert grid["responses"].is_monotonic_increasing  # those that cost the same are neighbours
    parts = expected(POINTS[..., :1] / 10)
    for (cases, each), row in grid.iterrows():
        deviation = math.sqrt(2 * (parts["model × case"] + parts["sampling"] / each))
        assert row["detectable"] == pytest.approx(detectable(deviation, cases), rel=1e-4)
        assert row["responses"] == cases * each
    # As it is, the design has the mean variance of the paired comparisons.
    errors = frame(told, "pairs")["standard_error"]
    here = detectable(math.sqrt(24 * (errors**2).mean()), 24)
    assert grid["detectable"][24, 3] == pytest.approx(here, rel=1e-4)
    sizes = (24, 3), (48, 3), (24, 6), (72, 1)
    words = "from {} to {} percentage points, doubling the epochs to {}. As many responses as "
    words += "here, one to each of 72 cases, would show {}."
    numbers = [f"{100 * grid['detectable'][size]:.1f}" for size in sizes]
    assert words.format(*numbers) in findings(told)


def test_parts_of_a_panels_verdicts(logs: Logs) -> None:
    """Runs taken as repeats are epochs; the points are the panel's medians."""
    for (m, points), epoch in product(enumerate(POINTS), range(3)):

        def panel(n: int, given: Design = points[:, epoch]) -> dict[str, Any]:
            return {"verdicts": {f"j/{j}": {"score": int(p)} for j, p in enumerate(given[n])}}

        medians = np.median(points[:, epoch], axis=1).tolist()
        logs.write(f"m/{'abc'[m]}", medians, judge="j/0, j/1, j/2", score=panel)
    found = frame(logs.told(repeats=True), "variance").set_index(["of", "part"])["variance"]
    assert found["verdicts"].to_dict() == pytest.approx(expected(POINTS))
    medians = np.median(POINTS, axis=3, keepdims=True)
    assert found["points"].to_dict() == pytest.approx(expected(medians))
    newest = logs.told()  # of a single epoch
    of = frame(newest, "variance")
    assert {*of["of"]} == {"verdicts"}
    assert [*of["part"]] == ["case", "model × case", "judge", "judge × response"]
    assert "With one epoch" in "".join(section(newest, TITLE).notes)
    assert not [t for t in section(newest, TITLE).tables if t.name == "detectable"]


def test_two_judges_of_the_same_responses(logs: Logs) -> None:
    for model, judge in product(range(2), range(2)):
        same = {"eval_id": f"e{model}", "judge": f"j/{judge}", "task_id": f"t{model}{judge}"}
        logs.write(f"m/{model}", POINTS[model, :, :2, judge].tolist(), **same)
    *_, told = logs.report(judges=True).chapters
    found = frame(told, "variance").set_index("part")["variance"]
    parts = expected(POINTS[:2, :, :2, :2])
    assert found.to_dict() == pytest.approx({part: max(0, v) for part, v in parts.items()})


def test_only_the_balanced_part_counts(logs: Logs) -> None:
    points = POINTS[..., 0].tolist()
    points[0][5][1] = None  # one epoch of a case is unscored: the case is left out for all models
    for model in (0, 1):
        logs.write(f"m/{'ab'[model]}", points[model])
    logs.write("m/c", [row[0] for row in points[2]])  # has one epoch
    logs.write("m/d", [*points[2][:2], *["error"] * 22])  # has hardly begun
    told = logs.told()
    found = frame(told, "variance").set_index("part")
    kept = np.delete(POINTS[:2, ..., :1], 5, axis=1)
    assert found["variance"].to_dict() == pytest.approx(expected(kept))
    (note,) = [note for note in section(told, TITLE).notes if "models" in note and "Points" in note]
    assert note.startswith("Points: 2 models × 23 cases × 3 epochs × 1 judge, without ")
    assert {*note.partition("without ")[2].rstrip(".").split(" and ")} == {"c", "d"}


def test_one_model_and_estimates_below_0(logs: Logs) -> None:
    logs.write("m/a", [[0, 10], [10, 0], [5, 5]] * 5)
    told = logs.told()
    found = frame(told, "variance").set_index("part")
    assert found["share"].to_dict() == {"case": 0, "sampling": 1}
    assert found["share_lower"].isna().all()  # 15 cases
    notes = "".join(section(told, TITLE).notes)
    assert "estimated below 0, and shown as 0: case" in notes
    assert "With one model, case contains model × case" in notes


@pytest.mark.parametrize("given", [[[5, 7]] * 9, [[5, 5]] * 12, [*range(11), 3], [[None, 5]] * 12])
def test_no_section_where_nothing_can_be_split(logs: Logs, given: Any) -> None:
    for model in ("m/a", "m/b"):
        logs.write(model, given)
    assert TITLE not in [one.title for one in logs.told().sections]


def test_the_judges_repeats(epochs: Logs, tmp_path: Path) -> None:
    given = [[5, 5, 5], [6, 5, 6], [4, 4], [7], [None, 2], [0, 3, 3], *[[8, 8, 8]] * 7]
    exam = Logs(tmp_path / "exam")
    values = [[p if p is None else {"points": p, "error": 0} for p in row] for row in given]
    case = {"level": "related"}
    task = {"scorer": "judge_exam", "task": "nejm_judge_exam", "case": lambda n: case}
    exam.write(JUDGE, values, **task)
    of_run, of_exam = epochs.report([str(exam.folder)]).chapters
    row = frame(of_exam, "exam_repeats").iloc[0]
    several = [np.array(r) for r in given if len(r) > 1 and None not in r]
    squares = sum(((r - r.mean()) ** 2).sum() for r in several)
    variance = squares / sum(len(r) - 1 for r in several)
    assert (row["repeated"], row["changed"]) == (11, pytest.approx(2 / 11))
    wilson = stats.binomtest(2, 11).proportion_ci(method="wilson")
    assert (row["changed_lower"], row["changed_upper"]) == pytest.approx((wilson.low, wilson.high))
    assert row["within"] == pytest.approx(math.sqrt(variance))
    assert "changed its points on 18.2% of 11 pairs when asked again" in findings(of_exam)
    of_means = [POINTS[m, :, :, 0].mean(axis=1).var(ddof=1) / 24 for m in range(3)]
    parts = sorted(100 * variance / 72 / squared for squared in of_means)
    ends = f"{parts[0]:.1f}% to {parts[-1]:.1f}%"
    assert f"Of the variance of a score, {ends} may be the judge's" in findings(of_run)
    for n, (judge, version) in enumerate((("j/other", 3), (JUDGE, 9))):
        other = Logs(tmp_path / f"{n}")
        other.write(judge, values, metadata={"prompt_version": version}, **task)
        assert "repeat variance" not in findings(epochs.report([str(other.folder)]).chapters[0])
    single = Logs(tmp_path / "single")
    single.write("m/a", POINTS[0, :, 0, 0].tolist())
    told, _ = single.report([str(exam.folder)]).chapters
    lone = section(told, TITLE)
    assert (len(lone.findings), lone.tables) == (1, ())
    assert "cannot be split" in lone.lead


def test_bounds_are_the_jackknifes_on_the_logit_scale() -> None:
    values, cases = POINTS[..., :1] / 10, POINTS.shape[1]
    whole = co.portions(values)["case"]
    without = [co.portions(np.delete(values, n, axis=1))["case"].value for n in range(cases)]
    one, some = special.logit(whole.value), special.logit(without)
    error = math.sqrt((cases - 1) / cases * ((some - some.mean()) ** 2).sum())
    ends = stats.t.interval(0.95, cases - 1, one, error)
    assert [whole.lower, whole.upper] == pytest.approx(special.expit(ends))


def test_components_are_those_of_statsmodels() -> None:
    # MixedLM("y ~ C(model)", one group, every other effect as a variance component), REML, of
    # statsmodels 0.15.0. Balanced, it equals mean squares if no estimate is negative.
    normal = np.random.default_rng(2).standard_normal
    spread = {"m": 1, "c": 2, "mc": 1.5, "mcr": 1.2, "j": 1, "mj": 0.7, "cj": 0.7, "mcj": 0.8}
    sizes = dict(zip("mcrj", (2, 6, 2, 2), strict=True))
    y: Any = 0.0
    for effect, deviation in {**spread, "mcrj": 1}.items():
        y = y + deviation * normal([n if axis in effect else 1 for axis, n in sizes.items()])
    reml = {"case": 7.587318, "model × case": 0.129789, "sampling": 0.751717, "judge": 1.852155}
    reml["judge × response"] = 0.157821 + 1.507615 + 0.385048 + 1.036704
    assert co.components(np.round(y, 1)) == pytest.approx(reml, abs=1e-3)
