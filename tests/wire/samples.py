"""Fixed keys and one specimen of everything that crosses the wire. No person stands behind any of it."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from wire.bundle import (
    AttemptEntry,
    Bundle,
    ClockTrust,
    Consent,
    Device,
    Document,
    DocumentMatch,
    Embedding,
    Finger,
    FingerState,
    Giver,
    Instant,
    MatchVerdict,
    OfficerException,
    Portrait,
    Press,
    QualityComponent,
    Representative,
    Template,
)
from wire.case import CaseOrder, ConsentText
from wire.envelope import EnvelopeType, Routing
from wire.fingers import FingerPosition
from wire.ids import CENTRE
from wire.keys import OpeningKey, SigningKey
from wire.messages import (
    CaseRequest,
    CaseState,
    CentreState,
    Outstanding,
    Receipt,
    StationEvent,
    StationState,
    Status,
    Sync,
    Verdict,
)
from wire.model import WireModel
from wire.stations import StationRecord

STATION, OTHER_STATION = "st-0001", "st-0002"
BUNDLE_ID, OTHER_BUNDLE_ID = "01JD7Q3V5T9W8X6Y4Z2A0B1C3D", "01JD7Q3V5T9W8X6Y4Z2A0B1C3E"
DOSSIER_ID = "01JD7P0000AAAAAAAAAAAAAAAA"
NOW_MS = 1_795_254_000_000


def seed(first: int) -> bytes:
    """32 bytes counting up from `first`: plainly no secret."""
    return bytes((first + step) % 256 for step in range(32))


P256_SECRET = int.from_bytes(seed(0x31), "big")
STATION_KEY = SigningKey.from_seed(seed(0x01))
STATION_P256_KEY = SigningKey(ec.derive_private_key(P256_SECRET, ec.SECP256R1()))
OTHER_KEY = SigningKey.from_seed(seed(0x02))
CENTRE_KEY = SigningKey.from_seed(seed(0x03))
CENTRE_OPENING, ESCROW_OPENING = OpeningKey(seed(0x11)), OpeningKey(seed(0x12))
STATION_OPENING, FOREIGN_OPENING = OpeningKey(seed(0x13)), OpeningKey(seed(0x14))

BUNDLE_ROUTING = Routing(EnvelopeType.BUNDLE, STATION, CENTRE, BUNDLE_ID)
CASE_ROUTING = Routing(EnvelopeType.CASE, CENTRE, STATION, DOSSIER_ID)


def instant(after_s: float = 0.0) -> Instant:
    return Instant(
        wall_ms=NOW_MS + int(after_s * 1000),
        monotonic_ns=1_000_000_000 + int(after_s * 1e9),
        boot_id="boot-1",
        trust=ClockTrust.SYNCED,
    )


def document() -> Document:
    return Document(
        source="tk01",
        type="P",
        issuing_state="UTO",
        number="L898902C3",
        valid_until="2030-04-15",
        surname="SPECIMEN",
        given_names="ANNA",
        birth_date="1990-08-12",
        sex="F",
        nationality="UTO",
    )


def press(content: int = 0, **changes: Any) -> Press:
    packed = bytes([content]) * 8
    png = io.BytesIO()
    Image.new("L", (4, 4), content % 16 * 17).save(png, "PNG")
    values: dict[str, Any] = {
        "png": png.getvalue(),
        "packed_sha256": hashlib.sha256(packed).digest(),
        "width_px": 4,
        "height_px": 4,
        "ppi": 508,
        "bit_depth": 4,
        "quality": [QualityComponent(name="foreground", raw=0.8125, score=81, passed=True)],
        "at_monotonic_ns": 5_000_000_000,
    }
    return Press(**{**values, **changes})


def finger(position: FingerPosition, content: int = 0, **changes: Any) -> Finger:
    values: dict[str, Any] = {
        "position": position,
        "state": FingerState.CAPTURED,
        "presses": [press(content)],
        "template": Template(sensor_model="specimen", firmware="1", data=b"\x03\x03\x55"),
        "attempts": 1,
    }
    return Finger(**{**values, **changes})


def portrait(**changes: Any) -> Portrait:
    jpeg = io.BytesIO()
    Image.new("RGB", (16, 16), (120, 110, 100)).save(jpeg, "JPEG")
    values: dict[str, Any] = {
        "jpeg": jpeg.getvalue(),
        "width_px": 16,
        "height_px": 16,
        "policy": "portrait-specimen",
        "components": [QualityComponent(name="yaw", raw=-1.5, score=99, passed=True)],
        "embedding": Embedding(
            model_id="specimen",
            weights_sha256=bytes(32),
            alignment="a1",
            dimension=2,
            vector=bytes.fromhex("cdcc4c3f9a99193f"),
        ),
        "accepted_by": "quality",
        "attempts": 1,
        "captured": instant(2),
        "exposure_us": 10_000,
        "analogue_gain": 1.0,
    }
    return Portrait(**{**values, **changes})


def bundle(**changes: Any) -> Bundle:
    """One bundle that uses every field."""
    values: dict[str, Any] = {
        "bundle_id": BUNDLE_ID,
        "dossier_id": DOSSIER_ID,
        "station_id": STATION,
        "officer_id": "officer-1",
        "software": "specimen-1",
        "policies": {"plan": "two-fingers"},
        "models": {"face": hashlib.sha256(b"weights").digest()},
        "started": instant(),
        "confirmed": instant(9),
        "document": document(),
        "representative": Representative(
            surname="SPECIMEN", given_names="BEN", relation="father", document_number="L898902C4"
        ),
        "consent": Consent(
            text_id="consent-1",
            text_sha256=consent_text().sha256,
            language="en",
            given_by=Giver.APPLICANT,
            at=instant(1),
        ),
        "portrait": portrait(),
        "document_match": DocumentMatch(score=0.75, threshold=0.5, verdict=MatchVerdict.ACCEPT, model_id="specimen"),
        "fingers": [
            finger(FingerPosition.RIGHT_INDEX, 1),
            finger(FingerPosition.LEFT_INDEX, state=FingerState.BANDAGED, presses=[], template=None, attempts=0),
        ],
        "attempts": [
            AttemptEntry(step="portrait", attempt=1, verdict="accepted", at_monotonic_ns=2_000_000_000),
            AttemptEntry(
                step="finger",
                position=FingerPosition.RIGHT_INDEX,
                attempt=1,
                press=1,
                verdict="accepted",
                quality=[QualityComponent(name="foreground", raw=0.8125, passed=True)],
                at_monotonic_ns=5_000_000_000,
            ),
        ],
        "exceptions": [
            OfficerException(subject="finger.left_index", reason="bandaged", officer_id="officer-1", at=instant(8))
        ],
        "devices": [Device(kind="camera", driver="emulated", model="specimen", device_class="emulated")],
    }
    return Bundle(**{**values, **changes})


def consent_text() -> ConsentText:
    vi, en = "Tôi đồng ý.", "I consent."
    sha256 = hashlib.sha256(f"{vi}\n{en}\n".encode()).digest()
    return ConsentText(text_id="consent-1", vi=vi, en=en, language="en", sha256=sha256)


def order(**changes: Any) -> CaseOrder:
    values: dict[str, Any] = {
        "dossier_id": DOSSIER_ID,
        "station_id": STATION,
        "code": "7K3M",
        "issued_ms": NOW_MS,
        "expires_ms": NOW_MS + 86_400_000,
        "document": document(),
        "consent": consent_text(),
        "consent_by": "applicant",
        "plan_id": "two-fingers",
        "plan": [FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX],
        "warnings": ["rule.specimen"],
    }
    return CaseOrder(**{**values, **changes})


def receipt(**changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "station_id": STATION,
        "bundle_id": BUNDLE_ID,
        "envelope_sha256": hashlib.sha256(b"envelope").digest(),
        "verdict": Verdict.STORED,
        "at_ms": NOW_MS,
    }
    return Receipt(**{**values, **changes})


def status(**changes: Any) -> Status:
    values: dict[str, Any] = {
        "station_id": STATION,
        "bundle_id": BUNDLE_ID,
        "dossier_id": DOSSIER_ID,
        "sequence": 3,
        "state": CaseState.REQUESTED,
        "due": "2026-11-26",
        "at_ms": NOW_MS,
    }
    return Status(**{**values, **changes})


def record(**changes: Any) -> StationRecord:
    values: dict[str, Any] = {
        "station_id": STATION,
        "verifying_keys": [STATION_KEY.verifying_key.to_json()],
        "sealing_key": STATION_OPENING.sealing_key.to_json(),
        "valid_from_ms": NOW_MS,
        "valid_until_ms": NOW_MS + 1000,
    }
    return StationRecord(**{**values, **changes})


def every_message() -> list[WireModel]:
    """One of each top-level model."""
    return [
        bundle(),
        order(),
        receipt(),
        receipt(verdict=Verdict.REJECTED, code="signature"),
        status(),
        CentreState(accepting=True, at_ms=NOW_MS),
        Sync(
            station_id=STATION,
            outstanding=[Outstanding(bundle_id=BUNDLE_ID, envelope_sha256=hashlib.sha256(b"envelope").digest())],
            statuses={OTHER_BUNDLE_ID: 2},
        ),
        StationState(station_id=STATION, online=True, software="specimen-1", outbox=1, quarantine=0, at_ms=NOW_MS),
        StationEvent(station_id=STATION, kind="quarantined", subject=BUNDLE_ID, detail="poison", at_ms=NOW_MS),
        CaseRequest(station_id=STATION, dossier_id=DOSSIER_ID),
        record(),
    ]
