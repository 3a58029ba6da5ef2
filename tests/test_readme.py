"""The README, and those beside the code, say what the code does."""

import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from inspect_ai import Task

from nejm_inspect import nejm_image_challenge, nejm_multiple_choice
from nejm_inspect.cli import main, report
from nejm_inspect.cli_benchmark import benchmark
from nejm_inspect.cli_grade import grade
from nejm_inspect.errors import parameter_names
from nejm_inspect.judge_exam.passing import THRESHOLDS
from nejm_inspect.judge_exam.task import PAIRS_FILE, read_pairs
from nejm_inspect.judging.panel import DEFAULT_GRADER
from nejm_inspect.judging.verdict import MAX_RESPONSE_CHARACTERS
from nejm_inspect.roster import read_roster
from nejm_inspect.rubric import RUBRIC

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "README.md", *sorted((ROOT / "nejm_inspect").rglob("README.md"))]
TEXTS = {path: path.read_text(encoding="utf-8") for path in FILES}
AS_WRITTEN = "\n\n".join(TEXTS.values())
README = " ".join(AS_WRITTEN.split())
EVAL_YAML = yaml.safe_load((ROOT / "nejm_inspect" / "eval.yaml").read_text(encoding="utf-8"))


def table(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is the given one."""
    _, _, rest = AS_WRITTEN.partition(f"| {heading} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def defaults(task: Callable[..., Task]) -> dict[str, Any]:
    parameters = inspect.signature(task).parameters
    return {name: parameters[name].default for name in parameter_names(task)}


def documented(heading: str) -> dict[str, Any]:
    return {name: yaml.safe_load(default) for name, default, _ in table(heading)}


def test_parameters_and_defaults() -> None:
    parameters = defaults(nejm_image_challenge)
    del parameters["image_dir"]  # the former name of `images`
    assert documented("parameter") == parameters


def test_parameters_of_multiple_choice() -> None:
    shared = defaults(nejm_image_challenge).keys() - {"scorer"}
    parameters = defaults(nejm_multiple_choice)
    assert shared < parameters.keys()
    own = {name: parameters[name] for name in parameters.keys() - shared}
    assert documented("parameter of `nejm_multiple_choice`") == own


def test_the_judges_exam() -> None:
    pairs = read_pairs(PAIRS_FILE)
    attacks = sum(bool(pair.attack) for pair in pairs)
    readme = PAIRS_FILE.with_name("README.md").read_text(encoding="utf-8")
    assert f"- {len(pairs) - attacks} honest pairs" in readme
    assert f"- In {attacks} attacks" in readme
    assert (
        f"{len(pairs) - attacks} honest responses whose points are known, and {attacks}" in README
    )
    specialties = {pair.specialty for pair in pairs if not pair.attack}
    assert f"in {len(specialties)} specialties" in readme
    honest, attack = (f"{share:.0%}" for share in THRESHOLDS.values())
    assert f"{honest} of the honest responses and {attack} of the attacks" in readme
    (yaml_task,) = (t for t in EVAL_YAML["tasks"] if t["name"] == "nejm_judge_exam")
    assert yaml_task["dataset_samples"] == len(pairs)


def test_rubric() -> None:
    assert table("points") == [[level.points, level.meaning] for level in RUBRIC]


def test_judge() -> None:
    assert f"`{DEFAULT_GRADER}`" in README
    assert f"{MAX_RESPONSE_CHARACTERS:,} characters" in README


def test_every_environment_variable_is_documented() -> None:
    used = {
        variable
        for path in (ROOT / "nejm_inspect").rglob("*.py")
        for variable in re.findall(r"\bNEJM_INSPECT_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert {name for name, _ in table("environment variable")} == used


def test_task_version_is_in_the_changelog() -> None:
    assert f"task version {EVAL_YAML['version']}" in (ROOT / "CHANGELOG.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("command", [report, benchmark, grade])
def test_options_of_a_command(command: click.Command) -> None:
    options = {option.opts[0] for option in command.params if len(option.opts[0]) > 4}
    told = {name for name, _ in table(f"option of `{command.name}`")}
    assert told == {name for name in options if name.startswith("--")}


def test_every_link_leads_to_a_file() -> None:
    for path, text in TEXTS.items():
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (path.parent / link).exists(), f"{path}: {link}"


def test_commands_take_their_options() -> None:
    lines = [
        shlex.split(line, comments=True) for line in re.findall("^nejm-inspect.*", AS_WRITTEN, re.M)
    ]
    for _, command, *arguments in lines:
        main.commands[command].make_context(command, arguments)


def test_named_commands_and_rosters_exist() -> None:
    named = set(re.findall(r"nejm-inspect ([a-z]+)", README))
    assert named == set(main.commands)
    for roster in re.findall(r"rosters/(\w+)\.yaml", README):
        assert read_roster(roster)


def test_the_example_roster_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", AS_WRITTEN, re.DOTALL)
    file = tmp_path / "roster.yaml"
    file.write_text(example, encoding="utf-8")
    (model,) = read_roster(str(file)).models
    assert model.args["provider"]["allow_fallbacks"] is False
