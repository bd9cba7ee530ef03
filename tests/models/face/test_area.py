from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.face import area


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), rows=st.integers(1, 12), columns=st.integers(1, 12),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_every_cell_is_the_mean_of_what_it_covers(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    """Compared with the definition: parts of pixels weigh as parts."""
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    x_edges, y_edges = np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1)
    found = area.shrink(rgb, x_edges, y_edges)

    across, down = shares(x_edges, width), shares(y_edges, height)
    expected = np.einsum("rh,hwc,xw->rxc", down, rgb.astype(np.float64), across)
    assert found.shape == (rows, columns, 3)
    assert np.abs(found - expected).max() < 0.01


def shares(edges: np.ndarray, length: int) -> np.ndarray:
    pixel = np.arange(length)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.clip(covered, 0, None) / np.diff(edges)[:, None]


def test_the_mean_of_all_is_kept() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    small = area.shrink(rgb, np.linspace(0, 70, 8), np.linspace(0, 90, 10))

    assert np.allclose(small.mean((0, 1)), rgb.mean((0, 1)), atol=0.01)
