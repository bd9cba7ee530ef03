"""From five points to the 128x128 picture that the embedding model was trained on.

A least-squares similarity takes the points to the common 112x112 template, composed with the stretch to the model's
own frame, and the image is sampled once. Must never be changed without a new `VERSION`: templates cut out in another
way are not comparable.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from models.face import area
from models.face.landmarks import sample
from models.face.types import Floats, Rgb

VERSION = "mesh5-similarity-128-v1"
SIDE = 128
SHRINK_BELOW = 0.4
"""Below this scale (template per image pixel) the image is shrunk with an area mean first: bilinear sampling alone
would skip pixels."""
SHRINK_TO = 1.6
"""How much larger than the template the shrunken face is."""

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)
"""Eyes, nose tip, mouth corners in a 112x112 picture: the reference points in use since ArcFace (Deng et al. 2019)."""


def similarity(source: Floats, target: Floats) -> complex | None:
    """Turn and scale (one complex number) of the least-squares similarity without mirroring; None if undefined."""
    one = source[:, 0].astype(np.complex128) + 1j * source[:, 1]
    two = target[:, 0].astype(np.complex128) + 1j * target[:, 1]
    one, two = one - one.mean(), two - two.mean()
    spread = float((np.abs(one) ** 2).sum())
    if not np.isfinite(spread) or spread < 1e-6:
        return None
    factor = complex((np.conj(one) * two).sum() / spread)
    return factor if abs(factor) > 1e-6 else None


def align(rgb: Rgb, points: Floats) -> Image.Image | None:
    """The aligned face, 128x128 RGB, or None where the points are all in one place or far outside the image.

    Args:
        rgb: the image. points: (5, 2) pixels, as `landmarks.five_points`.
    """
    factor = similarity(points, TEMPLATE.astype(np.float32))
    if factor is None:
        return None
    # Template point of the output pixel (u, v): x = u * 96/128 + 8, y = v * 112/128; then the inverse similarity.
    inverse = 1 / factor
    stretch_x, stretch_y = 96 / SIDE, 112 / SIDE
    a, d = inverse.real * stretch_x, inverse.imag * stretch_x
    b, e = -inverse.imag * stretch_y, inverse.real * stretch_y
    mean_image, mean_template = points.astype(np.float64).mean(0), TEMPLATE.mean(0)
    shift = complex(8 - mean_template[0], -mean_template[1]) * inverse
    c, f = shift.real + float(mean_image[0]), shift.imag + float(mean_image[1])
    corners = [(a * u + b * v + c, d * u + e * v + f) for u in (0, SIDE) for v in (0, SIDE)]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    shrink = SHRINK_TO * abs(factor) if abs(factor) < SHRINK_BELOW else 1.0
    cut = _part(rgb, (left, top, right, bottom), shrink)
    if cut is None:
        return None
    part, x0, y0 = cut
    # Coordinates are multiplied without a half-pixel shift; this is part of VERSION.
    scaled = (a * shrink, b * shrink, c * shrink - x0, d * shrink, e * shrink, f * shrink - y0)
    return sample(part, scaled, SIDE)


def _part(rgb: Rgb, reach: tuple[float, float, float, float], shrink: float) -> tuple[Image.Image, int, int] | None:
    """The touched part, area-shrunk on the pixel grid of the whole shrunken image, and where it begins there."""
    height, width = rgb.shape[:2]
    columns, rows = max(1, round(width * shrink)), max(1, round(height * shrink))
    x0, y0 = max(0, math.floor(reach[0] * shrink) - 2), max(0, math.floor(reach[1] * shrink) - 2)
    x1, y1 = min(columns, math.ceil(reach[2] * shrink) + 3), min(rows, math.ceil(reach[3] * shrink) + 3)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    if shrink == 1.0:
        return Image.fromarray(np.ascontiguousarray(rgb[y0:y1, x0:x1])), x0, y0
    x_edges, y_edges = np.arange(x0, x1 + 1) / shrink, np.arange(y0, y1 + 1) / shrink
    left, top = math.floor(x_edges[0]), math.floor(y_edges[0])
    part = rgb[top : math.ceil(y_edges[-1]), left : math.ceil(x_edges[-1])]
    small = area.shrink(part, x_edges - left, y_edges - top)
    return Image.fromarray((small + 0.5).astype(np.uint8)), x0, y0
