"""The full-frontal portrait: where the head is and what is cut out of the frame.

The head is taken as twice the distance from eye line to chin: in the standards' full-frontal figure the eye line halves
the head, and the mesh has no point on the crown. Width and height of the crop follow the policy.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.face.landmarks import CHIN, eyes
from models.face.types import Face, Portrait, Rgb
from models.policy import PortraitFormat


@dataclass(frozen=True, slots=True)
class Crop:
    """left, top, right, bottom in pixels of the frame; may reach outside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top

    def inside(self, width: int, height: int) -> float:
        """Share of the crop that lies inside a frame of this size, 0..1."""
        across = max(0.0, min(self.right, width) - max(self.left, 0.0))
        down = max(0.0, min(self.bottom, height) - max(self.top, 0.0))
        return across * down / max(self.width * self.height, 1e-9)


def inter_eye(face: Face) -> float:
    """Distance of the eye centres, pixels."""
    return math.dist(*eyes(face))


def between_eyes(face: Face) -> tuple[float, float]:
    """Middle of the eye centres, pixels."""
    (ax, ay), (bx, by) = eyes(face)
    return (ax + bx) / 2, (ay + by) / 2


def eye_to_chin(face: Face) -> float:
    """T of ISO/IEC 29794-5: middle of the eyes to the chin, pixels."""
    return math.dist(between_eyes(face), face.landmarks[CHIN, :2].tolist())


def crop(face: Face, form: PortraitFormat) -> Crop:
    """The portrait crop for a face, upright, centred on the middle of the eyes."""
    x, y = between_eyes(face)
    height = max(2.0 * eye_to_chin(face) / form.head_share, 1.0)
    width = height * form.width / form.height
    top = y - height * form.eye_line
    return Crop(x - width / 2, top, x + width / 2, top + height)


def fitted(wanted: Crop, width: int, height: int) -> Crop:
    """The crop moved, and if need be made smaller, until it lies inside the frame."""
    share = min(1.0, width / wanted.width, height / wanted.height)
    across, down = wanted.width * share, wanted.height * share
    middle_x, middle_y = (wanted.left + wanted.right) / 2, (wanted.top + wanted.bottom) / 2
    left = min(max(middle_x - across / 2, 0.0), width - across)
    top = min(max(middle_y - down / 2, 0.0), height - down)
    return Crop(left, top, left + across, top + down)


def portrait(rgb: Rgb, face: Face, form: PortraitFormat) -> Portrait:
    """Cuts, scales and encodes the portrait. One frame in, one picture out; nothing is retouched."""
    frame_height, frame_width = rgb.shape[:2]
    box = fitted(crop(face, form), frame_width, frame_height)
    left, top = math.floor(box.left), math.floor(box.top)
    right, bottom = min(frame_width, math.ceil(box.right)), min(frame_height, math.ceil(box.bottom))
    part = Image.fromarray(np.ascontiguousarray(rgb[top:bottom, left:right]))
    inner = (
        box.left - left, box.top - top, min(box.right - left, part.width), min(box.bottom - top, part.height)
    )  # fmt: skip
    picture = part.resize((form.width, form.height), Image.Resampling.BICUBIC, box=inner)
    scale = form.height / box.height
    points = [((x - box.left) * scale, (y - box.top) * scale) for x, y in eyes(face)]
    jpeg, quality = encode(picture, form)
    return Portrait(
        jpeg=jpeg,
        width=form.width,
        height=form.height,
        quality=quality,
        box=(box.left, box.top, box.right, box.bottom),
        scale=scale,
        eyes=(points[0], points[1]),
        inter_eye_px=inter_eye(face),
    )


def encode(picture: Image.Image, form: PortraitFormat) -> tuple[bytes, int]:
    """Baseline JPEG without metadata at the best quality that fits the policy's size, and that quality."""
    low, high = form.jpeg_quality_min, max(form.jpeg_quality_min, form.jpeg_quality_max)
    best = _jpeg(picture, high)
    if len(best) <= form.jpeg_max_bytes:
        return best, high
    best, quality = _jpeg(picture, low), low
    high -= 1
    while low < high:
        middle = (low + high + 1) // 2
        attempt = _jpeg(picture, middle)
        if len(attempt) <= form.jpeg_max_bytes:
            best, quality, low = attempt, middle, middle
        else:
            high = middle - 1
    return best, quality


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, subsampling="4:2:0")
    return out.getvalue()
