"""One serial sensor: commands with retry, and the states of the link; opening it is `opening.py`.

All commands go through the unmodified `adafruit_fingerprint` library over `FramedUart`. Only commands that change
nothing are ever repeated. Whatever the library raises becomes one LinkError; a port that disappears becomes DeviceLost.
Must be used by one thread at a time and must never touch modem lines.

States::

    CLOSED ─open─▶ OPENING ─▶ READY ⇄ BUSY
                      │         │       │
                      ▼         └──▶ LOST ◀┘   (close, then open again)
                    CLOSED
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

import serial

from drivers.errors import DeviceLost
from drivers.fingerprint import opening
from drivers.fingerprint.errors import CommandRefused, LinkError
from drivers.fingerprint.opening import PIPE_ERRORS, TRIES, SensorSettings
from drivers.fingerprint.port import SensorInfo
from drivers.fingerprint.profiles import Profile
from drivers.fingerprint.proto import IDEMPOTENT, Code, Command
from drivers.fingerprint.uart import DEVICE, FramedUart, Interrupted
from wire.errors import EidError

LOG = logging.getLogger(__name__)
T = TypeVar("T")

CLEAN_AFTER = 20
"""Transfers without trouble after which a line counts as clean again and is no longer read twice."""


class SensorState(Enum):
    CLOSED = "closed"
    OPENING = "opening"
    READY = "ready"
    BUSY = "busy"
    LOST = "lost"


class Light(Enum):
    """What the ring says: wire values (color, mode) of command 35 of the R503 manual."""

    OFF = (1, 4)
    WAIT = (2, 1)
    HOLD = (3, 3)
    LIFT = (5, 3)
    GOOD = (4, 3)
    BAD = (1, 2)


class Sensor:
    """The commands the procedure needs, each ending within its deadline.

    Errors of every command: LinkError, CommandRefused, DeviceLost (SensorRestarted included), Interrupted.
    """

    def __init__(
        self,
        settings: SensorSettings,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._state = SensorState.CLOSED
        self._uart: FramedUart | None = None
        self._library: Any = None
        self._profile: Profile | None = None
        self._stop: threading.Event | None = None
        self._suspicion = 0
        self._last_baud: int | None = None

    @property
    def state(self) -> SensorState:
        return self._state

    @property
    def profile(self) -> Profile:
        """The model found by `open`; the session must not continue on another one."""
        if self._profile is None:
            raise DeviceLost(device=DEVICE)
        return self._profile

    @property
    def trouble(self) -> bool:
        """True while the line has shown errors lately: images are then read twice and compared."""
        return self._settings.read_twice or self._suspicion > 0

    def watch(self, stop: threading.Event | None) -> None:
        """From now on `stop` interrupts every wait."""
        self._stop = stop
        if self._uart is not None:
            self._uart.stop = stop

    def open(self, expected: Profile | None = None) -> SensorInfo:
        """Finds the sensor at whatever rate it has, checks password and model, and sets rate and packet size.

        Args:
            expected: the model the running session began with.

        Raises:
            DeviceMissing, SensorSilent, WrongPassword, WrongSensor, LinkError, DeviceLost, Interrupted.
        """
        self.close()
        self._enter(SensorState.OPENING)
        try:
            opened = opening.opened(self._settings, expected, self._last_baud, self._stop, self._clock, self._pause)
        except EidError:
            self._enter(SensorState.CLOSED)
            raise
        except (serial.SerialException, OSError) as error:
            self._enter(SensorState.CLOSED)
            raise DeviceLost(device=DEVICE) from error
        except BaseException:
            self._enter(SensorState.CLOSED)
            raise
        self._uart, self._library, self._profile = opened.uart, opened.library, opened.profile
        self._last_baud = opened.baud
        if opened.troubled:
            self._distrust()
        self._enter(SensorState.READY)
        return opened.info

    def close(self) -> None:
        """Releases the port. Never raises."""
        if self._uart is not None:
            self._uart.close()
        self._uart = self._library = None
        self._enter(SensorState.CLOSED)

    def recover(self) -> None:
        """Gets back in step after a LinkError without reopening. Raises LinkError when that does not work."""
        self._run(Command.READ_SYS_PARA, lambda lib: lib.read_sysparam(), tries=TRIES)

    def get_image(self) -> int:
        """Takes a picture into the sensor's image buffer: OK, NO_FINGER or IMAGE_FAIL. Raises CommandRefused."""
        code = self._run(Command.GET_IMAGE, lambda lib: int(lib.get_image()))
        if code not in (Code.OK, Code.NO_FINGER, Code.IMAGE_FAIL):
            raise CommandRefused(device=DEVICE, command=Command.GET_IMAGE.name, code=code)
        return code

    def download_image(self) -> bytes:
        """The packed image, exactly the profile's size. Raises CommandRefused where the buffer holds none."""
        return self._download(Command.UP_IMAGE, self.profile.image_bytes, lambda lib: lib.get_fpdata("image"))

    def extract(self, buffer: int) -> int:
        """Features of the image buffer into a character buffer. OK, IMAGE_MESSY, FEATURE_FAIL, NO_VALID_IMAGE."""
        return self._run(Command.IMAGE_TO_TZ, lambda lib: int(lib.image_2_tz(buffer)))

    def make_model(self) -> int:
        """One model of the character buffers. OK or ENROLL_MISMATCH."""
        return self._run(Command.REG_MODEL, lambda lib: int(lib.create_model()))

    def download_template(self, buffer: int = 1) -> bytes:
        """The vendor's template, exactly the profile's size; on models with a ModelBuffer `buffer` means nothing."""
        return self._download(
            Command.UP_CHAR, self.profile.template_bytes, lambda lib: lib.get_fpdata("char", slot=buffer)
        )

    def upload_template(self, template: bytes, buffer: int = 2) -> None:
        """Sends a template back; read again and compared while the line is in trouble.

        Raises:
            ValueError: a length the library would cut (it only sends whole packets).
        """
        if len(template) != self.profile.template_bytes or len(template) % 256:
            raise ValueError(f"template of {len(template)} bytes")
        for _ in range(TRIES):
            self._run(Command.DOWN_CHAR, lambda lib: lib.send_fpdata(list(template), "char", buffer))
            if not self.trouble or self.download_template(buffer) == template:
                return
        raise LinkError(device=DEVICE, reason="template did not arrive")

    def compare(self) -> tuple[int, int]:
        """Character buffers 1 and 2: (OK or NO_MATCH, score)."""
        code = self._run(Command.MATCH, lambda lib: int(lib.compare_templates()))
        return code, int(self._library.confidence[0])

    def search(self) -> tuple[int, int]:
        """Character buffer 1 in the whole library: (OK or NOT_FOUND, page)."""
        code = self._run(Command.SEARCH, lambda lib: int(lib.finger_search()))
        return code, int(self._library.finger_id)

    def store(self, page: int) -> None:
        """The model into the library; pages are overwritten. Raises CommandRefused."""
        self._must(Command.STORE, lambda lib: int(lib.store_model(page)))

    def delete(self, page: int) -> None:
        """One page of the library. Raises CommandRefused."""
        self._must(Command.DELETE, lambda lib: int(lib.delete_model(page)))

    def empty(self) -> None:
        """Makes sure that the library holds nothing; writes flash only when there is something to erase."""
        if self._stored() == 0:
            return
        for _ in range(TRIES):
            try:
                self._must(Command.EMPTY, lambda lib: int(lib.empty_library()))
            except (LinkError, CommandRefused):
                LOG.debug("fingerprint: empty library refused or unanswered")
            if self._stored() == 0:
                return
        raise CommandRefused(device=DEVICE, command=Command.EMPTY.name, code=int(Code.CLEAR_FAIL))

    def show(self, light: Light) -> None:
        """The ring, where the model has one. A light that fails is no reason to stop."""
        if not self.profile.ring:
            return
        color, mode = light.value
        try:
            self._run(Command.AURA_LED, lambda lib: lib.set_led(color=color, mode=mode, speed=0x40, cycles=0))
        except LinkError:
            LOG.debug("fingerprint: ring light not set")

    def _stored(self) -> int:
        code = self._run(Command.TEMPLATE_COUNT, lambda lib: int(lib.count_templates()))
        if code != Code.OK:
            raise CommandRefused(device=DEVICE, command=Command.TEMPLATE_COUNT.name, code=code)
        return int(self._library.template_count)

    def _must(self, command: Command, call: Callable[[Any], int]) -> None:
        code = self._run(command, call)
        if code != Code.OK:
            raise CommandRefused(device=DEVICE, command=command.name, code=code)

    def _download(self, command: Command, size_bytes: int, call: Callable[[Any], list[int]]) -> bytes:
        """Packet sums are weak (16 bits, order-blind): on a line with errors only two equal transfers count."""

        def once() -> bytes:
            self._framed().expect_data(size_bytes)
            data = bytes(self._run(command, call))
            if len(data) != size_bytes:
                raise LinkError(device=DEVICE, reason=f"{len(data)} bytes instead of {size_bytes}")
            return data

        data = once()
        for _ in range(TRIES):
            if not self.trouble:
                return data
            again = once()
            if again == data:
                self._suspicion = max(0, self._suspicion - 1)
                return data
            self._distrust()
            data = again
        raise LinkError(device=DEVICE, reason="two transfers of the same picture differ")

    def _run(self, command: Command, call: Callable[[Any], T], tries: int | None = None) -> T:
        """One command through the library, repeated only where that changes nothing."""
        left = tries or (TRIES if command in IDEMPOTENT else 1)
        unheard = TRIES
        if self._library is None or self._state is SensorState.LOST:
            raise DeviceLost(device=DEVICE)
        self._enter(SensorState.BUSY)
        while True:
            left -= 1
            try:
                result = call(self._library)
                if _unheard(result) and unheard:
                    self._distrust()
                    unheard -= 1
                    left += 1
                    continue
                self._enter(SensorState.READY)
                return result
            except DeviceLost:
                self._enter(SensorState.LOST)
                raise
            except (CommandRefused, Interrupted):
                self._enter(SensorState.READY)
                raise
            except LinkError:
                self._distrust()
                if not left:
                    self._enter(SensorState.READY)
                    raise
            except (serial.SerialException, OSError) as error:
                self._enter(SensorState.LOST)
                raise DeviceLost(device=DEVICE) from error
            except PIPE_ERRORS as error:
                self._distrust()
                if not left:
                    self._enter(SensorState.READY)
                    raise LinkError(device=DEVICE, reason=type(error).__name__) from error

    def _distrust(self) -> None:
        self._suspicion = CLEAN_AFTER

    def _framed(self) -> FramedUart:
        if self._uart is None:
            raise DeviceLost(device=DEVICE)
        return self._uart

    def _enter(self, state: SensorState) -> None:
        if state is SensorState.LOST and self._state is not SensorState.LOST:
            LOG.warning("fingerprint: device lost")
        self._state = state


def _unheard(result: object) -> bool:
    """The command arrived damaged and was not carried out, so any command may be sent again. True is no code."""
    return not isinstance(result, bool) and result == Code.RECEIVE_ERROR
