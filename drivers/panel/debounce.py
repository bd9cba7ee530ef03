"""From raw edges to presses: debouncing, taps and long presses.

Pure: time comes in with each edge and each tick, in CLOCK_MONOTONIC ns. Must never repeat a press: one touch of a
finger is one `Press` at most, however much the contact chatters and however long the button stays down.

A contact is accepted on its first edge, so a tap costs no delay. After it the button must have been quiet for
`settle_s` before its level counts again: a burst of bounces, however long, is one change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from drivers.panel.port import Button, Edge

NS_PER_S = 1_000_000_000


class PressKind(StrEnum):
    """TAP is a short press; LONG was held past the limit of its button."""

    TAP = "tap"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Press:
    """One press. `monotonic_ns` is when it was decided: on touch, on release, or when the limit passed."""

    button: Button
    kind: PressKind
    monotonic_ns: int


def _long_presses() -> Mapping[Button, float]:
    return MappingProxyType({Button.OFFICER_BACK: 1.5})


@dataclass(frozen=True, slots=True)
class DebouncePolicy:
    """When a contact counts.

    Attributes:
        settle_s: a contact must be quiet this long before its level counts again. Tactile switches bounce for up to
            about 5 ms, worn ones for 15 ms.
        long_s: buttons that have a long meaning, and their limit. All others fire on touch.
        stuck_s: a button held longer than this is reported by `stuck`.
    """

    settle_s: float = 0.02
    long_s: Mapping[Button, float] = field(default_factory=_long_presses)
    stuck_s: float = 20.0

    def __post_init__(self) -> None:
        if self.settle_s < 0 or self.stuck_s <= 0 or any(limit <= self.settle_s for limit in self.long_s.values()):
            raise ValueError("settle_s must not be negative and every limit must be longer than settle_s")


@dataclass(slots=True)
class _Contact:
    """What is known of one button: `raw` level of the last edge, `down` the accepted state."""

    raw: bool = False
    down: bool = False
    last_edge_ns: int | None = None
    pressed_ns: int = 0
    long_done: bool = False


class Debouncer:
    """The state of all buttons.

    Hand in every edge that lies in the queue before calling `tick`: a tick at a time later than a queued release
    would take the button for still held.
    """

    def __init__(self, policy: DebouncePolicy | None = None) -> None:
        self._policy = policy or DebouncePolicy()
        self._settle_ns = round(self._policy.settle_s * NS_PER_S)
        self._long_ns = {button: round(limit * NS_PER_S) for button, limit in self._policy.long_s.items()}
        self._contacts = {button: _Contact() for button in Button}

    def edge(self, edge: Edge) -> list[Press]:
        """Takes one raw edge; returns the presses decided up to its time, oldest first."""
        presses = self.tick(edge.monotonic_ns)
        contact = self._contacts[edge.button]
        last_ns = contact.last_edge_ns
        now_ns = edge.monotonic_ns if last_ns is None else max(edge.monotonic_ns, last_ns)
        quiet = last_ns is None or now_ns - last_ns >= self._settle_ns
        if edge.pressed == contact.raw:
            # The edge between was lost. Two presses in a row mean that a release was missed, unless the first of them
            # has only just settled.
            settled = now_ns - contact.pressed_ns >= self._settle_ns
            if edge.pressed and contact.down and quiet and settled:
                presses += self._release(edge.button, contact, now_ns, now_ns)
                presses += self._press(edge.button, contact, now_ns)
                contact.last_edge_ns = now_ns
            return presses
        contact.raw = edge.pressed
        contact.last_edge_ns = now_ns
        if quiet:
            presses += self._accept(edge.button, contact, now_ns)
        return presses

    def tick(self, monotonic_ns: int) -> list[Press]:
        """Lets time pass up to `monotonic_ns`; returns the presses decided by it, oldest first."""
        presses: list[Press] = []
        for button, contact in self._contacts.items():
            while (deadline_ns := self._deadline_ns(button, contact)) is not None and deadline_ns <= monotonic_ns:
                if contact.raw != contact.down:
                    presses += self._accept(button, contact, deadline_ns)
                else:
                    contact.long_done = True
                    presses.append(Press(button, PressKind.LONG, deadline_ns))
        return sorted(presses, key=lambda press: press.monotonic_ns)

    def next_deadline_ns(self) -> int | None:
        """When `tick` must be called next, or None when nothing is pending."""
        found = [self._deadline_ns(button, contact) for button, contact in self._contacts.items()]
        return min((deadline for deadline in found if deadline is not None), default=None)

    def stuck(self, monotonic_ns: int) -> frozenset[Button]:
        """Buttons held for longer than anybody means to: jammed, shorted, or a release that never came."""
        limit_ns = round(self._policy.stuck_s * NS_PER_S)
        return frozenset(
            button
            for button, contact in self._contacts.items()
            if contact.down and monotonic_ns - contact.pressed_ns >= limit_ns
        )

    def _deadline_ns(self, button: Button, contact: _Contact) -> int | None:
        if contact.last_edge_ns is None:
            return None
        settled_ns = contact.last_edge_ns + self._settle_ns
        if contact.raw != contact.down:
            return settled_ns
        limit_ns = self._long_ns.get(button)
        if not contact.down or contact.long_done or limit_ns is None:
            return None
        # While the contact chatters nobody knows whether it is held: a long press waits for quiet.
        return max(contact.pressed_ns + limit_ns, settled_ns)

    def _accept(self, button: Button, contact: _Contact, decided_ns: int) -> list[Press]:
        edge_ns = contact.last_edge_ns if contact.last_edge_ns is not None else decided_ns
        if contact.raw:
            return self._press(button, contact, decided_ns)
        return self._release(button, contact, edge_ns, decided_ns)

    def _press(self, button: Button, contact: _Contact, decided_ns: int) -> list[Press]:
        contact.raw = contact.down = True
        contact.long_done = False
        contact.pressed_ns = decided_ns
        return [] if button in self._long_ns else [Press(button, PressKind.TAP, decided_ns)]

    def _release(self, button: Button, contact: _Contact, released_ns: int, decided_ns: int) -> list[Press]:
        contact.down = contact.raw = False
        limit_ns = self._long_ns.get(button)
        if limit_ns is None or contact.long_done:
            return []
        contact.long_done = True
        held_ns = released_ns - contact.pressed_ns
        return [Press(button, PressKind.TAP if held_ns < limit_ns else PressKind.LONG, decided_ns)]
