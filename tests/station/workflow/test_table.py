"""The officer workflow: every row of the table as the officer lives it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key
from station.workflow.state import State, Step
from station.workflow.table import TABLE, step
from station.workflow.view import view
from tests.station.workflow.conftest import (
    BUNDLE,
    CAMERA,
    DOSSIER,
    SENSOR,
    at,
    entry,
    make_case,
    make_portrait,
)
from tests.station.workflow.playing import documented, finger, kinds, opened, page_read, pictured, press, reviewed, run
from wire.bundle import FingerState
from wire.case import qr_text
from wire.catalogue import bundled
from wire.fingers import FingerPosition


class TestOneCase:
    """From button to queued, the straight way."""

    def test_goes_through_every_step_in_order(self, idle: State) -> None:
        """idle, case, consent, document, portrait, fingers, review, sealing, queued."""
        state = opened(idle)
        seen = [state.step]
        for event in (press(Key.OK), press(Key.YES)):
            state, _ = run(state, event)
            seen.append(state.step)
        state = page_read(state)
        seen.append(state.step)
        state, _ = run(state, press(Key.OK))
        seen.append(state.step)
        state, _ = run(state, ev.PortraitTaken(state.run, make_portrait(), entry(), CAMERA))
        seen.append(state.step)
        state = finger(state, FingerPosition.RIGHT_INDEX)
        seen.append(state.step)
        state = finger(state, FingerPosition.LEFT_INDEX)
        seen.append(state.step)
        state, sealing = run(state, press(Key.OK))
        seen.append(state.step)
        state, queued = run(state, ev.Sealed(BUNDLE, 1000))
        seen.append(state.step)

        assert seen == [
            Step.CASE,
            Step.CONSENT,
            Step.DOCUMENT,
            Step.DOCUMENT_CHECK,
            Step.PORTRAIT,
            Step.FINGER,
            Step.FINGER,
            Step.REVIEW,
            Step.SEALING,
            Step.QUEUED,
        ]
        assert do.Seal in kinds(sealing)
        assert do.EraseDraft in kinds(queued)

    def test_session_holds_what_was_captured(self, idle: State) -> None:
        """Consent, portrait, both fingers under their own positions, the devices, the attempt log."""
        session = reviewed(idle).session

        assert session is not None
        assert session.consent is not None
        assert session.consent.text_id == "consent-1"
        assert session.portrait is not None
        assert [found.position for found in session.fingers] == [
            FingerPosition.RIGHT_INDEX,
            FingerPosition.LEFT_INDEX,
        ]
        assert session.devices == [CAMERA, SENSOR]
        assert [line.step for line in session.attempts] == ["document", "portrait", "finger", "finger"]

    def test_next_case_by_button_takes_the_oldest(self, idle: State) -> None:
        """The queue is served in order."""
        waiting = replace(idle, queue=(ev.CaseRef(DOSSIER), ev.CaseRef(BUNDLE)))
        state, effects = run(waiting, press(Key.OK))

        assert state.step is Step.OPENING
        assert do.OpenCase(DOSSIER) in effects

    def test_queued_screen_leaves_by_itself(self, idle: State) -> None:
        """The next person does not wait for a button."""
        state, _ = run(reviewed(idle), press(Key.OK), ev.Sealed(BUNDLE, 10))
        early, _ = step(state, ev.Tick(), at(5))
        late, effects = step(state, ev.Tick(), at(9))

        assert early.step is Step.QUEUED
        assert late.step is Step.IDLE
        assert do.UseCamera(do.CameraMode.QR) in effects


class TestCase:
    """Choosing a case."""

    def test_foreign_code_tells_what_to_show(self, idle: State) -> None:
        """A QR code that is no dossier is a sentence, not a case."""
        state, effects = run(idle, ev.QrSeen("https://example.org"))

        assert state.step is Step.IDLE
        assert state.notice is not None
        assert state.notice.message_id == "notice.qr_foreign"
        assert effects == []

    def test_case_that_has_not_arrived_is_asked_for(self, idle: State) -> None:
        """The centre is asked, the officer is told."""
        state, effects = run(idle, ev.QrSeen(qr_text(DOSSIER)), ev.CaseFailed(DOSSIER, "notice.case_requested"))

        assert state.step is Step.IDLE
        assert do.RequestCase(DOSSIER) in effects

    def test_awaited_case_opens_by_itself(self, idle: State) -> None:
        """The code was shown before the case came: nobody has to show it again, unless the moment has passed."""
        asked = (ev.QrSeen(qr_text(DOSSIER)), ev.CaseFailed(DOSSIER, "notice.case_requested"))
        arrival = ev.QueueChanged((ev.CaseRef(DOSSIER),))
        state, effects = run(idle, *asked, arrival)
        late, _ = step(run(idle, *asked)[0], arrival, at(100))

        assert state.step is Step.OPENING
        assert do.OpenCase(DOSSIER) in effects
        assert late.step is Step.IDLE

    def test_full_outbox_opens_no_case(self, idle: State) -> None:
        """P1: the high-water mark stops new captures, and says so."""
        state, effects = run(replace(idle, full=True), ev.QrSeen(qr_text(DOSSIER)))

        assert state.step is Step.IDLE
        assert state.notice is not None
        assert state.notice.message_id == "error.station.outbox_full"
        assert not any(isinstance(effect, do.OpenCase) for effect in effects)

    def test_nobody_captures_without_an_officer(self, idle: State) -> None:
        """Every exception needs a name; the badge comes first."""
        unnamed = replace(idle, officer_id="")
        refused, _ = run(unnamed, ev.QrSeen(qr_text(DOSSIER)))
        named, _ = run(unnamed, ev.QrSeen("EIDO1:CB07"), ev.QrSeen(qr_text(DOSSIER)))

        assert refused.step is Step.IDLE
        assert named.step is Step.OPENING
        assert named.officer_id == "CB07"

    def test_answer_for_another_case_is_ignored(self, idle: State) -> None:
        """A late answer must not open the wrong person."""
        state, _ = run(
            idle,
            ev.QrSeen(qr_text(DOSSIER)),
            press(Key.BACK),
            ev.QrSeen(qr_text(BUNDLE)),
            ev.CaseOpened(make_case(), "01J8ZQ4Y7N8K5R2T3V6W9X0ABE"),
        )

        assert state.step is Step.OPENING
        assert state.session is None


class TestConsent:
    """No consent, no capture."""

    def test_refusal_ends_the_session_and_keeps_nothing(self, idle: State) -> None:
        """NO_CONSENT: the draft goes, the desk is free."""
        state, effects = run(opened(idle), press(Key.OK), press(Key.NO))

        assert state.step is Step.IDLE
        assert state.session is None
        assert do.EraseDraft in kinds(effects)

    def test_officer_cannot_consent_for_the_applicant(self, idle: State) -> None:
        """Only the applicant's own button moves on."""
        state, _ = run(opened(idle), press(Key.OK), press(Key.OK), press(Key.SKIP))

        assert state.step is Step.CONSENT

    def test_camera_starts_only_after_consent(self, idle: State) -> None:
        """No picture before the person agreed."""
        _, before = run(opened(idle), press(Key.OK))
        state, after = run(opened(idle), press(Key.OK), press(Key.YES))

        assert not any(isinstance(effect, do.UseCamera) for effect in before)
        assert do.UseCamera(do.CameraMode.DOCUMENT, state.run) in after


