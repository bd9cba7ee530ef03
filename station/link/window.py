"""Which bundle is handed to the broker next. Pure; rules LINK-010 to LINK-025 of docs/link.md.

The outbox is the queue. A few bundles at a time hold a slot: from being handed over until their receipt, or until
`resend_s` after the broker acknowledged them without one. A bundle that keeps failing waits longer and longer and
never holds up the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from station.link.events import Outgoing
from station.link.rules import Rules, Uniform, jitter


@dataclass(slots=True)
class _Bundle:
    size_bytes: int
    sha256: bytes | None
    attempts: int = 0
    due_s: float = 0.0
    sent_s: float | None = None
    acked_s: float | None = None

    @property
    def unanswered(self) -> bool:
        """Handed over, and the broker has not said that it has it."""
        return self.sent_s is not None and self.acked_s is None


class Window:
    """The outbox as the brain sees it, with slots, waiting times and poison strikes."""

    def __init__(self, rules: Rules, uniform: Uniform) -> None:
        self._rules = rules
        self._uniform = uniform
        self._bundles: dict[str, _Bundle] = {}
        self.strikes: dict[str, int] = {}

    def __contains__(self, bundle_id: str) -> bool:
        return bundle_id in self._bundles

    def __len__(self) -> int:
        return len(self._bundles)

    @property
    def size_bytes(self) -> int:
        return sum(bundle.size_bytes for bundle in self._bundles.values())

    @property
    def in_flight(self) -> tuple[str, ...]:
        """Handed over and not acknowledged by the broker: the suspects if the connection breaks now."""
        return tuple(sorted(name for name, bundle in self._bundles.items() if bundle.unanswered))

    def sha256(self, bundle_id: str) -> bytes | None:
        bundle = self._bundles.get(bundle_id)
        return bundle.sha256 if bundle else None

    def known(self) -> Iterable[tuple[str, bytes]]:
        """Bundle ids with their hashes, oldest first, as far as they were read."""
        return ((name, bundle.sha256) for name, bundle in sorted(self._bundles.items()) if bundle.sha256 is not None)

    def resume(self, strikes: Mapping[str, int], in_flight: Iterable[str]) -> None:
        """At start: the death of the last process counts against what it had in flight."""
        self.strikes = dict(strikes)
        for bundle_id in in_flight:
            self.strikes[bundle_id] = self.strikes.get(bundle_id, 0) + 1

    def listed(self, files: Iterable[Outgoing]) -> None:
        """The outbox as it is now. A file whose content changed starts anew."""
        found: dict[str, _Bundle] = {}
        for file in files:
            known = self._bundles.get(file.bundle_id)
            if known is None or (known.sha256 is not None and file.sha256 != known.sha256):
                known = _Bundle(file.size_bytes, file.sha256)
            known.size_bytes, known.sha256 = file.size_bytes, file.sha256
            found[file.bundle_id] = known
        self._bundles = found

    def forget(self, bundle_id: str) -> None:
        """It left the outbox."""
        self._bundles.pop(bundle_id, None)
        self.strikes.pop(bundle_id, None)

    def poisoned(self) -> list[str]:
        """Bundles that were in flight at too many disconnects."""
        limit = self._rules.poison_disconnects
        return sorted(name for name, count in self.strikes.items() if count >= limit and name in self._bundles)

    def larger_than(self, packet_bytes: int, topic_bytes: int) -> list[str]:
        """Bundles whose PUBLISH packet would exceed `packet_bytes`."""
        return [
            name
            for name, bundle in sorted(self._bundles.items())
            if packet_size(bundle.size_bytes, topic_bytes) > packet_bytes
        ]

    def next(self, now_s: float) -> str | None:
        """The bundle to hand over now, or None.

        Least suspect first, then least often tried, then oldest. A suspect travels alone, so that the next
        disconnect accuses nobody else.
        """
        slots = [name for name, bundle in self._bundles.items() if bundle.sent_s is not None]
        if len(slots) >= self._rules.window or any(self.strikes.get(name) for name in self.in_flight):
            return None
        due = [
            (self.strikes.get(name, 0), bundle.attempts, name)
            for name, bundle in self._bundles.items()
            if bundle.sent_s is None and bundle.sha256 is not None and bundle.due_s <= now_s
        ]
        if not due:
            return None
        suspicion, _, name = min(due)
        return None if suspicion and self.in_flight else name

    def sent(self, bundle_id: str, now_s: float) -> None:
        bundle = self._bundles[bundle_id]
        bundle.sent_s, bundle.acked_s = now_s, None
        bundle.attempts += 1

    def acknowledged(self, bundle_id: str, now_s: float) -> None:
        """The broker has it: it is not what breaks connections."""
        self.strikes.pop(bundle_id, None)
        bundle = self._bundles.get(bundle_id)
        if bundle is not None and bundle.unanswered:
            bundle.acked_s = now_s

    def unanswered_s(self, now_s: float) -> float:
        """How long the broker has been owing the oldest acknowledgement; 0 where it owes none."""
        waits = [
            now_s - bundle.sent_s
            for bundle in self._bundles.values()
            if bundle.sent_s is not None and bundle.acked_s is None
        ]
        return max(waits, default=0.0)

    def put_back(self, bundle_id: str, now_s: float) -> None:
        """Frees the slot; the bundle waits its turn, longer each time."""
        bundle = self._bundles.get(bundle_id)
        if bundle is not None and bundle.sent_s is not None:
            bundle.sent_s = None
            bundle.due_s = now_s + jitter(
                self._rules.resend_s, self._rules.resend_max_s, bundle.attempts, self._uniform
            )

    def expire(self, now_s: float) -> list[str]:
        """Frees the slots of bundles the broker has had for `resend_s` without a receipt; which.

        An unacknowledged one keeps its slot: it may still be on its way over a slow line.
        """
        late = [
            name
            for name, bundle in sorted(self._bundles.items())
            if bundle.sent_s is not None
            and bundle.acked_s is not None
            and now_s - bundle.acked_s >= self._rules.resend_s
        ]
        for name in late:
            self.put_back(name, now_s)
        return late

    def lost(self) -> None:
        """The connection broke: a strike for each suspect, and every slot is free."""
        for bundle_id in self.in_flight:
            self.strikes[bundle_id] = self.strikes.get(bundle_id, 0) + 1
        self.interrupted()

    def interrupted(self) -> None:
        """The connection ended by our own will: every slot is free, nobody is accused."""
        for bundle in self._bundles.values():
            bundle.sent_s = None

    def reconnected(self, now_s: float) -> None:
        """What was never acknowledged goes at once; for the rest the answer to `sync` gets a moment first."""
        for bundle in self._bundles.values():
            bundle.due_s = now_s + (self._rules.resend_s * self._uniform() if bundle.acked_s is not None else 0.0)


def packet_size(payload_bytes: int, topic_bytes: int) -> int:
    """Bytes of an MQTT 5 QoS 1 PUBLISH packet without properties (OASIS MQTT 5.0 §3.3)."""
    remaining = 2 + topic_bytes + 2 + 1 + payload_bytes
    length_bytes = 1 if remaining < 128 else 2 if remaining < 16_384 else 3 if remaining < 2_097_152 else 4
    return 1 + length_bytes + remaining
