"""Pieces of a session, made by hand: small, valid, of an invented person."""

from __future__ import annotations

import hashlib
import struct

import pytest

from station.workflow.state import MatchPolicy, State, WorkflowPolicy
from wire import bundle
from wire.bundle import ClockTrust, Instant
from wire.case import CaseOrder, ConsentText
from wire.fingers import FingerPosition

DOSSIER = "01J8ZQ4Y7N8K5R2T3V6W9X0ABC"
BUNDLE = "01J8ZQ4Y7N8K5R2T3V6W9X0ABD"
POLICY = WorkflowPolicy(
    "desk-test",
    document_attempts=2,
    portrait_attempts=3,
    finger_attempts=3,
    notice_s=4.0,
    queued_s=8.0,
    result_s=10.0,
    await_case_s=60.0,
    qr_away_s=6.0,
    case_s=300.0,
    match=MatchPolicy("m", accept=0.5, review=0.34),
)
ZONE = (
    "P<KORMAU<<NGUOI<<<<<<<<<<<<<<<<<<<<<<<<<<<<<",
    "M000000004KOR8503127M3003116<<<<<<<<<<<<<<08",
)
"""The zone of the invented person's passport; it agrees with `make_case`."""

EMBEDDING = bundle.Embedding(
    model_id="m", weights_sha256=b"w" * 32, alignment="a1", dimension=2, vector=struct.pack("<2f", 1.0, 0.0)
)
CAMERA = bundle.Device(kind="camera", driver="emulated", model="none", device_class="rgb-camera")
SENSOR = bundle.Device(kind="fingerprint", driver="serial", model="R307", device_class="single-optical")


def at(seconds: float) -> Instant:
    """An instant that many seconds after the start of the test."""
    ns = int(seconds * 1e9)
    return Instant(
        wall_ms=1_790_000_000_000 + ns // 1_000_000, monotonic_ns=ns, boot_id="boot", trust=ClockTrust.SYNCED
    )


def make_case(*plan: FingerPosition, dossier_id: str = DOSSIER) -> CaseOrder:
    vi, en = "Tôi đồng ý.", "I agree."
    return CaseOrder(
        dossier_id=dossier_id,
        station_id="st-0001",
        code="ABCD-1234",
        issued_ms=1,
        expires_ms=1_900_000_000_000,
        document=bundle.Document(
            source="tk01",
            type="passport",
            issuing_state="KOR",
            number="M00000000",
            valid_until="2030-03-11",
            surname="MẪU",
            given_names="NGƯỜI",
            birth_date="1985-03-12",
            sex="M",
            nationality="KOR",
        ),
        consent=ConsentText(
            text_id="consent-1",
            vi=vi,
            en=en,
            language="en",
            sha256=hashlib.sha256(f"{vi}\n{en}\n".encode()).digest(),
        ),
        consent_by="applicant",
        plan_id="single-2",
        plan=list(plan or (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)),
    )


def make_portrait() -> bundle.Portrait:
    return bundle.Portrait(
        jpeg=b"\xff\xd8\xff\xd9",
        width_px=720,
        height_px=960,
        policy="portrait-2026-11",
        components=[bundle.QualityComponent(name="yaw", raw=1.0, score=99, passed=True)],
        embedding=EMBEDDING,
        accepted_by="quality",
        attempts=1,
        captured=at(1),
        exposure_us=10_000,
        analogue_gain=1.0,
    )


def make_finger(position: FingerPosition) -> bundle.Finger:
    press = bundle.Press(
        png=b"\x89PNG\r\n\x1a\n" + bytes([position]),
        packed_sha256=bytes([position]) * 32,
        width_px=256,
        height_px=288,
        ppi=500,
        bit_depth=4,
        quality=[bundle.QualityComponent(name="coherent_area", raw=0.5, passed=True)],
        at_monotonic_ns=1,
    )
    template = bundle.Template(sensor_model="R307", firmware="1", data=bytes([position]) * 4)
    return bundle.Finger(
        position=position, state=bundle.FingerState.CAPTURED, presses=[press], template=template, attempts=1
    )


def entry(step: str = "portrait", verdict: str = "accepted") -> bundle.AttemptEntry:
    return bundle.AttemptEntry.model_validate({"step": step, "attempt": 1, "verdict": verdict, "at_monotonic_ns": 1})


@pytest.fixture
def idle() -> State:
    return State(policy=POLICY, officer_id="CB01", link_connected=True)
