import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nejm_inspect.cases import open_source
from nejm_inspect.cases.nejm import CASES_BYTES, CASES_SHA256
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.selection import Selection, select_cases
from nejm_inspect.cases.source import CaseImages
from nejm_inspect.errors import NejmInspectError
from tests.conftest import nejm_record
from tests.loopback import Journal, Reply, encoded, picture, serve

COMMAND = Path(sys.executable).with_name("nejm-inspect")
HTML = Reply(b"<!DOCTYPE html><html><title>Just a moment</title></html>", content_type="text/html")


def date_of(case: Case) -> str:
    return f"{case.date:%Y%m%d}"


def sample(size: int) -> tuple[list[Case], Any]:
    source = open_source("nejm")
    return select_cases(source.cases, Selection(sample_size=size)), source.images


# The case list


def test_every_real_record_is_parsed(case_list: bytes, case_records: list[dict[str, Any]]) -> None:
    assert len(case_list) == CASES_BYTES
    assert hashlib.sha256(case_list).hexdigest() == CASES_SHA256
    cases = [Case.model_validate(record) for record in case_records]
    assert len({case.id for case in cases}) == 947
    assert min(case.date for case in cases if case.date).isoformat() == "2005-10-13"
    assert max(case.date for case in cases if case.date).isoformat() == "2023-12-21"
    accuracies = [case.reader_accuracy or 0 for case in cases]
    assert sum(accuracies) / 947 == pytest.approx(0.4946, abs=1e-4)
    first = cases[0]
    assert first.reference == first.options[1]
    assert first.total_votes == 96_521


@pytest.mark.parametrize(
    ("written", "votes"), [("96521", 96_521), ("165,436", 165_436), ("85230.", 85_230)]
)
def test_the_forms_of_vote_counts(written: str, votes: int) -> None:
    case = Case.model_validate(nejm_record(total_number_votes=written))
    assert case.total_votes == votes


def test_the_list_is_downloaded_once_and_its_rights_told_once(
    journal: Journal, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert len(open_source("nejm").cases) == 947
    assert "Massachusetts Medical" in (told := capsys.readouterr().err)
    assert str(tmp_path / "cache") in told
    assert len(open_source("nejm").cases) == 947
    assert capsys.readouterr().err == ""
    assert journal.requests["/cases.json"] == 1
    assert "Mozilla" in journal.headers["User-Agent"]
    assert journal.headers["Referer"].startswith("https://www.nejm.org/")


def bad_case_lists(good: bytes) -> dict[str, tuple[Reply, str]]:
    return {
        "html": (HTML, "an HTML page of"),
        "truncated": (Reply(good[:5000]), "data of 5,000 bytes"),
        "cut off on the way": (Reply(good[:5000], length=len(good)), "peer closed"),
        "changed": (Reply(good.replace(b"boy", b"guy", 1)), f"{CASES_BYTES:,} bytes"),
        "other schema": (Reply(b'[{"id": 1}]'), "data of 11 bytes"),
        "empty": (Reply(b""), "an empty answer"),
        "gone": (Reply(status=404), "HTTP 404"),
        "down": (Reply(status=503), "HTTP 503"),
    }


@pytest.mark.parametrize("fault", bad_case_lists(b""))
def test_a_bad_list_is_refused_and_not_kept(
    journal: Journal, case_list: bytes, fault: str, tmp_path: Path
) -> None:
    journal.case_list, message = bad_case_lists(case_list)[fault]
    with pytest.raises(NejmInspectError, match=message) as error:
        open_source("nejm")
    assert "127.0.0.1" in str(error.value)
    assert "NEJM_INSPECT_CASES_URL" in str(error.value)
    assert not list((tmp_path / "cache").glob("image_challenge*"))
    assert journal.requests["/cases.json"] == (1 if fault == "gone" else 4)


def test_a_passing_fault_is_retried(journal: Journal) -> None:
    attempts: list[str] = []

    def recover(path: str, headers: dict[str, str], body: bytes) -> Reply:
        attempts.append(path)
        return journal.case_list if len(attempts) == 3 else Reply(status=502)

    with serve(recover) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEJM_INSPECT_CASES_URL", f"{url}/cases.json")
        assert len(open_source("nejm").cases) == 947
    assert len(attempts) == 3


def test_a_good_copy_needs_no_network_and_is_not_replaced(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_source("nejm")
    journal.case_list = HTML
    assert len(open_source("nejm").cases) == 947
    monkeypatch.setenv("NEJM_INSPECT_CASES_URL", "http://127.0.0.1:9/cases.json")
    assert len(open_source("nejm").cases) == 947


def test_a_damaged_copy_is_replaced_only_by_a_good_one(journal: Journal, tmp_path: Path) -> None:
    open_source("nejm")
    (copy,) = (tmp_path / "cache").glob("image_challenge*")
    copy.write_bytes(b"[]")
    good, journal.case_list = journal.case_list, HTML
    with pytest.raises(NejmInspectError, match="HTML page"):
        open_source("nejm")
    assert copy.read_bytes() == b"[]"
    journal.case_list = good
    assert len(open_source("nejm").cases) == 947
    assert copy.read_bytes() == good.body


def test_no_network_and_no_copy_is_a_clear_error() -> None:
    with pytest.raises(NejmInspectError, match=r"127\.0\.0\.1:9.*refused") as error:
        open_source("nejm")
    assert "save it as" in str(error.value)


def test_a_url_that_is_none_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEJM_INSPECT_CASES_URL", "somewhere/cases.json")
    with pytest.raises(NejmInspectError, match="not a URL"):
        open_source("nejm")


# Images


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
    bomb = encoded(Image.new("1", (12_000, 12_000)), "PNG")
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


def test_image_dir_must_be_a_folder(journal: Journal, tmp_path: Path) -> None:
    for folder in (str(tmp_path / "nowhere"), "x" * 5_000):
        with pytest.raises(NejmInspectError, match="is not a folder"):
            open_source("nejm", folder)


def test_the_address_of_images_must_depend_on_the_case(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, images = sample(2)
    monkeypatch.setenv("NEJM_INSPECT_IMAGES_URL", "http://127.0.0.1:9/image.jpg")
    with pytest.raises(NejmInspectError, match=r"must contain \{date\}"):
        images(cases)


@pytest.mark.parametrize("damage", [b"", b"half"])
def test_a_damaged_image_in_the_cache_is_fetched_anew(journal: Journal, damage: bytes) -> None:
    cases, images = sample(2)
    path = images(cases).found[cases[0].id][0].path
    path.write_bytes(path.read_bytes()[:300] if damage else b"")
    assert not images(cases).missing
    assert path.read_bytes() == encoded(picture(int(date_of(cases[0]))))
    assert journal.image_requests == 3
