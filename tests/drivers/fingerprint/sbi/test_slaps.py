"""Slaps from end to end: which finger is missing, wrong, or there twice; what a subset asks for; who answers."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drivers.errors import DeviceFault
from drivers.fingerprint.errors import SbiRejected, WrongSensor
from drivers.fingerprint.port import Attempt, AttemptOutcome, PressVerdict, Prompt
from drivers.fingerprint.remote import SlapApplicant
from wire.fingers import FingerPosition
from wire.records import png4

RIGHT_FOUR = tuple(FingerPosition(number) for number in range(2, 6))
LEFT_FOUR = tuple(FingerPosition(number) for number in range(7, 11))
THUMBS = (FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_THUMB)
OTHER_HAND = {right.key: left.key for right, left in zip(RIGHT_FOUR, LEFT_FOUR, strict=True)}
OTHER_HAND |= {left: right for right, left in OTHER_HAND.items()}


def _files(rig: Any, attempt: Attempt, person: str = "alice") -> list[str]:
    """The finger each picture shows, in the order of the presses; every picture is whole and as it was sent."""
    sent = {digest: (who, finger) for digest, who, finger in rig.remote.status()["sent"]}
    for press in attempt.presses:
        assert hashlib.sha256(press.packed).digest() == press.sha256
        assert len(press.packed) == press.width_px * press.height_px
        assert sent[press.sha256.hex()][0] == person
    return [sent[press.sha256.hex()][1] for press in attempt.presses]


def _pictures(attempt: Attempt) -> dict[FingerPosition, bytes]:
    """As the station hands them to `begin_session`."""
    return {
        press.position: png4.encode_grey(png4.GreyImage(press.packed, press.width_px, press.height_px, 8), press.ppi)
        for press in attempt.presses
    }


def _verdicts(attempt: Attempt) -> dict[FingerPosition | None, PressVerdict]:
    return {line.position: line.verdict for line in attempt.log}


def test_a_442_session_files_ten_fingers_of_their_own_sizes(rig: Any) -> None:
    """Right four, left four, thumbs: each picture under its finger, all at one resolution, each logged by name."""
    driver = rig.ready()
    for step in (RIGHT_FOUR, LEFT_FOUR, THUMBS):
        attempt = rig.capture(driver, step)
        assert attempt.outcome is AttemptOutcome.CAPTURED
        assert [press.position for press in attempt.presses] == list(step)
        assert _files(rig, attempt) == [position.key for position in step]
        assert {press.ppi for press in attempt.presses} == {500}
        assert _verdicts(attempt) == dict.fromkeys(step, PressVerdict.ACCEPTED)
        sizes = {press.position.key: (press.width_px, press.height_px) for press in attempt.presses}
        assert len(set(sizes.values())) == (1 if step is THUMBS else 2)


def test_one_bad_finger_refuses_the_slap_by_name_and_the_others_come_alone(rig: Any) -> None:
    """Nothing is kept of a slap with a bad finger; signed as missing, it is an exception of the next capture."""
    driver = rig.ready()
    ring = FingerPosition.RIGHT_RING
    applicant = SlapApplicant(rig.remote, "alice", moisture=0.0, wet=[ring.key])
    refused = rig.watched(driver, RIGHT_FOUR, applicant)
    others = tuple(position for position in RIGHT_FOUR if position is not ring)
    taken = rig.watched(driver, others, applicant)

    assert (refused.outcome, refused.presses, refused.templates) == (AttemptOutcome.REJECTED, (), {})
    assert [line.verdict for line in refused.log if line.position is ring] == [PressVerdict.LOW_QUALITY] * 3
    assert {line.verdict for line in refused.log if line.position is not ring} == {PressVerdict.ACCEPTED}
    assert [shown.position for shown in applicant.seen if shown.verdict is PressVerdict.LOW_QUALITY] == [ring] * 5
    assert taken.outcome is AttemptOutcome.CAPTURED
    assert _files(rig, taken) == [position.key for position in others]
    assert rig.remote.status()["asked"][-1] == {
        "fingers": ["Right IndexFinger", "Right MiddleFinger", "Right LittleFinger"],
        "exception": ["Right RingFinger"],
    }


@pytest.mark.parametrize("position", [FingerPosition.RIGHT_LITTLE, FingerPosition.LEFT_THUMB])
def test_a_single_finger_of_a_slap_can_be_asked_for(rig: Any, position: FingerPosition) -> None:
    """What is left of a hand may be one finger; the rest of its part is announced as missing."""
    part = THUMBS if position in THUMBS else RIGHT_FOUR
    attempt = rig.capture(rig.ready(), (position,))

    assert _files(rig, attempt) == [position.key]
    assert len(rig.remote.status()["asked"][-1]["exception"]) == len(part) - 1


@pytest.mark.parametrize("restart", [False, True])
def test_the_left_hand_shown_for_the_right_one_is_noticed(rig: Any, restart: bool) -> None:
    """By likeness, whatever the scanner thinks; also when the station restarted or reconnected in between."""
    driver = rig.ready()
    left = rig.capture(driver, LEFT_FOUR)
    if restart:
        driver = rig.driver()
        driver.open()
        driver.begin_session(_pictures(left))
    wrong = rig.watched(driver, RIGHT_FOUR, SlapApplicant(rig.remote, "alice", shown=OTHER_HAND))
    right = rig.capture(driver, RIGHT_FOUR)

    assert (wrong.outcome, wrong.presses) == (AttemptOutcome.REJECTED, ())
    assert _verdicts(wrong) == dict.fromkeys(RIGHT_FOUR, PressVerdict.WRONG_HAND)
    assert _files(rig, right) == [position.key for position in RIGHT_FOUR]


def test_hands_mixed_up_from_the_start_are_noticed_at_the_second_and_mended_by_going_back(rig: Any) -> None:
    """The first of the two cannot be known to be wrong; begun again without it, both are right."""
    driver = rig.ready()
    mixed = rig.watched(driver, RIGHT_FOUR, SlapApplicant(rig.remote, "alice", shown=OTHER_HAND))
    second = rig.capture(driver, LEFT_FOUR)
    driver.begin_session({})
    mended = [rig.capture(driver, step) for step in (RIGHT_FOUR, LEFT_FOUR)]

    assert mixed.outcome is AttemptOutcome.CAPTURED
    assert set(_verdicts(second).values()) == {PressVerdict.WRONG_HAND}
    assert [_files(rig, attempt) for attempt in mended] == [
        [position.key for position in step] for step in (RIGHT_FOUR, LEFT_FOUR)
    ]


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param({"right_middle": "right_index"}, id="beside"),
        pytest.param({"right_middle": "left_thumb"}, id="taken before"),
    ],
)
def test_one_finger_for_two_positions_is_noticed(rig: Any, shown: dict[str, str]) -> None:
    """Another press of the same finger, so that the pictures differ."""
    driver = rig.ready()
    rig.capture(driver, THUMBS)
    applicant = SlapApplicant(rig.remote, "alice", shown=shown)
    attempt = rig.watched(driver, RIGHT_FOUR, applicant)

    assert (attempt.outcome, attempt.presses) == (AttemptOutcome.REJECTED, ())
    assert _verdicts(attempt)[FingerPosition.RIGHT_MIDDLE] is PressVerdict.DUPLICATE_FINGER
    assert Prompt.OTHER_FINGER in {progress.prompt for progress in applicant.seen}


def test_segments_exchanged_in_a_later_press_are_noticed(rig: Any) -> None:
    """Two presses a finger: the scanner labels the second wrongly, and everything else about it verifies."""
    driver = rig.ready()
    exchanged = {"right_index": "right_middle", "right_middle": "right_index"}
    hands: list[dict[str, str]] = [{}, exchanged, exchanged, {}]

    def applicant(progress: Any) -> None:
        if progress.prompt is Prompt.LIFT:
            rig.remote.lift()
        else:
            rig.remote.request("place", {"person": "alice", "shown": hands.pop(0)})

    attempt = rig.watched(driver, RIGHT_FOUR, applicant, presses_per_finger=2, max_presses=4)

    assert attempt.outcome is AttemptOutcome.CAPTURED
    assert [line.verdict for line in attempt.log].count(PressVerdict.DUPLICATE_FINGER) == 4
    assert _files(rig, attempt) == [position.key for position in RIGHT_FOUR] * 2


def test_another_hand_in_a_later_press_is_noticed_where_the_policy_verifies(rig: Any) -> None:
    """Two people in one enrolment: the second press shows somebody else."""
    driver = rig.ready()
    people = ["alice", "bob", "bob", "alice"]

    def applicant(progress: Any) -> None:
        if progress.prompt is Prompt.LIFT:
            rig.remote.lift()
        else:
            rig.remote.request("place", {"person": people.pop(0)})

    attempt = rig.watched(driver, THUMBS, applicant, presses_per_finger=2, max_presses=4, verify_last_press=True)

    assert [line.verdict for line in attempt.log].count(PressVerdict.NOT_VERIFIED) == 4
    assert _files(rig, attempt) == ["right_thumb", "left_thumb"] * 2


def test_a_finger_may_be_taken_again(rig: Any) -> None:
    """Likeness to its own earlier picture is no reason to refuse it."""
    driver = rig.ready()

    assert [rig.capture(driver, RIGHT_FOUR).outcome for _ in range(2)] == [AttemptOutcome.CAPTURED] * 2


@pytest.mark.parametrize("restart", [False, True])
def test_the_pictures_of_before_are_refused(rig: Any, restart: bool) -> None:
    """A scanner that hands out its last pictures again, freshly signed; also across a restart of the station."""
    driver = rig.ready()
    rig.remote.request("freeze", True)
    first = rig.capture(driver, THUMBS)
    if restart:
        driver.begin_session(_pictures(first))
    attempt = rig.capture(driver, THUMBS)

    assert (attempt.outcome, attempt.presses) == (AttemptOutcome.REJECTED, ())
    assert set(_verdicts(attempt).values()) == {PressVerdict.IDENTICAL_IMAGE}


def test_a_session_forgets_the_person_before(rig: Any) -> None:
    """The same hands come again under other names: two applicants, not one."""
    driver = rig.ready()
    rig.capture(driver, RIGHT_FOUR)
    driver.end_session()
    driver.begin_session()

    attempt = rig.watched(driver, LEFT_FOUR, SlapApplicant(rig.remote, "alice", shown=OTHER_HAND))
    assert attempt.outcome is AttemptOutcome.CAPTURED


@pytest.mark.parametrize("rubbish", [b"", b"no picture", png4.encode(bytes(8), 4, 4)])
def test_what_is_no_picture_among_the_taken_fingers_is_passed_over(rig: Any, rubbish: bytes) -> None:
    """A template of another driver, a stump: the session begins all the same."""
    driver = rig.ready()
    driver.begin_session({FingerPosition.RIGHT_THUMB: rubbish})

    assert rig.capture(driver, THUMBS).outcome is AttemptOutcome.CAPTURED


def test_a_certificate_that_runs_out_within_the_session_ends_the_trust(rig: Any) -> None:
    """Checked at every answer, not once."""
    days = [0]
    driver = rig.driver(now=lambda: datetime.now(UTC) + timedelta(days=days[0]))
    driver.open()
    driver.begin_session()
    rig.capture(driver, THUMBS)
    days[0] = 400

    with pytest.raises(SbiRejected, match="certificate chain"):
        rig.capture(driver, RIGHT_FOUR)


def test_a_scanner_that_gave_nothing_yet_can_be_exchanged(rig: Any) -> None:
    """A broken one is put away before the first finger: the session goes on with the other."""
    driver = rig.ready()
    rig.remote.request("error", 500)
    with pytest.raises(DeviceFault):
        rig.capture(driver, THUMBS)
    try:
        rig.remote.request("serial", "000000000044")
        driver.open()
        assert rig.capture(driver, THUMBS).outcome is AttemptOutcome.CAPTURED
    finally:
        rig.remote.request("serial", "000000000042")


def test_another_scanner_cannot_take_over_a_session(rig: Any) -> None:
    """Neither unnoticed nor by opening again; with the session it began, the binding ends."""
    driver = rig.ready()
    rig.capture(driver, THUMBS)
    try:
        rig.remote.request("serial", "000000000043")
        with pytest.raises(SbiRejected, match="another device"):
            rig.capture(driver, RIGHT_FOUR)
        with pytest.raises(WrongSensor, match="000000000043"):
            driver.open()
        # As the station does after every fault: the same person goes on with the fingers taken so far.
        rig.remote.request("serial", "000000000042")
        driver.open()
        driver.begin_session({FingerPosition.RIGHT_THUMB: b"not a picture"})
        rig.remote.request("serial", "000000000043")
        with pytest.raises(WrongSensor, match="000000000043"):
            driver.open()
        driver.end_session()
        assert driver.open().model == "Emulated Slap 442"
    finally:
        rig.remote.request("serial", "000000000042")
