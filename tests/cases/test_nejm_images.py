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
from datasets import Dataset, Image as ImageFeature
from PIL import Image

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import cases_to_dataset
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.cases.source import CaseImages
from nejm_inspect.errors import NejmInspectError
from tests.cases.hub import COMMIT, DATASET, hub
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


def test_two_processes_share_a_cache(journal: Journal, tmp_path: Path) -> None:
    journal.delay = 0.01
    both = [
        subprocess.Popen([COMMAND, "fetch", "--sample-size", "25"], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        out, _ = process.communicate(timeout=60)
        assert b"25 of 25 images are there." in out
    files = list((tmp_path / "cache" / "images").iterdir())
    assert len(files) == 25
    for file in files:
        date = int(file.stem.removeprefix("IC"))
        assert file.read_bytes() == encoded(picture(date))


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


def test_own_images_come_before_any_download(journal: Journal, tmp_path: Path) -> None:
    cases, _ = sample(3)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / f"{cases[0].id}.png").write_bytes(encoded(picture(1), "PNG"))
    (folder / f"{cases[0].id}.txt").write_text("a note of the user's")
    (folder / f"IC{date_of(cases[1])}.jpeg").write_bytes(encoded(picture(2)))
    images = open_source("nejm", str(folder)).images(cases)
    assert not images.missing
    assert images.found[cases[0].id][0].path.parent == folder
    assert images.found[cases[1].id][0].path.parent == folder
    assert journal.image_requests == 1


def test_own_image_that_is_broken_is_reported(journal: Journal, tmp_path: Path) -> None:
    cases, _ = sample(1)
    broken = tmp_path / f"{cases[0].id}.jpg"
    broken.write_bytes(b"not a picture")
    images = open_source("nejm", str(tmp_path)).images(cases)
    assert images.missing == {cases[0].id: f"{broken}: not an image"}
    assert journal.image_requests == 0


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


def run(*arguments: str, url: str = "http://127.0.0.1:9") -> "subprocess.CompletedProcess[str]":
    """Runs `nejm-inspect fetch` in a process that takes a loopback server for the Hub."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HOME": str(Path(os.environ["NEJM_INSPECT_CACHE"]) / "hf"),
    }
    command = [COMMAND, "fetch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def damaged(path: Path) -> bytes:
    return path.read_bytes()[:300]


def emptied(path: Path) -> bytes:
    return b""


def foreign(path: Path) -> bytes:
    return encoded(picture(7, (30, 30)))


@pytest.mark.parametrize("damage", [damaged, emptied, foreign])
def test_an_image_in_the_cache_that_is_not_as_fetched_is_fetched_anew(
    journal: Journal, damage: Callable[[Path], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    cases, images = sample(2)
    path = images(cases).found[cases[0].id][0].path
    path.write_bytes(damage(path))
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


def test_verify_finds_what_size_and_time_do_not_show(journal: Journal, tmp_path: Path) -> None:
    cases, images = sample(3)
    paths = [image.path for (image,) in images(cases).found.values()]
    for path, data in zip(paths, (b"", encoded(picture(7))), strict=False):
        before = path.stat()
        path.write_bytes(data.ljust(before.st_size, b"\0")[: before.st_size])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "again" not in run("--sample-size", "3").stderr
    result = run("--sample-size", "3", "--verify")
    assert result.returncode == 0
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


@pytest.mark.parametrize("repository", [parquet, folder])
def test_images_of_a_dataset_are_unpacked_once(
    repository: Callable[[Any], dict[str, bytes]], journal: Journal, tmp_path: Path
) -> None:
    with hub(repository(IMAGES)) as url:
        result = run("--sample-size", "3", "--images", f"hf:{DATASET}", url=url)
    assert result.returncode == 0, result.stderr
    assert "3 of 3 images are there." in result.stdout
    assert "Unpacking images: 4 of 4" in result.stderr
    assert journal.image_requests == 0
    # The pinned dataset is then neither asked for nor read again.
    shutil.rmtree(tmp_path / "cache" / "hf")
    shutil.rmtree(tmp_path / "cache" / "datasets")
    source = open_source("nejm", PINNED)
    images = source.images(select_cases(source.cases, Selection(sample_size=3)))
    assert images.dataset == PINNED
    assert {id: image.path.read_bytes() for id, (image,) in images.found.items()} == {
        id: IMAGES[id] for id in IDS
    }


def test_the_dataset_is_in_the_metadata_of_samples(journal: Journal, tmp_path: Path) -> None:
    with hub(parquet(IMAGES)) as url:
        assert run("--sample-size", "2", "--images", f"hf:{DATASET}", url=url).returncode == 0
    for place, dataset in ((PINNED, PINNED), ("journal", None)):
        source = open_source("nejm", place)
        cases = select_cases(source.cases, Selection(sample_size=2))
        samples, _ = cases_to_dataset(source, cases, "both", "error")
        assert [s.metadata and s.metadata.get("image_dataset") for s in samples] == [dataset] * 2


def test_cases_that_the_dataset_lacks_are_missing(journal: Journal) -> None:
    files = parquet({655: IMAGES[655], 115: b"not an image", 26: None})
    with hub(files) as url:
        result = run("--sample-size", "4", "--images", PINNED, url=url)
    assert result.returncode == 1
    assert "1 of 4 images are there." in result.stdout
    for id, reason in {
        115: "not an image",
        26: "the row does not hold an image",
        760: "has no row with its image_id",
    }.items():
        assert re.search(rf"case {id}: missing, {PINNED}.*{reason}", result.stdout)
    assert journal.image_requests == 0


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        (parquet(IMAGES, "id"), f"hf:{DATASET}", "must have the columns image_id and image. This"),
        (parquet(IMAGES, "id"), f"hf:{DATASET}", "one has id, image, date."),
        (parquet(IMAGES), f"hf:{DATASET}@v2", f"images=hf:{DATASET}@v2 cannot be read: Rev"),
        (parquet(IMAGES), "hf:nowhere", "Error: images=hf:nowhere cannot be read: a dataset of"),
        (
            {"a.csv": b"image_id,image\n655,x\n655,y\n"},
            f"hf:{DATASET}",
            f"{PINNED}: image_id 655 is used twice.",
        ),
    ],
)
def test_a_dataset_that_cannot_be_used_is_a_clear_error(
    files: dict[str, bytes], place: str, message: str, journal: Journal
) -> None:
    with hub(files) as url:
        result = run("--sample-size", "1", "--images", place, url=url)
    assert result.returncode == 1
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_dataset_reaches_no_other_files(journal: Journal, tmp_path: Path) -> None:
    private = tmp_path / "private.png"
    private.write_bytes(IMAGES[5])
    table = Dataset.from_dict({"image_id": [655], "image": [{"bytes": None, "path": str(private)}]})
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    with hub({"a.parquet": buffer.getvalue()}) as url:
        result = run("--sample-size", "1", "--images", f"hf:{DATASET}", url=url)
    assert "case 655: missing" in result.stdout
    assert "does not hold an image" in result.stdout


def test_an_interrupted_unpacking_is_continued(journal: Journal, tmp_path: Path) -> None:
    with hub(parquet(IMAGES)) as url:
        assert run("--sample-size", "1", "--images", PINNED, url=url).returncode == 0
        kept = tmp_path / "cache" / "hub"
        (image,) = kept.rglob("655.png")
        before = image.stat()
        assert run("--sample-size", "3", "--images", PINNED, url=url).returncode == 0
    assert image.stat() == before
    assert {path.stem for path in kept.rglob("*.png")} == set(map(str, IDS))
