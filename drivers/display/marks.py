"""Pictures made of strokes: icons, key marks and the two hands. One set for all sizes, drawn large and scaled down.

Pure; returns masks (mode L, 0..255). Shapes are our own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw

from drivers.display.port import Icon
from drivers.panel.port import Button

GRID = 24
OVERSAMPLE = 8

Point = tuple[float, float]


class _Strokes:
    """A pen on a 24 x 24 grid with round ends."""

    def __init__(self, size_px: int, stroke: float) -> None:
        self.scale = size_px * OVERSAMPLE / GRID
        self.stroke = stroke
        self.image = Image.new("L", (size_px * OVERSAMPLE, size_px * OVERSAMPLE), 0)
        self.pen = ImageDraw.Draw(self.image)

    def line(self, *points: Point) -> None:
        width = self.stroke * self.scale
        scaled = [(x * self.scale, y * self.scale) for x, y in points]
        self.pen.line(scaled, fill=255, width=round(width), joint="curve")
        for x, y in scaled:
            self.pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)

    def arc(self, centre: Point, radius: float, start: float, end: float) -> None:
        steps = max(4, round(abs(end - start) / 6))
        angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
        self.line(*[(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles])

    def ring(self, centre: Point, radius: float) -> None:
        self.arc(centre, radius, 0, 360)

    def disc(self, centre: Point, radius: float, fill: int = 255) -> None:
        across, down, reach = (value * self.scale for value in (*centre, radius))
        self.pen.ellipse((across - reach, down - reach, across + reach, down + reach), fill=fill)

    def box(self, left: float, top: float, right: float, bottom: float) -> None:
        self.line((left, top), (right, top), (right, bottom), (left, bottom), (left, top))

    def block(self, left: float, top: float, right: float, bottom: float) -> None:
        self.pen.rectangle([v * self.scale for v in (left, top, right, bottom)], fill=255)


def _tick(pen: _Strokes) -> None:
    pen.line((5, 13), (10, 18), (19.5, 6.5))


def _cross(pen: _Strokes) -> None:
    pen.line((6, 6), (18, 18))
    pen.line((18, 6), (6, 18))


def _ready(pen: _Strokes) -> None:
    pen.arc((12, 13), 8.5, -60, 240)
    pen.line((12, 3), (12, 12))


def _qr(pen: _Strokes) -> None:
    for left, top in ((3.0, 3.0), (14.0, 3.0), (3.0, 14.0)):
        pen.box(left, top, left + 7, top + 7)
        pen.block(left + 2.6, top + 2.6, left + 4.4, top + 4.4)
    for left, top in ((14, 14), (18.5, 14), (14, 18.5), (18.5, 18.5)):
        pen.block(left, top, left + 2.6, top + 2.6)


def _consent(pen: _Strokes) -> None:
    pen.line((19, 11), (19, 3), (4, 3), (4, 21), (10, 21))
    pen.line((8, 8), (15, 8))
    pen.line((8, 12), (13, 12))
    pen.line((12, 17), (15.5, 20.5), (21.5, 13.5))


def _document(pen: _Strokes) -> None:
    """A data page: the holder's picture, and the two lines at its foot."""
    pen.box(2.5, 3.5, 21.5, 20.5)
    pen.ring((8, 9), 2)
    pen.arc((8, 14.5), 3.2, 180, 360)
    pen.line((14, 8.5), (18.5, 8.5))
    pen.line((14, 12), (18.5, 12))
    pen.line((5.5, 17.3), (18.5, 17.3))


def _face(pen: _Strokes) -> None:
    for (x, y), (dx, dy) in (((2, 2), (1, 1)), ((22, 2), (-1, 1)), ((2, 22), (1, -1)), ((22, 22), (-1, -1))):
        pen.line((x + 5 * dx, y), (x, y), (x, y + 5 * dy))
    pen.ring((12, 9.5), 4)
    pen.arc((12, 20.5), 6, 180, 360)


def _finger(pen: _Strokes) -> None:
    pen.arc((12, 11), 8.5, 160, 380)
    pen.arc((12, 12), 5, 180, 360)
    pen.line((7, 12), (7, 16))
    pen.line((17, 12), (17, 17), (15.5, 21))
    pen.line((12, 11.5), (12, 16), (10.5, 21))


def _review(pen: _Strokes) -> None:
    pen.ring((10.5, 10.5), 7)
    pen.line((16, 16), (21.5, 21.5))


def _lock(pen: _Strokes) -> None:
    pen.arc((12, 9), 5, 180, 360)
    pen.line((7, 9), (7, 11))
    pen.line((17, 9), (17, 11))
    pen.block(4, 11, 20, 21.5)
    pen.disc((12, 15.5), 1.8, fill=0)


def _send(pen: _Strokes) -> None:
    pen.line((12, 16), (12, 4))
    pen.line((6.5, 9), (12, 3.5), (17.5, 9))
    pen.line((3.5, 16), (3.5, 21), (20.5, 21), (20.5, 16))


def _wait(pen: _Strokes) -> None:
    pen.ring((12, 12), 9.5)
    pen.line((12, 6.5), (12, 12), (16, 14.5))


def _done(pen: _Strokes) -> None:
    pen.ring((12, 12), 9.8)
    pen.line((7.3, 12.5), (10.8, 16), (16.8, 8.5))


def _warning(pen: _Strokes) -> None:
    pen.line((12, 3), (22, 20.5), (2, 20.5), (12, 3))
    pen.line((12, 9.5), (12, 14))
    pen.disc((12, 17.3), 1.3)


