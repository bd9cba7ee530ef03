"""What display and LEDs show for a state: one fold, so that they can never disagree.

Names stand only on the screens of a running session. Must never decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Button, Light, Pattern
from station.workflow.events import Part, Result
from station.workflow.session import SKIP_REASONS, Session, resolved
from station.workflow.state import Fault, State, Step
from wire.catalogue import Catalogue, Text
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
    """`flash` is the white light on the applicant's face."""

    screen: Screen
    light: Light
    flash: bool


def view(state: State, texts: Catalogue) -> View:
    """The screen, status light and flash of a state."""
    screen = _Screens(state, texts).screen()
    return View(screen, _light(state, screen.tone), state.step is Step.PORTRAIT)


def _light(state: State, tone: Tone) -> Light:
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
        fault = self._fault_screen()
        if fault is not None:
            return fault
        match self._state.step:
            case Step.IDLE:
                return self._result() or self._idle()
            case Step.OPENING:
                return Screen("opening", self._t("screen.opening"), tone=Tone.BUSY, icon=Icon.WAIT)
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
        return () if told is None else (self._t(told.message_id, **told.params),)

    def _tone(self, usual: Tone) -> Tone:
        told = self._state.notice
        return Tone.WARNING if told is not None and told.warning else usual

    def _session(self) -> Session:
        if self._state.session is None:
            raise AssertionError(f"no session in step {self._state.step}")
        return self._state.session

    def _fault_screen(self) -> Screen | None:
        """The fault of a part that this step cannot do without."""
        needs: dict[Step, tuple[Part, ...]] = {
            Step.IDLE: (Part.STORAGE, Part.CAMERA, Part.FINGERPRINT, Part.PANEL),
            Step.PORTRAIT: (Part.CAMERA,),
            Step.FINGER: (Part.FINGERPRINT,),
        }
        for part in needs.get(self._state.step, ()):
            fault = self._state.faults.get(part)
            if fault is None:
                continue
            return self._failed(part, fault)
        return None

    def _failed(self, part: Part, fault: Fault, keys: tuple[KeyHint, ...] = ()) -> Screen:
        return Screen(
            f"fault.{part.value}",
            self._t(f"part.{part.value}.failed"),
            (self._t(fault.message_id, **fault.params),),
            tone=Tone.ERROR,
            icon=Icon.ERROR,
            keys=keys,
        )

    def _sealing(self) -> Screen:
        if self._state.seal_fault is not None:
            return self._failed(Part.STORAGE, self._state.seal_fault, self._keys(ok="key.again"))
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
        lines += (self._t("screen.idle.waiting", count=len(state.queue)),)
        if not state.link_connected:
            lines += (self._t(state.link_message_id or "screen.idle.offline"),)
        if state.waiting:
            lines += (self._t("screen.idle.unsent", count=state.waiting),)
        if not state.clock_trusted:
            lines += (self._t("screen.idle.clock"),)
        lines += tuple(self._result_line(result) for result in state.results[-2:])
        keys = self._keys(ok="key.start") if state.queue else ()
        tone = self._tone(Tone.NEUTRAL)
        return Screen("idle", self._t("screen.idle"), lines[:3], tone=tone, icon=Icon.QR, keys=keys)

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
        warnings = tuple(self._t(key) for key in self._session().case.warnings if key in self._texts)
        return Screen(
            "case",
            self._t("screen.case"),
            (*lines, *warnings)[:3],
            tone=Tone.WARNING if warnings else Tone.ACTION,
            icon=Icon.REVIEW,
            detail=self._session().case.code,
            keys=self._keys(ok="key.right_person", back="key.back"),
        )

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
            keys=self._keys(yes="key.agree", no="key.disagree", back="key.back"),
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
            keys=self._keys(back="key.back"),
        )

    def _decision(self) -> Screen:
        return Screen(
            "portrait_decision",
            self._t("screen.decision"),
            (self._t("screen.decision.signed", officer=self._session().officer_id),),
            tone=Tone.WARNING,
            icon=Icon.FACE,
            keys=self._keys(ok="key.accept", back="key.retake"),
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
            keys=self._keys(ok="key.send", back="key.back"),
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
