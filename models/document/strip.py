"""One line of a zone cut out straight, and the places of its characters along it.

A line has a known number of characters of one width; seen at an angle their distance changes evenly. The places are
those where ink and gaps alternate best. Must never look at which characters they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.document.locate import Line

Floats = NDArray[np.float64]

PITCH = 14.0
"""Pixels of a strip to a character, about."""
_REACH = 2.6
"""What a strip shows beyond the ends of its line, characters."""
_HALF_HEIGHT = 1.25
_INK = 0.15
_GAP = 0.09
_BODY = 0.28
_FAR_OFF = 0.12
"""From so far off the line, in characters, ink in a column counts less."""
_SEARCH = ((1.4, 0.2, 1.6, 0.2), (0.15, 0.05, 0.15, 0.05), (0.04, 0.02, 0.04, 0.02))
"""Rounds: reach and step of both ends, reach and step of the bow, all in characters."""


@dataclass(frozen=True, slots=True)
class Places:
    """Characters of one line in the frame.

    Attributes:
        centre: (n, 2) pixels. across: (n, 2) one pitch along the line, pixels.
        merit: how well ink and gaps alternate, up to 1.
    """

    centre: Floats
    across: Floats
    merit: float


@dataclass(frozen=True, slots=True)
class Strip:
    """Ink 0..1 as (height, width); `origin` and the two unit steps lead from its pixels to those of the frame."""

    ink: NDArray[np.float32]
    origin: Floats
    right: Floats
    down: Floats
    pitch: float
    first: float
    last: float


def cut(grey: Image.Image, line: Line, count: int) -> Strip:
    """The strip of a line thought to have `count` characters."""
    pitch = line.length / (count - 0.3)
    along = (line.end - line.start) / line.length
    across = np.array([-along[1], along[0]])
    scale = pitch / PITCH
    width, height = round((count + 2 * _REACH) * PITCH), round(2 * _HALF_HEIGHT * PITCH)
    origin = line.start - along * (_REACH * pitch) - across * (_HALF_HEIGHT * pitch)
    right, down = along * scale, across * scale
    corner = origin + (right + down) / 2
    # Pillow maps the middles of pixels; a pixel of the frame has its middle at a whole number here.
    x, y = origin + 0.5
    matrix = (right[0], down[0], x, right[1], down[1], y)
    picture = grey.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return Strip(
        _ink(np.asarray(picture, np.float32)), corner, right, down, PITCH, _REACH * PITCH, width - _REACH * PITCH
    )


def _ink(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """How dark each pixel is between the paper around it and the darkest ink of the line."""
    paper = np.percentile(light, 80, axis=0)
    span = 2 * int(PITCH) + 1
    padded = np.pad(paper, span // 2, mode="edge")
    paper = np.convolve(padded, np.full(span, 1 / span), "valid").astype(np.float32)
    dark = paper - light
    full = max(8.0, float(np.percentile(dark, 97)))
    return np.clip(dark / full - _INK, 0, 1 - _INK)


def places(strip: Strip, count: int) -> Places:
    """Where the characters are most likely to be."""
    middle = _middle(strip, strip.first - strip.pitch, strip.last + strip.pitch)
    first = _best(_profile(strip, middle), np.array([strip.first, strip.last, 0.0]), strip.pitch, count, _SEARCH)
    # What lies beside the line no longer pulls at its middle once its ends are known.
    middle = _middle(strip, first[0], first[1])
    start, end, bow, merit = _best(_profile(strip, middle), np.array(first[:3]), strip.pitch, count, _SEARCH[1:])
    edges = _along(np.array([start]), np.array([end]), np.array([bow]), np.arange(2 * count + 1) / (2 * count))[0]
    at, step = edges[1::2], edges[2::2] - edges[:-1:2]
    slope = np.polyfit(np.arange(len(middle)), middle, 1)[0]
    height = np.interp(at, np.arange(len(middle)), middle)
    centre = strip.origin + at[:, None] * strip.right + height[:, None] * strip.down
    across = step[:, None] * (strip.right + slope * strip.down)
    return Places(centre, across, merit)


def _profile(strip: Strip, middle: Floats) -> Floats:
    """(width,) the ink of the line in each column, 1 where there is much."""
    rows = np.arange(strip.ink.shape[0])[:, None]
    profile = (strip.ink * (np.abs(rows - middle) < 0.55 * strip.pitch)).sum(axis=0)
    profile /= max(1e-6, float(np.percentile(profile, 75)))
    return np.asarray(np.clip(profile, 0, 1.5), np.float64)


def _middle(strip: Strip, first: float, last: float) -> Floats:
    """(width,) the row of the line's middle in each column: a straight line through the ink between two columns."""
    height, width = strip.ink.shape
    rows, columns = np.arange(height)[:, None], np.arange(width)
    middle = np.full(width, (height - 1) / 2)
    for reach in (0.95, 0.8, 0.7):
        near = strip.ink * (np.abs(rows - middle) < reach * strip.pitch)
        weight = near.sum(axis=0)
        if weight.sum() < 1e-3:
            return middle
        centre = (near * rows).sum(axis=0) / np.maximum(weight, 1e-6)
        weight = np.minimum(weight, np.percentile(weight, 80) + 1e-6)
        weight[: max(0, int(first))] = 0
        weight[max(0, int(last)) + 1 :] = 0
        if np.count_nonzero(weight) < 8:
            return middle
        line = np.polyfit(columns, centre, 1, w=np.sqrt(weight))
        off = np.abs(np.polyval(line, columns) - centre) / (_FAR_OFF * strip.pitch)
        line = np.polyfit(columns, centre, 1, w=np.sqrt(weight) / np.maximum(1, off))
        middle = np.polyval(line, columns)
    return middle


