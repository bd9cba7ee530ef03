"""An emulated sensor of each model per module, and a driver on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drivers.fingerprint.port import Attempt, CapturePolicy, Progress
from drivers.fingerprint.remote import Applicant, EmulatedProcess, SensorRemote
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


@dataclass(slots=True)
class Rig:
    """The emulated sensor, its remote control, and drivers opened on it."""

    process: EmulatedProcess
    remote: SensorRemote
    profile: str
    folder: Path
    opened: list[SerialFingerprint]

    def driver(self, **options: Any) -> SerialFingerprint:
        """A new driver; `device` may be given, the rest has quick defaults."""
        given = {"device": str(self.process.link), "baud": 115200, "poll_s": 0.02, "reconnect_poll_s": 0.05}
        given |= options
        made = SerialFingerprint(SerialOptions(**given))
        self.opened.append(made)
        return made

    def ready(self, **options: Any) -> SerialFingerprint:
        """A driver that is open, with a session begun."""
        made = self.driver(**options)
        made.open()
        made.begin_session()
        return made

    def capture(
        self,
        driver: SerialFingerprint,
        position: FingerPosition,
        progress: Callable[[Progress], None] | None = None,
        stop: threading.Event | None = None,
        **policy: Any,
    ) -> Attempt:
        """One attempt by an obedient applicant, or by `progress`."""
        obey = progress or Applicant(self.remote, "alice", seed=100 * position)
        return driver.capture((position,), replace(POLICY, **policy), obey, stop or threading.Event())


@pytest.fixture(scope="package", params=["r307", "r503"])
def sensor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp(request.param)
    process = EmulatedProcess(folder, request.param)
    remote = process.remote()
    yield Rig(process, remote, request.param, folder, [])
    remote.close()
    process.stop()


@pytest.fixture
def rig(sensor: Rig) -> Iterator[Rig]:
    """The sensor as powered up, without faults, nobody there."""
    sensor.remote.clear()
    sensor.remote.auto_off()
    sensor.remote.request("password", "00000000")
    sensor.remote.request("swap", sensor.profile)
    yield sensor
    for driver in sensor.opened:
        driver.close()
    sensor.opened.clear()
