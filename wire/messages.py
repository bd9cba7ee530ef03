"""Small messages: signed ones from the centre (receipt, status, centre state) and plain ones from the station.

No personal data in any of them. A receipt is the only thing that moves a file out of a station's outbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from wire import signed
from wire.errors import WireError
from wire.ids import BundleId, DossierId, StationId
from wire.keys import Signer, VerifyingKey
from wire.model import Code, Count, LocalDate, Sha256, UnixMs, WireModel
from wire.signed import MessageRejected


class Verdict(StrEnum):
    """What the centre did with an envelope."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class SignedModel(WireModel):
    """A message that the centre signs. `KIND` is the signed type."""

    def signed(self, signer: Signer) -> bytes:
        return signed.sign(_kind(type(self)), self.encode(), signer)

    @classmethod
    def verified(cls, message: bytes, keys: Sequence[VerifyingKey]) -> Self:
        """The message, checked. Raises MessageRejected, nothing else."""
        payload = signed.verify(_kind(cls), message, keys)
        try:
            return cls.decode(payload)
        except WireError as error:
            raise MessageRejected(reason="content") from error


class Receipt(SignedModel):
    """For one envelope of one station. `code` says why when rejected (a value of envelope.Reason or a centre code)."""

    station_id: StationId
    bundle_id: BundleId
    envelope_sha256: Sha256
    verdict: Verdict = Field(strict=False)
    code: Code | None = None
    at_ms: UnixMs

    @model_validator(mode="after")
    def _code_only_when_rejected(self) -> Self:
        if (self.verdict is Verdict.REJECTED) != (self.code is not None):
            raise ValueError("verdict and code disagree")
        return self


class CaseState(StrEnum):
    """The one status truth. `issued` appears only when the authority said so."""

    RECEIVED = "received"
    CHECKING = "checking"
    REQUESTED = "requested"
    ISSUED = "issued"
    REFUSED = "refused"
    SUPPLEMENT = "supplement"
    ESCALATED = "escalated"

    @property
    def final(self) -> bool:
        return self in (CaseState.ISSUED, CaseState.REFUSED, CaseState.SUPPLEMENT, CaseState.ESCALATED)


class Status(SignedModel):
    """Where the case of one bundle stands. `sequence` grows by one; an older one is ignored."""

    station_id: StationId
    bundle_id: BundleId
    dossier_id: DossierId
    sequence: Annotated[int, Field(ge=1, le=1_000_000)]
    state: CaseState = Field(strict=False)
    code: Code | None = None
    due: LocalDate | None = None
    at_ms: UnixMs


class CentreState(SignedModel):
    """Retained at `centre/state`: whether the centre takes bundles, and its time (a floor for stations' clocks)."""

    accepting: bool
    at_ms: UnixMs


class Outstanding(WireModel):
    """One envelope in the outbox."""

    bundle_id: BundleId
    envelope_sha256: Sha256


class Sync(WireModel):
    """Sent on every connect: what waits for a receipt, and which statuses are known.

    `statuses` maps bundle ids without a final status to the last known sequence number.
    """

    station_id: StationId
    outstanding: Annotated[list[Outstanding], Field(max_length=1000)]
    statuses: Annotated[dict[BundleId, Count], Field(max_length=2000)]


class StationState(WireModel):
    """Retained at the station's `state`, `online` false as the will."""

    station_id: StationId
    online: bool
    software: Code
    outbox: Count
    quarantine: Count
    at_ms: UnixMs


class StationEvent(WireModel):
    """Something an admin should see, by code; e.g. `quarantined` with the bundle id."""

    station_id: StationId
    kind: Code
    subject: Code | None = None
    detail: Code | None = None
    at_ms: UnixMs


class CaseRequest(WireModel):
    """A station asks for a case whose QR code was shown but that has not arrived (`up/request/case`)."""

    station_id: StationId
    dossier_id: DossierId
    operation: Literal["case"] = "case"


def _kind(model: type[SignedModel]) -> str:
    return {Receipt: "eid-receipt", Status: "eid-status", CentreState: "eid-centre-state"}[model]
