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
    FingerProgressed,
    FingersMissed,
    FingersTaken,
    PortraitGuided,
    PortraitMissed,
    PortraitTaken,
)
from station.workflow.matching import compared
from station.workflow.onward import Outcome, notice, onward, session_of
from station.workflow.session import PORTRAIT_SUBJECT, SKIP_REASONS, Session, counted, finger_subject
from station.workflow.state import State, Step
from wire.bundle import Finger, FingerState, Instant, MatchVerdict, OfficerException, Portrait
from wire.fingers import FingerPosition

PRINTED = "passport"
"""Verdict of an attempt, and advice on its picture: the face may be the one printed in the document."""


def guide(state: State, event: PortraitGuided, _now: Instant) -> Outcome:
    return (replace(state, guide=event.guide), ()) if event.run == state.run else (state, ())


def keep_portrait(state: State, event: PortraitTaken, now: Instant) -> Outcome:
    if event.run != state.run:
        return state, ()
    attempts = counted(session_of(state).portrait_attempts)
    portrait = event.portrait.model_copy(update={"attempts": attempts, "accepted_by": "quality"})
    session = session_of(state).taken_with(event.device).logged(event.log.model_copy(update={"attempt": attempts}))
    session = session.model_copy(update={"portrait_attempts": attempts})
    kept, beeps = _with_portrait(state, session, portrait, event.advice, now)
    moved, effects = onward(kept, now)
    return moved, (beeps, SaveDraft(session_of(kept)), *effects, Note("portrait.taken", session.bundle_id))


def _with_portrait(
    state: State, session: Session, portrait: Portrait, advice: tuple[str, ...], now: Instant
) -> tuple[State, Beep]:
    """The portrait in the session, held against the one in the document: a low score warns and stops nothing."""
    # A picture that may be the document's own would match it, whoever stands there.
    unknown = session.reading is None or PRINTED in advice
    document = None if unknown or session.reading is None else session.reading.embedding
    match = compared(document, portrait.embedding, state.policy.match)
    session = session.model_copy(
        update={"portrait": portrait, "portrait_advice": list(advice), "document_match": match}
    )
    kept = replace(state, session=session)
    if match is None or match.verdict is MatchVerdict.ACCEPT:
        return notice(kept, now, "notice.captured", warning=False), Beep(1)
    return notice(kept, now, f"notice.match.{match.verdict.value}"), Beep(2)


def portrait_missed(state: State, event: PortraitMissed, now: Instant) -> Outcome:
    if event.run != state.run:
        return state, ()
    attempts = counted(session_of(state).portrait_attempts)
    session = session_of(state).taken_with(event.device).logged(event.log.model_copy(update={"attempt": attempts}))
    session = session.model_copy(update={"portrait_attempts": attempts})
    best, verdict, advice = state.best_portrait, state.best_verdict, state.best_advice
    if _preferred(event, state):
        best, verdict, advice = event.best, event.log.verdict, event.advice
    note = Note("portrait.missed", session.bundle_id)
    if attempts >= state.policy.portrait_attempts:
        # Also where nobody was seen: the camera does not go on by itself before an empty chair.
        asked = replace(state, step=Step.PORTRAIT_DECISION, session=session, guide=None, best_portrait=best)
        told = replace(asked, best_verdict=verdict or event.log.verdict, best_advice=advice)
        return told, (Beep(2), UseCamera(CameraMode.OFF), SaveDraft(session), note)
    moved, effects = onward(replace(state, session=session), now)
    return replace(moved, best_portrait=best, best_verdict=verdict, best_advice=advice), (
        SaveDraft(session),
        *effects,
        note,
    )


def _preferred(event: PortraitMissed, state: State) -> bool:
    """Whether this attempt's picture is the one to decide on. The one printed in the passport is, only if it is the
    only one: it may be a person before two lines of text, but not instead of a person who was seen."""
    if event.best is None or state.best_portrait is None:
        return event.best is not None
    printed, was = event.log.verdict == PRINTED, state.best_verdict == PRINTED
    return was if printed != was else _better(event.best, state.best_portrait)


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
    kept, beeps = _with_portrait(state, session.excepted(exception), portrait, _advice(state), now)
    moved, effects = onward(kept, now)
    return moved, (beeps, SaveDraft(session_of(kept)), *effects, Note("portrait.excepted", session.bundle_id))


