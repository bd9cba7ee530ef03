"""The people of the demo and of the system tests: they look at the display and do what it says.

The officer presses buttons, the applicant looks into the camera and places fingers; neither knows the product's inside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drivers.camera.remote import CameraRemote
from drivers.display.follow import ScreenFollower, Shown
from drivers.fingerprint.remote import SensorRemote
from drivers.panel.port import Button
from drivers.panel.remote import PanelRemote
from wire.case import qr_text

Say = Callable[[str, str], None]


def silent(who: str, what: str) -> None:
    """Says nothing."""


@dataclass(slots=True)
class Desk:
    """One desk with its officer and the applicant in front of it.

    Args:
        portrait: the applicant's face.
        person: whose fingers the emulated sensor shows.
        skip: fingers the officer skips, each with the first reason (missing).
    """

    camera: CameraRemote
    panel: PanelRemote
    sensor: SensorRemote
    screens: ScreenFollower
    portrait: Path
    person: str = "applicant-1"
    say: Say = silent
    skip: frozenset[str] = frozenset()
    touches: int = 0
    seen: list[str] = field(default_factory=list)

    def enrol(self, dossier_id: str, timeout_s: float = 60.0) -> Shown:
        """Shows the dossier's code and follows the display until the session is queued; that screen."""
        self.say("officer", "shows the dossier's QR code to the camera")
        self.camera.send(scene="qr", text=qr_text(dossier_id))
        return self.follow("queued", timeout_s)

    def follow(self, until: str | Callable[[Shown], bool], timeout_s: float = 60.0) -> Shown:
        """Does what each screen asks for until one is reached."""
        deadline = time.monotonic() + timeout_s
        while True:
            shown = self.screens.next(max(0.01, deadline - time.monotonic()))
            if shown.page > 1:
                continue
            self.seen.append(shown.screen_id)
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
            case ["portrait", *_]:
                self.face()
            case ["portrait_decision"]:
                self.press(Button.OFFICER_OK, "accepts the portrait, signed")
            case ["finger", position, prompt]:
                self.finger(position, prompt)
            case ["reason", *_]:
                self.press(Button.OFFICER_OK, "signs the reason")
            case ["review"]:
                self.press(Button.OFFICER_OK, "send")
            case _:
                pass

    def press(self, button: Button, why: str) -> None:
        self.say("officer", f"presses {button.value}: {why}")
        self.panel.tap(button)

    def face(self) -> None:
        """Sits down in front of the camera, once."""
        if self.camera.state().get("scene") != "person":
            self.say("applicant", "looks into the camera")
            self.camera.send(scene="person", portrait=str(self.portrait))

    def finger(self, position: str, prompt: str) -> None:
        if position in self.skip:
            self.press(Button.OFFICER_SKIP, f"{position} is missing")
            return
        match prompt:
            case "lift":
                self.sensor.lift()
            case "hold" | "reconnect":
                pass
            case _:
                self.touches += 1
                if prompt == "place":
                    self.say("applicant", f"places the {position.replace('_', ' ')}")
                self.sensor.place(self.person, position, self.touches)
