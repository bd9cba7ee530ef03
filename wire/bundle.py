"""The capture bundle: everything one station recorded about one applicant, in one object.

Field by field as docs/wire.md says. Must never be written anywhere unsealed, and never hold an average where single
values were measured.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from wire.fingers import FingerPosition
from wire.ids import BundleId, DossierId, StationId
from wire.model import Code, Count, LocalDate, MonotonicNs, Sha256, ShortText, UnixMs, WireModel

BUNDLE_SCHEMA_VERSION = 1


class ClockTrust(StrEnum):
    """How far a wall time can be believed: not at all, past a stored floor, synchronised, signed by the centre."""

    NONE = "none"
    FLOOR = "floor"
    SYNCED = "synced"
    SIGNED = "signed"

    @property
    def vouched(self) -> bool:
        """Whether somebody else's clock stands behind the time."""
        return self in (ClockTrust.SYNCED, ClockTrust.SIGNED)


class FingerState(StrEnum):
    """How a planned finger ended.

    MISSING to REFUSED are their own reason and need the officer's signature; NOT_REQUIRED follows from the plan, which
    the receiver holds against the case.
    """

    CAPTURED = "captured"
    MISSING = "missing"
    BANDAGED = "bandaged"
    WORN = "worn"
    REFUSED = "refused"
    NOT_REQUIRED = "not_required"


class Giver(StrEnum):
    """Who affirmed the consent."""

    APPLICANT = "applicant"
    REPRESENTATIVE = "representative"


class MatchVerdict(StrEnum):
    """Document portrait against live face; it warns, it never decides."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


class Instant(WireModel):
    """One moment on three clocks. `boot_id` tells which run of the machine `monotonic_ns` belongs to."""

    wall_ms: UnixMs
    monotonic_ns: MonotonicNs
    boot_id: Code
    trust: ClockTrust = Field(strict=False)


class Document(WireModel):
    """The travel document and its holder. `source`: who read it (typed at the desk, MRZ, chip)."""

    source: Literal["tk01", "mrz", "chip"]
    type: Code
    issuing_state: ShortText
    number: ShortText
    valid_until: LocalDate
    surname: ShortText
    given_names: ShortText
    birth_date: LocalDate
    sex: Literal["F", "M", "X"]
    nationality: Annotated[str, Field(pattern=r"^[A-Z]{1,3}$")]
    mrz: Annotated[list[str], Field(max_length=3)] | None = None

    @model_validator(mode="after")
    def _read_means_lines(self) -> Self:
        if self.source == "mrz" and not self.mrz:
            raise ValueError("read off a zone, but without its lines")
        return self


class Representative(WireModel):
    """The person who comes along with a minor or ward."""

    surname: ShortText
    given_names: ShortText
    relation: ShortText
    document_number: ShortText


class Consent(WireModel):
    """The consent artefact: which text, in which language, affirmed by whom, when."""

    text_id: Code
    text_sha256: Sha256
    language: Code
    given_by: Giver = Field(strict=False)
    at: Instant


class QualityComponent(WireModel):
    """One component in the terms of ISO/IEC 29794-5 (faces) or 29794-4 (fingers)."""

    name: Code
    raw: float
    score: Annotated[int, Field(ge=0, le=100)] | None = None
    passed: bool


class Embedding(WireModel):
    """float32 little endian, L2-normalised. Never comparable across `model_id` or `alignment`."""

    model_id: Code
    weights_sha256: Sha256
    alignment: Code
    dimension: Annotated[int, Field(ge=1, le=4096)]
    vector: bytes

    @model_validator(mode="after")
    def _length(self) -> Self:
        if len(self.vector) != 4 * self.dimension:
            raise ValueError("vector length")
        return self


class Portrait(WireModel):
    """The live portrait. `accepted_by`: the quality gates, or an officer who recorded an exception."""

    jpeg: Annotated[bytes, Field(min_length=4, max_length=1_000_000)]
    width_px: Count
    height_px: Count
    policy: Code
    components: list[QualityComponent]
    embedding: Embedding
    accepted_by: Literal["quality", "officer"]
    attempts: Annotated[int, Field(ge=1, le=100)]
    captured: Instant
    exposure_us: Count
    analogue_gain: float


class DocumentMatch(WireModel):
    """1:1 comparison of the document's portrait with the live face."""

    score: float
    threshold: float
    verdict: MatchVerdict = Field(strict=False)
    model_id: Code


