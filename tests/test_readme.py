"""The README says what the code does."""

import inspect
import re
from pathlib import Path

import yaml

from nejm_inspect import nejm_image_challenge
from nejm_inspect.benchmark import read_roster
from nejm_inspect.cli import main, report
from nejm_inspect.grading import DEFAULT_GRADER, MAX_RESPONSE_CHARACTERS
from nejm_inspect.rubric import RUBRIC

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is the given one."""
    _, _, rest = README.partition(f"| {heading} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_parameters_and_defaults() -> None:
    signature = inspect.signature(nejm_image_challenge)
    documented = {
        name: yaml.safe_load(default) for name, default, _ in table("parameter")
    }
    assert documented == {p.name: p.default for p in signature.parameters.values()}


def test_rubric() -> None:
    assert table("points") == [[level.points, level.meaning] for level in RUBRIC]


def test_judge() -> None:
    assert f"`{DEFAULT_GRADER}`" in README
    assert f"{MAX_RESPONSE_CHARACTERS:,} characters" in README


def test_every_environment_variable_is_documented() -> None:
    used = {
        variable
        for path in (ROOT / "nejm_inspect").rglob("*.py")
        for variable in re.findall(
            r"\bNEJM_INSPECT_[A-Z_]+\b", path.read_text(encoding="utf-8")
        )
    }
    assert {name for name, _ in table("environment variable")} == used


def test_task_version_is_in_the_changelog() -> None:
    version = yaml.safe_load(
        (ROOT / "nejm_inspect" / "eval.yaml").read_text(encoding="utf-8")
    )
    assert f"task version {version['version']}" in (ROOT / "CHANGELOG.md").read_text(
        encoding="utf-8"
    )


def test_options_of_the_report_command() -> None:
    options = {option.opts[0] for option in report.params if len(option.opts[0]) > 4}
    documented = {name for name, _ in table("option of `report`")}
    assert documented == {name for name in options if name.startswith("--")}


def test_named_commands_and_rosters_exist() -> None:
    named = set(re.findall(r"nejm-inspect ([a-z]+)", README))
    assert named == set(main.commands)
    for roster in re.findall(r"rosters/(\w+)\.yaml", README):
        assert read_roster(roster)


def test_the_example_roster_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "roster.yaml"
    file.write_text(example, encoding="utf-8")
    (model,) = read_roster(str(file)).models
    assert model.args["provider"]["allow_fallbacks"] is False
