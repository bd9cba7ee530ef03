"""YUV 4:2:0 to RGB, against an independent converter and against a forward transform of the same standards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from drivers.camera.yuv import Matrix, rgb_of_yuv420

_COLOUR = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


def buffer_of(y: int, u: int, v: int, stride: int, height: int) -> NDArray[np.uint8]:
    """A frame of one colour."""
    quarter = stride * height // 4
    return np.concatenate([np.full(stride * height, y), np.full(quarter, u), np.full(quarter, v)]).astype(np.uint8)


@given(_COLOUR)
def test_full_range_rec601_agrees_with_pillow(code: tuple[int, int, int]) -> None:
    """Pillow's YCbCr is JPEG's: Rec. 601 in full range."""
    expected = np.asarray(Image.new("YCbCr", (2, 2), code).convert("RGB"))[0, 0].astype(int)
    found = rgb_of_yuv420(buffer_of(*code, 2, 2), (2, 2), 2, Matrix.REC601, full_range=True)

    assert np.abs(found[0, 0].astype(int) - expected).max() <= 2


@given(_COLOUR, st.sampled_from(list(Matrix)), st.booleans())
def test_encoding_and_decoding_gives_the_colour_back(
    colour: tuple[int, int, int], matrix: Matrix, full_range: bool
) -> None:
    """Forward by the standards' equations in floating point, back by the code, within rounding."""
    red, blue = matrix.value
    r, g, b = colour
    luma = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red))
    if full_range:
        code = (luma, min(cb + 128, 255), min(cr + 128, 255))
    else:
        code = (luma * 219 / 255 + 16, cb * 224 / 255 + 128, cr * 224 / 255 + 128)
    buffer = buffer_of(*(round(part) for part in code), 2, 2)
    found = rgb_of_yuv420(buffer, (2, 2), 2, matrix, full_range=full_range)

    assert np.abs(found.reshape(-1, 3).astype(int) - colour).max() <= 3


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 9))
def test_padding_is_never_seen(half_width: int, half_height: int, pad: int) -> None:
    """A frame with padded rows decodes as the same frame without."""
    width, height = 2 * half_width, 2 * half_height
    rng = np.random.default_rng(half_width * 100 + half_height)
    stride = width + 2 * pad
    y = rng.integers(0, 256, (height, width), dtype=np.uint8)
    u, v = rng.integers(0, 256, (2, half_height, half_width), dtype=np.uint8)

    def packed(row_bytes: int) -> NDArray[np.uint8]:
        parts = []
        for plane, length in ((y, row_bytes), (u, row_bytes // 2), (v, row_bytes // 2)):
            rows = np.full((plane.shape[0], length), 255, dtype=np.uint8)
            rows[:, : plane.shape[1]] = plane
            parts.append(rows.reshape(-1))
        return np.concatenate(parts)

    tight = rgb_of_yuv420(packed(width), (width, height), width, Matrix.REC709, full_range=False)
    padded = rgb_of_yuv420(packed(stride), (width, height), stride, Matrix.REC709, full_range=False)

    assert np.array_equal(tight, padded)
    assert tight.shape == (height, width, 3)


@pytest.mark.parametrize(
    ("size", "stride", "bytes_there"), [((4, 2), 2, 100), ((3, 2), 4, 100), ((4, 3), 4, 100), ((4, 2), 4, 11)]
)
def test_a_buffer_that_does_not_fit_is_refused(size: tuple[int, int], stride: int, bytes_there: int) -> None:
    """Too short, too narrow or odd: no picture is made up."""
    with pytest.raises(ValueError, match="no "):
        rgb_of_yuv420(np.zeros(bytes_there, np.uint8), size, stride, Matrix.REC601, full_range=True)
