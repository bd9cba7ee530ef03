"""What display and LEDs show for a state: one fold, so that they can never disagree.

Names stand only on the screens of a running session. Must never decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Light, Pattern
from station.workflow.capture_screens import CaptureScreens
from station.workflow.desk_screens import DeskScreens
from station.workflow.events import Part
from station.workflow.state import Fault, State, Step
from wire.catalogue import Catalogue

_GREEN, _BLUE, _AMBER, _RED, _WHITE = (
    (0.0, 1.0, 0.0),
    (0.0, 0.2, 1.0),
    (1.0, 0.5, 0.0),
    (1.0, 0.0, 0.0),
    (1.0, 1.0, 1.0),
)


@dataclass(frozen=True, slots=True)
class View:
    """`flash` is the white light on the applicant's face; `resting`: nobody is being served."""

    screen: Screen
    light: Light
    flash: bool
    resting: bool


def view(state: State, texts: Catalogue) -> View:
    """The screen, status light and flash of a state."""
    screen = _Screens(state, texts).screen()
    light = _light(state, screen.tone)
    return View(screen, light, state.step is Step.PORTRAIT, resting=state.session is None)


def _light(state: State, tone: Tone) -> Light:
    if Part.DISPLAY in state.faults:
        # The one fault that no screen can tell.
        return Light(*_RED, Pattern.BLINK, 0.3)
    match tone:
        case Tone.ERROR:
            return Light(*_RED, Pattern.BLINK, 1.0)
        case Tone.WARNING:
            return Light(*_AMBER)
        case Tone.SUCCESS:
            return Light(*_GREEN, Pattern.BLINK, 0.6)
        case Tone.BUSY:
            return Light(*_WHITE, Pattern.PULSE, 1.0)
        case Tone.ACTION:
            applicant = state.step in (Step.CONSENT, Step.PORTRAIT, Step.FINGER)
            return Light(*_BLUE, Pattern.PULSE if applicant else Pattern.SOLID, 1.5)
        case Tone.NEUTRAL:
            return Light(*_GREEN) if state.link_connected else Light(*_GREEN, Pattern.PULSE, 3.0)


class _Screens(DeskScreens, CaptureScreens):
    """One method a step; faults of the part a step needs come first."""

    def screen(self) -> Screen:
        return self._fault_screen() or self._warned(self._of_step())

    def _of_step(self) -> Screen:
        match self._state.step:
            case Step.IDLE:
                return self._result() or self._idle()
            case Step.OPENING:
                keys = self._keys(back="key.back")
                return Screen("opening", self._t("screen.opening"), tone=Tone.BUSY, icon=Icon.WAIT, keys=keys)
            case Step.CASE:
                return self._case()
            case Step.CONSENT:
                return self._consent()
            case Step.DOCUMENT:
                return self._document()
            case Step.DOCUMENT_CHECK:
                return self._document_check()
            case Step.DOCUMENT_REASON:
                return self._document_reason()
            case Step.PORTRAIT:
                return self._portrait()
            case Step.PORTRAIT_DECISION:
                return self._decision()
            case Step.FINGER:
                return self._finger()
            case Step.FINGER_REASON:
                return self._reason()
            case Step.REVIEW:
                return self._review()
            case Step.SEALING:
                return self._sealing()
            case Step.QUEUED:
                return self._result() or self._queued()
            case Step.CANCEL:
                return Screen(
                    "cancel",
                    self._t("screen.cancel"),
                    (self._t("screen.cancel.loses"),),
                    tone=Tone.WARNING,
                    icon=Icon.WARNING,
                    keys=self._keys(ok="key.cancel", back="key.keep"),
                )

    def _fault_screen(self) -> Screen | None:
        """The faults of the parts that this step cannot do without: the first as the title, none left out."""
        if self._state.step is Step.IDLE and self._state.shown_result is not None:
            return None  # a result leaves by itself; the fault stays
        parts, keys = self._needed()
        broken = [(part, self._state.faults[part]) for part in parts if part in self._state.faults]
        if not broken:
            return None
        screen = self._failed(*broken[0], keys)
        lines = list(screen.lines)
        for part, fault in broken[1:]:
            lines += [self._t(f"part.{part.value}.failed"), self._told(fault, "error.station.part")]
        notice = self._notice() if self._state.step is Step.IDLE else ()
        return replace(screen, lines=(*lines, *notice))

    def _needed(self) -> tuple[tuple[Part, ...], tuple[KeyHint, ...]]:
        match self._state.step:
            case Step.IDLE:
                return (Part.STORAGE, Part.CAMERA, Part.FINGERPRINT, Part.PANEL), ()
            case Step.DOCUMENT:
                return (Part.CAMERA,), self._keys(skip="key.skip_document", back="key.back")
            case Step.PORTRAIT:
                return (Part.CAMERA,), self._keys(back="key.back_hold")
            case Step.FINGER:
                return (Part.FINGERPRINT,), self._keys(skip="key.skip", back="key.back")
            case _:
                return (), ()

    def _warned(self, screen: Screen) -> Screen:
        """While storage fails the session goes on, but it would not survive a crash; while the panel is gone nobody
        hears the buttons: the officer is told."""
        faults = [(part, self._state.faults.get(part)) for part in (Part.STORAGE, Part.PANEL)]
        told = tuple(self._told(fault, f"part.{part.value}.failed") for part, fault in faults if fault is not None)
        if not told or self._state.session is None or self._state.seal_fault is not None:
            return screen
        return replace(screen, lines=(*told, *screen.lines), tone=Tone.WARNING)

    def _failed(self, part: Part, fault: Fault, keys: tuple[KeyHint, ...] = ()) -> Screen:
        return Screen(
            f"fault.{part.value}",
            self._t(f"part.{part.value}.failed"),
            (self._told(fault, "error.station.part"),),
            tone=Tone.ERROR,
            icon=Icon.ERROR,
            keys=keys,
        )

    def _sealing(self) -> Screen:
        if self._state.seal_fault is not None:
            keys = {"ok": "key.again", "back": "key.back"} if self._state.seal_permanent else {"ok": "key.again"}
            return self._failed(Part.STORAGE, self._state.seal_fault, self._keys(**keys))
        return Screen("sealing", self._t("screen.sealing"), tone=Tone.BUSY, icon=Icon.LOCK)
