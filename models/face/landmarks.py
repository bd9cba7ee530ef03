"""The 468-point face mesh: the square that is cut out for it, and its way back into the image.

The square is the detector's box made square, 1.5 times as large and turned until the eyes lie level (MediaPipe
`face_landmark_front`). Indices are those of the MediaPipe mesh.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.face.types import Detection, Face, Floats, Rgb
from models.runtime import Interpreter

Matrix = tuple[float, float, float, float, float, float]

INPUT = 192
ROI_SCALE = 1.5
_SHRINK_ABOVE = 3.0

EYE_LEFT_CORNERS = (33, 133)
EYE_RIGHT_CORNERS = (362, 263)
NOSE_TIP = 1
MOUTH_LEFT, MOUTH_RIGHT = 61, 291
FOREHEAD, CHIN = 10, 152
LIPS_INNER = (13, 14)
LIDS_LEFT = ((160, 144), (159, 145), (158, 153))
LIDS_RIGHT = ((385, 380), (386, 374), (387, 373))
CHEEK_LEFT, CHEEK_RIGHT = 234, 454
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Roi:
    """A turned square: centre and side in pixels of the image, angle in radians (clockwise in the image)."""

    x: float
    y: float
    side: float
    angle: float

    def to_image(self, points: Floats) -> Floats:
        """Points (n, 3) in 0..192 units of the crop, as pixels of the image."""
        unit = self.side / INPUT
        cos, sin = math.cos(self.angle) * unit, math.sin(self.angle) * unit
        x, y = points[:, 0] - INPUT / 2, points[:, 1] - INPUT / 2
        columns = (x * cos - y * sin + self.x, x * sin + y * cos + self.y, points[:, 2] * unit)
        result: Floats = np.stack(columns, axis=1).astype(np.float32)
        return result

    def to_crop(self, points: Floats) -> Floats:
        """Points (n, 2 or 3) in pixels of the image, as 0..192 units of the crop (x, y only)."""
        unit = INPUT / self.side
        cos, sin = math.cos(self.angle) * unit, math.sin(self.angle) * unit
        x, y = points[:, 0] - self.x, points[:, 1] - self.y
        result: Floats = np.stack((x * cos + y * sin + INPUT / 2, y * cos - x * sin + INPUT / 2), axis=1).astype(
            np.float32
        )
        return result


def roi(found: Detection) -> Roi:
    """The square for a detected face."""
    left, top, right, bottom = found.box
    (ax, ay), (bx, by) = found.keypoints[0], found.keypoints[1]
    angle = math.atan2(float(by - ay), float(bx - ax))
    side = max(right - left, bottom - top) * ROI_SCALE
    return Roi((left + right) / 2, (top + bottom) / 2, max(side, 1.0), angle)


def cut(rgb: Rgb, square: Roi, *, nearest: bool = False) -> Image.Image:
    """The square as a 192x192 picture, bilinear or nearest samples; black where it reaches outside the image."""
    unit = square.side / INPUT
    cos, sin = math.cos(square.angle) * unit, math.sin(square.angle) * unit
    centre = INPUT / 2
    matrix = (
        cos, -sin, square.x - centre * (cos - sin),
        sin, cos, square.y - centre * (sin + cos),
    )  # fmt: skip
    reach = square.side * (abs(math.cos(square.angle)) + abs(math.sin(square.angle))) / 2
    return warp(rgb, matrix, INPUT, (square.x - reach, square.y - reach, square.x + reach, square.y + reach), nearest)


def warp(
    rgb: Rgb,
    matrix: Matrix,
    side: int,
    reach: tuple[float, float, float, float],
    nearest: bool,
) -> Image.Image:
    """One affine cut of `side` x `side` pixels out of the part of the image it needs.

    Args:
        matrix: a, b, c, d, e, f with x = a*u + b*v + c, y = d*u + e*v + f (u, v output, x, y image pixels; the
            coordinates are those of pixel centres).
        reach: left, top, right, bottom of what the cut touches, image pixels.
        nearest: nearest samples instead of bilinear ones.

    Where one output pixel covers more than three image pixels, the image is first shrunk by a whole factor with an
    area mean: bilinear sampling alone would skip pixels.
    """
    height, width = rgb.shape[:2]
    left, top = max(0, math.floor(reach[0]) - 2), max(0, math.floor(reach[1]) - 2)
    right, bottom = min(width, math.ceil(reach[2]) + 3), min(height, math.ceil(reach[3]) + 3)
    if right - left < 2 or bottom - top < 2:
        return Image.new("RGB", (side, side))
    a, b, c, d, e, f = matrix
    c, f = c - left, f - top
    part = Image.fromarray(np.ascontiguousarray(rgb[top:bottom, left:right]))
    step = math.sqrt(abs(a * e - b * d))
    if step > _SHRINK_ABOVE:
        factor = int(step)
        part = part.reduce(factor)
        a, b, d, e = a / factor, b / factor, d / factor, e / factor
        # Pixel i of the reduced picture is centred on (i + 0.5) * factor - 0.5 of the old one.
        c, f = (c + 0.5) / factor - 0.5, (f + 0.5) / factor - 0.5
    return sample(part, (a, b, c, d, e, f), side, Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR)


def sample(
    picture: Image.Image, matrix: Matrix, side: int, resampling: Image.Resampling = Image.Resampling.BILINEAR
) -> Image.Image:
    """Samples at x = a*u + b*v + c, y = d*u + e*v + f, coordinates of pixel centres, black outside."""
    a, b, c, d, e, f = matrix
    # Pillow takes output pixel centres at +0.5 and subtracts 0.5 from the result; fold both into the offset.
    centred = (a, b, c + 0.5 - 0.5 * (a + b), d, e, f + 0.5 - 0.5 * (d + e))
    return picture.transform((side, side), Image.Transform.AFFINE, centred, resampling)


def decode(raw: Floats, logit: Floats, square: Roi, found: Detection) -> Face | None:
    """The face in pixels of the image, or None where the model's numbers are no face (not finite, not sure)."""
    points = raw.reshape(-1, 3)
    certainty = float(logit.reshape(-1)[0])
    if points.shape != (468, 3) or not np.isfinite(points).all() or not math.isfinite(certainty):
        return None
    if np.abs(points).max() > 100 * INPUT:
        return None
    score = 1.0 / (1.0 + math.exp(-min(max(certainty, -80.0), 80.0)))
    return Face(found.box, found.score, square.to_image(points), score)


