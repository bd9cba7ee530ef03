"""The GPIO lines of an SPI display, in the shape that luma expects of RPi.GPIO, on gpiozero devices.

Covers what luma.core's SPI interface calls (`setup`, `output`, `cleanup`, OUT, HIGH, LOW) and the backlight. The pin
factory is named, as for the panel; gpiozero's silent fall-back is never used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import gpiozero

from drivers.panel.gpiozero import PanelOptions, open_factory


class DisplayLines:
    """Lines of one display.

    Args:
        pin_factory, socket: as in the panel's options.
        backlight: BCM number of the backlight, or None.

    Raises:
        DeviceMissing: the pin factory or the backlight's line cannot be had.
    """

    OUT = 0
    LOW = 0
    HIGH = 1

    def __init__(
        self, pin_factory: Literal["lgpio", "eid_emulated"], socket: Path | None, backlight: int | None
    ) -> None:
        self._factory: Any = open_factory(PanelOptions(pin_factory=pin_factory, socket=socket))
        self._outputs: dict[int, Any] = {}
        self._backlight: Any = None
        try:
            if backlight is not None:
                self._backlight = gpiozero.PWMOutputDevice(backlight, pin_factory=self._factory)
        except BaseException:
            self.close()
            raise

    def setup(self, pin: int, direction: int) -> None:
        """Claims an output, low."""
        if direction != self.OUT:
            raise ValueError("a display has outputs only")
        if pin not in self._outputs:
            self._outputs[pin] = gpiozero.DigitalOutputDevice(pin, pin_factory=self._factory)

    def output(self, pin: int, level: int) -> None:
        """Sets an output."""
        self._outputs[pin].value = bool(level)

    def cleanup(self, pins: Iterable[int] = ()) -> None:
        """luma's call; the lines are released by `close`."""

    def switch(self, on: bool) -> None:
        """The backlight on or off, as luma calls it."""
        self.light(1.0 if on else 0.0)

    def light(self, level: float) -> None:
        """The backlight, 0..1."""
        if self._backlight is not None:
            self._backlight.value = level

    def close(self) -> None:
        """Releases all lines."""
        devices = [*self._outputs.values(), *([self._backlight] if self._backlight is not None else [])]
        self._outputs, self._backlight = {}, None
        for device in devices:
            with contextlib.suppress(Exception):
                device.close()
        factory, self._factory = self._factory, None
        if factory is not None:
            with contextlib.suppress(Exception):
                factory.close()
