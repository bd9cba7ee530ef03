"""Transitions of portrait and fingers.

Must never skip a gate: a portrait or finger enters the session only as captured, or with the officer's exception.
"""

from __future__ import annotations

from dataclasses import replace

from station.workflow.effects import (
    Beep,
    CameraMode,
    Note,
    SaveDraft,
    StopFinger,
    UseCamera,
)
from station.workflow.events import (
    Event,
    FingerMissed,
    FingerProgressed,
    FingerTaken,
    PortraitGuided,
    PortraitMissed,
    PortraitTaken,
)
from station.workflow.onward import Outcome, notice, onward, session_of
from station.workflow.session import PORTRAIT_SUBJECT, SKIP_REASONS, counted, finger_subject
from station.workflow.state import State, Step
from wire.bundle import Finger, Instant, OfficerException, Portrait


def guide(state: State, event: PortraitGuided, _now: Instant) -> Outcome:
    return (replace(state, guide=event.guide), ()) if event.run == state.run else (state, ())


def keep_portrait(state: State, event: PortraitTaken, now: Instant) -> Outcome:
    if event.run != state.run:
        return state, ()
    attempts = counted(session_of(state).portrait_attempts)
    portrait = event.portrait.model_copy(update={"attempts": attempts, "accepted_by": "quality"})
    session = session_of(state).taken_with(event.device).logged(event.log.model_copy(update={"attempt": attempts}))
    session = session.model_copy(update={"portrait": portrait, "portrait_attempts": attempts})
    kept = notice(replace(state, session=session), now, "notice.captured", warning=False)
    moved, effects = onward(kept, now)
    return moved, (Beep(1), SaveDraft(session), *effects, Note("portrait.taken", session.bundle_id))


def portrait_missed(state: State, event: PortraitMissed, now: Instant) -> Outcome:
    if event.run != state.run:
        return state, ()
    attempts = counted(session_of(state).portrait_attempts)
    session = session_of(state).taken_with(event.device).logged(event.log.model_copy(update={"attempt": attempts}))
    session = session.model_copy(update={"portrait_attempts": attempts})
    best, verdict = state.best_portrait, state.best_verdict
    if _better(event.best, best):
        best, verdict = event.best, event.log.verdict
    note = Note("portrait.missed", session.bundle_id)
    if attempts >= state.policy.portrait_attempts:
        # Also where nobody was seen: the camera does not go on by itself before an empty chair.
        asked = replace(state, step=Step.PORTRAIT_DECISION, session=session, guide=None, best_portrait=best)
        told = replace(asked, best_verdict=verdict or event.log.verdict)
        return told, (Beep(2), UseCamera(CameraMode.OFF), SaveDraft(session), note)
    moved, effects = onward(replace(state, session=session), now)
    return replace(moved, best_portrait=best, best_verdict=verdict), (SaveDraft(session), *effects, note)


def _better(one: Portrait | None, other: Portrait | None) -> bool:
    """Whether `one` holds more gates; with as many, the higher scores. A later one wins a tie."""
    if one is None or other is None:
        return one is not None
    return _worth(one) >= _worth(other)


def _worth(portrait: Portrait) -> tuple[int, int]:
    passed = sum(component.passed for component in portrait.components)
    return passed, sum(component.score or 0 for component in portrait.components)


def accept_portrait(state: State, _event: Event, now: Instant) -> Outcome:
    """The officer decides against the gate: recorded with reason, name and time."""
    session, best = session_of(state), state.best_portrait
    if best is None:
        return retake_portrait(state, _event, now)
    portrait = best.model_copy(update={"attempts": session.portrait_attempts, "accepted_by": "officer"})
    exception = OfficerException(
        subject=PORTRAIT_SUBJECT, reason="FACE_BELOW_STANDARD", officer_id=session.officer_id, at=now
    )
    session = session.model_copy(update={"portrait": portrait}).excepted(exception)
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects, Note("portrait.excepted", session.bundle_id))


def retake_portrait(state: State, _event: Event, now: Instant) -> Outcome:
    session = session_of(state).without_portrait()
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects)


def back_to_consent(state: State, _event: Event, _now: Instant) -> Outcome:
    session = session_of(state).model_copy(update={"consent": None})
    moved = replace(state, step=Step.CONSENT, session=session, run=state.run + 1, guide=None)
    return moved, (UseCamera(CameraMode.OFF), SaveDraft(session))


def show_progress(state: State, event: FingerProgressed, _now: Instant) -> Outcome:
    return (replace(state, progress=event.progress), ()) if event.run == state.run else (state, ())


def keep_finger(state: State, event: FingerTaken, now: Instant) -> Outcome:
    """Filed only under the finger that was asked for in this very run."""
    session = session_of(state)
    if event.run != state.run or event.finger.position != session.next_finger:
        return state, ()
    attempts = counted(session.finger_attempts)
    log = tuple(entry.model_copy(update={"attempt": attempts}) for entry in event.log)
    finger = event.finger.model_copy(update={"attempts": attempts})
    session = session.taken_with(event.device).logged(*log).with_finger(finger)
    kept = notice(replace(state, session=session), now, "notice.captured", warning=False)
    moved, effects = onward(kept, now)
    return moved, (Beep(1), SaveDraft(session), *effects, Note("finger.taken", finger.position.key))


def finger_missed(state: State, event: FingerMissed, now: Instant) -> Outcome:
    session = session_of(state)
    if event.run != state.run or event.position != session.next_finger:
        return state, ()
    attempts = counted(session.finger_attempts)
    log = tuple(entry.model_copy(update={"attempt": attempts}) for entry in event.log)
    session = session.logged(*log).model_copy(update={"finger_attempts": attempts})
    missed = replace(state, session=session)
    note = Note("finger.missed", event.position.key)
    if attempts >= state.policy.finger_attempts:
        return replace(missed, step=Step.FINGER_REASON, reason_index=0), (Beep(2), SaveDraft(session), note)
    moved, effects = onward(missed, now)
    return moved, (SaveDraft(session), *effects, note)


def skip_finger(state: State, _event: Event, _now: Instant) -> Outcome:
    skipped = replace(state, step=Step.FINGER_REASON, reason_index=0, run=state.run + 1, progress=None)
    return skipped, (StopFinger(),)


def back_from_finger(state: State, _event: Event, now: Instant) -> Outcome:
    """To the finger before; from the first finger to the portrait."""
    session = session_of(state)
    if session.fingers:
        session = session.without_finger(session.fingers[-1].position)
    else:
        session = session.without_portrait()
    # The sensor still holds the finger that is taken again: had hands been mixed up, it would refuse the right one.
    moved, effects = onward(replace(state, session=session), now, forget=True)
    return moved, (StopFinger(), SaveDraft(session), *effects)


def next_reason(state: State, _event: Event, _now: Instant) -> Outcome:
    return replace(state, reason_index=(state.reason_index + 1) % len(SKIP_REASONS)), ()


def sign_reason(state: State, _event: Event, now: Instant) -> Outcome:
    """The officer signs why a planned finger is not captured."""
    session = session_of(state)
    position = session.next_finger
    if position is None:
        return onward(state, now)
    reason = SKIP_REASONS[state.reason_index]
    finger = Finger(position=position, state=reason, attempts=session.finger_attempts)
    exception = OfficerException(
        subject=finger_subject(position), reason=reason.value, officer_id=session.officer_id, at=now
    )
    session = session.with_finger(finger).excepted(exception)
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects, Note("finger.excepted", position.key))


def retry_finger(state: State, _event: Event, now: Instant) -> Outcome:
    return onward(state, now)
