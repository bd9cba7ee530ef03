"""The HTTP client: a service that never ends its answer holds neither a thread nor a socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from drivers.errors import DeviceTimeout
from drivers.fingerprint.sbi.client import SbiClient

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"


@pytest.fixture
def trickling_port() -> Iterator[int]:
    """A service that says that it will close, and then sends a byte now and then for as long as anybody listens."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            try:
                connection.sendall(HEAD)
                while not ended.wait(0.05):
                    connection.sendall(b" ")
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1]
    ended.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_a_request_that_was_given_up_leaves_no_thread(trickling_port: int) -> None:
    """Cut at its deadline, although the answer said that the connection closes."""
    client = SbiClient(trickling_port)
    for _ in range(3):
        with pytest.raises(DeviceTimeout):
            client.call("SBIDISC", "/device", {}, 0.3)
    deadline = time.monotonic() + 5.0
    while any(thread.name == "sbi" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not [thread for thread in threading.enumerate() if thread.name == "sbi"]
