"""ISO/IEC 19794-4:2011 records, byte by byte against the layout and against strangers' image readers."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from wire.fingers import FingerPosition
from wire.records import fir, png4
from wire.records.errors import RecordInvalid
from wire.records.fir import Certification, Compression, FingerRecord, Impression, QualityBlock, Technology
from wire.records.png4 import GreyImage

WIDTH, HEIGHT = 64, 48
PACKED = b"".join(hashlib.sha256(bytes([row])).digest() for row in range(HEIGHT))
MOMENT = datetime(2025, 7, 1, 8, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=7)))
RECORD = FingerRecord(
    position=FingerPosition.LEFT_INDEX,
    image=GreyImage(PACKED, WIDTH, HEIGHT, 4),
    ppi=508,
    captured_at=MOMENT,
    technology=Technology.SEMICONDUCTOR_CAPACITIVE,
    quality=(QualityBlock(61),),
)


def _compressions() -> list[Compression]:
    return [kind for kind in Compression if kind is not Compression.JPEG2000_LOSSLESS or features.check("jpg_2000")]


@pytest.mark.parametrize("compression", _compressions())
def test_a_record_reads_back_as_written(compression: Compression) -> None:
    """Pixels come back exactly, in the stored depth, with the header's facts."""
    found, stored = fir.read(fir.write(RECORD, compression))

    grey = found.image.pixels if found.image.bit_depth == 8 else png4.unpack(found.image.pixels)
    assert stored is compression
    assert png4.pack(grey) == PACKED
    assert replace(found, image=RECORD.image) == replace(RECORD, captured_at=MOMENT.astimezone(UTC))


def test_the_bytes_lie_where_the_standard_puts_them() -> None:
    """Offsets of clauses 8.2 and 8.3, taken apart here without the project's reader."""
    data = fir.write(RECORD, Compression.RAW)

    assert data[:8] == b"FIR\x00020\x00"
    assert struct.unpack(">IHBB", data[8:16]) == (len(data), 1, 0, 1)
    assert struct.unpack(">I", data[16:20]) == (len(data) - 16,)
    assert struct.unpack(">HBBBBBH", data[20:29]) == (2025, 7, 1, 1, 30, 15, 250)
    assert struct.unpack(">BHH", data[29:34]) == (14, 0, 0)
    assert struct.unpack(">BBHH", data[34:40]) == (1, 61, 0, 0)
    assert struct.unpack(">BBBHHHHBBBHH", data[40:58]) == (7, 0, 1, 508, 508, 508, 508, 8, 0, 0, WIDTH, HEIGHT)
    assert struct.unpack(">I", data[58:62]) == (WIDTH * HEIGHT,)
    assert data[62:] == png4.unpack(PACKED)


def test_without_quality_the_header_is_57_bytes() -> None:
    """16 general, 37 representation, 4 image length."""
    data = fir.write(replace(RECORD, quality=()), Compression.PACKED)

    assert len(data) == 57 + len(PACKED)
    assert data[-len(PACKED) :] == PACKED


@pytest.mark.parametrize("compression", [Compression.PNG, Compression.JPEG2000_LOSSLESS])
def test_a_strangers_reader_opens_the_image(compression: Compression) -> None:
    """Pillow decodes the image block to the same pixels."""
    if compression not in _compressions():
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    data = fir.write(RECORD, compression)

    with Image.open(io.BytesIO(data[62:])) as picture:
        assert (picture.mode, picture.size) == ("L", (WIDTH, HEIGHT))
        assert picture.tobytes() == png4.unpack(PACKED)


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (3, b"X", "format identifier"),
        (4, b"010\0", "version"),
        (8, b"\0\0\0\1", "record length"),
        (12, b"\0\2", "representations"),
        (14, b"\2", "certification"),
        (14, b"\1", "finger position"),
        (16, b"\0\0\0\1", "representation length"),
        (22, b"\x0d", "capture date"),
        (29, b"\x63", "technology"),
        (35, b"\xc8", "quality score"),
        (40, b"\x0b", "finger position"),
        (42, b"\2", "scale"),
        (45, b"\0\1", "vertical scan resolution"),
        (49, b"\0\1", "vertical image resolution"),
        (51, b"\4", "bit depth"),
        (52, b"\2", "compression"),
        (53, b"\x64", "impression"),
        (54, b"\0\x41", "image bytes"),
        (58, b"\0\0\0\0", "bytes too many"),
    ],
)
def test_a_header_that_lies_is_refused_by_name(offset: int, value: bytes, reason: str) -> None:
    """Each field that disagrees with the image or the standard is named."""
    data = bytearray(fir.write(RECORD, Compression.RAW))
    data[offset : offset + len(value)] = value

    with pytest.raises(RecordInvalid, match=reason):
        fir.read(bytes(data))


