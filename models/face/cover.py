"""What covers a face: dark lenses, rims, closed lids, a mask, something on the forehead.

No network: colours and edges at places of the face mesh, compared with the person's own skin, so that no skin tone is
the norm. Works on the 192x192 cut in which the landmarks were found. Finds what differs in colour or has a rim; a hand
of the person's own colour, rimless glasses and clear lenses without a bridge are not found.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.face.landmarks import EYE_LEFT_CORNERS, EYE_RIGHT_CORNERS, Roi
from models.face.light import sigmoid
from models.face.types import Face, Floats, Measured, Rgb

_CHEEKS = ((50, 101, 36, 205, 187, 123, 117, 118), (280, 330, 266, 425, 411, 352, 346, 347))
_BELOW_EYES = ((232, 231, 230, 229), (452, 451, 450, 449))
_AROUND_EYES = (
    (225, 224, 223, 222, 232, 231, 230, 229, 226, 244),
    (445, 444, 443, 442, 452, 451, 450, 449, 446, 464),
)
_UPPER_FACE = ((9, 107, 336, 8), (6, 168), (119, 120, 100), (348, 349, 329), (5, 4, 195, 197))
_LOWER_FACE = ((199, 200, 201, 421, 175), (164, 165, 391, 167, 393), (210, 211, 212, 214), (430, 431, 432, 434))
_LIPS = ((0, 17, 37, 267, 84, 314, 11, 16),)
_FOREHEAD = ((10, 109, 338, 67, 297),)
_GROUPS = (*_CHEEKS, *_BELOW_EYES, *_AROUND_EYES, *_UPPER_FACE, *_LOWER_FACE, *_LIPS, *_FOREHEAD)
_POINTS = np.array([point for group in _GROUPS for point in group])
_SIZES = np.array([len(group) for group in _GROUPS])
_FILLED = np.arange(int(_SIZES.max())) < _SIZES[:, None]
"""(groups, longest): which places of a padded group are in use."""

_LIDS = np.array([[159, 386], [145, 374]])
"""Middles of the upper and of the lower lid, both eyes."""
_IRIS, _WHITE = (-0.05, -0.017, 0.017, 0.05), (-0.15, -0.137, -0.123, -0.11, 0.11, 0.123, 0.137, 0.15)
_EYE = (np.array(_IRIS + _WHITE)[None, :] + 1j * np.linspace(-0.04, 0.05, 7)[:, None]).astype(np.complex64)
"""Places in an eye, eye distances along (real) and across (imaginary) the line of the eyes."""

_BROW, _NOSE = 8, 195
"""Below the edge of a hat that is drawn down to the brows, and above the tip of the nose."""
_STEPS = np.linspace(0, 1, 40, dtype=np.float32)[:, None]
_LINES = np.linspace(-1, 1, 7, dtype=np.float32)[None, :]
_HALF_WIDTHS = (0.05, 0.12, 0.12)
_REACH = 3
_NOSE_WEIGHT = 0.7
_DARK = 8.0
"""Luma steps added to a profile's mean, so that noise on very dark skin is not taken for a rim."""

_LINEAR = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255])
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_FROM_LINEAR = (_TO_XYZ / np.array([[0.9505], [1.0], [1.089]])).T
_FROM_XYZ = np.array([[0.0, 500.0, 0.0], [116.0, -500.0, 200.0], [0.0, 0.0, -200.0]])

Colours = NDArray[np.float64]
"""(n, 3): L*, a*, b* of CIELAB (D65)."""


def lab(rgb: Rgb) -> Colours:
    """CIELAB (D65) of sRGB pixels (n, 3)."""
    ratio = _LINEAR[rgb] @ _FROM_LINEAR
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    colours: Colours = root @ _FROM_XYZ
    colours[:, 0] -= 16.0
    return colours


def measure(crop: Rgb, square: Roi, face: Face) -> list[Measured]:
    """All components of this module, for one face of any size.

    Args:
        crop: the 192x192 cut. square: where it lies. face: its landmarks, in pixels of the image.
    """
    points = _complex(square.to_crop(face.landmarks))
    across = (points[list(EYE_RIGHT_CORNERS)].sum() - points[list(EYE_LEFT_CORNERS)].sum()) / 2
    eyes = points[_LIDS].mean(axis=0)[:, None, None] + across * _EYE
    ways = _ways(points, across)
    places = np.concatenate((points[_POINTS], eyes.ravel(), ways.ravel()))
    pixels = _pixels(crop, places)
    tones, in_eyes, in_ways = np.split(pixels, np.cumsum([len(_POINTS), eyes.size]))
    cheeks, below, around, upper, lower, (lips, forehead) = np.split(_medians(lab(tones)), _PARTS)
    cheek = cheeks.mean(axis=0)
    skin = np.sort(upper, axis=0)[2]
    lenses = float(below[:, 0].max()) / max(_median_of_six([*upper[:, 0].tolist(), float(cheek[0])]), 1.0)
    covered = min(_apart(one, skin, 0.5) for one in lower) - _apart(lips, (lower[0] + lower[1]) / 2)
    rims = _rims(in_ways.reshape(*ways.shape, 3))
    in_eyes = in_eyes.reshape(*eyes.shape, 3)
    visible, white = _white_of_eyes(in_eyes, around[:, 0]), eye_white(in_eyes)
    hat = _apart(forehead, cheek)
    return [
        ("no_dark_lenses", lenses, sigmoid(lenses, 0.55, 0.05)),
        ("no_glasses", rims, sigmoid(-rims, -0.15, 0.03)),
        ("eyes_visible", visible, sigmoid(visible, 0.1, 0.04)),
        ("eye_white", white, sigmoid(white, 80.0, 10.0)),
        ("mouth_uncovered", covered, sigmoid(-covered, -9.0, 2.0)),
        ("no_head_covering", hat, sigmoid(-hat, -13.0, 3.0)),
    ]


