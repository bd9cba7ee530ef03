"""The control socket of the emulated panel: another process plays the hands and the eyes.

One thread, `panel-control`, serves everybody. Must never hold up the process it lives in: sockets do not block, a
watcher that reads too slowly is dropped, a hold is a time in the agenda and not a sleep. Only the own user (and root)
may connect.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import selectors
import socket
import stat
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from drivers.panel.control import MAX_LINE_BYTES, Command, Malformed, Operation, chatter, form, parse
from drivers.panel.errors import PanelSocketUnusable

MAX_CLIENTS = 16
MAX_UNSENT_BYTES = 64 * 1024
LONGEST_PATH_BYTES = 107

QUIET_S = 0.002
"""A colour is three lines; changes this close together are told as one."""

LONGEST_BATCH_S = 0.01


class Lines(Protocol):
    """What the server asks of the pins. Called from its thread only."""

    def drive(self, pin: str | int, pressed: bool) -> str:
        """Presses or releases a button; returns its name. Raises Malformed for a line that is not a button's."""
        ...

    def outputs(self) -> dict[str, Any]:
        """Every output by name: `status` as [red, green, blue], the others as a number, 0..1."""
        ...

    def inputs(self) -> dict[str, bool]:
        """Every button by name, True when down."""
        ...


@dataclass(slots=True, eq=False)
class _Client:
    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    watching: bool = False
    gone: bool = False


