"""What display and LEDs show for a state: one fold, so that they can never disagree.

Names stand only on the screens of a running session. Must never decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Button, Light, Pattern
from station.workflow.events import Part, Result
from station.workflow.session import SKIP_REASONS, Session, resolved
from station.workflow.state import Fault, State, Step
from wire.catalogue import Catalogue, Text
from wire.errors import CatalogueError
from wire.fingers import FingerPosition
from wire.messages import CaseState

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


class _Screens:
    """One method a step; faults of the part a step needs come first."""

    def __init__(self, state: State, texts: Catalogue) -> None:
        self._state = state
        self._texts = texts

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

    # -- pieces ------------------------------------------------------------------------------------------------

    def _t(self, message_id: str, **params: str | int | float) -> Text:
        return self._texts.text(message_id, **params)

    def _told(self, fault: Fault | None, otherwise: str) -> Text:
        """The sentence of a fault. It comes from a driver or another process: one that cannot be filled must not end
        the daemon before the officer."""
        if fault is None:
            return self._t(otherwise)
        try:
            return self._t(fault.message_id, **fault.params)
        except CatalogueError:
            return self._t(otherwise)

    def _keys(self, **texts: str) -> tuple[KeyHint, ...]:
        buttons = {
            "ok": Button.OFFICER_OK,
            "back": Button.OFFICER_BACK,
            "skip": Button.OFFICER_SKIP,
            "yes": Button.APPLICANT_YES,
            "no": Button.APPLICANT_NO,
        }
        return tuple(KeyHint(buttons[name], self._t(message_id)) for name, message_id in texts.items())

    def _notice(self) -> tuple[Text, ...]:
        told = self._state.notice
        if told is None:
            return ()
        return (self._told(Fault(told.message_id, told.params), "error.station.text"),)

    def _tone(self, usual: Tone) -> Tone:
        told = self._state.notice
        return Tone.WARNING if told is not None and told.warning else usual

    def _session(self) -> Session:
        if self._state.session is None:
            raise AssertionError(f"no session in step {self._state.step}")
        return self._state.session

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

    # -- the steps -----------------------------------------------------------------------------------------------

    def _idle(self) -> Screen:
        state = self._state
        if state.full:
            return Screen(
                "paused",
                self._t("screen.paused"),
                (self._t("error.station.outbox_full", waiting=state.waiting),),
                tone=Tone.ERROR,
                icon=Icon.ERROR,
            )
        lines = self._notice()
        if not state.officer_id:
            lines += (self._t("notice.no_officer"),)
        if state.quarantined:
            lines += (self._t("screen.idle.quarantined", count=state.quarantined),)
        if not state.link_connected:
            lines += (self._told(state.link_fault, "screen.idle.offline"),)
        lines += (self._t("screen.idle.waiting", count=len(state.queue)),)
        if state.waiting:
            lines += (self._t("screen.idle.unsent", count=state.waiting),)
        if not state.clock_trusted:
            lines += (self._t("screen.idle.clock"),)
        lines += tuple(self._result_line(result) for result in state.results[-2:])
        keys = self._keys(ok="key.start") if state.queue else ()
        tone = self._tone(Tone.NEUTRAL)
        return Screen("idle", self._t("screen.idle"), lines, tone=tone, icon=Icon.QR, keys=keys)

    def _result_line(self, result: Result) -> Text:
        text = self._t(f"status.{result.state.value}")
        return Text(f"{result.code}: {text.vi}", f"{result.code}: {text.en}")

    def _result(self) -> Screen | None:
        result = self._state.shown_result
        if result is None:
            return None
        good = result.state is CaseState.ISSUED
        lines: tuple[Text, ...] = ()
        if good:
            lines = (self._t("screen.result.activate"),)
        elif result.reason and f"rules.reason.{result.reason}" in self._texts:
            lines = (self._t(f"rules.reason.{result.reason}"),)
        return Screen(
            f"result.{result.state.value}",
            self._t(f"status.{result.state.value}"),
            lines,
            tone=Tone.SUCCESS if good else Tone.WARNING,
            icon=Icon.DONE if good else Icon.WARNING,
            detail=result.code,
        )

    def _case(self) -> Screen:
        document = self._session().case.document
        name = f"{document.surname} {document.given_names}".strip()
        ending = document.number[-3:]
        lines = (
            Text(name, name),
            self._t("screen.case.document", nationality=document.nationality, ending=ending),
        )
        warnings = tuple(self._warning(key) for key in self._session().case.warnings)
        return Screen(
            "case",
            self._t("screen.case"),
            (*lines, *warnings),
            tone=Tone.WARNING if warnings else Tone.ACTION,
            icon=Icon.REVIEW,
            detail=self._session().case.code,
            keys=self._keys(ok="key.right_person", back="key.back"),
        )

    def _warning(self, key: str) -> Text:
        """A newer centre may warn in words this station has not learnt: it must not keep silent about that."""
        known = Fault(key) if key in self._texts else Fault("screen.case.warning", {"key": key})
        return self._told(known, "error.station.text")

    def _consent(self) -> Screen:
        text = self._session().case.consent
        by_other = self._session().case.consent_by == "representative"
        asks = "screen.consent.representative" if by_other else "screen.consent"
        return Screen(
            "consent",
            self._t(asks),
            (Text(text.vi, text.other or text.en),),
            tone=Tone.ACTION,
            icon=Icon.CONSENT,
            keys=self._keys(yes="key.agree", no="key.disagree", back="key.back_hold"),
        )

    def _portrait(self) -> Screen:
        guide = self._state.guide
        attempts = self._session().portrait_attempts
        lines: tuple[Text, ...] = (self._t("screen.portrait.attempt", attempt=attempts + 1),) if attempts else ()
        title = self._t("screen.portrait") if guide is None else self._t(f"face.guide.{guide}")
        return Screen(
            "portrait" if guide is None else f"portrait.{guide}",
            title,
            lines,
            tone=Tone.ACTION,
            icon=Icon.FACE,
            keys=self._keys(back="key.back_hold"),
        )

    def _decision(self) -> Screen:
        """What was wrong comes first: the officer decides about that, not about a picture he cannot see."""
        verdict = f"face.guide.{self._state.best_verdict}"
        wrong = (self._t(verdict),) if verdict in self._texts else ()
        if self._state.best_portrait is None:
            return Screen(
                "portrait_nobody",
                self._t("screen.nobody"),
                wrong,
                tone=Tone.WARNING,
                icon=Icon.FACE,
                keys=self._keys(ok="key.again", back="key.again_hold"),
            )
        return Screen(
            "portrait_decision",
            self._t("screen.decision"),
            (*wrong, self._t("screen.decision.signed", officer=self._session().officer_id)),
            tone=Tone.WARNING,
            icon=Icon.FACE,
            keys=self._keys(ok="key.accept", back="key.again_hold"),
        )

    def _finger(self) -> Screen:
        session = self._session()
        position = session.next_finger or FingerPosition.RIGHT_INDEX
        progress = self._state.progress
        prompt = "place" if progress is None else progress.prompt.value
        verdict = None if progress is None else progress.verdict
        name = self._t(f"finger.position.{position.key}")
        lines: tuple[Text, ...] = ()
        if progress is not None:
            lines += (self._t("screen.finger.press", press=progress.press, presses=progress.presses),)
        if verdict is not None and verdict.value != "accepted":
            lines += (self._t(f"finger.verdict.{verdict.value}"),)
        title = self._t(f"finger.prompt.{prompt}")
        done, total = resolved(session)
        return Screen(
            f"finger.{position.key}.{prompt}",
            Text(f"{title.vi}: {name.vi}", f"{title.en}: {name.en}"),
            lines,
            tone=self._tone(Tone.ACTION),
            icon=Icon.FINGER,
            progress=(done, total),
            keys=self._keys(skip="key.skip", back="key.back"),
            hand=int(position),
        )

    def _reason(self) -> Screen:
        session = self._session()
        position = session.next_finger or FingerPosition.RIGHT_INDEX
        reason = SKIP_REASONS[self._state.reason_index]
        return Screen(
            f"reason.{position.key}.{reason.value}",
            self._t(f"finger.state.{reason.value}"),
            (self._t(f"finger.position.{position.key}"), self._t("screen.reason")),
            tone=Tone.WARNING,
            icon=Icon.FINGER,
            progress=resolved(session),
            keys=self._keys(ok="key.sign", skip="key.next_reason", back="key.retake"),
            hand=int(position),
        )

    def _review(self) -> Screen:
        session = self._session()
        presses = sum(len(finger.presses) for finger in session.fingers)
        done, total = resolved(session)
        captured = sum(1 for finger in session.fingers if finger.presses)
        lines = (
            self._t("screen.review.fingers", captured=captured, total=total, presses=presses),
            self._t("screen.review.exceptions", count=len(session.exceptions)),
        )
        return Screen(
            "review",
            self._t("screen.review"),
            lines,
            tone=Tone.ACTION,
            icon=Icon.REVIEW,
            progress=(done, total),
            detail=session.case.code,
            keys=self._keys(ok="key.send", back="key.back_hold"),
        )

    def _queued(self) -> Screen:
        sent = self._state.link_connected
        return Screen(
            "queued",
            self._t("screen.queued"),
            (self._t("screen.queued.sending" if sent else "screen.queued.offline"),),
            tone=Tone.SUCCESS,
            icon=Icon.SEND,
            keys=self._keys(ok="key.next"),
        )
