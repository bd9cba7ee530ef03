"""The hands and eyes of another process at an emulated panel: for the demo, for tests, for a panel in a terminal.

Every wait has a deadline. Must never be used by the station itself.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.panel.control import form
from drivers.panel.errors import PanelRefused, PanelSilent, PanelSocketUnusable
from drivers.panel.port import Button

RETRY_S = 0.02


@dataclass(frozen=True, slots=True)
class Change:
    """What a watcher sees.

    Attributes:
        name: `status`, `flash`, `buzzer`, or the name of a button.
        value: (red, green, blue) for `status`, a level 0..1 for other outputs, True or False for a button.
        monotonic_ns: CLOCK_MONOTONIC of the change; the same clock in all processes of one machine.
        is_input: a button, not a light.
    """

    name: str
    value: tuple[float, float, float] | float | bool
    monotonic_ns: int
    is_input: bool = False


@dataclass(frozen=True, slots=True)
class PanelState:
    """All lines at one moment."""

    status: tuple[float, float, float]
    flash: float
    buzzer: float
    down: frozenset[Button]
    monotonic_ns: int


class _Connection:
    """One conversation: lines out, lines in, with a deadline for each step."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._received = bytearray()
        self._socket = _connect(path, timeout_s)

    def send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.settimeout(self._timeout_s)
            self._socket.sendall(form(message))
        except OSError as error:
            raise PanelSilent(device="panel", after_s=self._timeout_s) from error

    def line(self, deadline_s: float, timeout_s: float) -> dict[str, Any]:
        while (end := self._received.find(b"\n")) < 0:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise PanelSilent(device="panel", after_s=timeout_s)
            self._socket.settimeout(left_s)
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise PanelSilent(device="panel", after_s=timeout_s) from error
            if not data:
                raise PanelRefused(device="panel", reason="connection closed")
            self._received += data
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()


class PanelWatch:
    """Changes in the order they happened, beginning with the present state of all outputs."""

    def __init__(self, connection: _Connection, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    def next(self, timeout_s: float | None = None) -> Change:
        """The next change. Raises PanelSilent when none comes in time, PanelRefused when the panel is gone."""
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        deadline_s = time.monotonic() + wait_s
        while True:
            message = self._connection.line(deadline_s, wait_s)
            if message.get("event") == "output":
                value = message["value"]
                seen = tuple(value) if isinstance(value, list) else value
                return Change(message["name"], seen, message["monotonic_ns"])
            if message.get("event") == "input":
                return Change(message["name"], message["pressed"], message["monotonic_ns"], is_input=True)

    def wait_for(self, wanted: Callable[[Change], bool], timeout_s: float | None = None) -> Change:
        """The first change that `wanted` accepts. Raises PanelSilent, PanelRefused."""
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        deadline_s = time.monotonic() + wait_s
        while True:
            change = self.next(max(0.0, deadline_s - time.monotonic()))
            if wanted(change):
                return change

    def __iter__(self) -> Iterator[Change]:
        """All changes until none comes for `timeout_s` or the panel closes."""
        while True:
            try:
                yield self.next()
            except (PanelSilent, PanelRefused):
                return

    def close(self) -> None:
        """Ends the watch."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class PanelRemote:
    """Presses buttons of an emulated panel in another process.

    Args:
        path: the control socket.
        timeout_s: for connecting (the socket need not exist yet) and for each reply.

    Raises:
        PanelSocketUnusable: nobody listens there.
    """

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._connection = _Connection(path, timeout_s)

    def press(self, button: Button | int) -> int:
        """Puts the finger on the button and leaves it there. Returns CLOCK_MONOTONIC ns of the touch."""
        return self._touch("press", button, 0.0)

    def release(self, button: Button | int) -> int:
        """Takes the finger off."""
        return self._touch("release", button, 0.0)

    def tap(self, button: Button | int, for_s: float = 0.05) -> int:
        """A short press; returns when the button is up again, with the time of the touch."""
        return self._touch("tap", button, for_s, for_s=for_s)

    def hold(self, button: Button | int, for_s: float = 2.0) -> int:
        """A long press; returns when the button is up again."""
        return self._touch("hold", button, for_s, for_s=for_s)

    def bounce(self, button: Button | int, times: int = 5, gap_s: float = 0.001, for_s: float = 0.05) -> int:
        """A press on a worn contact that chatters `times` times on touch and on release."""
        longest_s = for_s + 4 * times * gap_s
        return self._touch("bounce", button, longest_s, for_s=for_s, times=times, gap_s=gap_s)

    def get(self) -> PanelState:
        """All lines now."""
        reply = self._ask({"op": "get"}, 0.0)
        outputs = reply["outputs"]
        red, green, blue = outputs.get("status", (0.0, 0.0, 0.0))
        down = frozenset(Button(name) for name, is_down in reply["inputs"].items() if is_down)
        return PanelState(
            (red, green, blue), outputs.get("flash", 0.0), outputs.get("buzzer", 0.0), down, reply["monotonic_ns"]
        )

    def watch(self, timeout_s: float | None = None) -> PanelWatch:
        """A watch on a conversation of its own; `timeout_s` is its default wait."""
        connection = _Connection(self._path, self._timeout_s)
        connection.send({"op": "watch"})
        connection.line(time.monotonic() + self._timeout_s, self._timeout_s)
        return PanelWatch(connection, self._timeout_s if timeout_s is None else timeout_s)

    def close(self) -> None:
        """Ends the conversation; a button that is still down stays down."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _touch(self, op: str, button: Button | int, lasts_s: float, **more: float) -> int:
        pin = button.value if isinstance(button, Button) else button
        touched: int = self._ask({"op": op, "pin": pin, **more}, lasts_s)["monotonic_ns"]
        return touched

    def _ask(self, message: dict[str, Any], lasts_s: float) -> dict[str, Any]:
        self._connection.send(message)
        wait_s = self._timeout_s + lasts_s
        reply = self._connection.line(time.monotonic() + wait_s, wait_s)
        if not reply.get("ok"):
            raise PanelRefused(device="panel", reason=str(reply.get("error")))
        return reply


def _connect(path: Path, timeout_s: float) -> socket.socket:
    deadline_s = time.monotonic() + timeout_s
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            return connection
        except (FileNotFoundError, ConnectionRefusedError) as error:
            connection.close()
            if time.monotonic() >= deadline_s:
                raise PanelSocketUnusable(device="panel", where=str(path), reason="nobody listens") from error
            time.sleep(RETRY_S)
        except OSError as error:
            connection.close()
            raise PanelSocketUnusable(device="panel", where=str(path), reason=str(error)) from error