class ControlServer:
    """Serves the socket from `open` to `close`."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self._path = path
        self._lines = lines
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._clients: list[_Client] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changes: deque[int] = deque(maxlen=1024)
        self._told: dict[str, Any] = {}
        self._batch: tuple[int, float, float] | None = None
        self._stopping = False
        self._held = threading.Event()
        self._listener: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="panel-control", daemon=True)

    def open(self) -> None:
        """Binds and starts. Raises PanelSocketUnusable."""
        try:
            self._listener = _listen(self._path)
        except BaseException:
            self._shut()
            raise
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread.start()

    def hold(self) -> None:
        """Commands wait from now on: nobody may touch lines that are just being claimed."""
        self._held.set()

    def release(self) -> None:
        """What waited is carried out, in its order."""
        self._held.clear()
        self._wake()

    def changed(self) -> None:
        """An output changed now. Any thread; returns at once."""
        self._changes.append(time.monotonic_ns())
        self._wake()

    def close(self, timeout_s: float = 2.0) -> None:
        """Ends all conversations and removes the socket. Safe to call twice."""
        self._stopping = True
        self._wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _wake(self) -> None:
        # A full pipe has a wake-up in it already.
        with contextlib.suppress(BlockingIOError, OSError):
            self._wake_write.send(b"\0")

    def _serve(self) -> None:
        try:
            self._told = self._lines.outputs()
            while not self._stopping:
                for key, events in self._selector.select(self._wait_s()):
                    self._ready(key, events)
                for client in self._clients:
                    self._take_lines(client)
                self._run_agenda()
                self._tell_changes()
                self._drop_gone()
            # The lights went out just now: watchers shall know.
            self._tell_changes(last=True)
        finally:
            self._shut()

    def _ready(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._listener:
            self._accept()
        elif key.fileobj is self._wake_read:
            with contextlib.suppress(BlockingIOError):
                while self._wake_read.recv(4096):
                    pass
        else:
            client: _Client = key.data
            if events & selectors.EVENT_READ:
                self._receive(client)
            if events & selectors.EVENT_WRITE:
                self._flush(client)

    def _wait_s(self) -> float | None:
        due = [self._agenda[0][0]] if self._agenda else []
        if self._batch is not None:
            due.append(min(self._batch[1], self._batch[2]))
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MAX_CLIENTS or not _is_ours(connection):
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            client.gone = True
            return
        client.received += data
        self._take_lines(client)
        if len(client.received) > MAX_LINE_BYTES:
            self._send(client, {"ok": False, "error": f"line is longer than {MAX_LINE_BYTES} bytes"})
            client.gone = True

    def _take_lines(self, client: _Client) -> None:
        if self._held.is_set() or client.gone:
            return
        while (end := client.received.find(b"\n")) >= 0:
            line = bytes(client.received[:end])
            del client.received[: end + 1]
            if line.strip():
                self._command(client, line)

    def _command(self, client: _Client, line: bytes) -> None:
        reply: dict[str, Any] = {"ok": True}
        try:
            command = parse(line)
            reply["op"] = command.op.value
            if command.id is not None:
                reply["id"] = command.id
            self._carry_out(client, command, reply)
        except Malformed as error:
            self._send(client, {**reply, "ok": False, "error": str(error)})

    def _carry_out(self, client: _Client, command: Command, reply: dict[str, Any]) -> None:
        now_ns = time.monotonic_ns()
        if command.op is Operation.GET:
            state = {"outputs": self._lines.outputs(), "inputs": self._lines.inputs()}
            self._send(client, {**reply, **state, "monotonic_ns": now_ns})
            return
        if command.op is Operation.WATCH:
            client.watching = True
            self._send(client, {**reply, "monotonic_ns": now_ns})
            # Outputs that never changed have not been told of yet.
            self._told = {**self._lines.outputs(), **self._told}
            for name, value in self._told.items():
                self._send(client, _output(name, value, now_ns))
            return
        assert command.pin is not None
        pin, edges = command.pin, _edges(command)
        self._drive(pin, edges[0][1])
        reply["monotonic_ns"] = now_ns
        begun_s = time.monotonic()
        for offset_s, pressed in edges[1:]:
            self._at(begun_s + offset_s, partial(self._drive, pin, pressed))
        # The reply comes when the touch is over, so that the caller need not guess.
        self._at(begun_s + edges[-1][0], partial(self._send, client, reply))

    def _drive(self, pin: str | int, pressed: bool) -> None:
        now_ns = time.monotonic_ns()
        name = self._lines.drive(pin, pressed)
        self._broadcast({"event": "input", "name": name, "pressed": pressed, "monotonic_ns": now_ns})

    def _at(self, due_s: float, step: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (due_s, next(self._order), step))

    def _run_agenda(self) -> None:
        while self._agenda and self._agenda[0][0] <= time.monotonic():
            _, _, step = heapq.heappop(self._agenda)
            # The panel may be closing its lines while a touch still runs.
            with contextlib.suppress(Malformed):
                step()

    def _tell_changes(self, last: bool = False) -> None:
        now_s = time.monotonic()
        while self._changes:
            changed_ns = self._changes.popleft()
            first_ns, _, limit_s = self._batch or (changed_ns, 0.0, now_s + LONGEST_BATCH_S)
            self._batch = (first_ns, now_s + QUIET_S, limit_s)
        if self._batch is None or (not last and now_s < min(self._batch[1], self._batch[2])):
            return
        first_ns, self._batch = self._batch[0], None
        for name, value in self._lines.outputs().items():
            if self._told.get(name) != value:
                self._told[name] = value
                self._broadcast(_output(name, value, first_ns))

    def _broadcast(self, event: dict[str, Any]) -> None:
        for client in self._clients:
            if client.watching:
                self._send(client, event)

    def _send(self, client: _Client, message: dict[str, Any]) -> None:
        if client.gone:
            return
        client.unsent += form(message)
        self._flush(client)
        if len(client.unsent) > MAX_UNSENT_BYTES:
            client.gone = True

    def _flush(self, client: _Client) -> None:
        try:
            while client.unsent:
                del client.unsent[: client.connection.send(client.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            client.gone = True
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
        self._selector.modify(client.connection, wanted, client)

    def _drop_gone(self) -> None:
        for client in [client for client in self._clients if client.gone]:
            self._clients.remove(client)
            self._selector.unregister(client.connection)
            client.connection.close()

    def _shut(self) -> None:
        for client in self._clients:
            client.connection.close()
        if self._listener is not None:
            self._listener.close()
            self._path.unlink(missing_ok=True)
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()


def _edges(command: Command) -> list[tuple[float, bool]]:
    match command.op:
        case Operation.PRESS:
            return [(0.0, True)]
        case Operation.RELEASE:
            return [(0.0, False)]
        case Operation.BOUNCE:
            return chatter(command.times, command.gap_s, command.held_s)
        case _:
            return [(0.0, True), (command.held_s, False)]


def _output(name: str, value: Any, monotonic_ns: int) -> dict[str, Any]:
    return {"event": "output", "name": name, "value": value, "monotonic_ns": monotonic_ns}


def _is_ours(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (0, os.geteuid())


def _listen(path: Path) -> socket.socket:
    where = str(path)
    if len(os.fsencode(where)) > LONGEST_PATH_BYTES:
        raise PanelSocketUnusable(device="panel", where=where, reason=f"path is longer than {LONGEST_PATH_BYTES} bytes")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _remove_stale(path)
        listener.bind(where)
        # Nobody can connect before `listen`, so there is no moment with wider permissions.
        path.chmod(0o600)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise PanelSocketUnusable(device="panel", where=where, reason=error.strerror or str(error)) from error
    return listener


def _remove_stale(path: Path) -> None:
    """Removes a socket that nobody serves any more, and nothing else."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
