from pathlib import Path
from typing import Any

import pytest
from inspect_ai.dataset import Sample
from inspect_ai.model import Content

from nejm_inspect.cases.manifest import CaseImage
from nejm_inspect.cases.samples import case_to_sample, cases_to_dataset
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.source import CaseImages, CaseSource
from nejm_inspect.errors import NejmInspectError
from tests.conftest import nejm_record

IMAGE = CaseImage(Path("/cache/images/IC20100102.jpg"), None)


def case(**changes: Any) -> Case:
    return Case.model_validate(nejm_record(1, **changes))


def content(sample: Sample) -> list[Content]:
    (message,) = sample.input
    return message.content


def test_input_is_the_history_then_the_image() -> None:
    sample = case_to_sample(case(), [IMAGE], "both")
    text, image = content(sample)
    assert text.text == "A man has a swollen toe. What is the diagnosis?"
    assert image.image == str(IMAGE.path)
    assert sample.id == 1
    assert sample.target == "Gout"


def test_metadata_are_those_of_the_design() -> None:
    names = ("Cellulitis", "Gout", "Chilblains", "Bunion", "Paronychia")
    assert case_to_sample(case(), [IMAGE], "both").metadata == {
        "case_id": 1,
        "date": "2010-01-02",
        "year": 2010,
        "difficulty": "easy",
        "brier_score": 0.037,
        "question_type": "diagnosis",
        "has_history": True,
        "options": dict(zip("ABCDE", names, strict=True)),
        "correct_option": "B",
        "reader_votes": {"A": 0.12, "B": 0.62, "C": 0.1, "D": 0.11, "E": 0.06},
        "reader_accuracy": 0.62,
    }


def test_what_a_case_lacks_is_not_in_its_metadata() -> None:
    bare = Case(id=1, history="What?", reference="Gout", question_type="other")
    assert case_to_sample(bare, [IMAGE], "both").metadata == {
        "case_id": 1,
        "question_type": "other",
    }


def test_image_alone_keeps_the_history_for_the_judge() -> None:
    (text,) = content(case_to_sample(case(), [], "history"))
    assert text.type == "text"
    sample = case_to_sample(case(), [IMAGE], "image")
    assert [part.type for part in content(sample)] == ["image"]
    assert sample.metadata["withheld_history"] == case().history


def test_image_alone_keeps_another_question_than_for_a_diagnosis() -> None:
    other = case(question="A child is febrile. Which vector?")
    text, image = content(case_to_sample(other, [IMAGE], "image"))
    assert (text.text, image.type) == ("Which vector?", "image")
    silent = Case(id=7, history="A toe.", reference="Gout", question_type="other")
    with pytest.raises(NejmInspectError, match=r"Case 7 .* no question of its own"):
        case_to_sample(silent, [IMAGE], "image")


def source(*missing: int) -> CaseSource:
    cases = [Case.model_validate(nejm_record(number)) for number in (1, 2, 3)]

    def images(wanted: Any) -> CaseImages:
        found = {c.id: [IMAGE] for c in wanted if c.id not in missing}
        return CaseImages(found, dict.fromkeys(missing, "HTTP 403"))

    return CaseSource("test", cases, images, "give your own; ")


def test_missing_images_stop_with_one_message_or_are_skipped() -> None:
    one_left, none_left = source(1, 3), source(1, 2, 3)
    with pytest.raises(NejmInspectError) as error:
        cases_to_dataset(one_left, one_left.cases, "both", "error")
    message = str(error.value)
    assert "2 of 3 cases" in message
    assert "case 1: HTTP 403\n  case 3: HTTP 403" in message
    for way in ("run the same command again", "give your own", "missing_images=skip"):
        assert way in message
    dataset, skipped = cases_to_dataset(one_left, one_left.cases, "both", "skip")
    assert [sample.id for sample in dataset] == [2]
    assert skipped == {1: "HTTP 403", 3: "HTTP 403"}
    with pytest.raises(NejmInspectError, match="3 of 3 cases"):
        cases_to_dataset(none_left, none_left.cases, "both", "skip")
