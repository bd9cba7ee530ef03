"""Transitions before anything is captured: choosing the case, resuming a draft, consent.

Each takes (state, event, now) and returns the outcome.
"""

from __future__ import annotations

from dataclasses import replace

from station.workflow.effects import (
    Beep,
    CameraMode,
    Effect,
    EndFingers,
    EraseDraft,
    Note,
    OpenCase,
    RequestCase,
    SaveDraft,
    Seal,
    UseCamera,
)
from station.workflow.events import (
    CaseFailed,
    CaseOpened,
    DraftLost,
    DraftRestored,
    Event,
    Part,
    QrSeen,
    QueueChanged,
)
from station.workflow.onward import Outcome, home, leave, notice, onward, sentence, session_of
from station.workflow.session import Session
from station.workflow.state import State, Step
from wire.bundle import Consent, Giver, Instant
from wire.case import QR_PREFIX
from wire.ids import is_ulid

OFFICER_PREFIX = "EIDO1:"
"""An officer's badge holds this prefix and the officer's code."""


def open_case(state: State, dossier_id: str, now: Instant) -> Outcome:
    if state.full:
        return notice(state, now, "error.station.outbox_full", waiting=state.waiting), ()
    if not state.officer_id:
        return notice(state, now, "notice.no_officer"), ()
    if Part.STORAGE in state.faults:
        return state, ()
    opening = replace(state, step=Step.OPENING, wanted_dossier=dossier_id, awaited_dossier="", notice=None)
    return opening, (UseCamera(CameraMode.OFF), OpenCase(dossier_id), Note("case.opening", dossier_id))


def next_case(state: State, _event: Event, now: Instant) -> Outcome:
    """Button: the oldest waiting case."""
    if not state.queue:
        return notice(state, now, "notice.no_case"), ()
    usable = [case for case in state.queue if case.dossier_id not in state.unusable]
    return open_case(state, (usable or state.queue)[0].dossier_id, now)


def read_code(state: State, event: QrSeen, now: Instant) -> Outcome:
    """A QR code in view: a dossier, an officer's badge, or something else."""
    if event.text.startswith(OFFICER_PREFIX):
        officer = event.text.removeprefix(OFFICER_PREFIX)
        if officer == state.officer_id or not (officer.isascii() and officer.isalnum() and len(officer) <= 32):
            return state, ()
        changed = notice(replace(state, officer_id=officer), now, "notice.officer", warning=False, officer=officer)
        return changed, (Beep(1), Note("officer.badge"))
    dossier_id = event.text.removeprefix(QR_PREFIX)
    if not event.text.startswith(QR_PREFIX) or not is_ulid(dossier_id):
        return notice(state, now, "notice.qr_foreign"), ()
    if _lies_there(state, dossier_id, now):
        told = notice(state, now, "notice.qr_left", warning=False)
        return replace(told, dismissed_seen_ns=now.monotonic_ns), ()
    here = any(case.dossier_id == dossier_id for case in state.queue)
    if dossier_id == state.awaited_dossier and not here and now.monotonic_ns <= state.awaited_until_ns:
        return _await(notice(state, now, "notice.case_requested"), dossier_id, now), ()
    return open_case(state, dossier_id, now)


def _lies_there(state: State, dossier_id: str, now: Instant) -> bool:
    """The code of the case that was just left was never taken away from the camera: nobody asks for it again."""
    away_ns = now.monotonic_ns - state.dismissed_seen_ns
    return dossier_id == state.dismissed_dossier and away_ns < int(state.policy.qr_away_s * 1e9)


def _await(state: State, dossier_id: str, now: Instant) -> State:
    until_ns = now.monotonic_ns + int(state.policy.await_case_s * 1e9)
    return replace(state, awaited_dossier=dossier_id, awaited_until_ns=until_ns)


