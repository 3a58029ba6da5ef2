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

from nejm_inspect import diagnose, diagnosis_rubric, random_option, reader_vote, verbatim_diagnosis
from nejm_inspect.judging.preflight import preflight
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, SYSTEM_PROMPT
from tests.loopback import OpenRouter, encoded, picture, tool_call

EXAMINEE = "openrouter/google/gemini-3-pro-preview"
OPTIONS = {"A": "Gout", "B": "Lupus", "C": "Mumps", "D": "Rabies", "E": "Scurvy"}


def run(*samples: Sample, solver: Any, **options: Any) -> EvalLog:
    (log,) = eval(
        Task(dataset=list(samples), solver=solver, scorer=verbatim_diagnosis()), **options
    )
    return log


def content_sent(openrouter: OpenRouter) -> list[tuple[str, str]]:
    """Role and text (or "image") of every part of the only request."""
    (call,) = openrouter.calls
    return [
        (message["role"], part.get("text", "image"))
        for message in call.payload["messages"]
        for part in (
            [{"text": message["content"]}]
            if isinstance(message["content"], str)
            else message["content"]
        )
    ]


@pytest.fixture
def image_file(tmp_path: Any) -> str:
    path = tmp_path / "1.jpg"
    path.write_bytes(encoded(picture()))
    return str(path)


def case(image: str, **metadata: Any) -> Sample:
    message = ChatMessageUser(
        content=[ContentText(text="A swollen toe."), ContentImage(image=image)]
    )
    return Sample(input=[message], target="Gout", metadata=metadata)


def test_prompts_go_before_and_behind_the_case(openrouter: OpenRouter, image_file: str) -> None:
    sample = case(image_file, question_type="diagnosis")
    log = run(sample, solver=diagnose(), model=EXAMINEE)
    assert content_sent(openrouter) == [
        ("system", SYSTEM_PROMPT),
        ("user", "A swollen toe."),
        ("user", "image"),
        ("user", DIAGNOSIS_QUESTION),
    ]
    assert log.samples
    (message,) = log.samples[0].input
    assert not isinstance(message, str)
    assert len(message.content) == 2, "the input stays free of prompts"


def test_another_question_stands_alone(openrouter: OpenRouter, image_file: str) -> None:
    run(case(image_file, question_type="other"), solver=diagnose(), model=EXAMINEE)
    assert content_sent(openrouter)[1:] == [("user", "A swollen toe."), ("user", "image")]


def test_a_bare_question_of_another_dataset(openrouter: OpenRouter) -> None:
    sample = Sample(input="A swollen toe.", target="Gout")
    run(sample, solver=diagnose(), model=EXAMINEE)
    texts = [text for _, text in content_sent(openrouter)]
    assert texts == [SYSTEM_PROMPT, "A swollen toe.", DIAGNOSIS_QUESTION]


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
    log = run(
        *(Sample(input="A toe.", target="Gout", id=n) for n in range(5)),
        solver=[use_tools(search()), diagnose()],
        model=EXAMINEE,
    )
    assert log.status == "success"
    assert len(openrouter.calls) == 5
    assert not any("tools" in call.payload for call in openrouter.calls)


def test_a_diagnosis_beside_a_tool_call_counts(openrouter: OpenRouter) -> None:
    openrouter.examinee = lambda call: {**tool_call(), "content": "Gout"}
    log = run(Sample(input="A toe.", target="Gout"), solver=diagnose(), model=EXAMINEE)
    assert log.samples
    assert (log.samples[0].scores or {})["verbatim_diagnosis"].value == 10


def test_a_task_of_ones_own_can_require_the_judge(openrouter: OpenRouter) -> None:
    task = Task(
        dataset=[Sample(input="A swollen toe.", target="Gout")],
        setup=preflight(),
        scorer=diagnosis_rubric(),
    )
    (log,) = eval(task, model=EXAMINEE, model_roles={"grader": "openrouter/a/b"})
    assert log.status == "success"
    assert [call.model for call in openrouter.judge_calls] == ["a/b"]


def random_answers(seed: int, epochs: int = 1) -> list[str]:
    samples = [
        Sample(input="A toe.", target="Gout", id=n, metadata={"options": OPTIONS})
        for n in range(100)
    ]
    log = run(*samples, solver=random_option(seed=seed), model=None, epochs=epochs)
    assert log.status == "success"
    ordered = sorted(log.samples or [], key=lambda s: (s.epoch, s.id))
    return [sample.output.completion for sample in ordered]


def test_random_option_names_every_option_and_is_repeatable() -> None:
    first = random_answers(1)
    assert set(first) == set(OPTIONS.values())
    assert max(Counter(first).values()) < 40
    assert random_answers(1) == first
    assert random_answers(2) != first


def test_reader_vote_answers_in_words_where_there_are_no_choices() -> None:
    votes = dict(zip(OPTIONS, (0.1, 0.5, 0.2, 0.1, 0.1), strict=False))
    metadata = {"options": OPTIONS, "reader_votes": votes}
    sample = Sample(input="A toe.", target="Gout", metadata=metadata)
    log = run(sample, solver=reader_vote(), model=None)
    assert log.samples
    assert log.samples[0].output.completion == OPTIONS["B"]


def test_reader_vote_guesses_nothing_from_no_votes() -> None:
    metadata = {"options": OPTIONS, "reader_votes": dict.fromkeys(OPTIONS, 0.0)}
    sample = Sample(input="A toe.", target="Gout", id=9, metadata=metadata)
    log = run(sample, solver=reader_vote(), model=None)
    assert log.error
    assert "case 9 has no reader votes" in log.error.message


def test_random_option_draws_anew_in_each_epoch() -> None:
    answers = random_answers(1, epochs=2)
    assert answers[:100] != answers[100:]


def test_random_option_needs_options() -> None:
    log = run(Sample(input="A toe.", target="Gout", id=9), solver=random_option(), model=None)
    assert log.status == "error"
    assert log.error
    assert "case 9 has no options" in log.error.message
