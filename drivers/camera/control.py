"""The emulated camera's control socket: an owner-only Unix socket, JSON lines in, one JSON line out for each.

One thread (`camera-control`) serves all clients. Must never let a client stop the camera: what does not parse is
answered with an error, what is too long closes that client.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers.camera.commands import LINE_LIMIT_BYTES, Command, CommandInvalid, parse
from drivers.camera.errors import SceneInvalid
from drivers.errors import DeviceFault

_SEND_TIMEOUT_S = 1.0
_JOIN_S = 5.0


class ControlServer:
    """Serves `handle` at a path from `start` to `stop`.

    Args:
        path: of the socket; at most 107 bytes. A socket left behind by a dead process is replaced.
        handle: called in the server's thread; its answer is sent as JSON. May raise CommandInvalid or SceneInvalid.
    """

    def __init__(self, path: Path, handle: Callable[[Command], dict[str, Any]]) -> None:
        self._path = path
        self._handle = handle
        self._thread: threading.Thread | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._listener: socket.socket | None = None
        self._inode = 0

    def start(self) -> None:
        """Idempotent. Raises DeviceFault where the socket cannot be bound or another process serves it."""
        if self._thread is not None:
            return
        self._listener = self._bound()
        self._wake = socket.socketpair()
        self._thread = threading.Thread(
            target=self._serve, args=(self._listener, self._wake[1]), name="camera-control", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Idempotent; ends the thread, closes every client and removes the socket."""
        if self._thread is None or self._wake is None or self._listener is None:
            return
        self._wake[0].close()
        self._thread.join(_JOIN_S)
        self._wake[1].close()
        self._listener.close()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        self._thread = self._wake = self._listener = None

    def _bound(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # The mode of the socket's file is taken from the descriptor, so nobody else can connect in between.
            os.fchmod(listener.fileno(), 0o600)
            self._remove_stale()
            listener.bind(os.fspath(self._path))
            self._inode = self._path.stat().st_ino
            listener.listen(8)
        except OSError as error:
            listener.close()
            raise DeviceFault(device="camera", reason=f"control socket: {error.strerror}") from error
        except BaseException:
            listener.close()
            raise
        return listener

    def _remove_stale(self) -> None:
        if not self._path.is_socket():
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_SEND_TIMEOUT_S)
            try:
                probe.connect(os.fspath(self._path))
            except ConnectionRefusedError:
                self._path.unlink(missing_ok=True)
                return
        raise DeviceFault(device="camera", reason="control socket: in use by another process")

    def _serve(self, listener: socket.socket, wake: socket.socket) -> None:
        pending: dict[socket.socket, bytes] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    ready = key.fileobj
                    assert isinstance(ready, socket.socket)
                    if ready is wake:
                        for client in pending:
                            client.close()
                        return
                    if ready is listener:
                        accepted = self._accepted(listener)
                        if accepted is not None:
                            pending[accepted] = b""
                            selector.register(accepted, selectors.EVENT_READ)
                    elif not self._read(ready, pending):
                        selector.unregister(ready)
                        del pending[ready]
                        ready.close()

    def _accepted(self, listener: socket.socket) -> socket.socket | None:
        try:
            client, _ = listener.accept()
        except OSError:
            return None
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (os.geteuid(), 0):
            client.close()
            return None
        client.settimeout(_SEND_TIMEOUT_S)
        return client

    def _read(self, client: socket.socket, pending: dict[socket.socket, bytes]) -> bool:
        """False where the client is to be closed."""
        try:
            received = client.recv(65_536)
            if not received:
                return False
            *lines, rest = (pending[client] + received).split(b"\n")
            for line in lines:
                client.sendall(self._answer(line))
            if len(rest) > LINE_LIMIT_BYTES:
                client.sendall(_line({"ok": False, "error": f"line longer than {LINE_LIMIT_BYTES} bytes"}))
                return False
        except OSError:
            return False
        pending[client] = rest
        return True

    def _answer(self, line: bytes) -> bytes:
        try:
            return _line({"ok": True, **self._handle(parse(line))})
        except (CommandInvalid, SceneInvalid) as error:
            return _line({"ok": False, "error": str(error)})
        except Exception as error:  # the thread must outlive any command; the client is told
            return _line({"ok": False, "error": f"internal: {type(error).__name__}"})


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