@pytest.mark.parametrize("compression", [Compression.PNG, Compression.JPEG2000_LOSSLESS])
def test_a_header_size_that_differs_from_the_compressed_image_is_refused(compression: Compression) -> None:
    """The reader looks into the image instead of believing the header."""
    if compression not in _compressions():
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    data = bytearray(fir.write(RECORD, compression))
    data[54:58] = struct.pack(">HH", HEIGHT, WIDTH)

    with pytest.raises(RecordInvalid, match="disagree"):
        fir.read(bytes(data))


def test_lossy_jpeg_2000_does_not_pass_for_lossless() -> None:
    """The wavelet of the codestream decides, not the header."""
    if not features.check("jpg_2000"):
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    lossy = io.BytesIO()
    Image.frombytes("L", (WIDTH, HEIGHT), png4.unpack(PACKED)).save(lossy, format="JPEG2000", irreversible=True)
    body = lossy.getvalue()
    data = bytearray(fir.write(RECORD, Compression.JPEG2000_LOSSLESS))
    data[58:] = struct.pack(">I", len(body)) + body
    data[8:12] = struct.pack(">I", len(data))
    data[16:20] = struct.pack(">I", len(data) - 16)

    with pytest.raises(RecordInvalid, match="reversible"):
        fir.read(bytes(data))


@pytest.mark.parametrize(
    "change",
    [
        {"ppi": 0},
        {"ppi": 70_000},
        {"vendor": -1},
        {"captured_at": datetime(2025, 7, 1)},  # noqa: DTZ001 - the missing zone is the point
        {"quality": (QualityBlock(101),)},
        {"quality": (QualityBlock(254),)},
        {"scan_ppi": 500},
        {"certifications": (Certification(1, 1),) * 256},
        {"image": GreyImage(PACKED[:-1], WIDTH, HEIGHT, 4)},
        {"quality": (QualityBlock(50),) * 256},
    ],
)
def test_what_does_not_fit_is_not_written(change: dict[str, object]) -> None:
    """The writer refuses instead of truncating."""
    with pytest.raises(RecordInvalid):
        fir.write(replace(RECORD, **change), Compression.RAW)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_named_error(data: bytes) -> None:
    """Bad input is a RecordInvalid and nothing else."""
    for candidate in (data, fir.MAGIC + fir.VERSION + data):
        with pytest.raises(RecordInvalid):
            fir.read(candidate)


@settings(max_examples=200)
@given(st.sampled_from(_compressions()), st.data())
def test_a_damaged_record_never_gives_another_error(compression: Compression, data: st.DataObject) -> None:
    """Any one changed byte gives either a record that is whole or RecordInvalid."""
    raw = bytearray(fir.write(RECORD, compression))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        found, _ = fir.read(bytes(raw))
    except RecordInvalid:
        return
    assert len(found.image.pixels) * 8 == WIDTH * HEIGHT * found.image.bit_depth


def test_codes_are_those_of_the_tables() -> None:
    """Impression types of table 10; capture device technologies 0..20 of table 4 without a gap."""
    assert [int(kind) for kind in Impression] == [0, 1, 8, 24, 28, 29]
    assert [int(kind) for kind in Technology] == list(range(21))
    assert [Technology(code).name for code in (1, 13, 14, 18)] == [
        "WHITE_LIGHT_OPTICAL_TIR",
        "ELECTROLUMINESCENT",
        "SEMICONDUCTOR_CAPACITIVE",
        "ULTRASOUND",
    ]


