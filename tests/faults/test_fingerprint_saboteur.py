"""A saboteur with the control socket, and the long run: no bad image, no freeze, no leak.

The saboteur throws random faults at random moments, from a seed, while fingers are captured. Whatever the driver hands
out must be exactly what the sensor sent, of the finger asked for. A short hunt runs always, long ones with `-m faults`.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DriverError
from drivers.fingerprint.port import AttemptOutcome, CapturePolicy, Progress, Prompt
from drivers.fingerprint.proto import Command
from drivers.fingerprint.remote import Applicant, EmulatedProcess
from drivers.fingerprint.serial import SerialFingerprint, SerialOptions
from wire.fingers import FingerPosition

POLICY = CapturePolicy(
    presses_per_finger=3,
    max_presses=6,
    finger_wait_s=3.0,
    lift_wait_s=3.0,
    min_foreground_share=0.3,
    min_coherent_area=0.3,
    min_orientation_certainty=0.3,
    verify_last_press=True,
    check_uniqueness=True,
)
ATTEMPT_LIMIT_S = 90.0
MEMORY_GROWTH_BYTES = 8 * 1024 * 1024


def random_fault(rng: random.Random) -> tuple[str, Any]:
    """One request of the saboteur."""
    noise = {"rate": 10 ** rng.uniform(-4.5, -2), "seed": rng.randrange(10**6), "bytes": rng.randrange(100, 60_000)}
    return rng.choice(
        [
            ("mute", rng.randrange(1, 4)),
            ("delay", {"s": round(rng.uniform(0.2, 2.6), 2), "n": rng.randrange(1, 3)}),
            ("nak", {"command": int(rng.choice(list(Command))), "code": rng.randrange(1, 0x22), "n": 1}),
            ("bad_checksum", rng.randrange(1, 3)),
            ("corrupt", noise),
            ("drop", noise),
            ("insert", noise),
            ("drop_packet", rng.randrange(-1, 100)),
            ("cut_after", rng.randrange(0, 20_000)),
            ("overrun", rng.randrange(1, 300)),
            ("inject", rng.randbytes(rng.randrange(1, 40)).hex()),
            ("inject", "55"),
            ("restart", True),
            ("baud", rng.choice([9600, 57600, 115200])),
            ("freeze", True),
            ("babble", round(rng.uniform(0.1, 3.0), 2)),
            ("image_fail", 1),
            ("messy", 1),
            ("featfail", 1),
            ("unplug", {"after_bytes": rng.randrange(0, 30_000)}),
        ]
    )


class Hunt:
    """A driver, its sensor, and the saboteur in a thread of his own."""

    def __init__(self, folder: Path, profile: str, seed: int) -> None:
        self.process = EmulatedProcess(folder, profile)
        self.remote = self.process.remote()
        self.driver = SerialFingerprint(
            SerialOptions(device=str(self.process.link), poll_s=0.02, reconnect_poll_s=0.05, max_faults=50)
        )
        self.captured = 0
        self.failed = 0
        self._rng = random.Random(seed)
        self._ended = threading.Event()
        self._saboteur = threading.Thread(target=self._sabotage, args=(seed,), daemon=True)

    def run(self, seconds: float) -> None:
        """Captures finger after finger until the time is over, then once more in peace."""
        end = time.monotonic() + seconds
        self._open()
        self._saboteur.start()
        while time.monotonic() < end:
            self._person(f"victim-{self.captured}-{self.failed}")
        self._ended.set()
        self._saboteur.join(20)
        self.remote.clear()
        self.remote.request("plug")
        self._open()
        self.driver.begin_session()
        captured = self.captured
        self._finger("afterwards", FingerPosition.RIGHT_INDEX)
        assert self.captured == captured + 1

    def close(self) -> None:
        self._ended.set()
        self.driver.close()
        self.remote.close()
        self.process.stop()

    def _person(self, name: str) -> None:
        try:
            self.driver.begin_session()
            for position in (FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_INDEX):
                self._finger(name, position)
        except DriverError:
            self.failed += 1
            self._open()

    def _finger(self, name: str, position: FingerPosition) -> None:
        started = time.monotonic()
        applicant = Applicant(self.remote, name, seed=self._rng.randrange(10**6))
        attempt = self.driver.capture((position,), POLICY, applicant, threading.Event())
        assert time.monotonic() - started < ATTEMPT_LIMIT_S
        sent = {digest: (who, finger) for digest, who, finger in self.remote.status()["sent"]}
        for press in attempt.presses:
            assert sent.get(press.sha256.hex()) == (name, position.key)
            assert len(press.packed) == press.width_px * press.height_px // 2
        if attempt.outcome is AttemptOutcome.CAPTURED:
            assert len({press.sha256 for press in attempt.presses}) == POLICY.presses_per_finger
            self.captured += 1
        else:
            assert attempt.presses == ()

    def _open(self) -> None:
        """The sensor may be away, mute or at any rate: it must be found within the saboteur's pauses."""
        end = time.monotonic() + 60
        while True:
            try:
                self.driver.open()
                return
            except DriverError:
                assert time.monotonic() < end

    def _sabotage(self, seed: int) -> None:
        rng = random.Random(seed + 1)
        remote = self.process.remote()
        while not self._ended.wait(rng.uniform(0.05, 1.5)):
            name, value = random_fault(rng)
            if rng.random() < 0.5:
                remote.arm(rng.choice([1, 2, 3, 4, 5, 6, 8, 9, 10]), name, value, skip=rng.randrange(3))
            else:
                remote.request(name, value)
            if rng.random() < 0.4:
                remote.clear()
            if not remote.status()["plugged"]:
                remote.request("plug")
        remote.close()


