"""The version of the tasks, as it is in their logs."""

from importlib.resources import files

import yaml

TASK_VERSION: str = yaml.safe_load(
    files("nejm_inspect").joinpath("eval.yaml").read_text(encoding="utf-8")
)["version"]
"""A number, raised when scores stop being comparable, and a letter, raised when the interface
breaks."""
