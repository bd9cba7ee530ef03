"""A photographed head that moves: turned over the depth of a head, lids closed, mouth opened, things worn.

All of it is placed by the two pupils; the unit is the distance between them (e). Believable to a landmark model within
some 30 degrees, no more: what the photograph did not see is stretched from what it did. Pure functions over images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Eyes = tuple[tuple[float, float], tuple[float, float]]

_WIDTH, _HEIGHT, _DEPTH = 1.30, 2.05, 1.35
"""Half axes of the head about its middle, in e; adults' heads are about 15.5 x 23 x 19 cm, pupils 6.3 cm apart."""
_MIDDLE = 0.25
"""The head's middle lies so far below the pupils."""
_NOSE = 0.42
_FADE = 0.55
"""Beyond the head the photograph comes to rest over so many head sizes."""
_GRID = 18

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """How the head is held, degrees and shares as in `stills.Person`."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    eyes_closed: float = 0.0
    mouth_open: float = 0.0


@dataclass(frozen=True, slots=True)
class Worn:
    """What is worn or held before the face."""

    glasses: str = "none"
    covered: str = "none"
    hat: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the face lies in an image, pixels: middle between the pupils, their distance, the line's unit vector."""

    x: float
    y: float
    e: float
    ux: float
    uy: float

    @classmethod
    def of(cls, eyes: Eyes, size: tuple[int, int]) -> Anchor:
        """From pupils given as shares; pupils that coincide are taken as a pixel apart."""
        (ax, ay), (bx, by) = ((x * size[0], y * size[1]) for x, y in eyes)
        dx, dy = bx - ax, by - ay
        e = max(1.0, math.hypot(dx, dy))
        return cls((ax + bx) / 2, (ay + by) / 2, e, dx / e if e > 1 else 1.0, dy / e if e > 1 else 0.0)

    def place(self, u: float, v: float) -> tuple[float, float]:
        """The pixel at u to the right along the pupils' line and v below it, in e."""
        return self.x + self.e * (u * self.ux - v * self.uy), self.y + self.e * (u * self.uy + v * self.ux)


def usual_eyes(size: tuple[int, int]) -> Eyes:
    """Where a portrait of this size (width, height) usually has its pupils: a sixth of the height apart, for upright
    35 x 45 portraits a quarter of the width, a little above the middle."""
    width, height = size
    apart = min(height / 6, width * 0.25)
    middle = 0.46 * height
    return ((width - apart) / 2 / width, middle / height), ((width + apart) / 2 / width, middle / height)


def posed(image: Image.Image, eyes: Eyes, pose: Pose) -> Image.Image:
    """The photograph with the head held so; the same object where nothing is to be done."""
    anchor = Anchor.of(eyes, image.size)
    if pose.eyes_closed > 0.01 or pose.mouth_open > 0.01:
        image = image.copy()
        if pose.eyes_closed > 0.01:
            for side in (-0.5, 0.5):
                _close_lid(image, anchor, side, pose.eyes_closed)
        if pose.mouth_open > 0.01:
            _open_mouth(image, anchor, pose.mouth_open)
    if abs(pose.yaw_deg) > 0.1 or abs(pose.pitch_deg) > 0.1:
        image = _turned(image, anchor, math.radians(pose.yaw_deg), math.radians(pose.pitch_deg))
    return image


# -- turning -----------------------------------------------------------------------------------------------------------


def _turned(image: Image.Image, anchor: Anchor, yaw: float, pitch: float) -> Image.Image:
    """Each point moves as a point of that depth does when the head turns; hidden parts give way to nearer ones."""
    reach_x, reach_y = _WIDTH * (1 + _FADE), _HEIGHT * (1 + _FADE)
    left = max(0, math.floor(anchor.x - reach_x * anchor.e))
    right = min(image.width, math.ceil(anchor.x + reach_x * anchor.e))
    top = max(0, math.floor(anchor.y + (_MIDDLE - reach_y) * anchor.e))
    bottom = min(image.height, math.ceil(anchor.y + (_MIDDLE + reach_y) * anchor.e))
    if right - left < _GRID or bottom - top < _GRID:
        return image
    xs, ys = np.linspace(left, right, _GRID + 1), np.linspace(top, bottom, _GRID + 1)
    xs, ys = np.rint(xs), np.rint(ys)
    from_x, from_y = _sources((xs - anchor.x) / anchor.e, (ys - anchor.y) / anchor.e - _MIDDLE, yaw, pitch)
    from_x = np.clip(anchor.x + from_x * anchor.e, 0, image.width)
    from_y = np.clip(anchor.y + (from_y + _MIDDLE) * anchor.e, 0, image.height)
    quads = []
    for row in range(_GRID):
        for column in range(_GRID):
            box = (int(xs[column]), int(ys[row]), int(xs[column + 1]), int(ys[row + 1]))
            corners = ((row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1))
            quads.append((box, tuple(float(axis[at]) for at in corners for axis in (from_x, from_y))))
    turned = image.transform(image.size, Image.Transform.MESH, quads, Image.Resampling.BICUBIC)
    whole = image.copy()
    whole.paste(turned.crop((left, top, right, bottom)), (left, top))
    return whole


