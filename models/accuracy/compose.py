"""Pictures with known faults, composed from good portraits: glasses, masks, head covers, closed eyes, open mouths.

Everything is drawn where the face mesh of the untouched portrait lies, with shapes and colours chosen by a seed. These
are drawings: they tell whether a measure reacts and how often it is wrong on the faces behind, not how it does on every
real pair of glasses. Must never be shown as pictures of real occlusions.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from models.face import geometry
from models.face.landmarks import CHIN, FOREHEAD, OVAL, eyes
from models.face.types import Face, Floats

Point = tuple[float, float]
Colour = tuple[int, int, int]
Seed = int

_FINE = 3
"""Shapes are drawn this many times as large and shrunk: soft edges."""

_RIMS: tuple[Colour, ...] = ((18, 17, 18), (70, 42, 24), (120, 120, 126), (165, 135, 70), (25, 35, 70), (110, 25, 30))
_LENSES: tuple[Colour, ...] = ((12, 12, 14), (38, 26, 18), (22, 34, 26), (30, 30, 45))
_MASKS: tuple[Colour, ...] = (
    (150, 190, 215), (232, 234, 236), (24, 24, 26), (228, 188, 196), (120, 160, 130), (60, 70, 110),
)  # fmt: skip
_COVERS: tuple[Colour, ...] = (
    (25, 25, 28), (170, 30, 35), (235, 232, 225), (40, 60, 110), (120, 105, 80), (190, 165, 120), (70, 90, 70),
)  # fmt: skip


class Canvas:
    """A portrait with the frame of its face: origin between the eyes, x along the eye line, unit one eye distance."""

    def __init__(self, picture: Image.Image, face: Face, seed: Seed) -> None:
        self.picture = picture.convert("RGB")
        self.face = face
        self.random = np.random.default_rng(seed)
        (ax, ay), (bx, by) = eyes(face)
        self.unit = math.hypot(bx - ax, by - ay)
        self._cos, self._sin = (bx - ax) / self.unit, (by - ay) / self.unit
        self._x, self._y = geometry.between_eyes(face)

    def at(self, x: float, y: float) -> Point:
        """Pixel of a place given in eye distances."""
        across, down = x * self.unit, y * self.unit
        return self._x + across * self._cos - down * self._sin, self._y + across * self._sin + down * self._cos

    def own(self, point: int) -> Point:
        """A landmark in eye distances."""
        dx, dy = self.face.landmarks[point, 0] - self._x, self.face.landmarks[point, 1] - self._y
        return (
            float(dx * self._cos + dy * self._sin) / self.unit,
            float(dy * self._cos - dx * self._sin) / self.unit,
        )

    def skin(self) -> NDArray[np.float64]:
        """Median colour of both cheeks."""
        size = max(2, round(self.unit * 0.08))
        pixels = np.asarray(self.picture)
        parts = []
        for x, y in self.face.landmarks[[50, 280], :2].astype(int).tolist():
            parts.append(pixels[y - size : y + size, x - size : x + size].reshape(-1, 3))
        colour: NDArray[np.float64] = np.median(np.concatenate(parts), axis=0)
        return colour

    def paint(self, shape: list[Point], colour: Colour, alpha: float = 1.0, *, shade: float = 0.0) -> None:
        """A filled shape (places in eye distances), with folds of this strength as shading."""
        mask = self._mask(lambda draw, fine: draw.polygon(fine(shape), fill=255))
        self._blend(mask, colour, alpha, shade)

    def line(self, way: list[Point], colour: Colour, width: float, alpha: float = 1.0) -> None:
        """A line of this width, eye distances."""
        thick = max(1, round(width * self.unit * _FINE))
        mask = self._mask(lambda draw, fine: draw.line(fine(way), fill=255, width=thick, joint="curve"))
        self._blend(mask, colour, alpha, 0.0)

    def _mask(self, draw: Callable[[ImageDraw.ImageDraw, Callable[[list[Point]], list[Point]]], None]) -> Image.Image:
        width, height = self.picture.size
        large = Image.new("L", (width * _FINE, height * _FINE))

        def fine(points: list[Point]) -> list[Point]:
            return [(x * _FINE, y * _FINE) for x, y in (self.at(*point) for point in points)]

        draw(ImageDraw.Draw(large), fine)
        return large.resize((width, height), Image.Resampling.BOX)

    def _blend(self, mask: Image.Image, colour: Colour, alpha: float, shade: float) -> None:
        share = np.asarray(mask, np.float32)[..., None] / 255 * np.float32(alpha)
        pixels = np.asarray(self.picture, np.float32)
        ink = np.broadcast_to(np.array(colour, np.float32), pixels.shape)
        if shade:
            rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
            phase = self.random.uniform(0, 6, 2)
            waves = np.sin(rows / (0.11 * self.unit) + phase[0]) + np.sin(
                (rows + columns) / (0.4 * self.unit) + phase[1]
            )
            grain = self.random.normal(0, 0.25, pixels.shape[:2])
            ink = ink * (1 + shade * (waves + grain) / 2)[..., None]
        mixed = pixels * (1 - share) + ink * share
        self.picture = Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def _ellipse(x: float, y: float, across: float, down: float, power: float, steps: int = 48) -> list[Point]:
    """A superellipse: power 2 is an ellipse, more is a rounded rectangle."""
    points = []
    for step in range(steps + 1):
        angle = 2 * math.pi * step / steps
        cos, sin = math.cos(angle), math.sin(angle)
        points.append(
            (
                x + across * math.copysign(abs(cos) ** (2 / power), cos),
                y + down * math.copysign(abs(sin) ** (2 / power), sin),
            )
        )
    return points


def _frame(canvas: Canvas, colour: Colour, thick: float) -> list[list[Point]]:
    """Rims, bridge and temples; the two lenses."""
    random = canvas.random
    across, down, power = random.uniform(0.36, 0.42), random.uniform(0.24, 0.33), random.uniform(2.0, 4.5)
    lower = random.uniform(0.02, 0.09)
    lenses = [_ellipse(side * 0.52, lower, across, down, power) for side in (-1, 1)]
    for lens in lenses:
        canvas.line(lens, colour, thick)
    inner = 0.52 - across
    canvas.line([(-inner, lower - 0.04), (0, lower - 0.10), (inner, lower - 0.04)], colour, thick)
    for side, temple in ((-1, 127), (1, 356)):
        x, y = canvas.own(temple)
        canvas.line([(side * (0.52 + across), lower - 0.08), (x, y)], colour, thick)
    return lenses


def glasses(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """Clear lenses with a rim 1 to 4 mm thick."""
    canvas = Canvas(picture, face, seed)
    rim = _RIMS[int(canvas.random.integers(len(_RIMS)))]
    _frame(canvas, rim, float(canvas.random.uniform(0.018, 0.065)))
    return canvas.picture


def glare(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """Glasses with a lamp mirrored in both lenses."""
    canvas = Canvas(picture, face, seed)
    rim = _RIMS[int(canvas.random.integers(len(_RIMS)))]
    _frame(canvas, rim, float(canvas.random.uniform(0.018, 0.05)))
    x, y = canvas.random.uniform(-0.12, 0.12), canvas.random.uniform(-0.1, 0.08)
    size = canvas.random.uniform(0.12, 0.2)
    for side in (-1, 1):
        canvas.paint(_ellipse(side * 0.52 + x, y, size, size * 0.8, 3), (252, 253, 255), 0.93)
    return canvas.picture


def sunglasses(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """Dark lenses, 85 to 97 % opaque."""
    canvas = Canvas(picture, face, seed)
    rim = _RIMS[int(canvas.random.integers(len(_RIMS)))]
    lens = _LENSES[int(canvas.random.integers(len(_LENSES)))]
    opaque = float(canvas.random.uniform(0.85, 0.97))
    for shape in _frame(canvas, rim, float(canvas.random.uniform(0.03, 0.06))):
        canvas.paint(shape, lens, opaque)
    return canvas.picture


_JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)


def mask(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """A face mask from the nose over the cheeks to below the chin, with folds and ear loops."""
    canvas = Canvas(picture, face, seed)
    colour = _MASKS[int(canvas.random.integers(len(_MASKS)))]
    x, y = canvas.own(195)
    top = y + canvas.random.uniform(-0.08, 0.12)
    left, right = canvas.own(116), canvas.own(345)
    drop = canvas.random.uniform(0.12, 0.3)
    jaw = [canvas.own(point) for point in _JAW[3:-3]]
    low = [(px, py + 0.06) for px, py in jaw]
    shape = [(x, top), (right[0] * 0.98, right[1] + drop), *reversed(low), (left[0] * 0.98, left[1] + drop)]
    canvas.paint(shape, colour, 1.0, shade=0.10)
    for edge, ear in ((left, 127), (right, 356)):
        canvas.line([(edge[0] * 0.98, edge[1] + drop), canvas.own(ear)], colour, 0.03)
    return canvas.picture


def hand(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """A hand of the person's own colour over mouth and chin: four fingers side by side."""
    canvas = Canvas(picture, face, seed)
    skin = canvas.skin() * canvas.random.uniform(0.85, 1.08)
    colour = _colour(skin)
    dark = _colour(skin * 0.62)
    middle = canvas.own(14)[1]
    tilt = canvas.random.uniform(-0.12, 0.12)
    side = 1.0 if canvas.random.random() < 0.5 else -1.0
    for finger in range(4):
        y = middle - 0.32 + finger * 0.21
        reach = (0.62, 0.72, 0.68, 0.5)[finger]
        start, end = (side * 1.3, y + tilt), (-side * reach, y - tilt)
        canvas.line([start, end], dark, 0.235)
        canvas.paint(_ellipse(end[0], end[1], 0.115, 0.105, 2), colour)
        canvas.line([start, end], colour, 0.205)
    return canvas.picture


