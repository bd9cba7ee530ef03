"""The driver `serial` over the real library, pyserial and a pty: opening, losing and finding the sensor again."""

from __future__ import annotations

import os
import threading
import time

import pytest
import serial

from drivers.errors import DeviceFault, DeviceLost, DeviceMissing
from drivers.fingerprint.errors import LinkError, SensorSilent, StepUnfit, WrongPassword, WrongSensor
from drivers.fingerprint.port import AttemptOutcome, PressVerdict, Progress, Prompt
from drivers.fingerprint.proto import Command
from drivers.fingerprint.remote import Applicant
from drivers.fingerprint.sensor import SensorState
from wire.fingers import FingerPosition

THUMB, INDEX = FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX


@pytest.mark.parametrize("baud", [9600, 57600, 115200])
def test_the_sensor_is_found_at_any_rate_and_raised(line_rig, baud: int) -> None:
    """A rate change that failed half-way leaves the sensor anywhere; 115,200 and 256-byte packets are set."""
    line_rig.remote.request("baud", baud)
    info = line_rig.driver().open()
    status = line_rig.remote.status()

    assert info.model.lower() == line_rig.profile
    assert (status["baud"], status["packet"]) == (115_200, 3)


def test_parameters_already_right_are_not_written_to_flash_again(line_rig) -> None:
    """Flash wears: a second open sets nothing."""
    line_rig.ready().close()
    before = line_rig.remote.status()["commands"].get(str(int(Command.SET_SYS_PARA)), 0)
    line_rig.ready()

    assert line_rig.remote.status()["commands"].get(str(int(Command.SET_SYS_PARA)), 0) == before


def test_a_wrong_password_is_not_mistaken_for_wiring(line_rig) -> None:
    """Its own error, and the right password opens."""
    line_rig.remote.request("password", "0badcafe")

    with pytest.raises(WrongPassword):
        line_rig.driver().open()
    assert line_rig.driver(password="0badcafe").open().bit_depth == 4


def test_a_sensor_that_never_answers_is_told_apart_from_a_missing_one(line_rig) -> None:
    """The port opens, nothing speaks: power or wires."""
    line_rig.remote.request("mute", 1000)

    with pytest.raises(SensorSilent):
        line_rig.driver().open()
    with pytest.raises(DeviceMissing):
        line_rig.driver(device=str(line_rig.folder / "absent")).open()


def test_the_wrong_model_is_refused(line_rig) -> None:
    """What the configuration names must be what is found."""
    other = "r503" if line_rig.profile == "r307" else "r307"

    with pytest.raises(WrongSensor):
        line_rig.driver(profile=other).open()


def test_a_pattern_must_fit_exactly_one_device(line_rig) -> None:
    """Two adapters under one pattern are an error, never a guess."""
    (line_rig.folder / "sensor2").touch()
    pattern = str(line_rig.folder / "sensor*")
    try:
        with pytest.raises(DeviceMissing, match="2 devices"):
            line_rig.driver(device=pattern).open()
    finally:
        (line_rig.folder / "sensor2").unlink()
    assert line_rig.driver(device=pattern).open().bit_depth == 4


def test_the_port_is_opened_exclusively(line_rig) -> None:
    """A second program cannot mix its bytes into ours."""
    line_rig.ready()

    with pytest.raises(serial.SerialException):
        serial.Serial(str(line_rig.process.link), exclusive=True).close()


def test_a_second_thread_is_refused_not_interleaved(line_rig) -> None:
    """One owner at a time."""
    driver, stop, begun = line_rig.ready(), threading.Event(), threading.Event()
    runner = threading.Thread(target=line_rig.capture, args=(driver, THUMB, lambda _: begun.set(), stop))
    runner.start()
    try:
        assert begun.wait(5)
        with pytest.raises(DeviceFault, match="another thread"):
            driver.begin_session()
    finally:
        stop.set()
        runner.join(5)
    assert not runner.is_alive()


def test_several_fingers_at_once_are_refused(line_rig) -> None:
    """A single-finger sensor cannot do a slap, and says so."""
    driver = line_rig.ready()

    with pytest.raises(StepUnfit):
        driver.capture((THUMB, INDEX), None, lambda _: None, threading.Event())


@pytest.mark.parametrize("name", ["sensor", "sensor-renamed"])
def test_unplugging_in_an_image_restarts_the_finger_even_under_another_name(line_rig, name: str) -> None:
    """Nothing of before is kept; the session goes on at the same finger."""
    driver = line_rig.ready(device=str(line_rig.folder / "sensor*"))
    line_rig.remote.arm(Command.UP_IMAGE, "unplug", {"after_bytes": 9000}, skip=1)
    applicant = Applicant(line_rig.remote, "alice")

    def progress(shown: Progress) -> None:
        applicant(shown)
        if shown.prompt is Prompt.RECONNECT:
            line_rig.remote.request("plug", name)

    try:
        attempt = line_rig.capture(driver, THUMB, progress)
    finally:
        line_rig.remote.request("plug", "sensor")
    verdicts = [line.verdict for line in attempt.log]

    assert attempt.outcome is AttemptOutcome.CAPTURED
    assert verdicts.index(PressVerdict.DEVICE_FAULT) == 1
    assert verdicts[2:] == [PressVerdict.ACCEPTED] * 3
    assert len(attempt.presses) == 3


