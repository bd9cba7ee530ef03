"""What covers a face: dark lenses, rims, closed lids, a mask, something on the forehead.

No network: colours and edges at places of the face mesh, compared with the person's own skin, so that no skin tone is
the norm. Works on the 192x192 cut in which the landmarks were found. Finds what differs in colour or has a rim; a hand
of the person's own colour, rimless glasses and clear lenses without a bridge are not found.
"""

from __future__ import annotations

from itertools import pairwise

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
_STARTS = np.cumsum([0, *(len(group) for group in _GROUPS)]).tolist()

_EYES = ((33, 133, 159, 145), (362, 263, 386, 374))
"""Both corners, middle of the upper and of the lower lid."""
_ACROSS_IRIS, _ACROSS_WHITE = (-0.05, -0.017, 0.017, 0.05), (-0.15, -0.137, -0.123, -0.11, 0.11, 0.123, 0.137, 0.15)
_DOWN_EYE = tuple(np.linspace(-0.04, 0.05, 7).tolist())

_BROW, _NOSE = 9, 195
_LID_MIDDLES = (145, 374)
_STEPS, _LINES = 40, 7
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
    points = square.to_crop(face.landmarks)
    colours = lab(_pixels(crop, points[_POINTS]))
    tones = [np.median(colours[a:b], axis=0) for a, b in pairwise(_STARTS)]
    cheeks, below, around = tones[0:2], tones[2:4], tones[4:6]
    upper, lower, (lips, forehead) = np.array(tones[6:11]), tones[11:15], tones[15:17]
    cheek = (cheeks[0] + cheeks[1]) / 2
    skin = np.median(upper, axis=0)
    lenses = max(float(one[0]) for one in below) / max(float(np.median([*upper[:, 0], cheek[0]])), 1.0)
    chin_and_lip = (lower[0] + lower[1]) / 2
    covered = min(_apart(one, skin, 0.5) for one in lower) - _apart(lips, chin_and_lip)
    rims = rim_strength(crop, points)
    eyes = sum(_white_of_eye(crop, points, side, float(around[side][0])) for side in (0, 1)) / 2
    hat = _apart(forehead, cheek)
    return [
        ("no_dark_lenses", lenses, sigmoid(lenses, 0.55, 0.05)),
        ("no_glasses", rims, sigmoid(-rims, -0.15, 0.03)),
        ("eyes_visible", eyes, sigmoid(eyes, 0.1, 0.04)),
        ("mouth_uncovered", covered, sigmoid(-covered, -9.0, 2.0)),
        ("no_head_covering", hat, sigmoid(-hat, -13.0, 3.0)),
    ]


def _pixels(crop: Rgb, points: Floats) -> Rgb:
    places = np.clip(np.rint(points), 0, crop.shape[0] - 1).astype(np.intp)
    found: Rgb = crop[places[..., 1], places[..., 0]]
    return found


def _apart(one: Colours, other: Colours, lightness: float = 1.0) -> float:
    """Distance of two colours; lightness counts by this factor."""
    across = (one - other) * (lightness, 1.0, 1.0)
    return float(np.sqrt(across @ across))


def _white_of_eye(crop: Rgb, points: Floats, side: int, lightness: float) -> float:
    """How much lighter the eye is beside its middle than in its middle, as a share of the skin around it.

    An open eye that looks ahead is white, dark, white. A lid is skin all over; an eye that looks aside is dark there.
    """
    upper, lower = points[list(_EYES[side][2:])]
    across = (points[list(_EYES[1][:2])].mean(axis=0) - points[list(_EYES[0][:2])].mean(axis=0)).astype(np.float32)
    down = np.array([-across[1], across[0]], np.float32)
    columns = np.array(_ACROSS_IRIS + _ACROSS_WHITE, np.float32)[None, :, None]
    rows = np.array(_DOWN_EYE, np.float32)[:, None, None]
    places = (upper + lower) / 2 + across * columns + down * rows
    light = lab(_pixels(crop, places).reshape(-1, 3))[:, 0].reshape(len(_DOWN_EYE), -1)
    iris, white = light[:, : len(_ACROSS_IRIS)].mean(), light[:, len(_ACROSS_IRIS) :].mean()
    return float(white - iris) / max(lightness, 8.0)


def rim_strength(crop: Rgb, points: Floats) -> float:
    """Lines across the bridge of the nose and below the eyes, as a share of the brightness there.

    The strongest line on the nose between the brows and the tip counts most (on photographs of real glasses it tells
    most), the mean of those below both eyes the rest: glasses have all three, a crease or a shadow has one.
    """
    left = (points[EYE_LEFT_CORNERS[0]] + points[EYE_LEFT_CORNERS[1]]) / 2
    across = (points[EYE_RIGHT_CORNERS[0]] + points[EYE_RIGHT_CORNERS[1]]) / 2 - left
    down = np.array([-across[1], across[0]], np.float32)
    ways = [(points[_BROW], points[_NOSE], 0.05)]
    for lid in _LID_MIDDLES:
        start = points[lid] + down * np.float32(0.04)
        ways.append((start, start + down * np.float32(0.5), 0.12))
    steps = np.linspace(0, 1, _STEPS, dtype=np.float32)[:, None, None]
    lines = np.linspace(-1, 1, _LINES, dtype=np.float32)[None, :, None]
    places = np.stack([start + (end - start) * steps + across * lines * np.float32(half) for start, end, half in ways])
    grey = _pixels(crop, places) @ np.array([0.299, 0.587, 0.114], np.float32)
    nose, one, other = (_line(profile) for profile in grey.mean(axis=2))
    return float(nose**_NOSE_WEIGHT * ((one + other) / 2) ** (1 - _NOSE_WEIGHT))


def _line(profile: Floats) -> float:
    """The strongest narrow line across a brightness profile, relative to its mean."""
    beside = (profile[: -2 * _REACH] + profile[2 * _REACH :]) / 2
    return float(np.abs(profile[_REACH:-_REACH] - beside).max() / (profile.mean() + _DARK))
