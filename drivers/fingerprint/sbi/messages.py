"""Requests and answers of the interface, and the names it gives to fingers. Pure.

Answers are read strictly in what is used; keys beyond it are ignored, since the specification lets vendors add some.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from wire.fingers import FingerPosition

SPEC_VERSION = "1.0"
PURPOSE = "Registration"
READY = "Ready"
BUSY = "Busy"

_FINGERS = {"thumb": "Thumb", "index": "IndexFinger", "middle": "MiddleFinger", "ring": "RingFinger"}
_FINGERS |= {"little": "LittleFinger"}
SUBTYPES: dict[FingerPosition, str] = {
    position: f"{hand.capitalize()} {_FINGERS[finger]}"
    for position in FingerPosition
    for hand, finger in [position.key.split("_")]
}
"""bioSubType of each finger, e.g. `Left IndexFinger`."""
POSITIONS = {name: position for position, name in SUBTYPES.items()}

LEFT_SLAP = frozenset(range(FingerPosition.LEFT_INDEX, FingerPosition.LEFT_LITTLE + 1))
RIGHT_SLAP = frozenset(range(FingerPosition.RIGHT_INDEX, FingerPosition.RIGHT_LITTLE + 1))
THUMBS = frozenset({FingerPosition.LEFT_THUMB, FingerPosition.RIGHT_THUMB})
SLAPS: dict[int, frozenset[int]] = {1: LEFT_SLAP, 2: RIGHT_SLAP, 3: frozenset(int(thumb) for thumb in THUMBS)}
"""deviceSubId to the fingers that lie on the platen together."""

EMPTY_HASH = hashlib.sha256(b"").hexdigest().upper()
"""previousHash of the first capture of a session."""


def sub_id_of(positions: Iterable[FingerPosition]) -> int | None:
    """The part of the scanner that takes these fingers at once, or None where none does."""
    asked = {int(position) for position in positions}
    return next((sub_id for sub_id, slap in SLAPS.items() if asked and asked <= slap), None)


def chained(previous: str, iso: bytes) -> str:
    """Hash of one biometric: upper-case hex of SHA-256 over (previous hash, SHA-256 of the ISO record), as bytes."""
    return hashlib.sha256(bytes.fromhex(previous) + hashlib.sha256(iso).digest()).hexdigest().upper()


def discovery_request() -> dict[str, Any]:
    """Body of SBIDISC and SBIINFO."""
    return {"type": "Finger", "specVersion": SPEC_VERSION}


def capture_request(
    *,
    env: str,
    transaction_id: str,
    at: datetime,
    timeout_ms: int,
    positions: tuple[FingerPosition, ...],
    sub_id: int,
    serial_no: str,
    requested_score: int,
    previous_hash: str,
) -> dict[str, Any]:
    """Body of RCAPTURE for fingers that lie on the platen together; the rest of the slap is given as exceptions."""
    missing = [SUBTYPES[FingerPosition(other)] for other in sorted(SLAPS[sub_id] - {int(p) for p in positions})]
    bio = {
        "type": "Finger",
        "count": str(len(positions)),
        "bioSubType": [SUBTYPES[position] for position in positions],
        "exception": missing,
        "requestedScore": str(requested_score),
        "serialNo": serial_no,
        "deviceSubId": str(sub_id),
        "previousHash": previous_hash,
    }
    return {
        "env": env,
        "purpose": PURPOSE,
        "specVersion": SPEC_VERSION,
        "timeout": str(timeout_ms),
        "captureTime": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "transactionId": transaction_id,
        "bio": [bio],
        "customOpts": {},
    }


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Problem(_Answer):
    """`error` of any answer; code 0 means none."""

    code: Annotated[int, BeforeValidator(lambda value: int(str(value)))] = Field(0, alias="errorCode")
    text: str = Field("", alias="errorInfo")


class Discovered(_Answer):
    """One device of an SBIDISC answer."""

    status: str = Field(alias="deviceStatus")
    callback: str = Field(alias="callbackId")
    purpose: str
    versions: list[str] = Field(alias="specVersion")
    error: Problem | None = None


class InfoItem(_Answer):
    """One device of an SBIINFO answer: a token."""

    token: str = Field(alias="deviceInfo")
    error: Problem | None = None


class DeviceInfo(_Answer):
    """Payload of the device info token."""

    status: str = Field(alias="deviceStatus")
    serial_no: str = Field(alias="serialNo")
    firmware: str
    service_version: str = Field(alias="serviceVersion")
    digital_id: str = Field(alias="digitalId")
    env: str
    purpose: str
    versions: list[str] = Field(alias="specVersion")
    sub_ids: list[Annotated[int, BeforeValidator(lambda value: int(str(value)))]] = Field(alias="deviceSubId")


class DigitalId(_Answer):
    """Payload of the digital id token: which device this is."""

    serial_no: str = Field(alias="serialNo")
    make: str
    model: str
    type: str
    sub_type: str = Field(alias="deviceSubType")
    provider: str = Field(alias="deviceProvider")


class Captured(_Answer):
    """One biometric of an RCAPTURE answer. `data` is a token; empty where there is an error."""

    data: str = ""
    hash: str = ""
    error: Problem | None = None


class Capture(_Answer):
    """An RCAPTURE answer."""

    biometrics: list[Captured] = Field(max_length=16)


class Biometric(_Answer):
    """Payload of one biometric's token."""

    digital_id: str = Field(alias="digitalId")
    type: str = Field(alias="bioType")
    sub_type: str = Field(alias="bioSubType")
    purpose: str
    env: str
    value: str = Field(alias="bioValue")
    transaction_id: str = Field(alias="transactionId")
    timestamp: datetime