def _colour(values: NDArray[np.float64]) -> Colour:
    red, green, blue = np.clip(values, 0, 255).astype(int).tolist()
    return red, green, blue


def _brow(canvas: Canvas) -> tuple[float, float, float]:
    """Half width of the head at the temples, height of the brow line, height of the mesh's top; eye distances."""
    half = (canvas.own(454)[0] - canvas.own(234)[0]) / 2
    return half, canvas.own(9)[1], canvas.own(FOREHEAD)[1]


def cap(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """A cap or woollen hat that ends between brow and hair line; some have a peak."""
    canvas = Canvas(picture, face, seed)
    colour = _COVERS[int(canvas.random.integers(len(_COVERS)))]
    half, brow, top = _brow(canvas)
    edge = brow + (top - brow) * canvas.random.uniform(0.1, 0.55)
    height = canvas.random.uniform(1.5, 1.9)
    wide = half * canvas.random.uniform(1.08, 1.22)
    arch = [(x * wide, edge - 0.06 * (1 - x * x)) for x in np.linspace(-1, 1, 15).tolist()]
    crown = [
        (math.cos(angle) * wide, edge - math.sin(angle) * height) for angle in np.linspace(0, math.pi, 25).tolist()
    ]
    canvas.paint(arch + crown, colour, 1.0, shade=0.08)
    if canvas.random.random() < 0.5:
        peak = [(x * wide * 0.85, edge - 0.22 + 0.22 * (1 - x * x) ** 0.5) for x in np.linspace(-1, 1, 21).tolist()]
        darker = _colour(np.array(colour, np.float64) * 0.75)
        canvas.paint([*peak, (wide * 0.85, edge - 0.3), (-wide * 0.85, edge - 0.3)], darker, 1.0, shade=0.05)
    return canvas.picture


def scarf(picture: Image.Image, face: Face, seed: Seed) -> Image.Image:
    """A head scarf: everything but the oval of the face, from the upper forehead to below the chin."""
    canvas = Canvas(picture, face, seed)
    colour = _COVERS[int(canvas.random.integers(len(_COVERS)))]
    half, brow, top = _brow(canvas)
    edge = brow + (top - brow) * canvas.random.uniform(0.45, 0.8)
    oval = [canvas.own(point) for point in OVAL]
    inner = [(x * 0.97, max(y, edge)) for x, y in oval]
    chin = canvas.own(CHIN)[1]
    wide = half * canvas.random.uniform(1.25, 1.4)
    outer = [(math.sin(a) * wide, -0.1 - math.cos(a) * 2.05) for a in np.linspace(-2.0, 2.0, 31).tolist()]
    shoulders = [(wide * 1.5, chin + 1.2), (-wide * 1.5, chin + 1.2)]
    whole = canvas._mask(lambda draw, fine: draw.polygon(fine([*outer, *shoulders]), fill=255))
    hole = canvas._mask(lambda draw, fine: draw.polygon(fine(inner), fill=255))
    ring = np.minimum(np.asarray(whole), 255 - np.asarray(hole))
    canvas._blend(Image.fromarray(ring), colour, 1.0, 0.10)
    return canvas.picture


_EYES = (
    # brow above, upper lid and lower lid from one corner to the other
    ((70, 63, 105, 66, 107), (33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    (
        (336, 296, 334, 293, 300),
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
    ),
)  # fmt: skip


def closed_eyes(picture: Image.Image, face: Face, seed: Seed, share: float = 1.0) -> Image.Image:
    """Upper lids drawn down by this share of the gap: the skin from brow to lid is stretched, lashes are painted."""
    pixels = np.asarray(picture.convert("RGB")).copy()
    for brow, upper, lower in _EYES:
        pixels = _drawn_down(pixels, face, brow, upper, lower, share)
    canvas = Canvas(Image.fromarray(pixels), face, seed)
    for _, upper, lower in _EYES:
        way = [_between(canvas.own(one), canvas.own(other), share) for one, other in zip(upper, lower, strict=True)]
        canvas.line(way, _colour(canvas.skin() * 0.35), 0.02, 0.75)
    return canvas.picture


def _between(one: Point, other: Point, share: float) -> Point:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _row_of(face: Face, points: tuple[int, ...], columns: Floats) -> Floats:
    chosen = face.landmarks[list(points), :2]
    order = np.argsort(chosen[:, 0])
    return np.interp(columns, chosen[order, 0], chosen[order, 1]).astype(np.float32)


def _drawn_down(
    pixels: NDArray[np.uint8],
    face: Face,
    brow: tuple[int, ...],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    share: float,
) -> NDArray[np.uint8]:
    """Column by column, brow to upper lid is stretched until it reaches the (share of the way to the) lower lid."""
    ends = face.landmarks[list(upper), 0]
    first, last = math.ceil(float(ends.min())), math.floor(float(ends.max()))
    columns = np.arange(first, last + 1, dtype=np.float32)
    above, lid, under = (_row_of(face, points, columns) for points in (brow, upper, lower))
    above = np.minimum(above + 0.35 * (lid - above), lid - 2)
    margin = 0.012 * geometry.inter_eye(face)
    goal = lid + (under - lid + margin) * np.float32(share)
    source = lid - margin
    result = pixels.copy()
    for number, column in enumerate(range(first, last + 1)):
        rows = np.arange(math.ceil(above[number]), math.floor(goal[number]) + 1)
        place = (rows - above[number]) / max(goal[number] - above[number], 1.0)
        result[rows, column] = _column(pixels, column, above[number] + place * (source[number] - above[number]))
    return result


def _column(pixels: NDArray[np.uint8], column: int, rows: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Linear samples of one column."""
    rows = np.clip(rows, 0, pixels.shape[0] - 1.001)
    low = rows.astype(np.intp)
    part = (rows - low)[:, None]
    mixed = pixels[low, column] * (1 - part) + pixels[low + 1, column] * part
    return np.asarray(np.rint(mixed), np.uint8)


def open_mouth(picture: Image.Image, face: Face, seed: Seed, gap: float = 0.22) -> Image.Image:
    """Lower lip and chin drawn apart from the upper lip by this share of the distance from eyes to chin."""
    random = np.random.default_rng(seed)
    pixels = np.asarray(picture.convert("RGB"))
    result = pixels.copy()
    points = face.landmarks
    left, right = float(points[61, 0]), float(points[291, 0])
    middle, reach = (left + right) / 2, (right - left) / 2 * 0.92
    opened = gap * geometry.eye_to_chin(face)
    chin = float(points[CHIN, 1]) + 0.9 * opened
    inside = np.array((52, 18, 20)) * random.uniform(0.6, 1.4)
    for column in range(math.ceil(middle - reach), math.floor(middle + reach) + 1):
        across = (column - middle) / reach
        line = float(_row_of(face, (61, 13, 291), np.array([column], np.float32))[0])
        drop = opened * math.sqrt(max(0.0, 1 - across * across))
        rows = np.arange(math.floor(line + drop), min(math.ceil(chin), pixels.shape[0] - 1))
        share = (rows - line - drop) / max(chin - line - drop, 1.0)
        result[rows, column] = _column(pixels, column, line + share * (chin - line))
        dark = np.arange(math.ceil(line), math.floor(line + drop))
        result[dark, column] = np.clip(inside, 0, 255).astype(np.uint8)
        teeth = dark[: max(0, round(0.3 * drop))]
        result[teeth, column] = (212, 205, 195)
    return Image.fromarray(result).filter(ImageFilter.GaussianBlur(0.6))


FAULTS: dict[str, Callable[[Image.Image, Face, Seed], Image.Image]] = {
    "glasses": glasses,
    "glare": glare,
    "sunglasses": sunglasses,
    "mask": mask,
    "hand": hand,
    "cap": cap,
    "scarf": scarf,
    "closed-eyes": closed_eyes,
    "open-mouth": open_mouth,
}
"""Label to composer."""


def halves(size: tuple[int, int], seed: Seed) -> Image.Image:
    """A background of two colours side by side."""
    random = np.random.default_rng(seed)
    whole = Image.new("RGB", size, _any_colour(random))
    edge = round(size[0] * random.uniform(0.35, 0.65))
    whole.paste(_any_colour(random), (edge, 0, *size))
    return whole


def stripes(size: tuple[int, int], seed: Seed) -> Image.Image:
    """A striped background."""
    random = np.random.default_rng(seed)
    whole, colour = Image.new("RGB", size, _any_colour(random)), _any_colour(random)
    step = round(size[0] * random.uniform(0.03, 0.08))
    for left in range(0, size[0], 2 * step):
        whole.paste(colour, (left, 0, left + step, size[1]))
    return whole


def _any_colour(random: np.random.Generator) -> Colour:
    return _colour(random.uniform(60, 230, 3))


def backlit(picture: Image.Image, face: Face, seed: Seed, light: tuple[float, float] = (0.1, 0.16)) -> Image.Image:
    """Head and shoulders before a bright window, with this share of their light left (a range)."""
    canvas = Canvas(picture, face, seed)
    head = canvas._mask(lambda draw, fine: draw.polygon(fine(_ellipse(0, 0, 1.3, 1.9, 2)), fill=255))
    body = canvas._mask(lambda draw, fine: draw.polygon(fine(_ellipse(0, 3.8, 2.4, 2.2, 3)), fill=255))
    near = Image.fromarray(np.maximum(np.asarray(head), np.asarray(body)))
    share = np.asarray(near.filter(ImageFilter.GaussianBlur(0.08 * canvas.unit)), np.float32)[..., None] / 255
    pixels = np.asarray(picture, np.float32)
    dark, bright = pixels * np.float32(canvas.random.uniform(*light)), np.maximum(pixels, 245)
    return Image.fromarray((dark * share + bright * (1 - share)).astype(np.uint8))
