"""What a report says of physicians' grades, against numbers computed otherwise."""

import math
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import Design
from nejm_inspect.report import build_report
from nejm_inspect.report.page import pages
from tests.report.conftest import Logs, findings, frame, section
from tests.report.test_numbers import ordinal_alpha, weighted_kappa

RNG = np.random.default_rng(4)
CASES, DRAWN, PLACES = 90, 60, np.arange(90)
MODELS = {"a": 0, "b": 1, "c": 2}
JUDGED = {m: np.flatnonzero(n != PLACES % 9) for m, n in MODELS.items()}
BY_JUDGE = {
    m: np.where(n == PLACES % 9, 0, np.minimum(RNG.integers(n, 16, CASES), 10))
    for m, n in MODELS.items()
}
GRADED = {m: RNG.permutation(JUDGED[m])[:DRAWN] for m in MODELS}
RIGHT = {
    m: np.clip(BY_JUDGE[m] + RNG.integers(-1, 2, CASES) - 2 * n * (RNG.random(CASES) < 0.3), 0, 10)
    for m, n in MODELS.items()
}
OVERLAP = {m: some[:12] for m, some in GRADED.items()}


def grades(rows: list[tuple[Any, ...]], drawn: int | None = None) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["run", "case_id", "epoch", "rater", "points"])
    responses = len(made.drop_duplicates(["run", "case_id"])) if drawn is None else drawn
    made.attrs["design"] = Design(responses, 2, 0, 1)
    return made


def given(run: int, model: str) -> list[tuple[Any, ...]]:
    """The first rater gives what is right, the second grades twelve of a model a point lower."""
    one = [(run, str(n + 1), 1, 1, float(RIGHT[model][n])) for n in GRADED[model]]
    lower = [(run, str(n + 1), 1, 2, max(RIGHT[model][n] - 1.0, 0)) for n in OVERLAP[model]]
    return one + lower


@pytest.fixture
def three(logs: Logs) -> Logs:
    for m, skipped in MODELS.items():
        attempts = partial(lambda skipped, n: {"attempts": int(n % 9 != skipped)}, skipped)
        logs.write(f"m/{m}", [int(p) for p in BY_JUDGE[m]], score=attempts)
    return logs


ALL = grades([row for run, m in enumerate(MODELS, 1) for row in given(run, m)])
MEANS = {m: RIGHT[m] - np.isin(PLACES, OVERLAP[m]) * np.minimum(RIGHT[m], 1) / 2 for m in MODELS}
BIAS = {m: (BY_JUDGE[m] - MEANS[m])[GRADED[m]] for m in MODELS}


def test_errors_of_the_judge_by_model(three: Logs) -> None:
    told = three.told(grades=ALL)
    found = frame(told, "physicians").set_index("name")
    for m in MODELS:
        row, judge, right = found.loc[m], BY_JUDGE[m][GRADED[m]], MEANS[m][GRADED[m]]
        low, high = stats.ttest_1samp(BIAS[m], 0).confidence_interval()
        assert (row["bias"], row["bias_lower"], row["bias_upper"]) == pytest.approx(
            (BIAS[m].mean(), low, high)
        )
        assert row["absolute_error"] == pytest.approx(np.abs(BIAS[m]).mean())
        exact = right == 10
        assert (row["responses"], row["exact_count"]) == (DRAWN, exact.sum())
        assert row["sensitivity"] == pytest.approx(np.mean(judge[exact] == 10))
        assert row["specificity"] == pytest.approx(np.mean(judge[~exact] != 10))
        kappa = weighted_kappa(judge, right.astype(int))
        assert row["weighted_kappa"] == pytest.approx(kappa)
    by_case = pd.DataFrame({m: pd.Series(BIAS[m], GRADED[m]) for m in MODELS})
    assert found.loc["all models", "bias"] == pytest.approx(by_case.mean(axis=1).mean())
    p = {}
    for m in MODELS:
        shared = by_case[m].notna() & by_case.drop(columns=m).notna().any(axis=1)
        more = (by_case[m] - by_case.drop(columns=m).mean(axis=1))[shared]
        test = stats.ttest_1samp(more, 0)
        assert found.loc[m, "kinder"] == pytest.approx(more.mean())
        assert found.loc[m, "kinder_lower"] == pytest.approx(test.confidence_interval().low)
        assert found.loc[m, "p"] == pytest.approx(test.pvalue, abs=0.02)
        p[m] = found.loc[m, "p"]
    assert found.loc[min(p, key=p.__getitem__), "holm"] == pytest.approx(3 * min(p.values()))
    assert f"The judge gives {found.loc['all models', 'bias']:.2f} points more" in findings(told)
    unlike = f"does not treat all models alike: c (+{found.loc['c', 'kinder']:.2g} points)"
    assert unlike in findings(told)


