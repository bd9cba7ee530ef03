"""An emulated sensor of each model per module, and a driver on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drivers.fingerprint import opening
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


@pytest.fixture(scope="package", autouse=True)
def _no_boot_wait() -> Iterator[None]:
    """The emulated module is up before the port is opened; waiting for its boot byte would only cost time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "BOOT_WAIT_S", 0.01)
        yield


@pytest.fixture(scope="package")
def sensors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Rig]]:
    """One emulated process per model, started when first asked for."""
    started: dict[str, Rig] = {}

    def of(profile: str) -> Rig:
        if profile not in started:
            folder = tmp_path_factory.mktemp(profile)
            process = EmulatedProcess(folder, profile)
            started[profile] = Rig(process, process.remote(), profile, folder, [])
        return started[profile]

    yield of
    for rig in started.values():
        rig.remote.close()
        rig.process.stop()


def _fresh(rig: Rig) -> Iterator[Rig]:
    """The sensor as powered up, without faults, nobody there."""
    rig.remote.clear()
    rig.remote.auto_off()
    rig.remote.request("password", "00000000")
    rig.remote.request("swap", rig.profile)
    yield rig
    for driver in rig.opened:
        driver.close()
    rig.opened.clear()


@pytest.fixture(params=["r307", "r503"])
def rig(request: pytest.FixtureRequest, sensors: Callable[[str], Rig]) -> Iterator[Rig]:
    """Both models: what differs between them matters."""
    yield from _fresh(sensors(request.param))


@pytest.fixture(params=["r307", pytest.param("r503", marks=pytest.mark.faults)])
def line_rig(request: pytest.FixtureRequest, sensors: Callable[[str], Rig]) -> Iterator[Rig]:
    """What concerns the line is the same on both; the second model runs in the long suite."""
    yield from _fresh(sensors(request.param))
