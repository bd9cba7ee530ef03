"""The driver `serial`: R307 and R503 modules on a UART or USB-serial adapter.

Joins the sensor (commands), the procedure (one attempt) and recovery: after a fault on the line the attempt starts
again from nothing; after a loss the port is closed, its path polled and the sensor opened again, under whatever device
name it comes back. Must never keep a press from before a fault, and must not be used by two threads at once.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.errors import DeviceFault, DeviceLost, DeviceMissing, DeviceTimeout, DriverError
from drivers.fingerprint.errors import CommandRefused, LinkError, StepUnfit, WrongPassword, WrongSensor
from drivers.fingerprint.opening import SensorSettings
from drivers.fingerprint.port import (
    Attempt,
    AttemptOutcome,
    CapturePolicy,
    PressLog,
    PressVerdict,
    Progress,
    Prompt,
    SensorInfo,
)
from drivers.fingerprint.procedure import Gallery, Procedure
from drivers.fingerprint.profiles import PROFILES, Profile
from drivers.fingerprint.sensor import Light, Sensor
from drivers.fingerprint.uart import DEVICE, Interrupted
from wire.fingers import FingerPosition

LOG = logging.getLogger(__name__)
_PASSWORD = re.compile(r"[0-9a-fA-F]{8}")


class SerialOptions(BaseModel):
    """Options of the driver `serial`.

    Attributes:
        device: path or glob pattern of the serial device, best a name below /dev/serial/by-id; must fit one device.
        profile: the model, or `auto` to tell it by the size of its library.
        password: 8 hex digits.
        baud: rate to try first; the others are tried after it and 115,200 is set.
        security_level: matching threshold of the sensor, 1..5.
        read_twice: read every image twice and compare, not only while the line shows errors.
        poll_s: pause between two looks for a finger.
        reconnect_poll_s: pause between two looks for a lost device.
        reconnect_wait_s: how long a running attempt waits for a lost device before it gives up with DeviceLost.
        max_faults: faults on the line within one attempt before it gives up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    device: str = Field(min_length=1)
    profile: Literal["auto", "r307", "r503"] = "auto"
    password: str = "00000000"
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 57600
    security_level: int = Field(3, ge=1, le=5)
    read_twice: bool = False
    poll_s: float = Field(0.1, gt=0, le=0.3)
    reconnect_poll_s: float = Field(0.5, gt=0, le=5)
    reconnect_wait_s: float = Field(120.0, ge=0, le=3600)
    max_faults: int = Field(8, ge=1, le=100)

    @field_validator("password")
    @classmethod
    def _hex(cls, value: str) -> str:
        if not _PASSWORD.fullmatch(value):
            raise ValueError("8 hex digits")
        return value

    def settings(self) -> SensorSettings:
        """As the sensor layer wants them."""
        bauds = tuple(dict.fromkeys((self.baud, 57_600, 115_200, 9_600)))
        return SensorSettings(
            device=self.device,
            profile=PROFILES.get(self.profile),
            password=bytes.fromhex(self.password),
            bauds=bauds,
            security_level=self.security_level,
            read_twice=self.read_twice,
        )


