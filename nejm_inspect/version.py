"""The version of the tasks, as it is in their logs."""

from pathlib import Path

import yaml

_EVAL_YAML = Path(__file__).with_name("eval.yaml").read_text(encoding="utf-8")

TASK_VERSION: str = yaml.safe_load(_EVAL_YAML)["version"]
"""A number, raised when scores stop being comparable, and a letter, raised when the interface
breaks."""
