"""Images are what the bundle says of them: pixels are recomputed, sizes compared, decoders never trusted."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from central.emulated.station import make_finger, make_portrait
from central.errors import BundleRejected
from central.images import check_portrait, check_press
from wire.bundle import ClockTrust, Instant, Press
from wire.fingers import FingerPosition
from wire.records import png4

MOMENT = Instant(wall_ms=1, monotonic_ns=1, boot_id="b", trust=ClockTrust.NONE)
PRESS = make_finger(FingerPosition.RIGHT_INDEX, MOMENT, random.Random(1)).presses[0]
PORTRAIT = make_portrait(MOMENT, random.Random(1))


def _press(pixels: bytes, width: int, height: int, depth: int) -> Press:
    png = png4.encode_grey(png4.GreyImage(pixels, width, height, depth))
    return PRESS.model_copy(
        update={
            "png": png,
            "packed_sha256": hashlib.sha256(pixels).digest(),
            "width_px": width,
            "height_px": height,
            "bit_depth": depth,
        }
    )


def test_true_images_pass() -> None:
    """As a station sends them."""
    check_press(PRESS)
    check_portrait(PORTRAIT)


@given(data=st.data(), depth=st.sampled_from([4, 8]))
@settings(max_examples=60, deadline=None)
def test_pixels_are_hashed_as_the_sensor_sent_them(data: st.DataObject, depth: int) -> None:
    """High nibble first at 4 bits, one byte a pixel at 8, for every size and content."""
    width = 2 * data.draw(st.integers(1, 40))
    height = data.draw(st.integers(1, 40))
    size = width * height * depth // 8
    check_press(_press(data.draw(st.binary(min_size=size, max_size=size)), width, height, depth))


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_every_changed_bit_of_a_png_is_noticed(at: int, bit: int) -> None:
    """Refused by name, also where a decoder would forgive it."""
    raw = bytearray(PRESS.png)
    at %= len(raw)
    raw[at] ^= 1 << bit

    with pytest.raises(BundleRejected):
        check_press(PRESS.model_copy(update={"png": bytes(raw)}))


@given(data=st.data(), depth=st.sampled_from([4, 8]), kind=st.sampled_from([0, 1, 2, 3, 4, None]))
@settings(max_examples=80, deadline=None)
def test_every_filter_gives_the_same_pixels(data: st.DataObject, depth: int, kind: int | None) -> None:
    """A PNG may filter its rows as it likes, each row otherwise (None): what counts is the picture."""
    width, height = 2 * data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    row_bytes = width * depth // 8
    pixels = data.draw(st.binary(min_size=row_bytes * height, max_size=row_bytes * height))
    rows, above = [], bytes(row_bytes)
    for y in range(height):
        row = pixels[y * row_bytes : (y + 1) * row_bytes]
        rows.append(_filtered(row, above, kind if kind is not None else data.draw(st.integers(0, 4))))
        above = row
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(b"".join(rows))), _chunk(b"IEND", b""))
    press = _press(pixels, width, height, depth)

    check_press(press.model_copy(update={"png": b"\x89PNG\r\n\x1a\n" + b"".join(parts)}))


def _filtered(row: bytes, above: bytes, kind: int) -> bytes:
    """A row as PNG filters it (third edition, 9.2), one byte a step."""
    out = bytearray([kind])
    for i, value in enumerate(row):
        left, up, corner = row[i - 1] if i else 0, above[i], above[i - 1] if i else 0
        estimate = left + up - corner
        nearest = min((left, up, corner), key=lambda one: abs(estimate - one))
        out.append((value - (0, left, up, (left + up) // 2, nearest)[kind]) & 0xFF)
    return bytes(out)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_picture_of_another_format_is_no_press() -> None:
    """A JPEG, a coloured PNG, a 16-bit PNG, a PNG with a foreign tail."""
    coloured = io.BytesIO()
    Image.new("RGB", (192, 192)).save(coloured, "PNG")
    deep = io.BytesIO()
    Image.new("I;16", (192, 192)).save(deep, "PNG")
    for png in (PORTRAIT.jpeg, coloured.getvalue(), deep.getvalue(), PRESS.png + b"tail"):
        with pytest.raises(BundleRejected):
            check_press(PRESS.model_copy(update={"png": png}))


def test_picture_that_would_unpack_to_gigabytes_is_refused_by_its_header() -> None:
    """Nothing is unpacked for a size that the bundle did not name."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", b"x") + _chunk(b"IEND", b"")

    with pytest.raises(BundleRejected) as caught:
        check_press(PRESS.model_copy(update={"png": bomb}))
    assert caught.value.code == "image_size"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"jpeg": PORTRAIT.jpeg[: len(PORTRAIT.jpeg) // 2]}, "image_decode"),
        ({"jpeg": b"\xff\xd8\xff\xd9"}, "image_decode"),
        ({"jpeg": PRESS.png}, "image_decode"),
        ({"width_px": 600, "height_px": 480}, "image_size"),
        ({"width_px": 50_000}, "image_size"),
    ],
)
def test_portrait_that_is_not_what_is_said_is_refused(change: dict[str, object], code: str) -> None:
    """Cut, empty, of another kind, of another size."""
    with pytest.raises(BundleRejected) as caught:
        check_portrait(PORTRAIT.model_copy(update=change))
    assert caught.value.code == code


@given(raw=st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_no_bytes_break_the_checks(raw: bytes) -> None:
    """Rejected by name; no other exception."""
    with pytest.raises(BundleRejected):
        check_press(PRESS.model_copy(update={"png": raw}))
    with pytest.raises(BundleRejected):
        check_portrait(PORTRAIT.model_copy(update={"jpeg": raw}))
