"""The levels of the status LED and the buzzer in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.panel.lights import BLACK, STEPS_PER_S, Beeps, colour_at, next_change_s
from drivers.panel.port import DARK, Light, Pattern

times = st.floats(0, 1000)
parts = st.floats(0, 1)
lights = st.builds(Light, parts, parts, parts, st.sampled_from(list(Pattern)), st.floats(0.01, 10))


def test_a_dark_light_is_black_for_ever() -> None:
    """OFF never wakes the thread."""
    assert colour_at(DARK, 3.0) == BLACK
    assert next_change_s(DARK, 3.0) is None


def test_a_blink_is_on_for_the_first_half_of_its_period() -> None:
    """On at once, so that a press is answered without delay."""
    light = Light(1, 0.5, 0, Pattern.BLINK, 2.0)
    seen = [colour_at(light, at) for at in (0.0, 0.99, 1.01, 1.99, 2.01)]

    assert seen == [(1, 0.5, 0), (1, 0.5, 0), BLACK, BLACK, (1, 0.5, 0)]


def test_a_pulse_rises_to_full_and_falls_to_dark() -> None:
    """A fade, not a blink: it passes through the middle."""
    light = Light(0, 0, 1, Pattern.PULSE, 2.0)
    levels = [colour_at(light, step / STEPS_PER_S)[2] for step in range(2 * STEPS_PER_S)]

    assert levels[0] == 0
    assert max(levels) == 1
    assert levels[: STEPS_PER_S + 1] == sorted(levels[: STEPS_PER_S + 1])
    assert len(set(levels)) > 10


@given(lights, times)
def test_levels_stay_in_range_and_waits_are_positive(light: Light, elapsed_s: float) -> None:
    """gpiozero refuses levels outside 0..1, and a wait of zero would be a busy loop."""
    assert all(0 <= part <= 1 for part in colour_at(light, elapsed_s))
    assert (wait_s := next_change_s(light, elapsed_s)) is None or wait_s > 0


@given(st.integers(0, 20))
def test_a_row_of_beeps_sounds_as_often_as_asked(times: int) -> None:
    """Stepping from change to change gives exactly so many sounds, then silence for ever."""
    beeps = Beeps(times)
    elapsed_s, sounds, was = 0.0, 0, False
    for _ in range(200):
        sounding = beeps.sounding(elapsed_s + 1e-6)
        sounds += sounding and not was
        was = sounding
        wait_s = beeps.next_change_s(elapsed_s + 1e-6)
        if wait_s is None:
            break
        elapsed_s += wait_s + 1e-6

    assert sounds == times
    assert beeps.next_change_s(1e6) is None


@pytest.mark.parametrize("period_s", [0.0, 0.01, -1.0])
def test_blinking_is_never_faster_than_the_eye_bears(period_s: float) -> None:
    """A period of zero must neither divide by zero nor flicker."""
    light = Light(1, 1, 1, Pattern.BLINK, period_s)

    assert (next_change_s(light, 0.0) or 0) >= 0.1
