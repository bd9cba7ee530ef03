"""ISO/IEC 19794-5:2011 face records."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from wire.records import fac
from wire.records.errors import RecordInvalid
from wire.records.fac import FaceRecord
from wire.records.fir import QualityBlock


def _jpeg(mode: str = "RGB", size: tuple[int, int] = (48, 64), **options: object) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, format="JPEG", **options)
    return out.getvalue()


RECORD = FaceRecord(_jpeg(), datetime(2025, 7, 1, 8, 30, tzinfo=UTC), quality=(QualityBlock(77),))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_record_reads_back_as_written(mode: str, progressive: bool) -> None:
    """Grey and colour, baseline and progressive."""
    record = replace(RECORD, jpeg=_jpeg(mode, progressive=progressive))

    assert fac.read(fac.write(record)) == record


def test_the_bytes_lie_where_the_standard_puts_them() -> None:
    """Taken apart without the project's reader."""
    data = fac.write(RECORD)

    assert data[:8] == b"FAC\x00030\x00"
    assert struct.unpack(">IHBH", data[8:17]) == (len(data), 1, 0, 0)
    assert struct.unpack(">I", data[17:21]) == (len(data) - 17,)
    assert struct.unpack(">HBBBBBH", data[21:30]) == (2025, 7, 1, 8, 30, 0, 0)
    assert struct.unpack(">BHH", data[30:35]) == (6, 0, 0)
    assert struct.unpack(">BBHH", data[35:41]) == (1, 77, 0, 0)
    assert data[41:58] == bytes(17)
    assert struct.unpack(">BBHHBHBB", data[58:69]) == (1, 0, 48, 64, 0, 0, 0, 1)
    assert struct.unpack(">I", data[69:73]) == (len(RECORD.jpeg),)
    assert data[73:] == RECORD.jpeg


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, b"X", "format identifier"),
        (4, b"020", "version"),
        (8, b"\0\0\0\1", "record length"),
        (17, b"\0\0\0\1", "representation length"),
        (23, b"\x0d", "capture date"),
        (43, b"\1", "facial information"),
        (58, b"\0", "image type"),
        (59, b"\1", "data type"),
        (60, b"\0\x31", "disagree"),
        (68, b"\3", "disagree"),
    ],
)
def test_a_header_that_lies_is_refused_by_name(offset: int, value: bytes, reason: str) -> None:
    """Each field that disagrees with the image or the standard is named."""
    data = bytearray(fac.write(RECORD))
    data[offset : offset + len(value)] = value

    with pytest.raises(RecordInvalid, match=reason):
        fac.read(bytes(data))


@pytest.mark.parametrize("jpeg", [b"", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe0\0\1\xff\xd9", RECORD.jpeg[:-2]])
def test_what_is_no_whole_jpeg_is_not_written(jpeg: bytes) -> None:
    """No record without an image."""
    with pytest.raises(RecordInvalid):
        fac.write(replace(RECORD, jpeg=jpeg))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_named_error(data: bytes) -> None:
    """Bad input is a RecordInvalid and nothing else."""
    for candidate in (data, fac.MAGIC + fac.VERSION + data):
        with pytest.raises(RecordInvalid):
            fac.read(candidate)


@pytest.mark.parametrize("change", [{"quality": (QualityBlock(300),)}, {"vendor": 70_000}, {"device_type": -1}])
def test_fields_that_do_not_fit_are_not_written(change: dict[str, object]) -> None:
    """Refused instead of truncated."""
    with pytest.raises(RecordInvalid):
        fac.write(replace(RECORD, **change))


def test_the_walk_to_the_frame_header_skips_fill_bytes_and_refuses_odd_frames() -> None:
    """Fill bytes before a marker are legal; two components or no size are not."""
    frame = b"\xff\xc0\0\x0b\x08\0\x10\0\x20\x01\x01\x11\0"
    shape = fac.jpeg_shape(b"\xff\xd8\xff" + frame + b"\xff\xd9")

    assert (shape.width_px, shape.height_px, shape.components) == (32, 16, 1)
    for broken in (frame.replace(b"\x20\x01", b"\x20\x02"), frame.replace(b"\0\x20", b"\0\0")):
        with pytest.raises(RecordInvalid):
            fac.jpeg_shape(b"\xff\xd8" + broken + b"\xff\xd9")
