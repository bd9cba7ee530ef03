"""The centre's connection to the broker: one thread, one loop, one client.

Reads messages in batches, hands them to ingest, publishes what ingest returns and what waits in the outbound table,
then acknowledges. The client runs in this loop and not in a thread of its own, so no callback ever runs beside a
transaction. A message of an older connection is not acknowledged on a newer one: the broker delivers it again. Must
never hold a message back because another could not be published.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from central import log
from central.clock import NowMs
from central.config import BrokerConfig, IngestConfig
from central.errors import BrokerUnreachable
from central.ingest import Ingest, Message
from central.keys import CentreKeys
from central.store import outbound
from central.store.engine import Store
from central.store.outbound import Outgoing
from wire import topics
from wire.envelope import MAX_ENVELOPE_BYTES
from wire.messages import CentreState
from wire.signed import MessageRejected

SESSION_S = 7 * 24 * 3600
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 30.0
CONNECT_DEADLINE_S = 10.0
STATE_EVERY_S = 60.0
PRUNE_EVERY_S = 3600.0
GATHER_S = 0.01
IN_FLIGHT = 200
"""Most outbound rows handed to the client and not yet acknowledged by the broker."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    message: Message
    mid: int
    qos: int
    connection: int


class Link:
    """One worker's link.

    Args:
        now_ms: wall clock for what is written and signed; waiting uses the monotonic clock.
    """

    def __init__(
        self,
        config: BrokerConfig,
        ingest_config: IngestConfig,
        store: Store,
        ingest: Ingest,
        keys: CentreKeys,
        now_ms: NowMs,
    ) -> None:
        self._config = config
        self._limits = ingest_config
        self._store = store
        self._ingest = ingest
        self._keys = keys
        self._now_ms = now_ms
        self._connection = 0
        self._connected = False
        self._trouble: str | None = None
        self._inbox: list[_Delivery] = []
        self._publishing: dict[int, int | None] = {}
        self._published: list[int] = []
        self._next = {"outbound": 0.0, "state": 0.0, "prune": 0.0}
        self._client = self._make_client()

    def run(self, running: Callable[[], bool]) -> None:
        """Until `running` says no. Raises StoreUnavailable; then nothing unacknowledged is lost."""
        failures = 0
        while running():
            if not self._connected and not self._connect():
                failures += 1
                self._pause(min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(failures, 10)) * random.random(), running)
                continue
            failures = 0
            self._turn()
        self._leave()

    def _turn(self) -> None:
        """One round: read what is there, store it, publish, acknowledge."""
        self._read()
        if self._inbox:
            batch, self._inbox = self._inbox, []
            for sent in self._ingest.take([delivery.message for delivery in batch]):
                self._publish(sent)
            for delivery in batch:
                if delivery.connection == self._connection:
                    self._client.ack(delivery.mid, delivery.qos)
        now = time.monotonic()
        if now >= self._next["outbound"] or batch_follows(self._published):
            self._next["outbound"] = now + self._limits.outbound_poll_s
            self._outbound()
        if now >= self._next["state"]:
            self._next["state"] = now + STATE_EVERY_S
            self._publish_state()
        if now >= self._next["prune"]:
            self._next["prune"] = now + PRUNE_EVERY_S
            with self._store.write() as connection:
                outbound.prune(connection, self._now_ms())

    def _read(self) -> None:
        """Fills the inbox: until the batch is full, or a moment after its first message. Waits briefly for that one.

        The moment is for the rest of a batch on its way: a transaction costs as much for twenty as for one.
        """
        until = time.monotonic() + min(self._limits.outbound_poll_s, 0.05)
        while self._connected and len(self._inbox) < self._limits.batch:
            was_empty = not self._inbox
            if self._client.loop(timeout=max(0.0, until - time.monotonic())) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._connected = False
            now = time.monotonic()
            if was_empty and self._inbox:
                until = now + GATHER_S
            if now >= until:
                return

    def _outbound(self) -> None:
        done, self._published = self._published, []
        in_flight = [row for row in self._publishing.values() if row is not None]
        if done:
            with self._store.write() as connection:
                outbound.mark_published(connection, done, self._now_ms())
        free = IN_FLIGHT - len(in_flight)
        if free <= 0 or not self._connected:
            return
        with self._store.read() as connection:
            rows = outbound.waiting(connection, in_flight, free)
        for row in rows:
            self._publish(row)

    def _publish(self, sent: Outgoing) -> None:
        # Whatever its return code, the client keeps a QoS 1 message and sends it on the next connection.
        self._publishing[self._client.publish(sent.topic, sent.payload, qos=1).mid] = sent.row_id

    def _publish_state(self) -> None:
        self._client.publish(topics.CENTRE_STATE, self._state(accepting=True), qos=1, retain=True)

    def _state(self, *, accepting: bool) -> bytes:
        return CentreState(accepting=accepting, at_ms=self._now_ms()).signed(self._keys.signing)

    def _connect(self) -> bool:
        """One try. The client keeps what was not acknowledged and sends it again."""
        self._client.will_set(topics.CENTRE_STATE, self._state(accepting=False), qos=1, retain=True)
        try:
            self._open()
        except (OSError, ValueError) as error:
            return self._unreachable(_reason(error))
        until = time.monotonic() + CONNECT_DEADLINE_S
        while not self._connected and time.monotonic() < until:
            status = self._client.loop(timeout=0.1)
            if status != MQTTErrorCode.MQTT_ERR_SUCCESS:
                # A client certificate that the broker refuses shows here: TLS 1.3 tells it after the handshake.
                return self._unreachable(MQTTErrorCode(status).name)
        return self._connected or self._unreachable("no answer")

    def _unreachable(self, reason: str) -> bool:
        """Said once for each new reason, not at every try."""
        if reason != self._trouble:
            log.warning("broker_unreachable", host=self._config.host, port=self._config.port, reason=reason)
        self._trouble = reason
        return False

    def _open(self) -> None:
        config = self._config
        if config.protocol == "3.1.1":
            self._client.connect(config.host, config.port, config.keepalive_s)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = max(20, 2 * self._limits.batch)
        properties.MaximumPacketSize = MAX_ENVELOPE_BYTES + 64 * 1024
        self._client.connect(config.host, config.port, config.keepalive_s, clean_start=False, properties=properties)

    def _make_client(self) -> mqtt.Client:
        newest = self._config.protocol == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._config.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if newest else MQTTProtocolVersion.MQTTv311,
            clean_session=None if newest else False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.tls_set_context(_tls(self._config))
        client.connect_timeout = CONNECT_DEADLINE_S
        client.max_inflight_messages_set(IN_FLIGHT)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, reason: object, _p: object
    ) -> None:
        if getattr(reason, "is_failure", bool(reason)):
            log.warning("broker_refused", reason=str(reason))
            return
        self._connected = True
        self._trouble = None
        self._connection += 1
        prefix = f"$share/{self._config.group}/" if self._config.group else ""
        uplinks = [(prefix + topics.ALL_UPLINKS, 1), (prefix + topics.ALL_STATION_STATES, 1)]
        client.subscribe([*uplinks, (topics.CENTRE_STATE, 1)])
        self._next["state"] = self._next["outbound"] = 0.0
        log.event("connected", session_present=flags.session_present)

    def _on_disconnect(self, _client: mqtt.Client, _data: object, _flags: object, reason: object, _p: object) -> None:
        if self._connected:
            log.warning("disconnected", reason=str(reason))
        self._connected = False

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == topics.CENTRE_STATE:
            self._client.ack(message.mid, message.qos)
            self._heard_of_centre(bytes(message.payload))
            return
        found = Message(message.topic, bytes(message.payload))
        self._inbox.append(_Delivery(found, message.mid, message.qos, self._connection))

    def _heard_of_centre(self, payload: bytes) -> None:
        """Another worker's goodbye or will must not stop the stations while this one takes what they send."""
        try:
            accepting = CentreState.verified(payload, [self._keys.signing.verifying_key]).accepting
        except MessageRejected:
            accepting = False
        if not accepting:
            self._next["state"] = 0.0

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, _reason: object, _p: object) -> None:
        row_id = self._publishing.pop(mid, None)
        if row_id is not None:
            self._published.append(row_id)

    def _pause(self, pause_s: float, running: Callable[[], bool]) -> None:
        until = time.monotonic() + pause_s
        while running() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _leave(self) -> None:
        """Says that the centre takes nothing now, and goes."""
        if not self._connected:
            return
        self._client.publish(topics.CENTRE_STATE, self._state(accepting=False), qos=1, retain=True)
        until = time.monotonic() + 2.0
        while self._connected and self._client.want_write() and time.monotonic() < until:
            self._client.loop(timeout=0.05)
        self._outbound()
        self._client.disconnect()
        log.event("left")


def batch_follows(published: list[int]) -> bool:
    """Whether enough acknowledgements have come together for a transaction of their own."""
    return len(published) >= IN_FLIGHT // 2


def _tls(config: BrokerConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(config.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(config.certificate_file), str(config.key_file))
    except OSError as error:
        raise BrokerUnreachable(host=config.host, port=config.port, reason=_reason(error)) from None
    return context


def _reason(error: Exception) -> str:
    """Of a TLS error what the verification said, e.g. that a certificate has expired or is not valid yet."""
    detail = (
        getattr(error, "verify_message", None) or getattr(error, "strerror", None) or getattr(error, "reason", None)
    )
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
