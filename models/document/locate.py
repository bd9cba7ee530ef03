"""Where a frame may hold a machine-readable zone: two or three long parallel lines of small dark marks.

Works on a reduced picture, so that a frame without a page costs little. Finds too much rather than too little: what
is no zone fails to be read. Must never look at more than the given number of candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.document.regions import Ints, Runs, bridged, labels_of, runs_of

Floats = NDArray[np.float64]

REDUCED_WIDTH = 768
MAX_CANDIDATES = 4
_WINDOW = 11
_DARKER = 10
_DARKER_BY = 5
"""How much darker than its surroundings a mark is: per cent, and grey levels."""
_MARK_HIGH = (3, 34)
_MARK_WIDE = 44
_BRIDGE = 14
_SLENDER = (12.0, 90.0)
_LEAST_LONG = 110
_PLAIN = 128
_MOST_RUNS = 60_000
"""Of a page there are some ten thousand; more is noise or a texture, and would take long."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of marks, pixels: middle of its left and right end, its height."""

    start: Floats
    end: Floats
    height: float

    @property
    def length(self) -> float:
        """Pixels."""
        return float(np.hypot(*(self.end - self.start)))

    @property
    def angle(self) -> float:
        """Radians, positive where it falls to the right."""
        return math.atan2(*(self.end - self.start)[::-1])


@dataclass(frozen=True, slots=True)
class Look:
    """One way to look at a frame: how much finer than usual, turned by how many degrees against the clock."""

    finer: int = 1
    turned: int = 0


LOOKS = (Look(), Look(finer=2), Look(turned=28), Look(turned=-28), Look(turned=90), Look(finer=3))
"""In this order, until a zone is found. A look finds lines that slope by up to 17 degrees, either way up."""


def looks(width: int) -> list[Look]:
    """Those of LOOKS that differ for a frame of that width."""
    different = {(_factor(width, look), look.turned): look for look in reversed(LOOKS)}
    return [look for look in LOOKS if different[_factor(width, look), look.turned] == look]


def _factor(width: int, look: Look) -> int:
    return max(1, round(width / (REDUCED_WIDTH * look.finer)))


def locate(grey: Image.Image, look: Look = LOOKS[0]) -> list[tuple[Line, ...]]:
    """Candidates, each two or three lines from upper to lower, the likeliest first; at most MAX_CANDIDATES."""
    factor = _factor(grey.width, look)
    small = grey.reduce(factor) if factor > 1 else grey
    seen = small.rotate(look.turned, Image.Resampling.BILINEAR, expand=True, fillcolor=_PLAIN) if look.turned else small
    groups = _grouped(_lines(_marks(seen)), seen.height)
    return [tuple(_in_frame(line, small, seen, factor, look) for line in group) for group in groups]


def _in_frame(line: Line, small: Image.Image, seen: Image.Image, factor: int, look: Look) -> Line:
    """A line of the picture that was looked at, turned back and enlarged."""
    c, s = math.cos(math.radians(look.turned)), math.sin(math.radians(look.turned))
    back = np.array([[c, -s], [s, c]])
    middle, own = (np.array([picture.width - 1, picture.height - 1]) / 2 for picture in (small, seen))
    half = (factor - 1) / 2
    start, end = ((back @ (end - own) + middle) * factor + half for end in (line.start, line.end))
    return Line(start, end, line.height * factor)


def _marks(small: Image.Image) -> Runs:
    """Runs of the dark marks that are of a character's size."""
    light = np.asarray(small, np.int16)
    around = np.asarray(small.filter(ImageFilter.BoxBlur(_WINDOW)), np.int16)
    dark = light * np.int16(100) < around * np.int16(100 - _DARKER) - np.int16(_DARKER_BY * 100)
    if np.count_nonzero(dark[:, 1:] > dark[:, :-1]) > _MOST_RUNS:
        dark = dark[:0]
    runs = runs_of(dark)
    if not len(runs):
        return runs
    label = labels_of(runs)
    left, right, top, bottom = _boxes(runs, label)
    high, wide = bottom - top + 1, right - left + 1
    kept = (high >= _MARK_HIGH[0]) & (high <= _MARK_HIGH[1]) & (wide <= _MARK_WIDE)
    return runs.only(kept[label])


