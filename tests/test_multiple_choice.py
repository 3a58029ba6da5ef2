"""The multiple-choice task, run by Inspect's real `eval()`."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Target, choice
from inspect_ai.solver import Generate, Solver, TaskState, solver

from nejm_inspect import nejm_multiple_choice, random_option, reader_vote
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.multiple_choice import choose_option
from tests.loopback import Call, Journal, OpenRouter, encoded, picture, tool_call
from tests.runs import EXAMINEE, metric

LETTERS = "ABCDE"


@solver
def oracle() -> Solver:
    """Always right: shows that options, targets and scores go together."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        letter = Target(state.target).text
        state.choices.mark_choice(LETTERS.index(letter), True)
        state.output = ModelOutput.from_content("oracle", f"ANSWER: {letter}")
        return state

    return solve


def posed(record: dict[str, Any]) -> str:
    """How a case ends in the prompt."""
    options = [f"{x}) {record[f'option_{x}'].strip()}" for x in LETTERS]
    return "\n".join([record["question"].strip(), "", *options])


def test_options_in_their_order_and_the_image_last(
    journal: Journal, openrouter: OpenRouter, case_records: list[dict[str, Any]]
) -> None:
    openrouter.examinee = lambda call: "ANSWER: A"
    (log,) = eval(nejm_multiple_choice(sample_size=1), model=EXAMINEE)
    record = next(r for r in case_records if r["image_id"] == 655)
    (call,) = openrouter.calls
    (message,) = call.payload["messages"]
    text, image = message["content"]
    assert (text["type"], image["type"]) == ("text", "image_url")
    assert text["text"].endswith(posed(record))
    sample = log.samples[0]
    assert sample.target == record["correct_answer"]
    votes = int(record[f"option_{record['correct_answer']}_votes"].rstrip("%")) / 100
    assert sample.metadata["reader_accuracy"] == votes
    assert metric(log, "accuracy") == float(record["correct_answer"] == "A")


def test_a_model_that_asks_for_a_tool_is_asked_once(openrouter: OpenRouter) -> None:
    openrouter.examinee = lambda call: tool_call()
    (log,) = eval(nejm_multiple_choice(cases="demo"), model=EXAMINEE)
    assert metric(log, "accuracy") == 0
    assert len(openrouter.calls) == 12


def test_a_response_that_fails_in_its_middle_is_asked_for_again(openrouter: OpenRouter) -> None:
    begun = {"content": "ANSWER: A", "finish_reason": "error"}
    openrouter.examinee = lambda call: "ANSWER: B" if len(openrouter.calls) > 1 else begun
    (log,) = eval(nejm_multiple_choice(cases="demo", sample_size=1), model=EXAMINEE)
    assert log.samples[0].scores["choice"].answer == "B"
    assert [message.role for message in log.samples[0].messages] == ["user", "assistant"]


def test_reasoning_is_asked_for_and_the_models_own_words_are_kept(openrouter: OpenRouter) -> None:
    reply = "<thought>A or B?</thought>It is B or C.\nANSWER: B"
    openrouter.examinee = lambda call: reply
    own = [Sample(input="A toe?", choices=["Gout", "Lupus"], target="B")]
    for task in (
        nejm_multiple_choice(cases="demo", sample_size=1, cot=True),
        Task(dataset=own, solver=choose_option(cot=True), scorer=choice()),
    ):
        (log,) = eval(task, model=EXAMINEE)
        assert "step by step" in openrouter.calls[-1].text
        (sample,) = log.samples
        assert sample.scores["choice"].answer == "B"
        assert sample.output.completion == sample.messages[-1].text == reply


def test_a_letter_in_the_thinking_is_not_chosen(openrouter: OpenRouter) -> None:
    thought = "".join(f"ANSWER: {letter}\n" for letter in LETTERS)
    for reply, answer in (
        (f"<think>{thought}", ""),
        ("ANSWER: A</think>None.", ""),
        ("ANSWER: B</think>ANSWER: C", "C"),
    ):
        openrouter.examinee = lambda call, reply=reply: reply
        (log,) = eval(nejm_multiple_choice(cases="demo", sample_size=1), model=EXAMINEE)
        assert log.samples[0].scores["choice"].answer == answer
        assert log.samples[0].output.completion == reply, "as written"


