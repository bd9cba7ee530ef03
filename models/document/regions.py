"""Connected dark regions of a small picture, from its runs, in numpy alone.

A run is an unbroken piece of a row. Must never loop over pixels: a frame has some ten thousand runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_ROUNDS = 64


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs in reading order; `first` and `last` are columns, both inside the run. All (n,) int64."""

    row: Ints
    first: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.row)

    def only(self, kept: NDArray[np.bool_]) -> Runs:
        """Those where `kept` is true."""
        return Runs(self.row[kept], self.first[kept], self.last[kept])


def runs_of(mask: NDArray[np.bool_]) -> Runs:
    """The runs of a (height, width) mask."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    row, first = np.nonzero(steps == 1)
    last = np.nonzero(steps == -1)[1] - 1
    return Runs(row, first, last)


def bridged(runs: Runs, gap: int) -> Runs:
    """Neighbours in a row joined where at most `gap` columns lie between them."""
    if not len(runs):
        return runs
    begins = np.ones(len(runs), bool)
    begins[1:] = (runs.row[1:] != runs.row[:-1]) | (runs.first[1:] - runs.last[:-1] - 1 > gap)
    start = np.flatnonzero(begins)
    end = np.append(start[1:], len(runs)) - 1
    return Runs(runs.row[start], runs.first[start], runs.last[end])


def labels_of(runs: Runs) -> Ints:
    """(n,) the region of each run, 0 and up without a gap; touching corners connect."""
    count = len(runs)
    if not count:
        return np.zeros(0, np.int64)
    above, below = _touching(runs)
    label = np.arange(count)
    # Each round every region takes the smallest label next to it, then labels are followed to their root.
    for _ in range(_ROUNDS):
        least = np.minimum(label[above], label[below])
        if np.array_equal(label[above], label[below]):
            break
        roots = label.copy()
        np.minimum.at(roots, label[above], least)
        np.minimum.at(roots, label[below], least)
        while True:
            shorter = roots[roots]
            if np.array_equal(shorter, roots):
                break
            roots = shorter
        label = roots[label]
    return np.asarray(np.unique(label, return_inverse=True)[1], np.int64).reshape(-1)


def _touching(runs: Runs) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring rows that touch."""
    stride = int(runs.last.max()) + 3
    firsts, lasts = runs.row * stride + runs.first, runs.row * stride + runs.last
    low = np.searchsorted(lasts, firsts + stride - 1, "left")
    high = np.searchsorted(firsts, lasts + stride + 1, "right")
    many = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(runs)), many)
    offset = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    return upper, np.repeat(low, many) + offset
