"""Random walks through the workflow: what can never happen, whatever happens in whatever order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.capture.sealing import Provenance, assemble
from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key, KeyPressed
from station.workflow.session import Session
from station.workflow.state import State, Step
from station.workflow.table import step
from station.workflow.view import view
from tests.station.workflow.conftest import (
    BUNDLE,
    CAMERA,
    DOSSIER,
    EMBEDDING,
    POLICY,
    SENSOR,
    ZONE,
    at,
    entry,
    make_case,
    make_finger,
    make_portrait,
)
from tests.station.workflow.test_slap import slap_case
from wire.bundle import Bundle, FingerState
from wire.case import CaseOrder, qr_text
from wire.catalogue import bundled
from wire.fingers import FingerPosition
from wire.messages import CaseState

_OTHER = (ZONE[0].replace("MAU", "MAI"), ZONE[1])
_ONWARD = {
    Step.CASE: Key.OK,
    Step.CONSENT: Key.YES,
    Step.DOCUMENT_CHECK: Key.OK,
    Step.DOCUMENT_REASON: Key.OK,
    Step.PORTRAIT_DECISION: Key.OK,
    Step.FINGER_REASON: Key.OK,
    Step.REVIEW: Key.OK,
    Step.CANCEL: Key.BACK,
}
"""The key that leads on: without it no walk would ever come to the end."""


def likely(state: State, case: CaseOrder, rng: random.Random) -> list[ev.Event]:
    """What may happen now, the likely more often; late and foreign answers among it."""
    run = state.run + rng.choice([0, 0, 0, 0, -1, 1])
    asked = () if state.session is None else state.session.next_fingers(state.policy.fingers_at_once)
    happens: list[ev.Event] = [KeyPressed(rng.choice(list(Key))), ev.Tick(), ev.QrSeen(qr_text(DOSSIER))]
    if state.step in (Step.IDLE, Step.OPENING):
        happens += [ev.QrSeen(qr_text(DOSSIER)), ev.CaseOpened(case, BUNDLE)] * 2
        happens.append(ev.CaseFailed(DOSSIER, "notice.case_done"))
    if state.step in _ONWARD:
        happens += [KeyPressed(_ONWARD[state.step])] * 3
    if state.step in (Step.DOCUMENT_CHECK, Step.CANCEL):
        happens += [KeyPressed(Key.CANCEL), KeyPressed(Key.OK)]
    read = ev.DocumentRead(run, rng.choice([ZONE, _OTHER]), rng.choice([EMBEDDING, None]), entry("document"), CAMERA)
    happens += [read] * (3 if state.step is Step.DOCUMENT else 1)
    happens.append(ev.DocumentMissed(run, entry("document"), CAMERA))
    happens += [ev.PortraitTaken(run, make_portrait(), entry(), CAMERA)] * (3 if state.step is Step.PORTRAIT else 1)
    happens += [ev.PortraitMissed(run, rng.choice([make_portrait(), None]), entry(), CAMERA)] * 2
    if asked:
        happens += [ev.FingersTaken(run, tuple(map(make_finger, asked)), (entry("finger"),), SENSOR)] * 4
        happens.append(ev.FingersMissed(run, asked, ()))
    happens.append(ev.FingersTaken(run, (make_finger(FingerPosition.LEFT_LITTLE),), (), SENSOR))
    part = rng.choice(list(ev.Part))
    happens += [
        ev.Sealed(BUNDLE, 5),
        ev.SealFailed("error.spool.full", {"where": "outbox"}, rng.random() < 0.3),
        ev.PartFailed(part, "error.driver.lost", {"device": part.value}),
        ev.PartBack(part),
        ev.ResultsChanged((ev.Result(BUNDLE, "ABCD", CaseState.ISSUED, 4),)),
    ]
    return happens


def walked(seed: int, steps: int) -> Counter[str]:
    """One day at a desk: whatever happens, in whatever order, with restarts; how often each step was reached."""
    rng = random.Random(seed)
    case = rng.choice([make_case(), slap_case()])
    policy = replace(POLICY, fingers_at_once=rng.choice([1, 2, 4]))
    state, now_s, confirmed = State(policy=policy, officer_id="CB01"), 0.0, False
    reached: Counter[str] = Counter()
    for _ in range(steps):
        event, now_s = rng.choice(likely(state, case, rng)), now_s + rng.choice([0.1, 0.1, 5.0])
        before = state
        state, effects = step(state, event, at(now_s))
        if before.step is Step.SEALING and state.step is Step.REVIEW:
            assert before.seal_permanent
            confirmed = False
        for effect in effects:
            if isinstance(effect, do.Seal):
                confirmed = True
                reached["sealed"] += 1
                check_complete(effect.session)
            if isinstance(effect, do.EraseDraft):
                assert not confirmed or isinstance(event, ev.Sealed)
                confirmed = False
            if isinstance(effect, do.CaptureFingers):
                assert 0 < len(effect.positions) <= policy.fingers_at_once
        if state.session is not None and not confirmed and rng.random() < 0.01:
            draft = Session.decode(state.session.encode())
            state, _ = step(State(policy=policy, officer_id="CB01"), ev.DraftRestored(draft, sealed=False), at(now_s))
            reached["restarted"] += 1
        check_always(state)
        view(state, bundled())
        reached[state.step.value] += 1
    return reached


def check_always(state: State) -> None:
    """What holds in every moment."""
    if state.step is Step.IDLE:
        assert state.session is None
        assert (state.reading, state.best_portrait, state.guide, state.progress) == (None, None, None, None)
    if state.step not in (Step.DOCUMENT_CHECK, Step.CANCEL):
        assert state.reading is None
    session = state.session
    if session is None:
        return
    subjects = [entry.subject for entry in session.exceptions]
    assert len(set(subjects)) == len(subjects)
    signed = {subject for subject in subjects if subject.split(".")[0] == "document"}
    if session.reading is not None:
        assert signed == {f"document.{field}" for field in session.reading.differs}
    else:
        assert signed <= {"document"}
        assert session.document_match is None
    if session.document_match is not None:
        assert session.reading is not None
        assert session.reading.embedding is not None
        assert session.portrait is not None
    if session.portrait is not None:
        assert (session.portrait.accepted_by == "officer") == ("portrait" in subjects)


def check_complete(session: Session) -> None:
    """What is sealed is whole, and the centre can read it."""
    assert session.consent is not None
    assert session.portrait is not None
    assert session.document_settled
    done = {found.position: found for found in session.fingers}
    assert set(done) == set(session.case.plan)
    signed = {exception.subject for exception in session.exceptions}
    for position, found in done.items():
        assert found.state is FingerState.CAPTURED or f"finger.{position.key}" in signed
        assert all(press.packed_sha256 == bytes([position]) * 32 for press in found.presses)
    bundle = assemble(session, Provenance("st-0001", "test", {}, {}))
    assert Bundle.decode(bundle.encode()) == bundle


@pytest.mark.parametrize("seed", range(12))
def test_a_day_at_the_desk(seed: int) -> None:
    """Nothing incomplete is sealed, nothing foreign filed, nothing confirmed erased, nobody left on the display."""
    walked(seed, 400)


def test_the_walks_go_everywhere() -> None:
    """A walk that never leaves the first screens would prove nothing."""
    reached: Counter[str] = sum((walked(seed, 400) for seed in range(100, 106)), Counter())

    assert {step.value for step in Step} <= set(reached)
    assert reached["sealed"] > 5
    assert reached["restarted"] > 3


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=1000))
def test_any_day_at_the_desk(seed: int) -> None:
    """As above, with other seeds in each search."""
    walked(seed, 150)
