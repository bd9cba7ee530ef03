"""A long day at the desk: codes that lie there, cases that do not open, people who walk away, and disks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.display.port import Tone
from station.capture.sealing import Provenance, assemble
from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key
from station.workflow.session import Session
from station.workflow.state import State, Step
from station.workflow.table import step
from station.workflow.view import view
from tests.station.workflow.conftest import BUNDLE, CAMERA, DOSSIER, SENSOR, at, entry, make_finger, make_portrait
from tests.station.workflow.playing import documented, finger, kinds, opened, pictured, press, reviewed, run
from wire.bundle import Bundle
from wire.case import qr_text
from wire.catalogue import bundled
from wire.fingers import FingerPosition
from wire.messages import CaseState

CODE = ev.QrSeen(qr_text(DOSSIER))
ASKED = ev.CaseFailed(DOSSIER, "notice.case_requested")
TEXTS = bundled()


def opens(effects: list[do.Effect]) -> list[str]:
    return [effect.dossier_id for effect in effects if isinstance(effect, do.OpenCase)]


class TestCodeThatLiesThere:
    """The camera reports a code in view every three seconds."""

    def test_released_case_does_not_open_again(self, idle: State) -> None:
        """`Not this person` is not answered by the same case three seconds later."""
        state, _ = run(opened(idle), press(Key.BACK))
        for second in (3, 6, 9, 12):
            state, effects = step(state, CODE, at(second))

            assert state.step is Step.IDLE
            assert effects == ()

    def test_it_opens_when_it_is_shown_anew(self, idle: State) -> None:
        """Taken away and shown again, it is meant."""
        state, _ = run(opened(idle), press(Key.BACK))
        state, _ = step(state, CODE, at(3))
        state, effects = step(state, CODE, at(12))

        assert opens(list(effects)) == [DOSSIER]

    def test_another_code_opens_at_once(self, idle: State) -> None:
        """Only the case that was left is held back."""
        state, _ = run(opened(idle), press(Key.BACK))
        _, effects = step(state, ev.QrSeen(qr_text(BUNDLE)), at(1))

        assert opens(list(effects)) == [BUNDLE]

    @pytest.mark.parametrize("leave", [(Key.OK, Key.NO), (Key.OK, Key.CANCEL, Key.OK)])
    def test_refused_and_cancelled_sessions_stay_closed(self, idle: State, leave: tuple[Key, ...]) -> None:
        """However the session was left."""
        state, _ = run(opened(idle), *map(press, leave))
        state, _ = step(state, CODE, at(3))

        assert state.step is Step.IDLE

    def test_finished_session_says_no_more(self, idle: State) -> None:
        """The receipt still lies there when the next person comes: no `already captured` every three seconds."""
        state, _ = run(reviewed(idle), press(Key.OK), ev.Sealed(BUNDLE, 1), press(Key.OK))
        state, effects = step(state, CODE, at(3))

        assert state.step is Step.IDLE
        assert state.notice is None or not state.notice.warning
        assert effects == ()

    def test_awaited_case_is_asked_for_once(self, idle: State) -> None:
        """While the case is on its way its code only keeps the wait alive."""
        state, _ = run(idle, CODE, ASKED)
        state, effects = step(state, CODE, at(50))
        late, arrived = step(state, ev.QueueChanged((ev.CaseRef(DOSSIER),)), at(100))

        assert effects == ()
        assert state.step is Step.IDLE
        assert late.step is Step.OPENING
        assert opens(list(arrived)) == [DOSSIER]

    def test_awaited_case_that_has_come_meanwhile_opens(self, idle: State) -> None:
        """It came while somebody else was served."""
        state, _ = run(idle, CODE, ASKED)
        _, effects = step(replace(state, queue=(ev.CaseRef(DOSSIER),)), CODE, at(5))

        assert opens(list(effects)) == [DOSSIER]


class TestQueue:
    """P4: one bad case never stops the next person."""

    def test_button_passes_over_a_case_that_does_not_open(self, idle: State) -> None:
        """The oldest one is broken: the next press takes the next one."""
        queue = ev.QueueChanged((ev.CaseRef(DOSSIER), ev.CaseRef(BUNDLE)))
        broken = ev.CaseFailed(DOSSIER, "error.station.case", {"reason": "envelope"})
        state, first = run(idle, queue, press(Key.OK), broken)
        state, second = run(state, press(Key.OK))

        assert opens(first) == [DOSSIER]
        assert opens(second) == [BUNDLE]

    def test_case_that_was_sent_again_is_tried_again(self, idle: State) -> None:
        """Once it left the queue nothing is remembered of it."""
        broken = ev.CaseFailed(DOSSIER, "error.station.case", {"reason": "expired"})
        both = ev.QueueChanged((ev.CaseRef(DOSSIER), ev.CaseRef(BUNDLE)))
        state, _ = run(idle, both, press(Key.OK), broken, ev.QueueChanged((ev.CaseRef(BUNDLE),)), both)
        _, effects = run(state, press(Key.OK))

        assert opens(effects) == [DOSSIER]

    def test_only_broken_cases_still_say_why(self, idle: State) -> None:
        """A button that does nothing is worse than a sentence."""
        broken = ev.CaseFailed(DOSSIER, "error.station.case", {"reason": "envelope"})
        state, _ = run(idle, ev.QueueChanged((ev.CaseRef(DOSSIER),)), press(Key.OK), broken)
        _, effects = run(state, press(Key.OK))

        assert opens(effects) == [DOSSIER]


class TestNobodyThere:
    """The person walks away, or the officer does."""

    def test_name_leaves_the_display_after_a_while(self, idle: State) -> None:
        """P2: a case that nobody answers goes back into the queue."""
        state = opened(idle)
        early, _ = step(state, ev.Tick(), at(200))
        late, effects = step(state, ev.Tick(), at(400))

        assert early.step is Step.CASE
        assert late.step is Step.IDLE
        assert late.session is None
        assert do.EraseDraft() in effects

    def test_session_never_outgrows_its_bundle(self, idle: State) -> None:
        """P1: a camera left alone for a day, a sensor that fails all morning: what is sealed can still be opened."""
        state = documented(idle)
        for _ in range(700):
            state, _ = run(state, ev.PortraitMissed(state.run, None, entry(verdict="no-face"), CAMERA))
            if state.step is Step.PORTRAIT_DECISION:
                state, _ = run(state, press(Key.OK))
        state, _ = run(state, ev.PortraitTaken(state.run, make_portrait(), entry(), CAMERA))
        log = (entry("finger", "no_finger"),) * 6
        for _ in range(300):
            state, _ = run(state, ev.FingersMissed(state.run, (FingerPosition.RIGHT_INDEX,), log))
            if state.step is Step.FINGER_REASON:
                state, _ = run(state, press(Key.BACK))
        state = finger(finger(state, FingerPosition.RIGHT_INDEX), FingerPosition.LEFT_INDEX)
        state, _ = run(state, press(Key.OK))
        assert state.session is not None
        made_with = Provenance("st-0001", "software", {"fingers": "f"}, {"m": b"w" * 32})
        bundle = assemble(Session.decode(state.session.encode()), made_with)

        assert Bundle.decode(bundle.encode()) == bundle
        assert bundle.attempts[-1].step == "finger"


class TestMixedHands:
    """The officer goes back because the wrong finger was filed."""

    def test_sensor_forgets_what_is_taken_back(self, idle: State) -> None:
        """Else the right finger would be refused as one already taken."""
        state = finger(pictured(idle), FingerPosition.RIGHT_INDEX)
        state, effects = run(state, press(Key.BACK))

        assert state.session is not None
        assert state.session.fingers == []
        assert kinds(effects).index(do.StopFinger) < kinds(effects).index(do.BeginFingers)
        assert kinds(effects).index(do.BeginFingers) < kinds(effects).index(do.CaptureFingers)

    def test_next_finger_does_not_empty_the_sensor(self, idle: State) -> None:
        """It must know the fingers before it."""
        state = pictured(idle)
        taken = ev.FingersTaken(state.run, (make_finger(FingerPosition.RIGHT_INDEX),), (), SENSOR)
        _, effects = run(state, taken)

        assert do.BeginFingers not in kinds(effects)


class TestSealing:
    """P1 and P4 where the outbox refuses."""

    TOO_LARGE = ev.SealFailed("error.station.session", {"reason": "too_large"}, permanent=True)

    def test_session_that_can_never_be_sealed_goes_back_to_the_officer(self, idle: State) -> None:
        """The next person does not wait for ever; the draft takes the confirmation back."""
        state, _ = run(reviewed(idle), press(Key.OK), self.TOO_LARGE)
        waited, retried = step(state, ev.Tick(), at(60))
        back, effects = run(state, press(Key.BACK))
        saved = [effect.session for effect in effects if isinstance(effect, do.SaveDraft)]
        gone, _ = run(back, press(Key.CANCEL), press(Key.OK))

        assert retried == ()
        assert [hint.button.value for hint in view(waited, TEXTS).screen.keys] == ["officer_ok", "officer_back"]
        assert back.step is Step.REVIEW
        assert [session.confirmed for session in saved] == [None]
        assert gone.step is Step.IDLE

    def test_full_disk_gives_no_way_back(self, idle: State) -> None:
        """What was confirmed waits for room; the bundle may already be in the outbox."""
        state, _ = run(reviewed(idle), press(Key.OK), ev.SealFailed("error.spool.full", {"where": "o", "reason": "E"}))
        state, effects = run(state, press(Key.BACK))

        assert state.step is Step.SEALING
        assert effects == []

    def test_seals_by_itself_when_there_is_room_again(self, idle: State) -> None:
        """Without anybody's help, not more often than every few seconds."""
        state, _ = run(reviewed(idle), press(Key.OK), ev.SealFailed("error.spool.full", {"where": "o", "reason": "E"}))
        _, early = step(state, ev.Tick(), at(1))
        _, late = step(state, ev.Tick(), at(10))

        assert early == ()
        assert kinds(list(late)) == [do.Seal]

    def test_same_failure_is_told_once(self, idle: State) -> None:
        """No beeping all night."""
        fault = ev.SealFailed("error.spool.full", {"where": "o", "reason": "E"})
        state, first = run(reviewed(idle), press(Key.OK), fault)
        _, again = run(state, fault)

        assert do.Beep(3) in first
        assert again == []

    def test_button_before_any_failure_does_nothing(self, idle: State) -> None:
        """One sealing at a time."""
        state, _ = run(reviewed(idle), press(Key.OK))
        _, effects = run(state, press(Key.OK), press(Key.BACK))

        assert effects == []


