"""Every fault of the serial line at every step of the procedure, over the real library, pyserial and a pty.

The rule: never a wrong, short or misfiled image, never a wait beyond the deadline, and after the fault ends the session
goes on at the same finger. The whole matrix runs with `-m faults`; a seeded slice runs always.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from drivers.fingerprint.port import Attempt, AttemptOutcome, CapturePolicy, PressVerdict
from drivers.fingerprint.proto import Code, Command
from drivers.fingerprint.remote import Applicant, EmulatedProcess, SensorRemote
from drivers.fingerprint.serial import SerialFingerprint, SerialOptions
from wire.fingers import FingerPosition

POLICY = CapturePolicy(
    presses_per_finger=3,
    max_presses=6,
    finger_wait_s=5.0,
    lift_wait_s=5.0,
    min_foreground_share=0.3,
    min_coherent_area=0.3,
    min_orientation_certainty=0.3,
    verify_last_press=True,
    check_uniqueness=True,
)
ATTEMPT_S = 60.0
FIRST, SECOND = FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX

FAULTS: dict[str, tuple[str, Any]] = {
    "mute once": ("mute", 1),
    "mute five": ("mute", 5),
    "answer 1.5 s late": ("delay", {"s": 1.5, "n": 1}),
    "answer 2.5 s late": ("delay", {"s": 2.5, "n": 1}),
    "three answers 0.7 s late": ("delay", {"s": 0.7, "n": 3}),
    "wrong checksum": ("bad_checksum", 1),
    "bit flips": ("corrupt", {"rate": 3e-3, "bytes": 3000}),
    "lost bytes": ("drop", {"rate": 3e-3, "bytes": 3000}),
    "inserted bytes": ("insert", {"rate": 3e-3, "bytes": 3000}),
    "first data packet lost": ("drop_packet", 0),
    "third data packet lost": ("drop_packet", 2),
    "end packet lost": ("drop_packet", -1),
    "cut inside a packet": ("cut_after", 7),
    "cut inside the data": ("cut_after", 400),
    "stray bytes": ("inject", "00ff5500ef01ff"),
    "stray boot byte": ("inject", "55"),
    "brown-out": ("restart", True),
    "rate changed": ("baud", 9600),
    "babbles for 2 s": ("babble", 2.0),
    "overrun": ("overrun", 5),
    "unplugged in the answer": ("unplug", {"after_bytes": 5}),
    "unplugged in the data": ("unplug", {"after_bytes": 420}),
    "refused: receive error": ("nak", {"command": -1, "code": int(Code.RECEIVE_ERROR)}),
    "refused: password needed": ("nak", {"command": -1, "code": int(Code.PASSWORD_NEEDED)}),
}
STEPS: dict[str, list[tuple[Command, int]]] = {
    "r307": [
        (Command.GET_IMAGE, 0),
        (Command.GET_IMAGE, 1),
        (Command.UP_IMAGE, 0),
        (Command.UP_IMAGE, 2),
        (Command.IMAGE_TO_TZ, 0),
        (Command.IMAGE_TO_TZ, 1),
        (Command.DOWN_CHAR, 0),
        (Command.MATCH, 0),
        (Command.MATCH, 1),
        (Command.REG_MODEL, 0),
        (Command.UP_CHAR, 0),
    ],
    "r503": [
        (Command.GET_IMAGE, 0),
        (Command.GET_IMAGE, 1),
        (Command.UP_IMAGE, 0),
        (Command.UP_IMAGE, 2),
        (Command.IMAGE_TO_TZ, 0),
        (Command.IMAGE_TO_TZ, 1),
        (Command.SEARCH, 0),
        (Command.SEARCH, 1),
        (Command.REG_MODEL, 0),
        (Command.UP_CHAR, 0),
        (Command.STORE, 0),
        (Command.AURA_LED, 2),
    ],
}
MATRIX = [
    (profile, command, skip, fault) for profile in STEPS for (command, skip), fault in product(STEPS[profile], FAULTS)
]
SLICE = random.Random(20250701).sample(MATRIX, 6)


class Rig:
    """One emulated sensor, the driver under test and the applicant."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.process = EmulatedProcess(folder, profile)
        self.remote: SensorRemote = self.process.remote()
        options = SerialOptions(device=str(self.process.link), poll_s=0.02, reconnect_poll_s=0.05)
        self.driver = SerialFingerprint(options)

    def capture(self, person: str, position: FingerPosition) -> tuple[Attempt, Applicant]:
        applicant = Applicant(self.remote, person, seed=100 * position)
        return self.driver.capture((position,), POLICY, applicant, threading.Event()), applicant

    def close(self) -> None:
        self.driver.close()
        self.remote.close()
        self.process.stop()


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rig]]:
    """Both models, kept over the module: a fault must not outlive its test."""
    made = {profile: Rig(tmp_path_factory.mktemp(profile), profile) for profile in STEPS}
    yield made
    for rig in made.values():
        rig.close()


