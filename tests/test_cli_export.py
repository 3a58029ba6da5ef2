"""What `nejm-inspect export` writes is read as the same cases elsewhere."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from nejm_inspect.cases import open_source
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.errors import NejmInspectError
from tests.cases.described import described, described_samples
from tests.loopback import Journal, Reply, encoded, picture
from tests.runs import cli

WRITTEN = {"RIGHTS.txt", "data-00000-of-00001.arrow", "dataset_info.json", "state.json"}


def samples_of_nejm(size: int) -> list[Any]:
    source = open_source("nejm")
    cases = select_cases(source.cases, Selection(sample_size=size))
    return described_samples(source, cases)


@pytest.fixture
def fetched(journal: Journal) -> Journal:
    """The cache with the first six cases of the published sample."""
    cmyk = encoded(picture().convert("CMYK"))  # sent converted, exported as it came
    journal.images = {"20170511": cmyk, "20070816": encoded(picture(2), "PNG")}
    assert cli("fetch", "--sample-size", "6").exit_code == 0
    return journal


@pytest.fixture(params=["folder", "s3"])
def dest(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where to export to; nothing is there yet."""
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/exports/nejm"
    return str(tmp_path / "exports" / "nejm")


def test_an_export_is_read_elsewhere_as_the_same_samples(
    fetched: Journal, dest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = {sample["id"]: sample for sample in samples_of_nejm(6)}
    requests = fetched.image_requests
    result = cli("export", dest)
    assert result.exit_code == 0, result.output
    assert f"6 cases are in {dest}. To use them: -T cases={dest}" in result.stdout
    assert "belong to the Massachusetts Medical" in result.stderr
    assert fetched.image_requests == requests
    again = cli("export", dest)
    assert again.exit_code == 1
    assert f"{dest} is not empty, and was left as it is" in again.stderr
    monkeypatch.setenv("NEJM_INSPECT_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("NEJM_INSPECT_CASES_URL", "http://127.0.0.1:9")
    imported = described(dest)
    assert imported["name"] in (dest, "nejm")
    assert {sample["id"]: sample for sample in imported["samples"]} == original
    converted = [s for s in original.values() if "image_conversion" in s["metadata"]]
    assert [sample["id"] for sample in converted] == [655]


def test_an_export_of_a_sample_is_the_sample(fetched: Journal, tmp_path: Path) -> None:
    requests = fetched.image_requests
    result = cli("export", str(tmp_path / "nejm"), "--sample-size", "8")
    assert result.exit_code == 0, result.output
    assert fetched.image_requests == requests + 2
    assert described(str(tmp_path / "nejm"))["samples"] == samples_of_nejm(8)
    assert {path.name for path in (tmp_path / "nejm").iterdir()} == WRITTEN
    assert [p.name for p in tmp_path.glob("nejm*")] == ["nejm"]
    (tmp_path / "own").mkdir()
    own = encoded(picture(3), "PNG")
    (tmp_path / "own" / "655.png").write_bytes(own)
    exported = str(tmp_path / "with-own")
    assert cli("export", exported, "--images", str(tmp_path / "own")).exit_code == 0
    source = open_source(exported)
    (image,) = source.images(source.cases).found[655]
    assert image.path.read_bytes() == own
    assert fetched.image_requests == requests + 2


def test_missing_images_stop_an_export(journal: Journal, tmp_path: Path) -> None:
    place = str(tmp_path / "nejm")
    journal.image_faults = {"20070816": Reply(status=404)}
    empty = cli("export", place)
    assert empty.exit_code == 1
    assert "Error: No image of the cases asked for is in the cache" in empty.stderr
    result = cli("export", place, "--sample-size", "2")
    assert result.exit_code == 1
    assert "1 of 2 images are missing, so nothing was exported" in result.stderr
    assert "missing, HTTP 404" in result.output
    assert not (tmp_path / "nejm").exists()
    assert cli("export", place).exit_code == 0


@pytest.mark.parametrize("name", ["nejm", "demo", "sub/folder"])
def test_a_relative_folder_is_told_in_full(
    name: str, fetched: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    result = cli("export", name)
    place = result.stdout.strip().rpartition("-T cases=")[2]
    assert place == str(tmp_path / "work" / name)
    assert len(described(place)["samples"]) == 6


@pytest.mark.parametrize(
    "place",
    [
        "hf:owner/name",
        "hf://datasets/owner/name",
        "https://huggingface.co/datasets/owner/name",
        "HTTPS://example.org/x",
        "huggingface.co/datasets/owner/name",
        "simplecache::hf://datasets/owner/name",
    ],
)
def test_nothing_is_exported_to_a_hub(place: str, journal: Journal) -> None:
    result = cli("export", place, "--sample-size", "1")
    assert result.exit_code == 1
    assert "the cases are not yours to publish" in result.stderr
    assert not journal.requests


def test_other_folders_are_left_as_they_are(fetched: Journal, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert cli("export", str(empty)).exit_code == 0
    (empty / "notes.txt").write_text("mine")
    file = tmp_path / "file"
    file.write_text("mine")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "RIGHTS.txt").symlink_to(file)
    nested = tmp_path / "nested"
    (nested / "data-1.arrow").mkdir(parents=True)
    (nested / "RIGHTS.txt").touch()
    for place in (empty, file, linked, nested, tmp_path / "cache"):
        before = sorted(tmp_path.rglob("*"))
        result = cli("export", str(place))
        assert result.exit_code == 1
        assert "is not empty, and was left as it is. Name a new" in result.stderr
        assert sorted(tmp_path.rglob("*")) == before
    assert len(described(str(empty))["samples"]) == 6


def test_errors_of_places_are_said_without_a_traceback(
    fetched: Journal, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()

    def error(place: str) -> str:
        result = cli("export", place)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert f"Error: {place} cannot be written to" in result.stderr
        return result.stderr

    assert "there is no no-such-bucket" in error("s3://no-such-bucket/nejm")
    assert "Protocol not known: s4" in error("s4://bucket/nejm")
    assert "Not a directory" in error(str(tmp_path / "file" / "nejm"))
    S3FileSystem.clear_instance_cache()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "Unable to locate credentials" in error(f"{s3}/nejm")
    S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_export_is_no_export_and_may_be_repeated(
    end: signal.Signals, fetched: Journal, tmp_path: Path
) -> None:
    place = tmp_path / "nejm"
    # A process of its own is interrupted for real, in the middle of its writing.
    program = (
        "import os, datasets\n"
        "from nejm_inspect.cli import main\n"
        "write = datasets.arrow_writer.ArrowWriter.write_table\n"
        "def interrupted(*arguments, **options):\n"
        "    write(*arguments, **options)\n"
        f"    os.kill(os.getpid(), {int(end)})\n"
        "datasets.arrow_writer.ArrowWriter.write_table = interrupted\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, "export", str(place)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == (1 if end == signal.SIGINT else -end)
    assert process.stderr.strip().endswith("Aborted!") == (end == signal.SIGINT)
    assert "Traceback" not in process.stderr
    with pytest.raises(NejmInspectError, match="a folder must hold one of"):
        open_source(str(place))
    assert cli("export", str(place)).exit_code == 0
    assert len(described(str(place))["samples"]) == 6
