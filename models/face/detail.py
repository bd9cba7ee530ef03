"""Sharpness of the face and evenness of the background: what only the full frame can show."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.face import geometry
from models.face.light import luma, sigmoid
from models.face.types import Face, Measured, Rgb
from models.policy import PortraitFormat

SHARPNESS_INTER_EYE = 120
_STRIP_WIDTH, _STRIP_HEIGHT = 0.10, 0.5
_SAMPLES = 48


def sharpness(rgb: Rgb, face: Face) -> Measured:
    """Standard deviation of the Laplacian of the face at 120 px between the eyes, luma steps."""
    unit = max(geometry.inter_eye(face), 1.0) / SHARPNESS_INTER_EYE
    x, y = geometry.between_eyes(face)
    height, width = rgb.shape[:2]
    box = (
        max(0.0, x - 120 * unit), max(0.0, y - 60 * unit), min(float(width), x + 120 * unit),
        min(float(height), y + 180 * unit),
    )  # fmt: skip
    left, top = math.floor(box[0]), math.floor(box[1])
    part = rgb[top : math.ceil(box[3]), left : math.ceil(box[2])]
    size = (round((box[2] - box[0]) / unit), round((box[3] - box[1]) / unit))
    if min(size) < 3 or min(part.shape[:2]) < 3:
        return ("sharpness", 0.0, 0.0)
    inner = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    grey = Image.fromarray(np.ascontiguousarray(part)).convert("L")
    picture = grey.resize(size, Image.Resampling.BICUBIC, box=inner)
    raw = laplacian_std(np.asarray(picture, dtype=np.int16))
    return ("sharpness", raw, sigmoid(raw, 6.0, 1.5))


def laplacian_std(grey: NDArray[np.int16]) -> float:
    """Standard deviation of the four-neighbour Laplacian over the inside of a picture of at least 3x3."""
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(edges.std(dtype=np.float64))


def beside_head(rgb: Rgb, face: Face, form: PortraitFormat) -> Measured:
    """Unevenness beside the head: two strips at the upper left and right of the portrait crop, luma steps.

    The larger of the deviation within a strip and the difference between the strips. Needs no segmentation model, and
    hair that reaches into a strip counts as background: for the record, never judged.
    """
    box = geometry.fitted(geometry.crop(face, form), rgb.shape[1], rgb.shape[0])
    across, down = _STRIP_WIDTH * box.width, _STRIP_HEIGHT * box.height
    strips = [_strip(rgb, start, box.top, across, down) for start in (box.left, box.right - across)]
    values = [float(strip.std()) for strip in strips]
    raw = max(*values, abs(float(strips[0].mean()) - float(strips[1].mean())))
    return ("background_beside_head", raw, 1 / (1 + (raw / 20) ** 2))


def _strip(rgb: Rgb, left: float, top: float, width: float, height: float) -> NDArray[np.uint8]:
    """A coarse sample of a part: noise and grain are not unevenness, so each sample is a mean over a small block."""
    x, y = int(left), int(top)
    right, bottom = max(x + 1, int(left + width)), max(y + 1, int(top + height))
    picture = Image.fromarray(np.ascontiguousarray(rgb[y:bottom, x:right]))
    size = (min(_SAMPLES // 4, picture.width), min(_SAMPLES, picture.height))
    return luma(np.asarray(picture.resize(size, Image.Resampling.BOX)))


def mouth_width(face: Face) -> Measured:
    """Mouth corners apart as a share of the eye distance: wider in a smile. Advisory, never gated."""
    left, right = face.landmarks[[61, 291], :2].tolist()
    raw = math.dist(left, right) / max(geometry.inter_eye(face), 1e-6)
    return ("expression_neutrality", raw, sigmoid(-raw, -0.9, 0.05))
