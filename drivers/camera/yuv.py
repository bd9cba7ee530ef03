"""Planar YUV 4:2:0 buffers, as a camera delivers them, to RGB. Pure.

Sources: ITU-R BT.601-7 §2.5.1 and BT.709-6 §3.2 (luma weights), ITU-T H.273 (range).
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray


class Matrix(Enum):
    """Luma weights of red and blue."""

    REC601 = (0.299, 0.114)
    REC709 = (0.2126, 0.0722)


def rgb_of_yuv420(
    buffer: NDArray[np.uint8], size: tuple[int, int], stride: int, matrix: Matrix, *, full_range: bool
) -> NDArray[np.uint8]:
    """One frame as RGB.

    Args:
        buffer: at least stride * height * 3 / 2 bytes, any shape: the Y rows, then U, then V rows of half the stride.
        size: (width, height), both even; what a row holds beyond the width is padding.
        stride: bytes in a row of Y.
        matrix, full_range: how the camera encoded it. Limited range has Y in 16..235 and chroma in 16..240.

    Returns:
        (height, width, 3) uint8.

    Raises:
        ValueError: the buffer is too small, or the stride smaller than the width.
    """
    width, height = size
    flat = buffer.reshape(-1)
    luma_bytes, chroma_bytes = stride * height, stride * height // 4
    if stride < width or width % 2 or height % 2 or flat.size < luma_bytes + 2 * chroma_bytes:
        raise ValueError(f"{flat.size} bytes with stride {stride} are no {width}x{height} YUV420 frame")
    half = (height // 2, stride // 2)
    luma = flat[:luma_bytes].reshape(height, stride)[:, :width]
    u = flat[luma_bytes : luma_bytes + chroma_bytes].reshape(half)[:, : width // 2]
    v = flat[luma_bytes + chroma_bytes : luma_bytes + 2 * chroma_bytes].reshape(half)[:, : width // 2]

    red, blue = matrix.value
    green = 1.0 - red - blue
    luma_scale, chroma_scale = (1.0, 1.0) if full_range else (255.0 / 219.0, 255.0 / 224.0)
    # Chroma is scaled at its own, quarter size; luma through a table.
    du = (u.astype(np.float32) - 128.0) * np.float32(chroma_scale)
    dv = (v.astype(np.float32) - 128.0) * np.float32(chroma_scale)
    offsets = (
        2.0 * (1.0 - red) * dv,
        (-2.0 * (1.0 - blue) * blue / green) * du - (2.0 * (1.0 - red) * red / green) * dv,
        2.0 * (1.0 - blue) * du,
    )
    black = 0.0 if full_range else 16.0
    table = np.rint((np.arange(256) - black) * luma_scale).astype(np.int16)
    level = np.take(table, luma)
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    for channel, offset in enumerate(offsets):
        coarse = np.rint(offset).astype(np.int16)
        value = level + coarse.repeat(2, axis=0).repeat(2, axis=1)
        rgb[:, :, channel] = np.clip(value, 0, 255)
    return rgb
