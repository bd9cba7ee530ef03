"""One connection to the broker by paho-mqtt, from attempt to end. Each connection is a new session object.

Threads: `link-connect` (name lookup, TCP, TLS; ends) and paho's own network thread. Both only put values into the
owner's inbox, tagged with the session's generation, so that what an abandoned session still says is recognised. paho
never holds more than the brain handed over: the outbox is the queue. paho never reconnects by itself, never falls
back to another protocol version, and acknowledges a message only after the owner has kept it (manual_ack).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from station.link import tls
from station.link.config import LinkConfig
from station.link.errors import LinkError
from wire import topics
from wire.envelope import MAX_ENVELOPE_BYTES
from wire.messages import StationState

RECEIVE_MAXIMUM = 20
"""Messages the broker may send before the first is acknowledged."""

MAX_PACKET_BYTES = MAX_ENVELOPE_BYTES + 4096
"""What we take in one packet: an envelope and its topic."""

NETWORK_THREAD = "paho-mqtt-client-"


@dataclass(frozen=True, slots=True)
class Failed:
    """No connection. `error`: what the socket, TLS or the files said."""

    error: OSError | LinkError


@dataclass(frozen=True, slots=True)
class Answered:
    """CONNACK."""

    code: int
    session_present: bool
    max_packet_bytes: int | None


@dataclass(frozen=True, slots=True)
class Granted:
    """SUBACK."""

    code: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over. `text`: what paho last complained about, for the TLS alert in it."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """PUBACK."""

    mid: int
    code: int


@dataclass(frozen=True, slots=True)
class Message:
    """A PUBLISH of the broker; `mid` is owed an acknowledgement where `qos` is 1."""

    topic: str
    payload: bytes
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class Pong:
    """PINGRESP."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """An exception nobody expected, in a thread that is not the owner."""

    error: BaseException


Said = Failed | Answered | Granted | Ended | Acknowledged | Message | Pong | Crashed

Post = Callable[[int, Said], None]
"""Puts into the owner's inbox; must never block or raise."""


class Session:
    """One connection.

    Args:
        config: read files and addresses from here.
        generation: tags everything this session says.
        post: the owner's inbox.
        will: published by the broker when we vanish.
    """

    def __init__(self, config: LinkConfig, generation: int, post: Post, will: StationState) -> None:
        self._config = config
        self._generation = generation
        self._post = post
        self._will = will
        self._client: Client | None = None
        self._complaint = ""
        self._abandoned = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._connect, name="link-connect", daemon=True).start()

    def subscribe(self) -> None:
        station = self._config.station_id
        self._of().subscribe([(topics.all_downlinks(station), 1), (topics.CENTRE_STATE, 1)])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Hands over with QoS 1; the packet id, which Acknowledged will name."""
        return self._of().publish(topic, payload, qos=1, retain=retain).mid

    def acknowledge(self, message: Message) -> None:
        if message.qos:
            self._of().ack(message.mid, message.qos)

    def leave(self) -> None:
        """Says goodbye (no will is published); ends in Ended."""
        if self._client is not None:
            self._client.disconnect()

    def abandon(self) -> None:
        """Cuts the connection without a word; whatever still comes from it is of an old generation."""
        self._abandoned.set()
        client = self._client
        # The network thread notices the closed socket and ends; it may be about to close it itself.
        if client is not None and isinstance(sock := client.socket(), socket.socket):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _of(self) -> Client:
        if self._client is None:
            raise RuntimeError("the session has no connection yet")
        return self._client

    def _say(self, said: Said) -> None:
        self._post(self._generation, said)

    def _connect(self) -> None:
        try:
            client = self._make()
            arguments: dict[str, Any] = {}
            if self._config.mqtt_version == 5:
                arguments = {"clean_start": False, "properties": _connect_properties(self._config)}
            client.connect(self._config.host, self._config.port, self._config.keepalive_s, **arguments)
            self._client = client
            client.loop_start()
            if self._abandoned.is_set():
                self.abandon()
        except (OSError, LinkError) as error:
            self._say(Failed(error))
        except BaseException as error:
            self._say(Crashed(error))

    def _make(self) -> Client:
        config = self._config
        five = config.mqtt_version == 5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.station_id,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = config.connect_timeout_s
        client.tls_set_context(tls.context(config))
        client.will_set(topics.state(config.station_id), self._will.encode(), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        return client

    # paho's callbacks: an exception here would end the network thread, so each only puts a value into the inbox.

    def _on_connect(
        self, client: Client, _u: Any, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        # CONNACK can come before the connecting thread has stored the client.
        self._client = client
        limit = getattr(properties, "MaximumPacketSize", None)
        self._say(Answered(code.value, bool(flags.session_present), limit if isinstance(limit, int) else None))

    def _on_subscribe(self, _c: Client, _u: Any, _mid: int, codes: list[ReasonCode], _p: Any) -> None:
        self._say(Granted(max((code.value for code in codes), default=0x80)))

    def _on_publish(self, _c: Client, _u: Any, mid: int, code: ReasonCode, _p: Any) -> None:
        self._say(Acknowledged(mid, code.value))

    def _on_message(self, _c: Client, _u: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._say(Message(topic, bytes(message.payload), message.mid, message.qos))

    def _on_disconnect(self, _c: Client, _u: Any, flags: DisconnectFlags, code: ReasonCode, _p: Any) -> None:
        named = code.value if flags.is_disconnect_packet_from_server else 0
        self._say(Ended(named, self._complaint))

    def _on_log(self, _c: Client, _u: Any, level: int, text: str) -> None:
        # The only place where paho tells of a PINGRESP or of a TLS alert after the handshake.
        if level == LogLevel.MQTT_LOG_ERR:
            self._complaint = text
        elif text == "Received PINGRESP":
            self._say(Pong())


def _connect_properties(config: LinkConfig) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = config.session_expiry_days * 86_400
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = MAX_PACKET_BYTES
    return properties
