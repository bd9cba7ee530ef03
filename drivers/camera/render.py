"""From a moment before the lens to the pixels of one frame: view, defocus, movement, exposure, gain, noise.

The low-resolution stream is painted anew for every frame; the main stream only where it is asked for. The same `View`
gives both streams, so both show the same instant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from drivers.camera.paint import BLUR_STEP_DIOPTRES, paint
from drivers.camera.scene import MARGIN_PX, Sight, sway_px
from drivers.camera.sensor import LORES_WIDTH, MAIN_HEIGHT, MAIN_WIDTH

Rgb = NDArray[np.uint8]

_NOISE_VALUES = 1 << 21
_MAIN_STRIPE_ROWS = 162
_BRIGHTNESS_STEPS = 12
"""Steps per doubling in which brightness is applied, so that the tables can be kept."""


@dataclass(frozen=True, slots=True)
class View:
    """What is particular to one frame.

    Attributes:
        number: of the frame; drives sway and noise.
        brightness: linear factor on the drawing.
        gain: analogue gain; noise grows with its root.
        lens: where the lens is focused, dioptres.
        drift_px: how far the subject moves while the shutter is open, main pixels.
    """

    number: int
    brightness: float
    gain: float
    lens: float
    drift_px: tuple[float, float] = (0.0, 0.0)

    def shift(self, sway_px: float) -> tuple[int, int]:
        """How far the view is moved, whole main pixels, never beyond the margin."""
        phase = self.number / 15.0
        x = sway_px * (0.7 * math.sin(1.9 * phase) + 0.3 * math.sin(5.3 * phase + 1.0))
        y = sway_px * (0.6 * math.sin(1.3 * phase + 0.4) + 0.2 * math.sin(4.1 * phase))
        limit = MARGIN_PX
        return max(-limit, min(limit, round(x))), max(-limit, min(limit, round(y)))


class Renderer:
    """Owned by one thread. Keeps the exposure table and the noise between frames, and the large picture of what does
    not move."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._noise = (16 * rng.standard_normal(_NOISE_VALUES, dtype=np.float32)).astype(np.int8)
        self._scaled: tuple[float, NDArray[np.int8]] = (1.0, self._noise)
        self._table: tuple[int, NDArray[np.int16]] = (0, _exposure_table(0))
        self._asked: tuple[Sight, int] | None = None
        self._whole: Image.Image | None = None

    def lores(self, sight: Sight, view: View) -> Rgb:
        """(360, 640, 3) uint8 RGB."""
        if self._asked is not None and self._asked[0] != sight:
            self._asked = self._whole = None
        shift = view.shift(sway_px(sight.still))
        seen = paint(sight, LORES_WIDTH / MAIN_WIDTH, lens=view.lens, shift=shift, drift_px=view.drift_px)
        return self._exposed(np.asarray(seen), view, sigma=0.6, salt=0)

    def main(self, sight: Sight, view: View) -> Rgb:
        """(1296, 2304, 3) uint8 RGB of the same instant."""
        seen = np.asarray(self._seen_whole(sight, view))
        frame = np.empty((MAIN_HEIGHT, MAIN_WIDTH, 3), dtype=np.uint8)
        for row in range(0, MAIN_HEIGHT, _MAIN_STRIPE_ROWS):
            rows = slice(row, row + _MAIN_STRIPE_ROWS)
            frame[rows] = self._exposed(seen[rows], view, sigma=1.2, salt=row + 1)
        return frame

    def _seen_whole(self, sight: Sight, view: View) -> Image.Image:
        """Painted for this frame; where the same is asked for again, once with a margin in which it can sway."""
        shift = view.shift(sway_px(sight.still))
        asked = (sight, round(view.lens / BLUR_STEP_DIOPTRES))
        if self._asked != asked:
            self._asked, self._whole = asked, None
            return paint(sight, 1.0, lens=view.lens, shift=shift, drift_px=view.drift_px)
        if self._whole is None:
            self._whole = paint(sight, 1.0, lens=view.lens, margin_px=MARGIN_PX)
        left, top = MARGIN_PX + shift[0], MARGIN_PX + shift[1]
        return self._whole.crop((left, top, left + MAIN_WIDTH, top + MAIN_HEIGHT))

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


def _exposure_table(step: int) -> NDArray[np.int16]:
    """Drawn value to exposed value: the factor 2**(step/steps) in linear light, sRGB (IEC 61966-2-1) on both sides."""
    factor = 2.0 ** (step / _BRIGHTNESS_STEPS)
    drawn = np.arange(256) / 255.0
    linear = np.where(drawn <= 0.04045, drawn / 12.92, ((drawn + 0.055) / 1.055) ** 2.4)
    lit = np.clip(linear * factor, 0.0, 1.0)
    coded = np.where(lit <= 0.0031308, lit * 12.92, 1.055 * lit ** (1 / 2.4) - 0.055)
    table: NDArray[np.int16] = np.rint(coded * 255.0).astype(np.int16)
    return table
