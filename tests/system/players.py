"""The people of the demo and of the system tests: they look at the display and do what it says.

The officer presses buttons, the applicant looks into the camera and places fingers; neither knows the product's inside.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.camera.remote import CameraRemote, CameraRemoteError
from drivers.display.follow import ScreenFollower, Shown
from drivers.errors import DriverError
from drivers.fingerprint.remote import SensorRemote
from drivers.panel.port import Button
from drivers.panel.remote import PanelRemote
from tests.system.rig_station import StationRig
from wire.case import qr_text

Say = Callable[[str, str], None]


def silent(who: str, what: str) -> None:
    """Says nothing."""


@dataclass(slots=True)
class Desk:
    """One desk with its officer and the applicant in front of it.

    Args:
        portrait: the applicant's face.
        zone: the machine readable zone of the passport, whose page bears the same portrait; empty: the officer signs
            that it cannot be read.
        person: whose fingers the emulated sensor shows.
        skip: fingers the officer skips, each with the first reason (missing).
    """

    camera: CameraRemote
    panel: PanelRemote
    sensor: SensorRemote
    screens: ScreenFollower
    portrait: Path
    zone: tuple[str, ...] = ()
    person: str = "applicant-1"
    say: Say = silent
    skip: frozenset[str] = frozenset()
    touches: int = 0
    seen: list[str] = field(default_factory=list)
    times: list[tuple[str, int]] = field(default_factory=list)
    _answered_at: float = 0.0

    def close(self) -> None:
        """Lets go of all remote controls."""
        for remote in (self.camera, self.panel, self.sensor):
            remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def enrol(self, dossier_id: str, timeout_s: float = 60.0) -> Shown:
        """Shows the dossier's code and follows the display until the session is queued; that screen."""
        self.say("officer", "shows the dossier's QR code to the camera")
        self.camera.send(scene="qr", text=qr_text(dossier_id))
        return self.follow("queued", timeout_s)

    def enrol_stubbornly(self, dossier_id: str, station: StationRig, timeout_s: float = 120.0) -> None:
        """As `enrol`, while the station's processes may die at any moment.

        The people see the display come back and go on from what it says; devices whose process died are connected
        again. Ends when the dossier is captured (the station's own record says so).
        """
        deadline = time.monotonic() + timeout_s
        shown: Shown | None = None
        while not captured(station, dossier_id):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not captured; the last screen was {shown.screen_id if shown else 'none'}")
            try:
                shown = self._newest(shown)
                if shown is not None:
                    self._patient(shown, dossier_id)
            except (OSError, CameraRemoteError, DriverError):
                self._reconnect(station)
            time.sleep(0.05)

    def _newest(self, shown: Shown | None) -> Shown | None:
        while (later := self.screens.poll()) is not None:
            shown = later if later.page == 1 else shown
            self._answered_at = 0.0
        return shown

    def _patient(self, shown: Shown, dossier_id: str) -> None:
        """Answers a screen, and again every two seconds while it stays: the first answer may have died on its way."""
        if time.monotonic() - self._answered_at < 2.0:
            return
        self._answered_at = time.monotonic()
        if shown.screen_id == "idle":
            self.camera.send(scene="qr", text=qr_text(dossier_id))
        else:
            self.react(shown)

    def _reconnect(self, station: StationRig) -> None:
        for remote in (self.camera, self.panel):
            remote.close()
        time.sleep(0.2)
        try:
            self.camera = station.camera(10.0)
            self.panel = station.panel(10.0)
        except (OSError, CameraRemoteError, DriverError):
            return

    def follow(self, until: str | Callable[[Shown], bool], timeout_s: float = 60.0) -> Shown:
        """Does what each screen asks for until one is reached."""
        deadline = time.monotonic() + timeout_s
        while True:
            shown = self.screens.next(max(0.01, deadline - time.monotonic()))
            if shown.page > 1:
                continue
            self.seen.append(shown.screen_id)
            self.times.append((shown.screen_id.split(".")[0], shown.monotonic_ns))
            if shown.screen_id == until if isinstance(until, str) else until(shown):
                return shown
            self.react(shown)

    def react(self, shown: Shown) -> None:
        """One person's answer to one screen."""
        match shown.screen_id.split("."):
            case ["case"]:
                self.press(Button.OFFICER_OK, "right person")
            case ["consent"]:
                self.say("applicant", "reads, and presses: I agree")
                self.panel.tap(Button.APPLICANT_YES)
            case ["document", *_]:
                self.passport()
            case ["document_check"]:
                self.press(Button.OFFICER_OK, "the name is right")
            case ["document_reason", *_]:
                self.press(Button.OFFICER_OK, "signs why the document is not read")
            case ["portrait", *_]:
                self.face()
            case ["portrait_decision"]:
                self.press(Button.OFFICER_OK, "accepts the portrait, signed")
            case ["finger", position, prompt]:
                self.finger(position, prompt)
            case ["reason", position, _]:
                if position in self.skip:
                    self.press(Button.OFFICER_OK, "signs the reason")
                else:
                    self.press(Button.OFFICER_SKIP, "that finger is there")
            case ["portrait_nobody"]:
                self.press(Button.OFFICER_OK, "tries again")
            case ["review"]:
                self.press(Button.OFFICER_OK, "send")
            case _:
                pass

    def press(self, button: Button, why: str) -> None:
        self.say("officer", f"presses {button.value}: {why}")
        self.panel.tap(button)

    def passport(self) -> None:
        """Holds the data page to the camera, once."""
        if not self.zone:
            self.press(Button.OFFICER_SKIP, "the document cannot be read")
        elif self.camera.state().get("scene") != "page":
            self.say("officer", "holds the passport's data page to the camera")
            self.camera.send(scene="page", lines=list(self.zone), portrait=str(self.portrait))

    def face(self) -> None:
        """Sits down in front of the camera, once."""
        if self.camera.state().get("scene") != "person":
            self.say("applicant", "looks into the camera")
            self.camera.send(scene="person", portrait=str(self.portrait))

    def finger(self, position: str, prompt: str) -> None:
        missing = [name for name in position.split("+") if name in self.skip]
        if missing:
            self.press(Button.OFFICER_SKIP, f"{missing[0]} is missing")
            return
        match prompt:
            case "lift":
                self.sensor.lift()
            case "hold" | "reconnect":
                pass
            case _ if "+" in position:
                self.say("applicant", f"places {position.replace('_', ' ').replace('+', ', ')}")
                self.sensor.request("place", {"person": self.person})
            case _:
                self.touches += 1
                if prompt == "place":
                    self.say("applicant", f"places the {position.replace('_', ' ')}")
                self.sensor.place(self.person, position, self.touches)


def captured(station: StationRig, dossier_id: str) -> bool:
    """Whether the station's ledger names the dossier: the officer's confirmation is durable."""
    for file in (station.state_dir / "captured").glob("*.json"):
        if json.loads(file.read_bytes())["dossier_id"] == dossier_id:
            return True
    return False
