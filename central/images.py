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
_PNG_TAIL = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_GREYSCALE = 0
_MAX_PORTRAIT_PX = 4000


def check_press(press: Press) -> None:
    """Raises BundleRejected: image_decode, image_size or image_hash."""
    width, height, depth = _png_shape(press.png)
    if (width, height, depth) != (press.width_px, press.height_px, press.bit_depth):
        raise BundleRejected("image_size")
    if hashlib.sha256(_sensor_bytes(press.png, depth)).digest() != press.packed_sha256:
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


def _png_shape(png: bytes) -> tuple[int, int, int]:
    """Width, height and bit depth of a greyscale PNG, by its header; every chunk is whole, and nothing follows the last.

    The decoder would forgive a wrong length or checksum.
    """
    if png[:16] != _PNG_HEAD or png[-12:] != _PNG_TAIL or not _chunks_are_whole(png):
        raise BundleRejected("image_decode")
    width, height, depth, colour = struct.unpack_from(">IIBB", png, 16)
    if colour != _GREYSCALE or depth not in (4, 8):
        raise BundleRejected("image_decode")
    return width, height, depth


def _chunks_are_whole(png: bytes) -> bool:
    at = 8
    while at + 12 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if end > len(png) or zlib.crc32(png[at + 4 : end - 4]) != int.from_bytes(png[end - 4 : end], "big"):
            return False
        if png[at + 4 : at + 8] == b"IEND":
            return end == len(png)
        at = end
    return False


def _sensor_bytes(png: bytes, depth: int) -> bytes:
    """The pixels as the sensor sent them: 4 bits packed two a byte, high nibble first, rows padded; or 8 bits."""
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
