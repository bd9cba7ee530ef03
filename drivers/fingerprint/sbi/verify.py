"""Everything an answer must pass before an image in it may be used. Pure; time and expectations come in.

Must never let an image through that was signed by another device, for another transaction, at another time, out of the
hash chain, or for another finger than the one in its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import BaseModel, TypeAdapter, ValidationError

from drivers.fingerprint.errors import SbiRejected
from drivers.fingerprint.sbi import jws
from drivers.fingerprint.sbi.messages import (
    POSITIONS,
    PURPOSE,
    SPEC_VERSION,
    Biometric,
    Capture,
    Captured,
    DeviceInfo,
    DigitalId,
    Discovered,
    InfoItem,
    Problem,
    chained,
)
from drivers.fingerprint.uart import DEVICE
from wire.fingers import FingerPosition
from wire.records import fir
from wire.records.errors import RecordInvalid
from wire.records.fir import FingerRecord, Impression

M = TypeVar("M", bound=BaseModel)

MIN_PPI, MAX_PPI = 490, 600
"""Quality limits, comparison and bundle are made for 500 ppi; a scanner of 1000 ppi has to be set to 500."""
MAX_IMAGE_PX = 390_000
"""One finger at 500 ppi has room in 31 by 31 mm; as an 8-bit PNG it never exceeds the 400,000 bytes of a bundle."""
IMPRESSIONS = (Impression.LIVE_PLAIN, Impression.LIVE_CONTACTLESS_PLAIN, Impression.UNKNOWN)
"""What a plain slap can be called; device services exist that say unknown."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What is trusted.

    Attributes:
        anchors: certificates at which every chain must end.
        env: the environment the device must be registered in.
        skew: how far a time may lie outside its window.
    """

    anchors: tuple[x509.Certificate, ...]
    env: str
    skew: timedelta


@dataclass(frozen=True, slots=True)
class Device:
    """A device whose signed info was verified; captures must be signed by the same certificate."""

    info: DeviceInfo
    identity: DigitalId
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What one RCAPTURE asked for."""

    positions: tuple[FingerPosition, ...]
    transaction_id: str
    previous_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A verified answer: records by finger, in the order asked for, and the hash the next capture continues."""

    records: dict[FingerPosition, FingerRecord]
    hash: str


class Refused(Exception):
    """The device answered with an error code of its own (specification, error codes)."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.code = problem.code


def discovered(answer: Any) -> list[Discovered]:
    """Devices of an SBIDISC answer. Raises SbiRejected."""
    return _list_of(Discovered, answer)


def device(answer: Any, trust: Trust, now: datetime, serial_no: str | None) -> Device:
    """The one registered finger device of an SBIINFO answer.

    Raises:
        SbiRejected: it does not verify, or is not the one expected.
        Refused: it answered with an error.
    """
    items = _list_of(InfoItem, answer)
    if len(items) != 1:
        raise _rejected(f"{len(items)} devices")
    _raise_problem(items[0].error)
    token = _token(items[0].token, trust, now)
    info = _payload(DeviceInfo, token.payload)
    identity = _identity(info.digital_id, trust, now, token.certificate)
    if info.serial_no != identity.serial_no or (serial_no is not None and info.serial_no != serial_no):
        raise _rejected("serial number")
    if identity.type != "Finger":
        raise _rejected("not a finger device")
    if info.env != trust.env or info.purpose != PURPOSE or SPEC_VERSION not in info.versions:
        raise _rejected("environment, purpose or version")
    return Device(info, identity, token.certificate.fingerprint(SHA256()))


def answered(answer: Any, asked: Asked, known: Device, trust: Trust, now: datetime) -> Answered:
    """The records of an RCAPTURE answer.

    Raises:
        SbiRejected: anything does not verify; nothing of the answer may be used.
        Refused: the device answered with an error.
    """
    capture = _payload(Capture, answer)
    for item in capture.biometrics:
        _raise_problem(item.error)
    if len(capture.biometrics) != len(asked.positions):
        raise _rejected(f"{len(capture.biometrics)} fingers instead of {len(asked.positions)}")
    records: dict[FingerPosition, FingerRecord] = {}
    previous = asked.previous_hash
    for item in capture.biometrics:
        position, record, previous = _finger(item, asked, known, trust, now, previous)
        if position in records or position not in asked.positions:
            raise _rejected("finger not asked for, or twice")
        records[position] = record
    if len({record.image.pixels for record in records.values()}) != len(records):
        raise _rejected("the same image for two fingers")
    if len({record.ppi for record in records.values()}) != 1:
        raise _rejected("resolutions differ within one capture")
    return Answered({position: records[position] for position in asked.positions}, previous)


