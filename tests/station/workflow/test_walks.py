"""Random walks through the workflow: what can never happen, whatever happens in whatever order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

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
from wire.bundle import FingerState
from wire.case import qr_text
from wire.catalogue import bundled
from wire.fingers import FingerPosition
from wire.messages import CaseState

_POSITIONS = st.sampled_from([FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX, FingerPosition.LEFT_LITTLE])
_ZONES = st.sampled_from([ZONE, (ZONE[0].replace("MAU", "MAI"), ZONE[1])])
_RUNS = st.integers(min_value=-1, max_value=1)  # relative to the state's own run

_MAKERS = st.one_of(
    st.sampled_from(list(Key)).map(lambda key: lambda state: KeyPressed(key)),
    st.just(lambda state: ev.Tick()),
    st.just(lambda state: ev.QrSeen(qr_text(DOSSIER))),
    st.just(lambda state: ev.CaseOpened(make_case(), BUNDLE)),
    st.just(lambda state: ev.CaseFailed(DOSSIER, "notice.case_done")),
    _RUNS.map(lambda d: lambda state: ev.PortraitTaken(state.run + d, make_portrait(), entry(), CAMERA)),
    _RUNS.map(lambda d: lambda state: ev.PortraitMissed(state.run + d, make_portrait(), entry(), CAMERA)),
    st.tuples(_RUNS, _POSITIONS).map(
        lambda p: lambda state: ev.FingersTaken(state.run + p[0], (make_finger(p[1]),), (entry("finger"),), SENSOR)
    ),
    st.tuples(_RUNS, _POSITIONS).map(lambda p: lambda state: ev.FingersMissed(state.run + p[0], (p[1],), ())),
    st.tuples(_RUNS, _ZONES).map(
        lambda p: lambda state: ev.DocumentRead(state.run + p[0], p[1], EMBEDDING, entry("document"), CAMERA)
    ),
    _RUNS.map(lambda d: lambda state: ev.DocumentMissed(state.run + d, entry("document"), CAMERA)),
    st.just(lambda state: ev.Sealed(BUNDLE, 5)),
    st.booleans().map(
        lambda permanent: lambda state: ev.SealFailed("error.spool.full", {"where": "outbox"}, permanent)
    ),
    st.sampled_from(list(ev.Part)).map(
        lambda part: lambda state: ev.PartFailed(part, "error.driver.lost", {"device": part.value})
    ),
    st.sampled_from(list(ev.Part)).map(lambda part: lambda state: ev.PartBack(part)),
    st.just(lambda state: ev.ResultsChanged((ev.Result(BUNDLE, "ABCD", CaseState.ISSUED, 4),))),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_MAKERS, max_size=60))
def test_no_gate_is_skipped_and_nothing_confirmed_is_wiped(makers: list[object]) -> None:
    """P1, P5: whatever happens in whatever order.

    A session is sealed only with consent, portrait and every planned finger captured or signed for; once confirmed,
    its draft is erased only after Sealed; every state can be drawn.
    """
    state = State(policy=POLICY, officer_id="CB01")
    confirmed = False
    for number, make in enumerate(makers):
        event = make(state)  # type: ignore[operator]
        before = state
        state, effects = step(state, event, at(number / 10))
        if before.step is Step.SEALING and state.step is Step.REVIEW:
            assert before.seal_permanent
            confirmed = False
        for effect in effects:
            if isinstance(effect, do.Seal):
                confirmed = True
                check_complete(effect.session)
            if isinstance(effect, do.EraseDraft):
                assert not confirmed or isinstance(event, ev.Sealed)
                confirmed = False
        view(state, bundled())


def check_complete(session: Session) -> None:
    assert session.consent is not None
    assert session.portrait is not None
    done = {found.position: found for found in session.fingers}
    assert set(done) == set(session.case.plan)
    signed = {exception.subject for exception in session.exceptions}
    for position, found in done.items():
        assert found.state is FingerState.CAPTURED or f"finger.{position.key}" in signed
        assert all(press.packed_sha256 == bytes([position]) * 32 for press in found.presses)
