"""One way to make logs: runs of scripted responses, written as Inspect writes them."""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai import log as inspect_log
from inspect_ai.model import ModelConfig, ModelUsage
from inspect_ai.scorer import Score

from nejm_inspect.report import build_report
from nejm_inspect.report.chapter import Chapter, Options
from nejm_inspect.report.comparing import chapters_of
from nejm_inspect.report.page import Report, Told
from nejm_inspect.report.reading import read_logs
from nejm_inspect.report.sections.section import Section

Given = float | None | str
"""Points; None: unscored; "error": a sample's error."""

JUDGE = "openrouter/j/judge"


class Logs:
    """Writes logs into a folder and reads reports of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.count = 0

    def write(
        self,
        model: str,
        given: Sequence[Given | Sequence[Given]],
        *,
        judge: str = JUDGE,
        scorer: str = "diagnosis_rubric",
        task: str = "nejm_image_challenge",
        score: Callable[[int], Mapping[str, Any]] | None = None,
        case: Callable[[int], Mapping[str, Any]] | None = None,
        scores: Callable[[int], dict[str, Score]] = lambda n: {},
        sample: Callable[[int], Mapping[str, Any]] = lambda n: {},
        ids: Sequence[int] | None = None,
        **spec: Any,
    ) -> inspect_log.EvalLog:
        """A run: for each case its points, or those of its epochs.

        `score`, `case` and `sample` add to the metadata of the score and of the case, and to the
        fields of the sample, by the case's place.
        """
        self.count += 1
        eval_id = spec.pop("eval_id", f"eval-{self.count}")
        epochs = [g if isinstance(g, list | tuple) else [g] for g in given]
        ids = ids or range(1, len(epochs) + 1)
        samples = []
        for n, row in enumerate(epochs):
            more = case(n) if case else {}
            told = score(n) if score else {}
            for epoch, points in enumerate(row, start=1):
                value: Any = math.nan if points is None else points
                metadata = {"judge": judge, "attempts": 1, **told}
                words = {"answer": f"response {n}", "explanation": f"because {n}"}
                own = Score(value=value, metadata=metadata, **words)
                fields = {"input": f"history {n}", "target": f"reference {n}"}
                fields["uuid"] = f"{eval_id}-{n}-{epoch}"
                fields |= {"metadata": _case(n) | dict(more), "scores": {scorer: own, **scores(n)}}
                if points == "error":
                    boom = {"message": "boom", "traceback": "", "traceback_ansi": ""}
                    fields |= {"scores": None, "error": boom}
                samples.append(
                    inspect_log.EvalSample(id=ids[n], epoch=epoch, **{**fields, **sample(n)})
                )
        created = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        created += datetime.timedelta(hours=self.count)
        arguments = spec.pop("task_args", {"cases": "demo", "inputs": "both"})
        status, names = spec.pop("status", "success"), spec.pop("results", [scorer])
        results = inspect_log.EvalResults(
            scores=[inspect_log.EvalScore(name=name, scorer=scorer) for name in names]
        )
        spec.setdefault("scorers", [{"name": scorer}])
        usage = spec.pop("usage", {model: ModelUsage(input_tokens=7, output_tokens=3)})
        day = created.isoformat()
        by_role = spec.pop("role_usage", {})
        log = inspect_log.EvalLog(
            status=status,
            eval=inspect_log.EvalSpec(
                eval_id=eval_id,
                run_id="r",
                task_id=spec.pop("task_id", f"task-{self.count}"),
                created=day,
                task=task,
                task_version="3-B",
                task_args=arguments,
                model=model,
                model_roles={"grader": [ModelConfig(model=one) for one in judge.split(", ")]},
                dataset=inspect_log.EvalDataset(
                    name=spec.pop("dataset", "demo"), samples=len(epochs), sample_ids=list(ids)
                ),
                config=inspect_log.EvalConfig(
                    epochs=max(map(len, epochs)), epochs_reducer=spec.pop("reducer", None)
                ),
                metadata=spec.pop("metadata", {"prompt_version": 3}),
                **spec,
            ),
            plan=inspect_log.EvalPlan(
                steps=[inspect_log.EvalPlanStep(solver="nejm_inspect/diagnose", params={})]
            ),
            results=None if status == "started" else results,  # an unfinished run has none
            stats=inspect_log.EvalStats(
                started_at=day, completed_at=day, model_usage=usage, role_usage=by_role
            ),
            samples=samples,
        )
        log.location = str(self.folder / f"{self.count:03}.eval")
        inspect_log.write_eval_log(log, log.location)
        return log

    def chapters(
        self, exams: Sequence[str] = (), grades: pd.DataFrame | None = None, **options: Any
    ) -> list[Chapter]:
        chosen = Options(**options)
        full = chosen.with_texts or bool(chosen.cutoffs)
        runs, responses, _ = read_logs([str(self.folder)], exams, full)
        return chapters_of(runs, responses, chosen, grades=grades)

    def report(self, exams: Sequence[str] = (), **options: Any) -> Report:
        return build_report(self.chapters(exams, **options))

    def told(self, **options: Any) -> Told:
        (told,) = self.report(**options).chapters
        return told


def _case(n: int) -> dict[str, Any]:
    return {
        "date": f"20{10 + n % 10}-05-01",
        "year": 2010 + n % 10,
        "difficulty": ("easy", "medium", "hard", "expert")[n % 4],
        "brier_score": (0.02, 0.06, 0.1, 0.15)[n % 4],
        "question_type": "diagnosis" if n % 3 else "other",
        "has_history": n % 2 == 0,
        "reader_accuracy": 0.4 + n % 5 / 20,
    }


def section(told: Told, title: str) -> Section:
    return next(one for one in told.sections if one.title == title)


def frame(told: Told, name: str) -> pd.DataFrame:
    """The frame of the tables of a name."""
    tables = [table for one in told.sections for table in one.tables]
    return pd.concat([table.frame for table in tables if table.name == name])


def findings(told: Told) -> str:
    return "\n".join(one.lead + one.rest for one in told.findings)


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path / "logs")
