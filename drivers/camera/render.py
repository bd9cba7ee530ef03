"""From a drawing to the pixels of one frame: view, defocus, exposure, gain, noise.

The low-resolution stream is looked up and drawn over in about 4 ms; the main stream is made only where it is asked for.
The same `View` gives both streams, so both show the same instant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from drivers.camera.scene import MARGIN_PX, Drawing
from drivers.camera.sensor import BLUR_PX_PER_DIOPTRE, LORES_HEIGHT, LORES_WIDTH, MAIN_HEIGHT, MAIN_WIDTH

Rgb = NDArray[np.uint8]

_NOISE_VALUES = 1 << 21
_MAIN_STRIPE_ROWS = 162
_BLUR_STEP_DIOPTRES = 0.25
_BRIGHTNESS_STEPS = 12
"""Steps per doubling in which brightness is applied, so that the tables can be kept."""


@dataclass(frozen=True, slots=True)
class View:
    """What is particular to one frame.

    Attributes:
        number: of the frame; drives sway and noise.
        brightness: linear factor on the drawing.
        gain: analogue gain; noise grows with its root.
        defocus_dioptres: distance of the lens from its aim.
    """

    number: int
    brightness: float
    gain: float
    defocus_dioptres: float

    def shift(self, sway_px: float) -> tuple[int, int]:
        """How far the view is moved, whole main pixels, never beyond the margin."""
        phase = self.number / 15.0
        x = sway_px * (0.7 * math.sin(1.9 * phase) + 0.3 * math.sin(5.3 * phase + 1.0))
        y = sway_px * (0.6 * math.sin(1.3 * phase + 0.4) + 0.2 * math.sin(4.1 * phase))
        limit = MARGIN_PX
        return max(-limit, min(limit, round(x))), max(-limit, min(limit, round(y)))


class Renderer:
    """Owned by one thread. Keeps the blurred drawing, the exposure table and the noise between frames."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._noise = rng.normal(0.0, 16.0, _NOISE_VALUES).astype(np.int8)
        self._scaled: tuple[float, NDArray[np.int8]] = (1.0, self._noise)
        self._table: tuple[int, NDArray[np.int16]] = (0, _exposure_table(0))
        self._half: tuple[Drawing | None, int, Image.Image | None] = (None, 0, None)
        self._whole: tuple[Drawing | None, int, Image.Image | None] = (None, 0, None)

    def lores(self, drawing: Drawing, view: View) -> Rgb:
        """(360, 640, 3) uint8 RGB."""
        dx, dy = view.shift(drawing.sway_px)
        left, top = (MARGIN_PX + dx) / 2, (MARGIN_PX + dy) / 2
        box = (left, top, left + MAIN_WIDTH / 2, top + MAIN_HEIGHT / 2)
        half = self._blurred_half(drawing, view)
        seen = half.resize((LORES_WIDTH, LORES_HEIGHT), Image.Resampling.BOX, box=box)
        return self._exposed(np.asarray(seen), view, sigma=0.6, salt=0)

    def main(self, drawing: Drawing, view: View) -> Rgb:
        """(1296, 2304, 3) uint8 RGB of the same instant."""
        dx, dy = view.shift(drawing.sway_px)
        left, top = MARGIN_PX + dx, MARGIN_PX + dy
        seen = np.asarray(self._blurred_whole(drawing, view).crop((left, top, left + MAIN_WIDTH, top + MAIN_HEIGHT)))
        frame = np.empty((MAIN_HEIGHT, MAIN_WIDTH, 3), dtype=np.uint8)
        for row in range(0, MAIN_HEIGHT, _MAIN_STRIPE_ROWS):
            rows = slice(row, row + _MAIN_STRIPE_ROWS)
            frame[rows] = self._exposed(seen[rows], view, sigma=1.2, salt=row + 1)
        return frame

    def _blurred_half(self, drawing: Drawing, view: View) -> Image.Image:
        level = _blur_level(view)
        if level == 0:
            return drawing.half
        kept, kept_level, image = self._half
        if kept is not drawing or kept_level != level or image is None:
            sigma = level * _BLUR_STEP_DIOPTRES * BLUR_PX_PER_DIOPTRE / 2
            image = drawing.half.filter(ImageFilter.GaussianBlur(sigma))
            self._half = (drawing, level, image)
        return image

    def _blurred_whole(self, drawing: Drawing, view: View) -> Image.Image:
        level = _blur_level(view)
        if level == 0:
            return drawing.canvas
        kept, kept_level, image = self._whole
        if kept is not drawing or kept_level != level or image is None:
            sigma = level * _BLUR_STEP_DIOPTRES * BLUR_PX_PER_DIOPTRE
            image = drawing.canvas.filter(ImageFilter.GaussianBlur(sigma))
            self._whole = (drawing, level, image)
        return image

    def _exposed(self, seen: Rgb, view: View, sigma: float, salt: int) -> Rgb:
        step = round(_BRIGHTNESS_STEPS * math.log2(max(view.brightness, 1e-6)))
        if self._table[0] != step:
            self._table = (step, _exposure_table(step))
        wide = np.take(self._table[1], seen)
        noise = self._noise_at(sigma * math.sqrt(view.gain))
        start = (view.number * 7919 + salt * 104_729) % (noise.size - wide.size)
        wide += noise[start : start + wide.size].reshape(wide.shape)
        np.clip(wide, 0, 255, out=wide)
        return wide.astype(np.uint8)

    def _noise_at(self, sigma: float) -> NDArray[np.int8]:
        """The noise at a standard deviation, rounded to a quarter so that it can be kept."""
        wanted = round(sigma * 4) / 4
        if self._scaled[0] != wanted:
            scaled = np.clip(np.rint(self._noise * np.float32(wanted / 16.0)), -127, 127).astype(np.int8)
            self._scaled = (wanted, scaled)
        return self._scaled[1]


def _blur_level(view: View) -> int:
    return round(view.defocus_dioptres / _BLUR_STEP_DIOPTRES)


def _exposure_table(step: int) -> NDArray[np.int16]:
    """Drawn value to exposed value: the factor 2**(step/steps) in linear light, sRGB (IEC 61966-2-1) on both sides."""
    factor = 2.0 ** (step / _BRIGHTNESS_STEPS)
    drawn = np.arange(256) / 255.0
    linear = np.where(drawn <= 0.04045, drawn / 12.92, ((drawn + 0.055) / 1.055) ** 2.4)
    lit = np.clip(linear * factor, 0.0, 1.0)
    coded = np.where(lit <= 0.0031308, lit * 12.92, 1.055 * lit ** (1 / 2.4) - 0.055)
    table: NDArray[np.int16] = np.rint(coded * 255.0).astype(np.int16)
    return table
