"""Images are checked once; what has changed since is noticed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.images import READ_FORMATS
from nejm_inspect.cases.manifest import PREPARED, CaseImage, checked_image, forget
from nejm_inspect.cases.nejm_images import ENDINGS
from tests.loopback import encoded, picture

PNG = encoded(picture(), "PNG")
OTHER = encoded(picture(9), "PNG")
TIFF = encoded(picture(), "TIFF")


def records(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / PREPARED).glob("*.json"))


def replace_unnoticed(path: Path, data: bytes) -> None:
    """Other content with the same size and time."""
    before = path.stat()
    path.write_bytes(data.ljust(before.st_size)[: before.st_size])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_endings_are_those_of_pillow() -> None:
    Image.init()
    for ending, name in Image.EXTENSION.items():
        assert bool(ENDINGS.fullmatch(ending)) == (name in READ_FORMATS), ending


@pytest.mark.parametrize(("name", "data"), [("a.png", PNG), ("a.jpg", PNG), ("a.tif", TIFF)])
def test_a_checked_file_is_not_read_again(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    first = checked_image(path)
    replace_unnoticed(path, b"not an image")
    assert checked_image(path) == first
    os.utime(path)
    with pytest.raises(ImageError, match=rf"{name}: not an image"):
        checked_image(path)


def test_a_changed_file_is_checked_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    assert checked_image(path) == CaseImage(path, None)
    path.write_bytes(TIFF)
    assert checked_image(path).conversion == "TIFF → PNG RGB 64×48"
    path.unlink()
    with pytest.raises(ImageError, match=r"a\.png: No such file"):
        checked_image(path)
    path.mkdir()
    with pytest.raises(ImageError, match=r"a\.png: not a regular file"):
        checked_image(path)


@pytest.mark.parametrize("damage", [None, b"", b"half"])
def test_a_prepared_image_that_has_gone_or_changed_is_made_again(
    damage: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFF)
    sent = checked_image(path).path
    made = sent.read_bytes()
    sent.unlink() if damage is None else sent.write_bytes(damage)
    assert checked_image(path).path == sent
    assert sent.read_bytes() == made


@pytest.mark.parametrize(
    "damage", [b"", b"\0" * 99, b"[]", b"null", b"{", b'{"name": 1}', b'{"states": [[1]]}']
)
def test_a_damaged_record_is_written_again(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFF)
    image = checked_image(path)
    (record,) = records(tmp_path)
    written = record.read_bytes()
    record.write_bytes(damage)
    assert checked_image(path) == image
    assert record.read_bytes() == written


def test_a_cache_that_cannot_be_written_to_keeps_no_records(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / PREPARED).touch()  # where the folder would be
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for _ in range(2):
        assert checked_image(path) == CaseImage(path, None)


@pytest.mark.parametrize("name", ["7.png", "7.jpg"])
def test_a_foreign_file_under_a_name_of_the_cache_is_noticed(name: str, tmp_path: Path) -> None:
    fetched = tmp_path / "7.png"
    fetched.write_bytes(PNG)
    image = checked_image(fetched, is_ours=True)
    fetched.unlink()
    (tmp_path / name).write_bytes(OTHER)
    with pytest.raises(ImageError, match=rf"{name}: it is not the file that was fetched"):
        checked_image(tmp_path / name, is_ours=True)
    fetched.write_bytes(PNG)
    assert checked_image(fetched, is_ours=True) == image
    forget(fetched)
    fetched.unlink()
    (tmp_path / "7.tiff").write_bytes(TIFF)
    assert checked_image(tmp_path / "7.tiff", is_ours=True).conversion


@pytest.mark.parametrize("content", [OTHER, b""])
def test_verifying_reads_files_that_seem_unchanged(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "7.png"
    path.write_bytes(PNG)
    image = checked_image(path, is_ours=True)
    replace_unnoticed(path, content)
    assert checked_image(path, is_ours=True) == image
    with pytest.raises(ImageError, match="not the file that was fetched"):
        checked_image(path, is_ours=True, verify=True)


def test_a_killed_process_leaves_good_records(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.tif").write_bytes(encoded(picture(number), "TIFF"))
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from nejm_inspect.cases.manifest import checked_image\n"
        "for path in sorted(Path(sys.argv[1]).glob('*.tif')): checked_image(path)\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    while len(records(tmp_path)) < 20:
        assert both[0].poll() is None
        time.sleep(0.01)
    both[0].send_signal(signal.SIGKILL)
    assert both[1].wait(timeout=60) == 0
    both[0].wait()
    assert len(records(tmp_path)) == 300
    for number in range(300):
        path = tmp_path / f"{number}.tif"
        replace_unnoticed(path, b"")
        with Image.open(checked_image(path).path) as sent:
            assert sent.getpixel((9, 9)) == picture(number).getpixel((9, 9))


def test_a_warm_start_loads_neither_pillow_nor_numpy(tmp_path: Path) -> None:
    (tmp_path / "1.tif").write_bytes(TIFF)
    (tmp_path / "cases.json").write_text(
        json.dumps([{"history": "What?", "reference": "Gout", "image": "1.tif"}])
    )
    program = (
        "import sys\n"
        "from nejm_inspect.dataset import DatasetParameters\n"
        "dataset, _ = DatasetParameters.of(cases=sys.argv[1]).load()\n"
        "print(len(dataset), *sorted({'PIL', 'numpy'} & sys.modules.keys()))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cases.json")]
    cold, warm = (subprocess.run(command, capture_output=True, text=True).stdout for _ in range(2))
    assert (cold, warm) == ("1 PIL numpy\n", "1\n")
