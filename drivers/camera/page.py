"""Draws the data page of a passport (TD3) or the reading side of a card (TD1), as flat print at some pixels per mm.

Sizes and the place of the machine-readable zone: ICAO Doc 9303 part 4 (TD3) and part 5 (TD1); letters are OCR-B size I
at ten to the inch (part 3 section 4). The print is a specimen of no state, and says so. Must never put a path or a
text into an error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from drivers.camera.errors import SceneInvalid

FONT_FILE = "OCRB.otf"
FONT_PLACES = (
    Path(__file__).resolve().parents[2] / ".cache" / "ocr-b",
    Path("/usr/share/fonts/opentype/ocr-b"),
    Path("/usr/local/share/fonts/opentype/ocr-b"),
)
PX_PER_MM = 12.0

_PITCH_MM = 2.54
_LINE_MM = 6.35
_ADVANCE_EM = 0.723
"""Width of every letter of the Debian font, in parts of its size; the size follows from the pitch."""
_CAPITAL_EM = 0.69

_PAPER = (238, 234, 224)
_INK = (28, 26, 34)
_LABEL = (92, 98, 118)
_HEADING = (60, 74, 120)


_STRIPE_ROWS = 48

Floats = NDArray[np.float32]
Eyes = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Layout:
    """A document's face, millimetres from its upper left corner.

    Attributes:
        lines, length: how many machine-readable lines of how many characters.
        left_mm: left edge of the first character. lowest_mm: middle of the lowest line from the lower edge.
        zone_mm: height of the machine-readable zone.
        portrait: left, top, width, height. ghost: of the small second portrait.
        text_left, text_top: of the printed fields. step: from field to field. size: of their letters.
    """

    name: str
    width_mm: float
    height_mm: float
    lines: int
    length: int
    left_mm: float
    lowest_mm: float
    zone_mm: float
    portrait: tuple[float, float, float, float]
    ghost: tuple[float, float, float, float]
    text_left: float
    text_top: float
    step: float
    size: float

    def line_middle_mm(self, line: int) -> float:
        """Middle of a machine-readable line from the upper edge; 0 is the uppermost."""
        return self.height_mm - self.lowest_mm - _LINE_MM * (self.lines - 1 - line)

    def character_left_mm(self, position: int) -> float:
        """Left edge of a character's cell."""
        return self.left_mm + _PITCH_MM * position


TD3 = Layout(
    "TD3", 125.0, 88.0, 2, 44, 6.0, 9.4, 23.2, (6.0, 15.0, 32.0, 41.0), (99.0, 35.0, 17.0, 22.0), 44.0, 13.0, 7.4, 2.9
)
TD1 = Layout(
    "TD1", 85.6, 53.98, 3, 30, 4.0, 5.2, 23.2, (3.5, 7.5, 17.0, 21.5), (70.0, 15.0, 10.0, 13.0), 23.0, 7.0, 4.5, 2.0
)


def layout_of(lines: tuple[str, ...]) -> Layout:
    """The layout that has so many lines of that length. Raises SceneInvalid."""
    for layout in (TD3, TD1):
        if len(lines) == layout.lines and all(len(line) == layout.length for line in lines):
            return layout
    raise SceneInvalid("lines: two of 44 (TD3) or three of 30 (TD1) characters")


def font_file() -> Path | None:
    """The OCR-B font, None where it is not on this machine."""
    for place in FONT_PLACES:
        if (place / FONT_FILE).is_file():
            return place / FONT_FILE
    return None


def draw_page(
    lines: tuple[str, ...],
    portrait: Image.Image | None = None,
    *,
    eyes: Eyes | None = None,
    px_per_mm: float = PX_PER_MM,
    grey: bool = False,
    ghost: bool = True,
) -> Image.Image:
    """The printed face, RGB.

    Args:
        lines: machine-readable text, A-Z, 0-9 and `<`; what it says is printed as given, right or wrong.
        portrait: the holder, head in the middle; None leaves an empty frame.
        eyes: both pupils in the portrait, as shares of its width and height: the head is then framed as on a document.
        grey: the portrait is printed in grey, as on older documents. ghost: a small pale second portrait.

    Raises:
        SceneInvalid: wrong number or length of lines, or no OCR-B font on this machine.
    """
    layout = layout_of(lines)
    page = _paper(layout, px_per_mm)
    if portrait is None:
        pen = ImageDraw.Draw(page)
        left, top, width, height = layout.portrait
        box = tuple(value * px_per_mm for value in (left, top, left + width, top + height))
        pen.rectangle(box, fill=(206, 206, 204))
    else:
        portrait = _framed(portrait, eyes, layout)
        _print_portrait(page, portrait, layout.portrait, px_per_mm, grey=grey, strength=1.0)
        if ghost:
            _print_portrait(page, portrait, layout.ghost, px_per_mm, grey=True, strength=0.35)
    _print_fields(page, layout, lines, px_per_mm)
    _print_zone(page, layout, lines, px_per_mm)
    return page


