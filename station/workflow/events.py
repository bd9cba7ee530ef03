"""What can happen. Adapter threads make these and put them into the daemon's inbox; nothing else crosses over."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from drivers.fingerprint.port import Progress
from station.workflow.session import Session
from wire.bundle import AttemptEntry, Device, Embedding, Finger, Portrait
from wire.case import CaseOrder
from wire.fingers import FingerPosition
from wire.messages import CaseState


class Part(StrEnum):
    """The parts of the station that can fail on their own; catalogue key `part.<value>`."""

    CAMERA = "camera"
    FINGERPRINT = "fingerprint"
    DISPLAY = "display"
    PANEL = "panel"
    STORAGE = "storage"


class Key(StrEnum):
    """A completed key press; CANCEL is the long press of the officer's back button."""

    OK = "ok"
    BACK = "back"
    SKIP = "skip"
    CANCEL = "cancel"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class KeyPressed:
    key: Key


@dataclass(frozen=True, slots=True)
class Tick:
    """Sent a few times a second, so that notices and results leave the display."""


@dataclass(frozen=True, slots=True)
class QrSeen:
    text: str


@dataclass(frozen=True, slots=True)
class CaseRef:
    """A case waiting in the inbox; nothing in it is personal."""

    dossier_id: str


@dataclass(frozen=True, slots=True)
class QueueChanged:
    cases: tuple[CaseRef, ...]


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """The case that was asked for, opened; `bundle_id` is fresh."""

    case: CaseOrder
    bundle_id: str


@dataclass(frozen=True, slots=True)
class CaseFailed:
    """`message_id` of the sentence that tells why."""

    dossier_id: str
    message_id: str
    params: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftRestored:
    """A session found in the draft at start; `sealed` where its envelope already lies in the outbox."""

    session: Session
    sealed: bool


@dataclass(frozen=True, slots=True)
class DraftLost:
    message_id: str


@dataclass(frozen=True, slots=True)
class DocumentGuided:
    """What to do with the page that is held to the camera; None while it is being read."""

    run: int
    guide: str | None


@dataclass(frozen=True, slots=True)
class DocumentRead:
    """The zone, the same in two frames; `embedding` of the page's portrait, None where none was found."""

    run: int
    lines: tuple[str, ...]
    embedding: Embedding | None
    log: AttemptEntry
    device: Device


@dataclass(frozen=True, slots=True)
class DocumentMissed:
    """The time was over and nothing was read twice."""

    run: int
    log: AttemptEntry
    device: Device


@dataclass(frozen=True, slots=True)
class PortraitGuided:
    """The most important thing the applicant should do; None when all gates hold. `run` names the attempt."""

    run: int
    guide: str | None


@dataclass(frozen=True, slots=True)
class PortraitTaken:
    """All gates held; the portrait is whole (never a mix). `advice` for the officer holds nothing back."""

    run: int
    portrait: Portrait
    log: AttemptEntry
    device: Device
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortraitMissed:
    """An attempt ended without one. `best` is the best frame, for the officer to decide on; None without a face."""

    run: int
    best: Portrait | None
    log: AttemptEntry
    device: Device
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FingerProgressed:
    run: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class FingersTaken:
    """Every finger that was asked for, each under its own position."""

    run: int
    fingers: tuple[Finger, ...]
    log: tuple[AttemptEntry, ...]
    device: Device


@dataclass(frozen=True, slots=True)
class FingersMissed:
    run: int
    positions: tuple[FingerPosition, ...]
    log: tuple[AttemptEntry, ...]


@dataclass(frozen=True, slots=True)
class PartFailed:
    part: Part
    message_id: str
    params: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartBack:
    part: Part


@dataclass(frozen=True, slots=True)
class Sealed:
    bundle_id: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SealFailed:
    """`permanent`: trying again cannot help; the session itself cannot be sealed as it is."""

    message_id: str
    params: dict[str, str | int | float] = field(default_factory=dict)
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """What the link daemon last said of itself; `waiting` counts bundles without a receipt."""

    connected: bool
    waiting: int
    quarantined: int
    message_id: str = ""
    params: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Whether another capture still fits (the high-water mark)."""

    full: bool


@dataclass(frozen=True, slots=True)
class Result:
    """Where an earlier case of this station stands; `code` is the case's short code."""

    bundle_id: str
    code: str
    state: CaseState
    sequence: int
    due: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResultsChanged:
    """All known results, newest last. `initial` at start: nothing in it is news."""

    results: tuple[Result, ...]
    initial: bool = False


@dataclass(frozen=True, slots=True)
class ClockChanged:
    """Whether the wall time can be believed at all."""

    trusted: bool


Event = (
    KeyPressed
    | Tick
    | QrSeen
    | QueueChanged
    | CaseOpened
    | CaseFailed
    | DraftRestored
    | DraftLost
    | DocumentGuided
    | DocumentRead
    | DocumentMissed
    | PortraitGuided
    | PortraitTaken
    | PortraitMissed
    | FingerProgressed
    | FingersTaken
    | FingersMissed
    | PartFailed
    | PartBack
    | Sealed
    | SealFailed
    | LinkChanged
    | RoomChanged
    | ResultsChanged
    | ClockChanged
)
