"""Scripted models and a scripted judge for the demo. What they say is invented."""

import functools
import json
from pathlib import Path
from typing import Any

import yaml
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from nejm_inspect.cases import open_source
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.judging.verdict import Question
from nejm_inspect.rubric import level_of

SCRIPT = Path(__file__).with_name("scripted.yaml")
MODELS = ("scripted-quokka", "scripted-numbat", "scripted-wombat")
JUDGE = "scripted-judge"
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for the token counts in the logs. Images are not counted."""


@functools.cache
def read_script() -> dict[str, dict[str, list[Any]]]:
    """Returns points, response and the judge's reasoning, by case and model; see the file."""
    return dict(yaml.safe_load(SCRIPT.read_text(encoding="utf-8")))


@functools.cache
def _replies() -> dict[tuple[str, str], str | None]:
    """Returns replies by the model and by a text that only prompts for this reply have."""
    replies: dict[tuple[str, str], str | None] = {}
    for case in open_source("demo").cases:
        for model, (points, response, reasoning) in read_script()[str(case.id)].items():
            replies[model, case.history] = response
            if response is None:
                continue
            token = Question(case.history, case.reference, response).token
            replies[JUDGE, token] = reasoning
            if points is not None:
                verdict = {"token": token, "reasoning": reasoning, "score": points}
                verdict["category"] = level_of(points).category
                replies[JUDGE, token] = json.dumps(verdict)
    return replies


@modelapi("nejm_inspect")
class ScriptedAPI(ModelAPI):
    """The provider of the scripted models, such as `nejm_inspect/scripted-quokka`."""

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Returns the scripted reply; raises `NejmInspectError` if the script has none."""
        prompt = "\n".join(message.text for message in input)
        for (model, key), reply in _replies().items():
            if model == self.model_name and key in prompt:
                output = ModelOutput.from_content(
                    model, reply or "", "content_filter" if reply is None else "stop"
                )
                read, written = (len(t) // CHARACTERS_PER_TOKEN for t in (prompt, reply or ""))
                output.usage = ModelUsage(
                    input_tokens=read, output_tokens=written, total_tokens=read + written
                )
                return output
        raise NejmInspectError(
            f"The script of {self.model_name} has no reply to this: scripted models know only the "
            "demo cases (cases=demo), and their judge only the scripted responses."
        )
