"""The exposure and focus model: it converges, it holds, and skipping frames is the same as counting them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.sensor import (
    EXPOSURE_MAX_US,
    EXPOSURE_MIN_US,
    GAIN_MAX,
    GAIN_MIN,
    LENS_MAX,
    LENS_MIN,
    SensorState,
)

_LUX = st.floats(0.01, 100_000)
_DIOPTRES = st.floats(0.1, 20)


@given(_LUX, _DIOPTRES)
def test_exposure_and_focus_converge_within_their_ranges(lux: float, dioptres: float) -> None:
    """Whatever the light, exposure and gain stay possible; where they can reach it, the picture is as drawn."""
    state = SensorState().advanced(60, lux, dioptres)

    assert EXPOSURE_MIN_US <= state.exposure_us <= EXPOSURE_MAX_US
    assert GAIN_MIN <= state.gain <= GAIN_MAX
    assert LENS_MIN <= state.lens <= LENS_MAX
    assert state.focused(dioptres)
    if 10 < lux < 30_000:
        assert state.brightness(lux) == pytest.approx(1.0, rel=0.02)


@given(_LUX, _DIOPTRES, st.integers(0, 30))
def test_skipped_frames_age_the_sensor_as_taken_ones(lux: float, dioptres: float, frames: int) -> None:
    """One step of n frames and n steps of one end in the same state, up to rounding of microseconds."""
    at_once = SensorState().advanced(frames, lux, dioptres)
    one_by_one = SensorState()
    for _ in range(frames):
        one_by_one = one_by_one.advanced(1, lux, dioptres)

    assert at_once.lens == pytest.approx(one_by_one.lens)
    assert at_once.brightness(lux) == pytest.approx(one_by_one.brightness(lux), rel=0.03)


@given(_LUX, _DIOPTRES, st.integers(0, 100))
def test_locked_is_locked(lux: float, dioptres: float, frames: int) -> None:
    """Nothing moves while locked."""
    locked = SensorState(exposure_us=5000, gain=2.0, lens=3.0, locked=True)

    assert locked.advanced(frames, lux, dioptres) == locked


@given(_LUX, st.floats(1.01, 10))
def test_more_light_is_never_darker(lux: float, factor: float) -> None:
    """With a held exposure brightness follows the light."""
    assert SensorState().brightness(lux * factor) > SensorState().brightness(lux)
