"""Runs of models with scripted points."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval

from nejm_inspect import nejm_image_challenge
from tests.loopback import OpenRouter
from tests.report.logs import Points, judge_by


@pytest.fixture
def run(openrouter: OpenRouter, tmp_path: Path) -> Callable[..., str]:
    """Runs models on the demo cases with scripted points; gives the log folder."""
    openrouter.examinee = lambda call: f"Answer of {call.model}\n"

    def run(points: Points, epochs: int = 1, **task: Any) -> str:
        openrouter.judge = judge_by(points)
        models = [f"openrouter/{name}" for name in points]
        options = {"cases": "demo", "sample_size": None, **task}
        for model in models:  # one after the other, so that logs have an order
            eval(nejm_image_challenge(**options), model=model, epochs=epochs)
        return str(tmp_path / "logs")

    return run
