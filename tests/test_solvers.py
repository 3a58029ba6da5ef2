"""The solvers, run by Inspect's real `eval()`."""

from collections import Counter
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from inspect_ai.solver import use_tools
from inspect_ai.tool import Tool, tool

from nejm_inspect import diagnose, random_option, reader_vote, verbatim_diagnosis
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, SYSTEM_PROMPT
from tests.loopback import OpenRouter, encoded, picture, tool_call
from tests.runs import EXAMINEE

OPTIONS = {"A": "Gout", "B": "Lupus", "C": "Mumps", "D": "Rabies", "E": "Scurvy"}


def run(*samples: Sample, solver: Any, model: str | None = EXAMINEE, **options: Any) -> EvalLog:
    task = Task(dataset=list(samples), solver=solver, scorer=verbatim_diagnosis())
    (log,) = eval(task, model=model, **options)
    return log


def toe(**metadata: Any) -> Sample:
    return Sample(input="A toe.", target="Gout", id=9, metadata=metadata)


@pytest.mark.parametrize(
    ("question_type", "closing"), [("diagnosis", [("user", DIAGNOSIS_QUESTION)]), ("other", [])]
)
def test_prompts_go_before_and_behind_the_case(
    openrouter: OpenRouter, tmp_path: Any, question_type: str, closing: list[Any]
) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(encoded(picture()))
    content = [ContentText(text="A swollen toe."), ContentImage(image=str(path))]
    sample = Sample(
        input=[ChatMessageUser(content=[*content])],
        target="Gout",
        metadata={"question_type": question_type},
    )
    log = run(sample, solver=diagnose())
    (call,) = openrouter.calls
    system, user = call.payload["messages"]
    assert system == {"role": "system", "content": SYSTEM_PROMPT}
    sent = [(user["role"], part.get("text", "image")) for part in user["content"]]
    assert sent == [("user", "A swollen toe."), ("user", "image"), *closing]
    (message,) = log.samples[0].input
    assert len(message.content) == 2, "the input stays free of prompts"


def test_a_bare_question_of_another_dataset(openrouter: OpenRouter) -> None:
    run(Sample(input="A swollen toe.", target="Gout"), solver=diagnose())
    (call,) = openrouter.calls
    _, user = call.payload["messages"]
    assert [part["text"] for part in user["content"]] == ["A swollen toe.", DIAGNOSIS_QUESTION]


@tool
def search() -> Tool:
    async def execute(query: str) -> str:
        """Searches the web.

        Args:
            query: What for.
        """
        return "Gout"

    return execute


def test_the_examinee_is_offered_no_tools_and_asked_once(openrouter: OpenRouter) -> None:
    openrouter.examinee = lambda call: tool_call("search")
    samples = [Sample(input="A toe.", target="Gout", id=n) for n in range(5)]
    log = run(*samples, solver=[use_tools(search()), diagnose()])
    assert log.status == "success"
    assert len(openrouter.calls) == 5
    assert not any("tools" in call.payload for call in openrouter.calls)


def test_a_diagnosis_beside_a_tool_call_counts(openrouter: OpenRouter) -> None:
    openrouter.examinee = lambda call: {**tool_call(), "content": "Gout"}
    log = run(toe(), solver=diagnose())
    assert log.samples[0].scores["verbatim_diagnosis"].value == 10


def random_responses(seed: int, epochs: int = 1) -> list[str]:
    samples = [toe(options=OPTIONS).model_copy(update={"id": n}) for n in range(100)]
    log = run(*samples, solver=random_option(seed=seed), model=None, epochs=epochs)
    assert log.status == "success"
    ordered = sorted(log.samples, key=lambda s: (s.epoch, s.id))
    return [sample.output.completion for sample in ordered]


def test_random_option_names_every_option_and_is_repeatable() -> None:
    twice = random_responses(1, epochs=2)
    first, second = twice[:100], twice[100:]
    assert set(first) == set(OPTIONS.values())
    assert max(Counter(first).values()) < 40
    assert first != second  # drawn anew in each epoch
    assert random_responses(1) == first
    assert random_responses(2) != first


def test_reader_vote_responds_in_words_where_there_are_no_choices() -> None:
    votes = dict(zip(OPTIONS, (0.1, 0.5, 0.2, 0.1, 0.1), strict=True))
    log = run(toe(options=OPTIONS, reader_votes=votes), solver=reader_vote(), model=None)
    assert log.samples[0].output.completion == OPTIONS["B"]


@pytest.mark.parametrize(
    ("solver", "sample", "message"),
    [
        (random_option(), toe(), "case 9 has no options"),
        (
            reader_vote(),
            toe(options=OPTIONS, reader_votes=dict.fromkeys(OPTIONS, 0.0)),
            "case 9 has no reader votes",
        ),
    ],
    ids=["options", "votes"],
)
def test_baselines_guess_nothing(solver: Any, sample: Sample, message: str) -> None:
    log = run(sample, solver=solver, model=None)
    assert log.error
    assert message in log.error.message