@pytest.fixture
def hunt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hunt]:
    profile, seed = request.param
    made = Hunt(tmp_path, profile, seed)
    yield made
    made.close()


@pytest.mark.parametrize("hunt", [("r307", 1)], indirect=True)
def test_a_short_hunt_finds_nothing(hunt: Hunt) -> None:
    """Four seconds of random faults: every image handed out is the sensor's, of the right finger."""
    hunt.run(4.0)


@pytest.mark.faults
@pytest.mark.parametrize(
    "hunt", [(profile, seed) for profile in ("r307", "r503") for seed in range(10, 16)], indirect=True
)
def test_a_long_hunt_finds_nothing(hunt: Hunt) -> None:
    """Seventy seconds each, six seeds, both models."""
    hunt.run(70.0)

    assert hunt.captured > 1


def _soak(folder: Path, profile: str, fingers: int) -> tuple[list[int], list[int]]:
    """Resident bytes and descriptors of this process after every tenth of the run."""
    memory, descriptors = [], []
    with EmulatedProcess(folder, profile) as process:
        remote = process.remote()
        driver = SerialFingerprint(SerialOptions(device=str(process.link), poll_s=0.01))
        driver.open()
        positions = list(FingerPosition)
        for count in range(fingers):
            if count % 10 == 0:
                driver.begin_session()
            position = positions[count % 10]
            attempt = driver.capture(
                (position,), POLICY, Applicant(remote, f"soak-{count // 10}", seed=count), threading.Event()
            )
            assert attempt.outcome is AttemptOutcome.CAPTURED, [line.verdict for line in attempt.log]
            if count % max(1, fingers // 10) == 0:
                memory.append(_resident_bytes())
                descriptors.append(len(os.listdir("/proc/self/fd")))
        driver.end_session()
        assert remote.status()["library"] == []
        driver.close()
        remote.close()
    return memory, descriptors


def _resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.mark.faults
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("profile", ["r307", "r503"])
def test_five_hundred_fingers_leak_nothing(tmp_path: Path, profile: str) -> None:
    """Memory and descriptors are constant after the first tenth."""
    memory, descriptors = _soak(tmp_path, profile, 500)

    assert max(memory) - memory[1] < MEMORY_GROWTH_BYTES
    assert set(descriptors[1:]) == {descriptors[1]}


def test_a_saboteur_with_a_second_finger_gets_no_mixed_set(tmp_path: Path) -> None:
    """The finger is exchanged between two presses at every press: no set ever holds two fingers."""
    with EmulatedProcess(tmp_path, "r307") as process:
        remote = process.remote()
        driver = SerialFingerprint(SerialOptions(device=str(process.link), poll_s=0.02))
        driver.open()
        driver.begin_session()
        rng = random.Random(7)

        def swapped(shown: Progress) -> None:
            if shown.prompt is Prompt.LIFT:
                remote.lift()
            elif shown.prompt is not Prompt.HOLD:
                remote.place(rng.choice(["one", "two"]), "right_thumb", seed=rng.randrange(10**6))

        for _ in range(2):
            attempt = driver.capture((FingerPosition.RIGHT_THUMB,), POLICY, swapped, threading.Event())
            sent = {digest: who for digest, who, _ in remote.status()["sent"]}
            assert len({sent[press.sha256.hex()] for press in attempt.presses}) <= 1
        driver.close()
        remote.close()