def test_agreement_of_physicians_and_where_they_differ_most_from_the_judge(three: Logs) -> None:
    told = three.told(grades=ALL)
    each, judge = (row for _, row in frame(told, "raters").iterrows())
    right = np.concatenate([RIGHT[m][OVERLAP[m]] for m in MODELS])
    by_judge = np.concatenate([BY_JUDGE[m][OVERLAP[m]] for m in MODELS])
    lower = np.maximum(right - 1, 0)
    assert (each["responses"], each["apart"]) == (36, 0)
    assert each["alpha"] == pytest.approx(ordinal_alpha([*zip(right, lower, strict=True)]))
    pairs = [*zip(by_judge, right, strict=True), *zip(by_judge, lower, strict=True)]
    assert judge["alpha"] == pytest.approx(ordinal_alpha(pairs))
    assert judge["apart"] == np.mean([abs(a - b) > 2 for a, b in pairs])
    assert f"Physicians agree with each other at {each['alpha']:.2f}" in findings(told)
    most = frame(told, "physician_responses")
    every = np.concatenate([*BIAS.values()])
    assert [*most["bias"].abs()] == sorted(np.abs(every), reverse=True)[:10]
    row = most.iloc[0]
    place = int(row["case_id"]) - 1
    shown = row["points: judge"], row["points: physicians"]
    assert shown == (BY_JUDGE[row["name"]][place], MEANS[row["name"]][place])


def test_adjusted_scores(three: Logs) -> None:
    told = three.told(grades=ALL)
    found = frame(told, "adjusted").set_index("name")
    for m in MODELS:
        row, judge, right = found.loc[m], BY_JUDGE[m] / 10, MEANS[m][GRADED[m]] / 10
        share, own, every = len(JUDGED[m]) / CASES, judge[GRADED[m]], judge[JUDGED[m]]
        # PPI++ with its own λ is the regression estimator.
        slope = np.cov(right, own, ddof=0)[0, 1] / own.var()
        overall = share * (right.mean() + min(slope, len(every) / 20) * (every.mean() - own.mean()))
        assert row["overall_adjusted"] == pytest.approx(overall)
        assert row["overall_adjusted_lower"] < overall < row["overall_adjusted_upper"]
        exact = right == 1
        sensitivity, wrong = np.mean(own[exact] == 1), np.mean(own[~exact] == 1)
        rate = share * (np.mean(every == 1) - wrong) / (sensitivity - wrong)
        assert row["exact_adjusted"] == pytest.approx(max(0, rate))
        assert (row["graded"], row["judged"]) == (DRAWN, pytest.approx(share))
        assert row["overall"] == pytest.approx(judge.mean())
    best = told.findings[[f.lead.startswith("Adjusted") for f in told.findings].index(True)]
    # By the judge, c is first.
    assert (found.index[0], found["overall_adjusted"].idxmax()) == ("c", "a")
    highest, fallen = (f"{100 * found.loc[m, 'overall_adjusted']:.1f}%" for m in "ac")
    assert f"a has the highest score, {highest}" in best.lead
    assert f"c, first by the judge with 67.9%, has {fallen} (" in best.rest
    assert "Too few" not in findings(told)
    assert "drawn" not in findings(told)


def test_epochs_count_by_their_cases(logs: Logs) -> None:
    """The first epoch is graded, half of the second epochs had no diagnosis."""
    points = [[int(p), 10 if n % 2 else 0] for n, p in enumerate(BY_JUDGE["b"])]
    logs.write("m/a", points)
    made = grades([(1, str(n + 1), 1, 1, float(RIGHT["b"][n])) for n in range(30)])
    (chapter,) = logs.chapters(grades=made)
    rows = chapter.responses
    rows.loc[rows["epoch"].eq(2) & rows["points"].eq(0), "attempts"] = 0
    row = frame(build_report([chapter]).chapters[0], "adjusted").iloc[0]
    weight = np.where(PLACES % 2, 1, 0.5)
    judge = np.array([np.mean(p) for p in points]) / 10
    own, right = (weight * p / 10 for p in (BY_JUDGE["b"], RIGHT["b"]))
    tuning = np.cov(right[:30], own[:30], ddof=0)[0, 1] / own[:30].var() * 60 / 90
    tuning = min(tuning, 1)
    expected = tuning * judge[30:].mean() + (right - tuning * own)[:30].mean()
    assert (row["overall_adjusted"], row["judged"]) == (pytest.approx(expected), 1)


def test_few_grades_are_said_to_be_too_few(three: Logs) -> None:
    rows = [*given(1, "a")[:24], *given(2, "b")[:9]]
    told = three.told(grades=grades([*rows[:23], (*rows[23][:4], math.nan), *rows[24:]], 40))
    assert [*frame(told, "adjusted")["name"]] == ["a"]
    assert "Too few physicians' grades: 0 of c, 23 of a and 9 of b." in findings(told)
    missing = "8 of 40 drawn responses have no points from physicians (7 not graded yet and 1 that"
    assert missing in findings(told)
    assert "how far physicians agree is not known" in "".join(
        section(told, "The judge against physicians").notes
    )
    none = three.told(grades=grades(given(2, "b")[:9]))
    assert not section(none, "Adjusted scores").tables
    assert "nan" not in findings(none)


def test_reports_without_such_grades_say_nothing_of_physicians(three: Logs) -> None:
    assert "hysicians" not in findings(three.told())
    three.write("m/a", [5] * CASES)
    with pytest.raises(NejmInspectError, match="--repeats"):
        three.report(grades=grades(given(1, "a") + given(2, "b")))
    three.told(grades=grades(given(1, "a")), repeats=True)


def test_texts_are_shown_only_if_wanted(three: Logs) -> None:
    most = frame(three.told(grades=ALL), "physician_responses")
    place = int(most["case_id"].iloc[0]) - 1
    assert "texts" not in most
    page = pages(three.report(grades=ALL, with_texts=True), {})["report.html"].decode()
    opened = page.partition('id="c1-graded-0"')[2].partition("</details>")[0]
    assert f"because {place}" in opened
    assert f"reference {place}" in opened
