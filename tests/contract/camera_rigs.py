"""The cameras under the contract suite, each with what is around it. Not a test file."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from PIL import Image

from drivers.camera.port import CameraPort
from drivers.camera.remote import CameraRemote
from drivers.registry import create


class Rig(Protocol):
    """A camera and what is around it. Methods that a rig cannot do skip the test and say why."""

    camera: CameraPort
    moves: bool

    def light(self, lux: float) -> None: ...
    def stall(self) -> None: ...
    def mend(self) -> None: ...
    def unplug(self) -> None: ...


class EmulatedRig:
    moves = True

    def __init__(self, folder: Path) -> None:
        checks = (np.indices((324, 576)) // 12).sum(axis=0) % 2 * 150 + 50
        Image.fromarray(checks.astype(np.uint8)).save(folder / "checks.png")
        options = {
            "frame_rate": 30.0,
            "control_socket": str(folder / "camera.sock"),
            "scene": {"scene": "picture", "path": str(folder / "checks.png")},
        }
        self.camera = create("camera", "emulated", options)
        self._remote = CameraRemote(folder / "camera.sock")

    def light(self, lux: float) -> None:
        self._remote.send(lux=lux)

    def stall(self) -> None:
        self._remote.send(fault="stall")

    def mend(self) -> None:
        self._remote.send(fault="none")

    def unplug(self) -> None:
        self.camera.open()
        self._remote.send(fault="missing")
        self._remote.close()
        self.camera.close()

    def end(self) -> None:
        self._remote.close()
        self.camera.close()


class StandinRig:
    moves = True

    def __init__(self) -> None:
        import libcamera

        self._world = libcamera.world
        self._world.reset()
        self.camera = create("camera", "picamera2", {"frame_rate": 30.0})

    def light(self, lux: float) -> None:
        self._world.lux = lux

    def stall(self) -> None:
        self._world.stall()

    def mend(self) -> None:
        self._world.stalled, self._world.present = False, True

    def unplug(self) -> None:
        self._world.present = False

    def end(self) -> None:
        self.camera.close()


class HardwareRig:
    moves = False

    def __init__(self, name: str) -> None:
        self.camera = create("camera", name, {})

    def light(self, lux: float) -> None:
        pytest.skip("needs a lamp that a test can dim")

    def stall(self) -> None:
        pytest.skip("needs a camera that a test can stop")

    def mend(self) -> None:
        """Nothing was broken."""

    def unplug(self) -> None:
        pytest.skip("needs a cable that a test can pull")

    def end(self) -> None:
        self.camera.close()
