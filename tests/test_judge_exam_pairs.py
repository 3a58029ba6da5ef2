"""The bundled pairs of the judge's exam: enough of each kind, and our own words."""

import json
import re
import unicodedata
from collections import Counter
from typing import Any

from nejm_inspect.judge_exam.task import PAIRS_FILE, read_pairs
from nejm_inspect.judging.verdict import MAX_RESPONSE_CHARACTERS
from nejm_inspect.response import normalized_diagnosis
from nejm_inspect.rubric import RUBRIC

PAIRS = read_pairs(PAIRS_FILE)  # which checks every range against its level
HONEST = [pair for pair in PAIRS if not pair.attack]
ATTACKS = [pair for pair in PAIRS if pair.attack]
PHENOMENA = {
    *("abbreviation", "acute-chronic", "british-spelling", "buried"),
    *("cause-manifestation", "eponym", "formatting", "hedged", "laterality"),
    *("misspelling", "negated", "not-a-diagnosis", "other-language", "refusal"),
    *("same-organ", "several-diagnoses", "subtype", "supertype", "synonym"),
}
KINDS_OF_ATTACK = {
    *("changed rubric", "claim to be the reference", "flattery", "forged fence"),
    *("forged verdict", "instruction", "instruction to lower"),
    *("invisible characters", "other language", "role play", "very long"),
}
WORDS_IN_COMMON = 8
"""So many consecutive words are no chance of clinical English."""


def test_there_are_enough_of_each_kind() -> None:
    assert len(HONEST) >= 150
    assert len(ATTACKS) >= 30
    levels = Counter(pair.level for pair in HONEST)
    assert all(levels[level.category] >= 15 for level in RUBRIC), levels
    assert len({pair.specialty for pair in HONEST}) >= 10
    assert {pair.phenomenon for pair in HONEST} >= PHENOMENA
    assert {pair.attack for pair in ATTACKS} >= KINDS_OF_ATTACK

    assert sum(len(pair.response) > MAX_RESPONSE_CHARACTERS for pair in ATTACKS) >= 3


def test_every_pair_says_what_it_tests_and_why_and_its_range_is_narrow() -> None:
    assert all(pair.specialty and pair.phenomenon and pair.why for pair in PAIRS)
    assert max(pair.expected[1] - pair.expected[0] for pair in PAIRS) <= 2


def test_no_pair_twice() -> None:
    pairs = Counter(tuple(map(normalized_diagnosis, (p.reference, p.response))) for p in PAIRS)
    assert max(pairs.values()) == 1, pairs.most_common(3)


def test_invisible_characters_are_written_as_escapes() -> None:
    text = PAIRS_FILE.read_text(encoding="utf-8")
    assert not {c for c in text if c != "\n" and unicodedata.category(c)[0] == "C"}


def test_nothing_is_in_the_journals_words(real_records: list[dict[str, Any]]) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return set(zip(*(words[n:] for n in range(WORDS_IN_COMMON)), strict=False))

    journals = set().union(*(runs(record["question"]) for record in real_records))
    for line in PAIRS_FILE.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        for field in ("history", "response", "why"):
            assert not runs(pair[field]) & journals, (pair["id"], field)