def _error(pen: _Strokes) -> None:
    pen.ring((12, 12), 9.8)
    pen.line((8.2, 8.2), (15.8, 15.8))
    pen.line((15.8, 8.2), (8.2, 15.8))


_ICONS: dict[Icon, Callable[[_Strokes], None]] = {
    Icon.READY: _ready,
    Icon.QR: _qr,
    Icon.CONSENT: _consent,
    Icon.DOCUMENT: _document,
    Icon.FACE: _face,
    Icon.FINGER: _finger,
    Icon.REVIEW: _review,
    Icon.LOCK: _lock,
    Icon.SEND: _send,
    Icon.WAIT: _wait,
    Icon.DONE: _done,
    Icon.WARNING: _warning,
    Icon.ERROR: _error,
}


def _back(pen: _Strokes) -> None:
    pen.line((20, 12), (4, 12))
    pen.line((10, 5.5), (3.5, 12), (10, 18.5))


def _skip(pen: _Strokes) -> None:
    pen.line((4, 5), (11, 12), (4, 19))
    pen.line((12.5, 5), (19.5, 12), (12.5, 19))


def _yes(pen: _Strokes) -> None:
    pen.ring((12, 12), 8)


_KEYS: dict[Button, Callable[[_Strokes], None]] = {
    Button.OFFICER_OK: _tick,
    Button.OFFICER_BACK: _back,
    Button.OFFICER_SKIP: _skip,
    Button.APPLICANT_YES: _yes,
    Button.APPLICANT_NO: _cross,
}
"""The same marks stand on the caps of the buttons (docs/panel.md)."""


@lru_cache(maxsize=64)
def icon(kind: Icon, size_px: int, stroke: float = 2.2) -> Image.Image:
    """The mask of an icon; empty for NONE."""
    return _masked(_ICONS.get(kind), size_px, stroke)


@lru_cache(maxsize=32)
def key_mark(button: Button, size_px: int, stroke: float = 3.2) -> Image.Image:
    """The mask of the mark on a button's cap."""
    return _masked(_KEYS[button], size_px, stroke)


def _masked(shape: Callable[[_Strokes], None] | None, size_px: int, stroke: float) -> Image.Image:
    pen = _Strokes(size_px, stroke)
    if shape is not None:
        shape(pen)
    return pen.image.resize((size_px, size_px), Image.Resampling.BOX)


HANDS_RATIO = 2.3
"""Width to height of the picture of both hands."""

_REACH = {2: 0.86, 3: 1.0, 4: 0.9, 5: 0.68}
"""How far the fingers reach, index to little, of the height above the palm."""


@lru_cache(maxsize=64)
def hands(fingers: tuple[int, ...], height_px: int) -> tuple[Image.Image, Image.Image]:
    """Both hands seen from above, as their owner sees them lying on the desk.

    Args:
        fingers: those to highlight, by their ISO/IEC 19794-4 numbers 1..10.
        height_px: height of the picture; its width is HANDS_RATIO times that.

    Returns:
        Masks of the outline of all fingers and of the highlighted ones.
    """
    width_px = round(height_px * HANDS_RATIO)
    factor = OVERSAMPLE if height_px < 60 else 4
    size = (width_px * factor, height_px * factor)
    outline, chosen = Image.new("L", size, 0), Image.new("L", size, 0)
    line_px = max(1.0, height_px / 34) * factor
    _hand(outline, chosen, fingers, right=False, line_px=line_px)
    _hand(outline, chosen, fingers, right=True, line_px=line_px)
    small = (width_px, height_px)
    return (outline.resize(small, Image.Resampling.BOX), chosen.resize(small, Image.Resampling.BOX))


def _hand(outline: Image.Image, chosen: Image.Image, fingers: tuple[int, ...], *, right: bool, line_px: float) -> None:
    width, height = outline.size
    hand_width = width * 0.46
    first = 1 if right else 6

    def across(share: float) -> float:
        # Share 0 is the thumb's side: the inner one, where the hands lie side by side.
        return width - hand_width * (1 - share) if right else hand_width * (1 - share)

    thick = hand_width * 0.165
    pitch = hand_width * 0.2
    palm_top, palm_bottom = height * 0.56, height - line_px
    inner, outer = across(0.2), across(1.0)
    shapes: list[tuple[int, list[Point], float]] = []
    for place in range(2, 6):
        centre = across(0.2) + (1 if right else -1) * (thick * 0.56 + (place - 2) * pitch)
        top = palm_top * (1 - _REACH[place]) + thick / 2 + line_px
        shapes.append((first + place - 1, [(centre, palm_top), (centre, top)], thick))
    thumb_root = across(0.3)
    shapes.append((first, [(thumb_root, height * 0.8), (across(0.07), height * 0.5)], thick))
    pen = ImageDraw.Draw(outline)
    palm = (min(inner, outer), palm_top - thick * 0.2, max(inner, outer), palm_bottom)
    for grow, fill in ((0.0, 255), (-line_px, 0)):
        pen.rounded_rectangle([palm[0] - grow, palm[1] - grow, palm[2] + grow, palm[3] + grow], thick * 0.9, fill=fill)
        for _, spine, girth in shapes:
            _capsule(pen, spine, girth + 2 * grow, fill)
    for number, spine, girth in shapes:
        if number in fingers:
            _capsule(ImageDraw.Draw(chosen), spine, girth, 255)


def _capsule(pen: ImageDraw.ImageDraw, spine: list[Point], girth: float, fill: int) -> None:
    pen.line(spine, fill=fill, width=max(1, round(girth)))
    for x, y in spine:
        r = girth / 2
        pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)
