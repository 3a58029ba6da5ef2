import hashlib
from pathlib import Path
from typing import Any

import pytest

from nejm_inspect.cases import open_source
from nejm_inspect.cases.nejm import CASES_BYTES, CASES_SHA256
from nejm_inspect.cases.schema import Case
from nejm_inspect.errors import NejmInspectError
from tests.conftest import nejm_record
from tests.loopback import Journal, Reply, serve

HTML = Reply(b"<!DOCTYPE html><html><title>Just a moment</title></html>", content_type="text/html")


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


def test_the_forms_of_vote_counts() -> None:
    for written, votes in (("96521", 96_521), ("165,436", 165_436), ("85230.", 85_230)):
        assert Case.model_validate(nejm_record(total_number_votes=written)).total_votes == votes


def test_the_list_is_downloaded_once_and_its_rights_told_once(
    journal: Journal,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(open_source("nejm").cases) == 947
    assert "Massachusetts Medical" in (told := capsys.readouterr().err)
    assert str(tmp_path / "cache") in told
    monkeypatch.setenv("NEJM_INSPECT_CASES_URL", "http://127.0.0.1:9/cases.json")
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


def test_a_passing_fault_is_retried(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [Reply(status=502), Reply(status=502), journal.case_list]
    with serve(lambda *request: replies.pop(0)) as url:
        monkeypatch.setenv("NEJM_INSPECT_CASES_URL", f"{url}/cases.json")
        assert len(open_source("nejm").cases) == 947
    assert not replies


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


def test_no_network_and_no_copy_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NejmInspectError, match=r"127\.0\.0\.1:9.*refused") as error:
        open_source("nejm")
    assert "save it as" in str(error.value)
    monkeypatch.setenv("NEJM_INSPECT_CASES_URL", "somewhere/cases.json")
    with pytest.raises(NejmInspectError, match="not a URL"):
        open_source("nejm")
