"""Clock trust is recorded, not assumed."""

from __future__ import annotations

import time
from pathlib import Path

from station.clock import StationClock, boot_id
from wire.bundle import ClockTrust


def opened(file: Path) -> StationClock:
    clock = StationClock(file)
    clock.open()
    return clock


def test_without_a_floor_nothing_is_believed(tmp_path: Path) -> None:
    """A fresh station knows no time."""
    now = opened(tmp_path / "floor").now()

    assert now.trust is ClockTrust.NONE
    assert now.boot_id == boot_id()


def test_signed_time_that_agrees_is_signed_trust(tmp_path: Path) -> None:
    """The centre's time, in this boot."""
    clock = opened(tmp_path / "floor")
    clock.learn(time.time_ns() // 1_000_000)

    assert clock.now().trust is ClockTrust.SIGNED


def test_clock_behind_the_floor_is_not_believed(tmp_path: Path) -> None:
    """1970 after a power cut: the floor on disk knows better."""
    clock = opened(tmp_path / "floor")
    clock.learn(time.time_ns() // 1_000_000 + 3_600_000)
    again = opened(tmp_path / "floor")

    assert clock.now().trust is ClockTrust.NONE
    assert again.now().trust is ClockTrust.NONE


def test_floor_only_moves_forward(tmp_path: Path) -> None:
    """An old signed message cannot turn it back."""
    clock = opened(tmp_path / "floor")
    clock.learn(2_000_000_000_000)
    clock.learn(1_000_000_000_000)

    assert opened(tmp_path / "floor").floor_ms == 2_000_000_000_000


def test_torn_floor_file_is_no_floor(tmp_path: Path) -> None:
    """Never a crash."""
    (tmp_path / "floor").write_bytes(b"\xff12")

    assert opened(tmp_path / "floor").floor_ms == 0
