"""Images of NEJM cases: from the journal, a folder, and a dataset of the Hub."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from datasets import Dataset, Image as ImageFeature
from PIL import Image

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import cases_to_dataset
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.cases.source import CaseImages
from nejm_inspect.cli import main
from nejm_inspect.errors import NejmInspectError
from tests.cases.hub import COMMIT, DATASET, asked_of_hub, hub
from tests.loopback import Journal, Reply, encoded, picture

COMMAND = Path(sys.executable).with_name("nejm-inspect")
HTML = Reply(b"<!DOCTYPE html><html><title>Just a moment</title></html>", content_type="text/html")


def date_of(case: Case) -> str:
    return f"{case.date:%Y%m%d}"


def sample(size: int) -> tuple[list[Case], Any]:
    source = open_source("nejm")
    return select_cases(source.cases, Selection(sample_size=size)), source.images


def test_only_the_images_asked_for_are_fetched_eight_at_a_time(journal: Journal) -> None:
    journal.delay = 0.02
    cases, images = sample(30)
    fetched = images(cases)
    assert list(fetched.found) == [case.id for case in cases]
    assert not fetched.missing
    assert journal.image_requests == 30
    assert 2 <= journal.most_at_once <= 8
    for case in cases:
        (image,) = fetched.found[case.id]
        assert image.path.name == f"IC{date_of(case)}.jpg"
        assert image.path.read_bytes() == encoded(picture(int(date_of(case))))
        assert image.conversion is None


def test_what_is_there_is_not_fetched_again(journal: Journal) -> None:
    cases, images = sample(12)
    journal.image_faults = {date_of(cases[5]): Reply(status=500)}
    assert list(images(cases).missing) == [cases[5].id]
    journal.image_faults = {}
    before = journal.image_requests
    assert not images(cases).missing
    assert journal.image_requests == before + 1


def test_a_run_that_is_killed_is_resumed(journal: Journal, tmp_path: Path) -> None:
    cases, images = sample(40)
    journal.delay = 0.1
    killed = subprocess.Popen([COMMAND, "fetch", "--sample-size", "40"], stderr=subprocess.PIPE)
    kept = tmp_path / "cache" / "images"
    while len(list(kept.glob("IC*"))) < 10:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGINT)
    _, errors = killed.communicate(timeout=20)
    assert killed.returncode == 1
    assert b"Traceback" not in errors
    there = len(list(kept.glob("IC*")))
    assert 10 <= there < 40
    journal.delay = 0
    before = journal.image_requests
    assert not images(cases).missing
    assert journal.image_requests == before + 40 - there


def test_passing_image_faults_are_retried(journal: Journal) -> None:
    cases, images = sample(4)
    good = encoded(picture())
    journal.image_faults = {
        date_of(cases[0]): [HTML, Reply(status=403)],
        date_of(cases[1]): [Reply(status=500), Reply(status=503), HTML],
        date_of(cases[2]): [Reply(good[: len(good) // 2], content_type="image/jpeg")],
        date_of(cases[3]): [Reply(good[:50], length=len(good))],
    }
    assert not images(cases).missing


def test_lasting_image_faults_are_reported_case_by_case(journal: Journal) -> None:
    cases, images = sample(8)
    good = encoded(picture(1, (200, 200)))
    bomb = encoded(picture(1, (12_000, 12_000)), "PNG")
    faults = {
        cases[0].id: (Reply(status=403), "HTTP 403"),
        cases[1].id: (Reply(status=404), "HTTP 404"),
        cases[2].id: (HTML, "not an image: an HTML page"),
        cases[3].id: (Reply(good[:-400], content_type="image/jpeg"), "damaged JPEG"),
        cases[4].id: (Reply(bomb), "12,000×12,000 pixels"),
        cases[5].id: (Reply(b""), "an empty answer"),
        cases[6].id: (Reply(status=502), "HTTP 502"),
    }
    journal.image_faults = {
        date_of(case): faults[case.id][0] for case in cases if case.id in faults
    }
    fetched: CaseImages = images(cases)
    assert list(fetched.found) == [cases[7].id]
    assert list(fetched.missing) == [case.id for case in cases[:7]]
    for id, (_, reason) in faults.items():
        assert reason in fetched.missing[id]
    # What is gone is not asked for again; everything else gets its four chances.
    assert journal.requests[f"/images?id=IC{date_of(cases[1])}"] == 1
    assert journal.requests[f"/images?id=IC{date_of(cases[0])}"] == 4


def test_unusual_images_are_converted_and_it_is_recorded(journal: Journal) -> None:
    cases, images = sample(4)
    noise = os.urandom(3 * 2000 * 1700)
    large = encoded(Image.frombytes("RGB", (2000, 1700), noise), "BMP")
    journal.images = {
        date_of(cases[0]): encoded(picture().convert("CMYK")),
        date_of(cases[1]): encoded(Image.new("I;16", (40, 30), 40_000), "PNG"),
        date_of(cases[2]): encoded(picture(), "TIFF"),
        date_of(cases[3]): large + bytes(30_000_000 - len(large)),
    }
    fetched = images(cases)
    assert not fetched.missing
    for case, expected in zip(
        cases, ("mode CMYK", "mode I;16", "TIFF", "30,000,000 bytes"), strict=True
    ):
        (image,) = fetched.found[case.id]
        assert expected in image.conversion
        assert image.path.stat().st_size <= 5 * 2**20 * 3 / 4
    before = journal.image_requests
    assert images(cases) == fetched
    assert journal.image_requests == before


def test_own_images_come_before_any_download(
    journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, _ = sample(4)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / f"{cases[0].id}.png").write_bytes(encoded(picture(1), "PNG"))
    (folder / f"{cases[0].id}.txt").write_text("a note of the user's")
    (folder / f"IC{date_of(cases[1])}.jpeg").write_bytes(encoded(picture(2)))
    broken = folder / f"{cases[2].id}.jpg"
    broken.write_bytes(b"not a picture")
    images = open_source("nejm", str(folder)).images(cases)
    assert images.missing == {cases[2].id: f"{broken}: not an image"}
    assert images.found[cases[0].id][0].path.parent == folder
    assert images.found[cases[1].id][0].path.parent == folder
    assert journal.image_requests == 1
    assert "has no ID" not in capsys.readouterr().err
    open_source("nejm", str(folder)).images(cases[3:])
    assert f"{folder} has no ID.* or ICYYYYMMDD.* of these cases" in capsys.readouterr().err


def test_images_must_be_a_place(journal: Journal, tmp_path: Path) -> None:
    for place in (str(tmp_path / "nowhere"), "x" * 5_000, "http://example.org"):
        with pytest.raises(NejmInspectError, match=r"'journal', a folder .* is not a folder"):
            open_source("nejm", place)
    for journals in (None, "", "journal"):
        assert not open_source("nejm", journals).images([]).missing
    assert open_source("demo", "journal").cases


def test_the_address_of_images_must_depend_on_the_case(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, images = sample(2)
    monkeypatch.setenv("NEJM_INSPECT_IMAGES_URL", "http://127.0.0.1:9/image.jpg")
    with pytest.raises(NejmInspectError, match=r"must contain \{date\}"):
        images(cases)


@pytest.mark.parametrize("damage", [encoded(picture())[:300], b"", encoded(picture(7, (30, 30)))])
def test_an_image_in_the_cache_that_is_not_as_fetched_is_fetched_anew(
    journal: Journal, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, images = sample(2)
    path = images(cases).found[cases[0].id][0].path
    path.write_bytes(damage)
    journal.image_faults = {date_of(cases[0]): Reply(status=404)}
    assert images(cases).missing == {cases[0].id: "HTTP 404"}
    journal.image_faults = {}
    capsys.readouterr()
    assert not images(cases).missing
    assert f"{path}: it is not the file that was fetched. It is fetched again." in (
        capsys.readouterr().err
    )
    assert path.read_bytes() == encoded(picture(int(date_of(cases[0]))))
    assert journal.image_requests == 4


def test_a_foreign_file_from_the_future_does_not_stay(journal: Journal) -> None:
    cases, images = sample(1)
    (image,) = images(cases).found[cases[0].id]
    foreign, notes = image.path.with_suffix(".png"), image.path.with_suffix(".txt")
    foreign.write_bytes(encoded(picture(9), "PNG"))
    os.utime(foreign, (2**31, 2**31))
    notes.write_text("mine")
    image.path.with_suffix(".d").mkdir()
    assert list(images(cases).found[cases[0].id]) == [image]
    assert not foreign.exists()
    assert notes.exists()


def test_verify_finds_what_size_and_time_do_not_show(journal: Journal, tmp_path: Path) -> None:
    cases, images = sample(3)
    paths = [image.path for (image,) in images(cases).found.values()]
    for path, data in zip(paths, (b"", encoded(picture(7))), strict=False):
        before = path.stat()
        path.write_bytes(data.ljust(before.st_size, b"\0")[: before.st_size])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    command = ["fetch", "--sample-size", "3"]
    assert "again" not in CliRunner().invoke(main, command).stderr
    result = CliRunner().invoke(main, [*command, "--verify"])
    assert result.exit_code == 0
    assert result.stderr.count("it is not the file that was fetched. It is fetched again.") == 2
    assert str(paths[2]) not in result.stderr
    assert "3 of 3 images are there." in result.stdout
    for case, path in zip(cases, paths, strict=True):
        assert path.read_bytes() == encoded(picture(int(date_of(case))))
    assert journal.image_requests == 5


# A dataset of the Hub

PINNED = f"hf:{DATASET}@{COMMIT}"
IDS = (655, 115, 26)  # the first of the published sample


def parquet(images: Mapping[Any, Any], name: str = "image_id") -> dict[str, bytes]:
    """The files of a dataset whose table holds its images."""
    cells = [{"bytes": image, "path": None} for image in images.values()]
    rows = {name: list(images), "image": cells, "date": ["Dec-21-2023"] * len(cells)}
    buffer = io.BytesIO()
    Dataset.from_dict(rows).cast_column("image", ImageFeature()).to_parquet(buffer)
    return {"data/test-00000-of-00001.parquet": buffer.getvalue()}


def folder(images: Mapping[int, bytes]) -> dict[str, bytes]:
    """The files of a dataset that is a folder of images."""
    lines = [f"{id}.png,{id}" for id in images]
    metadata = "\n".join(["file_name,image_id", *lines]).encode()
    return {"metadata.csv": metadata, **{f"{id}.png": image for id, image in images.items()}}


IMAGES = {id: encoded(picture(id), "PNG") for id in (*IDS, 5)}


def fetch(url: str, size: int, *places: str) -> list[dict[str, Any]]:
    """What the command comes to for each place of images."""
    command = ("fetch", "--sample-size", str(size), "--images")
    return asked_of_hub(url, *((*command, place) for place in places))


@pytest.mark.parametrize("repository", [parquet, folder])
def test_images_of_a_dataset_are_unpacked_once(
    repository: Callable[[Any], dict[str, bytes]], journal: Journal, tmp_path: Path
) -> None:
    with hub({DATASET: repository(IMAGES)}) as url:
        (result,) = fetch(url, 3, f"hf:{DATASET}")
    assert result["code"] == 0, result
    assert "3 of 3 images are there." in result["out"]
    assert "Unpacking images: 4 of 4" in result["err"]
    assert journal.image_requests == 0
    # The pinned dataset is then not asked for or read again.
    shutil.rmtree(tmp_path / "cache" / "hf")
    shutil.rmtree(tmp_path / "cache" / "datasets")
    for place, dataset in ((PINNED, PINNED), ("journal", None)):
        source = open_source("nejm", place)
        cases = select_cases(source.cases, Selection(sample_size=3))
        samples, _ = cases_to_dataset(source, cases, "both", "error")
        assert [s.metadata and s.metadata.get("image_dataset") for s in samples] == [dataset] * 3
        if dataset:
            found = {
                id: image.path.read_bytes() for id, (image,) in source.images(cases).found.items()
            }
            assert found == {id: IMAGES[id] for id in IDS}


def test_what_a_dataset_lacks_is_said(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes(IMAGES[5])
    cell = {"bytes": None, "path": str(tmp_path / "private.png")}
    elsewhere = io.BytesIO()
    Dataset.from_dict({"image_id": [655], "image": [cell]}).to_parquet(elsewhere)
    repositories = {
        "owner/some": parquet({655: IMAGES[655], 115: b"not an image", 26: None}),
        "owner/elsewhere": {"a.parquet": elsewhere.getvalue()},
        "owner/columns": parquet(IMAGES, "id"),
        "owner/twice": {"a.csv": b"image_id,image\n655,x\n655,y\n"},
    }
    errors = {
        "hf:owner/columns": "the columns image_id and image. This one has id, image, date.",
        "hf:owner/some@v2": "images=hf:owner/some@v2 cannot be read: Rev",
        "hf:nowhere": "Error: images=hf:nowhere cannot be read: a dataset of",
        "hf:owner/twice": f"hf:owner/twice@{COMMIT}: image_id 655 is used twice.",
    }
    with hub(repositories) as url:
        some, elsewhere, *refused = fetch(url, 4, "hf:owner/some", "hf:owner/elsewhere", *errors)
    assert "1 of 4 images are there." in some["out"]
    for told, id, reason in (
        (some, 115, "not an image"),
        (some, 26, "the row does not hold an image"),
        (some, 760, "has no row with its image_id"),
        (elsewhere, 655, "does not hold an image"),
    ):
        assert re.search(rf"case {id}: missing, hf:owner/\w+@{COMMIT}.*{reason}", told["out"])
        assert told["code"] == 1
    for told, message in zip(refused, errors.values(), strict=True):
        assert message in " ".join(told["err"].split())
        assert told["code"] == 1
    assert journal.image_requests == 0


def test_an_interrupted_unpacking_is_continued(journal: Journal, tmp_path: Path) -> None:
    with hub({DATASET: parquet(IMAGES)}) as url:
        assert fetch(url, 1, PINNED)[0]["code"] == 0
        kept = tmp_path / "cache" / "hub"
        (image,) = kept.rglob("655.png")
        before = image.stat()
        assert fetch(url, 3, PINNED)[0]["code"] == 0
    assert image.stat() == before
    assert {path.stem for path in kept.rglob("*.png")} == set(map(str, IDS))