def _sources(u: Floats, v: Floats, yaw: float, pitch: float) -> tuple[Floats, Floats]:
    """For target columns u and rows v about the head's middle: where in the photograph each comes from, in e."""
    fine = np.linspace(-_WIDTH * (1 + _FADE), _WIDTH * (1 + _FADE), 121)
    from_x = np.empty((len(v), len(u)))
    for row, height in enumerate(v):
        moved = fine + _held(fine, height) * (fine * (math.cos(yaw) - 1) + _depth(fine, height) * math.sin(yaw))
        from_x[row] = np.interp(u, np.maximum.accumulate(moved), fine)
    tall = np.linspace(-_HEIGHT * (1 + _FADE), _HEIGHT * (1 + _FADE), 121)
    from_y = np.empty_like(from_x)
    for column, across in enumerate(u):
        moved = tall + _held(across, tall) * (tall * (math.cos(pitch) - 1) - _depth(across, tall) * math.sin(pitch))
        from_y[:, column] = np.interp(v, np.maximum.accumulate(moved), tall)
    return from_x, from_y


def _depth(u: Floats | float, v: Floats | float) -> Floats:
    """Towards the camera, in e: a rounded head with a nose."""
    rest = 1.0 - np.square(np.asarray(u) / _WIDTH) - np.square(np.asarray(v) / _HEIGHT)
    # Between an ellipsoid and a paraboloid: no infinite slope at the rim.
    dome: Floats = _DEPTH * np.clip(rest, 0.0, 1.0) ** 0.75
    nose: Floats = _NOSE * np.exp(-np.square(np.asarray(u) / 0.22) - np.square((np.asarray(v) - 0.42) / 0.34))
    return dome + nose


def _held(u: Floats | float, v: Floats | float) -> Floats:
    """1 on the head, falling to 0 around it; shoulders and backdrop do not turn."""
    radius = np.sqrt(np.square(np.asarray(u) / _WIDTH) + np.square(np.asarray(v) / _HEIGHT))
    share = np.clip((1.0 + _FADE - radius) / _FADE, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float64)


# -- lids and mouth ----------------------------------------------------------------------------------------------------


def _close_lid(image: Image.Image, anchor: Anchor, side: float, closed: float) -> None:
    """Draws the upper lid, with its lashes, down over the eye: the skin above the eye is stretched."""
    x, y = anchor.place(side, 0.0)
    e = anchor.e
    half, above, upper, lower = 0.36 * e, 0.25 * e, 0.105 * e, 0.11 * e
    box = (math.floor(x - half), math.floor(y - above), math.ceil(x + half), math.ceil(y + 0.2 * e))
    if box[0] < 0 or box[1] < 0 or box[2] > image.width or box[3] > image.height:
        return
    pixels = np.asarray(image.crop(box))
    rows, columns = pixels.shape[:2]
    if rows < 4 or columns < 4:
        return
    u = (np.arange(columns) + box[0] + 0.5 - x) / half
    arch = np.sqrt(np.clip(1.0 - u * u, 0.0, 1.0))
    slope = (anchor.uy / max(anchor.ux, 0.2)) * (u * half)
    lash, rest = y + slope - upper * arch, y + slope + lower * arch
    edge = lash + (rest - lash) * closed
    at = np.arange(rows)[:, None] + box[1] + 0.5
    crease = y + slope - above * arch - 1e-6
    # Skin from the crease to the lashes, without the dark lash line itself, is spread over the closed part.
    share = (at - crease) / np.maximum(edge - crease, 1e-6)
    source = np.where((at > crease) & (at <= edge), crease + share * (lash - 0.035 * e - crease), at)
    index = np.clip(source - box[1] - 0.5, 0, rows - 1)
    low = np.floor(index).astype(np.intp)
    part = (index - low)[:, :, None]
    column = np.broadcast_to(np.arange(columns), low.shape)
    drawn = pixels[low, column] * (1 - part) + pixels[np.minimum(low + 1, rows - 1), column] * part
    # The lash line travels with the lid's edge.
    line = np.exp(-np.square((at - edge) / max(0.016 * e, 0.7))) * (arch > 0.25) * min(1.0, 2 * closed) * 0.85
    drawn = drawn * (1 - line[:, :, None])
    image.paste(Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8)), (box[0], box[1]))


def _open_mouth(image: Image.Image, anchor: Anchor, opened: float) -> None:
    """A dark opening between the lips; lips and chin stay."""
    x, y = anchor.place(0.0, 1.13)
    width, height = 0.34 * anchor.e, (0.04 + 0.2 * opened) * anchor.e
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse((x - width, y - height * 0.5, x + width, y + height * 1.3), fill=235)
    image.paste((46, 18, 20), (0, 0), mask.filter(ImageFilter.GaussianBlur(0.03 * anchor.e)))


