"""One session: everything captured so far for one case. It is what the encrypted draft holds.

Immutable; every step makes a new one. Must never be written anywhere but sealed or encrypted.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wire.bundle import (
    AttemptEntry,
    Consent,
    Device,
    Finger,
    FingerState,
    Instant,
    OfficerException,
    Portrait,
)
from wire.case import CaseOrder
from wire.fingers import FingerPosition
from wire.ids import BundleId
from wire.model import Code, WireModel


class Session(WireModel):
    """The captured parts of one case; `confirmed` is set when the officer confirmed the review."""

    bundle_id: BundleId
    officer_id: Code
    case: CaseOrder
    started: Instant
    consent: Consent | None = None
    portrait: Portrait | None = None
    portrait_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    fingers: list[Finger] = Field(default_factory=list)
    finger_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    attempts: list[AttemptEntry] = Field(default_factory=list)
    exceptions: list[OfficerException] = Field(default_factory=list)
    devices: list[Device] = Field(default_factory=list)
    confirmed: Instant | None = None

    @property
    def next_finger(self) -> FingerPosition | None:
        """The first planned finger without a result."""
        done = {finger.position for finger in self.fingers}
        return next((position for position in self.case.plan if position not in done), None)

    def with_finger(self, finger: Finger) -> Session:
        """The finger's result filed under its own position, in place of an earlier one."""
        others = [entry for entry in self.fingers if entry.position != finger.position]
        return self.model_copy(update={"fingers": [*others, finger], "finger_attempts": 0})

    def without_finger(self, position: FingerPosition) -> Session:
        """The finger is to be taken again; its exception goes, its attempt log stays."""
        subject = finger_subject(position)
        return self.model_copy(
            update={
                "fingers": [entry for entry in self.fingers if entry.position != position],
                "exceptions": [entry for entry in self.exceptions if entry.subject != subject],
                "finger_attempts": 0,
            }
        )

    def without_portrait(self) -> Session:
        """The portrait is to be taken again; its attempt log stays."""
        kept = [entry for entry in self.exceptions if entry.subject != PORTRAIT_SUBJECT]
        return self.model_copy(update={"portrait": None, "portrait_attempts": 0, "exceptions": kept})

    def taken_with(self, device: Device) -> Session:
        """Names a device that took part, once."""
        return self if device in self.devices else self.model_copy(update={"devices": [*self.devices, device]})

    def logged(self, *entries: AttemptEntry) -> Session:
        return self.model_copy(update={"attempts": [*self.attempts, *entries][-_MOST_LOGGED:]})

    def excepted(self, entry: OfficerException) -> Session:
        return self.model_copy(update={"exceptions": [*self.exceptions, entry]})


_MOST_LOGGED = 2000
_MOST_ATTEMPTS = 100
"""What a bundle takes (wire/bundle.py): a session must never grow into one that cannot be sealed or is refused."""


def counted(attempts: int) -> int:
    """One attempt more."""
    return min(attempts + 1, _MOST_ATTEMPTS)


PORTRAIT_SUBJECT = "portrait"


def finger_subject(position: FingerPosition) -> str:
    """The subject of an officer's exception about a finger."""
    return f"finger.{position.key}"


def resolved(session: Session) -> tuple[int, int]:
    """(fingers with a result, fingers planned)."""
    return len(session.fingers), len(session.case.plan)


SKIP_REASONS = (FingerState.MISSING, FingerState.BANDAGED, FingerState.WORN, FingerState.REFUSED)
"""In the order the officer pages through them."""