def _boxes(runs: Runs, label: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Left, right, top and bottom of every region."""
    count = int(label.max()) + 1
    left, top = np.full(count, 1 << 30), np.full(count, 1 << 30)
    right, bottom = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.minimum.at(left, label, runs.first)
    np.maximum.at(right, label, runs.last)
    np.minimum.at(top, label, runs.row)
    np.maximum.at(bottom, label, runs.row)
    return left, right, top, bottom


def _lines(marks: Runs) -> list[Line]:
    """Regions that are long and thin once the gaps between characters are closed."""
    if not len(marks):
        return []
    joined = bridged(marks, _BRIDGE)
    label = labels_of(joined)
    left, right, _, _ = _boxes(joined, label)
    long = np.flatnonzero(right - left >= _LEAST_LONG)
    found = []
    for region in long:
        chosen = joined.only(label == region)
        line = _line(chosen)
        if line is not None:
            found.append(line)
    return found


def _line(runs: Runs) -> Line | None:
    """The axis of a region by its moments; None where it is not slender."""
    length = (runs.last - runs.first + 1).astype(np.float64)
    total = length.sum()
    middle = (runs.first + runs.last) / 2
    x, y = (length * middle).sum() / total, (length * runs.row).sum() / total
    xx = (length * ((middle - x) ** 2 + (length**2 - 1) / 12)).sum() / total
    yy = (length * (runs.row - y) ** 2).sum() / total + 1 / 12
    xy = (length * (middle - x) * (runs.row - y)).sum() / total
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    along = np.array([math.cos(angle), math.sin(angle)])
    thin = xx * along[1] ** 2 + yy * along[0] ** 2 - 2 * xy * along[0] * along[1]
    height = math.sqrt(12 * max(thin, 0.08))
    ends = np.concatenate([_along(runs.first, runs.row, along), _along(runs.last, runs.row, along)])
    low, high = float(ends.min()), float(ends.max())
    if not _SLENDER[0] <= (high - low) / height <= _SLENDER[1] or height < _MARK_HIGH[0]:
        return None
    base = np.array([x, y]) - along * (x * along[0] + y * along[1])
    return Line(base + along * low, base + along * high, height)


def _along(column: Ints, row: Ints, along: Floats) -> Floats:
    return np.asarray(column * along[0] + row * along[1], np.float64)


def _grouped(lines: list[Line], height: int) -> list[tuple[Line, ...]]:
    """Pairs and triples of lines that may be one zone."""
    lines = sorted(lines, key=lambda line: -line.length)[:12]
    lines.sort(key=lambda line: float(line.start[1] + line.end[1]))
    pairs = [(a, b) for a, b in combinations(range(len(lines)), 2) if _belong(lines[a], lines[b])]
    triples = [(a, b, c) for a, b in pairs for b2, c in pairs if b2 == b]
    inside = {pair for a, b, c in triples for pair in ((a, b), (b, c))}
    ranked: list[list[tuple[int, ...]]] = [[*triples], [pair for pair in pairs if pair not in inside], [*inside]]
    groups = [group for rank in ranked for group in sorted(rank, key=lambda one: (-_merit(lines, one, height), one))]
    return [tuple(lines[index] for index in group) for group in groups[:MAX_CANDIDATES]]


def _merit(lines: list[Line], group: tuple[int, ...], height: int) -> float:
    """Long lines, low in the picture."""
    low = float(lines[group[-1]].start[1] + lines[group[-1]].end[1]) / (2 * height)
    return lines[group[0]].length * (0.7 + 0.3 * low)


def _belong(upper: Line, lower: Line) -> bool:
    """Whether two lines are neighbours of one zone: same direction and length, one line's distance apart."""
    length = (upper.length + lower.length) / 2
    height = (upper.height + lower.height) / 2
    if abs(upper.angle - lower.angle) > math.radians(6):
        return False
    if abs(upper.length - lower.length) > 0.15 * length:
        return False
    along = (upper.end - upper.start) / upper.length
    across = np.array([-along[1], along[0]])
    apart = (lower.start + lower.end - upper.start - upper.end) / 2
    slip = abs(float(apart @ along))
    return 1.2 * height <= float(apart @ across) <= 4.5 * height and slip < 0.12 * length
