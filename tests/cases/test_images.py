import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image, ImageCms

from nejm_inspect.cases.image_bytes import ImageError, bare_image
from nejm_inspect.cases.images import MAX_BYTES, check_image, prepare_image
from nejm_inspect.cases.manifest import CaseImage, checked_image
from tests.loopback import encoded, picture


def prepared(data: bytes, folder: Path, name: str) -> CaseImage:
    path = folder / name
    path.write_bytes(data)
    check_image(data)
    return checked_image(path)


def noise(width: int, height: int) -> Image.Image:
    data = random.Random(7).randbytes(3 * width * height)
    return Image.frombytes("RGB", (width, height), data)


@pytest.mark.parametrize(
    ("image", "format", "name"),
    [
        (picture(), "JPEG", "a.jpg"),
        (picture().convert("L"), "JPEG", "a.JPEG"),
        (picture(), "WEBP", "a.webp"),
        (picture().convert("P"), "PNG", "a.png"),
        (picture().convert("1"), "PNG", "a.png"),
    ],
)
def test_acceptable_bytes_stay_as_they_came(
    image: Image.Image, format: str, name: str, tmp_path: Path
) -> None:
    data = encoded(image, format)
    assert prepared(data, tmp_path, name) == CaseImage(tmp_path / name, None)
    assert (tmp_path / name).read_bytes() == data


def test_a_wrong_ending_is_put_right_without_touching_the_bytes(tmp_path: Path) -> None:
    data = encoded(picture(), "PNG")
    image = prepared(data, tmp_path, "a.jpg")
    assert image.conversion is None
    assert image.path.suffix == ".png"
    assert image.path.read_bytes() == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(picture().convert("CMYK")), "mode CMYK"),
        (encoded(picture(1, (9000, 20)), "PNG"), "9000×20 pixels"),
        (encoded(picture().convert("F"), "TIFF"), "TIFF, mode F"),
    ],
)
def test_the_unusual_becomes_acceptable_and_is_recorded(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    image = prepared(data, tmp_path, "original.dat")
    assert prepared(data, tmp_path, "other.dat").path == image.path
    assert str(image.conversion).startswith(f"{reason} → PNG ")
    with Image.open(image.path) as result:
        assert result.format == "PNG"
        assert result.mode in ("RGB", "L")
        assert max(result.size) <= 8000
    assert "original" not in image.path.name
    assert (tmp_path / "original.dat").read_bytes() == data


@pytest.mark.parametrize("kind", [np.uint16, ">u2", np.int16, np.int32, np.float32])
def test_deep_grey_is_scaled_by_its_own_extremes(kind: Any, tmp_path: Path) -> None:
    values = np.array([[1_000, 1_500, 1_250, 2_000]]).astype(kind)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, byteorder=">" if kind == ">u2" else "<")
    image = prepared(buffer.getvalue(), tmp_path, "a.tif")
    with Image.open(image.path) as result:
        assert list(result.tobytes()) == [0, 128, 64, 255]


def test_deep_grey_of_one_value_is_sent_and_of_none_is_no_image(tmp_path: Path) -> None:
    one_value = encoded(Image.new("I;16", (3, 2), 40_000), "PNG")
    with Image.open(prepared(one_value, tmp_path, "a.png").path) as result:
        assert (result.mode, result.size) == ("L", (3, 2))
    with pytest.raises(ImageError, match="no pixel has a finite value"):
        prepare_image(encoded(Image.new("F", (3, 2), float("nan")), "TIFF"))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_all_sixteen_bits_of_a_channel_count(
    order: Any, compression: str | None, tmp_path: Path
) -> None:
    low_bits = np.arange(4 * 5 * 3, dtype=np.uint16).reshape(4, 5, 3) + 0x3FF0
    buffer = io.BytesIO()
    options: Any = {"byteorder": order, "compression": compression}
    tifffile.imwrite(buffer, low_bits, photometric="rgb", **options)
    image = prepared(buffer.getvalue(), tmp_path, "a.tif")
    with Image.open(image.path) as result:
        expected = np.rint((low_bits - 0x3FF0) * 255.0 / 59).astype(np.uint8)
        assert np.array_equal(np.asarray(result), expected)


