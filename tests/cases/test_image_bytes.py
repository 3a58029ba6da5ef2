import struct
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nejm_inspect.cases.image_bytes import ImageError, bare_image
from nejm_inspect.cases.images import check_image
from tests.cases.planted import GREY, chunk, image, segment
from tests.loopback import encoded

JPEGS = [
    encoded(image()),
    encoded(image(), progressive=True),
    encoded(image(), restart_marker_blocks=1, subsampling=0, optimize=True),
    encoded(image(GREY), quality=100),
    encoded(image().convert("CMYK")),
    encoded(image(), keep_rgb=True),
]


def places(jpeg: bytes) -> list[int]:
    """Where another segment may stand, from the second to the first scan."""
    found, at = [], 4 + int.from_bytes(jpeg[4:6])
    while jpeg[at + 1] != 0xDA:
        found.append(at)
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return [*found, at]


@pytest.mark.parametrize("jpeg", JPEGS)
def test_a_jpeg_without_metadata_stays_as_it_is(jpeg: bytes) -> None:
    assert bare_image(jpeg).data == jpeg


GARBAGE = st.lists(
    st.sampled_from([b"\xff\0", b"\xff\x01", b"\xff\xd0", b"?", b"\0", b"\xda\xd9"])
).map(b"".join)
UNWANTED = st.builds(
    segment, st.sampled_from([0xFE, *range(0xE0, 0xFE), 0xC8]), st.binary(max_size=200)
)
FILL_BYTES = st.integers(0, 5).map(lambda count: b"\xff" * count)
INSERTED = st.tuples(GARBAGE, FILL_BYTES, UNWANTED).map(b"".join)


@given(data=st.data())
def test_whatever_is_put_between_segments_goes(data: Any) -> None:
    jpeg = data.draw(st.sampled_from(JPEGS))
    put = data.draw(st.lists(st.tuples(st.sampled_from(places(jpeg)), INSERTED), max_size=6))
    changed = jpeg
    for place, more in sorted(put, key=lambda pair: -pair[0]):
        changed = changed[:place] + more + changed[place:]
    bare = bare_image(changed + data.draw(st.binary(max_size=50)))
    assert bare.data == jpeg


@given(st.sampled_from([*JPEGS, b"\xff\xd8\xff"]), st.integers(0), st.binary())
def test_no_bytes_are_another_error(jpeg: bytes, at: int, more: bytes) -> None:
    at %= len(jpeg)
    for data in (jpeg[: at + 3] + more, jpeg[:at] + more + jpeg[at:]):
        try:
            check_image(data)
        except ImageError:
            continue


@given(
    st.lists(
        st.tuples(st.sampled_from([b"IHDR", b"IDAT", b"PLTE", b"eXIf"]), st.binary(max_size=40))
    ),
    st.binary(),
)
def test_no_chunks_are_another_error(chunks: list[Any], more: bytes) -> None:
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks) + more
    try:
        check_image(data)
    except ImageError:
        return


@pytest.mark.parametrize("more", [b"", b"Zeno Quill"])
def test_the_number_of_lines_is_kept_and_nothing_with_it(more: bytes) -> None:
    start, end = JPEGS[0][:-2], JPEGS[0][-2:]
    bare = bare_image(start + segment(0xDC, b"\0\x30" + more) + end).data
    assert bare == start + segment(0xDC, b"\0\x30") + end
    check_image(bare)


def test_a_profile_that_fills_every_part_is_no_error() -> None:
    size = 255 * 65_519
    entry = struct.pack(">4sII", b"rTRC", 8_000_000, size - 8_000_000)
    profile = bytearray(size)
    profile[36:40] = b"acsp"
    profile[128:132] = struct.pack(">I", 600_000)
    profile[132 : 132 + 12 * 600_000] = entry * 600_000
    profile[8_000_000:8_000_004] = b"curv"
    parts = b"".join(
        segment(0xE2, b"ICC_PROFILE\0%c\xff" % (n + 1) + profile[65_519 * n :][:65_519])
        for n in range(255)
    )
    bare = bare_image(JPEGS[0][:20] + parts + JPEGS[0][20:]).data
    assert bare.endswith(JPEGS[0][20:])


@given(st.binary(), st.integers(0, 2**32 - 1))
def test_no_profile_is_an_error(tail: bytes, count: int) -> None:
    profile = bytes(36) + b"acsp" + bytes(88) + struct.pack(">I", count) + tail
    part = segment(0xE2, b"ICC_PROFILE\0\1\1" + profile)
    assert bare_image(JPEGS[0][:20] + part + JPEGS[0][20:]).data.endswith(JPEGS[0][20:])


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_a_wrong_checksum_of_pixels_is_damage(kind: bytes) -> None:
    png = bytearray(encoded(image(), "PNG"))
    at = png.index(kind)
    png[at + 4 + int.from_bytes(png[at - 4 : at])] ^= 1
    with pytest.raises(ImageError, match=f"damaged PNG image: .*{kind.decode()}"):
        bare_image(bytes(png))


def test_a_png_without_its_end_is_sound() -> None:
    png = encoded(image(), "PNG")
    assert bare_image(png[:-12]).data == png