class TestPortrait:
    """Attempts, decision, retake."""

    def missed(self, state: State, times: int, *, face: bool = True) -> State:
        for _ in range(times):
            best = make_portrait() if face else None
            state, _ = run(state, ev.PortraitMissed(state.run, best, entry(verdict="unsteady"), CAMERA))
        return state

    def test_three_misses_ask_the_officer(self, idle: State) -> None:
        """After three the officer decides; the decision is recorded with name and time."""
        state = self.missed(documented(idle), 3)
        decided, _ = run(state, press(Key.OK))

        assert state.step is Step.PORTRAIT_DECISION
        assert decided.session is not None
        assert decided.session.portrait is not None
        assert decided.session.portrait.accepted_by == "officer"
        assert [(e.subject, e.reason, e.officer_id) for e in decided.session.exceptions] == [
            ("portrait", "FACE_BELOW_STANDARD", "CB01")
        ]

    def test_without_any_face_there_is_nothing_to_decide(self, idle: State) -> None:
        """A portrait cannot be accepted that does not exist; the camera stops before an empty chair."""
        state = self.missed(documented(idle), 3, face=False)
        shown = view(state, bundled())
        again, effects = run(state, press(Key.OK))

        assert state.step is Step.PORTRAIT_DECISION
        assert shown.screen.screen_id == "portrait_nobody"
        assert not shown.flash
        assert again.step is Step.PORTRAIT
        assert again.session is not None
        assert again.session.portrait is None
        assert do.UseCamera(do.CameraMode.PORTRAIT, again.run) in effects

    def test_best_of_the_attempts_is_offered_with_what_was_wrong(self, idle: State) -> None:
        """Not the last one; and the officer reads why it is below standard."""
        good = make_portrait()
        bad = good.model_copy(
            update={
                "jpeg": b"\xff\xd8\xff\xd8",
                "components": [good.components[0].model_copy(update={"passed": False})],
            }
        )
        state = documented(idle)
        for best, verdict in ((bad, "closer"), (good, "too-dark"), (bad, "closer")):
            state, _ = run(state, ev.PortraitMissed(state.run, best, entry(verdict=verdict), CAMERA))

        assert state.best_portrait == good
        assert view(state, bundled()).screen.lines[0] == bundled().text("face.guide.too-dark")

    def test_answer_of_a_stopped_attempt_is_ignored(self, idle: State) -> None:
        """Late frames of an older run never enter the session."""
        state = documented(idle)
        old = state.run
        state, _ = run(page_read(run(state, press(Key.BACK))[0]), press(Key.OK))
        state, _ = run(state, ev.PortraitTaken(old, make_portrait(), entry(), CAMERA))

        assert state.step is Step.PORTRAIT
        assert state.session is not None
        assert state.session.portrait is None

    def test_back_from_the_first_finger_takes_the_portrait_again(self, idle: State) -> None:
        """Retake, with the log of the first one kept."""
        state, effects = run(pictured(idle), press(Key.BACK))

        assert state.step is Step.PORTRAIT
        assert do.StopFinger in kinds(effects)
        assert state.session is not None
        assert state.session.portrait is None
        assert [line.step for line in state.session.attempts] == ["document", "portrait"]