class TestFaults:
    """Told once, where it is seen."""

    def test_fault_that_changes_its_name_is_no_new_alarm(self, idle: State) -> None:
        """Lost, then missing, then silent: one alarm; the log has each."""
        params = {"device": "camera", "where": "x", "after_s": 2}
        state, first = run(idle, ev.PartFailed(ev.Part.CAMERA, "error.driver.lost", params))
        _, second = run(state, ev.PartFailed(ev.Part.CAMERA, "error.driver.missing", params))

        assert do.Beep(3) in first
        assert kinds(second) == [do.Note]

    def test_part_that_was_well_is_not_back(self, idle: State) -> None:
        """No news."""
        assert run(idle, ev.PartBack(ev.Part.CAMERA)) == (idle, [])

    def test_all_faults_are_told(self, idle: State) -> None:
        """The second one is not news an hour later, when the first is mended."""
        lost = ev.PartFailed(ev.Part.FINGERPRINT, "error.driver.lost", {"device": "fingerprint"})
        state, _ = run(idle, lost, ev.PartFailed(ev.Part.PANEL, "error.driver.lost", {"device": "panel"}))
        screen = view(state, TEXTS).screen

        assert screen.screen_id == "fault.fingerprint"
        assert TEXTS.text("part.panel.failed") in screen.lines

    def test_dark_display_is_told_by_the_light(self, idle: State) -> None:
        """P3: the one fault no screen can tell."""
        state, _ = run(idle, ev.PartFailed(ev.Part.DISPLAY, "error.driver.lost", {"device": "display"}))

        assert view(state, TEXTS).light != view(idle, TEXTS).light
        assert view(state, TEXTS).light.red == 1.0

    def test_failing_storage_is_told_within_the_session(self, idle: State) -> None:
        """The session goes on, but it would not survive a crash."""
        full = ev.PartFailed(ev.Part.STORAGE, "error.spool.full", {"where": "draft", "reason": "ENOSPC"})
        state, _ = run(documented(idle), full)
        screen = view(state, TEXTS).screen

        assert screen.screen_id == "portrait"
        assert screen.tone is Tone.WARNING
        assert "ENOSPC" in screen.lines[0].en

    def test_panel_that_goes_within_the_session_is_told(self, idle: State) -> None:
        """Else the officer presses buttons that nobody hears."""
        state, _ = run(reviewed(idle), ev.PartFailed(ev.Part.PANEL, "error.driver.lost", {"device": "panel"}))

        assert "panel" in view(state, TEXTS).screen.lines[0].en

    @pytest.mark.parametrize("reach", [documented, pictured])
    def test_fault_screen_of_a_session_names_the_ways_out(self, idle: State, reach: object) -> None:
        """The officer is not a prisoner of a dead device."""
        state = reach(idle)  # type: ignore[operator]
        part = ev.Part.CAMERA if state.step is Step.PORTRAIT else ev.Part.FINGERPRINT
        state, _ = run(state, ev.PartFailed(part, "error.driver.lost", {"device": part.value}))

        assert view(state, TEXTS).screen.keys

    def test_result_is_seen_although_a_part_is_broken(self, idle: State) -> None:
        """It leaves by itself, the fault stays."""
        state, _ = run(idle, ev.PartFailed(ev.Part.CAMERA, "error.driver.lost", {"device": "camera"}))
        state, _ = run(state, ev.ResultsChanged((ev.Result(BUNDLE, "ABCD", CaseState.ISSUED, 4),)))
        later, _ = step(state, ev.Tick(), at(60))

        assert view(state, TEXTS).screen.screen_id == "result.issued"
        assert view(later, TEXTS).screen.screen_id == "fault.camera"