class Press(WireModel):
    """One press: lossless 4-bit (or 8-bit) greyscale PNG, and the SHA-256 of the pixels as the sensor sent them."""

    png: Annotated[bytes, Field(min_length=8, max_length=400_000)]
    packed_sha256: Sha256
    width_px: Annotated[int, Field(ge=1, le=4000)]
    height_px: Annotated[int, Field(ge=1, le=4000)]
    ppi: Annotated[int, Field(ge=100, le=2000)]
    bit_depth: Literal[4, 8]
    quality: list[QualityComponent]
    at_monotonic_ns: MonotonicNs


class Template(WireModel):
    """The sensor's own template: vendor format, opaque, comparable on the same model only."""

    format: Literal["vendor-opaque"] = "vendor-opaque"
    sensor_model: ShortText
    firmware: ShortText
    data: Annotated[bytes, Field(min_length=1, max_length=8192)]


class Finger(WireModel):
    """How one planned finger ended."""

    position: FingerPosition = Field(strict=False)
    state: FingerState = Field(strict=False)
    presses: Annotated[list[Press], Field(max_length=6)] = Field(default_factory=list)
    template: Template | None = None
    attempts: Annotated[int, Field(ge=0, le=100)]

    @model_validator(mode="after")
    def _presses_only_when_captured(self) -> Self:
        if (self.state is FingerState.CAPTURED) != bool(self.presses):
            raise ValueError("presses and state disagree")
        if self.state is not FingerState.CAPTURED and self.template is not None:
            raise ValueError("template without capture")
        return self


class AttemptEntry(WireModel):
    """One line of the attempt log; rejected attempts stand here too."""

    step: Literal["portrait", "finger", "document"]
    position: FingerPosition | None = Field(default=None, strict=False)
    attempt: Annotated[int, Field(ge=1, le=1000)]
    press: Annotated[int, Field(ge=0, le=1000)] = 0
    verdict: Code
    quality: list[QualityComponent] = Field(default_factory=list)
    at_monotonic_ns: MonotonicNs


class OfficerException(WireModel):
    """A decision of the officer against or beside a gate: what, why, who, when."""

    subject: Code
    reason: Code
    officer_id: Code
    at: Instant


class Device(WireModel):
    """A capture device as found; `device_class` says what its data is worth."""

    kind: Code
    driver: Code
    model: ShortText
    firmware: ShortText = ""
    device_class: Code


class Bundle(WireModel):
    """One applicant's capture. The station signs the envelope around it, the officer the exceptions inside."""

    schema_version: Literal[1] = 1
    bundle_id: BundleId
    dossier_id: DossierId
    station_id: StationId
    officer_id: Code
    software: Code
    policies: Annotated[dict[Code, Code], Field(max_length=16)]
    models: Annotated[dict[Code, Sha256], Field(max_length=16)]
    started: Instant
    confirmed: Instant
    document: Document
    representative: Representative | None = None
    consent: Consent
    portrait: Portrait
    document_match: DocumentMatch | None = None
    fingers: Annotated[list[Finger], Field(max_length=10)]
    attempts: Annotated[list[AttemptEntry], Field(max_length=2000)]
    exceptions: Annotated[list[OfficerException], Field(max_length=100)]
    devices: Annotated[list[Device], Field(max_length=8)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        positions = [finger.position for finger in self.fingers]
        if len(set(positions)) != len(positions):
            raise ValueError("a finger stands twice")
        hashes = [press.packed_sha256 for finger in self.fingers for press in finger.presses]
        if len(set(hashes)) != len(hashes):
            raise ValueError("the same image stands twice")
        signed = {entry.subject for entry in self.exceptions}
        unsigned = [
            finger.position
            for finger in self.fingers
            if finger.state not in (FingerState.CAPTURED, FingerState.NOT_REQUIRED)
            and f"finger.{finger.position.key}" not in signed
        ]
        if unsigned:
            raise ValueError("a finger was left out without the officer's signature")
        if self.portrait.accepted_by == "officer" and "portrait" not in signed:
            raise ValueError("the portrait exception is not signed")
        return self