def _finger(
    item: Captured, asked: Asked, known: Device, trust: Trust, now: datetime, previous: str
) -> tuple[FingerPosition, FingerRecord, str]:
    token = _token(item.data, trust, now)
    if token.certificate.fingerprint(SHA256()) != known.fingerprint:
        raise _rejected("signed by another device")
    found = _payload(Biometric, token.payload)
    identity = _identity(found.digital_id, trust, now, token.certificate)
    if identity.serial_no != known.identity.serial_no:
        raise _rejected("digital id of another device")
    if (found.transaction_id, found.env, found.purpose, found.type) != (
        asked.transaction_id,
        trust.env,
        PURPOSE,
        "Finger",
    ):
        raise _rejected("transaction, environment, purpose or type")
    _check_time(found.timestamp, asked.at, now, trust.skew)
    iso = _decoded(found.value)
    following = chained(previous, iso)
    if item.hash.upper() != following:
        raise _rejected("hash chain")
    position = POSITIONS.get(found.sub_type)
    if position is None:
        raise _rejected("unknown finger")
    try:
        record, _ = fir.read(iso)
    except RecordInvalid as error:
        raise _rejected(f"finger record: {error.params['reason']}") from None
    if record.position is not position:
        raise _rejected("finger record is of another finger")
    if record.image.bit_depth != 8 or not MIN_PPI <= record.ppi <= MAX_PPI:
        raise _rejected("depth or resolution of the image")
    if record.image.width_px * record.image.height_px > MAX_IMAGE_PX:
        raise _rejected("image too large")
    if record.impression not in IMPRESSIONS:
        raise _rejected("impression type")
    return position, record, following


def _identity(digital_id: str, trust: Trust, now: datetime, certificate: x509.Certificate) -> DigitalId:
    """At certification level 1.0 the digital id is signed with the device key, that is, by the same certificate."""
    token = _token(digital_id, trust, now)
    if token.certificate != certificate:
        raise _rejected("digital id signed by another key")
    return _payload(DigitalId, token.payload)


def _check_time(found: datetime, asked_at: datetime, now: datetime, skew: timedelta) -> None:
    stamp = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if not asked_at - skew <= stamp <= now + skew:
        raise _rejected("timestamp outside the capture")


def _token(text: str, trust: Trust, now: datetime) -> jws.Token:
    try:
        return jws.verified(text, trust.anchors, now)
    except jws.JwsInvalid as error:
        raise _rejected(str(error)) from None


def _decoded(text: str) -> bytes:
    try:
        return jws.decoded(text)
    except jws.JwsInvalid as error:
        raise _rejected(f"image: {error}") from None


def _payload(kind: type[M], value: Any) -> M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _rejected(f"{kind.__name__}: {_where(error)}") from None


def _list_of(kind: type[M], value: Any) -> list[M]:
    try:
        return TypeAdapter(list[kind]).validate_python(value)  # type: ignore[valid-type]
    except ValidationError as error:
        raise _rejected(f"{kind.__name__}: {_where(error)}") from None


def _where(error: ValidationError) -> str:
    """Only the place: values may be personal."""
    return ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "not an object"


def _raise_problem(problem: Problem | None) -> None:
    if problem is not None and problem.code != 0:
        raise Refused(problem)


def _rejected(reason: str) -> SbiRejected:
    return SbiRejected(device=DEVICE, reason=reason)


def load_anchors(pem: bytes) -> Sequence[x509.Certificate]:
    """Certificates of a PEM file. Raises ValueError for none."""
    return x509.load_pem_x509_certificates(pem)