def _along(start: Floats, end: Floats, bow: Floats, share: Floats) -> Floats:
    """(m, n) places at shares of m lines seen at an angle; `bow`: how far the middle lies beyond half-way, in parts."""
    share = share[None, :]
    bend = (bow / (0.25 - 0.5 * bow))[:, None]
    return np.asarray(start[:, None] + (end - start)[:, None] * share * (1 + bend) / (1 + bend * share))


def _best(
    profile: Floats, best: Floats, pitch: float, count: int, search: tuple[tuple[float, ...], ...]
) -> tuple[float, float, float, float]:
    """Start, end, bow and merit of the best comb: a coarse search around what is thought, then finer and finer."""
    total = np.concatenate([[0.0], np.cumsum(profile)])
    merit = 0.0
    for reach, step, bend, bend_step in search:
        ends = np.arange(-reach, reach + 1e-9, step) * pitch
        bows = np.arange(-bend, bend + 1e-9, bend_step) / count
        grid = np.stack(np.meshgrid(ends, ends, bows, indexing="ij"), -1).reshape(-1, 3) + best
        scores = _scores(total, grid, count)
        chosen = int(scores.argmax())
        best, merit = grid[chosen], float(scores[chosen])
    return float(best[0]), float(best[1]), float(best[2]), merit


def _scores(total: Floats, grid: Floats, count: int) -> Floats:
    """Ink within the cells less ink in the gaps, for each start, end and bow; both ends must be blank outside."""
    column = np.arange(count + 1)
    start, end, bow = grid.T

    def ink(low: Floats, high: Floats) -> Floats:
        a, b = _along(start, end, bow, low / count), _along(start, end, bow, high / count)
        return np.asarray((_at(total, b) - _at(total, a)) / np.maximum(b - a, 1e-6))

    gaps = ink(column - _GAP, column + _GAP)
    bodies = ink(column[:-1] + 0.5 - _BODY, column[:-1] + 0.5 + _BODY)
    outside = ink(np.array([-0.9, count + 0.1]), np.array([-0.1, count + 0.9]))
    # A cell without ink is no character, and a character beyond the ends is one that was left out.
    empty = np.clip(0.25 - bodies, 0, None).sum(axis=1) * 0.5
    return np.asarray(bodies.mean(axis=1) - gaps.mean(axis=1) - 0.1 * outside.sum(axis=1) - empty)


def _at(total: Floats, place: Floats) -> Floats:
    """The running sum at places between columns, whose middles are whole numbers."""
    place = np.clip(place + 0.5, 0, len(total) - 1.001)
    index = place.astype(np.intp)
    before = total[index]
    return np.asarray(before + (total[index + 1] - before) * (place - index))