_PARTS = np.cumsum([len(_CHEEKS), len(_BELOW_EYES), len(_AROUND_EYES), len(_UPPER_FACE), len(_LOWER_FACE)])


def _complex(points: Floats) -> NDArray[np.complex64]:
    """Points (n, 2) as x + iy: turning and scaling is a product."""
    joined: NDArray[np.complex64] = np.ascontiguousarray(points, np.float32).view(np.complex64)[:, 0]
    return joined


def _pixels(crop: Rgb, places: NDArray[np.complex64]) -> Rgb:
    """(n, 3): nearest pixels; those of the edge outside."""
    high = crop.shape[0] - 1
    columns, rows = np.rint(places.real).clip(0, high), np.rint(places.imag).clip(0, high)
    found: Rgb = crop[rows.astype(np.intp), columns.astype(np.intp)]
    return found


def _medians(colours: Colours) -> Colours:
    """Median of each group, channel by channel: (groups, 3)."""
    padded = np.full((*_FILLED.shape, 3), np.inf)
    padded[_FILLED] = colours
    padded.sort(axis=1)
    groups = np.arange(len(_SIZES))
    middle: Colours = (padded[groups, (_SIZES - 1) // 2] + padded[groups, _SIZES // 2]) / 2
    return middle


def _median_of_six(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[2] + ordered[3]) / 2


def _apart(one: Colours, other: Colours, lightness: float = 1.0) -> float:
    """Distance of two colours; lightness counts by this factor."""
    light, a, b = (one - other).tolist()
    return math.sqrt((light * lightness) ** 2 + a * a + b * b)


def _white_of_eyes(pixels: Rgb, skin: Colours) -> float:
    """How much lighter the eyes are beside their middle than in it, as a share of the skin around; mean of both.

    An open eye that looks ahead is white, dark, white. A lid is skin all over; an eye that looks aside is dark there.

    Args:
        pixels: (2, rows, columns, 3). skin: (2,) lightness around each eye.
    """
    luminance = _LINEAR[pixels] @ _TO_XYZ[1]
    light = 116 * np.where(luminance > (6 / 29) ** 3, np.cbrt(luminance), luminance * (29 / 6) ** 2 / 3 + 4 / 29)
    apart = light[:, :, len(_IRIS) :].mean(axis=(1, 2)) - light[:, :, : len(_IRIS)].mean(axis=(1, 2))
    return float((apart / np.maximum(skin, 8.0)).mean())


def eye_white(pixels: Rgb) -> float:
    """Luma of the brighter parts beside the iris, of the eye that has more of it, 0..255.

    The white of the eye is about equally bright in people of every skin tone, so that it tells too little light from
    dark skin, which the brightness of the face cannot.

    Args:
        pixels: (2, rows, columns, 3).
    """
    beside = pixels[:, :, len(_IRIS) :].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    flat = beside.reshape(2, -1)
    place = int(0.85 * (flat.shape[1] - 1))
    return float(np.partition(flat, place, axis=1)[:, place].max())


def _ways(points: NDArray[np.complex64], across: complex) -> NDArray[np.complex64]:
    """(3, steps, lines): from between the brows down the nose, and from below each eye down to the cheek."""
    starts = points[[_BROW, *_LIDS[1]]]
    starts[1:] += 0.04j * across
    ends = np.array([points[_NOSE], starts[1] + 0.5j * across, starts[2] + 0.5j * across])
    widths = across * np.array(_HALF_WIDTHS)[:, None, None] * _LINES
    ways = starts[:, None, None] + (ends - starts)[:, None, None] * _STEPS + widths
    result: NDArray[np.complex64] = ways.astype(np.complex64)
    return result


def _rims(pixels: Rgb) -> float:
    """Lines across the bridge of the nose and below the eyes, as a share of the brightness there.

    The strongest line on the nose between the brows and the tip counts most (on photographs of real glasses it tells
    most), the mean of those below both eyes the rest: glasses have all three, a crease or a shadow has one.
    """
    grey = pixels.mean(axis=2, dtype=np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    nose, one, other = (_line(profile) for profile in grey)
    return float(nose**_NOSE_WEIGHT * ((one + other) / 2) ** (1 - _NOSE_WEIGHT))


def _line(profile: Floats) -> float:
    """The strongest narrow line across a brightness profile, relative to its mean."""
    beside = (profile[: -2 * _REACH] + profile[2 * _REACH :]) / 2
    return float(np.abs(profile[_REACH:-_REACH] - beside).max() / (profile.mean() + _DARK))
