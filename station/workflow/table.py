"""The officer workflow as one visible table: step x trigger -> what to do.

`step(state, event, now)` looks the pair up, runs the named transition and returns the new state with its effects.
A pair that is not in the table changes nothing. What may happen in any step (faults, link, results, time) is in
station/workflow/ambient.py. Must never do anything itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from station.workflow import ambient
from station.workflow import capture_steps as capture
from station.workflow import case_steps as case
from station.workflow import closing_steps as closing
from station.workflow import document_steps as document
from station.workflow.effects import Effect
from station.workflow.events import (
    CaseFailed,
    CaseOpened,
    DocumentGuided,
    DocumentMissed,
    DocumentRead,
    DraftLost,
    DraftRestored,
    Event,
    FingerProgressed,
    FingersMissed,
    FingersTaken,
    Key,
    KeyPressed,
    PortraitGuided,
    PortraitMissed,
    PortraitTaken,
    QrSeen,
    QueueChanged,
    Sealed,
    SealFailed,
    Tick,
)
from station.workflow.state import State, Step
from wire.bundle import Instant

Outcome = tuple[State, tuple[Effect, ...]]
Transition = Callable[[State, Any, Instant], Outcome]
Trigger = Key | type

# fmt: off
TABLE: Mapping[tuple[Step, Trigger], Transition] = {
    (Step.IDLE,              Key.OK):           case.next_case,
    (Step.IDLE,              QrSeen):           case.read_code,
    (Step.IDLE,              QueueChanged):     case.case_arrived,
    (Step.IDLE,              DraftRestored):    case.resume,
    (Step.IDLE,              DraftLost):        case.tell_draft_lost,

    (Step.OPENING,           CaseOpened):       case.show_case,
    (Step.OPENING,           CaseFailed):       case.case_failed,
    (Step.OPENING,           Key.CANCEL):       case.abandon,
    (Step.OPENING,           Key.BACK):         case.abandon,

    (Step.CASE,              Key.OK):           case.ask_consent,
    (Step.CASE,              Key.BACK):         case.abandon,
    (Step.CASE,              Key.CANCEL):       case.abandon,
    (Step.CASE,              Tick):             case.forget_case,

    (Step.CONSENT,           Key.YES):          case.consent_given,
    (Step.CONSENT,           Key.NO):           case.consent_refused,
    (Step.CONSENT,           Key.BACK):         case.back_to_case,
    (Step.CONSENT,           Key.CANCEL):       closing.ask_cancel,

    (Step.DOCUMENT,          DocumentGuided):   document.guide,
    (Step.DOCUMENT,          DocumentRead):     document.check_reading,
    (Step.DOCUMENT,          DocumentMissed):   document.document_missed,
    (Step.DOCUMENT,          Key.SKIP):         document.skip_document,
    (Step.DOCUMENT,          Key.BACK):         capture.back_to_consent,
    (Step.DOCUMENT,          Key.CANCEL):       closing.ask_cancel,

    (Step.DOCUMENT_CHECK,    Key.OK):           document.confirm_reading,
    (Step.DOCUMENT_CHECK,    Key.BACK):         document.read_again,
    (Step.DOCUMENT_CHECK,    Key.SKIP):         document.refuse_reading,
    (Step.DOCUMENT_CHECK,    Tick):             document.forget_reading,
    (Step.DOCUMENT_CHECK,    Key.CANCEL):       closing.ask_cancel,

    (Step.DOCUMENT_REASON,   Key.SKIP):         document.next_reason,
    (Step.DOCUMENT_REASON,   Key.OK):           document.sign_reason,
    (Step.DOCUMENT_REASON,   Key.BACK):         document.read_again,
    (Step.DOCUMENT_REASON,   Key.CANCEL):       closing.ask_cancel,

    (Step.PORTRAIT,          PortraitGuided):   capture.guide,
    (Step.PORTRAIT,          PortraitTaken):    capture.keep_portrait,
    (Step.PORTRAIT,          PortraitMissed):   capture.portrait_missed,
    (Step.PORTRAIT,          Key.BACK):         document.back_to_document,
    (Step.PORTRAIT,          Key.CANCEL):       closing.ask_cancel,

    (Step.PORTRAIT_DECISION, Key.OK):           capture.accept_portrait,
    (Step.PORTRAIT_DECISION, Key.BACK):         capture.retake_portrait,
    (Step.PORTRAIT_DECISION, Key.CANCEL):       closing.ask_cancel,

    (Step.FINGER,            FingerProgressed): capture.show_progress,
    (Step.FINGER,            FingersTaken):     capture.keep_fingers,
    (Step.FINGER,            FingersMissed):    capture.fingers_missed,
    (Step.FINGER,            Key.SKIP):         capture.skip_finger,
    (Step.FINGER,            Key.BACK):         capture.back_from_finger,
    (Step.FINGER,            Key.CANCEL):       closing.ask_cancel,

    (Step.FINGER_REASON,     Key.SKIP):         capture.next_reason,
    (Step.FINGER_REASON,     Key.OK):           capture.sign_reason,
    (Step.FINGER_REASON,     Key.BACK):         capture.retry_finger,
    (Step.FINGER_REASON,     Key.CANCEL):       closing.ask_cancel,

    (Step.REVIEW,            Key.OK):           closing.confirm,
    (Step.REVIEW,            Key.BACK):         closing.back_from_review,
    (Step.REVIEW,            Key.CANCEL):       closing.ask_cancel,

    (Step.SEALING,           Sealed):           closing.sealed,
    (Step.SEALING,           SealFailed):       closing.seal_failed,
    (Step.SEALING,           Key.OK):           closing.seal_again,
    (Step.SEALING,           Key.BACK):         closing.reopen,
    (Step.SEALING,           Tick):             closing.seal_by_itself,

    (Step.QUEUED,            Key.OK):           closing.next_person,
    (Step.QUEUED,            Key.BACK):         closing.next_person,
    (Step.QUEUED,            Tick):             closing.leave_queued,

    (Step.CANCEL,            Key.OK):           closing.cancel,
    (Step.CANCEL,            Key.BACK):         closing.keep_session,
}
# fmt: on


def step(state: State, event: Event, now: Instant) -> Outcome:
    """The next state and what to do about it. Total: any event in any state is answered."""
    before, effects = ambient.apply(state, event, now)
    if isinstance(event, KeyPressed) and before.shown_result is not None and before.step is Step.IDLE:
        # Any key first puts the result away: it must not start the next case unseen.
        return ambient.next_result(before, now), effects
    trigger: Trigger = event.key if isinstance(event, KeyPressed) else type(event)
    transition = TABLE.get((before.step, trigger))
    if transition is None:
        return before, effects
    after, more = transition(before, event, now)
    if after.step is not before.step:
        after = replace(after, since_ns=now.monotonic_ns)
    return after, (*effects, *more)
