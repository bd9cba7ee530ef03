"""What the station asks of its front panel.

Callbacks run in the driver's threads and may only put an edge into a queue; they must never raise or block.
Debouncing and long presses are pure code (drivers/panel/debounce.py), not the driver's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Button(StrEnum):
    """The five buttons. The officer's three lie on his side, the applicant's two on the other."""

    OFFICER_OK = "officer_ok"
    OFFICER_BACK = "officer_back"
    OFFICER_SKIP = "officer_skip"
    APPLICANT_YES = "applicant_yes"
    APPLICANT_NO = "applicant_no"


@dataclass(frozen=True, slots=True)
class Edge:
    """A raw change of a button, with its own time (CLOCK_MONOTONIC, ns)."""

    button: Button
    pressed: bool
    monotonic_ns: int


class Pattern(StrEnum):
    """How a light behaves. BLINK is on/off, PULSE fades."""

    OFF = "off"
    SOLID = "solid"
    BLINK = "blink"
    PULSE = "pulse"


@dataclass(frozen=True, slots=True)
class Light:
    """Colour channels 0..1; `period_s` of one blink or pulse."""

    red: float
    green: float
    blue: float
    pattern: Pattern = Pattern.SOLID
    period_s: float = 1.0


DARK = Light(0.0, 0.0, 0.0, Pattern.OFF)


class PanelPort(Protocol):
    """Errors: DeviceMissing on open, DeviceFault later."""

    def open(self, on_edge: Callable[[Edge], None]) -> None:
        """Claims the pins and starts reporting edges."""
        ...

    def status(self, light: Light) -> None:
        """Sets the RGB status LED. Returns at once; only changes reach the pins."""
        ...

    def flash(self, on: bool) -> None:
        """The white light for the portrait."""
        ...

    def beep(self, times: int) -> None:
        """Short beeps; returns at once. A panel without a buzzer does nothing."""
        ...

    def close(self) -> None:
        """Lights off, pins released. Never raises; safe to call twice."""
        ...
