"""Transitions that end a session: review, sealing, the next person, cancelling. Must never wipe what was not sealed."""

from __future__ import annotations

from dataclasses import replace

from station.workflow.capture_steps import back_from_finger
from station.workflow.effects import (
    Beep,
    CameraMode,
    EndFingers,
    EraseDraft,
    Note,
    SaveDraft,
    Seal,
    StopFinger,
    UseCamera,
)
from station.workflow.events import (
    Event,
    Sealed,
    SealFailed,
)
from station.workflow.onward import Outcome, leave, notice, onward, session_of
from station.workflow.state import Fault, State, Step
from wire.bundle import Instant


def confirm(state: State, _event: Event, now: Instant) -> Outcome:
    session = session_of(state).model_copy(update={"confirmed": now})
    sealing = replace(state, step=Step.SEALING, session=session, seal_fault=None)
    return sealing, (SaveDraft(session), Seal(session), Note("session.confirmed", session.bundle_id))


def back_from_review(state: State, event: Event, now: Instant) -> Outcome:
    return back_from_finger(state, event, now)


def sealed(state: State, event: Sealed, now: Instant) -> Outcome:
    if event.bundle_id != session_of(state).bundle_id:
        return state, ()
    queued = replace(state, step=Step.QUEUED, since_ns=now.monotonic_ns, seal_fault=None)
    return queued, (EraseDraft(), Beep(2), Note("session.sealed", event.bundle_id))


def seal_failed(state: State, event: SealFailed, now: Instant) -> Outcome:
    """The session stays as it is; the officer is told once, nothing is wiped."""
    fault = Fault(event.message_id, event.params)
    failed = replace(state, seal_fault=fault, seal_permanent=event.permanent, seal_tried_ns=now.monotonic_ns)
    if state.seal_fault == fault:
        return failed, ()
    return failed, (Beep(3), Note("session.seal_failed", session_of(state).bundle_id))


def seal_again(state: State, _event: Event, now: Instant) -> Outcome:
    """By button, after a failure."""
    if state.seal_fault is None:
        return state, ()
    return replace(state, seal_tried_ns=now.monotonic_ns), (Seal(session_of(state)),)


def seal_by_itself(state: State, event: Event, now: Instant) -> Outcome:
    """As soon as there is room again, without anybody's help."""
    if state.seal_permanent or now.monotonic_ns - state.seal_tried_ns < int(state.policy.notice_s * 1e9):
        return state, ()
    return seal_again(state, event, now)


def reopen(state: State, _event: Event, _now: Instant) -> Outcome:
    """A session that can never be sealed as it is: the officer takes his confirmation back and mends or cancels it.

    Only then: nothing of it reached the outbox, and the next person must not wait for ever.
    """
    if state.seal_fault is None or not state.seal_permanent:
        return state, ()
    session = session_of(state).model_copy(update={"confirmed": None})
    again = replace(state, step=Step.REVIEW, session=session, seal_fault=None, seal_permanent=False)
    return again, (SaveDraft(session), Note("session.reopened", session.bundle_id))


def next_person(state: State, _event: Event, now: Instant) -> Outcome:
    return leave(state, now), (UseCamera(CameraMode.QR),)


def leave_queued(state: State, event: Event, now: Instant) -> Outcome:
    if now.monotonic_ns - state.since_ns < int(state.policy.queued_s * 1e9):
        return state, ()
    return next_person(state, event, now)


def ask_cancel(state: State, _event: Event, _now: Instant) -> Outcome:
    asked = replace(state, step=Step.CANCEL, cancelled_from=state.step, run=state.run + 1)
    return asked, (StopFinger(), UseCamera(CameraMode.OFF))


def cancel(state: State, _event: Event, now: Instant) -> Outcome:
    bundle_id = session_of(state).bundle_id
    gone = notice(leave(state, now), now, "notice.cancelled")
    return gone, (EraseDraft(), EndFingers(), UseCamera(CameraMode.QR), Note("session.cancelled", bundle_id))


def keep_session(state: State, _event: Event, now: Instant) -> Outcome:
    if state.cancelled_from in (Step.DOCUMENT, Step.PORTRAIT, Step.FINGER):
        return onward(state, now)
    return replace(state, step=state.cancelled_from), ()