class TestFingers:
    """One finger after the other, each only under its own position."""

    def test_finger_under_another_position_is_never_filed(self, idle: State) -> None:
        """The device answered for a finger nobody asked for."""
        state = finger(pictured(idle), FingerPosition.LEFT_LITTLE)

        assert state.session is not None
        assert state.session.fingers == []

    def test_three_misses_ask_for_a_reason(self, idle: State) -> None:
        """After three attempts the officer decides."""
        state = pictured(idle)
        for _ in range(3):
            state, _ = run(state, ev.FingersMissed(state.run, (FingerPosition.RIGHT_INDEX,), (entry("finger"),)))

        assert state.step is Step.FINGER_REASON

    @pytest.mark.parametrize(
        ("presses", "reason"),
        [(0, FingerState.MISSING), (1, FingerState.BANDAGED), (2, FingerState.WORN), (3, FingerState.REFUSED)],
    )
    def test_skipping_needs_reason_and_signature(self, idle: State, presses: int, reason: FingerState) -> None:
        """The reason shown is the reason recorded, with the officer's name."""
        events = [press(Key.SKIP), *[press(Key.SKIP)] * presses, press(Key.OK)]
        state, _ = run(pictured(idle), *events)

        assert state.session is not None
        assert state.session.fingers[0].state is reason
        assert state.session.exceptions[0].subject == "finger.right_index"
        assert state.session.exceptions[0].reason == reason.value
        assert state.step is Step.FINGER

    def test_retaking_a_skipped_finger_withdraws_the_exception(self, idle: State) -> None:
        """Back from the second finger: the first is to be captured after all."""
        state, _ = run(pictured(idle), press(Key.SKIP), press(Key.OK), press(Key.BACK))

        assert state.step is Step.FINGER
        assert state.session is not None
        assert state.session.fingers == []
        assert state.session.exceptions == []

    def test_sensor_fault_keeps_the_session_at_the_same_finger(self, idle: State) -> None:
        """P4: the fault is told, the step stays."""
        state = pictured(idle)
        broken, _ = run(state, ev.PartFailed(ev.Part.FINGERPRINT, "error.driver.lost", {"device": "fingerprint"}))
        back, _ = run(broken, ev.PartBack(ev.Part.FINGERPRINT))

        assert view(broken, bundled()).screen.screen_id == "fault.fingerprint"
        assert broken.step is Step.FINGER
        assert view(back, bundled()).screen.screen_id == "finger.right_index.place"
        assert back.session == state.session


class TestSealing:
    """Nothing is wiped that is not in the outbox."""

    def test_failure_keeps_session_and_draft(self, idle: State) -> None:
        """P1: a full disk is told; the officer can try again."""
        state, effects = run(reviewed(idle), press(Key.OK), ev.SealFailed("error.spool.full", {"where": "outbox"}))
        again, more = run(state, press(Key.OK))

        assert state.step is Step.SEALING
        assert state.session is not None
        assert do.EraseDraft not in kinds(effects)
        assert again.step is Step.SEALING
        assert do.Seal in kinds(more)

    def test_confirmed_session_cannot_be_cancelled(self, idle: State) -> None:
        """What the officer confirmed is on its way."""
        state, effects = run(reviewed(idle), press(Key.OK), press(Key.CANCEL), press(Key.BACK))

        assert state.step is Step.SEALING
        assert do.EraseDraft not in kinds(effects)


class TestCancel:
    """Long press: asked once, then erased."""

    @pytest.mark.parametrize("reach", [documented, pictured, reviewed])
    def test_cancel_erases_and_frees_the_desk(self, idle: State, reach: object) -> None:
        """Draft and sensor are emptied."""
        state, effects = run(reach(idle), press(Key.CANCEL), press(Key.OK))  # type: ignore[operator]

        assert state.step is Step.IDLE
        assert state.session is None
        assert {do.EraseDraft, do.EndFingers} <= set(kinds(effects))

    def test_keeping_the_session_repeats_the_step(self, idle: State) -> None:
        """A misheld button loses nothing."""
        before = pictured(idle)
        state, effects = run(before, press(Key.CANCEL), press(Key.BACK))

        assert state.step is Step.FINGER
        assert state.session == before.session
        assert do.CaptureFingers(state.run, (FingerPosition.RIGHT_INDEX,)) in effects


def test_every_step_but_sealing_can_be_left() -> None:
    """No dead end: each step has at least one key of the officer, or leaves by itself."""
    for current in Step:
        keys = {trigger for at_step, trigger in TABLE if at_step is current}

        assert keys & {Key.OK, Key.BACK, Key.CANCEL}, current
