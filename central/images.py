"""Recomputes what a bundle says of its images, from the images themselves. Pure.

A press must decode to pixels of the size it names, and their packed form must have the SHA-256 the station recorded;
the portrait must be a JPEG of the size it names whose entropy-coded data is whole. Must never allocate for a size that
the bundle did not name, and never let a decoder's message out: it may hold data.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

from central.errors import BundleRejected
from wire.bundle import Portrait, Press

_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_HEADER_BYTES = 13
_GREYSCALE = 0
_NO_FILTER, _UP_FILTER = 0, 2
_MAX_PORTRAIT_PX = 4000


def check_press(press: Press) -> None:
    """Raises BundleRejected: image_decode, image_size or image_hash."""
    header, data = _chunks(press.png)
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", header)
    if colour != _GREYSCALE or depth not in (4, 8) or any(methods):
        raise BundleRejected("image_decode")
    if (width, height, depth) != (press.width_px, press.height_px, press.bit_depth):
        raise BundleRejected("image_size")
    row_bytes = (width * depth + 7) // 8
    pixels = _plain_rows(data, row_bytes, height)
    if pixels is None:
        pixels = _decoded(press.png, depth)
    if hashlib.sha256(pixels).digest() != press.packed_sha256:
        raise BundleRejected("image_hash")


def check_portrait(portrait: Portrait) -> None:
    """Raises BundleRejected: image_decode or image_size."""
    if max(portrait.width_px, portrait.height_px) > _MAX_PORTRAIT_PX:
        raise BundleRejected("image_size")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(portrait.jpeg), formats=["JPEG"]) as image:
            warnings.simplefilter("error")
            if image.size != (portrait.width_px, portrait.height_px):
                raise BundleRejected("image_size")
            # An eighth of the size needs all of the entropy-coded data and a fraction of the arithmetic.
            image.draft(image.mode, (image.width // 8, image.height // 8))
            image.load()
    except BundleRejected:
        raise
    except Exception:
        raise BundleRejected("image_decode") from None


def _chunks(png: bytes) -> tuple[bytes, bytes]:
    """Content of IHDR and of all IDAT; every chunk is whole, nothing follows the last (a decoder forgives that)."""
    if png[:16] != _PNG_HEAD:
        raise BundleRejected("image_decode")
    at, header, data = 8, b"", []
    while at + 12 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if end > len(png) or zlib.crc32(png[at + 4 : end - 4]) != int.from_bytes(png[end - 4 : end], "big"):
            break
        name, body, at = png[at + 4 : at + 8], png[at + 8 : end - 4], end
        if name == b"IHDR":
            header = body
        elif name == b"IDAT":
            data.append(body)
        elif name == b"IEND" and end == len(png) and len(header) == _HEADER_BYTES:
            return header, b"".join(data)
    raise BundleRejected("image_decode")


def _plain_rows(data: bytes, row_bytes: int, height: int) -> bytes | None:
    """The pixels where every row has filter type 0, or every row type 2 (PNG, third edition, 9.2): what stations write.

    None for any other mix of filters. Both sums are of bytes, modulo 256, as the standard says.
    """
    size = (row_bytes + 1) * height
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, size + 1)
    except zlib.error:
        raise BundleRejected("image_decode") from None
    if len(raw) != size or not inflater.eof or inflater.unused_data:
        raise BundleRejected("image_decode")
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(height, row_bytes + 1)
    kinds = set(rows[:, 0].tolist())
    if kinds == {_NO_FILTER}:
        return rows[:, 1:].tobytes()
    if kinds == {_UP_FILTER}:
        return np.add.accumulate(rows[:, 1:], axis=0, dtype=np.uint8).tobytes()
    return None


def _decoded(png: bytes, depth: int) -> bytes:
    """The pixels as the sensor sent them, by the general decoder: 4 bits packed high nibble first, or 8 bits."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            warnings.simplefilter("error")
            pixels = np.asarray(image.convert("L"), dtype=np.uint8)
    except Exception:
        raise BundleRejected("image_decode") from None
    if depth == 8:
        return pixels.tobytes()
    if pixels.shape[1] % 2:
        pixels = np.pad(pixels, ((0, 0), (0, 1)))
    packed: bytes = ((pixels[:, 0::2] & 0xF0) | (pixels[:, 1::2] >> 4)).tobytes()
    return packed
