"""Lossless greyscale PNG of packed sensor pixels, and its strict reader.

A press is stored as the packed bytes the sensor sent (4 bits a pixel, two pixels a byte, high nibble first), which is
exactly a 4-bit greyscale PNG row (PNG, third edition, 7.2 and 11.2.1). Encoding and decoding are exact inverses.
The reader takes any conforming non-interlaced 4- or 8-bit greyscale PNG, with every filter type, and refuses everything
else: other colour types, unknown critical chunks, wrong CRC, trailing bytes, too many or too few pixels. It never
allocates more than the header promises and `MAX_PIXELS` allows.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from wire.records.errors import RecordInvalid

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 4096 * 4096
_ANCILLARY = 0x20
_METRE_PER_INCH = 0.0254


@dataclass(frozen=True, slots=True)
class GreyImage:
    """Greyscale pixels as they lie in memory.

    Attributes:
        pixels: rows top to bottom; bit_depth 8: one byte a pixel, bit_depth 4: two pixels a byte, high nibble first.
        bit_depth: 4 or 8.
    """

    pixels: bytes
    width_px: int
    height_px: int
    bit_depth: int


def encode(packed: bytes, width_px: int, height_px: int, ppi: int | None = None) -> bytes:
    """A 4-bit greyscale PNG.

    Args:
        packed: width_px * height_px / 2 bytes, high nibble first; width_px even.
        ppi: written as pHYs when given.

    Raises:
        RecordInvalid: the length does not fit the size.
    """
    return encode_grey(GreyImage(packed, width_px, height_px, 4), ppi)


def decode(png: bytes) -> GreyImage:
    """The packed pixels of a 4-bit greyscale PNG. Raises RecordInvalid for anything else."""
    image = decode_grey(png)
    if image.bit_depth != 4:
        raise _invalid(f"bit depth {image.bit_depth} instead of 4")
    return image


def unpack(packed: bytes) -> bytes:
    """4-bit pixels as 8-bit ones: nibble * 17, so that 0 stays 0 and 15 becomes 255."""
    high = packed.translate(_HIGH)
    low = packed.translate(_LOW)
    out = bytearray(2 * len(packed))
    out[0::2] = high
    out[1::2] = low
    return bytes(out)


def pack(grey: bytes) -> bytes:
    """The inverse of `unpack`. Raises RecordInvalid for a value that is no multiple of 17 or an odd count."""
    if len(grey) % 2 or any(value % 17 for value in set(grey)):
        raise _invalid("pixels are not 4-bit values times 17")
    return bytes(a // 17 << 4 | b // 17 for a, b in zip(grey[0::2], grey[1::2], strict=True))


def encode_grey(image: GreyImage, ppi: int | None = None) -> bytes:
    """A 4- or 8-bit greyscale PNG of `image`. Raises RecordInvalid where pixels and size disagree."""
    row_bytes = check(image)
    header = struct.pack(">IIBBBBB", image.width_px, image.height_px, image.bit_depth, 0, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    if ppi is not None:
        per_metre = round(ppi / _METRE_PER_INCH)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)))
    chunks.append(_chunk(b"IDAT", _deflated(image.pixels, row_bytes)))
    chunks.append(_chunk(b"IEND", b""))
    return SIGNATURE + b"".join(chunks)


def check(image: GreyImage) -> int:
    """Bytes of a row. Raises RecordInvalid where pixels, size and depth of `image` disagree."""
    row_bytes = _row_bytes(image.width_px, image.height_px, image.bit_depth)
    if len(image.pixels) != row_bytes * image.height_px:
        raise _invalid(f"{len(image.pixels)} bytes for {image.width_px}x{image.height_px}")
    return row_bytes


def decode_grey(png: bytes) -> GreyImage:
    """The pixels of a non-interlaced 4- or 8-bit greyscale PNG. Raises RecordInvalid for anything else."""
    header: tuple[int, int, int] | None = None
    data: list[bytes] = []
    closed = False
    for name, body in _chunks(png):
        if name != b"IDAT" and data and not closed:
            closed = True
        match name:
            case b"IHDR" if header is None:
                header = _header(body)
            case b"IDAT" if header is not None and not closed:
                data.append(body)
            case b"IEND" if not body:
                pass
            case _ if name[0] & _ANCILLARY and header is not None:
                pass
            case _:
                raise _invalid(f"chunk {name.decode('latin-1')!r} out of place")
    if header is None:
        raise _invalid("no IHDR")
    width_px, height_px, depth = header
    row_bytes = _row_bytes(width_px, height_px, depth)
    raw = _inflate(b"".join(data), (row_bytes + 1) * height_px)
    return GreyImage(_unfilter(raw, row_bytes, 1), width_px, height_px, depth)


def _header(body: bytes) -> tuple[int, int, int]:
    if len(body) != 13:
        raise _invalid("IHDR length")
    width_px, height_px, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", body)
    if colour != 0 or depth not in (4, 8):
        raise _invalid(f"colour type {colour}, bit depth {depth}; only greyscale of 4 or 8 bits")
    if compression or filters or interlace:
        raise _invalid("compression, filter or interlace method")
    return width_px, height_px, depth


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if png[: len(SIGNATURE)] != SIGNATURE:
        raise _invalid("no PNG signature")
    at = len(SIGNATURE)
    name = b""
    while at < len(png):
        if name == b"IEND":
            raise _invalid("bytes after IEND")
        if at + 12 > len(png):
            raise _invalid("cut short")
        (length,) = struct.unpack_from(">I", png, at)
        end = at + 12 + length
        if end > len(png):
            raise _invalid("cut short")
        name, body = png[at + 4 : at + 8], png[at + 8 : end - 4]
        if zlib.crc32(png[at + 4 : end - 4]) != struct.unpack_from(">I", png, end - 4)[0]:
            raise _invalid("checksum")
        yield name, body
        at = end
    if name != b"IEND":
        raise _invalid("no IEND")


def _inflate(data: bytes, size_bytes: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, size_bytes + 1)
    except zlib.error:
        raise _invalid("deflate stream") from None
    if len(raw) != size_bytes or not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise _invalid("pixel data does not fill the image exactly")
    return raw


def _unfilter(raw: bytes, row_bytes: int, step: int) -> bytes:
    out = bytearray()
    above = bytes(row_bytes)
    for start in range(0, len(raw), row_bytes + 1):
        row = bytearray(raw[start + 1 : start + 1 + row_bytes])
        _undo(raw[start], row, above, step)
        out += row
        above = bytes(row)
    return bytes(out)


def _undo(kind: int, row: bytearray, above: bytes, step: int) -> None:
    match kind:
        case 0:
            return
        case 1:
            for i in range(step, len(row)):
                row[i] = (row[i] + row[i - step]) & 0xFF
        case 2:
            for i, up in enumerate(above):
                row[i] = (row[i] + up) & 0xFF
        case 3:
            for i, up in enumerate(above):
                left = row[i - step] if i >= step else 0
                row[i] = (row[i] + (left + up) // 2) & 0xFF
        case 4:
            for i, up in enumerate(above):
                left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
                row[i] = (row[i] + _paeth(left, up, corner)) & 0xFF
        case _:
            raise _invalid(f"filter type {kind}")


def _paeth(left: int, up: int, corner: int) -> int:
    estimate = left + up - corner
    distances = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
    return (left, up, corner)[distances.index(min(distances))]


def _deflated(pixels: bytes, row_bytes: int) -> bytes:
    """Filter type 0: on prints of few grey values the other filters make the stream longer (measured)."""
    raw = b"".join(b"\0" + pixels[start : start + row_bytes] for start in range(0, len(pixels), row_bytes))
    deflater = zlib.compressobj(6, zlib.DEFLATED, 15, 9)
    return deflater.compress(raw) + deflater.flush()


def _row_bytes(width_px: int, height_px: int, depth: int) -> int:
    if not (width_px > 0 and height_px > 0 and width_px * height_px <= MAX_PIXELS):
        raise _invalid(f"size {width_px}x{height_px}")
    if depth not in (4, 8):
        raise _invalid(f"bit depth {depth}")
    if depth == 4 and width_px % 2:
        raise _invalid("odd width cannot be packed two pixels a byte")
    return width_px * depth // 8


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _invalid(reason: str) -> RecordInvalid:
    return RecordInvalid(record="PNG", reason=reason)


_HIGH = bytes((value >> 4) * 17 for value in range(256))
_LOW = bytes((value & 0x0F) * 17 for value in range(256))
