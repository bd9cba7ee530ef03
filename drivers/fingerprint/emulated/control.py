"""The control socket: JSON lines over a Unix socket that only its owner may open. Own threads, apart from the line."""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MAX_LINE_BYTES = 65_536


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while line := self.rfile.readline(MAX_LINE_BYTES):
            try:
                request = json.loads(line)
                if not isinstance(request, dict):
                    raise ValueError("not an object")
                answer = self.server.act(request)
            except ValueError as error:
                answer = {"ok": False, "error": str(error)}
            try:
                self.wfile.write(json.dumps(answer).encode() + b"\n")
            except OSError:
                return


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    act: Callable[[Mapping[str, Any]], dict[str, Any]]


class ControlServer:
    """Listens on `path` (mode 0600) until `stop`."""

    def __init__(self, path: Path, act: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = _Server(str(path), _Handler)
        finally:
            os.umask(before)
        self._server.act = act
        self._path = path
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="control", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)
        self._path.unlink(missing_ok=True)