def test_the_hard_fifty_with_recorded_letters(
    journal: Journal, openrouter: OpenRouter, case_records: list[dict[str, Any]]
) -> None:
    def recorded(record: dict[str, Any]) -> str:
        # Right half of the time, always the same.
        draw = random.Random(record["image_id"])
        return record["correct_answer"] if draw.random() < 0.5 else draw.choice(LETTERS)

    def answer(call: Call) -> str:
        (record,) = (r for r in case_records if call.text.endswith(posed(r)))
        return f"ANSWER: {recorded(record)}"

    openrouter.examinee = answer
    (log,) = eval(nejm_multiple_choice(difficulty="hard"), model=EXAMINEE)
    ids = [sample.id for sample in log.samples]
    records = {record["image_id"]: record for record in case_records}
    drawn = [records[int(id)] for id in ids]
    right = sum(recorded(record) == record["correct_answer"] for record in drawn)
    assert 20 < right < 40
    assert metric(log, "accuracy") == right / 50
    assert metric(log, "hard_accuracy") == right / 50
    bare = sum(record["relevant_context"] == "no" for record in drawn)
    assert metric(log, "without_history_n") == bare
    assert metric(log, "with_history_n") == 50 - bare
    expert = [record for record in drawn if record["brier_score"] >= 0.123]
    share = sum(recorded(r) == r["correct_answer"] for r in expert) / len(expert)
    assert metric(log, "expert_accuracy") == pytest.approx(share)
    assert metric(log, "lower") < right / 50 < metric(log, "upper")


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"sample_size": None}, 862),  # as the list itself says
        ({"difficulty": "hard", "shuffle_options": 3}, None),
    ],
)
def test_readers_pluralities(
    journal: Journal, case_records: list[dict[str, Any]], options: dict[str, Any], known: int | None
) -> None:
    task = nejm_multiple_choice(inputs="history", **options)
    (log,) = eval(task, model="none", solver=reader_vote(), log_samples=False)
    ids = log.eval.dataset.sample_ids
    records = [record for record in case_records if record["image_id"] in ids]
    voted = sum(record["option_most_voted"] == record["correct_answer"] for record in records)
    assert known in (None, voted)
    assert metric(log, "accuracy") == voted / len(ids)
    assert not journal.image_requests


def test_one_reader_is_drawn_by_the_votes(journal: Journal) -> None:
    def accuracy(seed: int) -> float:
        task = nejm_multiple_choice(sample_size=100, inputs="history")
        (log,) = eval(task, model="none", solver=reader_vote(mode="sample", seed=seed))
        readers = [sample.metadata["reader_accuracy"] for sample in log.samples]
        # Three standard errors around what the votes lead to expect.
        assert abs(metric(log, "accuracy") - sum(readers) / 100) < 3 * 0.5 / 100**0.5
        return metric(log, "accuracy")

    assert accuracy(1) == accuracy(1)


def test_inputs_on_the_wire(journal: Journal, openrouter: OpenRouter) -> None:
    openrouter.examinee = lambda call: "ANSWER: A"

    def run(inputs: str, question_type: str) -> EvalLog:
        openrouter.calls.clear()
        options = {"sample_size": 3, "question_type": question_type}
        (log,) = eval(nejm_multiple_choice(inputs=inputs, **options), model=EXAMINEE)
        return log

    run("history", "diagnosis")
    assert not journal.image_requests
    assert not any(call.images for call in openrouter.calls)
    histories = [call.text for call in openrouter.calls]

    log = run("image", "diagnosis")
    assert [len(call.images) for call in openrouter.calls] == [1, 1, 1]
    for sample, call in zip(log.samples, openrouter.calls, strict=True):
        withheld = sample.metadata["withheld_history"]
        assert any(withheld in history for history in histories)
        assert withheld[:40] not in call.text
        assert "What is the single most likely diagnosis?\n\nA) " in call.text

    run("image", "other")  # which keeps a case's own question
    for call in openrouter.calls:
        assert "?\n\nA) " in call.text
        assert "most likely diagnosis?\n\nA) " not in call.text


def test_shuffled_options_take_their_targets_along() -> None:
    plain = nejm_multiple_choice(cases="demo")
    shuffled = nejm_multiple_choice(cases="demo", shuffle_options=7)
    moved = 0
    for before, after in zip(plain.dataset, shuffled.dataset, strict=True):
        assert sorted(before.choices) == sorted(after.choices)
        moved += before.choices != after.choices
        for sample in (before, after):
            right = sample.metadata["options"][sample.metadata["correct_option"]]
            assert sample.choices[LETTERS.index(Target(sample.target).text)] == right
    assert moved > 6
    (log,) = eval(shuffled, model="none", solver=oracle())
    assert metric(log, "accuracy") == 1
    # The same order on any machine.
    five = nejm_multiple_choice(cases="demo", sample_size=5, shuffle_options=7).dataset
    assert [sample.target for sample in five] == ["B", "D", "B", "A", "D"]


def test_epochs() -> None:
    (log,) = eval(
        nejm_multiple_choice(cases="demo"), model="none", solver=random_option(), epochs=3
    )
    values = [sample.scores["choice"].value == "C" for sample in log.samples]
    assert len(values) == 36
    assert metric(log, "accuracy") == pytest.approx(sum(values) / 36)


def test_cases_without_options_or_votes_are_named(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(picture(), "PNG"))
    case = {"id": "own", "history": "A toe.", "reference": "Gout", "image": "1.png"}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([case]))
    with pytest.raises(NejmInspectError, match="Case own has no options"):
        nejm_multiple_choice(cases=str(file), sample_size=1)
    task = nejm_multiple_choice(cases="demo", sample_size=1)
    (log,) = eval(task, model="none", solver=reader_vote())
    assert "has no reader votes" in log.error.message


@pytest.mark.parametrize(
    ("build", "parameters", "message"),
    [
        (nejm_multiple_choice, {"shuffle_options": "yes"}, "shuffle_options='yes'"),
        (nejm_multiple_choice, {"cot": 2}, "cot=2"),
        (nejm_multiple_choice, {"difficulty": "tough"}, "difficulty='tough'"),
        (reader_vote, {"mode": "best"}, "mode='best'"),
    ],
)
def test_bad_parameters(build: Any, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(NejmInspectError, match=message):
        build(**parameters)
