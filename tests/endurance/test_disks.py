"""Disks that are full or read-only, and caches of several runs and users."""

import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from nejm_inspect.cases import open_source
from tests.loopback import Call, Journal, OpenRouter, encoded, picture
from tests.processes import run
from tests.report.conftest import Logs
from tests.runs import CHALLENGE, DEMO, EXAMINEE, cli, logs

pytestmark = pytest.mark.endurance

BASELINE = ("--solver", "nejm_inspect/reader_vote", "--model", "none", "-T", "scorer=verbatim")
FOUR_CASES = ("inspect", "eval", CHALLENGE, *BASELINE, "-T", "sample_size=4")
BENCHMARK = ("nejm-inspect", "benchmark", *DEMO[2:], "--model", EXAMINEE, "--max-connections", "3")
REMEDY = "Make room, or name another folder by NEJM_INSPECT_CACHE."
NOBODY = 65534


def fetch(size: int) -> Result:
    return cli("fetch", "--sample-size", size)


def mount(folder: Path, options: str) -> None:
    command = ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 20 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount(folder, "size=20m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a disk: try unshare --user --map-root-user --mount pytest …")
    yield folder
    subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


def test_a_cache_on_a_full_disk(
    journal: Journal, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEJM_INSPECT_CACHE", str(disk))
    noise = random.Random(1).randbytes(3 * 200 * 150)
    image = encoded(Image.frombytes("RGB", (200, 150), noise))
    journal.images = {f"{case.date:%Y%m%d}": image for case in open_source("nejm").cases}
    mount(disk, "remount,size=1400k")
    result = fetch(60)
    assert result.exit_code == 1
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert error.startswith(f"Error: The cache cannot be written to: {disk}/images/IC")
    assert error.endswith("No space left on device. " + REMEDY)
    kept = list((disk / "images").iterdir())
    assert 0 < len(kept) < 60
    assert {path.read_bytes() for path in kept} == {image}

    mount(disk, "remount,size=20m")
    before = journal.image_requests
    assert "60 of 60 images are there." in fetch(60).stdout
    assert journal.image_requests == before + 60 - len(kept)


@pytest.mark.parametrize(
    ("command", "continued"),
    [
        (("inspect", *DEMO, "--model", EXAMINEE, "--max-samples", "3"), ("inspect", "eval-retry")),
        (BENCHMARK, BENCHMARK),
    ],
    ids=["inspect eval", "benchmark"],
)
def test_logs_and_inspects_cache_on_a_disk_that_runs_full(
    command: tuple[str, ...],
    continued: tuple[str, ...],
    openrouter: OpenRouter,
    disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INSPECT_LOG_DIR", str(disk / "logs"))
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(disk / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(disk / "data"))
    is_full = threading.Event()

    def examinee(call: Call) -> str:
        if len(openrouter.examinee_calls) == 7 and not is_full.is_set():
            is_full.set()
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        return "Gout"

    openrouter.examinee = examinee
    full = run(*command, cwd=disk)
    assert "No space left on device" in full.stdout + full.stderr
    assert "The run's status is error." in full.stderr
    if command == BENCHMARK:
        assert full.returncode == 1
        assert full.stderr.endswith("To continue: run the same command again.\n")

    (disk / "filler").unlink()
    again = run(*continued, *map(str, disk.glob("logs/*.eval")), cwd=disk)
    assert again.returncode == 0, again.stdout
    assert "12 scored, 0 unscored, 0 errors." in again.stderr
    images = [call.images[0] for call in openrouter.examinee_calls]
    assert len(set(images)) == 12
    # Of three at a time, the first four were finished before the disk was full.
    assert [images.count(image) for image in images[:4]] == [1] * 4


def test_a_report_on_a_full_disk_leaves_the_earlier_one(disk: Path, tmp_path: Path) -> None:
    runs, out = Logs(tmp_path / "runs"), disk / "report"
    command = ("report", runs.folder, "--out", out)
    runs.write("m/a", [10, 5, 0] * 4)
    assert cli(*command).exit_code == 0
    before = {path: path.is_file() and path.read_bytes() for path in out.rglob("*")}
    mount(disk, "remount,size=300k")
    runs.write("m/b", [10, 5, 0] * 4)
    result = cli(*command)
    assert result.exit_code == 1
    told = f"Error: --out {out} cannot be written to: No space left on device.\n"
    assert result.stderr.endswith(told)
    assert {path: path.is_file() and path.read_bytes() for path in out.rglob("*")} == before


def test_two_runs_fill_one_cache(journal: Journal, tmp_path: Path) -> None:
    journal.delay = 0.05
    command = ("inspect", "eval", CHALLENGE, *BASELINE, "-T", "sample_size=25")
    with ThreadPoolExecutor() as pool:
        both = pool.map(lambda _: run(*command), range(2))
        assert [done.returncode for done in both] == [0, 0]
    assert [log.results and log.results.completed_samples for log in logs()] == [25, 25]
    files = list((tmp_path / "cache" / "images").iterdir())
    assert len(files) == 25
    for file in files:
        date = file.stem.removeprefix("IC")
        assert file.read_bytes() == encoded(picture(int(date)))
        assert journal.requests[f"/images?id=IC{date}"] <= 2


def test_a_read_only_cache(journal: Journal, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEJM_INSPECT_CACHE", str(disk))
    assert fetch(4).exit_code == 0
    mount(disk, "remount,ro")
    warm = run(*FOUR_CASES)
    assert warm.returncode == 0, warm.stderr
    assert "4 scored" in warm.stderr
    assert journal.image_requests == 4
    cold = fetch(5)
    assert cold.exit_code == 1
    assert f"cannot be written to: {disk}/images/IC" in cold.stderr
    assert cold.stderr.endswith(f"Read-only file system. {REMEDY}\n")


def test_a_cache_that_another_user_filled(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache, own = Path(folder, "cache"), Path(folder, "own")
        own.mkdir()
        Path(folder).chmod(0o755)
        own.chmod(0o777)
        monkeypatch.setenv("NEJM_INSPECT_CACHE", str(cache))
        for variable in ("INSPECT_LOG_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR"):
            monkeypatch.setenv(variable, str(own))
        try:
            command = [sys.executable, "-c", "import nejm_inspect"]
            subprocess.run(command, check=True, user=NOBODY, extra_groups=[])
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("needs root, and a Python that every user may read")
        assert fetch(4).exit_code == 0

        warm = run(*FOUR_CASES, user=NOBODY)
        assert warm.returncode == 0, warm.stderr
        assert "4 scored" in warm.stderr
        fetch_six = ("nejm-inspect", "fetch", "--sample-size", "6")
        cold = run(*fetch_six, user=NOBODY)
        assert cold.returncode == 1
        assert f"cannot be written to: {cache}/images/IC" in cold.stderr
        assert cold.stderr.endswith(f"Permission denied. {REMEDY}\n")

        # A shared cache: every user's files are there for all.
        for path in (cache, *cache.iterdir()):
            path.chmod(path.stat().st_mode | 0o777)
        assert "6 of 6 images are there." in run(*fetch_six, user=NOBODY).stdout
        owners = {path.stat().st_uid for path in (cache / "images").iterdir()}
        assert owners == {os.getuid(), NOBODY}
        before = journal.image_requests
        assert "6 of 6 images are there." in fetch(6).stdout
        assert journal.image_requests == before
