"""From a place in a picture to the small square a glyph is judged by; the same for training and for reading.

Must never change without training again: the weights fit this cut and no other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

COLUMNS, ROWS = 20, 26
WIDE, HIGH = 1.25, 1.6
"""What a cell shows, in units of its two vectors: a little of its neighbours and the space above and below."""
_FLAT = 2.0

_X = ((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5) * WIDE
_Y = ((np.arange(ROWS) + 0.5) / ROWS - 0.5) * HIGH


def sample(grey: Floats, centre: Points, across: Points, down: Points) -> Floats:
    """Cells around places of a picture, bilinear; outside the picture its border goes on.

    Args:
        grey: (height, width) float32, 0..255.
        centre: (n, 2) x, y of the middle of each character.
        across, down: (n, 2) one character pitch along the line, and the same length towards the next line.

    Returns:
        (n, ROWS * COLUMNS) float32, mean 0 and deviation 1 per cell, ink positive.
    """
    x = centre[:, 0, None, None] + across[:, 0, None, None] * _X + down[:, 0, None, None] * _Y[:, None]
    y = centre[:, 1, None, None] + across[:, 1, None, None] * _X + down[:, 1, None, None] * _Y[:, None]
    height, width = grey.shape
    x = np.clip(np.nan_to_num(x), 0, width - 1.001)
    y = np.clip(np.nan_to_num(y), 0, height - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    dx, dy = (x - left).astype(np.float32), (y - top).astype(np.float32)
    above = grey[top, left] * (1 - dx) + grey[top, right] * dx
    below = grey[bottom, left] * (1 - dx) + grey[bottom, right] * dx
    cut = (above * (1 - dy) + below * dy).reshape(len(centre), ROWS * COLUMNS)
    cut -= cut.mean(axis=1, keepdims=True)
    spread = cut.std(axis=1, keepdims=True)
    return np.asarray(-cut / np.maximum(spread, _FLAT), np.float32)
