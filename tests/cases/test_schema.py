from collections import Counter
from typing import Any

import pytest

from nejm_inspect.cases.schema import Case, closing_question, question_type


def case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "id": 1,
        "history": "A man has a swollen toe. What is the diagnosis?",
        "reference": "Gout",
        "question_type": "diagnosis",
    }
    return Case.model_validate({**fields, **changes})


def test_difficulty_is_the_hardest_level_reached() -> None:
    scores = {0.0: "easy", 0.039: "easy", 0.040: "medium", 0.086: "medium", 0.087: "hard"}
    for score, level in {**scores, 0.122: "hard", 0.123: "expert", None: None}.items():
        assert case(brier_score=score).difficulty == level


def test_a_difficulty_may_be_given_instead_of_a_score() -> None:
    assert case(difficulty="hard").difficulty == "hard"
    assert case(difficulty="expert", brier_score=0.2).difficulty == "expert"


def test_reader_accuracy_is_the_share_of_the_correct_option() -> None:
    options = ("Gout", "Bunion", "Lupus", "Mumps", "Rabies")
    votes = (0.1, 0.5, 0.2, 0.1, 0.1)
    correct = {"options": options, "correct_option": "C", "reference": "Lupus"}
    voted = case(**correct, reader_votes=votes)
    assert voted.reader_accuracy == 0.2
    assert case(**correct).reader_accuracy is None


@pytest.mark.parametrize(
    ("history", "question", "expected"),
    [
        ("What is the diagnosis?", "What is the diagnosis?", "diagnosis"),
        ("A rash. Which diagnoses fit?", "Which diagnoses fit?", "diagnosis"),
        ('It is a "dance sign." Which vector?', "Which vector?", "other"),
        ("He had a diagnosis of HIV. What next?", "What next?", "other"),
        ("What would be diagnostic?", "What would be diagnostic?", "other"),
        ("What is it? He is well.", "What is it?", "other"),
        ("A boy has a rash.", None, "diagnosis"),
    ],
)
def test_question_type_is_read_from_the_closing_question(
    history: str, question: str | None, expected: str
) -> None:
    assert closing_question(history) == question
    assert question_type(history) == expected


def test_question_types_of_the_real_list(case_records: list[dict[str, Any]]) -> None:
    cases = {case.id: case for case in map(Case.model_validate, case_records)}
    for other in (430, 433, 349, 160, 221, 778):
        assert cases[other].question_type == "other"
    for asked in cases.values():
        last_sentence = asked.history.replace("?", ".").rstrip(".").rsplit(". ", 1)[-1]
        if "diagnosis" in last_sentence.lower().split():
            assert asked.question_type == "diagnosis", asked.history
    counts = Counter(case.question_type for case in cases.values())
    assert counts == {"diagnosis": 744, "other": 203}
    assert sum(case.question is None for case in cases.values()) == 6
