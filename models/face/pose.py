"""Head pose out of the three-dimensional face mesh.

The mean of vectors between mirrored points is the face's own horizontal axis; the mean of vectors down its middle is
the vertical one. No reference head is needed, and a mirrored mesh has the same yaw and roll with the other sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.face.types import Face

_LEFT = (33, 133, 61, 234, 127, 50, 130, 93)
_RIGHT = (263, 362, 291, 454, 356, 280, 359, 323)
_UPPER = (10, 151, 9, 8, 67, 297)
_LOWER = (152, 175, 164, 2, 150, 379)
PITCH_AT_REST_DEG = -3.57
"""Lean of the middle line of a face that looks straight ahead (median of 204 frontal portraits)."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees. yaw > 0: the person's head is turned to the right of the image; pitch > 0: chin up; roll > 0: the head
    leans clockwise in the image."""

    yaw: float
    pitch: float
    roll: float


def pose(face: Face) -> Pose:
    """Pose of a face, each angle in -180..180."""
    points = face.landmarks.astype(np.float64)
    across = (points[list(_RIGHT)] - points[list(_LEFT)]).mean(0)
    down = (points[list(_LOWER)] - points[list(_UPPER)]).mean(0)
    roll = math.atan2(across[1], across[0])
    yaw = math.atan2(across[2], math.hypot(across[0], across[1]))
    # Along the face's own vertical in the image, so that roll does not leak into pitch.
    length = down[1] * math.cos(roll) - down[0] * math.sin(roll)
    pitch = math.atan2(-down[2], length)
    return Pose(math.degrees(yaw), math.degrees(pitch) - PITCH_AT_REST_DEG, math.degrees(roll))
