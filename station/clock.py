"""The station's clocks, and how far the wall clock can be believed.

Trust is recorded with every instant, never assumed: NONE below the stored floor or where no floor is known, FLOOR
above it, SYNCED while the system's time service says so, SIGNED once the centre's signed time agreed in this boot.
The floor lies on disk and only ever moves forward. A capture never waits for the clock.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from wire.bundle import ClockTrust, Instant

_SYNCED_MARK = Path("/run/systemd/timesync/synchronized")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_AGREES_MS = 120_000


def boot_id() -> str:
    """The kernel's id of this run of the machine."""
    return _BOOT_ID.read_text("ascii").strip()


@dataclass(slots=True)
class StationClock:
    """Makes instants. One instance a process; `floor_ms` is the latest time known to have passed."""

    floor_file: Path
    floor_ms: int = 0
    _boot_id: str = ""
    _signed: bool = False

    def open(self) -> None:
        """Reads the stored floor; a missing or torn file means that none is known."""
        self._boot_id = boot_id()
        try:
            self.floor_ms = max(0, int(self.floor_file.read_text("ascii")))
        except (OSError, ValueError):
            self.floor_ms = 0

    def now(self) -> Instant:
        """This moment on all clocks."""
        wall_ms = max(0, time.time_ns() // 1_000_000)
        return Instant(
            wall_ms=wall_ms, monotonic_ns=time.monotonic_ns(), boot_id=self._boot_id, trust=self._trust(wall_ms)
        )

    def learn(self, signed_ms: int) -> None:
        """A time signed by the centre: raises the floor; the wall clock is SIGNED where it agrees."""
        wall_ms = time.time_ns() // 1_000_000
        self._signed = abs(wall_ms - signed_ms) <= _AGREES_MS
        if signed_ms > self.floor_ms:
            self.floor_ms = signed_ms
            self._store()

    def _store(self) -> None:
        scratch = self.floor_file.with_suffix(".tmp")
        scratch.write_text(str(self.floor_ms), "ascii")
        os.replace(scratch, self.floor_file)

    def _trust(self, wall_ms: int) -> ClockTrust:
        if self.floor_ms == 0 or wall_ms < self.floor_ms:
            return ClockTrust.NONE
        if self._signed:
            return ClockTrust.SIGNED
        return ClockTrust.SYNCED if _SYNCED_MARK.exists() else ClockTrust.FLOOR
