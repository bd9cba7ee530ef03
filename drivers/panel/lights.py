"""The behaviour of the status LED and the buzzer in time: which level, and when it changes next.

Pure: takes the seconds since the pattern began. The thread that drives the pins is in drivers/panel/gpiozero.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from drivers.panel.port import Light, Pattern

Colour = tuple[float, float, float]

BLACK: Colour = (0.0, 0.0, 0.0)

STEPS_PER_S = 25
"""Steps of a fade. Below about 20 the eye sees single steps; more costs wake-ups without a visible gain."""

SHORTEST_PERIOD_S = 0.2
"""Faster blinking looks steady and may trigger photosensitive seizures (WCAG 2.3.1: at most three flashes a second)."""


def colour_at(light: Light, elapsed_s: float) -> Colour:
    """The colour (0..1 each, rounded to 1 %) of a light `elapsed_s` after it was set."""
    match light.pattern:
        case Pattern.OFF:
            return BLACK
        case Pattern.SOLID:
            return _scaled(light, 1.0)
        case Pattern.BLINK:
            return _scaled(light, 1.0 if _phase(light, elapsed_s) < 0.5 else 0.0)
        case Pattern.PULSE:
            # Quantised to the steps, so that the same step always gives the same level.
            step_s = math.floor(elapsed_s * STEPS_PER_S + 1e-6) / STEPS_PER_S
            return _scaled(light, 0.5 - 0.5 * math.cos(2 * math.pi * _phase(light, step_s)))
        case unreachable:
            assert_never(unreachable)


def next_change_s(light: Light, elapsed_s: float) -> float | None:
    """Seconds after `elapsed_s` at which the colour may change next; None for a steady light."""
    match light.pattern:
        case Pattern.OFF | Pattern.SOLID:
            return None
        case Pattern.BLINK:
            half_s = _period_s(light) / 2
            return half_s - elapsed_s % half_s
        case Pattern.PULSE:
            return 1 / STEPS_PER_S
        case unreachable:
            assert_never(unreachable)


@dataclass(frozen=True, slots=True)
class Beeps:
    """A row of short beeps.

    Attributes:
        times: how many.
        on_s, off_s: length of a beep and of the silence after it.
    """

    times: int
    on_s: float = 0.08
    off_s: float = 0.12

    def sounding(self, elapsed_s: float) -> bool:
        """Whether the buzzer sounds `elapsed_s` after the row began."""
        cycle_s = self.on_s + self.off_s
        return 0 <= elapsed_s < self.times * cycle_s and elapsed_s % cycle_s < self.on_s

    def next_change_s(self, elapsed_s: float) -> float | None:
        """Seconds after `elapsed_s` to the next on or off; None when the row is over."""
        cycle_s = self.on_s + self.off_s
        if elapsed_s >= self.times * cycle_s:
            return None
        within_s = elapsed_s % cycle_s
        return (self.on_s if within_s < self.on_s else cycle_s) - within_s


def _period_s(light: Light) -> float:
    return max(light.period_s, SHORTEST_PERIOD_S)


def _phase(light: Light, elapsed_s: float) -> float:
    period_s = _period_s(light)
    return elapsed_s % period_s / period_s


def _scaled(light: Light, level: float) -> Colour:
    red, green, blue = (round(min(1.0, max(0.0, part)) * level, 2) for part in (light.red, light.green, light.blue))
    return (red, green, blue)