def landmarks(
    model: Interpreter, rgb: Rgb, found: Detection, buffer: Floats, *, live: bool = False
) -> tuple[Face | None, Rgb, Roi]:
    """Landmarks of a detected face, with the crop they were found in.

    Args:
        buffer: (1, 192, 192, 3) float32, reused between calls.
        live: for guidance: nearest samples instead of bilinear ones. Ten times faster; on 640x360 frames landmarks
            move by 0.06 % of the eye distance, pose by nothing that could be measured.
    """
    square = roi(found)
    crop = np.asarray(cut(rgb, square, nearest=live))
    np.multiply(crop, np.float32(1 / 255), out=buffer[0])
    if not live:
        # Pillow cuts fractions off where it interpolates; half a grey level puts the mean back.
        buffer += np.float32(0.5 / 255)
    raw, logit = model.run(buffer)
    return decode(raw, logit, square, found), crop, square


def eyes(face: Face) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean of the corners of the eye at image left, then at image right; pixels."""
    points = face.landmarks[[*EYE_LEFT_CORNERS, *EYE_RIGHT_CORNERS], :2].tolist()
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    return ((ax + bx) / 2, (ay + by) / 2), ((cx + dx) / 2, (cy + dy) / 2)


def five_points(face: Face) -> Floats:
    """(5, 2): eye left, eye right, nose tip, mouth corner left, mouth corner right; pixels of the image."""
    rest = face.landmarks[[NOSE_TIP, MOUTH_LEFT, MOUTH_RIGHT], :2]
    result: Floats = np.concatenate((np.array(eyes(face), np.float32), rest))
    return result