def show_case(state: State, event: CaseOpened, now: Instant) -> Outcome:
    if event.case.dossier_id != state.wanted_dossier:
        return state, ()
    session = Session(bundle_id=event.bundle_id, officer_id=state.officer_id, case=event.case, started=now)
    shown = replace(state, step=Step.CASE, session=session)
    return shown, (Beep(1), SaveDraft(session), Note("case.chosen", event.bundle_id))


def case_failed(state: State, event: CaseFailed, now: Instant) -> Outcome:
    if event.dossier_id != state.wanted_dossier:
        return state, ()
    told = sentence(state, now, event.message_id, event.params)
    effects: tuple[Effect, ...] = (Beep(2), UseCamera(CameraMode.QR), Note("case.failed", event.dossier_id))
    if event.message_id == "notice.case_requested":
        awaiting = _await(replace(home(state), notice=told), event.dossier_id, now)
        return awaiting, (*effects, RequestCase(event.dossier_id))
    failed = replace(leave(state, now), notice=told, unusable=state.unusable | {event.dossier_id})
    return failed, effects


def case_arrived(state: State, event: QueueChanged, now: Instant) -> Outcome:
    """The case whose code was shown a moment ago has come: nobody has to show it again."""
    here = any(case.dossier_id == state.awaited_dossier for case in event.cases)
    if not here or now.monotonic_ns > state.awaited_until_ns:
        return state, ()
    return open_case(state, state.awaited_dossier, now)


def abandon(state: State, _event: Event, now: Instant) -> Outcome:
    """Before consent nothing was captured: the case simply goes back into the queue."""
    return leave(state, now), (EraseDraft(), UseCamera(CameraMode.QR), Note("case.released"))


def forget_case(state: State, event: Event, now: Instant) -> Outcome:
    """A name does not stand on the display of a desk where nobody is."""
    if now.monotonic_ns - state.since_ns < int(state.policy.case_s * 1e9):
        return state, ()
    return abandon(state, event, now)


def resume(state: State, event: DraftRestored, now: Instant) -> Outcome:
    """After a restart of the daemon: at most the current step is repeated."""
    session = event.session
    restored = replace(state, session=session, officer_id=session.officer_id, run=state.run + 1)
    note = Note("draft.restored", session.bundle_id)
    if event.sealed:
        queued = replace(restored, step=Step.QUEUED)
        return queued, (EraseDraft(), EndFingers(), UseCamera(CameraMode.OFF), note)
    if session.confirmed is not None:
        return replace(restored, step=Step.SEALING), (UseCamera(CameraMode.OFF), Seal(session), note)
    if session.consent is None:
        return replace(restored, step=Step.CASE), (UseCamera(CameraMode.OFF), note)
    restored, effects = onward(restored, now)
    return restored, (note, *effects)


def tell_draft_lost(state: State, event: DraftLost, now: Instant) -> Outcome:
    return notice(state, now, event.message_id), (EraseDraft(), EndFingers(), Note("draft.lost"))


def ask_consent(state: State, _event: Event, _now: Instant) -> Outcome:
    return replace(state, step=Step.CONSENT), ()


def consent_given(state: State, _event: Event, now: Instant) -> Outcome:
    session = session_of(state)
    text = session.case.consent
    consent = Consent(
        text_id=text.text_id,
        text_sha256=text.sha256,
        language=text.language,
        given_by=Giver(session.case.consent_by),
        at=now,
    )
    session = session.model_copy(update={"consent": consent})
    moved, effects = onward(replace(state, session=session), now)
    return moved, (Beep(1), SaveDraft(session), *effects, Note("consent.given", session.bundle_id))


def consent_refused(state: State, _event: Event, now: Instant) -> Outcome:
    """Nothing was captured, nothing is kept."""
    bundle_id = session_of(state).bundle_id
    told = notice(leave(state, now), now, "rules.reason.NO_CONSENT")
    return told, (EraseDraft(), UseCamera(CameraMode.QR), Note("consent.refused", bundle_id))


def back_to_case(state: State, _event: Event, _now: Instant) -> Outcome:
    return replace(state, step=Step.CASE), ()