def _paper(layout: Layout, px_per_mm: float) -> Image.Image:
    """Security print: pale wave lines in two inks over the visual zone, none under the machine-readable one."""
    width, height = round(layout.width_mm * px_per_mm), round(layout.height_mm * px_per_mm)
    page = Image.new("RGB", (width, height))
    x_mm = (np.arange(width, dtype=np.float32) / np.float32(px_per_mm))[None, :]
    zone_top = layout.height_mm - layout.zone_mm
    # In stripes: the whole page in floating point would take ten times its own memory.
    for top in range(0, height, _STRIPE_ROWS):
        rows = np.arange(top, min(top + _STRIPE_ROWS, height), dtype=np.float32)[:, None]
        page.paste(Image.fromarray(_waves(x_mm, rows / np.float32(px_per_mm), zone_top)), (0, top))
    return page


def _waves(x_mm: Floats, y_mm: Floats, zone_top_mm: float) -> NDArray[np.uint8]:
    fade = np.clip((zone_top_mm - y_mm) / 2.0, 0.15, 1.0)
    first = np.sin(2 * math.pi * (y_mm / 1.3 + 0.9 * np.sin(x_mm / 9.0) + 0.3 * np.sin(x_mm / 3.1 + y_mm / 20)))
    second = np.sin(2 * math.pi * (x_mm / 1.7 + 0.8 * np.sin(y_mm / 7.0 + 1)))
    wave, net = (first > 0.72) * fade, (second > 0.8) * fade
    stripe = np.empty((*first.shape, 3), dtype=np.uint8)
    for channel, (paper, one, two) in enumerate(zip(_PAPER, (26, 14, 4), (4, 16, 18), strict=True)):
        stripe[:, :, channel] = paper - one * wave - two * net
    return stripe


def _framed(portrait: Image.Image, eyes: Eyes | None, layout: Layout) -> Image.Image:
    """The head as a document's portrait shows it: eyes a quarter of the width apart, at 45 % of the height."""
    _, _, width_mm, height_mm = layout.portrait
    if eyes is None:
        return portrait
    (ax, ay), (bx, by) = ((x * portrait.width, y * portrait.height) for x, y in eyes)
    width = min(4.0 * math.hypot(bx - ax, by - ay), float(portrait.width))
    height = width * height_mm / width_mm
    left, top = (ax + bx - width) / 2, (ay + by) / 2 - 0.45 * height
    box = (max(0, round(left)), max(0, round(top)), round(left + width), round(top + height))
    return portrait.crop((box[0], box[1], min(box[2], portrait.width), min(box[3], portrait.height)))


def _print_portrait(
    page: Image.Image,
    portrait: Image.Image,
    place: tuple[float, float, float, float],
    px_per_mm: float,
    *,
    grey: bool,
    strength: float,
) -> None:
    """Cut to the frame's shape, a little soft, with a fine dot screen and the paper's tone, as print has."""
    left, top, width_mm, height_mm = place
    size = (round(width_mm * px_per_mm), round(height_mm * px_per_mm))
    shown = ImageOps.fit(portrait.convert("RGB"), size, Image.Resampling.LANCZOS, centering=(0.5, 0.4))
    if grey:
        shown = ImageOps.grayscale(shown).convert("RGB")
    shown = shown.filter(ImageFilter.GaussianBlur(0.05 * px_per_mm))
    y, x = np.ogrid[0 : size[1], 0 : size[0]]
    period_px = 0.26 * px_per_mm
    screen = np.cos((x + y) * (2 * math.pi / period_px)) * np.cos((x - y) * (2 * math.pi / period_px))
    pixels = np.asarray(shown, dtype=np.float32)
    # Print never reaches full black, its lights are the paper's, and dots show most in the middle tones.
    printed = 30 + pixels * (np.array(_PAPER, dtype=np.float32) - 30) / 255
    dots = 7.0 * screen[:, :, None].astype(np.float32) * (1 - np.abs(pixels - 128) / 128)
    under = np.asarray(
        page.crop((at := _px(left, px_per_mm), over := _px(top, px_per_mm), at + size[0], over + size[1]))
    )
    mixed = strength * (printed + dots) + (1 - strength) * under
    page.paste(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)), (at, over))