def test_a_certified_device_and_a_finer_scan_read_back() -> None:
    """Records of other devices carry certification blocks and a scan resolution above that of the image."""
    record = replace(
        RECORD,
        quality=(QualityBlock(61), QualityBlock(255, 0x1234, 2)),
        certifications=(Certification(0x0103, 1), Certification(0xFFFE, 3)),
        scan_ppi=1000,
    )
    data = fir.write(record, Compression.RAW)
    found, _ = fir.read(data)

    assert data[14] == 1
    assert data[34:52].hex() == "023d00000000ff1234000202010301fffe03"
    assert struct.unpack(">HHHH", data[55:63]) == (1000, 1000, 508, 508)
    assert (found.quality, found.certifications, found.scan_ppi) == (
        record.quality,
        record.certifications,
        record.scan_ppi,
    )


def test_a_certification_flag_without_a_block_is_refused() -> None:
    """The flag promises at least one."""
    data = bytearray(fir.write(replace(RECORD, certifications=(Certification(1, 1),)), Compression.RAW))
    data[40:44] = b"\0"
    data[8:12] = struct.pack(">I", len(data))
    data[16:20] = struct.pack(">I", len(data) - 16)

    with pytest.raises(RecordInvalid, match="certification flag without"):
        fir.read(bytes(data))


def test_an_image_finer_than_its_scan_is_refused() -> None:
    """No resolution comes out of nothing."""
    data = bytearray(fir.write(RECORD, Compression.RAW))
    data[43:47] = struct.pack(">HH", 500, 500)

    with pytest.raises(RecordInvalid, match="above scan"):
        fir.read(bytes(data))


def test_packed_storage_is_for_packed_pixels_only() -> None:
    """8-bit pixels are not quietly cut to four bits."""
    eight = replace(RECORD, image=GreyImage(png4.unpack(PACKED), WIDTH, HEIGHT, 8))

    with pytest.raises(RecordInvalid, match="packed"):
        fir.write(eight, Compression.PACKED)
    assert fir.read(fir.write(eight, Compression.PNG))[0].image == eight.image


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "disagree"), (b"\xff\x4f\xff\x51" + bytes(40), "disagree"), (b"garbage", "disagree")],
)
def test_what_is_no_jpeg_2000_is_refused(body: bytes, reason: str) -> None:
    """Without size and wavelet in the codestream nothing is decoded."""
    with pytest.raises(RecordInvalid, match=reason):
        fir.read(_with_body(body))


@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_a_jpeg_2000_cut_short_is_refused_or_whole(cut: float) -> None:
    """A damaged codestream never gives an image of another size."""
    if not features.check("jpg_2000"):
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    whole = fir.write(RECORD, Compression.JPEG2000_LOSSLESS)[62:]

    with pytest.raises(RecordInvalid):
        fir.read(_with_body(whole[: round(len(whole) * cut)]))


def test_an_image_without_area_is_refused() -> None:
    """Size 0 in the header."""
    data = bytearray(fir.write(RECORD, Compression.RAW))
    data[54:58] = bytes(4)

    with pytest.raises(RecordInvalid, match="size 0x0"):
        fir.read(bytes(data))


def test_no_resolution_is_refused() -> None:
    """All four fields 0."""
    data = bytearray(fir.write(RECORD, Compression.RAW))
    data[43:51] = bytes(8)

    with pytest.raises(RecordInvalid, match="resolution is 0"):
        fir.read(bytes(data))


def _with_body(body: bytes) -> bytes:
    """A JPEG 2000 record with another image block."""
    data = bytearray(fir.write(RECORD, Compression.RAW))
    data[52] = Compression.JPEG2000_LOSSLESS
    data[58:] = struct.pack(">I", len(body)) + body
    data[8:12] = struct.pack(">I", len(data))
    data[16:20] = struct.pack(">I", len(data) - 16)
    return bytes(data)
