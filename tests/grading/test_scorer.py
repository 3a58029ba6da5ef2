"""Grades in Inspect's logs, by `inspect score`."""

import json
import math
from pathlib import Path
from statistics import fmean
from subprocess import CompletedProcess
from typing import Any

import pytest
from inspect_ai.log import read_eval_log

from nejm_inspect.grading.design import Design
from nejm_inspect.grading.drawing import draw
from nejm_inspect.grading.grades import read_grades
from nejm_inspect.report.reading import read_logs
from tests.runs import inspect, logs

SCORER = ("--scorer", "nejm_inspect/physician_grades", "--action", "append", "--output-file")


def score(log: str, to: Path, *files: Path) -> CompletedProcess[str]:
    return inspect("score", log, *SCORER, to, "-S", f"grades={','.join(map(str, files))}")


def test_grades_stand_beside_the_judges_points(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "unused")
    runs, responses, _ = read_logs([run])
    files, given = [tmp_path / "1.json", tmp_path / "2.json"], dict[str, list[int | None]]()
    for rater, own in enumerate(draw(runs, responses, Design(8, 2, 4, 1)), start=1):
        rows = own[["draw", "response_id"]].assign(rater=rater, remark="hm").to_dict("records")
        for row, uuid, points in zip(rows, own["uuid"], [None, 10, 9, 4, 0, 6], strict=True):
            row |= {"points": points, "cannot_judge": points is None}
            given.setdefault(uuid, []).append(points)
        files[rater - 1].write_text(json.dumps(rows))
    means: list[float] = []
    graded = tmp_path / "graded"
    for log in (one.location for one in logs(run)):
        done = score(log, graded / Path(log).name, *files)
        assert done.returncode == 0, done.stdout + done.stderr
        scored = read_eval_log(str(graded / Path(log).name))
        found: dict[str, Any] = {
            str(sample.uuid): sample.scores["physician_grades"]
            for sample in scored.samples or []
            if sample.scores and sample.scores["diagnosis_rubric"].value == 7
            if "physician_grades" in sample.scores
        }
        assert {*found} == {*given} & {str(sample.uuid) for sample in scored.samples or []}
        here = []
        for uuid, one in found.items():
            assert [*one.metadata.values()] == given[uuid]
            assert "hm" in one.explanation
            points = [number for number in given[uuid] if number is not None]
            assert one.value == fmean(points) if points else math.isnan(one.value)
            here += [fmean(points)] if points else []
        assert scored.results
        told = next(s for s in scored.results.scores if s.name == "physician_grades")
        assert told.metrics["overall_score"].value == pytest.approx(fmean(here) / 10)
        means += here
    assert len(means) >= 6
    # The logs have not been judged anew.
    runs, responses, _ = read_logs([str(graded)])
    assert len(read_grades([str(file) for file in files], runs, responses)) == 12

    done = score(log, tmp_path / "not.eval", Path("none.csv"))
    assert done.returncode == 1
    assert "none.csv cannot be read as grades" in done.stderr
    assert "Traceback" not in done.stderr
