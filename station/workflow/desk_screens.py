"""Screens of a desk where nobody is being captured: ready, results, the case and its consent, the end of a session."""

from __future__ import annotations

from drivers.display.port import Icon, Screen, Tone
from station.workflow.events import Result
from station.workflow.screen_pieces import Pieces
from station.workflow.session import resolved
from station.workflow.state import Fault
from wire.bundle import MatchVerdict
from wire.catalogue import Text
from wire.messages import CaseState


class DeskScreens(Pieces):
    """Before and after the capture."""

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
        if state.policy.demo:
            lines += (self._t("screen.idle.demo"),)
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

    def _review(self) -> Screen:
        session = self._session()
        presses = sum(len(finger.presses) for finger in session.fingers)
        done, total = resolved(session)
        captured = sum(1 for finger in session.fingers if finger.presses)
        lines = (
            self._t("screen.review.fingers", captured=captured, total=total, presses=presses),
            self._t("screen.review.exceptions", count=len(session.exceptions)),
        )
        doubt = self._doubt()
        return Screen(
            "review",
            self._t("screen.review"),
            (*doubt, *lines),
            tone=Tone.WARNING if doubt else Tone.ACTION,
            icon=Icon.REVIEW,
            progress=(done, total),
            detail=session.case.code,
            keys=self._keys(ok="key.send", back="key.back_hold"),
        )

    def _doubt(self) -> tuple[Text, ...]:
        """What the officer should look at again before he sends: who it is, and what the picture shows."""
        advice = (f"face.advice.{word}" for word in self._session().portrait_advice)
        return self._unmatched() + tuple(self._t(key) for key in advice if key in self._texts)

    def _unmatched(self) -> tuple[Text, ...]:
        """The comparison with the document's portrait warns and never decides."""
        match, reading = self._session().document_match, self._session().reading
        if match is None:
            return () if reading is None else (self._t("notice.match.none"),)
        if match.verdict is MatchVerdict.ACCEPT:
            return ()
        return (self._t(f"notice.match.{match.verdict.value}"),)

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
