import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from nejm_inspect.cases.images import (
    MAX_BYTES,
    CaseImage,
    ImageError,
    check_image,
    image_suffix,
    prepare_image,
)
from tests.loopback import encoded, picture


def prepared(data: bytes, folder: Path, name: str) -> CaseImage:
    path = folder / name
    path.write_bytes(data)
    check_image(data)
    return prepare_image(path)


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), os.urandom(3 * width * height))


@pytest.mark.parametrize(
    ("image", "format", "name"),
    [
        (picture(), "JPEG", "a.jpg"),
        (picture(), "JPEG", "a.JPEG"),
        (picture(), "PNG", "a.png"),
        (picture(), "WEBP", "a.webp"),
        (picture().convert("P"), "GIF", "a.gif"),
        (picture().convert("P"), "PNG", "a.png"),
        (picture().convert("L"), "JPEG", "a.jpg"),
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


def unusual(kind: str) -> tuple[bytes, str]:
    """An image that providers refuse, and what the record of its conversion says."""
    match kind:
        case "cmyk":
            return encoded(picture().convert("CMYK")), "mode CMYK"
        case "alpha":
            return encoded(picture().convert("RGBA"), "PNG"), "mode RGBA"
        case "tiff":
            return encoded(picture(), "TIFF"), "TIFF"
        case "bmp":
            return encoded(picture(), "BMP"), "BMP"
        case "wide":
            return encoded(picture(1, (9000, 20)), "PNG"), "9000×20 pixels"
        case "float":
            return encoded(picture().convert("F"), "TIFF"), "TIFF, mode F"
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["cmyk", "alpha", "tiff", "bmp", "wide", "float"])
def test_the_unusual_becomes_acceptable_and_is_recorded(
    kind: str, tmp_path: Path
) -> None:
    data, reason = unusual(kind)
    image = prepared(data, tmp_path, "original.dat")
    assert image.conversion is not None
    assert image.conversion.startswith(f"{reason} → PNG ")
    with Image.open(image.path) as result:
        assert result.format == "PNG"
        assert result.mode in ("RGB", "L")
        assert max(result.size) <= 8000
    assert "original" not in image.path.name
    assert (tmp_path / "original.dat").read_bytes() == data


def test_of_several_pages_the_first_is_sent_and_it_is_said(tmp_path: Path) -> None:
    pages = [picture(n) for n in (1, 2)]
    data = encoded(picture(), "TIFF", save_all=True, append_images=pages)
    for _ in range(2):  # of which the second finds the conversion there
        image = prepared(data, tmp_path, "a.tiff")
        assert image.conversion == "TIFF, first of 3 pages → PNG RGB 64×48"
        with Image.open(image.path) as sent:
            assert sent.tobytes() == picture().tobytes()


def test_a_lossless_original_loses_nothing(tmp_path: Path) -> None:
    original = noise(50, 40)
    image = prepared(encoded(original, "TIFF"), tmp_path, "a.tif")
    with Image.open(image.path) as result:
        assert result.tobytes() == original.tobytes()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    original = Image.new("I;16", (2, 1))
    original.putpixel((0, 0), 65_535)
    original.putpixel((1, 0), 32_768)
    image = prepared(encoded(original, "PNG"), tmp_path, "a.png")
    with Image.open(image.path) as result:
        assert list(result.tobytes()) == [255, 127]


def test_transparency_becomes_white(tmp_path: Path) -> None:
    image = prepared(encoded(Image.new("RGBA", (2, 2)), "PNG"), tmp_path, "a.png")
    with Image.open(image.path) as result:
        assert result.getpixel((0, 0)) == (255, 255, 255)


def test_cmyk_with_a_broken_profile_is_converted_all_the_same(tmp_path: Path) -> None:
    data = encoded(picture().convert("CMYK"), icc_profile=b"no profile at all" * 20)
    assert "mode CMYK" in str(prepared(data, tmp_path, "a.jpg").conversion)


def test_cmyk_with_a_profile_of_another_space_is_converted(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(picture().convert("CMYK"), icc_profile=srgb)
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


def test_a_conversion_is_made_once(tmp_path: Path) -> None:
    data, _ = unusual("cmyk")
    first = prepared(data, tmp_path, "a.jpg")
    changed = first.path.stat().st_mtime_ns
    assert prepared(data, tmp_path, "b.jpg").path == first.path
    assert first.path.stat().st_mtime_ns == changed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image"),
        (b"<html>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (encoded(picture(), "PNG")[:60], "damaged PNG"),
        (encoded(noise(60, 60))[:900], "damaged JPEG"),
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
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(
            st.integers(0, 255)
        )
    try:
        check_image(bytes(damaged))
    except ImageError:
        return
    with Image.open(io.BytesIO(bytes(damaged))) as image:
        image.load()


def test_suffixes_tell_the_format() -> None:
    assert image_suffix(encoded(picture(), "WEBP")) == ".webp"
    assert image_suffix(encoded(picture(), "TIFF")) == ".tiff"
