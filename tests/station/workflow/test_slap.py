"""Several fingers shown together: all of a step or none, each under its own position, and one that is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.fingerprint.port import PressVerdict, Progress, Prompt
from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key
from station.workflow.session import SKIP_REASONS
from station.workflow.state import State, Step
from station.workflow.view import view
from tests.station.workflow.conftest import (
    BUNDLE,
    CAMERA,
    DOSSIER,
    SENSOR,
    entry,
    make_case,
    make_finger,
    make_portrait,
)
from tests.station.workflow.playing import page_read, press, run
from wire.bundle import FingerState
from wire.case import CaseOrder, qr_text
from wire.catalogue import bundled
from wire.fingers import FingerPosition as F
from wire.model import BundleInvalid

RIGHT = (F.RIGHT_INDEX, F.RIGHT_MIDDLE, F.RIGHT_RING, F.RIGHT_LITTLE)
LEFT = (F.LEFT_INDEX, F.LEFT_MIDDLE, F.LEFT_RING, F.LEFT_LITTLE)
THUMBS = (F.RIGHT_THUMB, F.LEFT_THUMB)
TEXTS = bundled()


def slap_case() -> CaseOrder:
    steps = [list(RIGHT), list(LEFT), list(THUMBS)]
    order = make_case(*RIGHT, *LEFT, *THUMBS)
    return CaseOrder(**{**order.model_dump(), "steps": steps, "plan_id": "slap-442"})


def at_fingers(idle: State, at_once: int = 4) -> tuple[State, list[do.Effect]]:
    state = replace(idle, policy=replace(idle.policy, fingers_at_once=at_once))
    state, _ = run(state, ev.QrSeen(qr_text(DOSSIER)), ev.CaseOpened(slap_case(), BUNDLE), press(Key.OK))
    state, _ = run(page_read(run(state, press(Key.YES))[0]), press(Key.OK))
    return run(state, ev.PortraitTaken(state.run, make_portrait(), entry(), CAMERA))


def taken(state: State, *positions: F) -> State:
    event = ev.FingersTaken(state.run, tuple(map(make_finger, positions)), (entry("finger"),), SENSOR)
    return run(state, event)[0]


def wanted(effects: list[do.Effect]) -> list[tuple[F, ...]]:
    return [effect.positions for effect in effects if isinstance(effect, do.CaptureFingers)]


def filed(state: State) -> list[F]:
    assert state.session is not None
    return [finger.position for finger in state.session.fingers]


class TestSlap:
    """A 4-4-2 plan on a scanner that takes four fingers."""

    def test_asks_for_hand_hand_thumbs(self, idle: State) -> None:
        """Three attempts for ten fingers."""
        state, first = at_fingers(idle)
        state, second = run(state, ev.FingersTaken(state.run, tuple(map(make_finger, RIGHT)), (), SENSOR))
        state, third = run(state, ev.FingersTaken(state.run, tuple(map(make_finger, LEFT)), (), SENSOR))
        state = taken(state, *THUMBS)

        assert [wanted(first), wanted(second), wanted(third)] == [[RIGHT], [LEFT], [THUMBS]]
        assert state.step is Step.REVIEW
        assert set(filed(state)) == set(F)

    @pytest.mark.parametrize(
        "answer",
        [RIGHT[:3], (*RIGHT, F.RIGHT_THUMB), LEFT, (), (RIGHT[1], RIGHT[0], *RIGHT[2:]), (RIGHT[0],) * 4],
        ids=["one short", "one too many", "other hand", "none", "another order", "one finger four times"],
    )
    def test_anything_but_the_asked_fingers_is_not_filed(self, idle: State, answer: tuple[F, ...]) -> None:
        """All of the step or nothing."""
        state = taken(at_fingers(idle)[0], *answer)

        assert filed(state) == []
        assert state.step is Step.FINGER

    def test_single_finger_device_takes_the_same_ten_one_by_one(self, idle: State) -> None:
        """The plan does not depend on the device."""
        state, effects = at_fingers(idle, at_once=1)
        asked = []
        while state.step is Step.FINGER:
            asked += wanted(effects)
            state, effects = run(state, ev.FingersTaken(state.run, (make_finger(asked[-1][0]),), (), SENSOR))

        assert asked == [(position,) for position in (*RIGHT, *LEFT, *THUMBS)]

    def test_a_missing_finger_is_signed_and_the_others_are_asked_for(self, idle: State) -> None:
        """The officer pages finger by finger, reason by reason."""
        state, _ = at_fingers(idle)
        state, _ = run(state, press(Key.SKIP), *[press(Key.SKIP)] * (len(SKIP_REASONS) + 1))
        shown = view(state, TEXTS).screen.screen_id
        state, effects = run(state, press(Key.OK))
        state = taken(state, F.RIGHT_INDEX, F.RIGHT_RING, F.RIGHT_LITTLE)

        assert shown == "reason.right_middle.bandaged"
        assert wanted(effects) == [(F.RIGHT_INDEX, F.RIGHT_RING, F.RIGHT_LITTLE)]
        assert state.session is not None
        assert {finger.position: finger.state for finger in state.session.fingers} == {
            F.RIGHT_MIDDLE: FingerState.BANDAGED,
            **dict.fromkeys((F.RIGHT_INDEX, F.RIGHT_RING, F.RIGHT_LITTLE), FingerState.CAPTURED),
        }
        assert [entry.subject for entry in state.session.exceptions] == ["finger.right_middle"]

    def test_reasons_come_round(self, idle: State) -> None:
        """Every finger with every reason, then the first again."""
        state, _ = run(at_fingers(idle)[0], press(Key.SKIP))
        seen = []
        for _ in range(len(RIGHT) * len(SKIP_REASONS) + 1):
            seen.append(view(state, TEXTS).screen.screen_id)
            state, _ = run(state, press(Key.SKIP))

        assert len(set(seen)) == len(seen) - 1 == 16
        assert seen[-1] == seen[0]

    def test_back_takes_the_whole_hand_again(self, idle: State) -> None:
        """The hand is shown again as a whole; what was signed for it goes too."""
        state, _ = run(at_fingers(idle)[0], press(Key.SKIP), press(Key.OK))
        state = taken(state, *RIGHT[1:])
        state, effects = run(state, press(Key.BACK))

        assert wanted(effects) == [RIGHT]
        assert filed(state) == []
        assert state.session is not None
        assert state.session.exceptions == []

    def test_back_from_the_second_finger_of_a_single_device_takes_one_back(self, idle: State) -> None:
        """As many as one attempt took."""
        state = taken(taken(at_fingers(idle, at_once=1)[0], F.RIGHT_INDEX), F.RIGHT_MIDDLE)
        state, effects = run(state, press(Key.BACK))

        assert wanted(effects) == [(F.RIGHT_MIDDLE,)]
        assert filed(state) == [F.RIGHT_INDEX]

    def test_three_misses_ask_for_a_reason(self, idle: State) -> None:
        """The attempts are those of the step."""
        state, _ = at_fingers(idle)
        for _ in range(3):
            state, _ = run(state, ev.FingersMissed(state.run, RIGHT, (entry("finger"),)))

        assert state.step is Step.FINGER_REASON

    def test_display_names_the_hand_and_marks_its_fingers(self, idle: State) -> None:
        """One sentence for four fingers; a hand with one missing is told by its fingers."""
        state, _ = at_fingers(idle)
        whole = view(state, TEXTS).screen
        state, _ = run(state, press(Key.SKIP), press(Key.OK))
        rest = view(state, TEXTS).screen

        blamed = Progress(F.RIGHT_RING, 1, 1, Prompt.LIFT, PressVerdict.LOW_QUALITY)
        told = view(run(at_fingers(idle)[0], ev.FingerProgressed(at_fingers(idle)[0].run, blamed))[0], TEXTS).screen

        assert "four right fingers" in whole.title.en
        assert TEXTS.text("finger.position.right_ring") in told.lines
        assert TEXTS.text("finger.verdict.low_quality") in told.lines
        assert whole.hand == (2, 3, 4, 5)
        assert whole.screen_id == "finger.right_index+right_middle+right_ring+right_little.place"
        assert rest.hand == (3, 4, 5)
        assert "right middle" in rest.title.en.lower()


def test_order_whose_steps_are_not_its_plan_is_refused() -> None:
    """The centre's mistake never reaches a desk."""
    order = slap_case().model_dump()
    with pytest.raises(ValueError, match="steps and plan disagree"):
        CaseOrder(**{**order, "steps": order["steps"][:2]})
    twisted = slap_case().model_copy(update={"steps": [list(LEFT), list(RIGHT), list(THUMBS)]})
    with pytest.raises(BundleInvalid):
        CaseOrder.decode(twisted.encode())
