"""What can happen in any step: faults come and go, the link changes, results arrive, time passes.

Must never change the step or the session.
"""

from __future__ import annotations

from dataclasses import replace

from station.workflow.effects import Beep, Effect, Note
from station.workflow.events import (
    ClockChanged,
    Event,
    LinkChanged,
    PartBack,
    PartFailed,
    QueueChanged,
    Result,
    ResultsChanged,
    RoomChanged,
    Tick,
)
from station.workflow.state import Fault, State, Step
from wire.bundle import Instant

Outcome = tuple[State, tuple[Effect, ...]]

_MOST_SHOWN = 5


def apply(state: State, event: Event, now: Instant) -> Outcome:
    """The state with the event's ambient part folded in."""
    match event:
        case QueueChanged(cases):
            here = {case.dossier_id for case in cases}
            return replace(state, queue=cases, unusable=state.unusable & here), ()
        case LinkChanged(connected, waiting, quarantined, message_id, params):
            fault = Fault(message_id, params) if message_id else None
            linked = replace(state, link_connected=connected, waiting=waiting, quarantined=quarantined)
            return replace(linked, link_fault=fault), ()
        case RoomChanged(full):
            return replace(state, full=full), ()
        case ClockChanged(trusted):
            return replace(state, clock_trusted=trusted), ()
        case PartFailed(part, message_id, params):
            known = state.faults.get(part)
            if known == Fault(message_id, params):
                return state, ()
            broken = replace(state, faults={**state.faults, part: Fault(message_id, params)})
            # A fault that only changes its name (lost, then missing) is no new alarm.
            alarm: tuple[Effect, ...] = () if known is not None else (Beep(3),)
            return broken, (*alarm, Note("part.failed", f"{part.value} {message_id}"))
        case PartBack(part):
            if part not in state.faults:
                return state, ()
            left = {name: fault for name, fault in state.faults.items() if name is not part}
            return replace(state, faults=left), (Note("part.back", part.value),)
        case ResultsChanged(results, initial):
            return _results(state, results, initial, now)
        case Tick():
            return _time(state, now), ()
        case _:
            return state, ()


def _results(state: State, results: tuple[Result, ...], initial: bool, now: Instant) -> Outcome:
    """A status that became final is shown once the desk is idle; a sequence never goes back."""
    known = {result.bundle_id: result for result in state.results}
    merged: list[Result] = []
    fresh: list[Result] = []
    for result in results:
        old = known.get(result.bundle_id)
        newer = result if old is None or result.sequence > old.sequence else old
        merged.append(newer)
        if newer is not old and newer.state.final and not initial:
            fresh.append(newer)
    changed = replace(state, results=tuple(merged))
    if not fresh:
        return changed, ()
    # After days offline many come at once: the newest few are shown one after the other.
    changed = replace(changed, next_results=(*state.next_results, *fresh)[-_MOST_SHOWN:])
    if changed.shown_result is None:
        changed = next_result(changed, now)
    return changed, (Beep(1), *(Note("result.final", result.bundle_id) for result in fresh))


def next_result(state: State, now: Instant) -> State:
    """The shown result goes, the next one comes; its time starts to count when the desk is idle."""
    first, rest = (state.next_results[0], state.next_results[1:]) if state.next_results else (None, ())
    resting = state.step in (Step.IDLE, Step.QUEUED)
    until_ns = now.monotonic_ns + int(state.policy.result_s * 1e9) if resting else 0
    return replace(state, shown_result=first, shown_until_ns=until_ns, next_results=rest)


def _time(state: State, now: Instant) -> State:
    passed = state
    if passed.notice is not None and now.monotonic_ns >= passed.notice.until_ns:
        passed = replace(passed, notice=None)
    if passed.shown_result is not None and passed.step in (Step.IDLE, Step.QUEUED):
        if passed.shown_until_ns == 0:
            passed = replace(passed, shown_until_ns=now.monotonic_ns + int(passed.policy.result_s * 1e9))
        elif now.monotonic_ns >= passed.shown_until_ns:
            passed = next_result(passed, now)
    return passed
