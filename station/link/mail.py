"""The small messages to publish: events, case requests, the station's state, sync. Pure; rules LINK-040 to LINK-049."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from station.link.events import Now, Publish
from station.link.rules import Rules, Uniform, jitter
from wire import topics
from wire.messages import CaseRequest, Outstanding, StationEvent, StationState, Sync

SYNC_BUNDLES, SYNC_STATUSES = 1000, 2000
"""What one Sync holds (wire/messages.py)."""

MAX_EVENTS = 100
"""Events kept while offline; quarantine itself stays on disk and is told again at the next start."""

Mailed = Sync | StationState | StationEvent | CaseRequest


@dataclass(slots=True)
class _Request:
    attempts: int = 0
    due_s: float = 0.0


class Mail:
    """What is not a bundle. Each message is published until the broker has acknowledged it."""

    def __init__(self, rules: Rules, uniform: Uniform) -> None:
        self._rules = rules
        self._uniform = uniform
        self._token = 0
        self._events: deque[StationEvent] = deque(maxlen=MAX_EVENTS)
        self._unacked: dict[int, StationEvent] = {}
        self._requests: dict[str, _Request] = {}
        self._told: tuple[int, int] | None = None
        self._told_s = 0.0

    def token(self) -> int:
        self._token += 1
        return self._token

    def tell(self, event: StationEvent) -> bool:
        """Queues an event; False where the same is already waiting."""
        same = (event.kind, event.subject, event.detail)
        waiting: Iterable[StationEvent] = [*self._events, *self._unacked.values()]
        if any((other.kind, other.subject, other.detail) == same for other in waiting):
            return False
        self._events.append(event)
        return True

    def requested(self, dossier_ids: Iterable[str]) -> None:
        """The cases capture asks for now."""
        self._requests = {name: self._requests.get(name, _Request()) for name in dossier_ids}

    def acked(self, token: int) -> None:
        self._unacked.pop(token, None)

    def lost(self) -> None:
        """Unacknowledged events go again, in their old order, before the newer ones."""
        self._events.extendleft(reversed(self._unacked.values()))
        self._unacked.clear()

    def reconnected(self) -> None:
        """Everything is due, and the state is told anew."""
        self._told = None
        for request in self._requests.values():
            request.due_s = 0.0

    def due(self, now: Now, outbox: int, quarantine: int) -> Iterator[Publish]:
        """What is to be published now."""
        state_is_old = now.monotonic_s - self._told_s >= self._rules.state_interval_s
        if self._told is None or (self._told != (outbox, quarantine) and state_is_old):
            self._told, self._told_s = (outbox, quarantine), now.monotonic_s
            yield Publish(self.state(True, outbox, quarantine, now), self.token())
        while self._events:
            event, token = self._events.popleft(), self.token()
            self._unacked[token] = event
            yield Publish(event, token)
        for dossier_id, request in sorted(self._requests.items()):
            if request.due_s <= now.monotonic_s:
                request.attempts += 1
                wait_s = jitter(self._rules.resend_s, self._rules.resend_max_s, request.attempts, self._uniform)
                request.due_s = now.monotonic_s + self._rules.resend_s + wait_s
                yield Publish(CaseRequest(station_id=self._rules.station_id, dossier_id=dossier_id), self.token())

    def state(self, online: bool, outbox: int, quarantine: int, now: Now) -> StationState:
        return StationState(
            station_id=self._rules.station_id,
            online=online,
            software=self._rules.software,
            outbox=outbox,
            quarantine=quarantine,
            at_ms=now.wall_ms,
        )


def syncs(station_id: str, waiting: Sequence[tuple[str, bytes]], cases: Sequence[tuple[str, int]]) -> list[Sync]:
    """What waits for a receipt, and which cases have no final status; as many messages as it takes, at least one."""
    count = max(1, -(-len(waiting) // SYNC_BUNDLES), -(-len(cases) // SYNC_STATUSES))
    return [
        Sync(
            station_id=station_id,
            outstanding=[
                Outstanding(bundle_id=name, envelope_sha256=digest)
                for name, digest in waiting[part * SYNC_BUNDLES : (part + 1) * SYNC_BUNDLES]
            ],
            statuses=dict(cases[part * SYNC_STATUSES : (part + 1) * SYNC_STATUSES]),
        )
        for part in range(count)
    ]


def address(message: Mailed) -> tuple[str, bool]:
    """The topic of a message, and whether the broker retains it."""
    station = message.station_id
    match message:
        case Sync():
            return topics.up_sync(station), False
        case StationState():
            return topics.state(station), True
        case StationEvent(kind=kind):
            return topics.up_event(station, kind), False
        case CaseRequest():
            return topics.up_request(station, message.operation), False
        case _:
            assert_never(message)
