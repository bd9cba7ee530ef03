"""One emulated station: capture and link as two processes, with the remote controls of its devices.

The devices are told what happens (a card is held up, a finger is placed, a button is pressed); everything between is
the product itself. Used by the demo, the system tests and the fault hunts.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from drivers.camera.remote import CameraRemote
from drivers.display.follow import ScreenFollower
from drivers.fingerprint.remote import EmulatedProcess, EmulatedSbiProcess, SensorRemote
from drivers.panel.remote import PanelRemote

BIN = Path(sys.executable).parent


@dataclass(slots=True)
class Daemon:
    """One process of the product, with its log file."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    prefix: tuple[str, ...] = ()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [*self.prefix, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | self.environment,
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """kill -9, and reaps."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self, timeout_s: float = 10.0) -> int:
        """SIGTERM; the exit code. kill -9 after the timeout."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9


class StationRig:
    """A station in `root`.

    Args:
        root: an empty or earlier directory of this station; short, for the socket paths.
        keys: as `eid-fleet station` makes them, with `capture/` and `link/`.
        link: the `[link]` table of the configuration.
        profile, speed: of the emulated sensor; the profile `sbi` is a slap scanner behind its device service.
        settings: tables merged into the configuration.
    """

    def __init__(
        self,
        root: Path,
        station_id: str,
        keys: Path,
        link: dict[str, Any],
        *,
        profile: str = "r307",
        speed: str = "fast",
        layout: str = "lcd-320x240",
        settings: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.root = root
        self.station_id = station_id
        self.state_dir = root / "state"
        self.screens_dir = root / "screens"
        self.config_file = root / "station.toml"
        self._runtime = Path("/dev/shm") / f"eid-{os.getpid()}-{station_id}-{root.name}"
        self._sensor_dir = root / "sensor"
        self._profile, self._speed = profile, speed
        self.sensor_process: EmulatedProcess | EmulatedSbiProcess | None = None
        for folder in (root, self.state_dir, self.screens_dir, self._sensor_dir):
            folder.mkdir(parents=True, exist_ok=True)
        tables: dict[str, dict[str, Any]] = {
            "station": {"id": station_id, "state_dir": str(self.state_dir), "office": "PA08"},
            "capture": {
                "runtime_dir": str(self._runtime),
                "key_dir": str(keys / "capture"),
                "officer_id": "CB01",
                **({"finger_policy": "slap-2026-11"} if profile == "sbi" else {}),
            },
            "camera": {"driver": "emulated", "options": {"control_socket": str(root / "camera.sock")}},
            "fingerprint": self._fingerprint(),
            "panel": {
                "driver": "gpiozero",
                "options": {"pin_factory": "eid_emulated", "socket": str(root / "panel.sock")},
            },
            "display": {"driver": "emulated", "options": {"directory": str(self.screens_dir), "layout": layout}},
            "link": link,
        }
        for name, table in (settings or {}).items():
            tables[name] = _merged(tables.get(name, {}), table)
        self.config_file.write_text(tomli_w.dumps(tables), "utf-8")
        self.capture = Daemon("capture", self._command("capture"), root / "capture.log")
        self.link = Daemon("link", self._command("link"), root / "link.log")

    def _fingerprint(self) -> dict[str, Any]:
        """The device service says only when it runs on which port it is."""
        if self._profile != "sbi":
            options = {"device": str(self._sensor_dir / "sensor"), "reconnect_wait_s": 30.0}
            return {"driver": "serial", "options": options}
        self.sensor_process = service = EmulatedSbiProcess(self._sensor_dir)
        ports = {"first_port": service.port, "last_port": service.port}
        return {"driver": "sbi", "options": {"trust_anchors": str(service.anchors), "env": "Developer", **ports}}

    def _command(self, name: str) -> list[str]:
        return [str(BIN / "eid-station"), name, "--config", str(self.config_file)]

    # -- life --------------------------------------------------------------------------------------------------------

    def start_sensor(self) -> None:
        self.sensor_process = EmulatedProcess(self._sensor_dir, self._profile, self._speed)

    def start(self, *, link: bool = True) -> Self:
        """Sensor, link and capture."""
        if self.sensor_process is None:
            self.start_sensor()
        if link:
            self.link.start()
        self.capture.start()
        return self

    def stop(self) -> None:
        for daemon in (self.capture, self.link):
            if daemon.running:
                daemon.stop()
        if self.sensor_process is not None:
            self.sensor_process.stop()
            self.sensor_process = None
        shutil.rmtree(self._runtime, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def runtime_dir(self) -> Path:
        return self._runtime

    # -- the devices' remote controls ----------------------------------------------------------------------------------

    def camera(self, timeout_s: float = 20.0) -> CameraRemote:
        return CameraRemote(self.root / "camera.sock", timeout_s).connect()

    def panel(self, timeout_s: float = 20.0) -> PanelRemote:
        socket = self.root / "panel.sock"
        wait_until(socket.exists, timeout_s, "the panel's socket")
        return PanelRemote(socket)

    def sensor(self) -> SensorRemote:
        assert self.sensor_process is not None
        return self.sensor_process.remote()

    def screens(self, *, from_now: bool = False, timeout_s: float = 30.0) -> ScreenFollower:
        return ScreenFollower(self.screens_dir, timeout_s, from_now=from_now)


def wait_until(condition: Any, timeout_s: float, what: str) -> None:
    """Polls until `condition()`; raises TimeoutError naming what did not happen."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(0.02)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
