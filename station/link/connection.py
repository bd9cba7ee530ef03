"""Where the connection to the broker stands, and when to try again. Pure; rules LINK-030 to LINK-039."""

from __future__ import annotations

from enum import Enum

from station.link.events import Now
from station.link.rules import Rules, Uniform, reconnect_delay


class Phase(Enum):
    """WAITING (for the next attempt) -> CONNECTING -> SUBSCRIBING -> ONLINE; STOPPED is the end."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    ONLINE = "online"
    STOPPED = "stopped"


class Connection:
    """Phase, heartbeat and waiting time. The heartbeat is an answer of the broker, never what a library believes."""

    def __init__(self, rules: Rules, uniform: Uniform, now: Now) -> None:
        self._rules = rules
        self._uniform = uniform
        self.phase = Phase.WAITING
        self.since_ms = now.wall_ms
        self.heard_ms = 0
        self._attempts = 0
        self._due_s = now.monotonic_s
        self._entered_s = now.monotonic_s
        self._heard_s = now.monotonic_s

    def due(self, now: Now) -> bool:
        return self.phase is Phase.WAITING and now.monotonic_s >= self._due_s

    def connecting(self, now: Now) -> None:
        self._attempts += 1
        self._enter(Phase.CONNECTING, now)

    def accepted(self, now: Now) -> None:
        self._enter(Phase.SUBSCRIBING, now)
        self.heard(now)

    def ready(self, now: Now) -> None:
        self._enter(Phase.ONLINE, now)
        self.since_ms = now.wall_ms
        self.heard(now)

    def heard(self, now: Now) -> None:
        self._heard_s, self.heard_ms = now.monotonic_s, now.wall_ms

    def proved(self) -> None:
        """It carried something end to end: the next loss starts with the shortest wait."""
        self._attempts = 0

    def lost(self, now: Now) -> float:
        """Back to waiting; for how many seconds."""
        if self.phase is Phase.ONLINE:
            self.since_ms = now.wall_ms
            if self.waited_s(now) >= self._rules.stable_after_s:
                self._attempts = 0
        delay_s = reconnect_delay(self._rules, max(1, self._attempts), self._uniform)
        self._enter(Phase.WAITING, now)
        self._due_s = now.monotonic_s + delay_s
        return delay_s

    def stop(self, now: Now) -> None:
        if self.phase is Phase.ONLINE:
            self.since_ms = now.wall_ms
        self._enter(Phase.STOPPED, now)

    def waited_s(self, now: Now) -> float:
        """Seconds in the present phase."""
        return now.monotonic_s - self._entered_s

    def silent_s(self, now: Now) -> float:
        """Seconds since the broker's last answer."""
        return now.monotonic_s - self._heard_s

    def _enter(self, phase: Phase, now: Now) -> None:
        self.phase, self._entered_s = phase, now.monotonic_s
