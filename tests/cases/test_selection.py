import datetime
import statistics
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.errors import NejmInspectError

PUBLISHED = """
655 115 26 760 282 251 229 143 755 105 693 759 914 559 90 605 433 33 31 96 224 239 518
617 28 575 204 734 666 719 430 226 460 604 285 829 891 7 778 826 164 715 349 160 221 782
345 95 390 100
"""
PUBLISHED_HARD = """
189 44 486 447 396 265 161 934 136 702 54 52 144 391 418 851 48 356 698 392 744 491 6
301 566 292 389 561 635 150 592 569 467 64 762 923 209 629 117 940 514 600 348 95 65 402
505 160 755 605
"""


def made_up_case(number: int, **changes: Any) -> Case:
    fields: dict[str, Any] = {
        "id": number,
        "history": "What is the diagnosis?",
        "reference": "Gout",
        "question_type": "diagnosis",
        "brier_score": (number % 200) / 1000,
        "date": datetime.date(2010, 1, 1) + datetime.timedelta(days=number),
    }
    return Case.model_validate({**fields, **changes})


POOL = [made_up_case(number) for number in range(300)]

selections = st.builds(
    Selection,
    sample_size=st.none() | st.integers(1, 20),
    seed=st.integers(),
    difficulty=st.sampled_from(["all", "easy", "medium", "hard", "expert"]),
    since=st.none() | st.dates(datetime.date(2010, 1, 1), datetime.date(2010, 2, 1)),
)


@pytest.mark.parametrize(("difficulty", "ids"), [("all", PUBLISHED), ("hard", PUBLISHED_HARD)])
def test_published_samples(case_records: list[dict[str, Any]], difficulty: str, ids: str) -> None:
    cases = [Case.model_validate(record) for record in case_records]
    selected = select_cases(cases, Selection.of(difficulty=difficulty))
    assert [case.id for case in selected] == [int(id) for id in ids.split()]


def test_pools_of_the_real_list(case_records: list[dict[str, Any]]) -> None:
    cases = [Case.model_validate(record) for record in case_records]
    for filters, count in (
        ({}, 947),
        ({"difficulty": "easy"}, 182),
        ({"difficulty": "medium"}, 480),
        ({"difficulty": "hard"}, 285),
        ({"difficulty": "expert"}, 99),
        ({"since": "2023-12-21"}, 1),
        ({"until": "2005-10-13"}, 1),
        ({"since": "2005-10-13", "until": 20231221}, 947),
        ({"history": "yes"}, 689),
        ({"history": "no"}, 258),
        ({"history": "no", "difficulty": "hard"}, 94),
        ({"history": "no", "difficulty": "expert"}, 45),
    ):
        assert len(select_cases(cases, Selection.of(sample_size=None, **filters))) == count


def test_histories_of_the_real_list_are_as_the_readme_says(
    case_records: list[dict[str, Any]],
) -> None:
    cases = [Case.model_validate(record) for record in case_records]
    published = select_cases(cases, Selection.of())
    without = [case for case in cases if not case.has_history]
    bare = [case for case in cases if case.history == "What is the diagnosis?"]
    one_question = [case for case in cases if case.history == case.question]

    def median_length(first: int, last: int) -> float:
        return statistics.median(
            len(case.history) for case in cases if case.date and first <= case.date.year <= last
        )

    assert sum(not case.has_history for case in published) == 10
    assert len(bare) == 197
    assert set(bare) < set(without)
    assert median_length(2010, 2014) == 34
    assert median_length(2022, 2023) == 451
    # A text that is one question may hold a history all the same.
    assert len(one_question) == 440
    assert sum(case.has_history is True for case in one_question) == 183


@given(selections)
def test_a_sample_has_no_repeats_and_only_admitted_cases(selection: Selection) -> None:
    selected = select_cases(POOL, selection)
    assert selected == select_cases(list(POOL), selection)
    assert len({case.id for case in selected}) == len(selected)
    assert selection.sample_size in (None, len(selected))
    for case in selected:
        assert case.brier_score is not None
        assert case.date is not None
        assert selection.since is None or str(case.date) >= str(selection.since)
        assert selection.difficulty != "hard" or case.brier_score >= 0.087
        assert selection.difficulty != "medium" or 0.040 <= case.brier_score < 0.087


def test_question_type_history_and_window_are_inclusive_filters() -> None:
    pool = [
        made_up_case(1, has_history=True),
        made_up_case(2, has_history=False, question_type="other"),
        made_up_case(3, has_history=True, date="2020-05-01"),
    ]

    def ids(**filters: object) -> list[int | str]:
        selection = Selection.of(sample_size=None, **filters)
        return [case.id for case in select_cases(pool, selection)]

    assert ids(question_type="other") == [2]
    assert ids(history="yes") == [1, 3]
    assert ids(history="no") == [2]
    assert ids(history=False) == [2], "what YAML makes of no"
    assert ids(since="2020-05-01", until="2020-05-01") == [3]


def test_a_given_difficulty_is_filtered_by() -> None:
    levels = enumerate(("easy", "hard", "expert", "medium"))
    pool = [made_up_case(number, brier_score=None, difficulty=level) for number, level in levels]
    selected = select_cases(pool, Selection.of(sample_size=None, difficulty="hard"))
    assert [case.id for case in selected] == [1, 2]


@pytest.mark.parametrize(
    "parameters", [{"difficulty": "hard"}, {"since": "2020-01-01"}, {"history": "no"}]
)
def test_filters_need_what_they_filter_by(parameters: dict[str, Any]) -> None:
    bare = made_up_case(1, brier_score=None, date=None)
    with pytest.raises(NejmInspectError, match=r"case 1 (has none|does not say)"):
        select_cases([bare], Selection.of(sample_size=None, **parameters))


@pytest.mark.parametrize(("available", "drawn"), [(12, 12), (50, 50), (60, 50)])
def test_the_default_size_is_a_limit_where_fewer_cases_will_do(available: int, drawn: int) -> None:
    pool = POOL[:available]
    selected = select_cases(pool, Selection.of(), default_is_limit=True)
    assert len(selected) == drawn
    if available < 50:
        assert selected == pool
        with pytest.raises(NejmInspectError, match="only 12 cases"):
            select_cases(pool, Selection.of())
        with pytest.raises(NejmInspectError, match="only 12 cases"):
            select_cases(pool, Selection.of(sample_size=49), default_is_limit=True)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sample_size": 301}, r"sample_size=301, but only 300 cases"),
        ({"since": "2030-01-01"}, "The filters leave out all 300 cases"),
        ({"sample_size": 0}, "sample_size=0: .*greater than or equal to 1"),
        ({"sample_size": True}, "sample_size=True: .*valid integer"),
        ({"sample_size": "many"}, "sample_size='many'"),
        ({"seed": "x"}, "seed='x': .*valid integer"),
        ({"difficulty": "tough"}, "'all', 'easy', 'medium', 'hard' or 'expert'"),
        ({"question_type": "why"}, "'all', 'diagnosis' or 'other'"),
        ({"history": "maybe"}, "history='maybe': .*'all', 'yes' or 'no'"),
        ({"since": "lately"}, "since='lately': Input should be a date"),
        ({"since": "2021-01-01", "until": "2020-01-01"}, "later than until"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(NejmInspectError, match=message):
        select_cases(POOL, Selection.of(**parameters))
