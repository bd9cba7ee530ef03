"""Lossless 4-bit PNG: exact inverse, strict reader, readable by somebody else's reader."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from wire.records import png4
from wire.records.errors import RecordInvalid
from wire.records.png4 import GreyImage

sizes = st.tuples(st.integers(1, 12).map(lambda half: half * 2), st.integers(1, 12))


@st.composite
def packed_images(draw: st.DrawFn) -> tuple[bytes, int, int]:
    width, height = draw(sizes)
    count = width * height // 2
    return draw(st.binary(min_size=count, max_size=count)), width, height


@given(packed_images())
def test_decoding_is_the_exact_inverse_of_encoding(image: tuple[bytes, int, int]) -> None:
    """The bytes as received come back, whatever they are."""
    packed, width, height = image

    assert png4.decode(png4.encode(packed, width, height, ppi=500)) == GreyImage(packed, width, height, 4)


@given(packed_images())
def test_another_reader_sees_nibbles_times_17(image: tuple[bytes, int, int]) -> None:
    """Pillow, which is not ours, sees the same pixels."""
    packed, width, height = image

    with Image.open(io.BytesIO(png4.encode(packed, width, height))) as picture:
        assert picture.size == (width, height)
        assert picture.convert("L").tobytes() == png4.unpack(packed)


@given(st.binary(min_size=1, max_size=64))
def test_pack_undoes_unpack(packed: bytes) -> None:
    """8-bit pixels of 4-bit origin go back without loss."""
    assert png4.pack(png4.unpack(packed)) == packed


def test_pack_refuses_grey_values_that_never_were_four_bits() -> None:
    """A value between the sixteen levels is no sensor pixel."""
    with pytest.raises(RecordInvalid, match="17"):
        png4.pack(bytes([17, 18]))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_named_error(data: bytes) -> None:
    """Bad input is a RecordInvalid and nothing else."""
    for candidate in (data, png4.SIGNATURE + data):
        with pytest.raises(RecordInvalid):
            png4.decode(candidate)


@given(packed_images(), st.data())
def test_every_single_changed_byte_is_noticed(image: tuple[bytes, int, int], data: st.DataObject) -> None:
    """Chunk checksums cover everything: no changed byte gives another picture."""
    packed, width, height = image
    png = bytearray(png4.encode(packed, width, height))
    at = data.draw(st.integers(0, len(png) - 1))
    png[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(RecordInvalid):
        png4.decode(bytes(png))


@given(packed_images(), st.data())
def test_a_cut_or_lengthened_file_is_refused(image: tuple[bytes, int, int], data: st.DataObject) -> None:
    """Neither a missing nor a trailing byte passes."""
    png = png4.encode(*image)
    cut = data.draw(st.integers(0, len(png) - 1))

    with pytest.raises(RecordInvalid):
        png4.decode(png[:cut])
    with pytest.raises(RecordInvalid):
        png4.decode(png + b"\0")


@pytest.mark.parametrize("filter_type", range(5))
def test_every_filter_type_of_the_standard_is_understood(filter_type: int) -> None:
    """Records of others may use any filter; Pillow says what the pixels are."""
    width, height = 6, 3
    raw = b"".join(bytes([filter_type, 7 + row, 250, 31 * row]) for row in range(height))
    png = _png(struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0), zlib.compress(raw))

    with Image.open(io.BytesIO(png)) as picture:
        expected = picture.convert("L").tobytes()
    assert png4.unpack(png4.decode(png).pixels) == expected


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ((2, 1, 8, 2, 0, 0, 0), "colour type 2"),
        ((2, 1, 16, 0, 0, 0, 0), "bit depth 16"),
        ((2, 1, 4, 0, 0, 0, 1), "interlace"),
        ((0, 1, 4, 0, 0, 0, 0), "size"),
        ((3, 1, 4, 0, 0, 0, 0), "odd width"),
        ((2**31 - 2, 2**31 - 1, 4, 0, 0, 0, 0), "size"),
    ],
)
def test_other_kinds_of_png_are_refused_by_name(header: tuple[int, ...], reason: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(RecordInvalid, match=reason):
        png4.decode(_png(struct.pack(">IIBBBBB", *header), zlib.compress(b"\0\0")))


@pytest.mark.parametrize("body", [b"\0\0", b"\0" * 8, b""])
def test_pixel_data_of_another_length_is_refused(body: bytes) -> None:
    """Too few pixels and too many, so also a decompression bomb, end in an error."""
    with pytest.raises(RecordInvalid, match="fill"):
        png4.decode(_png(struct.pack(">IIBBBBB", 4, 2, 4, 0, 0, 0, 0), zlib.compress(body)))


def test_pixels_that_do_not_fit_the_size_are_refused_when_writing() -> None:
    """No header is written that disagrees with its image."""
    with pytest.raises(RecordInvalid, match="3 bytes for 4x2"):
        png4.encode(b"\0\0\0", 4, 2)


def test_an_unknown_critical_chunk_is_refused_and_an_ancillary_one_ignored() -> None:
    """As PNG 4.7 asks of decoders."""
    header = struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0)
    data = zlib.compress(b"\0\x12")

    assert png4.decode(_png(header, data, (b"teXt", b"x"))).pixels == b"\x12"
    with pytest.raises(RecordInvalid, match="ABCD"):
        png4.decode(_png(header, data, (b"ABCD", b"x")))


def _png(header: bytes, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    chunks = [(b"IHDR", header), *more, (b"IDAT", data), (b"IEND", b"")]
    out = png4.SIGNATURE
    for name, body in chunks:
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return out


def test_an_eight_bit_image_is_no_press_of_four_bits() -> None:
    """`decode` is for packed presses alone; `decode_grey` takes both."""
    png = png4.encode_grey(GreyImage(bytes(range(8)), 4, 2, 8))

    assert png4.decode_grey(png).pixels == bytes(range(8))
    with pytest.raises(RecordInvalid, match="bit depth 8"):
        png4.decode(png)


@pytest.mark.parametrize("depth", [1, 2, 16])
def test_no_other_depth_is_written(depth: int) -> None:
    """4 or 8."""
    with pytest.raises(RecordInvalid, match="bit depth"):
        png4.encode_grey(GreyImage(bytes(8), 4, 2, depth))


@pytest.mark.parametrize(
    ("header", "data", "reason"),
    [
        (b"short", zlib.compress(b""), "IHDR length"),
        (struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0), b"no deflate stream", "deflate"),
        (struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0), zlib.compress(b"\5\0"), "filter type 5"),
    ],
)
def test_what_lies_inside_the_chunks_is_checked_too(header: bytes, data: bytes, reason: str) -> None:
    """Right checksums round a wrong content."""
    with pytest.raises(RecordInvalid, match=reason):
        png4.decode(_png(header, data))


def test_chunks_in_another_order_are_refused() -> None:
    """No header, a second header, pixel data in two places, data after the end."""
    header = struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0)
    data = zlib.compress(b"\0\x12")
    whole = _png(header, data)
    chunk = whole[8:33]
    idat = whole[33:-12]

    for broken in (
        whole[:8] + whole[-12:],
        whole[:8] + chunk + whole[8:],
        whole[:8] + chunk + idat + _png(header, data, (b"teXt", b"x"))[33:46] + idat + whole[-12:],
        whole[:-12],
    ):
        with pytest.raises(RecordInvalid):
            png4.decode(broken)
