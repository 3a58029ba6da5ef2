"""Fixtures: a world with a cache of its own, no network, no key, no terminal."""

import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tenacity import wait_none

from nejm_inspect.cases import download

# Imported before every test module: these may import what it pins.
from tests.case_list import CASE_LIST, HAS_REAL_CASE_LIST, REAL_CASE_LIST, pin_at_start
from tests.loopback import Journal, OpenRouter, Reply, serve

KEY = "sk-or-loopback-secret"


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has its own cache and logs, and reaches nothing but loopback."""
    monkeypatch.setenv("NEJM_INSPECT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "inspect-cache"))
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    unreachable = "http://127.0.0.1:9"
    monkeypatch.setenv("NEJM_INSPECT_CASES_URL", f"{unreachable}/cases.json")
    monkeypatch.setenv("NEJM_INSPECT_IMAGES_URL", f"{unreachable}/images?id=IC{{date}}")
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"{unreachable}/api/v1")
    for variable in ("OPENROUTER_API_KEY", "INSPECT_EVAL_MODEL"):
        monkeypatch.delenv(variable, raising=False)
    # Between attempts nothing is waited for; how long real waits are is no logic.
    monkeypatch.setattr(download, "RETRY_WAIT", wait_none())


@pytest.fixture(scope="session")
def case_list() -> bytes:
    """The journal's case list where it is, else its stand-in."""
    return CASE_LIST


@pytest.fixture(scope="session")
def case_records(case_list: bytes) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(case_list)
    return records


@pytest.fixture(scope="session")
def real_records(case_records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records with the journal's own texts."""
    if not HAS_REAL_CASE_LIST:
        pytest.skip(f"the journal's texts are not in the repository: {REAL_CASE_LIST} is missing")
    return case_records


@pytest.fixture(scope="session")
def _pins(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for the Python path of processes that use the case list."""
    folder = tmp_path_factory.mktemp("pins")
    pin_at_start(folder)
    return str(folder)


@pytest.fixture
def journal(case_list: bytes, _pins: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """The journal's servers with the case list and generated images."""
    journal = Journal(Reply(case_list))
    monkeypatch.setenv("PYTHONPATH", _pins, prepend=os.pathsep)
    with serve(journal.respond) as url:
        monkeypatch.setenv("NEJM_INSPECT_CASES_URL", f"{url}/cases.json")
        monkeypatch.setenv("NEJM_INSPECT_IMAGES_URL", f"{url}/images?id=IC{{date}}")
        yield journal


@pytest.fixture(scope="session")
def _openrouter_server() -> Iterator[tuple[str, list[OpenRouter]]]:
    """One server for all tests: Inspect keeps a model, with its URL, for later use."""
    current: list[OpenRouter] = []
    with serve(lambda *request: current[-1].respond(*request)) as url:
        yield url, current


@pytest.fixture
def openrouter(
    _openrouter_server: tuple[str, list[OpenRouter]], monkeypatch: pytest.MonkeyPatch
) -> OpenRouter:
    """OpenRouter on loopback, with a key for it."""
    url, current = _openrouter_server
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"{url}/api/v1")
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    current.append(OpenRouter())
    return current[-1]


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # takes a second, and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(_s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket of an S3 server on loopback."""
    import boto3  # takes a moment, and few tests need it

    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"bucket-{tmp_path.name}".replace("_", "-").lower()[:60]
    boto3.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}"


def nejm_record(image_id: int = 1, **changes: Any) -> dict[str, Any]:
    """A made-up record in the form of the case list."""
    record: dict[str, Any] = {
        "image_id": image_id,
        "date": f"{datetime.date(2010, 1, 1) + datetime.timedelta(image_id):%b-%d-%Y}",
        "question": "A man has a swollen toe. What is the diagnosis?",
        "relevant_context": "yes",
        "option_A": "Cellulitis",
        "option_B": "Gout",
        "option_C": "Chilblains",
        "option_D": "Bunion",
        "option_E": "Paronychia",
        "option_A_votes": "12%",
        "option_B_votes": "62%",
        "option_C_votes": "10%",
        "option_D_votes": "11%",
        "option_E_votes": "6%",
        "option_most_voted": "B",
        "correct_answer": "B",
        "total_number_votes": "96521",
        "brier_score": 0.037,
    }
    return {**record, **changes}
