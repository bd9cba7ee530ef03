"""A pure brain on a bench: events in, effects out, with short names for the tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

from station.link import events as ev
from station.link.brain import Brain
from station.link.connection import Phase
from station.link.errors import ConnectionLost
from station.link.rules import Rules
from station.link.state import LinkState
from wire.messages import (
    CaseState,
    Receipt,
    StationEvent,
    Status,
    Verdict,
)

STATION = "st-0001"
RULES = Rules(
    station_id=STATION,
    software="test",
    window=2,
    resend_s=10.0,
    resend_max_s=100.0,
    reconnect_min_s=1.0,
    reconnect_max_s=300.0,
    poison_disconnects=3,
    connect_deadline_s=120.0,
    answer_deadline_s=30.0,
    silent_after_s=150.0,
    ack_deadline_s=600.0,
    stable_after_s=30.0,
    state_interval_s=30.0,
)
Kind = TypeVar("Kind")
LOST = ConnectionLost(reason=0)


def bundle(number: int) -> str:
    return f"01KAGB9R00{number:016d}"


def sha(number: int) -> bytes:
    return hashlib.sha256(bundle(number).encode()).digest()


class Link:
    """A brain with a clock one can push."""

    def __init__(self, started: ev.Started | None = None, uniform: float = 0.5) -> None:
        self.now_s = 1000.0
        self.brain = Brain(RULES, lambda: uniform, self._now())
        self.effects: list[ev.Effect] = []
        self.reports: list[ev.Report] = []
        self.feed(started or ev.Started({}, (), {}, ()))

    def _now(self) -> ev.Now:
        return ev.Now(self.now_s, 1_795_000_000_000 + int(self.now_s * 1000))

    def feed(self, *events: ev.Event) -> list[ev.Effect]:
        """What these events caused."""
        self.effects = [effect for event in events for effect in self.brain.handle(event, self._now())]
        self.reports += self.of(ev.Report)
        return self.effects

    def after(self, seconds: float) -> list[ev.Effect]:
        self.now_s += seconds
        return self.feed(ev.Tick())

    def outbox(self, *numbers: int, size: int = 1000, requests: Sequence[str] = (), quarantine: int = 0) -> None:
        files = tuple(ev.Outgoing(bundle(number), size, sha(number)) for number in numbers)
        self.feed(ev.Listed(files, tuple(requests), quarantine))

    def online(self, max_packet_bytes: int | None = None) -> list[ev.Effect]:
        """Connects, whatever the wait; what happened at the last step."""
        self.after(400.0)
        assert self.brain.phase is Phase.CONNECTING
        self.feed(ev.Connected(True, max_packet_bytes))
        return self.feed(ev.Subscribed(1))

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def sent(self) -> list[str]:
        return [effect.bundle_id for effect in self.effects if isinstance(effect, ev.PublishBundle)]

    def messages(self, kind: type) -> list[Any]:
        return [publish.message for publish in self.of(ev.Publish) if isinstance(publish.message, kind)]

    def told(self) -> list[tuple[str, str | None, str | None]]:
        return [(event.kind, event.subject, event.detail) for event in self.messages(StationEvent)]

    def state(self) -> LinkState:
        """The last report."""
        return self.reports[-1].state


def receipt(
    number: int,
    verdict: Verdict = Verdict.STORED,
    code: str | None = None,
    digest: bytes | None = None,
    to: str = STATION,
) -> ev.ReceiptArrived:
    message = Receipt(
        station_id=to,
        bundle_id=bundle(number),
        envelope_sha256=digest or sha(number),
        verdict=verdict,
        code=code,
        at_ms=1,
    )
    return ev.ReceiptArrived(message, b"raw")


def status(number: int, sequence: int, state: CaseState = CaseState.CHECKING, to: str = STATION) -> ev.StatusArrived:
    message = Status(
        station_id=to, bundle_id=bundle(number), dossier_id=bundle(number), sequence=sequence, state=state, at_ms=1
    )
    return ev.StatusArrived(message, b"raw")


def busy_link(*numbers: int) -> Link:
    """Online, with these bundles handed over as far as the window goes."""
    link = Link()
    link.outbox(*numbers)
    link.online()
    return link
