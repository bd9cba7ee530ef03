"""What lies on the emulated sensor, and where the prints come from. No I/O but reading a folder of images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from drivers.fingerprint.emulated import prints
from drivers.fingerprint.emulated.prints import Field2D, Grey, Touch


@dataclass(frozen=True, slots=True)
class Placed:
    """A finger on the sensor."""

    person: str
    finger: str
    touch: Touch


class Source:
    """Fingers by person and name.

    Args:
        seed: of the synthetic prints.
        folder: `<person>/<finger>.png` images (dark ridges, about 500 ppi) used where they exist.
    """

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self._seed = seed
        self._folder = folder

    def picture(self, placed: Placed, width_px: int, height_px: int, shot: int) -> Grey:
        """One picture of what lies there; `shot` makes the sensor's noise differ from picture to picture."""
        touch = placed.touch
        seeded = replace(touch, seed=prints.seed_of(touch.seed, "shot", shot) if shot else touch.seed)
        return prints.impression(self._ridges(placed.person, placed.finger), seeded, width_px, height_px)

    def _ridges(self, person: str, finger: str) -> Field2D:
        if self._folder is not None:
            path = self._folder / person / f"{finger}.png"
            if path.is_file():
                return _from_image(str(path))
        return prints.master(self._seed, person, finger)


@lru_cache(maxsize=32)
def _from_image(path: str) -> Field2D:
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"), np.float32)
    field = np.full((prints.MASTER_HEIGHT_PX, prints.MASTER_WIDTH_PX), -1.0, np.float32)
    height, width = (min(have, room) for have, room in zip(grey.shape, field.shape, strict=True))
    top, left = (grey.shape[0] - height) // 2, (grey.shape[1] - width) // 2
    at_y, at_x = (field.shape[0] - height) // 2, (field.shape[1] - width) // 2
    cut = grey[top : top + height, left : left + width]
    spread = float(cut.std()) or 1.0
    field[at_y : at_y + height, at_x : at_x + width] = np.clip((cut.mean() - cut) / spread, -1, 1)
    return field


def blank(width_px: int, height_px: int, seed: int) -> Grey:
    """An empty platen with sensor noise, 4 significant bits."""
    noise = np.random.default_rng(seed).normal(14.4, 0.25, (height_px, width_px))
    return (np.clip(noise + 0.5, 0, 15).astype(np.uint8) * 17).astype(np.uint8)
