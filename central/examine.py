"""What ingest does with an envelope before it touches the database: verify, open, validate. In this order, always.

The station is not trusted: its record must accept it now, every key it is enrolled with must have signed, the sealed
content must repeat the routing facts, and every image must be what the bundle says of it. Raises BundleRejected with a
code for the receipt, nothing else; a code is a value of wire.envelope.Reason or one of `Code`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from central.errors import BundleRejected, StationRecordInvalid, StationUnknown
from central.images import check_portrait, check_press
from central.stations import StationDirectory
from wire import cbor, envelope
from wire.bundle import Bundle
from wire.envelope import EnvelopeRejected, EnvelopeType, Reason, Routing
from wire.errors import WireError
from wire.ids import CENTRE
from wire.keys import OpeningKey, VerifyingKey
from wire.stations import StationRecord


class Code(StrEnum):
    """Why the centre rejects what the envelope alone does not rule out; catalogue key `reject.<value>`."""

    UNKNOWN_STATION = "unknown_station"
    STATION_REVOKED = "station_revoked"
    STATION_EXPIRED = "station_expired"
    UNKNOWN_DOSSIER = "unknown_dossier"
    WRONG_STATION = "wrong_station"
    CONFLICT = "conflict"
    PLAN_MISMATCH = "plan_mismatch"
    CONSENT_MISMATCH = "consent_mismatch"
    IMAGE_DECODE = "image_decode"
    IMAGE_SIZE = "image_size"
    IMAGE_HASH = "image_hash"
    CENTRE_ERROR = "centre_error"


CURABLE = frozenset(
    {
        Code.UNKNOWN_STATION,
        Code.STATION_REVOKED,
        Code.STATION_EXPIRED,
        Code.UNKNOWN_DOSSIER,
        Code.WRONG_STATION,
        Code.CENTRE_ERROR,
        Reason.UNKNOWN_SIGNER,
        Reason.SIGNATURE,
        Reason.NOT_FOR_US,
        Reason.UNKNOWN_VERSION,
    }
)
"""Codes that may be mended at the centre or in the fleet: the same bytes may be taken another time."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle that may be stored. `verifying_keys` are those it was verified with, as JSON texts."""

    bundle: Bundle
    verifying_keys: tuple[str, ...]


def examine(
    raw: bytes, station_id: str, bundle_id: str, stations: StationDirectory, opening: Sequence[OpeningKey], now_ms: int
) -> Examined:
    """The bundle in `raw`, which came on the topic of `station_id` and `bundle_id`. Raises BundleRejected."""
    record = _record(station_id, stations, now_ms)
    try:
        parsed = envelope.parse(raw)
        if parsed.routing != Routing(EnvelopeType.BUNDLE, station_id, CENTRE, bundle_id):
            raise BundleRejected(Reason.ROUTING_MISMATCH.value)
        content = envelope.open_content(envelope.verify(parsed, record.verifying()), opening)
    except EnvelopeRejected as error:
        raise BundleRejected(error.reason.value) from error
    bundle = _bundle(content)
    if (bundle.station_id, bundle.bundle_id) != (station_id, bundle_id):
        raise BundleRejected(Reason.ROUTING_MISMATCH.value)
    check_portrait(bundle.portrait)
    for finger in bundle.fingers:
        for press in finger.presses:
            check_press(press)
    return Examined(bundle, tuple(record.verifying_keys))


def reopen(raw: bytes, verifying_keys: Sequence[str], opening: Sequence[OpeningKey]) -> Bundle:
    """The bundle of a stored envelope, verified again with the keys kept beside it. Raises BundleRejected."""
    try:
        keys = [VerifyingKey.from_json(text) for text in verifying_keys]
        verified = envelope.verify(envelope.parse(raw), keys)
        return _bundle(envelope.open_content(verified, opening))
    except EnvelopeRejected as error:
        raise BundleRejected(error.reason.value) from error


def facts_of(bundle: Bundle) -> dict[str, Any]:
    """What the centre keeps of a bundle in readable form: codes, counts and hashes; no image, no name, no number."""
    return {
        "software": bundle.software,
        "policies": dict(bundle.policies),
        "models": {name: digest.hex() for name, digest in bundle.models.items()},
        "consent": {
            "text_id": bundle.consent.text_id,
            "text_sha256": bundle.consent.text_sha256.hex(),
            "language": bundle.consent.language,
            "given_by": bundle.consent.given_by.value,
        },
        "portrait": {
            "accepted_by": bundle.portrait.accepted_by,
            "attempts": bundle.portrait.attempts,
            "policy": bundle.portrait.policy,
            "failed": sorted(part.name for part in bundle.portrait.components if not part.passed),
        },
        "document_match": bundle.document_match.verdict.value if bundle.document_match else None,
        "document_source": bundle.document.source,
        "fingers": {
            finger.position.key: {
                "state": finger.state.value,
                "presses": len(finger.presses),
                "attempts": finger.attempts,
            }
            for finger in bundle.fingers
        },
        "exceptions": [{"subject": entry.subject, "reason": entry.reason} for entry in bundle.exceptions],
        "devices": [
            {"kind": device.kind, "driver": device.driver, "class": device.device_class} for device in bundle.devices
        ],
    }


def as_json(value: Any) -> str:
    """The one JSON text of `value`."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _record(station_id: str, stations: StationDirectory, now_ms: int) -> StationRecord:
    try:
        record = stations.get(station_id)
    except (StationUnknown, StationRecordInvalid):
        raise BundleRejected(Code.UNKNOWN_STATION) from None
    if record.revoked_ms is not None:
        raise BundleRejected(Code.STATION_REVOKED)
    if not record.accepts_at(now_ms):
        raise BundleRejected(Code.STATION_EXPIRED)
    return record


def _bundle(content: bytes) -> Bundle:
    try:
        return Bundle.decode(content)
    except (WireError, cbor.CborRejected):
        raise BundleRejected(Reason.CONTENT.value) from None
