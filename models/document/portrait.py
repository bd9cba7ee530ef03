"""The holder's portrait on a page whose machine-readable zone was found: cut out straight, found, embedded.

ICAO Doc 9303 puts it above the zone at the left (part 4 section 4.1); a small second portrait, often at the right, is
no use. Must never look beyond the page: the person who holds it may be behind it. Decides nothing about the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.face.geometry import between_eyes, inter_eye
from models.face.pipeline import FacePipeline
from models.face.types import Embedding, Face

FaceTemplate = Embedding
Floats = NDArray[np.float64]

MOST_PX = 1200
"""Side of the square that is searched, at most."""
_LEFT = -0.08
_TWO_LINES_ABOVE, _THREE_LINES_ABOVE = 0.66, 0.44
"""How far the page reaches above the zone, in widths of the zone's text: TD3 and TD2, TD1."""
_THREE_LINES = 0.14
"""Height to width of the text from which it has three lines."""
_EYES = (0.03, 0.13)
"""Distance of the eyes, in widths of the zone's text."""
_FRAMED = (2.0, 2.3, 2.9)
"""Of the picture handed out, in distances of the eyes: half the width, above the eyes, below them."""


@dataclass(frozen=True, slots=True)
class DocumentPortrait:
    """The portrait of a document.

    Attributes:
        template: of the face, comparable with a live one of the same pipeline.
        image: (height, width, 3) uint8 RGB, head and shoulders, straightened.
        inter_eye_px: distance of the eyes in the frame, pixels.
    """

    template: FaceTemplate
    image: NDArray[np.uint8]
    inter_eye_px: float


def portrait_on_page(
    pipeline: FacePipeline, image: NDArray[np.uint8], corners: NDArray[np.float64]
) -> DocumentPortrait | None:
    """The main portrait of the page, None where none is seen.

    Args:
        pipeline: opened; the caller's thread owns it.
        image: (height, width, 3) uint8 RGB, the frame that was read.
        corners: (4, 2) of the zone's text in that frame, as `PageSeen.corners`.
    """
    page = _straight(image, corners)
    if page is None:
        return None
    picture, scale, width = page
    face = pipeline.find(picture, (_EYES[0] * width, _EYES[1] * width))
    if face is None:
        return None
    framed = _framed(picture, face)
    if framed is None:
        return None
    try:
        template = pipeline.embed(picture, face)
    except ValueError:
        return None
    return DocumentPortrait(template, framed, inter_eye(face) / scale)


def prints(corners: NDArray[np.float64], face: Face) -> bool:
    """Whether a face is where, and as small as, the portrait of a page with this zone would be.

    A person who wears or sits before two lines of text is larger against them, or beside them.

    Args:
        corners: (4, 2) of the zone's text in the frame, as `PageSeen.corners`.
        face: in the same frame.
    """
    upper_left, upper_right, _, lower_left = np.asarray(corners, np.float64)
    right, down = upper_right - upper_left, lower_left - upper_left
    wide, high = float(np.hypot(*right)), float(np.hypot(*down))
    if not np.isfinite(corners).all() or wide < 1 or high < 1:
        return False
    place = np.asarray(between_eyes(face)) - upper_left
    across = float(place @ right) / wide**2
    above = -float(place @ down) / (high * wide)
    sized = _EYES[0] * wide <= inter_eye(face) <= _EYES[1] * wide
    return sized and -0.1 <= across <= 1.1 and 0.0 <= above <= _TWO_LINES_ABOVE + 0.1


def _straight(image: NDArray[np.uint8], corners: Floats) -> tuple[NDArray[np.uint8], float, float] | None:
    """The left of the page above the zone as a square, its pixels per pixel of the frame, the text's width in it.

    Turned and sheared as the zone is, but with one scale: the zone is too low to tell how the page recedes.
    """
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        return None
    upper_left, upper_right, lower_right, lower_left = corners
    right = (upper_right - upper_left + lower_right - lower_left) / 2
    down = (lower_left - upper_left + lower_right - upper_right) / 2
    wide, high = float(np.hypot(*right)), float(np.hypot(*down))
    area = float(right[0] * down[1] - right[1] * down[0])
    if wide < 32 or high < 1 or area < 0.5 * wide * high:
        return None
    reach = _THREE_LINES_ABOVE if high / wide > _THREE_LINES else _TWO_LINES_ABOVE
    side = max(16, min(MOST_PX, round(reach * wide)))
    scale = side / (reach * wide)
    step_right, step_down = right / wide / scale, down / high / scale
    origin = upper_left + _LEFT * right - reach * down * (wide / high)
    # Pillow maps the middles of pixels; a pixel of the frame has its middle at a whole number here.
    x, y = origin + 0.5
    matrix = (step_right[0], step_down[0], x, step_right[1], step_down[1], y)
    # A pixel beyond the frame repeats nothing: black is no face.
    picture = Image.fromarray(np.ascontiguousarray(image))
    cut = picture.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return np.asarray(cut), scale, wide * scale


def _framed(picture: NDArray[np.uint8], face: Face) -> NDArray[np.uint8] | None:
    x, y = between_eyes(face)
    eyes = inter_eye(face)
    half, above, below = (share * eyes for share in _FRAMED)
    height, width = picture.shape[:2]
    left, right = max(0, round(x - half)), min(width, round(x + half))
    top, bottom = max(0, round(y - above)), min(height, round(y + below))
    return picture[top:bottom, left:right].copy() if right - left > 8 and bottom - top > 8 else None
