"""What the transitions share: the way home, the first thing that is still missing, sentences for the officer."""

from __future__ import annotations

from dataclasses import replace

from station.workflow.effects import (
    BeginFingers,
    CameraMode,
    CaptureFingers,
    Effect,
    EndFingers,
    UseCamera,
)
from station.workflow.session import Session
from station.workflow.state import Notice, State, Step
from wire.bundle import Instant

Outcome = tuple[State, tuple[Effect, ...]]


def notice(state: State, now: Instant, message_id: str, *, warning: bool = True, **params: str | int | float) -> State:
    """The state with a sentence that stays for the policy's time."""
    return replace(state, notice=sentence(state, now, message_id, params, warning))


def sentence(
    state: State, now: Instant, message_id: str, params: dict[str, str | int | float], warning: bool = True
) -> Notice:
    return Notice(message_id, now.monotonic_ns + int(state.policy.notice_s * 1e9), params, warning)


def session_of(state: State) -> Session:
    if state.session is None:
        raise AssertionError(f"no session in step {state.step}")
    return state.session


def home(state: State) -> State:
    return replace(
        state,
        step=Step.IDLE,
        session=None,
        guide=None,
        progress=None,
        reading=None,
        best_portrait=None,
        best_verdict="",
        best_advice=(),
        reason_index=0,
        wanted_dossier="",
        seal_fault=None,
        seal_permanent=False,
        run=state.run + 1,
    )


def leave(state: State, now: Instant) -> State:
    """Home, and the code of the case that is left, still lying before the camera, does not open it again."""
    left = state.wanted_dossier if state.session is None else state.session.case.dossier_id
    return replace(home(state), dismissed_dossier=left, dismissed_seen_ns=now.monotonic_ns)


def onward(state: State, _now: Instant, *, forget: bool = False) -> Outcome:
    """To the first thing that is missing. `forget`: the sensor must forget a finger that was taken back."""
    session = session_of(state)
    run = state.run + 1
    fresh = replace(
        state,
        run=run,
        guide=None,
        progress=None,
        reading=None,
        best_portrait=None,
        best_verdict="",
        best_advice=(),
        reason_index=0,
    )
    if not session.document_settled:
        return replace(fresh, step=Step.DOCUMENT), (UseCamera(CameraMode.DOCUMENT, run),)
    if session.portrait is None:
        return replace(fresh, step=Step.PORTRAIT), (UseCamera(CameraMode.PORTRAIT, run),)
    positions = session.next_fingers(state.policy.fingers_at_once)
    if not positions:
        return replace(fresh, step=Step.REVIEW), (UseCamera(CameraMode.OFF), EndFingers())
    # Coming from elsewhere (start, review, restart), the device must first be told which fingers it already has.
    begin: tuple[Effect, ...] = () if state.step is Step.FINGER and not forget else (BeginFingers(),)
    capture = CaptureFingers(run, positions)
    return replace(fresh, step=Step.FINGER), (UseCamera(CameraMode.OFF), *begin, capture)
