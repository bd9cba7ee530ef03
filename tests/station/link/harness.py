"""A site to test the link in: a real fleet, real mosquitto with mutual TLS, a small centre that signs receipts."""

from __future__ import annotations

import io
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from provisioning.broker import Broker
from provisioning.fleet import Fleet
from station.link import tls
from station.link.config import LinkConfig
from station.link.daemon import Clock, Daemon
from station.log import Log
from station.notify import Notifier
from station.spool import Spool, Writer
from wire import envelope, topics
from wire.envelope import EnvelopeType, Routing
from wire.keys import SealingKey, SigningKey
from wire.messages import (
    CaseRequest,
    CaseState,
    CentreState,
    Receipt,
    StationEvent,
    StationState,
    Status,
    Sync,
    Verdict,
)

DEADLINE_S = 20.0
FAST = {
    "resend_s": 0.5,
    "resend_max_s": 1.0,
    "reconnect_min_s": 0.05,
    "reconnect_max_s": 0.2,
    "poll_s": 0.03,
    "keepalive_s": 2,
    "state_interval_s": 0.2,
    "connect_timeout_s": 5.0,
}


def bundle_id(number: int) -> str:
    """A ULID of November 2026; a larger number is a later one."""
    return f"01KAGB9R00{number:016d}"


def until(holds: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Waits until `holds` is true; fails naming `what` after the deadline."""
    end = time.monotonic() + deadline_s
    idle = threading.Event()
    while not holds():
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        idle.wait(0.01)


def new_broker(root: Path) -> Broker:
    """A fleet of its own with a running mosquitto."""
    broker = Broker(Fleet.create(root / "fleet", ["127.0.0.1", "localhost"], datetime.now(UTC)))
    broker.start()
    return broker


class Site:
    """One new station of the broker's fleet, its keys and its folders."""

    def __init__(self, root: Path, broker: Broker) -> None:
        self.root, self.broker, self.fleet = root, broker, broker.fleet
        self.station = f"st-{len(self.fleet.stations()):04d}"
        self.keys = root / "station"
        self.record = self.fleet.add_station(self.station, self.keys, datetime.now(UTC))
        self.state_dir = root / "state"
        self.spool = Spool(self.state_dir)
        self.spool.prepare(Writer.CAPTURE)
        self.signing = SigningKey.from_json((self.keys / "capture/signing.json").read_bytes())
        self.centre_sealing = SealingKey.from_json((self.keys / "capture/centre-sealing.json").read_bytes())
        self.centre_signing = SigningKey.from_json(self.fleet.layout.centre_signing_key.read_bytes())

    def values(self, **changes: object) -> dict[str, object]:
        """What a configuration file of this site holds."""
        link = self.keys / "link"
        return {
            "station_id": self.station,
            "state_dir": str(self.state_dir),
            "host": "127.0.0.1",
            "port": self.broker.port,
            "cafile": str(link / "ca.crt"),
            "certfile": str(link / "tls.crt"),
            "keyfile": str(link / "tls.key"),
            "centre_keys": [str(link / "centre-verifying.json")],
            **FAST,
            **changes,
        }

    def config(self, **changes: object) -> LinkConfig:
        return LinkConfig.model_validate(self.values(**changes))

    def config_file(self, **changes: object) -> Path:
        path = self.root / "link.toml"
        path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in self.values(**changes).items()))
        return path

    def seal(self, number: int, size_bytes: int = 2000) -> bytes:
        routing = Routing(EnvelopeType.BUNDLE, self.station, "centre", bundle_id(number))
        return envelope.seal(os.urandom(size_bytes), routing, [self.signing], [self.centre_sealing], os.urandom)

    def put(self, number: int, size_bytes: int = 2000) -> bytes:
        """A sealed bundle in the outbox, as the capture daemon puts it there."""
        data = self.seal(number, size_bytes)
        assert self.spool.put_bundle(bundle_id(number), data)
        return data

    def seal_case(self, dossier_id: str, recipient: str | None = None, signer: SigningKey | None = None) -> bytes:
        routing = Routing(EnvelopeType.CASE, "centre", recipient or self.station, dossier_id)
        signers = [signer or self.centre_signing]
        return envelope.seal(b"case", routing, signers, [self.record.sealing()], os.urandom)

    def outbox(self) -> list[str]:
        return [file.bundle_id for file in self.spool.outbox()]

    def quarantined(self) -> dict[str, str]:
        return {found.name: found.reason for found in self.spool.quarantined()}

    def online(self) -> bool:
        """Whether the link runs, is connected and subscribed."""
        state = self.spool.link_state()
        return state is not None and state.connected and self.spool.link_running()

    def error_shown(self) -> str | None:
        """The message_id the capture daemon would show."""
        state = self.spool.link_state()
        return state.last_error.message_id if state and state.last_error else None


