from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nejm_inspect.cli import main
from tests.loopback import Journal, Reply, encoded, picture


def fetch(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fetch", *arguments])


def test_fetch_fills_the_cache_with_the_published_sample(journal: Journal, tmp_path: Path) -> None:
    result = fetch()
    assert result.exit_code == 0, result.output
    assert "50 of 50 images are there." in result.stdout
    assert "Fetching images: 50 of 50" in result.stderr
    assert len(list((tmp_path / "cache" / "images").iterdir())) == 50
    again = fetch()
    assert again.exit_code == 0
    assert "Fetching" not in again.output
    assert journal.image_requests == 50


def test_fetch_takes_the_sample_that_is_described(journal: Journal) -> None:
    result = fetch("--sample-size", "3", "--seed", "7", "--difficulty", "expert")
    assert "3 of 3 images are there." in result.stdout
    assert journal.image_requests == 3
    assert "99 of 99 images are there." in fetch("--all", "--difficulty", "expert").stdout


def test_fetch_fails_if_an_image_is_missing(journal: Journal) -> None:
    journal.image_faults = {"20070816": Reply(status=404)}  # case 115
    result = fetch("--sample-size", "2")
    assert result.exit_code == 1
    assert "1 of 2 images are there." in result.stdout
    assert "case 115: missing, HTTP 404" in result.stdout


@pytest.mark.parametrize("option", ["--images", "--image-dir"])
def test_fetch_prefers_own_images_and_tells_conversions(
    option: str, journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / "655.tif").write_bytes(encoded(picture(), "TIFF"))
    result = fetch("--sample-size", "1", option, str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "case 655: converted, TIFF → PNG RGB 64×48" in result.stdout
    assert ("is deprecated. Use --images FOLDER." in result.stderr) == (option == "--image-dir")
    assert journal.image_requests == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sample-size", "0"], "sample_size=0"),
        (["--all", "--sample-size", "3"], "not both"),
        (["--sample-size", "948"], "only 947 cases"),
        (["--difficulty", "tough"], "'tough' is not one of"),
        (["--images", "/nowhere"], "/nowhere is not a folder"),
    ],
)
def test_bad_arguments(journal: Journal, arguments: list[str], message: str) -> None:
    result = fetch(*arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_no_network_is_no_traceback() -> None:
    result = fetch()
    assert result.exit_code == 1
    assert result.stderr.count("Error: The case list could not be downloaded") == 1
