"""What every fingerprint driver must do, whatever lies behind it (drivers/fingerprint/port.py).

Each rig starts the emulated peer of one driver; the driver itself is the real one, made by the registry.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from drivers.errors import DeviceMissing, DriverOptionsInvalid
from drivers.fingerprint.errors import CommandRefused, StepUnfit
from drivers.fingerprint.port import (
    AttemptOutcome,
    CapturePolicy,
    FingerprintPort,
    PressVerdict,
    Progress,
    Prompt,
    SensorClass,
    SensorInfo,
)
from drivers.fingerprint.remote import Applicant, EmulatedProcess, EmulatedSbiProcess, SlapApplicant
from drivers.registry import create, fingers_at_once
from wire.fingers import FingerPosition
from wire.records import png4
from wire.records.png4 import GreyImage

POLICY = CapturePolicy(
    presses_per_finger=3,
    max_presses=6,
    finger_wait_s=4.0,
    lift_wait_s=4.0,
    min_foreground_share=0.3,
    min_coherent_area=0.3,
    min_orientation_certainty=0.3,
    verify_last_press=True,
    check_uniqueness=True,
)


class Rig(Protocol):
    """The peer of one driver."""

    driver: FingerprintPort
    name: str
    steps: tuple[tuple[FingerPosition, ...], ...]

    def applicant(self, person: str) -> Any: ...
    def confused(self, person: str, shown: dict[str, str]) -> Callable[[Progress], None]: ...
    def nobody(self) -> None: ...
    def options(self) -> dict[str, Any]: ...
    def missing_options(self) -> dict[str, Any]: ...
    def sent(self) -> dict[str, tuple[str, str]]: ...
    def templates_left(self) -> int: ...
    def stop(self) -> None: ...


class SerialRig:
    """Driver `serial` and the emulated module on a pty."""

    name = "serial"
    steps = ((FingerPosition.RIGHT_THUMB,), (FingerPosition.LEFT_INDEX,))

    def __init__(self, folder: Path, profile: str) -> None:
        self._folder = folder
        self._process = EmulatedProcess(folder, profile)
        self._remote = self._process.remote()
        self.driver: FingerprintPort = create("fingerprint", self.name, self.options())

    def options(self) -> dict[str, Any]:
        return {"device": str(self._process.link), "poll_s": 0.02}

    def missing_options(self) -> dict[str, Any]:
        return {"device": str(self._folder / "absent")}

    def applicant(self, person: str) -> Applicant:
        return Applicant(self._remote, person)

    def confused(self, person: str, shown: dict[str, str]) -> Callable[[Progress], None]:
        """Lays down another finger than the one asked for, by `shown`; each press differs."""
        seeds = itertools.count(10_000)

        def follow(progress: Progress) -> None:
            if progress.prompt is Prompt.LIFT:
                self._remote.lift()
            elif progress.prompt is not Prompt.HOLD:
                finger = progress.position.key
                self._remote.place(person, shown.get(finger, finger), next(seeds))

        return follow

    def nobody(self) -> None:
        self._remote.lift()

    def sent(self) -> dict[str, tuple[str, str]]:
        return {digest: (who, finger) for digest, who, finger in self._remote.status()["sent"]}

    def templates_left(self) -> int:
        return len(self._remote.status()["library"])

    def stop(self) -> None:
        self.driver.close()
        self._remote.close()
        self._process.stop()


class SbiRig:
    """Driver `sbi` and the emulated device service over HTTP on 127.0.0.1."""

    name = "sbi"
    steps = (
        tuple(FingerPosition(number) for number in range(7, 11)),
        (FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_THUMB),
    )

    def __init__(self, folder: Path) -> None:
        self._process = EmulatedSbiProcess(folder)
        self._remote = self._process.remote()
        self.driver: FingerprintPort = create("fingerprint", self.name, self.options())

    def options(self) -> dict[str, Any]:
        port = self._process.port
        anchors = str(self._process.anchors)
        return {"trust_anchors": anchors, "first_port": port, "last_port": port, "env": "Developer"}

    def missing_options(self) -> dict[str, Any]:
        return {**self.options(), "first_port": 4601, "last_port": 4602}

    def applicant(self, person: str) -> SlapApplicant:
        return SlapApplicant(self._remote, person)

    def confused(self, person: str, shown: dict[str, str]) -> SlapApplicant:
        """The hand is another one than asked for, by `shown`; the scanner notices nothing."""
        return SlapApplicant(self._remote, person, shown=shown)

    def nobody(self) -> None:
        self._remote.lift()

    def sent(self) -> dict[str, tuple[str, str]]:
        return {digest: (who, finger) for digest, who, finger in self._remote.status()["sent"]}

    def templates_left(self) -> int:
        return 0

    def stop(self) -> None:
        self.driver.close()
        self._remote.close()
        self._process.stop()


RIGS = {
    "sbi": SbiRig,
    "serial-r307": lambda folder: SerialRig(folder, "r307"),
    "serial-r503": lambda folder: SerialRig(folder, "r503"),
}


@pytest.fixture(scope="module", params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = RIGS[request.param](tmp_path_factory.mktemp(request.param))
    yield made
    made.stop()


@pytest.fixture
def opened(rig: Rig) -> Iterator[SensorInfo]:
    info = rig.driver.open()
    rig.driver.begin_session()
    yield info
    rig.driver.close()


def test_open_says_what_was_found(rig: Rig, opened: SensorInfo) -> None:
    """Size, depth, resolution and class describe the images that follow."""
    assert isinstance(opened.sensor_class, SensorClass)
    assert opened.model
    assert opened.firmware
    assert min(opened.width_px, opened.height_px) >= 192
    assert 490 <= opened.ppi <= 1010
    assert opened.bit_depth in (4, 8)


def test_every_step_yields_whole_images_of_the_finger_asked_for(rig: Rig, opened: SensorInfo) -> None:
    """Each press is what the device sent, of the right finger, whole and hashed, and no two are equal."""
    for step in rig.steps:
        attempt = rig.driver.capture(step, POLICY, rig.applicant("contract"), threading.Event())
        sent = rig.sent()

        assert attempt.outcome is AttemptOutcome.CAPTURED
        assert {press.position for press in attempt.presses} == set(step)
        assert len({press.sha256 for press in attempt.presses}) == len(attempt.presses)
        for press in attempt.presses:
            assert len(press.packed) * 8 == press.width_px * press.height_px * press.bit_depth
            assert hashlib.sha256(press.packed).digest() == press.sha256
            assert sent[press.sha256.hex()] == ("contract", press.position.key)
            assert press.quality.foreground_share >= POLICY.min_foreground_share
        assert len(attempt.log) >= len(attempt.presses) // max(1, len(step))


@pytest.mark.parametrize("excess", ["too many", "twice", "none"])
def test_a_step_the_device_cannot_do_is_refused_before_anything_is_captured(
    rig: Rig, opened: SensorInfo, excess: str
) -> None:
    """No half of it: nothing is prompted, nothing is sent, and the next step works."""
    hand = tuple(FingerPosition(number) for number in range(1, 6))
    most = fingers_at_once(rig.name)
    positions = {"too many": hand[: most + 1], "twice": (hand[1], hand[1]), "none": ()}[excess]
    before, prompts = rig.sent(), list[Progress]()
    with pytest.raises(StepUnfit):
        rig.driver.capture(positions, POLICY, prompts.append, threading.Event())

    assert prompts == []
    assert rig.sent() == before
    again = rig.driver.capture(rig.steps[1], POLICY, rig.applicant("contract"), threading.Event())
    assert again.outcome is AttemptOutcome.CAPTURED


def test_a_finger_taken_before_a_restart_is_not_filed_twice(rig: Rig, opened: SensorInfo) -> None:
    """`taken` holds templates, or pictures where there are none; only the same finger elsewhere is refused."""
    first, second = rig.steps[0], rig.steps[1]
    attempt = rig.driver.capture(first, POLICY, rig.applicant("twice"), threading.Event())
    pictures = {
        press.position: png4.encode_grey(GreyImage(press.packed, press.width_px, press.height_px, press.bit_depth))
        for press in attempt.presses
    }
    rig.driver.close()
    rig.driver.open()
    rig.driver.begin_session({**pictures, **attempt.templates})
    shown = {asked.key: there.key for asked, there in zip(second, first, strict=False)}
    wrong = rig.driver.capture(second, POLICY, rig.confused("twice", shown), threading.Event())
    right = rig.driver.capture(second, POLICY, rig.applicant("twice"), threading.Event())

    assert (wrong.outcome, wrong.presses, wrong.templates) == (AttemptOutcome.REJECTED, (), {})
    assert {PressVerdict.DUPLICATE_FINGER, PressVerdict.WRONG_HAND} & {line.verdict for line in wrong.log}
    assert right.outcome is AttemptOutcome.CAPTURED
    assert {rig.sent()[press.sha256.hex()] for press in right.presses} == {("twice", taken.key) for taken in second}


def test_what_a_driver_cannot_compare_does_not_stop_the_session(rig: Rig, opened: SensorInfo) -> None:
    """A template of another model, a picture for a driver with templates, a stump: passed over.

    What looks like a template and is refused by the sensor is an error, and no obstacle to the next session.
    """
    for value in (b"", b"x", bytes(512), bytes(1536), png4.encode(bytes(8), 4, 4)):
        try:
            rig.driver.begin_session({FingerPosition.LEFT_LITTLE: value})
        except CommandRefused:
            assert len(value) >= 512
            rig.driver.open()
            rig.driver.begin_session()
    attempt = rig.driver.capture(rig.steps[1], POLICY, rig.applicant("odd"), threading.Event())

    assert attempt.outcome is AttemptOutcome.CAPTURED


def test_a_set_stop_ends_the_attempt_at_once_and_keeps_nothing(rig: Rig, opened: SensorInfo) -> None:
    """Whatever the device is waiting for, `stop` is honoured within 0.3 s."""
    stop = threading.Event()
    at: list[float] = []

    def progress(_: Progress) -> None:
        if not at:
            at.append(time.monotonic() + 0.4)
            threading.Timer(0.4, stop.set).start()

    attempt = rig.driver.capture(rig.steps[0], replace(POLICY, finger_wait_s=30.0), progress, stop)
    late_s = time.monotonic() - at[0]

    assert attempt.outcome is AttemptOutcome.STOPPED
    assert attempt.presses == ()
    assert attempt.templates == {}
    assert late_s < 0.3


def test_nobody_there_is_a_rejected_attempt_with_a_log(rig: Rig, opened: SensorInfo) -> None:
    """The attempt ends by itself, says so for each press, and prompts meanwhile."""
    prompts: list[Progress] = []
    rig.nobody()
    brief = replace(POLICY, finger_wait_s=0.3, max_presses=3)
    attempt = rig.driver.capture(rig.steps[0], brief, prompts.append, threading.Event())

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert attempt.presses == ()
    assert [line.verdict.value for line in attempt.log][:1] == ["no_finger"]
    assert prompts[0].prompt is Prompt.PLACE
    assert {shown.position for shown in prompts} <= set(rig.steps[0])


def test_a_session_leaves_no_template_behind(rig: Rig, opened: SensorInfo) -> None:
    """After end_session the device holds nothing of the person, and the next one is not compared with them."""
    rig.driver.capture(rig.steps[0], POLICY, rig.applicant("leaver"), threading.Event())
    rig.driver.end_session()

    assert rig.templates_left() == 0
    again = rig.driver.capture(rig.steps[0], POLICY, rig.applicant("leaver"), threading.Event())
    assert again.outcome is AttemptOutcome.CAPTURED


def test_close_is_safe_at_any_time_and_open_works_again(rig: Rig) -> None:
    """close never raises, not even twice, and is not final."""
    rig.driver.close()
    rig.driver.close()
    info = rig.driver.open()
    rig.driver.close()

    assert info.width_px > 0


def test_a_device_that_is_not_there_is_named(rig: Rig) -> None:
    """DeviceMissing, with a sentence for the officer."""
    driver = create("fingerprint", rig.name, rig.missing_options())

    with pytest.raises(DeviceMissing):
        driver.open()
    driver.close()


def test_options_that_do_not_fit_are_refused(rig: Rig) -> None:
    """An unknown key is an error, never ignored."""
    with pytest.raises(DriverOptionsInvalid, match="surprise"):
        create("fingerprint", rig.name, {**rig.options(), "surprise": 1})
