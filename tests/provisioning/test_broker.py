"""What a real mosquitto lets whom do, under the configuration that eid-fleet writes."""

from __future__ import annotations

import queue
import socket
import ssl
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTProtocolVersion
from paho.mqtt.enums import CallbackAPIVersion

from provisioning.broker import Broker, signal_running_broker
from provisioning.errors import BrokerFailed
from provisioning.fleet import Fleet
from provisioning.layout import StationLayout

DEADLINE_S = 15.0
CONNECT = bytes.fromhex("100f00044d5154540502003c0000027374")
"""MQTT 5 section 3.1: clean start, keep alive 60 s, no properties, client id `st` (which the broker replaces)."""


class Peer:
    """One MQTT 5 client whose callbacks only put; every wait has a deadline."""

    def __init__(self, port: int, client_id: str, certificate: Path | None, key: Path | None, authority: Path) -> None:
        self.connected: queue.Queue[str] = queue.Queue()
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.published: queue.Queue[str] = queue.Queue()
        self.subscribed: queue.Queue[str] = queue.Queue()
        self.disconnected: queue.Queue[str] = queue.Queue()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
        context = ssl.create_default_context(cafile=str(authority))
        if certificate is not None and key is not None:
            context.load_cert_chain(certificate, key)
        self.client.tls_set_context(context)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.connected.put(str(reason))
        self.client.on_connect_fail = lambda _c, _u: self.connected.put("failed")
        self.client.on_disconnect = lambda _c, _u, _f, reason, _p: self.disconnected.put(str(reason))
        self.client.on_message = self._on_message
        self.client.on_publish = lambda _c, _u, _m, reason, _p: self.published.put(str(reason))
        self.client.on_subscribe = lambda _c, _u, _m, reasons, _p: self.subscribed.put(str(reasons[0]))
        self.port = port

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self.messages.put((message.topic, message.payload))

    def __enter__(self) -> Self:
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def wait(self) -> str:
        return self.connected.get(timeout=DEADLINE_S)

    def publish(self, topic: str, payload: bytes = b"x") -> str:
        """The broker's reason for the PUBACK."""
        self.client.publish(topic, payload, qos=1)
        return self.published.get(timeout=DEADLINE_S)

    def subscribe(self, topic: str) -> str:
        self.client.subscribe(topic, qos=1)
        return self.subscribed.get(timeout=DEADLINE_S)

    def next(self) -> tuple[str, bytes]:
        return self.messages.get(timeout=DEADLINE_S)


def station(broker: Broker, layout: StationLayout, client_id: str = "") -> Peer:
    return Peer(broker.port, client_id, layout.tls_certificate, layout.tls_key, layout.ca_certificate)


def centre(broker: Broker) -> Peer:
    layout = broker.fleet.layout
    pair = layout.centre_certificate("centre-1"), layout.centre_tls_key("centre-1")
    return Peer(broker.port, "centre-1", *pair, layout.ca_certificate)


