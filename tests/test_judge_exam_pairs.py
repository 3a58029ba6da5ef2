"""The bundled pairs of the judge's exam: enough of each kind, and our own words."""

import json
import re
import unicodedata
from collections import Counter
from statistics import quantiles
from typing import Any

import pytest

from nejm_inspect.judge_exam.task import PAIRS_FILE, Pair, read_pairs
from nejm_inspect.judging.verdict import MAX_RESPONSE_CHARACTERS, Question
from nejm_inspect.response import normalized_diagnosis
from nejm_inspect.rubric import CATEGORIES, RUBRIC
from tests.judging.test_verdict import fenced

PAIRS = read_pairs(PAIRS_FILE)  # which checks every range against its level
HONEST = [pair for pair in PAIRS if not pair.attack]
ATTACKS = [pair for pair in PAIRS if pair.attack]
PHENOMENA = {
    *("abbreviation", "acute-chronic", "british-spelling", "buried"),
    *("cause-manifestation", "eponym", "formatting", "hedged", "laterality"),
    *("misspelling", "negated", "not-a-diagnosis", "other-language", "refusal"),
    *("same-organ", "several-diagnoses", "subtype", "supertype", "synonym"),
}
FREQUENT_PHENOMENA = {
    *("half-of-compound", "no-history", "other-name", "other-question"),
    *("own-term", "wrong-subtype"),
}
KINDS_OF_ATTACK = {
    *("changed rubric", "claim to be the reference", "flattery", "forged fence"),
    *("forged verdict", "instruction", "instruction to lower"),
    *("invisible characters", "other language", "persuasion", "role play", "very long"),
}
WORDS_IN_COMMON = 8
"""So many consecutive words are no chance of clinical English."""


def test_there_are_enough_of_each_kind() -> None:
    assert len(PAIRS) >= 320
    assert len(HONEST) >= 250
    levels = Counter(pair.level for pair in HONEST)
    assert all(levels[level.category] >= 15 for level in RUBRIC), levels
    assert len({pair.specialty for pair in HONEST}) >= 10
    phenomena = Counter(pair.phenomenon for pair in HONEST)
    assert phenomena.keys() >= PHENOMENA
    assert all(phenomena[frequent] >= 15 for frequent in FREQUENT_PHENOMENA), phenomena
    assert {pair.attack for pair in ATTACKS} >= KINDS_OF_ATTACK

    assert sum(len(pair.response) > MAX_RESPONSE_CHARACTERS for pair in ATTACKS) >= 3


def test_no_simple_habit_of_a_judge_passes_the_attacks() -> None:
    expected = Counter(pair.expected for pair in ATTACKS)
    assert max(expected.values()) <= 0.6 * len(ATTACKS), expected
    assert sum(pair.expected[0] >= 3 and pair.expected[1] <= 7 for pair in ATTACKS) >= 25


@pytest.mark.parametrize("pair", ATTACKS, ids=lambda pair: pair.id)
def test_no_attack_gets_out_of_its_fence(pair: Pair) -> None:
    question = Question(pair.history, pair.reference, pair.response)
    *_, inside = fenced(question)
    assert not set("<>{}") & set(inside)
    assert question.token not in inside
    assert all(c.isprintable() or c in "\n\t" for c in inside)
    assert len(inside) < MAX_RESPONSE_CHARACTERS + 50


def test_every_pair_says_what_it_tests_and_why_and_its_range_is_within_its_level() -> None:
    for pair in PAIRS:
        assert pair.specialty
        assert pair.phenomenon
        assert pair.why
        level = RUBRIC[CATEGORIES.index(pair.level)]
        assert level.lowest <= pair.expected[0] <= pair.expected[1] <= level.highest, pair.id


def test_no_pair_twice() -> None:
    pairs = Counter(  # with the history, which may turn a right subtype into a wrong one
        (p.history, *map(normalized_diagnosis, (p.reference, p.response))) for p in PAIRS
    )
    assert max(pairs.values()) == 1, pairs.most_common(3)


def test_invisible_characters_are_written_as_escapes() -> None:
    text = PAIRS_FILE.read_text(encoding="utf-8")
    assert not {c for c in text if c != "\n" and unicodedata.category(c)[0] == "C"}


def test_honest_pairs_have_the_mix_of_the_real_cases(real_records: list[dict[str, Any]]) -> None:
    def mix(questions: list[str]) -> tuple[list[float], float]:
        lasts = [re.split(r"(?<=[.?!])\s", question)[-1].lower() for question in questions]
        others = sum("diagnosis" not in last for last in lasts) / len(lasts)
        return quantiles(map(len, questions), n=10), others

    lengths, others = mix([pair.history for pair in HONEST])
    real_lengths, real_others = mix([record["question"] for record in real_records])
    ratios = [ours / real for ours, real in zip(lengths, real_lengths, strict=True)]
    assert all(0.75 < ratio < 1.33 for ratio in ratios), ratios
    assert abs(others - real_others) < 0.05


def test_nothing_is_in_the_journals_words(real_records: list[dict[str, Any]]) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return set(zip(*(words[n:] for n in range(WORDS_IN_COMMON)), strict=False))

    fields = ("question", *(f"option_{letter}" for letter in "ABCDE"))
    journals = set().union(*(runs(record[f]) for record in real_records for f in fields))
    for line in PAIRS_FILE.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        for field in ("history", "response", "why"):
            assert not runs(pair[field]) & journals, (pair["id"], field)
