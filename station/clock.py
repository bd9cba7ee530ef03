"""The station's clocks, and how far the wall clock can be believed.

Trust is recorded with every instant, never assumed: NONE below the stored floor or where no floor is known, FLOOR
above it, SYNCED while the system's time service says so, SIGNED once the centre's signed time agreed in this boot.
The floor lies on disk and only ever moves forward. A capture never waits for the clock.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from station import durable
from station.errors import SpoolError
from wire.bundle import ClockTrust, Instant

_SYNCED_MARK = Path("/run/systemd/timesync/synchronized")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_AGREES_MS = 120_000
_WORTH_STORING_MS = 600_000
"""Flash wears: the stored floor may lag by this much."""


def boot_id() -> str:
    """The kernel's id of this run of the machine."""
    return _BOOT_ID.read_text("ascii").strip()


@dataclass(slots=True)
class StationClock:
    """Makes instants. One instance a process, written by one thread.

    Attributes:
        floor_ms: the latest time known to have passed.
        wall_ns: the system's wall clock.
    """

    floor_file: Path
    floor_ms: int = 0
    wall_ns: Callable[[], int] = time.time_ns
    _boot_id: str = ""
    _stored_ms: int = 0
    _signed_offset_ms: int | None = None

    def open(self) -> None:
        """Reads the stored floor; a missing or torn file means that none is known."""
        self._boot_id = boot_id()
        try:
            self.floor_ms = self._stored_ms = max(0, int(self.floor_file.read_text("ascii")))
        except (OSError, ValueError):
            self.floor_ms = self._stored_ms = 0

    def now(self) -> Instant:
        """This moment on all clocks."""
        wall_ms, monotonic_ns = max(0, self.wall_ns() // 1_000_000), time.monotonic_ns()
        trust = self._trust(wall_ms, monotonic_ns // 1_000_000)
        return Instant(wall_ms=wall_ms, monotonic_ns=monotonic_ns, boot_id=self._boot_id, trust=trust)

    def certain_ms(self) -> int:
        """A time that has certainly passed: the wall clock where somebody else vouches for it, else the floor.

        For decisions that must not hang on a wrong clock.
        """
        now = self.now()
        return now.wall_ms if now.trust in (ClockTrust.SYNCED, ClockTrust.SIGNED) else self.floor_ms

    def learn(self, signed_ms: int, *, fresh: bool = True) -> None:
        """A time signed by the centre: raises the floor; the wall clock is SIGNED where it agrees.

        Args:
            fresh: the message came just now. One that lay there at start may agree by chance: a clock without a
                battery goes on from where it stopped.
        """
        wall_ms, monotonic_ms = self.wall_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
        if fresh and abs(wall_ms - signed_ms) <= _AGREES_MS:
            self._signed_offset_ms = wall_ms - monotonic_ms
        self.floor_ms = max(self.floor_ms, signed_ms)
        if self.floor_ms - self._stored_ms >= _WORTH_STORING_MS:
            self._store()

    def _store(self) -> None:
        # A floor that cannot be stored still holds in this process; a full card must not end it.
        with contextlib.suppress(SpoolError):
            durable.write(self.floor_file, str(self.floor_ms).encode("ascii"))
            self._stored_ms = self.floor_ms

    def _trust(self, wall_ms: int, monotonic_ms: int) -> ClockTrust:
        # Some seconds behind a signed time are the way of all clocks.
        if self.floor_ms == 0 or wall_ms < self.floor_ms - _AGREES_MS:
            return ClockTrust.NONE
        offset_ms = self._signed_offset_ms
        # Somebody may have set the clock since: then the centre vouched for another one.
        if offset_ms is not None and abs(wall_ms - monotonic_ms - offset_ms) <= _AGREES_MS:
            return ClockTrust.SIGNED
        return ClockTrust.SYNCED if _SYNCED_MARK.exists() else ClockTrust.FLOOR
