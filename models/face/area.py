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
    """Means along the first axis: for each cell the weighted sum of the few samples that it touches."""
    length = values.shape[0]
    edges = np.clip(edges, 0, length)
    low, high = edges[:-1], edges[1:]
    first = np.minimum(low.astype(np.intp), length - 1)
    width = np.maximum(high - low, 1e-9)
    result = np.zeros((len(low), values.shape[1]), np.float32)
    for step in range(int(np.max(np.ceil(high) - first, initial=1))):
        at = first + step
        share = np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None) / width
        weight = share.astype(np.float32)[:, None]
        result += values[np.minimum(at, length - 1)] * weight
    return result
