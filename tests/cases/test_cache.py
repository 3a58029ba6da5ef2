from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nejm_inspect.cases.cache import cache_folder, write_atomically
from nejm_inspect.errors import NejmInspectError


def test_the_folder_is_the_users_to_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("NEJM_INSPECT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "nejm-inspect"


def test_writing_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_no_reader_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    contents = [bytes([n]) * 300_000 for n in range(8)]
    write_atomically(path, contents[0])
    with ThreadPoolExecutor() as pool:
        writes = [pool.submit(write_atomically, path, data) for data in contents * 5]
        while not all(write.done() for write in writes):
            assert path.read_bytes() in contents
    assert path.read_bytes() in contents


def test_a_folder_that_cannot_be_written_to_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NejmInspectError, match="another folder by NEJM_INSPECT_CACHE"):
        write_atomically(tmp_path / "file" / "image.jpg", b"data")


def test_a_relative_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEJM_INSPECT_CACHE", "cache")
    with pytest.raises(NejmInspectError, match="must be an absolute path"):
        cache_folder()