def test_what_pillow_misreads_is_refused() -> None:
    buffer = io.BytesIO()
    planes = np.zeros((3, 8, 9), np.uint16)
    tifffile.imwrite(buffer, planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(ImageError, match="16-bit planes"):
        check_image(buffer.getvalue())


ORIENTED = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
UPRIGHT = {
    1: ORIENTED,
    2: ORIENTED[:, ::-1],
    3: ORIENTED[::-1, ::-1],
    4: ORIENTED[::-1],
    5: ORIENTED.T,
    6: np.rot90(ORIENTED, -1),
    7: ORIENTED[::-1, ::-1].T,
    8: np.rot90(ORIENTED),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_every_orientation_is_applied(format: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = np.kron(ORIENTED, np.ones((8, 8), np.uint8))  # which JPEG keeps
    options: Any = {"lossless": True} if format == "WEBP" else {}
    data = encoded(Image.fromarray(blocks), format, exif=exif, **options)
    image = prepared(data, tmp_path, f"a.{format.lower()}")
    said = "turned as EXIF says" in str(image.conversion)
    assert said == (orientation != 1)
    with Image.open(image.path) as result:
        sent = np.asarray(result.convert("L")).astype(int)
    expected = np.kron(UPRIGHT[orientation], np.ones((8, 8), int))
    assert np.abs(sent - expected).max() <= 2


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0II", b"Exif\0\0" + b"\xff" * 40])
def test_exif_that_cannot_be_read_turns_nothing(exif: bytes, tmp_path: Path) -> None:
    image = prepared(encoded(picture(), exif=exif), tmp_path, "a.jpg")
    assert image.conversion in (None, "metadata removed")


def test_cmyk_with_a_broken_profile_or_one_of_another_space_is_converted(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (b"no profile at all" * 20, srgb):
        data = encoded(picture().convert("CMYK"), icc_profile=profile)
        assert "mode CMYK" in str(prepared(data, tmp_path, "a.jpg").conversion)


def test_too_many_bytes_become_the_best_jpeg_that_fits(tmp_path: Path) -> None:
    data = encoded(noise(1600, 1400), "PNG")
    assert len(data) > MAX_BYTES
    image = prepared(data, tmp_path, "a.png")
    assert MAX_BYTES / 3 < image.path.stat().st_size <= MAX_BYTES
    with Image.open(image.path) as result:
        assert (result.format, result.size) == ("JPEG", (1600, 1400))


def test_what_no_quality_makes_fit_is_scaled_down(tmp_path: Path) -> None:
    image = prepared(encoded(noise(3600, 3000), "BMP"), tmp_path, "a.bmp")
    assert image.path.stat().st_size <= MAX_BYTES
    with Image.open(image.path) as result:
        assert 1000 < result.width < 3600


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image"),
        (b"<html>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (encoded(picture(), "PNG")[:60], "damaged PNG"),
        (encoded(noise(60, 60))[:900], "damaged JPEG"),
        (encoded(noise(60, 60))[:-2], "damaged JPEG"),
        (encoded(noise(60, 60), "PNG")[:-1000], "damaged PNG"),
        (encoded(noise(60, 60), "WEBP")[:-1000], "not an image"),
        (encoded(noise(60, 60), "GIF")[:-1000], "damaged GIF"),
        (encoded(noise(60, 60), "TIFF")[:-1000], "damaged TIFF"),
        (encoded(noise(60, 60), "BMP")[:-1000], "damaged BMP"),
        (encoded(Image.new("1", (40_000, 40_000)), "PNG"), "exceeds limit"),
        (encoded(Image.new("1", (7_100, 7_100)), "PNG"), "more than 50,000,000"),
    ],
)
def test_unsound_images_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        check_image(data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_damage_gets_past_as_another_error(data: Any) -> None:
    good = encoded(picture(3), data.draw(st.sampled_from(["PNG", "JPEG", "GIF"])))
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_image(bytes(damaged))
    except ImageError:
        return
    with Image.open(io.BytesIO(bare_image(bytes(damaged)).data)) as image:
        image.load()
