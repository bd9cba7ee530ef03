"""The table of drivers: what a name stands for is known before any device is touched."""

from __future__ import annotations

import pytest

from drivers.errors import UnknownDriver
from drivers.registry import DRIVERS, fingers_at_once


@pytest.mark.parametrize(("driver", "fingers"), [("serial", 1), ("sbi", 4)])
def test_how_many_fingers_a_driver_takes_is_known_without_a_device(driver: str, fingers: int) -> None:
    """A plan of slaps can be held against the configuration at start-up."""
    assert fingers_at_once(driver) == fingers


def test_every_fingerprint_driver_says_how_many_fingers_it_takes() -> None:
    """Between one finger and one hand without its thumb."""
    assert all(1 <= fingers_at_once(driver) <= 4 for driver in DRIVERS["fingerprint"])


def test_an_unknown_driver_is_named() -> None:
    """Never a guess: the error lists the names there are."""
    with pytest.raises(UnknownDriver) as refused:
        fingers_at_once("ten-finger")

    assert refused.value.params["known"] == "sbi, serial"
