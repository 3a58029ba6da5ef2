"""Scores before and after a training cut-off."""

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample

from nejm_inspect import verbatim_diagnosis
from nejm_inspect.report.cutoffs import split_at
from nejm_inspect.report.sections import comparison_sections
from tests.loopback import OpenRouter
from tests.report.logs import only, report_of

CUTOFF = datetime.date(2020, 6, 15)


def case(date: str | None, readers: float | None) -> dict[str, Any]:
    return {"date": date, "reader_accuracy": readers}


PROPERTIES = {
    "early": case("2019-01-01", 0.5),
    "earlier": case("2005-10-13", None),
    "same day": case("2020-06-15", 0.7),
    "next day": case("2020-06-16", 0.4),
    "late": case("2023-12-21", 0.2),
    "undated": case(None, 0.9),
    "odd": case("last summer", 0.9),
    "unanswered": case("2023-12-21", 0.0),
}
POINTS: dict[str, list[float]] = {
    "early": [10],
    "earlier": [8],
    "same day": [9, 7],
    "next day": [4],
    "late": [6],
    "undated": [0],
    "odd": [0],
}


def test_the_day_of_the_cutoff_is_before_it() -> None:
    split = split_at(CUTOFF, "a/b", POINTS, 10, PROPERTIES)
    assert (split.earlier.cases, split.later.cases, split.undated) == (3, 2, 2)
    assert split.earlier.score.value == pytest.approx((1 + 0.8 + 0.8) / 3)
    assert split.later.score.value == pytest.approx(0.5)
    assert split.earlier.reader_accuracy == pytest.approx(0.6)
    assert (split.earlier.reader_cases, split.later.reader_cases) == (2, 2)
    assert split.later.reader_accuracy == pytest.approx(0.3)
    assert split.difference.value == pytest.approx(0.5 - 2.6 / 3)


def test_without_cases_on_a_side_there_is_no_difference() -> None:
    for day in (datetime.date(2005, 1, 1), datetime.date(2025, 1, 1)):
        split = split_at(day, "a/b", POINTS, 10, PROPERTIES)
        assert 0 in (split.earlier.cases, split.later.cases)
        assert math.isnan(split.difference.value)


@pytest.fixture
def folder(openrouter: OpenRouter, tmp_path: Path) -> str:
    """A model that knows the cases of 2016 to 2019 and half of 2020 to 2023."""
    openrouter.examinee = lambda call: "Gout" if "easy" in call.text else "Mumps"
    samples = [
        Sample(
            input=f"Case {year}, {'easy' if year < 2020 or month > 6 else 'new'}?",
            target="Gout",
            id=f"{year}-{month}",
            metadata={
                "date": f"{year}-{month:02}-03",
                "reader_accuracy": 0.8 if year < 2020 else 0.4,
            },
        )
        for year in range(2016, 2024)
        for month in (3, 9)
    ]
    task = Task(dataset=samples, scorer=verbatim_diagnosis())
    eval(task, model=["openrouter/a/b", "openrouter/a/c"])
    return str(tmp_path / "logs")


def test_the_report_splits_the_model_and_says_how_to_take_it(folder: str) -> None:
    comparison = only(
        report_of(folder, cutoffs={"openrouter/a/b": datetime.date(2019, 12, 31)})
    )
    (split,) = comparison.cutoffs
    assert split.model == "openrouter/a/b"
    # Welch for 8 of 8 against 4 of 8: the one sample does not vary, so that the
    # degrees of freedom are 7, t is 2.3646, and s of the other is √(8/28).
    margin = 2.3646 * math.sqrt(8 / 28) / math.sqrt(8)
    assert split.difference.value == -0.5
    assert split.difference.lower == pytest.approx(-0.5 - margin, abs=1e-4)
    assert split.difference.upper == pytest.approx(-0.5 + margin, abs=1e-4)
    (section,) = comparison_sections(comparison)
    assert section.findings == [
        "openrouter/a/b: −50.0 percentage points (95% CI −94.7 to −5.3) on the 8 cases "
        "published after 2019-12-31, against the 8 published up to then. NEJM readers: "
        "40.0% against 80.0%."
    ]
    caution = section.remarks[0]
    assert "compatible with contamination" in caution
    assert "may also differ in difficulty" in caution


@pytest.mark.parametrize(
    ("day", "side"), [("2030-01-01", "after 2030-01-01"), ("2001-01-01", "up to 2001")]
)
def test_a_cutoff_beyond_all_cases_says_so(folder: str, day: str, side: str) -> None:
    cutoffs = {"openrouter/a/b": datetime.date.fromisoformat(day)}
    comparison = only(report_of(folder, cutoffs=cutoffs))
    (section,) = comparison_sections(comparison)
    assert f"no score for a case published {side}" in section.findings[0]
    (table,) = section.tables
    assert table.columns[-1].cell(table.rows[0]) == "–"


def test_without_a_cutoff_nothing_is_split(folder: str) -> None:
    assert comparison_sections(only(report_of(folder))) == []
