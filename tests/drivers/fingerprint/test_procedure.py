"""The capture procedure on both models: what is refused, why, and what the applicant is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.fingerprint.port import AttemptOutcome, PressVerdict, Progress, Prompt
from drivers.fingerprint.proto import Command
from drivers.fingerprint.remote import Applicant
from wire.fingers import FingerPosition

THUMB, INDEX, LEFT_THUMB = FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_THUMB
PLACING = set(Prompt) - {Prompt.LIFT, Prompt.HOLD, Prompt.RECONNECT}


def presses(remote: Any, seen: list[Progress], *script: dict[str, Any]) -> Callable[[Progress], None]:
    """An applicant who does what `script` says at each press; the last line repeats."""
    left = list(script)

    def progress(shown: Progress) -> None:
        seen.append(shown)
        if shown.prompt is Prompt.LIFT:
            remote.lift()
        elif shown.prompt in PLACING:
            line = {"person": "alice", "finger": shown.position.key, "seed": len(seen), **left[0]}
            remote.place(**line)
            if len(left) > 1:
                left.pop(0)

    return progress


def verdicts(attempt: Any) -> list[PressVerdict]:
    return [line.verdict for line in attempt.log]


def test_a_clean_finger_needs_three_presses_with_a_lift_between(rig) -> None:
    """Place, hold, lift, place again: what officer and applicant see, in order."""
    driver = rig.ready()
    applicant = Applicant(rig.remote, "alice")
    attempt = rig.capture(driver, THUMB, applicant)
    shown = [(line.press, line.prompt) for line in applicant.seen]
    once = [Prompt.HOLD, Prompt.LIFT, Prompt.PLACE_AGAIN]

    assert verdicts(attempt) == [PressVerdict.ACCEPTED] * 3
    assert [prompt for _, prompt in shown] == [Prompt.PLACE, *once, *once, Prompt.HOLD]
    assert [press for press, _ in shown] == [1, 1, 2, 2, 2, 3, 3, 3]


def test_two_fingers_in_one_enrolment_are_refused(rig) -> None:
    """The second press is of another finger: it disagrees; after two disagreements the set begins anew."""
    driver, seen = rig.ready(), []
    other = {"finger": "left_ring"}
    progress = presses(rig.remote, seen, {}, other, other, {})
    attempt = rig.capture(driver, THUMB, progress, max_presses=8)
    sent = {digest: finger for digest, _, finger in rig.remote.status()["sent"]}

    assert verdicts(attempt)[:3] == [PressVerdict.ACCEPTED, PressVerdict.DISAGREES, PressVerdict.DISAGREES]
    assert attempt.outcome is AttemptOutcome.CAPTURED
    assert {sent[press.sha256.hex()] for press in attempt.presses} == {"right_thumb"}


def test_the_third_press_must_match_the_first_two(rig) -> None:
    """A third press of another finger is not verified and does not count."""
    driver, seen = rig.ready(), []
    attempt = rig.capture(driver, THUMB, presses(rig.remote, seen, {}, {}, {"finger": "left_ring"}, {}))

    assert verdicts(attempt) == [
        PressVerdict.ACCEPTED,
        PressVerdict.ACCEPTED,
        PressVerdict.NOT_VERIFIED,
        PressVerdict.ACCEPTED,
    ]
    assert Prompt.OTHER_FINGER in [line.prompt for line in seen]


def test_the_same_finger_for_two_positions_is_refused(rig) -> None:
    """Uniqueness against every finger already taken, already at the first press."""
    driver, seen = rig.ready(), []
    rig.capture(driver, THUMB)
    rig.capture(driver, INDEX)
    thumb = {"finger": "right_thumb"}
    attempt = rig.capture(driver, FingerPosition.RIGHT_MIDDLE, presses(rig.remote, seen, thumb), max_presses=4)

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert set(verdicts(attempt)) == {PressVerdict.DUPLICATE_FINGER}
    assert attempt.presses == ()
    assert attempt.templates == {}


def test_the_same_finger_of_the_other_hand_hints_at_a_mixed_up_hand(rig) -> None:
    """Right thumb given for left thumb: WRONG_HAND; then the left one is taken."""
    driver, seen = rig.ready(), []
    rig.capture(driver, THUMB)
    attempt = rig.capture(driver, LEFT_THUMB, presses(rig.remote, seen, {"finger": "right_thumb"}, {}))

    assert verdicts(attempt)[0] is PressVerdict.WRONG_HAND
    assert attempt.outcome is AttemptOutcome.CAPTURED


def test_a_finger_may_be_taken_again_for_its_own_position(rig) -> None:
    """Retaking is no duplicate, and afterwards it still counts against the others."""
    driver, seen = rig.ready(), []
    rig.capture(driver, THUMB)
    again = rig.capture(driver, THUMB)
    other = rig.capture(driver, INDEX, presses(rig.remote, seen, {"finger": "right_thumb"}), max_presses=3)

    assert again.outcome is AttemptOutcome.CAPTURED
    assert set(verdicts(other)) == {PressVerdict.DUPLICATE_FINGER}


def test_a_failed_attempt_leaves_the_finger_free(rig) -> None:
    """A model that led nowhere is no finger taken."""
    driver, seen = rig.ready(), []
    wrong = {"finger": "left_ring"}
    failed = rig.capture(driver, THUMB, presses(rig.remote, seen, {}, {}, wrong), max_presses=4)
    ring = rig.capture(driver, FingerPosition.LEFT_RING)
    thumb = rig.capture(driver, INDEX, presses(rig.remote, seen, {"finger": "right_thumb"}))

    assert failed.outcome is AttemptOutcome.REJECTED
    assert ring.outcome is AttemptOutcome.CAPTURED
    assert thumb.outcome is AttemptOutcome.CAPTURED


def test_the_same_picture_twice_is_refused(line_rig) -> None:
    """A sensor that shows its old buffer again gives no second press."""
    driver, seen = line_rig.ready(), []
    line_rig.remote.request("freeze", True)
    attempt = line_rig.capture(driver, THUMB, presses(line_rig.remote, seen, {}), max_presses=4)

    assert verdicts(attempt)[:2] == [PressVerdict.ACCEPTED, PressVerdict.IDENTICAL_IMAGE]
    assert attempt.outcome is AttemptOutcome.REJECTED


def test_a_finger_that_never_leaves_is_told_to_and_then_refused(line_rig) -> None:
    """No second press without a lift."""
    driver, seen = line_rig.ready(), []

    def stubborn(shown: Progress) -> None:
        seen.append(shown)
        if shown.prompt is not Prompt.LIFT:
            line_rig.remote.place("alice", "right_thumb", seed=1)

    attempt = line_rig.capture(driver, THUMB, stubborn, lift_wait_s=0.2)

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert Prompt.LIFT in [line.prompt for line in seen]
    assert verdicts(attempt).count(PressVerdict.ACCEPTED) == 1


@pytest.mark.parametrize(
    ("touch", "verdict", "hint"),
    [
        ({"area": 0.25}, PressVerdict.SMALL_AREA, Prompt.COVER_MORE),
        ({"moisture": 0.0, "pressure": 0.0}, PressVerdict.LOW_QUALITY, Prompt.PRESS_HARDER),
        ({"moisture": 1.0, "pressure": 1.0}, PressVerdict.LOW_QUALITY, Prompt.PRESS_LIGHTER),
    ],
)
def test_a_bad_press_is_refused_with_a_hint(line_rig, touch: Any, verdict: PressVerdict, hint: Prompt) -> None:
    """The quality gate works on each press by itself and says what to do."""
    driver, seen = line_rig.ready(), []
    progress = presses(line_rig.remote, seen, touch, {})
    attempt = line_rig.capture(driver, THUMB, progress, min_foreground_share=0.5, min_coherent_area=0.45)

    assert verdicts(attempt)[0] is verdict
    assert attempt.log[0].quality is not None
    assert hint in [line.prompt for line in seen if line.verdict is verdict]
    assert attempt.outcome is AttemptOutcome.CAPTURED


@pytest.mark.parametrize(
    ("fault", "verdict", "hint"),
    [
        ("image_fail", PressVerdict.IMAGING_FAILED, Prompt.PLACE_AGAIN),
        ("messy", PressVerdict.MESSY, Prompt.WIPE_DRY),
        ("featfail", PressVerdict.TOO_FEW_FEATURES, Prompt.PRESS_HARDER),
    ],
)
def test_what_the_sensor_refuses_becomes_a_hint(line_rig, fault: str, verdict: PressVerdict, hint: Prompt) -> None:
    """Codes 03, 06 and 07 each have their verdict and prompt."""
    driver, seen = line_rig.ready(), []
    obey = presses(line_rig.remote, seen, {})

    def progress(shown: Progress) -> None:
        if not seen:
            line_rig.remote.request(fault, 1)
        obey(shown)

    attempt = line_rig.capture(driver, THUMB, progress)

    assert verdict in verdicts(attempt)
    assert hint in [line.prompt for line in seen if line.verdict is verdict]
    assert attempt.outcome is AttemptOutcome.CAPTURED


def test_messy_fingers_end_at_the_press_limit_with_every_press_logged(line_rig) -> None:
    """The attempt is used up as soon as the presses left cannot reach the number asked for."""
    driver, seen = line_rig.ready(), []
    line_rig.remote.request("messy", 100)
    attempt = line_rig.capture(driver, THUMB, presses(line_rig.remote, seen, {}), max_presses=6)

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert verdicts(attempt) == [PressVerdict.MESSY] * 4
    assert [line.press for line in attempt.log] == [1, 2, 3, 4]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_number_of_presses_is_policy(rig, count: int) -> None:
    """One press makes no model; two make one; more are each verified."""
    driver = rig.ready()
    attempt = rig.capture(driver, THUMB, presses_per_finger=count)

    assert len(attempt.presses) == count
    assert bool(attempt.templates) == (count >= 2)


def test_on_a_clean_line_nothing_is_sent_twice(rig) -> None:
    """One transfer a press, one model a finger; comparing with a finger taken costs one upload where it needs any."""
    driver = rig.ready()
    rig.capture(driver, THUMB)
    before = rig.remote.status()["commands"]
    rig.capture(driver, INDEX)
    after = rig.remote.status()["commands"]
    sent = {int(code): count - before.get(code, 0) for code, count in after.items()}

    assert not driver._sensor.trouble
    assert sent[Command.UP_IMAGE] == sent[Command.IMAGE_TO_TZ] == 3
    assert sent[Command.REG_MODEL] == sent[Command.UP_CHAR] == 1
    if rig.profile == "r307":
        assert sent[Command.DOWN_CHAR] == sent[Command.MATCH] == 3
    else:
        assert sent[Command.STORE] == 1
        assert sent[Command.SEARCH] == 3


def test_a_command_the_sensor_did_not_hear_is_sent_again(rig) -> None:
    """Code 01 means not carried out: no press is lost over it, and the line counts as troubled."""
    driver = rig.ready()
    rig.remote.arm(Command.REG_MODEL, "nak", {"command": int(Command.REG_MODEL), "code": 1})
    attempt = rig.capture(driver, THUMB)

    assert verdicts(attempt) == [PressVerdict.ACCEPTED] * 3
    assert driver._sensor.trouble