class TestNothingIsCut:
    """Screens page; a sentence that is not on the screen does not exist for the officer."""

    def test_idle_tells_everything_at_once(self, idle: State) -> None:
        """A notice hides no warning."""
        state, _ = run(idle, ev.LinkChanged(False, 3, 2), ev.ClockChanged(False), ev.QrSeen("https://example.org"))
        state = replace(state, officer_id="")
        told = {line.en for line in view(state, TEXTS).screen.lines}

        assert {
            TEXTS.text("notice.qr_foreign").en,
            TEXTS.text("notice.no_officer").en,
            TEXTS.text("screen.idle.offline").en,
            TEXTS.text("screen.idle.quarantined", count=2).en,
            TEXTS.text("screen.idle.unsent", count=3).en,
            TEXTS.text("screen.idle.clock").en,
        } <= told

    def test_all_warnings_of_a_case_are_shown(self, idle: State) -> None:
        """Each of them, not the first."""
        state = opened(idle)
        assert state.session is not None
        keys = [key for key in TEXTS if key.startswith("rules.reason.")][:4]
        case = state.session.case.model_copy(update={"warnings": [*keys, "unknown.key"]})
        state = replace(state, session=state.session.model_copy(update={"case": case}))
        lines = view(state, TEXTS).screen.lines

        assert {TEXTS.text(key) for key in keys} <= set(lines)
        assert "unknown.key" in lines[-1].en
