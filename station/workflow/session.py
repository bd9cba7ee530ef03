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
    DocumentMatch,
    Embedding,
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


class DocumentReading(WireModel):
    """What was read off the document and confirmed by the officer.

    Attributes:
        lines: the machine readable zone, read the same in two frames with all check digits right.
        differs: fields of the case the zone speaks against; the officer signed that he saw them.
        embedding: of the portrait on the page; None where none was found.
    """

    lines: Annotated[list[Annotated[str, Field(pattern=r"^[A-Z0-9<]{30,44}$")]], Field(min_length=2, max_length=3)]
    differs: list[Code] = Field(default_factory=list)
    embedding: Embedding | None = None
    at: Instant


class Session(WireModel):
    """The captured parts of one case; `confirmed` is set when the officer confirmed the review."""

    bundle_id: BundleId
    officer_id: Code
    case: CaseOrder
    started: Instant
    consent: Consent | None = None
    reading: DocumentReading | None = None
    document_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    portrait: Portrait | None = None
    portrait_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    portrait_advice: list[Code] = Field(default_factory=list)
    document_match: DocumentMatch | None = None
    fingers: list[Finger] = Field(default_factory=list)
    finger_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    attempts: list[AttemptEntry] = Field(default_factory=list)
    exceptions: list[OfficerException] = Field(default_factory=list)
    devices: list[Device] = Field(default_factory=list)
    confirmed: Instant | None = None

    def next_fingers(self, at_once: int) -> tuple[FingerPosition, ...]:
        """The fingers to be shown next: those of the first unfinished step that have no result yet.

        A device that does not take a whole step at once is asked for one finger after the other.
        """
        done = {finger.position for finger in self.fingers}
        for step in self._steps(at_once):
            left = tuple(position for position in step if position not in done)
            if left:
                return left
        return ()

    def _steps(self, at_once: int) -> list[list[FingerPosition]]:
        steps = self.case.steps or [[position] for position in self.case.plan]
        if all(len(step) <= at_once for step in steps):
            return steps
        return [[position] for position in self.case.plan]

    def with_fingers(self, *fingers: Finger) -> Session:
        """Each result filed under its own position, in place of an earlier one."""
        taken = {finger.position for finger in fingers}
        others = [entry for entry in self.fingers if entry.position not in taken]
        return self.model_copy(update={"fingers": [*others, *fingers], "finger_attempts": 0})

    def without_last_step(self, at_once: int) -> Session:
        """The fingers taken last are to be taken again: the whole step, as the hand is shown again as a whole."""
        if not self.fingers:
            return self
        last = self.fingers[-1].position
        step = next((step for step in self._steps(at_once) if last in step), [last])
        return self.without_fingers(*step)

    def without_fingers(self, *positions: FingerPosition) -> Session:
        """The fingers are to be taken again; their exceptions go, their attempt log stays."""
        subjects = {finger_subject(position) for position in positions}
        return self.model_copy(
            update={
                "fingers": [entry for entry in self.fingers if entry.position not in positions],
                "exceptions": [entry for entry in self.exceptions if entry.subject not in subjects],
                "finger_attempts": 0,
            }
        )

    @property
    def document_settled(self) -> bool:
        """Whether the document was read, or the officer signed why it was not."""
        return self.reading is not None or any(entry.subject == DOCUMENT_SUBJECT for entry in self.exceptions)

    def without_document(self) -> Session:
        """The document is to be read again; its attempt log stays."""
        kept = [entry for entry in self.exceptions if entry.subject.split(".")[0] != DOCUMENT_SUBJECT]
        return self.model_copy(
            update={"reading": None, "document_match": None, "document_attempts": 0, "exceptions": kept}
        )

    def without_portrait(self) -> Session:
        """The portrait is to be taken again; its attempt log stays."""
        kept = [entry for entry in self.exceptions if entry.subject != PORTRAIT_SUBJECT]
        return self.model_copy(
            update={
                "portrait": None,
                "portrait_advice": [],
                "document_match": None,
                "portrait_attempts": 0,
                "exceptions": kept,
            }
        )

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


DOCUMENT_SUBJECT = "document"
PORTRAIT_SUBJECT = "portrait"


def finger_subject(position: FingerPosition) -> str:
    """The subject of an officer's exception about a finger."""
    return f"finger.{position.key}"


def resolved(session: Session) -> tuple[int, int]:
    """(fingers with a result, fingers planned)."""
    return len(session.fingers), len(session.case.plan)


SKIP_REASONS = (FingerState.MISSING, FingerState.BANDAGED, FingerState.WORN, FingerState.REFUSED)
"""In the order the officer pages through them."""

DOCUMENT_REASONS = ("DOC_NOT_READ", "DOC_DAMAGED", "DOC_NO_ZONE")
"""Why a document was not read, in the order the officer pages through them; catalogue key `document.reason.<value>`."""

DOCUMENT_DIFFERS = "DOC_DIFFERS"
"""The officer saw that the zone speaks against a field of the case, and goes on; subject `document.<field>`."""
