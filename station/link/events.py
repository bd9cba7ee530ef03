"""What happens to the link brain, and what it wants done. Values only; pure.

Events come from the shell (session, spool, clock), effects go back to it and are carried out in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station.link.errors import LinkError
from station.link.state import Fault, LinkState
from wire.messages import CaseRequest, CentreState, Receipt, StationEvent, StationState, Status, Sync


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: seconds on a clock that never jumps, and Unix milliseconds on one that may."""

    monotonic_s: float
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One file of the outbox. `sha256` is None until the shell has read it and found an envelope of ours."""

    bundle_id: str
    size_bytes: int
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class Known:
    """How far the case of a delivered bundle is known to have come; sequence 0 where no status came yet."""

    sequence: int
    final: bool


# --- events ---


@dataclass(frozen=True, slots=True)
class Started:
    """What the disk says at start: poison counters, what was in flight when the last run died, known statuses."""

    strikes: Mapping[str, int]
    in_flight: tuple[str, ...]
    known: Mapping[str, Known]
    quarantined: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The shared folders as they are now."""

    files: tuple[Outgoing, ...]
    requests: tuple[str, ...]
    quarantine_count: int


@dataclass(frozen=True, slots=True)
class Unfit:
    """A file of the outbox that is no envelope of ours; `reason` is a code."""

    bundle_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetApart:
    """The shell itself moved a foreign file to quarantine."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """No connection came about."""

    error: LinkError


@dataclass(frozen=True, slots=True)
class Connected:
    """CONNACK. `max_packet_bytes`: the broker's limit where it names one (MQTT 5)."""

    session_present: bool
    max_packet_bytes: int | None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """SUBACK. `code`: the highest reason code in it; 0x80 and above is a refusal."""

    code: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended without our asking. `code`: the broker's reason code, 0 where it gave none."""

    code: int
    error: LinkError


@dataclass(frozen=True, slots=True)
class BundleAcked:
    """PUBACK for a bundle. Not a receipt."""

    bundle_id: str
    code: int


@dataclass(frozen=True, slots=True)
class Acked:
    """PUBACK for anything else."""

    token: int
    code: int


@dataclass(frozen=True, slots=True)
class Heard:
    """PINGRESP."""


@dataclass(frozen=True, slots=True)
class ReceiptArrived:
    """Its signature holds."""

    receipt: Receipt
    raw: bytes


@dataclass(frozen=True, slots=True)
class StatusArrived:
    """Its signature holds, and it names the bundle of its topic."""

    status: Status
    raw: bytes


@dataclass(frozen=True, slots=True)
class CentreStateArrived:
    """Its signature holds."""

    state: CentreState
    raw: bytes


@dataclass(frozen=True, slots=True)
class CaseArrived:
    """A sealed case for this station whose outer signature holds."""

    dossier_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class MessageUnfit:
    """A message from the broker that does not verify; `kind` as in its topic, `reason` a code."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The station's certificate as it lies on disk: its end in Unix ms (0: unreadable), and whether that is near."""

    until_ms: int
    ends_soon: bool


@dataclass(frozen=True, slots=True)
class Storage:
    """What the medium last said; None where it works."""

    error: Fault | None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The process is asked to end."""


Event = (
    Started
    | Listed
    | Unfit
    | SetApart
    | ConnectFailed
    | Connected
    | Subscribed
    | Disconnected
    | BundleAcked
    | Acked
    | Heard
    | ReceiptArrived
    | StatusArrived
    | CentreStateArrived
    | CaseArrived
    | MessageUnfit
    | Certificate
    | Storage
    | Tick
    | Stopping
)

FROM_BROKER = (BundleAcked, Acked, Heard, ReceiptArrived, StatusArrived, CentreStateArrived, CaseArrived, MessageUnfit)
"""What proves that the broker is alive."""


# --- effects ---


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a new session; ends in Connected or ConnectFailed."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the session without a word; nothing of it is to be reported any more."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """To the station's downlinks and the centre's state; ends in Subscribed."""


@dataclass(frozen=True, slots=True)
class PublishBundle:
    """Read the file and publish it; ends in BundleAcked, Unfit, or a Listed without it."""

    bundle_id: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a small message; ends in Acked with its token."""

    message: Sync | StationState | StationEvent | CaseRequest
    token: int


@dataclass(frozen=True, slots=True)
class RemoveBundle:
    """The receipt is kept: the file may go."""

    bundle_id: str


@dataclass(frozen=True, slots=True)
class SetApartBundle:
    """Move a file of the outbox to quarantine."""

    bundle_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeepReceipt:
    receipt: Receipt
    raw: bytes


@dataclass(frozen=True, slots=True)
class KeepStatus:
    status: Status
    raw: bytes


@dataclass(frozen=True, slots=True)
class KeepCentreState:
    raw: bytes


@dataclass(frozen=True, slots=True)
class KeepCase:
    dossier_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class DropRequest:
    dossier_id: str


@dataclass(frozen=True, slots=True)
class SaveStrikes:
    """Persist before acting: counters and what is about to be in flight."""

    strikes: Mapping[str, int]
    in_flight: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Write inbox/link.json."""

    state: LinkState


@dataclass(frozen=True, slots=True)
class Note:
    """One log event. `values` hold identifiers and numbers only."""

    code: str
    level: str
    values: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A deadline that only a new process can mend has passed: end the process."""

    error: LinkError


Effect = (
    Connect
    | Drop
    | Subscribe
    | PublishBundle
    | Publish
    | RemoveBundle
    | SetApartBundle
    | KeepReceipt
    | KeepStatus
    | KeepCentreState
    | KeepCase
    | DropRequest
    | SaveStrikes
    | Report
    | Note
    | GiveUp
)
