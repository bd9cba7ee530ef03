"""Draws the scenes of the emulated camera, once per scene; a frame is then a cheap look at the drawing.

Drawings are larger than the frame by a margin, so that a subject can sway. Distances are those of a real desk seen
through the lens of `drivers.camera.sensor`. Must never put a path or a text into an error.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from drivers.camera.commands import Black, Empty, Page, Person, Picture, Qr, Scene, TwoPeople
from drivers.camera.errors import SceneInvalid
from drivers.camera.page import draw_page, layout_of
from drivers.camera.sensor import FOCAL_PX, MAIN_HEIGHT, MAIN_WIDTH

MARGIN_PX = 24
"""How far the view may move over the drawing, main pixels each way."""

CANVAS_WIDTH, CANVAS_HEIGHT = MAIN_WIDTH + 2 * MARGIN_PX, MAIN_HEIGHT + 2 * MARGIN_PX
PICTURE_LIMIT_PX = 60_000_000

_WALL = (222, 224, 226)
_WALL_M = 1.5
_FEATHER = 0.08


@dataclass(frozen=True, slots=True)
class Drawing:
    """A scene as drawn.

    Attributes:
        canvas: RGB image, CANVAS_WIDTH x CANVAS_HEIGHT, as it looks at neutral exposure.
        half: the same at half size, from which the low-resolution stream is taken.
        distance_m: where the lens must focus.
        sway_px: how far the subject moves, main pixels.
        transmission: part of the light that reaches the lens; a covered camera has next to none.
    """

    canvas: Image.Image
    half: Image.Image
    distance_m: float
    sway_px: float
    transmission: float = 1.0


def draw(scene: Scene) -> Drawing:
    """The drawing of a scene.

    Raises:
        SceneInvalid: a file is missing, is no picture or is too large; the text does not fit a QR code.
    """
    match scene:
        case Empty():
            return _drawing(_wall(), _WALL_M, 0.0)
        case Black():
            return _drawing(Image.new("RGB", (CANVAS_WIDTH, CANVAS_HEIGHT), (18, 14, 13)), 0.2, 0.0, 0.002)
        case Person():
            return _drawing(_person(scene), scene.distance_m, 6.0)
        case TwoPeople():
            return _drawing(_two_people(scene), scene.distance_m, 6.0)
        case Qr():
            return _drawing(_qr_card(scene), scene.distance_m, 10.0)
        case Page():
            return _drawing(_held_page(scene), scene.distance_m, 10.0)
        case Picture():
            return _drawing(_picture(scene), scene.distance_m, 4.0)
        case _:
            assert_never(scene)


def _drawing(canvas: Image.Image, distance_m: float, sway_px: float, transmission: float = 1.0) -> Drawing:
    return Drawing(canvas, canvas.reduce(2), distance_m, sway_px, transmission)


def _wall(colour: tuple[int, int, int] = _WALL) -> Image.Image:
    """A plain wall, lit from above: a few per cent darker towards the lower corners."""
    y = np.linspace(0.0, 1.0, CANVAS_HEIGHT, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, CANVAS_WIDTH, dtype=np.float32)[None, :]
    shade = 1.0 - 0.05 * y - 0.03 * x * x
    return Image.merge("RGB", [Image.fromarray((shade * value).astype(np.uint8)) for value in colour])


def _opened(path: Path, what: str) -> Image.Image:
    """The picture, upright, RGB."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as found:
                if found.width * found.height > PICTURE_LIMIT_PX:
                    raise SceneInvalid(f"{what}: picture larger than {PICTURE_LIMIT_PX} pixels")
                upright = ImageOps.exif_transpose(found)
                if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                    over = Image.new("RGBA", upright.size, (*_WALL, 255))
                    return Image.alpha_composite(over, upright.convert("RGBA")).convert("RGB")
                return upright.convert("RGB")
    except FileNotFoundError:
        raise SceneInvalid(f"{what}: no such file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise SceneInvalid(f"{what}: picture larger than {PICTURE_LIMIT_PX} pixels") from None
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, SceneInvalid):
            raise
        raise SceneInvalid(f"{what}: cannot be read as a picture") from None


