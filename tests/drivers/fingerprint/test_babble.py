"""A line that never falls silent, and a sensor that sends a byte now and then: nothing waits without end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from drivers.errors import DeviceTimeout
from drivers.fingerprint import uart
from drivers.fingerprint.errors import LinkError
from drivers.fingerprint.port import AttemptOutcome, Progress, Prompt
from drivers.fingerprint.proto import OVERHEAD_BYTES, Command, command
from drivers.fingerprint.remote import Applicant
from wire.fingers import FingerPosition

THUMB = FingerPosition.RIGHT_THUMB
WHOLE_PACKETS_BYTES = 12 + 5 * (256 + OVERHEAD_BYTES)
"""The acknowledgement and five data packets: what follows belongs to no packet."""


@pytest.mark.parametrize(
    "begins",
    [
        Command.GET_IMAGE,
        *(pytest.param(late, marks=pytest.mark.faults) for late in (Command.UP_IMAGE, Command.REG_MODEL)),
    ],
)
def test_a_line_that_babbles_for_a_while_is_outwaited(line_rig: Any, begins: Command) -> None:
    """Whenever it begins: three whole presses, as the sensor sent them."""
    driver = line_rig.ready()
    line_rig.remote.arm(begins, "babble", 1.5)
    attempt = line_rig.capture(driver, THUMB)
    sent = {digest for digest, _, _ in line_rig.remote.status()["sent"]}

    assert attempt.outcome is AttemptOutcome.CAPTURED
    assert len(attempt.presses) == 3
    assert {press.sha256.hex() for press in attempt.presses} <= sent


def test_babble_inside_a_transfer_ends_it_at_once(line_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a picture, then rubbish: not silence, and no reason to go on."""
    monkeypatch.setattr(uart, "DRAIN_LIMIT_S", 2.0)
    driver = line_rig.ready()
    line_rig.remote.arm(Command.UP_IMAGE, "cut_after", WHOLE_PACKETS_BYTES)
    line_rig.remote.arm(Command.UP_IMAGE, "babble", 30.0)
    faulted: list[float] = []
    applicant = Applicant(line_rig.remote, "alice")

    def progress(shown: Progress) -> None:
        applicant(shown)
        if shown.prompt is Prompt.HOLD and not faulted:
            faulted.append(time.monotonic())
        if shown.prompt is Prompt.RECONNECT:
            faulted.append(time.monotonic())
            line_rig.remote.clear()

    attempt = line_rig.capture(driver, THUMB, progress)

    # The picture is asked for three times, and before each repetition the line is waited for.
    assert faulted[1] - faulted[0] < 3 * uart.DRAIN_LIMIT_S + 5.0
    assert attempt.outcome is AttemptOutcome.CAPTURED


def test_stop_is_honoured_while_the_line_babbles(line_rig: Any) -> None:
    """0.3 s, as everywhere."""
    driver, stop, at = line_rig.ready(), threading.Event(), list[float]()
    line_rig.remote.arm(Command.GET_IMAGE, "babble", 60.0, skip=1)

    def progress(shown: Progress) -> None:
        if not at:
            at.append(0.0)
            threading.Timer(1.0, lambda: (at.append(time.monotonic()), stop.set())).start()

    attempt = line_rig.capture(driver, THUMB, progress, stop)
    late_s = time.monotonic() - at[1]

    assert attempt.outcome is AttemptOutcome.STOPPED
    assert late_s < 0.3


@pytest.mark.faults
def test_a_line_that_only_babbles_does_not_open(line_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error within bounds at each rate, and the sensor opens when the line is mended."""
    monkeypatch.setattr(uart, "DRAIN_LIMIT_S", 1.0)
    driver = line_rig.driver()
    line_rig.remote.request("babble", 60.0)
    started = time.monotonic()
    with pytest.raises(DeviceTimeout):
        driver.open()

    assert time.monotonic() - started < 20.0
    line_rig.remote.clear()
    assert driver.open().model


def test_a_transfer_that_only_trickles_is_given_up(line_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte alone is in time; the picture would take hours."""
    monkeypatch.setattr(uart, "TRANSFER_SLACK_S", -5.0)  # at 115,200 baud about 1.5 s are left
    driver = line_rig.ready()
    line_rig.remote.place("alice", "right_thumb", 1)
    driver._sensor.get_image()
    line_rig.remote.arm(Command.UP_IMAGE, "trickle", 0.002)
    framed = driver._sensor._framed()
    framed.expect_data(driver._sensor.profile.image_bytes)
    framed.write(command(Command.UP_IMAGE))
    started = time.monotonic()
    with pytest.raises(LinkError, match="in time"):
        framed.read(12)

    assert time.monotonic() - started < 4.0
