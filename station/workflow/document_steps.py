"""Transitions of the document: read off the page, confirmed by the officer, or signed why not.

Must never take a reading into the session that the officer did not confirm, and never decide that a document is bad.
"""

from __future__ import annotations

from dataclasses import replace

from models.document.compare import differences
from station.workflow.effects import Beep, CameraMode, Note, SaveDraft, UseCamera
from station.workflow.events import DocumentGuided, DocumentMissed, DocumentRead, Event
from station.workflow.matching import compared
from station.workflow.onward import Outcome, onward, session_of
from station.workflow.session import (
    DOCUMENT_DIFFERS,
    DOCUMENT_REASONS,
    DOCUMENT_SUBJECT,
    DocumentReading,
    Session,
    counted,
)
from station.workflow.state import State, Step
from wire.bundle import AttemptEntry, Instant, OfficerException

DIFFERS, REFUSED, TAKEN_BACK = "differs", "refused", "taken-back"
"""Verdicts of the attempt log beside those of the reader: the zone speaks against the case; the officer refused the
reading; what he had confirmed or signed was taken back."""


def guide(state: State, event: DocumentGuided, _now: Instant) -> Outcome:
    return (replace(state, guide=event.guide), ()) if event.run == state.run else (state, ())


def check_reading(state: State, event: DocumentRead, now: Instant) -> Outcome:
    """The names have no check digit: the officer compares them with the page in his hand."""
    if event.run != state.run:
        return state, ()
    session = session_of(state)
    attempts = counted(session.document_attempts)
    differs = list(differences(event.lines, session.case.document))
    # The log keeps that the document spoke against the case, whatever the officer does about it afterwards.
    verdict = DIFFERS if differs else event.log.verdict
    log = event.log.model_copy(update={"attempt": attempts, "verdict": verdict})
    session = session.taken_with(event.device).logged(log)
    session = session.model_copy(update={"document_attempts": attempts})
    reading = DocumentReading(lines=list(event.lines), differs=differs, embedding=event.embedding, at=now)
    read = replace(state, step=Step.DOCUMENT_CHECK, session=session, reading=reading, guide=None)
    beeps = Beep(2 if differs else 1)
    return read, (beeps, UseCamera(CameraMode.OFF), SaveDraft(session), Note("document.read", session.bundle_id))


def confirm_reading(state: State, _event: Event, now: Instant) -> Outcome:
    """Differences are signed for: the centre sees them and decides."""
    session, reading = session_of(state), state.reading
    if reading is None:
        return onward(state, now)
    match = session.document_match
    if session.portrait is not None:
        # A portrait from before the document was asked for: a draft of an older station.
        match = compared(reading.embedding, session.portrait.embedding, state.policy.match)
    session = session.model_copy(update={"reading": reading, "document_match": match})
    for field in reading.differs:
        session = session.excepted(_signed(state, f"{DOCUMENT_SUBJECT}.{field}", DOCUMENT_DIFFERS, now))
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
    reason = DOCUMENT_REASONS[state.reason_index % len(DOCUMENT_REASONS)]
    session = session_of(state).excepted(_signed(state, DOCUMENT_SUBJECT, reason, now))
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects, Note("document.excepted", session.bundle_id))


def read_again(state: State, _event: Event, now: Instant) -> Outcome:
    """The reading is put away; that there was one stays in the log."""
    refused = replace(state, session=_refused(state, now))
    moved, effects = onward(refused, now)
    return moved, (SaveDraft(session_of(refused)), *effects)


def refuse_reading(state: State, event: Event, now: Instant) -> Outcome:
    """Read wrongly again and again: the officer says why it is not read instead."""
    refused = replace(state, session=_refused(state, now), reading=None)
    moved, effects = skip_document(refused, event, now)
    return moved, (SaveDraft(session_of(refused)), *effects)


def forget_reading(state: State, event: Event, now: Instant) -> Outcome:
    """A name does not stand on the display of a desk where nobody is."""
    if now.monotonic_ns - state.since_ns < int(state.policy.case_s * 1e9):
        return state, ()
    return read_again(state, event, now)


def _refused(state: State, now: Instant) -> Session:
    session = session_of(state)
    if state.reading is None:
        return session
    return session.logged(_line(session, REFUSED, now))


def _line(session: Session, verdict: str, now: Instant) -> AttemptEntry:
    attempt = max(1, session.document_attempts)
    return AttemptEntry(step="document", attempt=attempt, verdict=verdict, at_monotonic_ns=now.monotonic_ns)


def back_to_document(state: State, _event: Event, now: Instant) -> Outcome:
    """What was confirmed or signed is taken back, and the log says so."""
    session = session_of(state)
    session = session.without_document().logged(_line(session, TAKEN_BACK, now))
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects)


def _signed(state: State, subject: str, reason: str, now: Instant) -> OfficerException:
    return OfficerException(subject=subject, reason=reason, officer_id=session_of(state).officer_id, at=now)
