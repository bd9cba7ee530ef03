"""What the workflow wants done. The daemon runs them; none may take over 50 ms on the main thread."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from station.workflow.session import Session
from wire.fingers import FingerPosition


class CameraMode(StrEnum):
    OFF = "off"
    QR = "qr"
    DOCUMENT = "document"
    PORTRAIT = "portrait"


@dataclass(frozen=True, slots=True)
class UseCamera:
    """`run` numbers attempts at document and portrait; answers of an older run are ignored."""

    mode: CameraMode
    run: int = 0


@dataclass(frozen=True, slots=True)
class OpenCase:
    dossier_id: str


@dataclass(frozen=True, slots=True)
class RequestCase:
    """Ask the centre for a case whose code was shown but that has not arrived."""

    dossier_id: str


@dataclass(frozen=True, slots=True)
class BeginFingers:
    """Empties the sensor before the first finger of a person."""


@dataclass(frozen=True, slots=True)
class CaptureFingers:
    """One attempt at the fingers of one step: one, or several that are shown together."""

    run: int
    positions: tuple[FingerPosition, ...]


@dataclass(frozen=True, slots=True)
class StopFinger:
    """Ends a running attempt; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class EndFingers:
    """Empties the sensor after the last finger, and after a cancelled session."""


@dataclass(frozen=True, slots=True)
class SaveDraft:
    session: Session


@dataclass(frozen=True, slots=True)
class EraseDraft:
    pass


@dataclass(frozen=True, slots=True)
class Seal:
    """Seal the confirmed session and put it into the outbox, durably."""

    session: Session


@dataclass(frozen=True, slots=True)
class Beep:
    times: int


@dataclass(frozen=True, slots=True)
class Note:
    """A log line: event code and identifiers, no personal data."""

    code: str
    subject: str = ""


Effect = (
    UseCamera
    | OpenCase
    | RequestCase
    | BeginFingers
    | CaptureFingers
    | StopFinger
    | EndFingers
    | SaveDraft
    | EraseDraft
    | Seal
    | Beep
    | Note
)
