"""What every screen is made of: sentences, key hints, the session. Must never decide what is shown."""

from __future__ import annotations

from drivers.display.port import KeyHint, Tone
from drivers.panel.port import Button
from station.workflow.session import Session
from station.workflow.state import Fault, State
from wire.catalogue import Catalogue, Text
from wire.errors import CatalogueError


class Pieces:
    """Of one state, in both languages."""

    def __init__(self, state: State, texts: Catalogue) -> None:
        self._state = state
        self._texts = texts

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
