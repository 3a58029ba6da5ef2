"""Our task beside another package's, and our scorer on somebody else's dataset."""

import sys
from pathlib import Path

import pytest
from inspect_ai import eval_set
from inspect_ai.log import EvalLog, read_eval_log

from nejm_inspect import nejm_image_challenge
from tests.loopback import OpenRouter, verdict
from tests.runs import EXAMINEE

WARD_ROUND = """\
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from nejm_inspect import diagnosis_rubric

@task
def ward_round() -> Task:
    samples = [
        Sample(input="A hot, swollen big toe. Diagnosis?", target="Gout"),
        Sample(input="A ring around the cornea. Diagnosis?", target="Wilson's disease"),
    ]
    return Task(dataset=samples, scorer=diagnosis_rubric())
"""


def overall_score(log: EvalLog) -> float:
    return log.results.scores[0].metrics["overall_score"].value


def test_an_eval_set_with_the_task_of_another_package(
    openrouter: OpenRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hospital_ward.py").write_text(WARD_ROUND)
    monkeypatch.syspath_prepend(str(tmp_path))
    from hospital_ward import ward_round  # type: ignore[import-not-found]

    openrouter.judge = lambda call: verdict(10 if ">\nGout\n</reference" in call.text else 4)
    success, logs = eval_set(
        [nejm_image_challenge(cases="demo", sample_size=3), ward_round()],
        model=EXAMINEE,
        log_dir=str(tmp_path / "set"),
    )
    assert success
    by_task = {log.eval.task: read_eval_log(log.location) for log in logs}
    # Bare samples: no id, no metadata, the text as it is. Both judged by one judge.
    assert overall_score(by_task["ward_round"]) == pytest.approx(0.7)
    assert overall_score(by_task["nejm_inspect/nejm_image_challenge"]) == pytest.approx(0.4)
    assert len(openrouter.judge_calls) == 5
    histories = [call.text for call in openrouter.judge_calls]
    assert sum(">\nA hot, swollen big toe." in text for text in histories) == 1
    sys.modules.pop("hospital_ward")
