"""Exact area mean: every output pixel is the mean of what it covers, parts of pixels counted as parts.

Pillow's box filter counts whole pixels only, which moves a face template measurably at shrink factors near 1.6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.face.types import Floats, Rgb


def shrink(rgb: Rgb, x_edges: NDArray[np.float64], y_edges: NDArray[np.float64]) -> Floats:
    """The image averaged over the cells between the edges.

    Args:
        rgb: (height, width, 3) uint8.
        x_edges: (columns + 1,) rising, 0..width. y_edges: (rows + 1,) rising, 0..height.

    Returns:
        (rows, columns, 3) float32, 0..255.
    """
    rows = _over(rgb.reshape(rgb.shape[0], -1), y_edges).reshape(len(y_edges) - 1, rgb.shape[1], 3)
    turned = np.ascontiguousarray(rows.transpose(1, 0, 2)).reshape(rgb.shape[1], -1)
    columns = _over(turned, x_edges).reshape(len(x_edges) - 1, len(y_edges) - 1, 3)
    return np.ascontiguousarray(columns.transpose(1, 0, 2))


def _over(values: NDArray[np.uint8] | Floats, edges: NDArray[np.float64]) -> Floats:
    """Means along the first axis, from running sums read between the samples."""
    length = values.shape[0]
    sums = np.zeros((length + 1, values.shape[1]), np.float32)
    np.cumsum(values, axis=0, dtype=np.float32, out=sums[1:])
    edges = np.clip(edges, 0, length)
    whole = np.minimum(edges.astype(np.intp), length - 1)
    part = (edges - whole).astype(np.float32)[:, None]
    at = sums[whole] * (1 - part) + sums[whole + 1] * part
    widths = np.maximum(np.diff(edges), 1e-6).astype(np.float32)[:, None]
    result: Floats = np.diff(at, axis=0) / widths
    return result