def _advice(state: State) -> tuple[str, ...]:
    return (PRINTED, *state.best_advice) if state.best_verdict == PRINTED else state.best_advice


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


def asked(state: State) -> tuple[FingerPosition, ...]:
    """The fingers of the step the officer is at."""
    return session_of(state).next_fingers(state.policy.fingers_at_once)


def keep_fingers(state: State, event: FingersTaken, now: Instant) -> Outcome:
    """Filed only under the fingers that were asked for in this very run: all of them, none beside them."""
    session = session_of(state)
    if event.run != state.run or tuple(finger.position for finger in event.fingers) != asked(state):
        return state, ()
    attempts = counted(session.finger_attempts)
    log = tuple(entry.model_copy(update={"attempt": attempts}) for entry in event.log)
    fingers = [finger.model_copy(update={"attempts": attempts}) for finger in event.fingers]
    session = session.taken_with(event.device).logged(*log).with_fingers(*fingers)
    kept = notice(replace(state, session=session), now, "notice.captured", warning=False)
    moved, effects = onward(kept, now)
    notes = tuple(Note("finger.taken", finger.position.key) for finger in fingers)
    return moved, (Beep(1), SaveDraft(session), *effects, *notes)


def fingers_missed(state: State, event: FingersMissed, now: Instant) -> Outcome:
    session = session_of(state)
    if event.run != state.run or event.positions != asked(state):
        return state, ()
    attempts = counted(session.finger_attempts)
    log = tuple(entry.model_copy(update={"attempt": attempts}) for entry in event.log)
    session = session.logged(*log).model_copy(update={"finger_attempts": attempts})
    missed = replace(state, session=session)
    note = Note("finger.missed", event.positions[0].key)
    if attempts >= state.policy.finger_attempts:
        return replace(missed, step=Step.FINGER_REASON, reason_index=0), (Beep(2), SaveDraft(session), note)
    moved, effects = onward(missed, now)
    return moved, (SaveDraft(session), *effects, note)


def skip_finger(state: State, _event: Event, _now: Instant) -> Outcome:
    skipped = replace(state, step=Step.FINGER_REASON, reason_index=0, run=state.run + 1, progress=None)
    return skipped, (StopFinger(),)


def back_from_finger(state: State, _event: Event, now: Instant) -> Outcome:
    """To the fingers before; from the first ones to the portrait."""
    session = session_of(state)
    if session.fingers:
        session = session.without_last_step(state.policy.fingers_at_once)
    else:
        session = session.without_portrait()
    # The sensor still holds the finger that is taken again: had hands been mixed up, it would refuse the right one.
    moved, effects = onward(replace(state, session=session), now, forget=True)
    return moved, (StopFinger(), SaveDraft(session), *effects)


def next_reason(state: State, _event: Event, _now: Instant) -> Outcome:
    """Each finger of the step with each reason, finger after finger."""
    pages = max(1, len(asked(state)) * len(SKIP_REASONS))
    return replace(state, reason_index=(state.reason_index + 1) % pages), ()


def excused(state: State) -> tuple[FingerPosition, FingerState] | None:
    """Which finger and which reason the officer is looking at; None where no finger is missing."""
    positions = asked(state)
    if not positions:
        return None
    finger, reason = divmod(state.reason_index, len(SKIP_REASONS))
    return positions[finger % len(positions)], SKIP_REASONS[reason]


def sign_reason(state: State, _event: Event, now: Instant) -> Outcome:
    """The officer signs why a planned finger is not captured."""
    session, chosen = session_of(state), excused(state)
    if chosen is None:
        return onward(state, now)
    position, reason = chosen
    finger = Finger(position=position, state=reason, attempts=session.finger_attempts)
    exception = OfficerException(
        subject=finger_subject(position), reason=reason.value, officer_id=session.officer_id, at=now
    )
    session = session.with_fingers(finger).excepted(exception)
    moved, effects = onward(replace(state, session=session), now)
    return moved, (SaveDraft(session), *effects, Note("finger.excepted", position.key))


def retry_finger(state: State, _event: Event, now: Instant) -> Outcome:
    return onward(state, now)
