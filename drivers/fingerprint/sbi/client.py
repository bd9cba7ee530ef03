"""HTTP to the device service, with a deadline and a stop for every request. Only ever to 127.0.0.1.

A request runs in a thread of its own so that `stop` ends the wait at once; an abandoned request is cut by closing its
connection. The answer is bounded before it is parsed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from drivers.errors import DeviceLost, DeviceTimeout
from drivers.fingerprint.errors import SbiRejected
from drivers.fingerprint.uart import DEVICE, Interrupted

HOST = "127.0.0.1"
MAX_ANSWER_BYTES = 24 * 1024 * 1024
APPLICATION = "eid-station"
_LOOK_S = 0.1

_Outcome = tuple[int, bytes] | Exception


class SbiClient:
    """Speaks to one port.

    Args:
        port: of the device service.
        clock: monotonic seconds.
    """

    def __init__(self, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.port = port
        self._clock = clock

    def call(
        self, verb: str, path: str, body: dict[str, Any], timeout_s: float, stop: threading.Event | None = None
    ) -> Any:
        """One request; the parsed JSON of a 200 answer.

        Raises:
            DeviceLost: nobody listens or the connection broke.
            DeviceTimeout: no whole answer within `timeout_s`.
            SbiRejected: another status, too long, or not JSON.
            Interrupted: `stop` was set.
        """
        done: queue.Queue[_Outcome] = queue.Queue(1)
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout_s + 1.0)
        line = _Line()
        request = (connection, line, verb, path, body, done)
        runner = threading.Thread(target=_run, args=request, name="sbi", daemon=True)
        end = self._clock() + timeout_s
        runner.start()
        try:
            found = self._await(done, end, stop)
        finally:
            line.cut()
            connection.close()
            runner.join(_LOOK_S)
        if isinstance(found, TimeoutError):
            raise DeviceTimeout(device=DEVICE, after_s=timeout_s)
        if isinstance(found, SbiRejected):
            raise found
        if isinstance(found, Exception):
            raise DeviceLost(device=DEVICE) from found
        return _parsed(*found)

    def _await(self, done: queue.Queue[_Outcome], end: float, stop: threading.Event | None) -> _Outcome:
        started = self._clock()
        while True:
            if stop is not None and stop.is_set():
                raise Interrupted
            left = end - self._clock()
            if left <= 0:
                raise DeviceTimeout(device=DEVICE, after_s=round(end - started, 1))
            try:
                return done.get(timeout=min(_LOOK_S, left))
            except queue.Empty:
                continue


def _run(
    connection: http.client.HTTPConnection,
    line: _Line,
    verb: str,
    path: str,
    body: dict[str, Any],
    done: queue.Queue[_Outcome],
) -> None:
    """In the request's thread: everything that happens goes into the queue."""
    try:
        connection.connect()
        if not line.hold(connection.sock):
            return
        headers = {"EXT": APPLICATION, "Content-Type": "application/json", "Connection": "close"}
        connection.request(verb, path, json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        data = answer.read(MAX_ANSWER_BYTES + 1)
        if len(data) > MAX_ANSWER_BYTES:
            done.put(SbiRejected(device=DEVICE, reason="answer too long"))
        elif answer.length:  # read(n) does not complain about a body that ends early
            done.put(http.client.IncompleteRead(data, answer.length))
        else:
            done.put((answer.status, data))
    except Exception as error:
        done.put(error)


class _Line:
    """The socket of a request, which must stay cuttable: the connection itself forgets it as soon as an answer says
    that it is the last one, and would then be read for ever, a byte now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = False

    def hold(self, opened: socket.socket) -> bool:
        """Whether the request may go on; False where it was cut while it connected."""
        with self._lock:
            self._socket = opened
            return not self._cut

    def cut(self) -> None:
        """Ends a request that may still be reading in its thread."""
        with self._lock:
            self._cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


def _parsed(status: int, data: bytes) -> Any:
    if status != 200:
        raise SbiRejected(device=DEVICE, reason=f"HTTP status {status}")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise SbiRejected(device=DEVICE, reason="answer is not JSON") from None
