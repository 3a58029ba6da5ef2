import json
from typing import Any

from nejm_inspect.cases.schema import OPTION_LETTERS, closing_question, question_type
from tests.case_list import read_stand_in

TEXTS = {"question", *(f"option_{letter}" for letter in OPTION_LETTERS)}


def facts(record: dict[str, Any]) -> dict[str, Any]:
    text = record["question"]
    question = closing_question(text)
    return {
        **{name: value for name, value in record.items() if name not in TEXTS},
        "question_type": question_type(text),
        "asks_nothing": question is None,
        "question_alone": question == text,
        "characters": len(text),
    }


def test_the_stand_in_has_the_facts_of_the_real_list_and_none_of_its_texts(
    real_records: list[dict[str, Any]],
) -> None:
    stand_in = json.loads(read_stand_in())
    assert [facts(record) for record in stand_in] == [facts(record) for record in real_records]
    invented, real = ({record[x] for record in r for x in TEXTS} for r in (stand_in, real_records))
    assert invented & real == {"What is the diagnosis?"}