def test_a_sensor_that_stays_away_ends_in_device_lost(line_rig) -> None:
    """After the configured wait, and the driver can be opened again when it is back."""
    driver = line_rig.ready(reconnect_wait_s=0.3)
    line_rig.remote.arm(Command.UP_IMAGE, "unplug")

    with pytest.raises(DeviceLost):
        line_rig.capture(driver, THUMB)
    line_rig.remote.request("plug")
    driver.open()
    assert line_rig.capture(driver, THUMB).outcome is AttemptOutcome.CAPTURED


def test_stop_is_honoured_while_the_device_is_away_and_inside_a_transfer(line_rig) -> None:
    """0.3 s, whatever is going on, and the line is usable afterwards."""
    for arm in (("unplug", True), ("cut_after", 3000)):
        driver, stop, at = line_rig.ready(), threading.Event(), []
        line_rig.remote.arm(Command.UP_IMAGE, *arm)
        applicant = Applicant(line_rig.remote, "alice")

        def progress(shown: Progress, applicant=applicant, stop=stop, at=at) -> None:
            applicant(shown)
            if shown.prompt is Prompt.HOLD:
                threading.Timer(0.4, lambda: (at.append(time.monotonic()), stop.set())).start()

        attempt = line_rig.capture(driver, THUMB, progress, stop)
        late_s = time.monotonic() - at[0]
        line_rig.remote.request("plug")
        driver.close()

        assert attempt.outcome is AttemptOutcome.STOPPED
        assert attempt.presses == ()
        assert late_s < 0.3


def test_another_model_swapped_in_is_refused_and_the_right_one_goes_on(line_rig) -> None:
    """The images of one session come from one kind of sensor."""
    other = "r503" if line_rig.profile == "r307" else "r307"
    driver = line_rig.ready()
    first = line_rig.capture(driver, THUMB)
    line_rig.remote.arm(Command.UP_IMAGE, "swap", other)

    with pytest.raises(WrongSensor):
        line_rig.capture(driver, INDEX)
    line_rig.remote.request("swap", line_rig.profile)
    driver.open()
    again = line_rig.capture(driver, INDEX)

    assert {len(press.packed) for press in (*first.presses, *again.presses)} == {len(first.presses[0].packed)}
    assert again.outcome is AttemptOutcome.CAPTURED


def test_fingers_taken_before_a_replug_still_count_for_uniqueness(line_rig) -> None:
    """The sensor forgot them, the host did not."""
    driver = line_rig.ready()
    line_rig.capture(driver, THUMB)
    line_rig.remote.request("swap", line_rig.profile)

    def thumb_again(shown: Progress) -> None:
        line_rig.remote.lift() if shown.prompt is Prompt.LIFT else line_rig.remote.place("alice", "right_thumb", seed=7)

    attempt = line_rig.capture(driver, INDEX, thumb_again, max_presses=3)

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert PressVerdict.DUPLICATE_FINGER in [line.verdict for line in attempt.log]


def test_templates_found_at_start_are_erased(line_rig) -> None:
    """Whatever an earlier, interrupted session left in the sensor's flash."""
    driver = line_rig.ready()
    line_rig.capture(driver, THUMB)
    driver._sensor.store(7)
    driver.close()
    left = line_rig.remote.status()["library"]
    line_rig.driver().open()

    assert 7 in left
    assert line_rig.remote.status()["library"] == []


def test_persistent_damage_ends_in_an_error_not_in_an_image(line_rig) -> None:
    """A line that never gets better gives up within its bounds, and works again once it is mended."""
    driver = line_rig.ready(max_faults=2)
    line_rig.remote.arm(Command.UP_IMAGE, "corrupt", {"rate": 2e-3, "seed": 5})

    with pytest.raises((LinkError, DeviceLost)):
        line_rig.capture(driver, THUMB)
    line_rig.remote.clear()
    driver.open()
    assert line_rig.capture(driver, THUMB).outcome is AttemptOutcome.CAPTURED


def test_states_follow_the_link(line_rig) -> None:
    """CLOSED, READY, LOST, CLOSED."""
    driver = line_rig.driver()
    states = [driver._sensor.state]
    driver.open()
    states.append(driver._sensor.state)
    line_rig.remote.request("unplug")
    with pytest.raises(DeviceLost):
        driver.begin_session()
    states.append(driver._sensor.state)
    driver.close()
    states.append(driver._sensor.state)
    line_rig.remote.request("plug")

    assert states == [SensorState.CLOSED, SensorState.READY, SensorState.LOST, SensorState.CLOSED]


def test_descriptors_do_not_leak_over_reopening(line_rig) -> None:
    """Five times later the process holds as many descriptors as before."""
    driver = line_rig.ready()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        driver.open()

    assert len(os.listdir("/proc/self/fd")) == before
