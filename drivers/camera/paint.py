"""Paints what the lens sees at the size that is asked for: 640 x 360 for every frame, 2304 x 1296 only on demand.

Nothing is painted larger than it is shown, so that what moves can be painted anew for every frame.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from drivers.camera.scene import Colour, Corners, Layer, Sight, arranged
from drivers.camera.sensor import BLUR_PX_PER_DIOPTRE, MAIN_HEIGHT, MAIN_WIDTH

BLUR_STEP_DIOPTRES = 0.25
_FEATHER = 0.08
_HEM = 0.02
_LEAST_DRIFT_PX = 1.0

Size = tuple[int, int]


def paint(
    sight: Sight,
    scale: float,
    *,
    lens: float,
    shift: tuple[float, float] = (0.0, 0.0),
    margin_px: int = 0,
    drift_px: tuple[float, float] = (0.0, 0.0),
) -> Image.Image:
    """What the lens sees, RGB, at neutral exposure.

    Args:
        scale: of the painting against the main stream, 1 or less.
        lens: where the lens is focused, dioptres; each layer is blurred by its distance from there.
        shift: how far the view is moved, main pixels.
        margin_px: how much more than the frame is painted on each side, main pixels.
        drift_px: how far the subject moves while the shutter is open, main pixels.
    """
    size = (round((MAIN_WIDTH + 2 * margin_px) * scale), round((MAIN_HEIGHT + 2 * margin_px) * scale))
    seen = arranged(sight)
    canvas = _wall(seen.wall, size)
    blurred = 0.0
    offset = np.array([margin_px - shift[0], margin_px - shift[1]])
    for index, layer in enumerate(seen.layers):
        corners = (layer.corners + offset) * scale
        blur = _sigma_px(layer.distance_m, lens) * scale
        if index > 0 and blurred > blur:
            canvas = canvas.filter(ImageFilter.GaussianBlur(math.sqrt(blurred**2 - blur**2)))
        blurred = blur
        if layer.upright and layer.glare[0] == 0:
            _paint_upright(canvas, layer, corners, fine=scale == 1.0)
        else:
            _paint_askew(canvas, layer, corners, fine=scale == 1.0)
    if seen.layers and blurred > 0:
        canvas = canvas.filter(ImageFilter.GaussianBlur(blurred))
    return _dragged(canvas, (drift_px[0] * scale, drift_px[1] * scale))


def _sigma_px(distance_m: float, lens: float) -> float:
    """Defocus of something so far away, main pixels; small errors count as none."""
    level = round(abs(lens - 1.0 / distance_m) / BLUR_STEP_DIOPTRES)
    return level * BLUR_STEP_DIOPTRES * BLUR_PX_PER_DIOPTRE


def _wall(colour: Colour, size: Size) -> Image.Image:
    return _wall_kept(colour, size).copy() if size[0] < MAIN_WIDTH else _wall_drawn(colour, size)


@lru_cache(maxsize=4)
def _wall_kept(colour: Colour, size: Size) -> Image.Image:
    return _wall_drawn(colour, size)


def _wall_drawn(colour: Colour, size: Size) -> Image.Image:
    """A plain wall, lit from above: a few per cent darker towards the lower corners."""
    y = np.linspace(0.0, 1.0, 54, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, 96, dtype=np.float32)[None, :]
    shade = 1.0 - 0.05 * y - 0.03 * x * x
    small = Image.merge("RGB", [Image.fromarray((shade * value).astype(np.uint8)) for value in colour])
    return small.resize(size, Image.Resampling.BILINEAR)


@lru_cache(maxsize=1)
def _feather() -> Image.Image:
    """Opaque inside, fading out at the left, right and upper edge."""
    across = np.minimum(np.arange(128) + 0.5, np.arange(128, 0, -1) - 0.5) / (_FEATHER * 128)
    down = (np.arange(128) + 0.5) / (_FEATHER * 128)
    alpha = np.clip(down, 0, 1)[:, None] * np.clip(across, 0, 1)[None, :]
    return Image.fromarray((alpha * 255).astype(np.uint8))


def _paint_upright(canvas: Image.Image, layer: Layer, corners: Corners, *, fine: bool) -> None:
    """Only what lies on the canvas is scaled, and only to pixels that it fills: a cut one would stretch the rest."""
    (x0, y0), (x1, y1) = corners[0], corners[2]
    left, top = max(0, math.ceil(x0)), max(0, math.ceil(y0))
    right, bottom = min(canvas.width, math.floor(x1)), min(canvas.height, math.floor(y1))
    if left >= right or x1 - x0 < 1 or y1 - y0 < 1:
        return
    source = layer.source(y1 - y0)
    sampling = Image.Resampling.LANCZOS if fine else Image.Resampling.HAMMING
    shares = ((left - x0) / (x1 - x0), (top - y0) / (y1 - y0), (right - x0) / (x1 - x0), (bottom - y0) / (y1 - y0))
    if top < bottom:
        size = (right - left, bottom - top)
        drawn = source.resize(size, sampling, _within(shares, source.size))
        if layer.feathered:
            mask = _feather().resize(size, Image.Resampling.BILINEAR, _within(shares, _feather().size))
            canvas.paste(drawn, (left, top), mask)
        else:
            canvas.paste(drawn, (left, top))
    if layer.feathered and bottom < canvas.height:
        _paint_hem(canvas, source, shares, (left, max(0, bottom), right, canvas.height))


def _paint_hem(
    canvas: Image.Image,
    source: Image.Image,
    shares: tuple[float, float, float, float],
    place: tuple[int, int, int, int],
) -> None:
    """The clothes go on below the photograph's lower edge."""
    left, top, right, bottom = place
    strip = (shares[0], 1.0 - _HEM, shares[2], 1.0)
    coarse = source.resize((max(1, (right - left) // 6), 1), Image.Resampling.BOX, _within(strip, source.size))
    column = _feather().resize((right - left, 1), Image.Resampling.BILINEAR, _within(strip, _feather().size))
    size = (right - left, bottom - top)
    canvas.paste(coarse.resize(size, Image.Resampling.BILINEAR), (left, top), column.resize(size))


def _within(shares: tuple[float, float, float, float], size: Size) -> tuple[float, float, float, float]:
    """Shares of a picture as a box in it, never beyond its edges and never empty."""
    width, height = size
    x0, x1 = (min(max(share, 0.0), 1.0) * width for share in (shares[0], shares[2]))
    y0, y1 = (min(max(share, 0.0), 1.0) * height for share in (shares[1], shares[3]))
    return min(x0, width - 0.01), min(y0, height - 0.01), max(x1, x0 + 0.01), max(y1, y0 + 0.01)


def _paint_askew(canvas: Image.Image, layer: Layer, corners: Corners, *, fine: bool) -> None:
    """Turned in space: sampled through the perspective, at a size of its own."""
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    right, bottom = min(canvas.width, int(high[0])), min(canvas.height, int(high[1]))
    if left >= right or top >= bottom:
        return
    size = (right - left, bottom - top)
    here = corners - (left, top)
    source = layer.source(max(math.dist(here[0], here[3]), math.dist(here[1], here[2])))
    sampling = Image.Resampling.BICUBIC if fine else Image.Resampling.BILINEAR
    coefficients = _perspective(here, source.size)
    # What the outline takes in beyond the edge has the edge's colour.
    beyond = source.getpixel((0, 0))
    drawn = source.transform(size, Image.Transform.PERSPECTIVE, coefficients, sampling, fillcolor=beyond)
    canvas.paste(drawn, (left, top), _outline(here, size, layer))
    strength, at_x, at_y = layer.glare
    if strength > 0:
        spot = _glare(strength, at_x, at_y)
        coefficients = _perspective(here, spot.size)
        lit = spot.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
        canvas.paste((255, 255, 255), (left, top, right, bottom), lit)


def _outline(corners: Corners, size: Size, layer: Layer) -> Image.Image:
    if layer.feathered:
        feather = _feather()
        coefficients = _perspective(corners, feather.size)
        return feather.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    # Drawn twice as large, so that the edge does not show its steps.
    mask = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    ImageDraw.Draw(mask).polygon([(float(x) * 2, float(y) * 2) for x, y in corners], fill=255)
    return mask.reduce(2)


def _glare(strength: float, at_x: float, at_y: float) -> Image.Image:
    """A soft streak of light, as a lamp leaves on laminate; a mask."""
    y, x = np.ogrid[0:66, 0:96]
    u = ((x / 96 - at_x) + 0.35 * (y / 66 - at_y)) / 0.16
    v = ((y / 66 - at_y) - 0.2 * (x / 96 - at_x)) / 0.34
    spot = np.exp(-((u * u + v * v) ** 1.5)) * min(strength, 1.0)
    return Image.fromarray((spot * 255).astype(np.uint8))


def _perspective(corners: NDArray[np.float64], size: Size) -> tuple[float, ...]:
    """Pillow's eight coefficients, which take a point of the canvas to a point of the picture."""
    width, height = size
    card = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, card, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values.extend([u, v])
    solution = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    return tuple(float(value) for value in solution)


def _dragged(canvas: Image.Image, drift: tuple[float, float]) -> Image.Image:
    """The smear of a movement: the mean of views along it, doubled in number at each step."""
    length = math.hypot(*drift)
    if length < _LEAST_DRIFT_PX:
        return canvas
    share = 0.5
    while length * share >= 0.5:
        moved = ImageChops.offset(canvas, round(drift[0] * share), round(drift[1] * share))
        canvas = Image.blend(canvas, moved, 0.5)
        share /= 2
    return canvas