# -- worn --------------------------------------------------------------------------------------------------------------


def dressed(image: Image.Image, eyes: Eyes, worn: Worn) -> Image.Image:
    """The photograph with what is worn; the same object where that is nothing."""
    if worn == Worn():
        return image
    anchor = Anchor.of(eyes, image.size)
    image = image.copy()
    if worn.hat:
        _paint(image, anchor, _HAT, (38, 44, 66), 1.0)
        _paint(image, anchor, _BRIM, (26, 30, 48), 1.0)
    match worn.covered:
        case "mask":
            _paint(image, anchor, _MASK, (150, 190, 214), 1.0)
            for v in (0.75, 1.0, 1.25):
                _line(image, anchor, ((-0.7, v), (0.7, v)), (128, 168, 194), 0.02)
            for side in (-1, 1):
                _line(image, anchor, ((side * 0.85, 0.62), (side * 1.25, 0.3)), (214, 222, 226), 0.03)
        case "hand":
            _hand(image, anchor)
    if worn.glasses != "none":
        _glasses(image, anchor, worn.glasses)
    return image


_HAT = ((-1.4, -0.45), (-1.3, -1.3), (-0.8, -1.95), (0.0, -2.1), (0.8, -1.95), (1.3, -1.3), (1.4, -0.45))
_BRIM = ((-1.45, -0.3), (-1.4, -0.6), (0.0, -0.72), (1.4, -0.6), (1.45, -0.3), (0.0, -0.22))
_MASK_RIGHT = ((0.4, 0.45), (0.95, 0.55), (0.85, 1.4), (0.4, 1.85))
_MASK = ((0.0, 0.3), *_MASK_RIGHT, (0.0, 1.95), *((-u, v) for u, v in reversed(_MASK_RIGHT)))


def _paint(
    image: Image.Image,
    anchor: Anchor,
    shape: tuple[tuple[float, float], ...],
    colour: tuple[int, int, int],
    opacity: float,
) -> None:
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).polygon([anchor.place(u, v) for u, v in shape], fill=round(255 * opacity))
    image.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(max(0.6, 0.015 * anchor.e))))


def _line(
    image: Image.Image,
    anchor: Anchor,
    ends: tuple[tuple[float, float], ...],
    colour: tuple[int, int, int],
    width: float,
) -> None:
    points = [anchor.place(u, v) for u, v in ends]
    ImageDraw.Draw(image).line(points, fill=colour, width=max(1, round(width * anchor.e)), joint="curve")


def _hand(image: Image.Image, anchor: Anchor) -> None:
    """Four fingers across mouth and nose, in the colour of the cheek."""
    cheek = image.getpixel(_inside(image, anchor.place(0.5, 0.6)))
    assert isinstance(cheek, tuple)
    red, green, blue = (int(value) for value in cheek[:3])
    skin, shade = (red, green, blue), (red * 6 // 10, green * 6 // 10, blue * 6 // 10)
    for finger in range(4):
        v = 0.45 + 0.3 * finger
        for width, colour in ((0.31, shade), (0.27, skin)):
            tip = (0.75 - 0.08 * abs(finger - 1), v)
            _line(image, anchor, ((-1.5, v + 0.35), tip), colour, width)
            x, y = anchor.place(*tip)
            radius = width * anchor.e / 2
            ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _inside(image: Image.Image, place: tuple[float, float]) -> tuple[int, int]:
    return min(max(round(place[0]), 0), image.width - 1), min(max(round(place[1]), 0), image.height - 1)


def _glasses(image: Image.Image, anchor: Anchor, kind: str) -> None:
    """Two rounded frames, a bridge and temples; lenses clear, reflecting or dark."""
    for side in (-0.5, 0.5):
        lens = [
            (side + 0.38 * math.copysign(abs(math.cos(t)) ** 0.6, math.cos(t)), 0.04 + 0.3 * math.sin(t))
            for t in np.linspace(0, 2 * math.pi, 40)
        ]
        if kind == "dark":
            _paint(image, anchor, tuple(lens), (16, 16, 20), 0.96)
        if kind == "glare":
            spot = tuple((side + 0.75 * (u - side) + 0.03, 0.9 * v - 0.01) for u, v in lens)
            _paint(image, anchor, spot, (250, 252, 255), 0.85)
        _line(image, anchor, (*lens, lens[0], lens[1]), (30, 26, 26), 0.055)
        outer = math.copysign(0.88, side)
        _line(image, anchor, ((outer, -0.05), (math.copysign(1.25, side), -0.08)), (30, 26, 26), 0.055)
    _line(image, anchor, ((-0.12, -0.02), (0.0, -0.07), (0.12, -0.02)), (30, 26, 26), 0.05)
