"""Draws documents held to a camera, for the tests and the benchmark of the document reader.

Apart from the font it shares nothing with the training's pictures: a whole page in a whole scene, other paper, other
optics. Levels: L0 easy, L1 usual, L2 hard.
"""

from __future__ import annotations

import io
import math
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from wire.rules.mrz import Format, check_digit

ROOT = Path(__file__).resolve().parents[3]
FONT_PLACES = (ROOT / ".cache" / "ocr-b", Path("/usr/share/fonts/opentype/ocr-b"))
FONT_FILE = "OCRB.otf"
MAIN, SMALL = (2304, 1296), (1280, 720)
PX_PER_MM = 14.0
PITCH_MM, LINE_MM = 2.54, 6.35
SIZES: dict[Format, tuple[float, float]] = {"TD3": (125, 88), "TD2": (105, 74), "TD1": (85.6, 54)}
_LENGTH: dict[Format, int] = {"TD3": 44, "TD2": 36, "TD1": 30}
_STATES = ("KOR", "JPN", "USA", "FRA", "D<<", "CHN", "GBR", "AUS", "RUS", "IND", "PHL", "BRA", "THA", "NOR", "ESP")
_SURNAMES = ("ERIKSSON", "NGUYEN", "KIM", "SATO", "VAN<DER<BERG", "OCONNOR", "MUELLER", "DOS<SANTOS", "ZHANG", "IVANOV",
             "QUISPE", "WOJCIK", "SMITH<JONES", "OBI", "GUDMUNDSDOTTIR")  # fmt: skip
_GIVEN = ("ANNA<MARIA", "JI<WOO", "HANS", "OLIVIA", "XAVIER<LUIS", "BO", "YUKI", "PRIYA", "JEAN<PIERRE<MICHEL",
          "FATIMA",           "DMITRI", "KWAME", "ZOE", "QUENTIN", "INGRID<SOLVEIG")  # fmt: skip


def font_file() -> Path | None:
    """OCR-B of Debian's fonts-ocr-b; None where it is not on this machine."""
    return next((place / FONT_FILE for place in FONT_PLACES if (place / FONT_FILE).is_file()), None)


def random_zone(rng: random.Random, form: Format = "TD3") -> tuple[str, ...]:
    """A zone that its check digits hold, of a person who does not exist."""
    state, nation = rng.choice(_STATES), rng.choice(_STATES)
    name = f"{rng.choice(_SURNAMES)}<<{rng.choice(_GIVEN)}"
    number = "".join(rng.choice(string.ascii_uppercase + string.digits * 3) for _ in range(rng.choice((8, 9, 9))))
    number = number.ljust(9, "<")
    number += check_digit(number)
    birth = (date(1935, 1, 1) + timedelta(days=rng.randrange(29_000))).strftime("%y%m%d")
    expiry = (date(2026, 12, 1) + timedelta(days=rng.randrange(3_600))).strftime("%y%m%d")
    birth, expiry = birth + check_digit(birth), expiry + check_digit(expiry)
    sex = rng.choice("MF<")
    if form == "TD1":
        first = f"I<{state}{number}".ljust(30, "<")
        second = f"{birth}{sex}{expiry}{nation}".ljust(29, "<")
        digit = check_digit(first[5:30] + second[0:7] + second[8:15] + second[18:29])
        return first, second + digit, name[:30].ljust(30, "<")
    length = _LENGTH[form]
    optional = "".join(rng.choice(string.digits + "AB") for _ in range(rng.choice((0, 0, 7))))
    first = f"{'P' if form == 'TD3' else 'I'}<{state}{name}"[:length].ljust(length, "<")
    second = f"{number}{nation}{birth}{sex}{expiry}"
    if form == "TD3":
        optional = optional.ljust(14, "<")
        second += optional + ("<" if optional.strip("<") == "" and rng.random() < 0.5 else check_digit(optional))
    else:
        second += optional[:7].ljust(7, "<")
    return first, second + check_digit(second[0:10] + second[13:20] + second[21:])


