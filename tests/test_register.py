"""What the register of Inspect evaluations and the package index read."""

import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from inspect_evals.metadata import InternalEvalMetadata
from pydantic import ValidationError

from nejm_inspect import nejm_image_challenge, nejm_judge_exam, nejm_multiple_choice
from nejm_inspect.version import TASK_VERSION

ROOT = Path(__file__).parents[1]
EVAL_YAML = yaml.safe_load((ROOT / "nejm_inspect" / "eval.yaml").read_text(encoding="utf-8"))


def entry(**changes: Any) -> InternalEvalMetadata:
    """The entry as the register reads it, which takes the id from the folder."""
    return InternalEvalMetadata(**{**EVAL_YAML, "id": "nejm_inspect", **changes})


def test_the_entry_is_valid() -> None:
    tasks = (nejm_image_challenge, nejm_multiple_choice, nejm_judge_exam)
    assert [task.name for task in entry().tasks] == [t.__name__ for t in tasks]
    assert str(entry().version) == TASK_VERSION
    assert "\n" not in entry().description.strip()


def test_the_register_checks_what_it_reads() -> None:
    with pytest.raises(ValidationError):
        entry(metadata={"requires_internet": True})


def test_the_package_says_what_it_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    built = metadata("nejm-inspect")
    assert built["Author"] == "nejm-inspect maintainers"
    assert built.get_all("Classifier") == project["classifiers"]
    assert len(built.get_all("Project-URL") or []) == len(project["urls"])
