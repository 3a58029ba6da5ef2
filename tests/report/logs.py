"""Logs with scripted points, and what a report makes of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspect_ai import eval

from nejm_inspect import nejm_image_challenge
from nejm_inspect.cases import open_source
from nejm_inspect.report.comparing import build_report
from nejm_inspect.report.contents import Comparison, Report
from nejm_inspect.report.reading import read_runs
from tests.loopback import Call, verdict

Points = Mapping[str, Sequence[int | None]]
"""What the judge gives each model, in the order of the demo cases; None: no verdict."""


def judge_by(points: Points, **more: object) -> Callable[[Call], str]:
    """A judge that gives a model its points, case by case."""
    references = [case.reference for case in open_source("demo").cases]

    def judge(call: Call) -> str:
        (model,) = (name for name in points if f"of {name}\n" in call.text)
        case = next(
            n for n, r in enumerate(references) if f">\n{r}\n</reference" in call.text
        )
        given = points[model][case]
        return "no verdict" if given is None else verdict(given, **more)

    return judge


def run_demo(model: str | list[str] = "openrouter/a/b", **options: Any) -> None:
    """Runs models on all demo cases, with options of `eval`."""
    eval(nejm_image_challenge(cases="demo", sample_size=None), model=model, **options)


def report_of(*folders: str, **options: Any) -> Report:
    texts = options.get("with_texts", False)
    return build_report(read_runs(folders, with_texts=texts), **options)


def only(report: Report) -> Comparison:
    (comparison,) = report.comparisons
    return comparison