class SerialFingerprint:
    """FingerprintPort over a serial module.

    Args:
        options: see SerialOptions.
        clock: monotonic seconds.
    """

    Options = SerialOptions
    FINGERS_AT_ONCE = 1

    def __init__(self, options: SerialOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._sensor = Sensor(options.settings(), clock)
        self._gallery = Gallery()
        self._model: Profile | None = None
        self._stale = False
        self._busy = threading.Lock()

    def open(self) -> SensorInfo:
        """Finds and prepares the sensor and empties its library. May be called again after any error.

        Raises:
            DeviceMissing, SensorSilent, WrongPassword, WrongSensor, LinkError, DeviceLost.
        """
        with self._owned():
            info = self._opened()
            LOG.info("fingerprint: %s ready, %s", info.model, info.firmware)
            return info

    def begin_session(self, taken: Mapping[FingerPosition, bytes] | None = None) -> None:
        """Forgets every model, in the host and in the sensor; then takes up `taken`, the person's fingers so far.

        What is no template of this model (by its size) is passed over.

        Raises:
            DeviceLost, LinkError, CommandRefused.
        """
        with self._owned():
            self._gallery.models.clear()
            self._model = None
            self._erase()
            size_bytes = self._sensor.profile.template_bytes
            known = {position: model for position, model in (taken or {}).items() if len(model) == size_bytes}
            if known:
                self._gallery.models.update(known)
                try:
                    self._restore()
                except DriverError:
                    self._gallery.models.clear()  # a model the sensor refuses must not keep it from opening again
                    raise

    def end_session(self) -> None:
        """As begin_session. What the sensor could not be told to forget is erased by the next `open`."""
        self.begin_session()

    def capture(
        self,
        positions: tuple[FingerPosition, ...],
        policy: CapturePolicy,
        progress: Callable[[Progress], None],
        stop: threading.Event,
    ) -> Attempt:
        """One attempt for one finger; see FingerprintPort.

        A fault or loss of the device restarts the attempt from nothing, its log kept; `progress` then says RECONNECT.

        Raises:
            StepUnfit: more than one position at once.
            DeviceLost: the device did not come back in `reconnect_wait_s`.
            WrongSensor, WrongPassword: another device came back.
            LinkError, CommandRefused: more than `max_faults` faults.
        """
        if len(positions) != 1:
            raise StepUnfit(device=DEVICE, reason=f"{len(positions)} fingers at once")
        with self._owned(), self._interruptible(stop):
            return _Run(self, positions[0], policy, progress, stop).attempt()

    def close(self) -> None:
        """Releases the port; the library was emptied by end_session."""
        self._sensor.close()

    def _opened(self) -> SensorInfo:
        info = self._sensor.open(self._model)
        self._restore()
        self._sensor.show(Light.OFF)
        return info

    def _restore(self) -> None:
        """Library as the running session needs it: nothing, or on ModelBuffer models the fingers already taken."""
        self._sensor.empty()
        self._stale = False
        if self._gallery.models and self._sensor.profile.model_buffer:
            for position, model in self._gallery.models.items():
                self._sensor.upload_template(model)
                self._sensor.store(position)

    def _erase(self) -> None:
        """One fault on the line is no reason to leave templates behind."""
        for left in reversed(range(3)):
            try:
                self._sensor.empty()
                self._sensor.show(Light.OFF)
                return
            except (LinkError, CommandRefused):
                if not left:
                    raise

    @contextmanager
    def _owned(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise DeviceFault(device=DEVICE, reason="in use by another thread")
        try:
            yield
        finally:
            self._busy.release()

    @contextmanager
    def _interruptible(self, stop: threading.Event) -> Iterator[None]:
        self._sensor.watch(stop)
        try:
            yield
        finally:
            self._sensor.watch(None)


class _Run:
    """One call of capture: attempts until one ends without a fault of the device."""

    def __init__(
        self,
        driver: SerialFingerprint,
        position: FingerPosition,
        policy: CapturePolicy,
        progress: Callable[[Progress], None],
        stop: threading.Event,
    ) -> None:
        self._driver = driver
        self._sensor = driver._sensor
        self._position = position
        self._policy = policy
        self._progress = progress
        self._stop = stop
        self._log: list[PressLog] = []

    def attempt(self) -> Attempt:
        for left in reversed(range(self._driver._options.max_faults)):
            procedure = Procedure(
                self._sensor,
                self._position,
                self._policy,
                self._driver._gallery,
                self._progress,
                self._wait,
                poll_s=self._driver._options.poll_s,
            )
            try:
                self._driver._model = self._driver._model or self._sensor.profile
                if self._driver._stale:
                    self._driver._restore()
                attempt = procedure.run()
                return Attempt(attempt.outcome, attempt.presses, attempt.templates, (*self._log, *attempt.log))
            except Interrupted:
                return self._stopped(procedure)
            except (DeviceLost, LinkError, CommandRefused) as error:
                self._keep_log(procedure)
                if not left and not isinstance(error, DeviceLost):
                    raise
                if not self._recovered(error):
                    return Attempt(AttemptOutcome.STOPPED, (), {}, tuple(self._log))
        raise DeviceLost(device=DEVICE)

    def _stopped(self, procedure: Procedure) -> Attempt:
        """A model of the abandoned attempt may lie in the library, where it could hide a finger taken before."""
        self._driver._stale = True
        return Attempt(AttemptOutcome.STOPPED, (), {}, (*self._log, *procedure.log))

    def _keep_log(self, procedure: Procedure) -> None:
        self._log += procedure.log
        self._log.append(PressLog(len(procedure.log) + 1, PressVerdict.DEVICE_FAULT, None, time.monotonic_ns()))

    def _recovered(self, error: DriverError) -> bool:
        """True when the sensor is ready again, False when `stop` was set. Raises what cannot be cured by waiting."""
        self._tell()
        try:
            if not isinstance(error, DeviceLost):
                try:
                    self._sensor.recover()
                    self._driver._restore()
                    return True
                except (LinkError, CommandRefused, DeviceLost):
                    LOG.debug("fingerprint: not in step, reopening")
            return self._reopened()
        except Interrupted:
            return False

    def _reopened(self) -> bool:
        options = self._driver._options
        self._sensor.close()
        end = self._driver._clock() + options.reconnect_wait_s
        while True:
            try:
                self._driver._opened()
                LOG.warning("fingerprint: device is back")
                return True
            except (WrongPassword, WrongSensor):
                raise
            except (DeviceMissing, DeviceLost, DeviceTimeout, LinkError, CommandRefused) as error:
                if self._driver._clock() >= end:
                    raise DeviceLost(device=DEVICE) from error
            self._wait(options.reconnect_poll_s)

    def _tell(self) -> None:
        presses = self._policy.presses_per_finger
        self._progress(Progress(self._position, 1, presses, Prompt.RECONNECT, PressVerdict.DEVICE_FAULT))

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Interrupted