def _print_fields(page: Image.Image, layout: Layout, lines: tuple[str, ...], px_per_mm: float) -> None:
    """What the lines say, in plain letters beside the portrait; a name is cut where the zone cuts it."""
    pen = ImageDraw.Draw(page)
    small, large = (_plain(size * layout.size * px_per_mm) for size in (0.62, 1.0))
    heading = _plain(1.35 * layout.size * px_per_mm)
    kind, issuer, fields = _fields(layout, lines)
    at = (_px(layout.portrait[0], px_per_mm), _px(0.9 * layout.size, px_per_mm))
    pen.text(at, f"{kind}   {issuer}   SPECIMEN", _HEADING, heading)
    y_mm = layout.text_top
    for label, text in fields:
        pen.text((_px(layout.text_left, px_per_mm), _px(y_mm, px_per_mm)), label, _LABEL, small)
        below = y_mm + 0.9 * layout.size
        pen.text((_px(layout.text_left, px_per_mm), _px(below, px_per_mm)), text, _INK, large)
        y_mm += layout.step


def _fields(layout: Layout, lines: tuple[str, ...]) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    if layout is TD3:
        names, data = lines[0][5:], lines[1]
        number, nation, birth, sex, expiry = data[0:9], data[10:13], data[13:19], data[20], data[21:27]
    else:
        names, data = lines[2], lines[1]
        number, nation, birth, sex, expiry = lines[0][5:14], data[15:18], data[0:6], data[7], data[8:14]
    surname, _, given = names.partition("<<")
    shown = (
        ("Surname / Nom", _spaced(surname)),
        ("Given names / Prenoms", _spaced(given)),
        ("Nationality / Nation", _spaced(nation)),
        ("Date of birth / Date de naissance", _dotted(birth)),
        ("Sex / Sexe", _spaced(sex)),
        ("Date of expiry / Date d'expiration", _dotted(expiry)),
        ("Document No. / No. du document", _spaced(number)),
    )
    kind = "PASSPORT" if layout is TD3 else "CARD"
    return kind, _spaced(lines[0][2:5]), shown if layout is TD3 else shown[:5]


def _spaced(text: str) -> str:
    return text.replace("<", " ").strip()


def _dotted(yymmdd: str) -> str:
    return f"{yymmdd[4:6]} {yymmdd[2:4]} {yymmdd[0:2]}"


def _print_zone(page: Image.Image, layout: Layout, lines: tuple[str, ...], px_per_mm: float) -> None:
    """Each character in its own cell, so that the pitch is exact over the whole line; drawn four times finer."""
    fine = 4
    cell = _letter_cell(px_per_mm * fine)
    for row, line in enumerate(lines):
        middle = layout.line_middle_mm(row)
        top_mm, height_mm = middle - _LINE_MM / 2, _LINE_MM
        width_px, height_px = page.width, _px(height_mm, px_per_mm)
        strip = Image.new("L", (width_px * fine, height_px * fine), 0)
        pen = ImageDraw.Draw(strip)
        for position, char in enumerate(line):
            x = layout.character_left_mm(position) * px_per_mm * fine
            # Anchored at the baseline: the middle of the line is the middle of a capital.
            baseline = height_mm / 2 * px_per_mm * fine + _CAPITAL_EM * cell.size / 2
            pen.text((x, baseline), char, 255, cell, anchor="ls")
        mask = strip.reduce(fine)
        page.paste(_INK, (0, _px(top_mm, px_per_mm)), mask)


def _px(mm: float, px_per_mm: float) -> int:
    return round(mm * px_per_mm)


@lru_cache(maxsize=4)
def _letter_cell(px_per_mm: float) -> ImageFont.FreeTypeFont:
    found = font_file()
    if found is None:
        raise SceneInvalid("page: the OCR-B font is not on this machine; run make setup, or install fonts-ocr-b")
    try:
        return ImageFont.truetype(str(found), _PITCH_MM / _ADVANCE_EM * px_per_mm)
    except OSError:
        raise SceneInvalid("page: the OCR-B font cannot be read; run make setup again") from None


@lru_cache(maxsize=8)
def _plain(size_px: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)
