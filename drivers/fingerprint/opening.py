"""Opening a serial sensor: its path, its rate, its password, its model, and the parameters we want.

Tries the last known rate and then those configured, tells a wrong password from silence, identifies the model by the
size of its library, and sets packet size, security level and 115,200 baud where they differ (parameters are flash cells
and wear). Must never touch modem lines, and must leave no port open when it fails.
"""

from __future__ import annotations

import glob
import logging
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial
from adafruit_fingerprint import Adafruit_Fingerprint

from drivers.errors import DeviceMissing
from drivers.fingerprint.errors import LinkError, SensorSilent, WrongPassword, WrongSensor
from drivers.fingerprint.port import SensorInfo
from drivers.fingerprint.profiles import Profile, by_capacity
from drivers.fingerprint.proto import Code
from drivers.fingerprint.uart import DEVICE, FramedUart

LOG = logging.getLogger(__name__)

SERIAL_TIMEOUT_S = 0.05
WRITE_TIMEOUT_S = 2.0
BOOT_WAIT_S = 0.2
TRIES = 3
FAST_BAUD = 115_200
BAUD_UNIT = 9_600
PACKET_256 = 3
PIPE_ERRORS = (RuntimeError, IndexError, UnboundLocalError, struct.error, RecursionError, TypeError, ValueError)
"""What the library raises when it does not get what it expects."""
_PARAMETER_BAUD, _PARAMETER_SECURITY, _PARAMETER_PACKET = 4, 5, 6


@dataclass(frozen=True, slots=True)
class SensorSettings:
    """How to reach the sensor.

    Attributes:
        device: path, or glob pattern that must fit exactly one path.
        profile: the model expected, or None to take what is found.
        password: 4 bytes.
        bauds: rates to try, in order.
        security_level: 1..5, set explicitly.
        read_twice: True reads every image twice; False only while the line has shown errors.
    """

    device: str
    profile: Profile | None = None
    password: bytes = b"\0\0\0\0"
    bauds: tuple[int, ...] = (57_600, 115_200, 9_600)
    security_level: int = 3
    read_twice: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """An open sensor. `troubled` is True when the line already needed a second try."""

    uart: FramedUart
    library: Any
    profile: Profile
    baud: int
    troubled: bool

    @property
    def info(self) -> SensorInfo:
        """As the port wants it."""
        profile = self.profile
        firmware = f"system-id 0x{self.library.system_id:04x}"
        size = (profile.width_px, profile.height_px)
        return SensorInfo(profile.name, firmware, profile.sensor_class, *size, profile.ppi, 4)


def opened(
    settings: SensorSettings,
    expected: Profile | None,
    last_baud: int | None,
    stop: threading.Event | None,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> Opened:
    """Opens the one device that fits `settings`.

    Args:
        expected: the model the running session began with.
        last_baud: the rate it had before, tried first.

    Raises:
        DeviceMissing, SensorSilent, WrongPassword, WrongSensor, LinkError, SensorRestarted, Interrupted,
        serial.SerialException.
    """
    line = _port(settings)
    try:
        uart = FramedUart(line, clock, pause)
        uart.stop = stop
        return _Opening(settings, line, uart, last_baud, clock).run(expected or settings.profile)
    except BaseException:
        line.close()
        raise


def _port(settings: SensorSettings) -> Any:
    pattern = settings.device
    paths = [pattern] if Path(pattern).exists() else sorted(glob.glob(pattern))
    if len(paths) != 1:
        raise DeviceMissing(device=DEVICE, where=f"{pattern} ({len(paths)} devices)" if paths else pattern)
    try:
        return serial.Serial(
            paths[0],
            settings.bauds[0],
            timeout=SERIAL_TIMEOUT_S,
            write_timeout=WRITE_TIMEOUT_S,
            exclusive=True,
        )
    except serial.SerialException as error:
        raise DeviceMissing(device=DEVICE, where=paths[0]) from error


class _Opening:
    """The steps from an open port to a sensor that is ready."""

    def __init__(
        self,
        settings: SensorSettings,
        line: Any,
        uart: FramedUart,
        last_baud: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._line = line
        self._uart = uart
        self._bauds = list(dict.fromkeys(([last_baud] if last_baud else []) + list(settings.bauds)))
        self._clock = clock
        self._troubled = False

    def run(self, expected: Profile | None) -> Opened:
        self._await_boot()
        self._find_rate(self._bauds)
        library = self._connected()
        profile = _identified(library.library_size, expected)
        self._configure(library)
        return Opened(self._uart, library, profile, self._line.baudrate, self._troubled)

    def _await_boot(self) -> None:
        """A module that was just powered sends one byte; nothing else tells that it listens."""
        end = self._clock() + BOOT_WAIT_S
        while self._clock() < end:
            if self._line.read(1):
                return

    def _find_rate(self, bauds: list[int]) -> None:
        started = self._clock()
        for _ in range(2):
            for baud in bauds:
                self._line.baudrate = baud
                code = self._uart.ask_password(self._settings.password)
                if code == Code.OK:
                    return
                if code == Code.WRONG_PASSWORD:
                    raise WrongPassword(device=DEVICE)
        raise SensorSilent(device=DEVICE, after_s=round(self._clock() - started, 1))

    def _connected(self) -> Any:
        return self._tried(
            lambda: Adafruit_Fingerprint(self._uart, tuple(self._settings.password)), "parameters cannot be read"
        )

    def _configure(self, library: Any) -> None:
        if library.data_packet_size != PACKET_256:
            self._tried(lambda: library.set_sysparam(_PARAMETER_PACKET, PACKET_256), "packet size")
        level = self._settings.security_level
        if library.security_level != level:
            self._tried(lambda: library.set_sysparam(_PARAMETER_SECURITY, level), "security level")
        if self._line.baudrate != FAST_BAUD:
            self._raise_rate(library)

    def _raise_rate(self, library: Any) -> None:
        """The answer may be lost while the rate has changed, so the rate is looked for again either way."""
        try:
            library.set_sysparam(_PARAMETER_BAUD, FAST_BAUD // BAUD_UNIT)
        except (LinkError, *PIPE_ERRORS):
            self._troubled = True
            LOG.debug("fingerprint: no answer to the rate change")
        self._find_rate([FAST_BAUD, *self._bauds])
        self._tried(library.read_sysparam, "parameters cannot be read")

    def _tried(self, call: Callable[[], Any], reason: str) -> Any:
        """These commands change nothing when sent twice."""
        for left in reversed(range(TRIES)):
            try:
                return call()
            except (LinkError, *PIPE_ERRORS) as error:
                self._troubled = True
                if not left:
                    raise LinkError(device=DEVICE, reason=reason) from error
        raise AssertionError("unreachable")


def _identified(capacity: int, expected: Profile | None) -> Profile:
    found = by_capacity(capacity)
    if found is None or (expected is not None and found is not expected):
        raise WrongSensor(
            device=DEVICE,
            expected=expected.name if expected else "R307, R503",
            found=found.name if found else f"capacity {capacity}",
        )
    return found
