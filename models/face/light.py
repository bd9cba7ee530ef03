"""Light on the face: exposure, evenness, range, contrast and colour, all inside the oval of the face mesh.

Works on the 192x192 cut in which the landmarks were found, every third pixel. Raw values only ever describe the
picture; nothing here knows a limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.face.landmarks import INPUT, OVAL, Roi
from models.face.types import Face, Floats, Measured, Rgb

UNDER_AT, OVER_AT = 25, 247
_CHEEKS = (50, 280)
_STEP = 3
Luma = NDArray[np.uint8]


def sigmoid(raw: float, x0: float, w: float) -> float:
    """1 / (1 + exp(-(raw - x0) / w)), never overflowing."""
    return 1.0 / (1.0 + math.exp(-min(max((raw - x0) / w, -60.0), 60.0)))


def luma(rgb: Rgb) -> Luma:
    """ITU-R BT.601 luma in whole numbers, same height and width."""
    wide = rgb.astype(np.uint16)
    total = wide[..., 0] * 77 + wide[..., 1] * 150 + wide[..., 2] * 29
    grey: Luma = (total >> 8).astype(np.uint8)
    return grey


@dataclass(frozen=True, slots=True)
class Lit:
    """The face as lit pixels.

    Attributes:
        rgb: the cut, every third pixel. grey: its luma. inside: which pixels lie in the oval of the face.
        points: (468, 2) landmarks in the same coordinates.
        histogram: (256,) of the luma inside.
    """

    rgb: Rgb
    grey: Luma
    inside: NDArray[np.bool_]
    points: Floats
    histogram: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Pixels inside the face, at least 1."""
        return max(1, int(self.histogram.sum()))


def lit(crop: Rgb, square: Roi, face: Face) -> Lit:
    """The lit face of a cut; the whole cut where the oval is empty."""
    rgb = crop[::_STEP, ::_STEP]
    grey = luma(rgb)
    points = square.to_crop(face.landmarks) / np.float32(_STEP)
    inside = _oval(points, grey.shape[0])
    if not inside.any():
        inside = np.ones_like(inside)
    return Lit(rgb, grey, inside, points, np.bincount(grey[inside], minlength=256))


def _oval(points: Floats, side: int) -> NDArray[np.bool_]:
    mask = Image.new("1", (side, side))
    ImageDraw.Draw(mask).polygon([(x, y) for x, y in points[list(OVAL)].tolist()], fill=1)
    return np.asarray(mask)


def exposure(view: Lit) -> list[Measured]:
    """Tails, evenness and colour, for every frame. Tails, not means: a mean fails dark skin in good light."""
    over = float(view.histogram[OVER_AT:].sum()) / view.size
    under = float(view.histogram[: UNDER_AT + 1].sum()) / view.size
    even, cast = evenness(view), colour_distance(view)
    return [
        ("over_exposure", over, 0.01 / (over + 0.01)),
        ("under_exposure", under, sigmoid(1.0 - under, 0.92, 0.05) / sigmoid(1.0, 0.92, 0.05)),
        ("illumination_uniformity", even, even**0.3),
        ("natural_colour", cast, 2 * (1 - sigmoid(cast, 0.0, 10.0))),
    ]


def evenness(view: Lit) -> float:
    """Overlap of the luma histograms of a square on each cheek, 0..1, in 32 steps."""
    half = max(2, round(INPUT / _STEP / 20))
    shares = []
    for x, y in view.points[list(_CHEEKS)].tolist():
        column = min(max(int(x), half), view.grey.shape[1] - half)
        row = min(max(int(y), half), view.grey.shape[0] - half)
        patch = view.grey[row - half : row + half, column - half : column + half]
        shares.append(np.bincount(patch.ravel() >> 3, minlength=32) / patch.size)
    return float(np.minimum(shares[0], shares[1]).sum())


def tone(view: Lit) -> list[Measured]:
    """Mean, contrast and range, for the portrait."""
    levels = np.arange(256)
    share = view.histogram / view.size
    mean = float((share * levels).sum())
    deviation = math.sqrt(max(0.0, float((share * (levels - mean) ** 2).sum()))) / 255
    filled = share[share > 0]
    entropy = -float((filled * np.log2(filled)).sum())
    bright = mean / 255
    return [
        ("luminance_mean", bright, sigmoid(bright, 0.2, 0.05) * (1 - sigmoid(bright, 0.8, 0.05))),
        ("contrast", deviation, deviation / 0.15),
        ("dynamic_range", entropy, entropy / 8),
    ]


_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])
_SKIN_A, _SKIN_B = (5.0, 25.0), (5.0, 35.0)


def colour_distance(view: Lit) -> float:
    """How far the mean colour of the face lies outside the range of skin in CIELAB (D65), in its own units."""
    share = view.inside.ravel().astype(np.float32) / max(1, int(view.inside.sum()))
    mean = share @ view.rgb.reshape(-1, 3).astype(np.float32) / 255
    linear = np.where(mean <= 0.04045, mean / 12.92, ((mean + 0.055) / 1.055) ** 2.4)
    xyz = _TO_XYZ @ linear / _WHITE
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    a, b = 500 * (root[0] - root[1]), 200 * (root[1] - root[2])
    outside = [max(0.0, low - value, value - high) for value, (low, high) in ((a, _SKIN_A), (b, _SKIN_B))]
    return math.hypot(*outside)
