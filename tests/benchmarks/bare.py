"""A minimal Inspect task that makes the same calls with the same images as ours."""

import os
import re

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate


@scorer(metrics=[mean(), stderr()])
def judged() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        system, prompt = state.metadata["judge"]
        output = await get_model(role="grader").generate(
            [ChatMessageSystem(content=system), ChatMessageUser(content=prompt)],
            config=GenerateConfig(temperature=0, max_tokens=2_000),
        )
        points = re.search(r'"score": (\d+)', output.completion)
        return Score(value=int(points[1]) if points else 0, answer=state.output.completion)

    return score


@task
def bare() -> Task:
    cases = json_dataset(os.environ["BENCHMARK_CASES"])
    return Task(dataset=cases, solver=generate(), scorer=judged())
