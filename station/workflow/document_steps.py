"""Transitions of the document: read off the page, confirmed by the officer, or signed why not.

Must never take a reading into the session that the officer did not confirm, and never decide that a document is bad.
"""

from __future__ import annotations

from dataclasses import replace

from models.document.compare import differences

from station.workflow.effects import Beep, CameraMode, Note, SaveDraft, UseCamera
from station.workflow.events import DocumentGuided, DocumentMissed, DocumentRead, Event
from station.workflow.onward import Outcome, onward, session_of
from station.workflow.session import DOCUMENT_DIFFERS, DOCUMENT_REASONS, DOCUMENT_SUBJECT, DocumentReading, counted
from station.workflow.state import State, Step
from wire.bundle import Instant, OfficerException


def guide(state: State, event: DocumentGuided, _now: Instant) -> Outcome:
    return (replace(state, guide=event.guide), ()) if event.run == state.run else (state, ())


def check_reading(state: State, event: DocumentRead, now: Instant) -> Outcome:
    """The names have no check digit: the officer compares them with the page in his hand."""
    if event.run != state.run:
        return state, ()
    session = session_of(state)
    attempts = counted(session.document_attempts)
    session = session.taken_with(event.device).logged(event.log.model_copy(update={"attempt": attempts}))
    session = session.model_copy(update={"document_attempts": attempts})
    differs = list(differences(event.lines, session.case.document))
    reading = DocumentReading(lines=list(event.lines), differs=differs, embedding=event.embedding, at=now)
    read = replace(state, step=Step.DOCUMENT_CHECK, session=session, reading=reading, guide=None)
    beeps = Beep(2 if differs else 1)
    return read, (beeps, UseCamera(CameraMode.OFF), SaveDraft(session), Note("document.read", session.bundle_id))


def confirm_reading(state: State, _event: Event, now: Instant) -> Outcome:
    """Differences are signed for: the centre sees them and decides."""
    session, reading = session_of(state), state.reading
    if reading is None:
        return onward(state, now)
    session = session.model_copy(update={"reading": reading})
    if reading.differs:
        session = session.excepted(_signed(state, DOCUMENT_DIFFERS, now))
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects, Note("document.confirmed", session.bundle_id))


def document_missed(state: State, event: DocumentMissed, now: Instant) -> Outcome:
    if event.run != state.run:
        return state, ()
    session = session_of(state)
    attempts = counted(session.document_attempts)
    session = session.taken_with(event.device).logged(event.log.model_copy(update={"attempt": attempts}))
    session = session.model_copy(update={"document_attempts": attempts})
    missed, note = replace(state, session=session), Note("document.missed", session.bundle_id)
    if attempts >= state.policy.document_attempts:
        moved, effects = skip_document(missed, event, now)
        return moved, (Beep(2), SaveDraft(session), *effects, note)
    moved, effects = onward(missed, now)
    return moved, (SaveDraft(session), *effects, note)


def skip_document(state: State, _event: Event, _now: Instant) -> Outcome:
    asked = replace(state, step=Step.DOCUMENT_REASON, reason_index=0, run=state.run + 1, guide=None)
    return asked, (UseCamera(CameraMode.OFF),)


def next_reason(state: State, _event: Event, _now: Instant) -> Outcome:
    return replace(state, reason_index=(state.reason_index + 1) % len(DOCUMENT_REASONS)), ()


def sign_reason(state: State, _event: Event, now: Instant) -> Outcome:
    """What the form says of the document stands alone; the officer answers for it."""
    session = session_of(state).excepted(_signed(state, DOCUMENT_REASONS[state.reason_index], now))
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects, Note("document.excepted", session.bundle_id))


def read_again(state: State, _event: Event, now: Instant) -> Outcome:
    return onward(state, now)


def back_to_document(state: State, _event: Event, now: Instant) -> Outcome:
    session = session_of(state).without_document()
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects)


def _signed(state: State, reason: str, now: Instant) -> OfficerException:
    officer = session_of(state).officer_id
    return OfficerException(subject=DOCUMENT_SUBJECT, reason=reason, officer_id=officer, at=now)
