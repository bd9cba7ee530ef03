"""Which sentence fits which failure of TLS: real certificates, real handshakes, and clocks that are wrong."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.certificates import Authority
from station.link import tls
from station.link.config import LinkConfig
from wire.keys import SigningKey

NOW = datetime.now(UTC)


class Files:
    """An authority, a broker's and a station's certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority.create("ca", NOW - timedelta(days=400), 10)
        (folder / "ca.crt").write_bytes(self.authority.certificate_pem)
        (folder / "centre.json").write_text(SigningKey.generate().verifying_key.to_json())
        self.server("127.0.0.1", NOW - timedelta(days=1), 10)
        self.station(NOW - timedelta(days=1), 90)

    def server(self, name: str, begin: datetime, days: int) -> None:
        made = self.authority.issue_server([name], begin, days)
        (self.folder / "server.crt").write_bytes(made.certificate_pem)
        (self.folder / "server.key").write_bytes(made.key_pem)

    def station(self, begin: datetime, days: int) -> None:
        made = self.authority.issue_client("st-0001", "urn:eid:station:st-0001", begin, days)
        (self.folder / "tls.crt").write_bytes(made.certificate_pem)
        (self.folder / "tls.key").write_bytes(made.key_pem)

    def config(self) -> LinkConfig:
        return LinkConfig(
            station_id="st-0001",
            state_dir=self.folder,
            host="127.0.0.1",
            cafile=self.folder / "ca.crt",
            certfile=self.folder / "tls.crt",
            keyfile=self.folder / "tls.key",
            centre_keys=[self.folder / "centre.json"],
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def handshake(files: Files, now: datetime = NOW) -> str | None:
    """The message_id a handshake with this broker ends in; None where it works."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.folder / "ca.crt"))
    context.load_cert_chain(files.folder / "server.crt", files.folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    theirs.settimeout(10)

    def serve() -> None:
        try:
            with context.wrap_socket(theirs, server_side=True) as server:
                server.send(b"x")
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    config, now_ms = files.config(), int(now.timestamp() * 1000)
    try:
        with tls.context(config).wrap_socket(ours, server_hostname=config.host) as client:
            client.recv(1)
        return None
    except OSError as error:
        return tls.explain(error, config, now_ms).message_id
    finally:
        ours.close()
        thread.join(10)


def test_it_works_when_all_is_well(files: Files) -> None:
    assert handshake(files) is None


def test_a_broker_certificate_that_expired(files: Files) -> None:
    files.server("127.0.0.1", NOW - timedelta(days=30), 10)

    assert handshake(files) == "error.link.broker.expired"


def test_a_broker_certificate_of_the_future_means_a_wrong_clock(files: Files) -> None:
    files.server("127.0.0.1", NOW + timedelta(days=30), 10)

    assert handshake(files) == "error.link.clock"


def test_a_clock_in_1970_is_named_and_not_the_certificate(files: Files) -> None:
    """LINK-036: with the clock before the station's own certificate, any complaint about dates is the clock's."""
    files.server("127.0.0.1", NOW - timedelta(days=30), 10)

    assert handshake(files, datetime(1970, 1, 1, 5, tzinfo=UTC)) == "error.link.clock"


def test_a_broker_of_another_name(files: Files) -> None:
    files.server("localhost", NOW - timedelta(days=1), 10)

    assert handshake(files) == "error.link.broker.name"


def test_a_broker_of_another_authority(files: Files) -> None:
    other = Authority.create("other", NOW, 1)
    made = other.issue_server(["127.0.0.1"], NOW, 10)
    (files.folder / "server.crt").write_bytes(made.certificate_pem)
    (files.folder / "server.key").write_bytes(made.key_pem)

    assert handshake(files) == "error.link.broker.untrusted"


def test_our_certificate_expired(files: Files) -> None:
    files.station(NOW - timedelta(days=100), 30)

    assert handshake(files) == "error.link.certificate.expired"


def test_our_certificate_is_of_another_authority(files: Files) -> None:
    other = Authority.create("other", NOW, 1)
    made = other.issue_client("st-0001", "urn:eid:station:st-0001", NOW, 10)
    (files.folder / "tls.crt").write_bytes(made.certificate_pem)
    (files.folder / "tls.key").write_bytes(made.key_pem)

    assert handshake(files) == "error.link.certificate.revoked"


def test_somebody_who_speaks_no_tls_at_all(files: Files) -> None:
    ours, theirs = socket.socketpair()
    theirs.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with ours, theirs, pytest.raises(ssl.SSLError) as caught:
        tls.context(files.config()).wrap_socket(ours, server_hostname="127.0.0.1")

    assert tls.explain(caught.value, files.config(), 0).message_id == "error.link.tls"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (socket.gaierror(-2, "Name or service not known"), "error.link.unknown_host"),
        (ConnectionRefusedError(111, "refused"), "error.link.unreachable"),
        (TimeoutError(), "error.link.unreachable"),
        (OSError(101, "Network is unreachable"), "error.link.unreachable"),
    ],
)
def test_what_fails_before_tls(files: Files, error: OSError, expected: str) -> None:
    assert tls.explain(error, files.config(), 0).message_id == expected
