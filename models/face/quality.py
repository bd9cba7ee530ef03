"""Quality components of one face, each a raw value, a score 0..100 and a verdict against dated policy.

Names and score curves follow ISO/IEC 29794-5 as its reference implementation OFIQ 1.0 writes them: a score is
100 * sigmoid((raw - x0) / w) unless said otherwise. Not gated on brightness means, which fail dark skin in good
light: exposure is judged by the tails. Not gated on OFIQ's HeadSize, which contradicts its own margins: size and
position are judged by the crop that will be cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.face import geometry
from models.face.landmarks import INPUT, LIDS_LEFT, LIDS_RIGHT, LIPS_INNER, OVAL, Roi
from models.face.pose import pose
from models.face.types import Component, Face, Rgb
from models.policy import FacePolicy

UNDER_AT, OVER_AT = 25, 247
SHARPNESS_INTER_EYE = 120
_CHEEKS = (50, 280)
_STEP = 2
Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class View:
    """One face in one image.

    Attributes:
        rgb: the image.
        crop: the 192x192 cut in which the landmarks were found.
        square: where that cut lies.
        scale: pixels of the full frame per pixel of `rgb`.
        areas: areas of all detected faces, largest first, square pixels of `rgb`.
    """

    rgb: Rgb
    face: Face
    crop: Rgb
    square: Roi
    scale: float
    areas: tuple[float, ...]


def sigmoid(raw: float, x0: float, w: float) -> float:
    """1 / (1 + exp(-(raw - x0) / w)), never overflowing."""
    return 1.0 / (1.0 + math.exp(-min(max((raw - x0) / w, -60.0), 60.0)))


def luma(rgb: Rgb) -> Luma:
    """ITU-R BT.601 luma in whole numbers, same height and width."""
    wide = rgb.astype(np.uint16)
    total = wide[..., 0] * 77 + wide[..., 1] * 150 + wide[..., 2] * 29
    result: Luma = (total >> 8).astype(np.uint8)
    return result


def assess(view: View, policy: FacePolicy) -> tuple[Component, ...]:
    """All components that this image allows, in no special order."""
    measured = [*_framing(view, policy), *_posture(view.face), *_light(view)]
    if geometry.inter_eye(view.face) >= policy.sharpness_min_inter_eye_px:
        measured.append(_sharpness(view))
    return tuple(_judged(name, raw, score, policy) for name, raw, score in measured)


def _judged(name: str, raw: float, score: float, policy: FacePolicy) -> Component:
    limit = policy.limits.get(name)
    raw = float(raw)
    score = min(max(100.0 * float(score), 0.0), 100.0)
    return Component(name, raw, score, limit is None or limit.allows(raw))


Measured = tuple[str, float, float]


def _framing(view: View, policy: FacePolicy) -> list[Measured]:
    height, width = view.rgb.shape[:2]
    box = geometry.crop(view.face, policy.portrait)
    largest = max(view.areas[0], 1e-9) if view.areas else 1.0
    others = sum(1 for area in view.areas[1:] if area >= 0.25 * largest)
    rival = max((area / largest for area in view.areas[1:]), default=0.0)
    distance = geometry.inter_eye(view.face) * view.scale
    inside = box.inside(width, height)
    return [
        ("single_face", 1.0 + others, 1.0 - min(rival, 1.0)),
        ("inter_eye_distance", distance, sigmoid(distance, 70.0, 20.0)),
        ("head_size", box.height / height, sigmoid(-box.height / height, -1.0, 0.05)),
        ("head_position", inside, inside**4),
    ]


def _posture(face: Face) -> list[Measured]:
    angles = pose(face)
    chin = max(geometry.eye_to_chin(face), 1e-6)
    lids = min(_gap(face, LIDS_LEFT), _gap(face, LIDS_RIGHT)) / chin
    lips = _gap(face, (LIPS_INNER,)) / chin
    return [
        *(
            (name, angle, _cosine(angle))
            for name, angle in (("yaw", angles.yaw), ("pitch", angles.pitch), ("roll", angles.roll))
        ),
        ("eyes_open", lids, sigmoid(lids, 0.02, 0.01)),
        ("mouth_closed", lips, sigmoid(-lips, -0.2, 0.06)),
    ]


def _cosine(degrees: float) -> float:
    return max(0.0, math.cos(math.radians(min(abs(degrees), 90.0)))) ** 2


def _gap(face: Face, pairs: tuple[tuple[int, int], ...]) -> float:
    """Mean distance of point pairs in the image plane, pixels."""
    points = face.landmarks[:, :2]
    across = points[[one for one, _ in pairs]] - points[[other for _, other in pairs]]
    return float(np.hypot(across[:, 0], across[:, 1]).mean())


def _light(view: View) -> list[Measured]:
    grey = luma(view.crop[::_STEP, ::_STEP])
    points = view.square.to_crop(view.face.landmarks) / _STEP
    inside = grey[_oval(points, grey.shape[0])]
    if not inside.size:
        inside = grey.ravel()
    histogram = np.bincount(inside, minlength=256)
    over = float(histogram[OVER_AT:].sum()) / inside.size
    under = float(histogram[: UNDER_AT + 1].sum()) / inside.size
    even = _evenness(grey, points)
    return [
        ("over_exposure", over, 0.01 / (over + 0.01)),
        ("under_exposure", under, sigmoid(1.0 - under, 0.92, 0.05) / sigmoid(1.0, 0.92, 0.05)),
        ("illumination_uniformity", even, even**0.3),
    ]


def _oval(points: NDArray[np.float32], side: int) -> NDArray[np.bool_]:
    mask = Image.new("1", (side, side))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in points[list(OVAL)]], fill=1)
    return np.asarray(mask)


def _evenness(grey: Luma, points: NDArray[np.float32]) -> float:
    """Overlap of the luma histograms of a square on each cheek, 0..1, in 32 steps."""
    half = max(2, round(INPUT / _STEP / 24))
    shares = []
    for x, y in points[list(_CHEEKS)]:
        column = min(max(int(x), half), grey.shape[1] - half)
        row = min(max(int(y), half), grey.shape[0] - half)
        patch = grey[row - half : row + half, column - half : column + half]
        shares.append(np.bincount(patch.ravel() >> 3, minlength=32) / patch.size)
    return float(np.minimum(shares[0], shares[1]).sum())


def _sharpness(view: View) -> Measured:
    """Standard deviation of the Laplacian of the face at a fixed eye distance."""
    distance = max(geometry.inter_eye(view.face), 1.0)
    middle = geometry.between_eyes(view.face)
    unit = distance / SHARPNESS_INTER_EYE
    height, width = view.rgb.shape[:2]
    box = (
        max(0.0, middle[0] - 120 * unit), max(0.0, middle[1] - 60 * unit),
        min(float(width), middle[0] + 120 * unit), min(float(height), middle[1] + 180 * unit),
    )  # fmt: skip
    left, top = math.floor(box[0]), math.floor(box[1])
    part = view.rgb[top : math.ceil(box[3]), left : math.ceil(box[2])]
    size = (round((box[2] - box[0]) / unit), round((box[3] - box[1]) / unit))
    if part.shape[0] < 3 or part.shape[1] < 3 or min(size) < 3:
        return ("sharpness", 0.0, 0.0)
    inner = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    picture = Image.fromarray(luma(part))
    grey = np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=inner), dtype=np.int16)
    raw = laplacian_std(grey)
    return ("sharpness", raw, sigmoid(raw, 6.0, 1.5))


def laplacian_std(grey: NDArray[np.int16]) -> float:
    """Standard deviation of the four-neighbour Laplacian over the inside of a picture of at least 3x3."""
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(edges.std(dtype=np.float64))
