"""What the stand-in's sensor looks at, and what is wrong with it: set by tests, read by the sensor's thread.

The picture has a patch of its own colour in each corner (so that flips and channel order show), a grey ramp, and a bar
that moves a step with every frame (so that two frames differ and both streams of one can be told to belong together).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

BAR_STEPS = 24
UPPER_LEFT, UPPER_RIGHT, LOWER_LEFT, LOWER_RIGHT = (200, 40, 40), (40, 180, 40), (40, 40, 200), (180, 180, 40)
NEUTRAL = 400.0 * 10_000.0
"""lux x microseconds x gain at which the picture comes out as drawn."""


@dataclass
class World:
    """Changed at any time; the next exposure sees it."""

    present: bool = True
    acquirable: bool = True
    autofocus: bool = True
    focusable: bool = True
    af_never_ends: bool = False
    lux: float = 400.0
    subject_dioptres: float = 2.0
    stalled: bool = False
    error_frames: int = 0
    drop_metadata: tuple[str, ...] = ()
    stride_align: int = 64
    refused_formats: tuple[str, ...] = ()
    lores_colour_space: str | None = None
    mirrors: bool = True
    exposing: ClassVar[threading.Lock] = threading.Lock()

    def reset(self) -> None:
        """As at the start."""
        for field in fields(self):
            setattr(self, field.name, field.default)

    def stall(self) -> None:
        """From its return on nothing new comes from the sensor."""
        self.stalled = True
        with self.exposing:
            """The exposure that was in progress is over."""


world = World()


@lru_cache(maxsize=4)
def _still(size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    ramp = np.linspace(90, 150, width).astype(np.uint8)[None, :, None]
    image = np.broadcast_to(ramp, (height, width, 3)).copy()
    rows, columns = height // 5, width // 5
    image[:rows, :columns] = UPPER_LEFT
    image[:rows, -columns:] = UPPER_RIGHT
    image[-rows:, :columns] = LOWER_LEFT
    image[-rows:, -columns:] = LOWER_RIGHT
    return image


@lru_cache(maxsize=4)
def _lit(size: tuple[int, int], brightness: float) -> NDArray[np.uint8]:
    table = np.clip(np.rint(np.arange(256) * brightness), 0, 255).astype(np.uint8)
    return np.take(table, _still(size))


def picture(size: tuple[int, int], number: int, brightness: float) -> NDArray[np.uint8]:
    """(height, width, 3) RGB of one exposure. Brightness is taken in steps of a hundredth."""
    width, height = size
    image = _lit(size, round(brightness, 2)).copy()
    bar = width // 4 + (number % BAR_STEPS) * (width // 2) // BAR_STEPS
    image[height // 4 : 3 * height // 4, bar : bar + width // 40] = min(255, round(220 * brightness))
    return image


def yuv420(rgb: NDArray[np.uint8], stride: int, weights: tuple[float, float], full: bool) -> NDArray[np.uint8]:
    """The planes as a camera writes them: rows padded to the stride with a value that must never be seen."""
    height, width, _ = rgb.shape
    red, blue = weights
    r, g, b = (rgb[:, :, channel].astype(np.float64) for channel in range(3))
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    planes = []
    for plane, luma in ((y, True), (u, False), (v, False)):
        if not luma:
            plane = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        if full:
            coded = plane if luma else plane + 128
        else:
            coded = plane * 219 / 255 + 16 if luma else plane * 224 / 255 + 128
        row_bytes = stride if luma else stride // 2
        padded = np.full((plane.shape[0], row_bytes), 255, dtype=np.uint8)
        padded[:, : plane.shape[1]] = np.clip(np.rint(coded), 0, 255)
        planes.append(padded.reshape(-1))
    return np.concatenate(planes)
