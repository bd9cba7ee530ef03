"""The panel's emulated twin: a gpiozero pin factory whose buttons are pressed by another process.

Registered as the gpiozero pin factory `eid_emulated`, so everything above the pins is the real library. Built on
gpiozero's mock pins with PWM; the control socket (drivers/panel/control_server.py) drives inputs and reports outputs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpiozero.exc import PinInvalidPin
from gpiozero.pins.mock import MockFactory, MockPWMPin

from drivers.panel.control import Malformed
from drivers.panel.control_server import ControlServer
from drivers.panel.errors import PanelSocketUnusable
from drivers.panel.port import Button

SOCKET_VARIABLE = "EID_PANEL_SOCKET"
CHANNELS = ("red", "green", "blue")


class EmulatedPin(MockPWMPin):  # type: ignore[misc]
    """A mock PWM pin that tells its factory when an output changes."""

    def _change_state(self, value: float) -> bool:
        changed: bool = super()._change_state(value)
        if changed and self.function == "output":
            self.factory.output_changed()
        return changed


class EmulatedFactory(MockFactory):  # type: ignore[misc]
    """The pins of one emulated panel.

    Args:
        socket_path: where to listen, else the environment variable EID_PANEL_SOCKET.

    Raises:
        PanelSocketUnusable: no path, path too long, in use by a living process, or not writable.
    """

    def __init__(self, socket_path: Path | None = None) -> None:
        super().__init__(pin_class=EmulatedPin)
        self._server: ControlServer | None = None
        self._roles: dict[str, int] = {}
        self._active_low: frozenset[str] = frozenset()
        path = socket_path or (Path(os.environ[SOCKET_VARIABLE]) if os.environ.get(SOCKET_VARIABLE) else None)
        if path is None:
            raise PanelSocketUnusable(device="panel", where="-", reason=f"neither socket nor {SOCKET_VARIABLE} is set")
        server = ControlServer(path, self)
        server.open()
        self._server = server

    def name_lines(self, roles: Mapping[str, int], active_low: frozenset[str] = frozenset()) -> None:
        """Gives lines the names that commands and events use; commands wait until `lines_claimed`.

        Args:
            roles: name to BCM number; `red`, `green` and `blue` together are reported as `status`.
            active_low: outputs that are on when the line is low.
        """
        self._active_low = active_low
        self._roles = dict(roles)
        if self._server is not None:
            self._server.hold()

    def lines_claimed(self) -> None:
        """All lines are claimed: what was asked for meanwhile is carried out now."""
        if self._server is not None:
            self._server.release()

    def output_changed(self) -> None:
        """Called by the pins, in whichever thread wrote them."""
        if self._server is not None:
            self._server.changed()

    def close(self) -> None:
        """Closes the pins, then the socket, so that watchers still see the lights go out."""
        super().close()
        server: ControlServer | None = getattr(self, "_server", None)
        if server is not None:
            server.close()

    def drive(self, pin: str | int, pressed: bool) -> str:
        """Presses or releases a button by name or number. Raises Malformed."""
        number = self._number(pin)
        found = self._pin(number)
        name = next((role for role, used in self._roles.items() if used == number), f"GPIO{number}")
        if found is None:
            raise Malformed(f"pin: {name} is not in use")
        if found.function != "input":
            raise Malformed(f"pin: {name} is an output")
        if pressed == (found.pull == "up"):
            found.drive_low()
        else:
            found.drive_high()
        return name

    def outputs(self) -> dict[str, Any]:
        """Levels of all outputs by name; 0 for one that is not driven."""
        buttons = {button.value for button in Button}
        levels = {role: self._level(role, number) for role, number in self._roles.items() if role not in buttons}
        if not all(channel in levels for channel in CHANNELS):
            return levels
        status = [levels.pop(channel) for channel in CHANNELS]
        return {"status": status, **levels}

    def inputs(self) -> dict[str, bool]:
        """All buttons in use, True when down."""
        return {
            button.value: bool(found.state) != (found.pull == "up")
            for button in Button
            if (number := self._roles.get(button.value)) is not None and (found := self._pin(number)) is not None
        }

    def _level(self, role: str, number: int) -> float:
        found = self._pin(number)
        if found is None or found.function != "output":
            return 0.0
        level = 1.0 - float(found.state) if role in self._active_low else float(found.state)
        return round(level, 2)

    def _number(self, pin: str | int) -> int:
        if isinstance(pin, str) and pin in self._roles:
            return self._roles[pin]
        text = str(pin).upper().removeprefix("GPIO")
        if not text.isascii() or not text.isdigit() or len(text) > 2:
            raise Malformed(f"pin: {str(pin)[:40]!r} is not a line of this panel")
        return int(text)

    def _pin(self, number: int) -> Any:
        try:
            wanted = next(iter(self.board_info.find_pin(f"GPIO{number}")))[1]
        except (PinInvalidPin, StopIteration):
            return None
        return self.pins.get(wanted)
