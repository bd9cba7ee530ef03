"""One emulated device service per module, and drivers for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from drivers.fingerprint.port import Attempt, CapturePolicy
from drivers.fingerprint.remote import EmulatedSbiProcess, SensorRemote, SlapApplicant
from drivers.fingerprint.sbi.driver import SbiFingerprint, SbiOptions
from wire.fingers import FingerPosition

POLICY = CapturePolicy(
    presses_per_finger=1,
    max_presses=3,
    finger_wait_s=5.0,
    lift_wait_s=2.0,
    min_foreground_share=0.3,
    min_coherent_area=0.3,
    min_orientation_certainty=0.3,
    verify_last_press=False,
    check_uniqueness=True,
)


@dataclass(slots=True)
class Rig:
    process: EmulatedSbiProcess
    remote: SensorRemote
    policy: CapturePolicy = POLICY

    def driver(self, now: Any = None, **options: Any) -> SbiFingerprint:
        port = self.process.port
        given = {"trust_anchors": str(self.process.anchors), "first_port": port, "last_port": port}
        given |= {"env": "Developer", "grace_s": 2.0, **options}
        return SbiFingerprint(SbiOptions(**given), **({"now": now} if now else {}))

    def ready(self, **options: Any) -> SbiFingerprint:
        made = self.driver(**options)
        made.open()
        made.begin_session()
        return made

    def capture(self, driver: SbiFingerprint, positions: tuple[FingerPosition, ...], **policy: Any) -> Attempt:
        return self.watched(driver, positions, SlapApplicant(self.remote, "alice"), **policy)

    def watched(
        self, driver: SbiFingerprint, positions: tuple[FingerPosition, ...], applicant: SlapApplicant, **policy: Any
    ) -> Attempt:
        return driver.capture(positions, replace(self.policy, **policy), applicant, threading.Event())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with EmulatedSbiProcess(tmp_path_factory.mktemp("sbi")) as process:
        remote = process.remote()
        yield Rig(process, remote)
        remote.close()


@pytest.fixture
def rig(service: Rig) -> Rig:
    service.remote.clear()
    service.remote.lift()
    return service
