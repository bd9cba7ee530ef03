"""What comes after a crash, and what comes back from the centre."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key
from station.workflow.session import Session
from station.workflow.state import State, Step
from station.workflow.table import step
from station.workflow.view import view
from tests.station.workflow.conftest import (
    BUNDLE,
    DOSSIER,
    at,
)
from tests.station.workflow.playing import documented, finger, kinds, opened, pictured, press, reviewed, run
from wire.catalogue import bundled
from wire.fingers import FingerPosition
from wire.messages import CaseState


class TestResume:
    """After kill -9: at most the current step is repeated."""

    @pytest.mark.parametrize(
        ("reach", "expected"),
        [(opened, Step.CASE), (documented, Step.PORTRAIT), (pictured, Step.FINGER), (reviewed, Step.REVIEW)],
    )
    def test_comes_back_where_it_was(self, idle: State, reach: object, expected: Step) -> None:
        """The draft's session leads to the first thing that is missing."""
        session = reach(idle).session  # type: ignore[operator]
        restored = Session.decode(session.encode())
        state, _ = run(idle, ev.DraftRestored(restored, sealed=False))

        assert state.step is expected
        assert state.session == session

    def test_confirmed_session_is_sealed_under_the_same_id(self, idle: State) -> None:
        """P1: the officer's confirmation survives the crash, exactly once."""
        confirmed, _ = run(reviewed(idle), press(Key.OK))
        state, effects = run(idle, ev.DraftRestored(confirmed.session, sealed=False))  # type: ignore[arg-type]
        seals = [effect for effect in effects if isinstance(effect, do.Seal)]

        assert state.step is Step.SEALING
        assert [seal.session.bundle_id for seal in seals] == [BUNDLE]

    def test_already_sealed_session_is_not_sealed_again(self, idle: State) -> None:
        """The crash came between outbox and draft."""
        confirmed, _ = run(reviewed(idle), press(Key.OK))
        state, effects = run(idle, ev.DraftRestored(confirmed.session, sealed=True))  # type: ignore[arg-type]

        assert state.step is Step.QUEUED
        assert do.Seal not in kinds(effects)
        assert do.EraseDraft in kinds(effects)

    def test_taken_templates_return_to_the_sensor(self, idle: State) -> None:
        """The same finger cannot be filed twice across a restart: BeginFingers runs before the next capture."""
        session = finger(pictured(idle), FingerPosition.RIGHT_INDEX).session
        assert session is not None
        _, effects = run(idle, ev.DraftRestored(session, sealed=False))

        assert kinds(effects).index(do.BeginFingers) < kinds(effects).index(do.CaptureFingers)


class TestResults:
    """One status truth."""

    def result(self, state: CaseState, sequence: int) -> ev.Result:
        return ev.Result(BUNDLE, "ABCD-1234", state, sequence)

    def test_issued_is_shown_and_leaves(self, idle: State) -> None:
        """The result reaches display and LED, then the desk is ready again."""
        state, _ = run(idle, ev.ResultsChanged((), initial=True))
        state, _ = run(state, ev.ResultsChanged((self.result(CaseState.ISSUED, 4),)))
        shown = view(state, bundled())
        later, _ = step(state, ev.Tick(), at(20))

        assert shown.screen.screen_id == "result.issued"
        assert view(later, bundled()).screen.screen_id == "idle"

    def test_old_results_are_no_news_after_a_restart(self, idle: State) -> None:
        """What was there at start is not shown again."""
        state, _ = run(idle, ev.ResultsChanged((self.result(CaseState.ISSUED, 4),), initial=True))

        assert view(state, bundled()).screen.screen_id == "idle"

    def test_sequence_never_goes_back(self, idle: State) -> None:
        """A late older status changes nothing."""
        state, _ = run(
            idle,
            ev.ResultsChanged((self.result(CaseState.REQUESTED, 3),)),
            ev.ResultsChanged((self.result(CaseState.CHECKING, 2),)),
        )

        assert state.results[0].state is CaseState.REQUESTED

    def test_result_waits_until_the_desk_is_idle(self, idle: State) -> None:
        """A running session is not disturbed; no key of it is swallowed."""
        state, _ = run(opened(idle), ev.ResultsChanged((self.result(CaseState.ISSUED, 4),)))
        during = view(state, bundled()).screen.screen_id
        state, _ = run(state, press(Key.BACK))
        after = view(state, bundled()).screen.screen_id

        assert during == "case"
        assert after == "result.issued"

    def test_results_that_come_together_are_shown_one_after_the_other(self, idle: State) -> None:
        """Nobody's result is hidden behind the next one; a key goes on to it."""
        one = ev.Result(BUNDLE, "AAAA-1111", CaseState.ISSUED, 4)
        two = ev.Result(DOSSIER, "BBBB-2222", CaseState.REFUSED, 4)
        state, _ = run(idle, ev.ResultsChanged((one, two)))
        by_key, _ = run(state, press(Key.OK))
        by_time, _ = step(state, ev.Tick(), at(11))
        gone, _ = step(by_time, ev.Tick(), at(22))
        shown = [view(each, bundled()).screen.detail for each in (state, by_key, by_time)]

        assert shown == ["AAAA-1111", "BBBB-2222", "BBBB-2222"]
        assert view(gone, bundled()).screen.screen_id == "idle"

    def test_only_the_newest_of_many_results_are_shown(self, idle: State) -> None:
        """A month offline does not keep the desk busy for minutes."""
        many = tuple(ev.Result(f"{number:026}", f"CODE-{number:04}", CaseState.ISSUED, 4) for number in range(50))
        state, effects = run(idle, ev.ResultsChanged(many))
        last, _ = run(state, *[press(Key.OK)] * 4)

        assert view(last, bundled()).screen.detail == "CODE-0049"
        assert view(run(last, press(Key.OK))[0], bundled()).screen.screen_id == "idle"
        assert kinds(effects).count(do.Beep) == 1

    def test_key_on_a_result_does_not_start_the_next_case(self, idle: State) -> None:
        """Any key first puts the result away."""
        state, _ = run(
            replace(idle, queue=(ev.CaseRef(DOSSIER),)), ev.ResultsChanged((self.result(CaseState.ISSUED, 4),))
        )
        state, effects = run(state, press(Key.OK))

        assert state.step is Step.IDLE
        assert state.shown_result is None
        assert not any(isinstance(effect, do.OpenCase) for effect in effects)