def flat_page(
    lines: tuple[str, ...],
    form: Format,
    font: Path,
    rng: random.Random,
    portrait: Image.Image | None = None,
    ghost: bool = True,
) -> Image.Image:
    """The data page as a flat scan, PX_PER_MM pixels to a millimetre."""
    wide, high = (round(side * PX_PER_MM) for side in SIZES[form])
    tint = [rng.randint(205, 248) for _ in range(3)]
    x, y = np.meshgrid(np.arange(wide), np.arange(high))
    waves = 5 * np.sin(x / 9 + 6 * np.sin(y / 70)) + 4 * np.sin(y / 7 + 5 * np.sin(x / 90))
    page = Image.fromarray(np.clip(np.array(tint) + waves[..., None], 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(page)
    small = ImageFont.truetype(str(font), 2.6 * PX_PER_MM)
    free_mm = SIZES[form][1] - 12 - LINE_MM * len(lines)
    for row in range(6):
        at = (SIZES[form][0] * 0.4 * PX_PER_MM, (4 + row * (free_mm - 4) / 6) * PX_PER_MM)
        text = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(4, 22)))
        draw.text(at, text, font=small, fill=(40, 40, 60))
    if portrait is not None:
        _paste(page, portrait, (5, 0.13 * SIZES[form][1], 0.28 * SIZES[form][0]), 1.0)
        if ghost:
            _paste(page, portrait, (0.8 * SIZES[form][0], 0.35 * SIZES[form][1], 0.12 * SIZES[form][0]), 0.35)
    face = ImageFont.truetype(str(font), PITCH_MM / 0.723 * PX_PER_MM)
    left = (SIZES[form][0] - _LENGTH[form] * PITCH_MM) / 2
    ink = rng.randint(10, 60)
    for row, line in enumerate(lines):
        base = SIZES[form][1] - 5.5 - LINE_MM * (len(lines) - 1 - row)
        for column, char in enumerate(line):
            at = ((left + column * PITCH_MM) * PX_PER_MM, base * PX_PER_MM)
            draw.text(at, char, font=face, fill=(ink, ink, ink + 5), anchor="ls")
    return page


def _paste(page: Image.Image, portrait: Image.Image, place: tuple[float, float, float], strength: float) -> None:
    """The portrait 7 to 9, at left, top, width in millimetres; a weak one is nearly the paper."""
    wide, high = round(place[2] * PX_PER_MM), round(place[2] / 7 * 9 * PX_PER_MM)
    at = (round(place[0] * PX_PER_MM), round(place[1] * PX_PER_MM))
    fitted = portrait.resize((wide, high), Image.Resampling.LANCZOS)
    if strength < 1:
        paper = page.crop((*at, at[0] + wide, at[1] + high))
        fitted = Image.blend(paper, fitted.convert("L").convert("RGB"), strength)
    page.paste(fitted, at)


@dataclass(frozen=True, slots=True)
class Level:
    """How a page is held and seen. Angles in degrees, blur in pixels of the frame, noise in grey levels."""

    turn: float
    tilt: float
    blur: tuple[float, float]
    noise: float
    light: float
    jpeg: int
    share: tuple[float, float]
    move: float = 0.0


LEVELS = {
    "L0": Level(3, 5, (0.4, 0.8), 3, 0.1, 92, (0.62, 0.8)),
    "L1": Level(8, 12, (0.7, 1.3), 6, 0.3, 82, (0.55, 0.8), 1.5),
    "L2": Level(14, 20, (1.1, 2.0), 10, 0.5, 65, (0.5, 0.75), 3.0),
}
"""`share`: width of a TD3 page as a share of the frame's."""


@dataclass(frozen=True, slots=True)
class Held:
    """A frame, and where the corners of the page are in it: upper left, upper right, lower right, lower left."""

    frame: NDArray[np.uint8]
    corners: NDArray[np.float64]


def held(
    page: Image.Image, level: Level, rng: random.Random, size: tuple[int, int] = MAIN, *, turned: float = 0
) -> Held:
    """The page held somewhere before a blurred room, `turned` by degrees, seen by a pinhole camera."""
    numbers = np.random.default_rng(rng.randrange(1 << 32))
    scene, corners = _scene(page, level, rng, numbers, size, turned)
    return Held(_exposed(scene, level, rng, numbers), corners)


def held_still(
    page: Image.Image, level: Level, rng: random.Random, size: tuple[int, int], frames: int
) -> Iterator[NDArray[np.uint8]]:
    """Frames of a page that does not move: one pose and light, other noise in each."""
    numbers = np.random.default_rng(rng.randrange(1 << 32))
    scene, _ = _scene(page, level, rng, numbers, size, 0)
    state = rng.getstate()
    for _ in range(frames):
        rng.setstate(state)
        yield _exposed(scene, level, rng, numbers)


