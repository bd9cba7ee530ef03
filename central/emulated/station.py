"""An emulated station, as the centre sees one: real keys, real envelopes, real MQTT; the pictures are synthetic.

For tests of the centre, its benchmark and load tests. It keeps what it sent in memory and drops it only against a valid
receipt, as a station does. Must never be taken for the station itself: there is no officer, no device, no outbox.
"""

from __future__ import annotations

import hashlib
import io
import os
import queue
import random
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from PIL import Image, ImageFilter
from ulid import ULID

from wire import envelope, topics
from wire.bundle import (
    Bundle,
    ClockTrust,
    Consent,
    Device,
    Embedding,
    Finger,
    FingerState,
    Giver,
    Instant,
    Portrait,
    Press,
    QualityComponent,
)
from wire.case import CaseOrder
from wire.envelope import EnvelopeType, Routing
from wire.fingers import FingerPosition
from wire.ids import CENTRE
from wire.keys import OpeningKey, SealingKey, Signer, VerifyingKey
from wire.messages import CaseRequest, CaseState, Outstanding, Receipt, Status, Sync
from wire.records import png4

PORTRAIT_PX = (480, 600)
FINGER_PX = (192, 192)
MessageT = TypeVar("MessageT", Receipt, Status, CaseOrder)


@dataclass(frozen=True, slots=True)
class StationKeys:
    """What a station holds: its own keys, and the centre's public ones."""

    signing: Signer
    opening: OpeningKey
    centre_sealing: SealingKey
    centre_verifying: Sequence[VerifyingKey]


@dataclass(frozen=True, slots=True)
class StationTls:
    """Where it connects, and with which files."""

    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path


@dataclass
class _Heard:
    """Messages that verified, newest last; `rejected` counts those that did not."""

    receipts: dict[str, list[Receipt]] = field(default_factory=dict)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    orders: dict[str, CaseOrder] = field(default_factory=dict)
    rejected: int = 0


