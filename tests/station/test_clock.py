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


def test_a_second_behind_is_no_broken_clock(tmp_path: Path) -> None:
    """The centre's clock runs a little ahead: that is agreement, not 1970."""
    clock = opened(tmp_path / "floor")
    clock.learn(time.time_ns() // 1_000_000 + 5_000)

    assert clock.now().trust is ClockTrust.SIGNED


def test_a_clock_that_was_set_since_is_not_vouched_for(tmp_path: Path) -> None:
    """P3: the centre agreed with another clock than this one."""
    offset_ns = 0
    clock = StationClock(tmp_path / "floor", wall_ns=lambda: time.time_ns() + offset_ns)
    clock.open()
    clock.learn(time.time_ns() // 1_000_000)
    before = clock.now().trust
    offset_ns = 86_400_000_000_000

    assert before is ClockTrust.SIGNED
    assert clock.now().trust is not ClockTrust.SIGNED


def test_stale_message_does_not_take_trust_away(tmp_path: Path) -> None:
    """An old message that comes late says nothing about the clock of now."""
    clock = opened(tmp_path / "floor")
    clock.learn(time.time_ns() // 1_000_000)
    clock.learn(time.time_ns() // 1_000_000 - 86_400_000)

    assert clock.now().trust is ClockTrust.SIGNED


def test_floor_is_not_written_for_every_minute(tmp_path: Path) -> None:
    """Flash wears: ten minutes are worth a write, one is not."""
    clock = opened(tmp_path / "floor")
    clock.learn(2_000_000_000_000)
    clock.learn(2_000_000_060_000)
    lagging = opened(tmp_path / "floor").floor_ms
    clock.learn(2_000_000_600_000)

    assert (lagging, clock.floor_ms) == (2_000_000_000_000, 2_000_000_600_000)
    assert opened(tmp_path / "floor").floor_ms == 2_000_000_600_000


def test_certain_time_is_the_floor_unless_somebody_vouches(tmp_path: Path) -> None:
    """A decision that must not hang on a wrong clock."""
    clock = StationClock(tmp_path / "floor", wall_ns=lambda: 4_000_000_000_000_000_000)
    clock.open()
    clock.learn(2_000_000_000_000)

    assert clock.certain_ms() in (2_000_000_000_000, 4_000_000_000_000)
    assert (clock.certain_ms() == 2_000_000_000_000) == (clock.now().trust is ClockTrust.FLOOR)