def _scene(
    page: Image.Image,
    level: Level,
    rng: random.Random,
    numbers: np.random.Generator,
    size: tuple[int, int],
    turned: float,
) -> tuple[Image.Image, NDArray[np.float64]]:
    """What is before the camera, and the corners of the page in it."""
    width, height = size
    target = rng.uniform(*level.share) * width * page.width / (125 * PX_PER_MM)
    turn = math.radians(rng.uniform(-level.turn, level.turn) + turned)
    tilt, swing = (math.radians(rng.uniform(-level.tilt, level.tilt)) for _ in range(2))
    corners = _projected(page, target, (turn, tilt, swing), width)
    low, high = corners.min(axis=0), corners.max(axis=0)
    space = np.array([width, height]) - (high - low)
    corners += np.array([rng.uniform(0.05, 0.95), rng.uniform(0.2, 0.9)]) * space - low
    page = page.reduce(max(1, int(page.width / target)))
    matrix = _homography(
        corners, np.array([[0, 0], [page.width, 0], [page.width, page.height], [0, page.height]], float)
    )
    coefficients = tuple(float(value) for value in (matrix / matrix[2, 2]).ravel()[:8])
    seen = page.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    mask = Image.new("L", page.size, 255).transform(size, Image.Transform.PERSPECTIVE, coefficients)
    scene = Image.composite(seen, room(numbers, size), mask)
    return scene, corners


def _projected(page: Image.Image, target: float, angles: tuple[float, float, float], width: int) -> NDArray[np.float64]:
    turn, tilt, swing = angles
    half_w, half_h = target / 2, target / 2 * page.height / page.width
    flat = np.array([[-half_w, -half_h, 0], [half_w, -half_h, 0], [half_w, half_h, 0], [-half_w, half_h, 0]])
    c, s = np.cos, np.sin
    about_z = np.array([[c(turn), -s(turn), 0], [s(turn), c(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, c(tilt), -s(tilt)], [0, s(tilt), c(tilt)]])
    about_y = np.array([[c(swing), 0, s(swing)], [0, 1, 0], [-s(swing), 0, c(swing)]])
    space = flat @ (about_z @ about_x @ about_y).T
    distance = 1.1 * width
    return np.asarray(space[:, :2] * (distance / (distance + space[:, 2:])), np.float64)


def _homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


def room(numbers: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Something out of focus with edges in it."""
    coarse = numbers.integers(20, 235, (9, 16, 3)).astype(np.uint8)
    small = (size[0] // 4, size[1] // 4)
    scene = Image.fromarray(coarse).resize(small, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(scene)
    for _ in range(6):
        x, y = numbers.integers(0, small[0]), numbers.integers(0, small[1])
        shade = tuple(int(value) for value in numbers.integers(0, 255, 3))
        draw.rectangle((x, y, x + small[0] // 9, y + small[1] // 7), fill=shade)
    return scene.filter(ImageFilter.GaussianBlur(small[0] / 500)).resize(size, Image.Resampling.BILINEAR)


def _exposed(scene: Image.Image, level: Level, rng: random.Random, numbers: np.random.Generator) -> NDArray[np.uint8]:
    """Lens, movement, light, noise, compression."""
    scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(*level.blur)))
    if level.move:
        scene = _moved(scene, rng.uniform(0, level.move), rng.uniform(0, math.pi))
    seen = np.asarray(scene, np.float32)
    height, width = seen.shape[:2]
    turn = rng.uniform(0, 2 * math.pi)
    across, down = np.linspace(-0.5, 0.5, width, dtype=np.float32), np.linspace(-0.5, 0.5, height, dtype=np.float32)
    light = 1 + level.light * (across * math.cos(turn) + down[:, None] * math.sin(turn)) - level.light * 0.2
    seen *= light[..., None].astype(np.float32)
    seen += (0.5 + level.noise * numbers.standard_normal((height, width), np.float32))[..., None]
    np.clip(seen, 0, 255, out=seen)
    packed = io.BytesIO()
    Image.fromarray(seen.astype(np.uint8)).save(packed, "JPEG", quality=level.jpeg)
    with Image.open(packed) as opened:
        return np.asarray(opened)


def _moved(scene: Image.Image, reach: float, angle: float) -> Image.Image:
    """Three pictures in one exposure, along a straight way."""
    x, y = round(reach / 2 * math.cos(angle)), round(reach / 2 * math.sin(angle))
    ends = Image.blend(ImageChops.offset(scene, x, y), ImageChops.offset(scene, -x, -y), 0.5)
    return Image.blend(ends, scene, 1 / 3)


def mapped(
    source: NDArray[np.float64], target: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Points seen as four points of one plane are seen in another."""
    whole = np.column_stack([points, np.ones(len(points))]) @ _homography(source, target).T
    return np.asarray(whole[:, :2] / whole[:, 2:], np.float64)