class EmulatedStation:
    """One station. Its network thread only fills a queue; `wait` empties it on the caller's thread."""

    def __init__(self, station_id: str, keys: StationKeys, tls: StationTls) -> None:
        self.station_id = station_id
        self.heard = _Heard()
        self.outbox: dict[str, bytes] = {}
        self._keys = keys
        self._tls = tls
        self._inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._client = self._make_client()

    def connect(self, deadline_s: float = 10.0) -> None:
        """Connects and stays connected. Raises TimeoutError."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        tls = self._tls
        self._client.connect(tls.host, tls.port, 30, clean_start=False, properties=properties)
        self._client.loop_start()
        until = time.monotonic() + deadline_s
        while not self._client.is_connected():
            if time.monotonic() > until:
                raise TimeoutError("not connected")
            time.sleep(0.01)

    def close(self) -> None:
        """Goes."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, bundle_id: str, raw: bytes) -> None:
        """Publishes an envelope and keeps it until its receipt comes."""
        self.outbox[bundle_id] = raw
        self._client.publish(topics.up_bundle(self.station_id, bundle_id), raw, qos=1)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publishes anything."""
        self._client.publish(topic, payload, qos=1)

    def sync(self, statuses: dict[str, int] | None = None) -> None:
        """Says what is outstanding."""
        outstanding = [
            Outstanding(bundle_id=bundle_id, envelope_sha256=envelope.digest(raw))
            for bundle_id, raw in list(self.outbox.items())[:1000]
        ]
        word = Sync(station_id=self.station_id, outstanding=outstanding, statuses=statuses or {})
        self.publish(topics.up_sync(self.station_id), word.encode())

    def ask_for_case(self, dossier_id: str) -> None:
        """Asks for a case whose QR code was shown."""
        word = CaseRequest(station_id=self.station_id, dossier_id=dossier_id)
        self.publish(topics.up_request(self.station_id, "case"), word.encode())

    def resend(self) -> None:
        """Publishes everything again that has no receipt."""
        for bundle_id, raw in list(self.outbox.items()):
            self.send(bundle_id, raw)

    def wait(self, until: Callable[[_Heard], bool], deadline_s: float = 20.0) -> None:
        """Takes messages until `until` holds. Raises TimeoutError."""
        end = time.monotonic() + deadline_s
        while not until(self.heard):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the centre did not say it in time")
            try:
                self._take(*self._inbox.get(timeout=left))
            except queue.Empty:
                continue

    def order(self, dossier_id: str, deadline_s: float = 20.0) -> CaseOrder:
        """The order of a dossier, waited for."""
        self.wait(lambda heard: dossier_id in heard.orders, deadline_s)
        return self.heard.orders[dossier_id]

    def receipt(self, bundle_id: str, deadline_s: float = 20.0) -> Receipt:
        """The newest receipt of a bundle, waited for."""
        self.wait(lambda heard: bundle_id in heard.receipts, deadline_s)
        return self.heard.receipts[bundle_id][-1]

    def status(self, bundle_id: str, state: CaseState, deadline_s: float = 20.0) -> Status:
        """The status with that state, waited for."""
        self.wait(lambda heard: any(s.state is state for s in heard.statuses.get(bundle_id, [])), deadline_s)
        return next(s for s in self.heard.statuses[bundle_id] if s.state is state)

    def seal(self, bundle: Bundle) -> bytes:
        """The envelope of a bundle."""
        routing = Routing(EnvelopeType.BUNDLE, self.station_id, CENTRE, bundle.bundle_id)
        return envelope.seal(bundle.encode(), routing, [self._keys.signing], [self._keys.centre_sealing], os.urandom)

    def _take(self, topic: str, payload: bytes) -> None:
        found = topics.parse(topic)
        kind = found.kind if found else ""
        try:
            if kind == "receipt":
                receipt = Receipt.verified(payload, self._keys.centre_verifying)
                self._note_receipt(receipt)
            elif kind == "status":
                status = Status.verified(payload, self._keys.centre_verifying)
                self.heard.statuses.setdefault(status.bundle_id, []).append(status)
            elif kind == "case":
                parsed = envelope.parse(payload)
                verified = envelope.verify(parsed, self._keys.centre_verifying)
                order = CaseOrder.decode(envelope.open_content(verified, [self._keys.opening]))
                self.heard.orders[order.dossier_id] = order
        except ValueError:
            self.heard.rejected += 1

    def _note_receipt(self, receipt: Receipt) -> None:
        self.heard.receipts.setdefault(receipt.bundle_id, []).append(receipt)
        raw = self.outbox.get(receipt.bundle_id)
        if raw is not None and envelope.digest(raw) == receipt.envelope_sha256:
            del self.outbox[receipt.bundle_id]

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.station_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        context = ssl.create_default_context(cafile=str(self._tls.ca))
        context.load_cert_chain(str(self._tls.certificate), str(self._tls.key))
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 2)
        client.on_connect = self._on_connect
        client.on_message = lambda _client, _data, message: self._inbox.put((message.topic, bytes(message.payload)))
        return client

    def _on_connect(self, client: mqtt.Client, *_rest: Any) -> None:
        client.subscribe(topics.all_downlinks(self.station_id), qos=1)


def make_bundle(order: CaseOrder, now_ms: int, seed: int = 0, **changes: Any) -> Bundle:
    """A whole bundle for an order: every planned finger captured once. `changes` replace fields."""
    chance = random.Random(seed or order.dossier_id)
    moment = Instant(wall_ms=now_ms, monotonic_ns=now_ms * 1_000_000, boot_id="boot-1", trust=ClockTrust.SYNCED)
    giver = Giver.REPRESENTATIVE if order.consent_by == "representative" else Giver.APPLICANT
    values: dict[str, Any] = {
        "bundle_id": str(ULID.from_timestamp(now_ms / 1000)),
        "dossier_id": order.dossier_id,
        "station_id": order.station_id,
        "officer_id": "officer-1",
        "software": "emulated-1",
        "policies": {"plan": order.plan_id},
        "models": {"face": hashlib.sha256(b"model").digest()},
        "started": moment,
        "confirmed": moment,
        "document": order.document,
        "representative": order.representative,
        "consent": Consent(
            text_id=order.consent.text_id,
            text_sha256=order.consent.sha256,
            language=order.consent.language,
            given_by=giver,
            at=moment,
        ),
        "portrait": make_portrait(moment, chance),
        "fingers": [make_finger(position, moment, chance) for position in order.plan],
        "attempts": [],
        "exceptions": [],
        "devices": [Device(kind="camera", driver="emulated", model="synthetic", device_class="emulated")],
    }
    return Bundle(**{**values, **changes})


def make_portrait(moment: Instant, chance: random.Random) -> Portrait:
    """Coloured clouds as a JPEG of a portrait's size."""
    small = Image.frombytes("RGB", (30, 38), chance.randbytes(30 * 38 * 3))
    image = small.resize(PORTRAIT_PX, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=92)
    vector = chance.randbytes(4 * 256)
    return Portrait(
        jpeg=jpeg.getvalue(),
        width_px=PORTRAIT_PX[0],
        height_px=PORTRAIT_PX[1],
        policy="emulated-1",
        components=[QualityComponent(name="sharpness", raw=0.7, score=70, passed=True)],
        embedding=Embedding(
            model_id="emulated-1",
            weights_sha256=hashlib.sha256(b"weights").digest(),
            alignment="none",
            dimension=256,
            vector=vector,
        ),
        accepted_by="quality",
        attempts=1,
        captured=moment,
        exposure_us=10_000,
        analogue_gain=1.0,
    )


def make_finger(position: FingerPosition, moment: Instant, chance: random.Random) -> Finger:
    """One captured finger: 4-bit noise blocks, exactly as a sensor packs them."""
    width, height = FINGER_PX
    row = chance.randbytes(width // 2)
    packed = b"".join(row if y % 8 else (row := chance.randbytes(width // 2)) for y in range(height))
    press = Press(
        png=png4.encode(packed, width, height, 508),
        packed_sha256=hashlib.sha256(packed).digest(),
        width_px=width,
        height_px=height,
        ppi=508,
        bit_depth=4,
        quality=[QualityComponent(name="foreground", raw=0.8, score=80, passed=True)],
        at_monotonic_ns=moment.monotonic_ns,
    )
    return Finger(position=position, state=FingerState.CAPTURED, presses=[press], attempts=1)
