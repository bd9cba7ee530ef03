"""The driver `sbi` against the emulated device service over real HTTP: every lie is noticed, nothing hangs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drivers.errors import DeviceFault, DeviceLost, DeviceMissing, DeviceTimeout
from drivers.fingerprint.emulated_sbi.scanner import LIES
from drivers.fingerprint.errors import SbiRejected, StepUnfit
from drivers.fingerprint.port import AttemptOutcome, PressVerdict, Prompt, SensorClass
from drivers.fingerprint.remote import SlapApplicant
from wire.fingers import FingerPosition

RIGHT_FOUR = tuple(FingerPosition(number) for number in range(2, 6))
LEFT_FOUR = tuple(FingerPosition(number) for number in range(7, 11))
THUMBS = (FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_THUMB)
REASONS = {
    "bad_signature": "signature",
    "unsigned": "algorithm",
    "foreign_chain": "certificate chain",
    "expired_certificate": "certificate chain",
    "other_device_key": "another device",
    "other_digital_id": "digital id of another",
    "wrong_transaction": "transaction",
    "old_timestamp": "timestamp",
    "future_timestamp": "timestamp",
    "wrong_env": "environment",
    "wrong_purpose": "purpose",
    "broken_hash": "hash chain",
    "unchained_hash": "hash chain",
    "replay": "transaction",
    "wrong_finger": "not asked for",
    "mislabelled_record": "of another finger",
    "missing_finger": "1 fingers instead of 2",
    "extra_finger": "3 fingers instead of 2",
    "same_image": "same image for two",
    "short_image": "finger record",
    "four_bit_image": "depth",
    "mixed_resolution": "resolutions differ",
    "thousand_ppi": "resolution of the image",
    "huge_image": "image too large",
    "rolled_image": "impression type",
    "no_biometrics": "0 fingers",
}


def test_the_device_is_discovered_and_its_signed_info_verified(rig: Any) -> None:
    """Make, model, firmware and class come from signed tokens."""
    info = rig.driver().open()

    assert (info.model, info.firmware, info.sensor_class) == ("Emulated Slap 442", "1.2.3", SensorClass.SLAP_OPTICAL)


def test_a_whole_442_session_is_chained_and_files_every_finger(rig: Any) -> None:
    """Left four, right four, thumbs: ten fingers, one hash chain, each image as sent and where it belongs."""
    driver = rig.ready()
    taken = [press for step in (LEFT_FOUR, RIGHT_FOUR, THUMBS) for press in rig.capture(driver, step).presses]
    sent = {digest: finger for digest, _, finger in rig.remote.status()["sent"]}

    assert {press.position for press in taken} == set(FingerPosition)
    assert all(sent[press.sha256.hex()] == press.position.key for press in taken)
    assert all(len(press.packed) == press.width_px * press.height_px for press in taken)


def test_a_missing_finger_is_announced_as_an_exception(rig: Any) -> None:
    """Three of four fingers: the scanner is told which one is not there."""
    attempt = rig.capture(rig.ready(), RIGHT_FOUR[:3])

    assert [press.position for press in attempt.presses] == list(RIGHT_FOUR[:3])


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_is_noticed_and_nothing_of_the_answer_is_kept(rig: Any, lie: str) -> None:
    """One false part spoils the whole answer, and the next honest one is accepted."""
    driver = rig.ready()
    if lie == "replay":
        rig.capture(driver, THUMBS)
    rig.remote.request("lie", lie)

    with pytest.raises(SbiRejected, match=REASONS[lie]):
        rig.capture(driver, THUMBS)
    assert rig.capture(driver, THUMBS).outcome is AttemptOutcome.CAPTURED


@pytest.mark.parametrize("lie", ["bad_signature", "unsigned", "foreign_chain", "expired_certificate"])
def test_a_device_whose_info_does_not_verify_is_not_opened(rig: Any, lie: str) -> None:
    """Trust is checked before the first capture."""
    rig.remote.request("lie", lie)

    with pytest.raises(SbiRejected, match=REASONS[lie]):
        rig.driver().open()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", DeviceTimeout),
        ("late", DeviceTimeout),
        ("cut", DeviceLost),
        ("garbage", SbiRejected),
        ("huge", SbiRejected),
        ("status", SbiRejected),
    ],
)
def test_broken_answers_end_within_the_deadline(rig: Any, fault: str, error: type[Exception]) -> None:
    """Hanging, cut, senseless and endless answers each have their error, and the next capture works."""
    driver = rig.ready()
    rig.remote.request("http", fault)
    started = time.monotonic()
    with pytest.raises(error):
        rig.capture(driver, THUMBS, finger_wait_s=1.0)

    assert time.monotonic() - started < 5.0
    assert rig.capture(driver, THUMBS).outcome is AttemptOutcome.CAPTURED


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (100, DeviceFault),
        (103, DeviceFault),
        (106, DeviceLost),
        (109, StepUnfit),
        (202, DeviceLost),
        (500, DeviceFault),
    ],
)
def test_error_codes_of_the_device_are_told_apart(rig: Any, code: int, error: type[Exception]) -> None:
    """Gone, unfit and faulty."""
    driver = rig.ready()
    rig.remote.request("error", code)

    with pytest.raises(error):
        rig.capture(driver, THUMBS)


@pytest.mark.parametrize(
    ("code", "verdict", "prompt"),
    [
        (101, PressVerdict.NO_FINGER, Prompt.PLACE),
        (102, PressVerdict.IMAGING_FAILED, Prompt.PLACE_AGAIN),
        (105, PressVerdict.WRONG_HAND, Prompt.OTHER_FINGER),
    ],
)
def test_what_the_applicant_can_mend_is_a_verdict(rig: Any, code: int, verdict: PressVerdict, prompt: Prompt) -> None:
    """Logged, prompted, and tried again within the attempt."""
    driver, applicant = rig.ready(), SlapApplicant(rig.remote, "alice")
    rig.remote.request("error", code)
    attempt = rig.watched(driver, THUMBS, applicant)

    assert attempt.outcome is AttemptOutcome.CAPTURED
    assert attempt.log[0].verdict is verdict
    assert prompt in [shown.prompt for shown in applicant.seen if shown.verdict is verdict]


def test_quality_is_judged_per_finger_and_never_averaged(rig: Any) -> None:
    """A drenched hand is refused although the scanner claims a score."""
    driver = rig.ready()
    applicant = SlapApplicant(rig.remote, "alice", moisture=0.0)
    attempt = rig.watched(driver, THUMBS, applicant, min_coherent_area=0.6)

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert attempt.presses == ()
    assert {line.verdict for line in attempt.log} == {PressVerdict.LOW_QUALITY}


def test_fingers_that_do_not_lie_together_are_refused(rig: Any) -> None:
    """A thumb with an index, or the same finger twice."""
    driver = rig.ready()

    for positions in ((THUMBS[0], RIGHT_FOUR[0]), (RIGHT_FOUR[0], RIGHT_FOUR[0]), ()):
        with pytest.raises(StepUnfit):
            rig.capture(driver, positions)


def test_a_wrong_clock_makes_certificates_invalid_with_a_reason(rig: Any) -> None:
    """The reason names the certificate, not the finger."""
    with pytest.raises(SbiRejected, match="certificate chain"):
        rig.driver(now=lambda: datetime.now(UTC) + timedelta(days=400)).open()


@pytest.mark.parametrize(
    ("options", "error"),
    [({"env": "Production"}, SbiRejected), ({"serial_no": "1"}, SbiRejected), ({"trust_anchors": "no"}, DeviceMissing)],
)
def test_another_environment_serial_or_no_anchor_does_not_open(rig: Any, options: Any, error: type[Exception]) -> None:
    """What the configuration demands is not negotiable."""
    with pytest.raises(error):
        rig.driver(**options).open()


def test_a_busy_device_is_not_opened(rig: Any) -> None:
    """Its status is named."""
    rig.remote.request("state", "Busy")

    with pytest.raises(DeviceFault, match="Busy"):
        rig.driver().open()
