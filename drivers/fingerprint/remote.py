"""The remote control of an emulated sensor: for tests, demos and a person at a desk without hardware."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from drivers.errors import DeviceFault, DeviceMissing
from drivers.fingerprint.port import Progress, Prompt

DEVICE = "fingerprint"
ANSWER_S = 20.0


class SensorRemote:
    """Client of the control socket. One thread.

    Args:
        path: the control socket.
    """

    def __init__(self, path: Path | str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise DeviceMissing(device=DEVICE, where=str(path)) from error
        self._lines = self._socket.makefile("rb")

    def request(self, name: str, value: Any = True) -> dict[str, Any]:
        """Sends one request, e.g. `request("mute", 2)`, and gives the answer. Raises DeviceFault where refused."""
        self._socket.sendall(json.dumps({name: value}).encode() + b"\n")
        line = self._lines.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"ok": False, "error": "closed"}
        if not answer.pop("ok"):
            raise DeviceFault(device=DEVICE, reason=str(answer.get("error")))
        return answer

    def place(self, person: str, finger: str, seed: int = 0, **touch: Any) -> None:
        """Lays a finger down: `finger` is a position key; touch: pressure, moisture, offset, rotation, area."""
        self.request("place", {"person": person, "finger": finger, "seed": seed, **touch})

    def lift(self) -> None:
        """Takes the finger away."""
        self.request("lift")

    def auto(self, person: str, finger: str, seed: int = 0) -> None:
        """From now on this finger is placed and lifted by itself until `place` or `auto_off`."""
        self.request("auto", {"person": person, "finger": finger, "seed": seed})

    def auto_off(self) -> None:
        """Ends `auto`."""
        self.request("auto", False)

    def arm(self, command: int, request: str, value: Any = True, *, skip: int = 0) -> None:
        """Carries out `request` just before the module answers the next (after `skip`) command of that code."""
        self.request("arm", {"command": command, "skip": skip, "request": {request: value}})

    def clear(self) -> None:
        """Ends all faults."""
        self.request("clear")

    def status(self) -> dict[str, Any]:
        """What the module holds and has sent; `sent` lists [sha256, person, finger] of the images."""
        return self.request("status")

    def close(self) -> None:
        """Ends the connection, not the sensor."""
        self._lines.close()
        self._socket.close()


class Applicant:
    """An obedient applicant: give it to `capture` as the progress callback.

    Args:
        remote: the sensor.
        person: whose fingers.
        seed: first press; each further one differs.
    """

    def __init__(self, remote: SensorRemote, person: str, seed: int = 0, **touch: Any) -> None:
        self.seen: list[Progress] = []
        self._remote = remote
        self._person = person
        self._seed = seed
        self._touch = touch

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)
        match progress.prompt:
            case Prompt.LIFT:
                self._remote.lift()
            case Prompt.HOLD | Prompt.RECONNECT:
                pass
            case _:
                self._seed += 1
                self._remote.place(self._person, progress.position.key, self._seed, **self._touch)


class _Process:
    """A process that prints `ready` when it is; a context manager."""

    def __init__(self, control: Path, where: str, command: list[str]) -> None:
        self.control = control
        command = [sys.executable, "-m", *command, "--with-parent"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.said = self._process.stdout.readline().split() if self._process.stdout is not None else []
        if self.said[:1] != ["ready"]:
            self.stop()
            raise DeviceMissing(device=DEVICE, where=where)

    @property
    def pid(self) -> int:
        return self._process.pid

    def remote(self) -> SensorRemote:
        """A new remote control."""
        return SensorRemote(self.control)

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5.0)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class EmulatedProcess(_Process):
    """Runs `python -m drivers.fingerprint.emulated`.

    Args:
        folder: where `sensor` (the serial device) and `control.sock` are put.
        profile: `r307` or `r503`.
        speed: `line` or `fast`.
        arguments: further ones of the command.
    """

    def __init__(self, folder: Path, profile: str = "r307", speed: str = "fast", *arguments: str) -> None:
        self.link = folder / "sensor"
        control = folder / "control.sock"
        command = ["drivers.fingerprint.emulated", "--link", str(self.link), "--control", str(control)]
        command += ["--profile", profile, "--speed", speed, *arguments]
        super().__init__(control, str(self.link), command)


class EmulatedSbiProcess(_Process):
    """Runs `python -m drivers.fingerprint.emulated_sbi` on a free port.

    Args:
        folder: where `anchors.pem` and `control.sock` are put.
        arguments: further ones of the command.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.anchors = folder / "anchors.pem"
        control = folder / "control.sock"
        command = ["drivers.fingerprint.emulated_sbi", "--port", "0", "--anchors", str(self.anchors)]
        super().__init__(control, "127.0.0.1", [*command, "--control", str(control), *arguments])
        self.port = int(self.said[1])


class SlapApplicant:
    """An obedient applicant at the slap scanner, as a progress callback."""

    def __init__(self, remote: SensorRemote, person: str, **hand: Any) -> None:
        self.seen: list[Progress] = []
        self._remote = remote
        self._hand = {"person": person, **hand}

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)
        if progress.prompt is Prompt.LIFT:
            self._remote.lift()
        elif progress.prompt is not Prompt.HOLD:
            self._remote.request("place", self._hand)
