"""What of an image file reaches a model and a log: pixels, and nothing else."""

import base64
import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval
from inspect_ai.log import read_eval_log
from PIL import Image, ImageCms

from nejm_inspect import nejm_image_challenge
from nejm_inspect.cases.manifest import CaseImage, checked_image
from tests.cases import planted_files  # noqa: F401 - plants them
from tests.cases.planted import FILES, PICTURE, Pixels, Planted, exif, image
from tests.loopback import OpenRouter, encoded

NAME = "Zeno-Quill"


def test_there_are_enough_files() -> None:
    assert len(FILES) >= 30


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest) -> Planted:
    return FILES[request.param]


def forms(name: str) -> list[bytes]:
    """The bytes that a file may hold for a name."""
    encoded = [name.encode(e) for e in ("utf-8", "utf-16-le", "utf-16-be")]
    return [*encoded, name.encode().hex().encode()]


def unpacked(data: bytes) -> bytes:
    """The data, and what is compressed in them."""
    streams = [data]
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            streams.append(zlib.decompressobj().decompress(data[match.start() :]))
        except zlib.error:
            continue
    return b"".join(streams)


def test_every_name_is_in_its_file(file: Planted) -> None:
    everything = unpacked(file.data)
    for name in file.names:
        assert any(form in everything for form in forms(name))


def assert_without_names(data: bytes) -> None:
    everything = unpacked(data)
    for form in forms(NAME):
        assert form not in everything


def written(folder: Path, file: Planted) -> Path:
    """The file, under a name that nobody may see either."""
    path = folder / f"{NAME}-{hashlib.sha256(file.data).hexdigest()}{file.suffix}"
    path.write_bytes(file.data)
    return path


def test_no_name_leaves_this_machine(tmp_path: Path, openrouter: OpenRouter) -> None:
    paths = {id: written(tmp_path, file) for id, file in FILES.items()}
    rows = [
        {"id": id, "history": f"Case {id}", "reference": "Gout", "image": path.name}
        for id, path in paths.items()
    ]
    (tmp_path / "cases.json").write_text(json.dumps(rows))
    task = nejm_image_challenge(
        cases=str(tmp_path / "cases.json"), sample_size=None, scorer="verbatim"
    )
    (log,) = eval(task, model="openrouter/some/model")
    assert log.status == "success"

    sent = {}
    for call in openrouter.calls:
        assert_without_names(json.dumps(call.payload, ensure_ascii=False).encode())
        (url,) = call.images
        (id,) = re.findall(r"Case (\S+)", call.text)
        sent[id] = base64.b64decode(url.partition(",")[2])
        assert_without_names(sent[id])
    prepared = {id: checked_image(path) for id, path in paths.items()}
    assert sent == {id: image.path.read_bytes() for id, image in prepared.items()}

    in_log = set()
    with zipfile.ZipFile(log.location.removeprefix("file://")) as members:
        for member in members.namelist():
            data = members.read(member)
            assert_without_names(data)
            in_log |= set(re.findall(rb"data:image/\w+;base64,([\w+/=]+)", data))
    assert set(map(base64.b64decode, in_log)) == set(sent.values())
    for sample in read_eval_log(log.location).samples:
        assert sample.metadata["image_conversion"] == FILES[str(sample.id)].conversion


def decoded(data: bytes) -> Pixels:
    """The first picture in RGB, without any turning."""
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"))


def as_rgb(pixels: Pixels) -> Pixels:
    return np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels


def test_every_pixel_is_sent_upright_and_its_scan_kept(file: Planted, tmp_path: Path) -> None:
    given = decoded(file.data) if file.pixels is None else as_rgb(file.pixels)
    sent = checked_image(written(tmp_path, file)).path.read_bytes()
    assert np.array_equal(decoded(sent), np.rot90(given, file.turned))
    if sent.startswith(b"\xff\xd8"):
        kept = sent[sent.rindex(b"\xff\xda") :]
    else:
        kept = sent[sent.index(b"IDAT") : sent.rindex(b"IEND") - 4]
    assert (kept in file.data) == file.keeps_scan


def parts(data: bytes) -> set[Any]:
    """The codes of a JPEG file's segments up to its scan, or a PNG file's chunks."""
    is_jpeg = data.startswith(b"\xff\xd8")
    at, found = (2 if is_jpeg else 8), set()
    while at < len(data) and 0xDA not in found:
        if is_jpeg:
            _, code, length = struct.unpack_from(">BBH", data, at)
            found.add(code)
            at += 2 + length
        else:
            length, kind = struct.unpack_from(">I4s", data, at)
            found.add(kind)
            at += 12 + length
    return found


def test_only_parts_that_decoding_needs_are_sent(file: Planted, tmp_path: Path) -> None:
    sent = checked_image(written(tmp_path, file)).path.read_bytes()
    tables = {0xC4, 0xDB, 0xDD}
    headers = {0xC0, 0xC2, 0xDA, 0xE0, 0xE2, 0xEE}
    chunks = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
    assert parts(sent) <= tables | headers | chunks


def test_what_was_done_is_the_same_the_next_time(file: Planted, tmp_path: Path) -> None:
    path = written(tmp_path, file)
    first = checked_image(path)
    changed = first.path.stat().st_mtime_ns
    assert checked_image(path) == first
    assert first.path.stat().st_mtime_ns == changed
    assert first.original == path
    assert checked_image(first.path) == CaseImage(first.path, None)


def test_files_of_an_older_cache_are_not_used(tmp_path: Path) -> None:
    data = encoded(image(), "TIFF")
    old = tmp_path / "cache/converted" / f"{hashlib.sha256(data).hexdigest()[:32]}.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(encoded(image(PICTURE[::-1]), "PNG", exif=exif(Planted(""))))
    path = tmp_path / "a.tiff"
    path.write_bytes(data)
    assert np.array_equal(decoded(checked_image(path).path.read_bytes()), PICTURE)


def test_a_profile_keeps_its_colors_without_its_texts(tmp_path: Path) -> None:
    file = FILES["of_pillow.jpg"]
    with Image.open(checked_image(written(tmp_path, file)).path) as opened:
        bare = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    with Image.open(io.BytesIO(file.data)) as opened:
        whole = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    assert bare.profile.red_colorant == whole.profile.red_colorant
    assert bare.profile.profile_description is None
    lab = ImageCms.createProfile("LAB")

    def measured(profile: Any) -> bytes:
        return ImageCms.profileToProfile(image(), profile, lab, outputMode="LAB").tobytes()

    assert measured(bare) == measured(whole)
