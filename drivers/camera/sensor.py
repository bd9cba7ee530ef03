"""Exposure and focus of an emulated camera: pure state, advanced frame by frame.

Modelled on the automatic algorithms of a camera stack: exposure and gain approach the light's need exponentially, the
lens approaches the subject; both stop where they are when locked. Knows nothing of pixels, clocks or threads.

Figures of the Raspberry Pi Camera Module 3 (product brief): 4.74 mm, f/1.8, 66 degrees horizontally.
"""

from __future__ import annotations

from dataclasses import dataclass

MAIN_WIDTH, MAIN_HEIGHT = 2304, 1296
LORES_WIDTH, LORES_HEIGHT = 640, 360
FOCAL_PX = 1774.0
"""Focal length in pixels of the main stream: 2304 / (2 tan 33 degrees)."""

BLUR_PX_PER_DIOPTRE = 2.3
"""Standard deviation of the defocus blur, main pixels per dioptre of error: aperture 2.63 mm times FOCAL_PX, halved."""

NEUTRAL_LUX_US = 4_000_000.0
"""lux x exposure in us x gain at which a scene comes out as bright as it was drawn (400 lux, 10 ms, gain 1)."""

EXPOSURE_MIN_US, EXPOSURE_MAX_US = 100, 33_000
GAIN_MIN, GAIN_MAX = 1.0, 16.0
LENS_MIN, LENS_MAX = 0.0, 10.0
FOCUSED_DIOPTRES = 0.06
"""A lens nearer than this to its aim counts as focused."""

_EXPOSURE_STEP = 0.35
_LENS_STEP = 0.45


@dataclass(frozen=True, slots=True)
class SensorState:
    """Exposure in us, gain, lens position in dioptres, and what is held."""

    exposure_us: int = 10_000
    gain: float = 1.0
    lens: float = 1.0
    locked: bool = False

    def brightness(self, lux: float) -> float:
        """How many times brighter than drawn the scene comes out, linear light."""
        return lux * self.exposure_us * self.gain / NEUTRAL_LUX_US

    def advanced(self, frames: int, lux: float, subject_dioptres: float) -> SensorState:
        """The state `frames` frames later under constant light and distance."""
        if self.locked or frames <= 0:
            return self
        exposure_us, gain = _exposure_for(self.exposure_us * self.gain, lux, frames)
        aim = min(max(subject_dioptres, LENS_MIN), LENS_MAX)
        lens = aim + (self.lens - aim) * (1.0 - _LENS_STEP) ** frames
        return SensorState(exposure_us, gain, lens)

    def focused(self, subject_dioptres: float) -> bool:
        """Whether the lens stands where the subject is sharp."""
        aim = min(max(subject_dioptres, LENS_MIN), LENS_MAX)
        return abs(self.lens - aim) < FOCUSED_DIOPTRES


def _exposure_for(product: float, lux: float, frames: int) -> tuple[int, float]:
    """Exposure first, then gain, as an anti-blur programme does up to the frame's length."""
    low, high = EXPOSURE_MIN_US * GAIN_MIN, EXPOSURE_MAX_US * GAIN_MAX
    aim = min(max(NEUTRAL_LUX_US / lux, low), high)
    reached = aim * (product / aim) ** ((1.0 - _EXPOSURE_STEP) ** frames)
    exposure_us = round(min(max(reached, EXPOSURE_MIN_US), EXPOSURE_MAX_US))
    return exposure_us, min(max(reached / exposure_us, GAIN_MIN), GAIN_MAX)