class Centre:
    """Commits bundles in memory and answers with signed receipts. What it does wrong is told to it.

    Attributes:
        stored: bundle id to the SHA-256 of what was committed.
        seen: how often each bundle came.
        silent: commit, but send no receipts.
        make_receipts: what is published for one envelope; replaced by tests of broken receipts.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.stored: dict[str, bytes] = {}
        self.seen: dict[str, int] = {}
        self.syncs: list[Sync] = []
        self.events: list[tuple[str, str | None, str | None]] = []
        self.requests: list[str] = []
        self.states: list[StationState] = []
        self.silent = False
        self.make_receipts: Callable[[str, bytes], list[bytes]] = lambda name, data: [self.receipt(name, data)]
        self._client: Client | None = None
        self._subscribed = threading.Event()
        self._fresh = True
        self.failure: BaseException | None = None

    def receipt(
        self,
        name: str,
        data: bytes,
        verdict: Verdict | None = None,
        code: str | None = None,
        signer: SigningKey | None = None,
        station: str | None = None,
    ) -> bytes:
        verdict = verdict or (Verdict.DUPLICATE if self.seen.get(name, 0) > 1 else Verdict.STORED)
        message = Receipt(
            station_id=station or self._site.station,
            bundle_id=name,
            envelope_sha256=envelope.digest(data),
            verdict=verdict,
            code=code,
            at_ms=time.time_ns() // 1_000_000,
        )
        return message.signed(signer or self._site.centre_signing)

    def status(self, name: str, sequence: int, state: CaseState = CaseState.CHECKING) -> bytes:
        message = Status(
            station_id=self._site.station,
            bundle_id=name,
            dossier_id=name,
            sequence=sequence,
            state=state,
            at_ms=time.time_ns() // 1_000_000,
        )
        return message.signed(self._site.centre_signing)

    def centre_state(self, accepting: bool, at_ms: int | None = None) -> bytes:
        at_ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
        return CentreState(accepting=accepting, at_ms=at_ms).signed(self._site.centre_signing)

    def start(self) -> None:
        layout = self._site.fleet.layout
        client = Client(CallbackAPIVersion.VERSION2, "centre-1", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True)
        context = ssl.create_default_context(cafile=str(layout.ca_certificate))
        context.load_cert_chain(layout.centre_certificate("centre-1"), layout.centre_tls_key("centre-1"))
        # paho leaves the socket of a failed handshake to the garbage collector, which pytest would report.
        context.sslsocket_class = tls.ClosingSocket
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = self._on_message
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", self._site.broker.port, 5, clean_start=self._fresh, properties=properties)
        self._fresh = False
        self._subscribed.clear()
        self._client = client
        client.loop_start()
        assert self._subscribed.wait(DEADLINE_S)

    def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
        assert self.failure is None, self.failure

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        assert self._client is not None
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(DEADLINE_S)

    def _on_connect(self, client: Client, *_: object) -> None:
        station = self._site.station
        client.subscribe([(topics.up_bundle(station, "x").replace("bundle/x", "#"), 1), (topics.state(station), 1)])

    def _on_message(self, client: Client, _: object, message: MQTTMessage) -> None:
        try:
            self._take(client, message)
            client.ack(message.mid, message.qos)
        except BaseException as error:
            self.failure = error

    def _take(self, client: Client, message: MQTTMessage) -> None:
        parsed = topics.parse(message.topic)
        assert parsed is not None
        data = bytes(message.payload)
        match parsed.direction, parsed.kind:
            case "state", _:
                self.states.append(StationState.decode(data))
            case _, "bundle":
                self._commit(parsed.name, data)
                for receipt in [] if self.silent else self.make_receipts(parsed.name, data):
                    client.publish(topics.down_receipt(self._site.station, parsed.name), receipt, qos=1)
            case _, "sync":
                self.syncs.append(Sync.decode(data))
                for waiting in self.syncs[-1].outstanding:
                    stored = self.stored.get(waiting.bundle_id)
                    if stored is not None and not self.silent and envelope.digest(stored) == waiting.envelope_sha256:
                        again = self.receipt(waiting.bundle_id, stored, Verdict.STORED)
                        client.publish(topics.down_receipt(self._site.station, waiting.bundle_id), again, qos=1)
            case _, "event":
                event = StationEvent.decode(data)
                self.events.append((event.kind, event.subject, event.detail))
            case _, "request":
                self.requests.append(CaseRequest.decode(data).dossier_id)

    def _commit(self, name: str, data: bytes) -> None:
        verified = envelope.verify(envelope.parse(data), self._site.record.verifying())
        assert verified.routing.object_id == name
        self.seen[name] = self.seen.get(name, 0) + 1
        self.stored.setdefault(name, data)


class LinkThread:
    """The daemon in a thread of this process, with a log one can read."""

    def __init__(self, config: LinkConfig, clock: Clock | None = None) -> None:
        self.stream = io.StringIO()
        clock = clock or Clock()
        log = Log(self.stream, "link", lambda: clock.now().wall_ms, debug=True)
        self.daemon = Daemon(config, log, Notifier({}), clock, lambda: 0.5)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="link-under-test", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.daemon.run()
        except BaseException as error:
            self.error = error

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def said(self, code: str) -> int:
        return sum(event["event"] == code for event in self.events())

    def stop(self) -> None:
        self.daemon.stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the link did not end"
        if self.error is not None:
            raise self.error


@contextmanager
def link(config: LinkConfig, clock: Clock | None = None) -> Iterator[LinkThread]:
    """The link for the length of a test; it must end in order."""
    running = LinkThread(config, clock)
    try:
        yield running
    finally:
        running.stop()


class LinkProcess:
    """The link as a process of its own, to be killed."""

    def __init__(self, config_file: Path, log: Path) -> None:
        self._command = [sys.executable, "-m", "station.link", str(config_file)]
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE_S)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DEADLINE_S)
