"""`python -m drivers.fingerprint.emulated_sbi`: serves one emulated scanner until told to quit.

Control requests (one key each): `place {person, seed, finger, shown, moisture, wet}`, `lift`, `lie NAME`, `http NAME`
(hang, late, cut, garbage, huge, status), `error CODE`, `state NAME`, `freeze true` (the same pictures again),
`serial NUMBER` (another device answers from now on), `status`, `clear`, `quit`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from drivers.fingerprint.emulated.control import ControlServer
from drivers.fingerprint.emulated_sbi.scanner import LIES, Hand, Scanner

HTTP_FAULTS = ("hang", "late", "cut", "garbage", "huge", "status")


LATE_S = 4.0


class Service:
    """Scanner, HTTP faults and the answers to control requests."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.http_fault: str | None = None
        self.ended = threading.Event()

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One control request; the answer has `ok` and, if not, `error`."""
        try:
            ((name, value),) = request.items()
            return {"ok": True, **self._do(name, value)}
        except (ValueError, TypeError, KeyError) as error:
            return {"ok": False, "error": str(error)}

    def _do(self, name: str, value: Any) -> dict[str, Any]:
        scanner = self.scanner
        match name:
            case "place":
                self._lay(Hand(**value))
            case "lift":
                self._lay(None)
            case "lie" if value in LIES:
                scanner.lie = value
            case "http" if value in HTTP_FAULTS:
                self.http_fault = value
            case "error":
                scanner.error = int(value)
            case "state":
                scanner.status = str(value)
            case "freeze":
                scanner.frozen = bool(value)
            case "serial":
                scanner.become(str(value))
            case "clear":
                scanner.lie = self.http_fault = None
                scanner.frozen = False
                scanner.error, scanner.status = 0, "Ready"
            case "quit":
                self.ended.set()
            case "status":
                return {"sent": [list(entry) for entry in scanner.sent], "asked": list(scanner.asked)}
            case _:
                raise ValueError(f"unknown request {name} {value}")
        return {}

    def _lay(self, hand: Hand | None) -> None:
        with self.scanner.changed:
            self.scanner.hand = hand
            self.scanner.changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    service: Service
    port: int

    def do_SBIDISC(self) -> None:
        self._request()
        self._answer(self.service.scanner.discovery(self.port))

    def do_SBIINFO(self) -> None:
        self._request()
        self._answer(self.service.scanner.info(self.port))

    def do_RCAPTURE(self) -> None:
        answer = self.service.scanner.capture(self._request())
        self._answer(answer, self._fault())

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the client's log is the one that counts."""

    def _request(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def _fault(self) -> str | None:
        fault, self.service.http_fault = self.service.http_fault, None
        return fault

    def _answer(self, answer: Any, fault: str | None = None) -> None:
        body = json.dumps(answer).encode()
        match fault:
            case "hang":
                self.service.ended.wait(60)
                return
            case "late":
                self.service.ended.wait(LATE_S)
            case "garbage":
                body = b"\x00{" + body[:100]
            case "huge":
                body = b"[" + b" " * (40 * 1024 * 1024) + b"]"
            case _:
                pass
        self.send_response(500 if fault == "status" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
        except OSError:
            return


def main(arguments: list[str] | None = None) -> int:
    """Prints `ready` once port and control socket are there. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m drivers.fingerprint.emulated_sbi", description=__doc__)
    parser.add_argument("--port", type=int, default=4501, help="0 takes a free one; printed after `ready`")
    parser.add_argument("--anchors", type=Path, required=True, help="PEM file to write the trust anchor to")
    parser.add_argument("--control", type=Path, required=True, help="control socket to create")
    parser.add_argument("--seed", type=int, default=1, help="of the synthetic prints")
    parser.add_argument("--env", default="Developer", help="environment the scanner is registered in")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process is gone")
    options = parser.parse_args(arguments)
    parent = os.getppid()
    service = Service(Scanner(options.seed, options.env))
    options.anchors.write_bytes(service.scanner.root.pem())
    server = ThreadingHTTPServer(("127.0.0.1", options.port), _Handler)
    server.daemon_threads = True
    _Handler.service, _Handler.port = service, server.server_port
    control = ControlServer(options.control, service.handle)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.ended.set())
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    control.start()
    print(f"ready {server.server_port}", flush=True)
    while not service.ended.wait(1.0):
        if options.with_parent and os.getppid() != parent:
            break
    control.stop()
    server.shutdown()
    server.server_close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
