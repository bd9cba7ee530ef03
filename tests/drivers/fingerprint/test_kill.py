"""kill -9 of the station's process while a picture is on the line: the next process starts clean and goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.fingerprint.port import AttemptOutcome, CapturePolicy
from drivers.fingerprint.proto import Command
from drivers.fingerprint.remote import Applicant, EmulatedProcess, SensorRemote
from drivers.fingerprint.serial import SerialFingerprint, SerialOptions
from wire.fingers import FingerPosition

POLICY = CapturePolicy(3, 6, 10.0, 10.0, 0.3, 0.3, 0.3, True, True)
VICTIM = """
import sys, threading
from pathlib import Path
from drivers.fingerprint.port import CapturePolicy
from drivers.fingerprint.remote import Applicant, SensorRemote
from drivers.fingerprint.serial import SerialFingerprint, SerialOptions
from wire.fingers import FingerPosition

driver = SerialFingerprint(SerialOptions(device=sys.argv[1], poll_s=0.02))
driver.open()
driver.begin_session()
policy = CapturePolicy(3, 6, 10.0, 10.0, 0.3, 0.3, 0.3, True, True)
for position in (FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX):
    applicant = Applicant(SensorRemote(Path(sys.argv[2])), "victim", seed=int(position))
    driver.capture((position,), policy, applicant, threading.Event())
"""
DEADLINE_S = 40.0


@pytest.fixture(params=["r503", pytest.param("r307", marks=pytest.mark.faults)])
def sensor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[EmulatedProcess, SensorRemote]]:
    with EmulatedProcess(tmp_path, request.param, "line") as process:
        remote = process.remote()
        yield process, remote
        remote.close()


def _killed_in_transfer(process: EmulatedProcess, remote: SensorRemote, transfer: int) -> None:
    """Lets a station capture and kills it when that many pictures have been asked for: at line rate one takes 1.7 s
    and more, so that the kill falls into it."""
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, str(process.link), str(process.control)])
    end = time.monotonic() + DEADLINE_S
    try:
        while remote.status()["commands"].get(str(int(Command.UP_IMAGE)), 0) < transfer:
            assert victim.poll() is None
            assert time.monotonic() < end
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait(5)


@pytest.mark.parametrize("transfer", [1, pytest.param(4, marks=pytest.mark.faults)])
def test_the_next_process_finds_an_empty_sensor_and_whole_pictures(
    sensor: tuple[EmulatedProcess, SensorRemote], transfer: int
) -> None:
    """The port is free, the rest of the old picture is not taken for an answer, no template of before is left."""
    process, remote = sensor
    _killed_in_transfer(process, remote, transfer)
    driver = SerialFingerprint(SerialOptions(device=str(process.link), poll_s=0.02))
    started = time.monotonic()
    driver.open()
    opened_s = time.monotonic() - started
    library: list[Any] = remote.status()["library"]
    driver.begin_session()
    brief = CapturePolicy(1, 3, 10.0, 10.0, 0.3, 0.3, 0.3, False, True)
    policy = brief if transfer == 1 else POLICY
    attempt = driver.capture(
        (FingerPosition.RIGHT_THUMB,), policy, Applicant(remote, "heir", seed=500), threading.Event()
    )
    sent = {digest: (who, finger) for digest, who, finger in remote.status()["sent"]}
    driver.end_session()
    driver.close()

    assert opened_s < 15.0
    assert library == []
    assert attempt.outcome is AttemptOutcome.CAPTURED
    assert {sent[press.sha256.hex()] for press in attempt.presses} == {("heir", "right_thumb")}
