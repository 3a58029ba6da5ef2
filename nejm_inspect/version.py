"""The version of the tasks, as their logs bear it."""

from importlib.resources import files

import yaml

TASK_VERSION: str = yaml.safe_load(
    files("nejm_inspect").joinpath("eval.yaml").read_text(encoding="utf-8")
)["version"]
"""A number, which rises when scores stop being comparable, and a letter, which rises
when the interface breaks."""
