"""What the station asks of a camera.

One thread owns a camera from `open` to `close`; no method may be called from two threads. Every method returns or
raises within its deadline. Frames are handed over as copies: the caller may keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """What was found. `model` is the sensor's name; sizes are (width, height) in pixels."""

    model: str
    lores_size: tuple[int, int]
    main_size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One request of the camera: both streams and the metadata belong to the same exposure.

    Attributes:
        lores: (360, 640, 3) uint8 RGB, for guidance and QR codes.
        main: (1296, 2304, 3) uint8 RGB of the same exposure, or None where it was not asked for.
        started_ns: CLOCK_MONOTONIC of the start of the exposure, ns.
        exposure_us, analogue_gain, lux, lens_position, focus_locked, exposure_locked: as reported with the frame;
            lux is None where the camera does not estimate it, lens_position (dioptres) None without autofocus.
    """

    lores: NDArray[np.uint8]
    main: NDArray[np.uint8] | None
    started_ns: int
    exposure_us: int
    analogue_gain: float
    lux: float | None = None
    lens_position: float | None = None
    focus_locked: bool = False
    exposure_locked: bool = False


class CameraPort(Protocol):
    """Errors: DeviceMissing on open; DeviceTimeout when no frame comes in time; DeviceFault for a wrong mode."""

    def open(self) -> CameraInfo:
        """Opens and starts the streams. Idempotent after close()."""
        ...

    def frame(self, timeout_s: float, *, main: bool = False, not_before_ns: int = 0) -> Frame:
        """The next frame whose exposure started at or after `not_before_ns` (monotonic), never the same one twice."""
        ...

    def lock(self, timeout_s: float) -> None:
        """Focuses once, then holds focus, exposure, gain and white balance until `unlock`."""
        ...

    def unlock(self) -> None:
        """Back to continuous focus and automatic exposure."""
        ...

    def close(self) -> None:
        """Stops and releases the device. Never raises; safe to call twice."""
        ...
