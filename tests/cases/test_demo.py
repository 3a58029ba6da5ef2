"""The bundled cases are sound, and the script that drew them still draws them."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from nejm_inspect.cases import DEMO_FILE, open_source
from nejm_inspect.cases.schema import OPTION_LETTERS


def test_demo_cases_are_complete() -> None:
    source = open_source("demo")
    assert len(source.cases) >= 12
    images = source.images(source.cases)
    assert not images.missing
    for case in source.cases:
        assert case.correct_option is not None
        assert len(set(case.options)) == 5
        correct = OPTION_LETTERS.index(case.correct_option)
        assert case.options[correct] == case.reference
        assert case.reference.lower() not in case.history.lower()
        assert case.question_type == "diagnosis"
        assert not case.reader_votes
        (image,) = images.found[case.id]
        assert image.conversion is None
        assert image.path.stem == case.id
        with Image.open(image.path) as opened:
            assert not opened.info, "no text chunk may give the diagnosis away"


def test_demo_cases_need_no_library_of_tables() -> None:
    program = (
        "import sys\n"
        "from nejm_inspect.cases import open_source\n"
        "source = open_source('demo')\n"
        "assert not source.images(source.cases).missing\n"
        "assert not {'datasets', 'pandas', 'pyarrow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redrawn")
    command = [sys.executable, "-m", "tests.demo_drawings", str(folder)]
    subprocess.run(command, check=True)
    return folder


def test_the_script_draws_every_image(redrawn: Path) -> None:
    bundled = sorted(DEMO_FILE.parent.glob("*.png"))
    assert [p.name for p in sorted(redrawn.glob("*.png"))] == [p.name for p in bundled]
    for path in bundled:
        with Image.open(path) as old, Image.open(redrawn / path.name) as new:
            difference = ImageChops.difference(old, new)
        # The text's anti-aliasing may differ between builds of FreeType.
        assert max(ImageStat.Stat(difference).mean) < 0.5, path.name