def alert(broker: Broker, layout: StationLayout | None) -> str:
    """OpenSSL's name of the TLS alert with which the broker turns a client away; empty where it lets it talk.

    In TLS 1.3 the client's handshake ends before the server has judged its certificate, and what the client sends can
    then overtake the alert; so TLS 1.2 here, where the alert ends the handshake. The other tests speak TLS 1.3.
    """
    context = ssl.create_default_context(cafile=str(broker.fleet.layout.ca_certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if layout is not None:
        context.load_cert_chain(layout.tls_certificate, layout.tls_key)
    try:
        with (
            socket.create_connection(("127.0.0.1", broker.port), timeout=DEADLINE_S) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            secure.sendall(CONNECT)
            secure.recv(1)
            return ""
    except ssl.SSLError as error:
        return str(error.reason)


def reload_until(found: Callable[[], bool], broker: Broker) -> None:
    """Tells the broker to read its lists again and waits until it shows."""
    broker.reload()
    deadline = time.monotonic() + DEADLINE_S
    while not found():
        assert time.monotonic() < deadline, broker.log.read_text()
        time.sleep(0.01)  # between looks; the deadline ends the wait


def test_a_station_reaches_the_centre_and_the_centre_the_station(broker: Broker, site: Any) -> None:
    """The paths that are meant to work do."""
    with centre(broker) as hub, station(broker, site.first) as desk:
        assert (hub.wait(), desk.wait()) == ("Success", "Success")
        hub.subscribe("eid/v1/st/+/up/#")
        desk.subscribe("eid/v1/st/st-0001/down/#")
        sent = desk.publish("eid/v1/st/st-0001/up/sync", b"up")
        answered = hub.publish("eid/v1/st/st-0001/down/receipt/1", b"down")

        assert (sent, answered) == ("Success", "Success")
        assert hub.next() == ("eid/v1/st/st-0001/up/sync", b"up")
        assert desk.next() == ("eid/v1/st/st-0001/down/receipt/1", b"down")


def test_nobody_connects_without_a_certificate(broker: Broker, site: Any) -> None:
    """Mutual TLS: who shows none is turned away before it can say anything; who shows his own may talk."""
    assert "HANDSHAKE_FAILURE" in alert(broker, None)
    assert alert(broker, site.first) == ""


def test_a_certificate_of_another_fleet_is_refused(broker: Broker, tmp_path: Path, now: datetime) -> None:
    """The name alone is worth nothing."""
    Fleet.create(tmp_path / "other", ["127.0.0.1"], now).add_station("st-0001", tmp_path / "foreign", now)

    assert "UNKNOWN_CA" in alert(broker, StationLayout(tmp_path / "foreign"))


def test_an_expired_certificate_is_refused(broker: Broker, site: Any, tmp_path: Path, now: datetime) -> None:
    """A station that nobody renewed does not get in; `eid-fleet check` says why (test_cli)."""
    site.fleet.add_station("st-0003", tmp_path / "old", now - timedelta(days=40), days=30)

    assert "CERTIFICATE_EXPIRED" in alert(broker, StationLayout(tmp_path / "old"))


def test_a_station_writes_only_into_its_own_tree(broker: Broker, site: Any) -> None:
    """MQTT 5 says so in the PUBACK, and the centre gets none of it."""
    with centre(broker) as hub, station(broker, site.first) as desk:
        assert (hub.wait(), desk.wait()) == ("Success", "Success")
        hub.subscribe("eid/v1/#")
        foreign = [
            "eid/v1/st/st-0002/up/sync",
            "eid/v1/st/st-0002/state",
            "eid/v1/st/st-0001/down/receipt/1",
            "eid/v1/centre/state",
            "anything",
        ]
        answers = [desk.publish(topic) for topic in foreign]
        desk.publish("eid/v1/st/st-0001/up/sync", b"mine")

        assert answers == ["Not authorized"] * len(foreign)
        assert hub.next() == ("eid/v1/st/st-0001/up/sync", b"mine")


def test_a_station_reads_only_its_own_tree(broker: Broker, site: Any) -> None:
    """mosquitto grants the subscription but filters at delivery: the foreign message never comes."""
    with centre(broker) as hub, station(broker, site.first) as desk:
        assert (hub.wait(), desk.wait()) == ("Success", "Success")
        desk.subscribe("#")
        for topic in ("eid/v1/st/st-0002/down/case/1", "eid/v1/st/st-0002/up/sync", "eid/v1/st/st-0001/up/sync"):
            hub.publish(topic, b"foreign")
        hub.publish("eid/v1/st/st-0001/down/case/1", b"mine")

        assert desk.next() == ("eid/v1/st/st-0001/down/case/1", b"mine")
        assert desk.messages.empty()


def test_the_client_id_is_the_certificates_name_whatever_the_client_says(broker: Broker, site: Any) -> None:
    """Else any station could take over the centre's session and swallow its messages."""
    with centre(broker) as hub:
        assert hub.wait() == "Success"
        with station(broker, site.first, client_id="centre-1") as thief:
            assert thief.wait() == "Success"
            hub.subscribe("eid/v1/st/+/up/#")
            thief.publish("eid/v1/st/st-0001/up/sync", b"own tree only")

            assert hub.next() == ("eid/v1/st/st-0001/up/sync", b"own tree only")
            assert hub.disconnected.empty()
    assert "as st-0001" in broker.log.read_text()


def test_a_revoked_station_is_shut_out(broker: Broker, site: Any, now: datetime) -> None:
    """SIGHUP: the list stops new connections, the access list mutes the one that stands; the others go on."""
    with centre(broker) as hub, station(broker, site.first) as gone, station(broker, site.second) as stays:
        assert (hub.wait(), gone.wait(), stays.wait()) == ("Success", "Success", "Success")
        site.fleet.revoke("st-0001", now)
        before = gone.publish("eid/v1/st/st-0001/up/sync")
        reload_until(lambda: gone.publish("eid/v1/st/st-0001/up/sync") == "Not authorized", broker)
        hub.subscribe("eid/v1/st/+/up/#")
        gone.publish("eid/v1/st/st-0001/up/sync", b"too late")
        stays.publish("eid/v1/st/st-0002/up/sync", b"goes on")

        assert before == "No matching subscribers"
        assert hub.next()[1] == b"goes on"
    assert "CERTIFICATE_REVOKED" in alert(broker, site.first)
    assert alert(broker, site.second) == ""


def test_renewed_certificates_work_beside_the_old_ones(
    broker: Broker, site: Any, tmp_path: Path, now: datetime
) -> None:
    """Broker and centre change one after the other; nobody is locked out in between."""
    layout = broker.fleet.layout
    old = tmp_path / "old.crt", tmp_path / "old.key"
    old[0].write_bytes(layout.centre_certificate("centre-1").read_bytes())
    old[1].write_bytes(layout.centre_tls_key("centre-1").read_bytes())
    server_before = (layout.broker / "server.crt").read_bytes()
    site.fleet.renew_certificates(now)
    broker.restart()

    with Peer(broker.port, "centre-1", *old, layout.ca_certificate) as hub:
        assert hub.wait() == "Success"
    with centre(broker) as hub:
        assert hub.wait() == "Success"
    assert (layout.broker / "server.crt").read_bytes() != server_before
    assert old[0].read_bytes() != layout.centre_certificate("centre-1").read_bytes()


def test_a_packet_over_the_limit_is_announced_and_refused(broker: Broker, site: Any) -> None:
    """CONNACK names the limit, which lies above the envelope's 2 MiB."""
    limits: queue.Queue[int] = queue.Queue()
    desk = station(broker, site.first)
    desk.client.on_connect = lambda _c, _u, _f, _r, properties: limits.put(properties.MaximumPacketSize)
    with desk:
        limit = limits.get(timeout=DEADLINE_S)

    assert limit == 2_228_224 > 2 * 1024 * 1024


def test_a_killed_broker_comes_back_on_its_port(broker: Broker, site: Any) -> None:
    """kill -9, start again, and clients find it where it was."""
    first = broker.pid
    broker.kill()
    stopped = broker.pid
    broker.start()

    assert stopped is None
    assert broker.pid not in (None, first)
    with station(broker, site.first) as desk:
        assert desk.wait() == "Success"


def test_a_port_that_is_taken_is_said_at_once(broker: Broker) -> None:
    """The system's reason, not a time-out, and not another broker's answer."""
    with pytest.raises(BrokerFailed) as failed:
        Broker(broker.fleet, broker.port).start()

    assert "in use" in str(failed.value.params["reason"])


def test_the_command_line_finds_the_broker_it_must_tell(broker: Broker, site: Any) -> None:
    """A running one is told; after its end there is none, and no stranger's process is signalled."""
    running = signal_running_broker(site.fleet)
    broker.stop()
    site.fleet.layout.broker.joinpath("mosquitto.pid").write_text("1\n")

    assert running
    assert not signal_running_broker(site.fleet)
