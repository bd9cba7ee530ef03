"""The other end of the emulated camera's control socket: for demonstrations, tests and a keyboard.

Must never be used by a station: it changes what the camera sees.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_RETRY_S = 0.02


class CameraRemoteError(RuntimeError):
    """The camera did not answer, or answered that it cannot do this. The text is one sentence."""


class CameraRemote:
    """One connection to an emulated camera.

    Args:
        path: the camera's `control_socket`.
        timeout_s: deadline of each command.
    """

    def __init__(self, path: Path | str, timeout_s: float = 5.0) -> None:
        self._path = os.fspath(path)
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._received = b""

    def connect(self, timeout_s: float | None = None) -> Self:
        """Connects, waiting for the camera to be opened. Raises CameraRemoteError after the deadline."""
        self.close()
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        while True:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                client.connect(self._path)
            except OSError as error:
                client.close()
                if time.monotonic() + _RETRY_S > deadline:
                    raise CameraRemoteError(f"no emulated camera at the control socket: {error.strerror}") from error
                time.sleep(_RETRY_S)
                continue
            self._socket = client
            return self

    def send(self, **command: Any) -> dict[str, Any]:
        """One command, its answer. `send(scene="person", portrait="a.jpg")`, `send(lux=20)`, `send(fault="stall")`.

        A `Path` is made absolute; a string is left to the camera's process. Every answer holds `ok`; to a scene, light
        or fault also `from_ns`: exposures that start at or after this monotonic time show it
        (`frame(not_before_ns=...)`).

        Raises:
            CameraRemoteError: refused, with the camera's reason, or no answer in time, or the camera was closed.
        """
        if self._socket is None:
            self.connect()
        assert self._socket is not None
        deadline = time.monotonic() + self._timeout_s
        line = json.dumps(command, default=os.path.abspath, separators=(",", ":")).encode() + b"\n"
        try:
            self._socket.settimeout(self._timeout_s)
            self._socket.sendall(line)
            answer = self._answer(deadline)
        except OSError as error:
            self.close()
            raise CameraRemoteError(f"the emulated camera does not answer: {error}") from error
        if not answer.get("ok"):
            raise CameraRemoteError(str(answer.get("error", "refused")))
        return answer

    def _answer(self, deadline: float) -> dict[str, Any]:
        assert self._socket is not None
        while b"\n" not in self._received:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("deadline")
            self._socket.settimeout(left_s)
            received = self._socket.recv(65_536)
            if not received:
                raise ConnectionResetError("closed")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def state(self) -> dict[str, Any]:
        """`scene`, `fault`, `lux`, `opened`, `locked`, `frame` (number of the last one handed out).

        While a script, folder or video plays also `script` (its name), `step` (from 0), `steps`, `ended`, `ended_ns`.
        """
        return self.send(get="state")

    def ended(self, timeout_s: float) -> int:
        """Waits until the script or film that plays has ended; CLOCK_MONOTONIC of its end, ns.

        Raises:
            CameraRemoteError: nothing plays that ends, or it does not end in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            state = self.state()
            if "ended" not in state:
                raise CameraRemoteError("nothing plays that ends")
            if state["ended"]:
                return int(state["ended_ns"])
            if time.monotonic() > deadline:
                raise CameraRemoteError("what plays did not end in time")
            time.sleep(_RETRY_S)

    def close(self) -> None:
        """Idempotent."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._received = b""

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