def _backdrop_of(portrait: Image.Image) -> tuple[int, int, int]:
    """The portrait's own backdrop where its edges above the shoulders are light, else the wall's."""
    small = np.asarray(portrait.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    colour = np.median(np.concatenate([small[1, 2:-2], small[2:18, 2], small[2:18, -3]]), axis=0)
    if colour.mean() < 150:
        return _WALL
    return (int(colour[0]), int(colour[1]), int(colour[2]))


def _person(scene: Person) -> Image.Image:
    portrait = _opened(scene.portrait, "portrait")
    canvas = _wall(_backdrop_of(portrait))
    centre = (0.5 + scene.offset_x, 0.5 + scene.offset_y)
    _place(canvas, portrait, scene.distance_m, scene.portrait_height_m, centre, scene.roll_deg)
    return canvas


def _two_people(scene: TwoPeople) -> Image.Image:
    first = _opened(scene.portrait, "portrait")
    second = ImageOps.mirror(first) if scene.second is None else _opened(scene.second, "second")
    canvas = _wall(_backdrop_of(first))
    _place(canvas, second, scene.second_distance_m, scene.portrait_height_m, (0.72, 0.5), 0.0)
    _place(canvas, first, scene.distance_m, scene.portrait_height_m, (0.32, 0.5), 0.0)
    return canvas


def _place(
    canvas: Image.Image,
    portrait: Image.Image,
    distance_m: float,
    height_m: float,
    centre: tuple[float, float],
    roll_deg: float,
) -> None:
    """Puts a head on the canvas: feathered into the backdrop, clothes continued to the lower edge."""
    height = max(2, min(round(FOCAL_PX / distance_m * height_m), 6000))
    width = max(2, min(round(height * portrait.width / portrait.height), 6000))
    x0 = MARGIN_PX + round(centre[0] * MAIN_WIDTH - width / 2)
    y0 = MARGIN_PX + round(centre[1] * MAIN_HEIGHT - height / 2)
    drawn = portrait.resize((width, height), Image.Resampling.LANCZOS)
    mask = _feathered(width, height)
    below = CANVAS_HEIGHT - (y0 + height)
    if below > 0 and roll_deg == 0.0:
        hem = drawn.crop((0, height - max(2, height // 50), width, height)).resize((width, below), Image.Resampling.BOX)
        column = mask.crop((0, height - 1, width, height)).resize((width, below), Image.Resampling.NEAREST)
        canvas.paste(hem.filter(ImageFilter.BoxBlur(3)), (x0, y0 + height), column)
    if roll_deg != 0.0:
        drawn = drawn.rotate(roll_deg, Image.Resampling.BICUBIC)
        mask = mask.rotate(roll_deg, Image.Resampling.BILINEAR)
    canvas.paste(drawn, (x0, y0), mask)


def _feathered(width: int, height: int) -> Image.Image:
    """Opaque inside, fading out at the left, right and upper edge."""
    x = np.minimum(np.arange(width) + 1, np.arange(width, 0, -1)) / max(1.0, _FEATHER * width)
    y = (np.arange(height) + 1) / max(1.0, _FEATHER * height)
    alpha = np.clip(y, 0, 1)[:, None] * np.clip(x, 0, 1)[None, :]
    return Image.fromarray((alpha * 255).astype(np.uint8))


def _picture(scene: Picture) -> Image.Image:
    found = _opened(scene.path, "path")
    fitted = ImageOps.contain(found, (MAIN_WIDTH, MAIN_HEIGHT), Image.Resampling.LANCZOS)
    canvas = _wall()
    canvas.paste(fitted, ((CANVAS_WIDTH - fitted.width) // 2, (CANVAS_HEIGHT - fitted.height) // 2))
    return canvas


def _qr_card(scene: Qr) -> Image.Image:
    """A card with the code, turned in space and seen through the lens."""
    try:
        code = segno.make_qr(scene.text, error="m")
    except segno.DataOverflowError:
        raise SceneInvalid("text: does not fit a QR code") from None
    border, module_px = 4, 12
    matrix = np.pad(np.array([list(row) for row in code.matrix], dtype=np.uint8), border)
    card = Image.fromarray(np.where(matrix != 0, 24, 246).astype(np.uint8))
    edge = card.width * module_px
    card = card.resize((edge, edge), Image.Resampling.NEAREST).convert("RGB")
    return _held(card, scene, (scene.size_m, scene.size_m))


def _held_page(scene: Page) -> Image.Image:
    portrait = None if scene.portrait is None else _opened(scene.portrait, "portrait")
    page = draw_page(
        scene.lines,
        portrait,
        eyes=scene.eyes,
        grey=scene.grey,
        ghost=scene.ghost,
        glare=scene.glare,
        glare_at=(scene.glare_x, scene.glare_y),
    )
    layout = layout_of(scene.lines)
    return _held(page, scene, (layout.width_mm / 1000, layout.height_mm / 1000))


def _held(card: Image.Image, scene: Qr | Page, size_m: tuple[float, float]) -> Image.Image:
    """Something flat, turned in space, before the wall out of focus."""
    coefficients = _perspective(_projected(scene, size_m), card.size)
    size = (CANVAS_WIDTH, CANVAS_HEIGHT)
    drawn = card.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    mask = Image.new("L", card.size, 255).transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
    )
    canvas = _wall().filter(ImageFilter.GaussianBlur(8))
    canvas.paste(drawn, (0, 0), mask)
    return canvas


def _projected(scene: Qr | Page, size_m: tuple[float, float]) -> NDArray[np.float64]:
    """The card's four corners on the canvas (upper left, upper right, lower right, lower left), pinhole model."""
    x, y = size_m[0] / 2, size_m[1] / 2
    corners = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])
    yaw, pitch, roll = (math.radians(angle) for angle in (scene.yaw_deg, scene.pitch_deg, scene.roll_deg))
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_z = np.array([[math.cos(roll), math.sin(roll), 0], [-math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    turned = corners @ (about_y @ about_x @ about_z).T
    depth = turned[:, 2] + scene.distance_m
    if depth.min() < 0.05:
        raise SceneInvalid("distance_m: the turned card would touch the lens")
    left = FOCAL_PX * turned[:, 0] / depth + CANVAS_WIDTH / 2 + scene.offset_x * MAIN_WIDTH
    top = FOCAL_PX * turned[:, 1] / depth + CANVAS_HEIGHT / 2 + scene.offset_y * MAIN_HEIGHT
    return np.stack([left, top], axis=1)


def _perspective(corners: NDArray[np.float64], size: tuple[int, int]) -> tuple[float, ...]:
    """Pillow's eight coefficients, which take a canvas point to a point of the card."""
    width, height = size
    card = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, card, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values.extend([u, v])
    solution = np.linalg.solve(np.array(rows), np.array(values))
    return tuple(float(value) for value in solution)