def check(rig: Rig, command: Command, skip: int, fault: str, person: str) -> None:
    """One finger without a fault, one with it, and both as they lay on the sensor."""
    rig.remote.clear()
    rig.driver.open()
    rig.driver.begin_session()
    first, _ = rig.capture(person, FIRST)
    name, value = FAULTS[fault]
    if name == "nak":
        value = {**value, "command": int(command)}
    rig.remote.arm(command, name, value, skip=skip)
    over = threading.Event()
    replug = threading.Thread(target=_plug_when_gone, args=(rig.process, over), daemon=True)
    if name == "unplug":
        replug.start()
    started = time.monotonic()
    second, applicant = rig.capture(person, SECOND)
    took = time.monotonic() - started
    over.set()
    if name == "unplug":
        replug.join(20)
    rig.remote.clear()
    sent = {digest: (who, finger) for digest, who, finger in rig.remote.status()["sent"]}
    rig.driver.end_session()

    assert took < ATTEMPT_S
    for attempt, position in ((first, FIRST), (second, SECOND)):
        assert attempt.outcome is AttemptOutcome.CAPTURED, [line.verdict for line in attempt.log]
        assert len({press.sha256 for press in attempt.presses}) == POLICY.presses_per_finger
        for press in attempt.presses:
            assert sent[press.sha256.hex()] == (person, position.key)
            assert press.position is position
        template_bytes = 512 if rig.remote.status()["profile"] == "R307" else 1536
        assert {key: len(value) for key, value in attempt.templates.items()} == {position: template_bytes}
    assert rig.remote.status()["library"] == []
    assert {shown.position for shown in applicant.seen} == {SECOND}
    faulted = [line for line in second.log if line.verdict is PressVerdict.DEVICE_FAULT]
    assert len(faulted) <= 4


def _plug_when_gone(process: EmulatedProcess, over: threading.Event) -> None:
    """Plugs it in again once; a fault whose moment never came (a short answer, a last step) leaves it plugged."""
    remote = process.remote()
    while not over.wait(0.02):
        if not remote.status()["plugged"]:
            remote.request("plug")
            break
    remote.close()


@pytest.mark.parametrize(("profile", "command", "skip", "fault"), SLICE)
def test_a_slice_of_the_matrix(rigs: dict[str, Rig], profile: str, command: Command, skip: int, fault: str) -> None:
    """Never wrong, never stuck, and on at the same finger."""
    check(rigs[profile], command, skip, fault, f"slice-{command}-{skip}-{fault}")


@pytest.mark.faults
@pytest.mark.parametrize(("profile", "command", "skip", "fault"), MATRIX)
def test_the_whole_matrix(rigs: dict[str, Rig], profile: str, command: Command, skip: int, fault: str) -> None:
    """The same for every fault at every step on both models."""
    check(rigs[profile], command, skip, fault, f"whole-{command}-{skip}-{fault}")
