"""The front panel on real gpiozero objects: five buttons, an RGB status LED, the portrait light and a buzzer.

The pin factory is named in the configuration and handed to every device: gpiozero's own choice falls back silently
from one library to the next and must never be used. Callbacks run in the thread that saw the edge (with lgpio a single
thread for all lines, which ends for good at the first exception): they only stamp the time and hand the edge on.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal

import gpiozero
from gpiozero.exc import GPIOPinInUse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drivers.errors import DeviceFault
from drivers.panel.errors import PinFactoryUnusable, PinUnusable
from drivers.panel.lights import BLACK, Beeps, Colour, colour_at, next_change_s
from drivers.panel.port import DARK, Button, Edge, Light

RESERVED: dict[int, str] = {
    0: "ID EEPROM",
    1: "ID EEPROM",
    2: "I2C",
    3: "I2C",
    7: "SPI",
    8: "SPI",
    9: "SPI",
    10: "SPI",
    11: "SPI",
    14: "UART",
    15: "UART",
}
"""Lines of the 40-pin header that a display or the fingerprint sensor needs (BCM numbers)."""


CHANNELS = ("red", "green", "blue")


OptionalPin = Annotated[
    Annotated[int, Field(ge=0, le=27)] | None, BeforeValidator(lambda value: None if value == "none" else value)
]
"""A line that a device may lack: TOML knows no null, so the configuration says `"none"`."""


class PanelOptions(BaseModel):
    """The panel in the configuration. Pins are BCM numbers.

    The defaults leave I2C, SPI0, the UART, the HAT EEPROM and GPIO 2-8 free, and GPIO 18, 24, 25 for an SPI display.

    Attributes:
        pin_factory: `lgpio` on a Raspberry Pi, `eid_emulated` on emulated hardware.
        chip: number of the GPIO chip, for lgpio only; None lets gpiozero find it (it moved between kernels on a Pi 5).
        socket: control socket of the emulated panel, else from the environment variable EID_PANEL_SOCKET.
        buttons_pull_up: buttons connect to ground (True) or to 3.3 V (False).
        common_anode: the RGB LED lights on a low line.
        flash, buzzer: `"none"` where the panel has none.
        close_timeout_s: how long `close` waits for the panel's thread.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    pin_factory: Literal["lgpio", "eid_emulated"]
    chip: int | None = Field(default=None, ge=0, le=15)
    socket: Path | None = Field(default=None, strict=False)
    officer_ok: int = Field(default=17, ge=0, le=27)
    officer_back: int = Field(default=27, ge=0, le=27)
    officer_skip: int = Field(default=22, ge=0, le=27)
    applicant_yes: int = Field(default=23, ge=0, le=27)
    applicant_no: int = Field(default=16, ge=0, le=27)
    red: int = Field(default=12, ge=0, le=27)
    green: int = Field(default=13, ge=0, le=27)
    blue: int = Field(default=19, ge=0, le=27)
    flash: OptionalPin = 26
    buzzer: OptionalPin = 20
    buttons_pull_up: bool = True
    common_anode: bool = False
    close_timeout_s: float = Field(default=2.0, gt=0, le=10)

    @model_validator(mode="after")
    def _one_pin_one_role(self) -> PanelOptions:
        used: dict[int, str] = {}
        for role, pin in self.pins():
            if pin in RESERVED:
                raise ValueError(f"GPIO{pin} for {role} belongs to {RESERVED[pin]}")
            if pin in used:
                raise ValueError(f"GPIO{pin} is given to both {used[pin]} and {role}")
            used[pin] = role
        return self

    def pins(self) -> Iterable[tuple[str, int]]:
        """Role and BCM number of every line in use."""
        roles = [*(button.value for button in Button), *CHANNELS, "flash", "buzzer"]
        return [(role, pin) for role in roles if (pin := getattr(self, role)) is not None]


class GpiozeroPanel:
    """PanelPort over gpiozero. One thread, `panel-lights`, drives the LED and the buzzer; errors as in the port."""

    Options = PanelOptions

    def __init__(self, options: PanelOptions) -> None:
        self._options = options
        self._factory: Any = None
        self._devices: list[Any] = []
        self._lights: _Lights | None = None
        self._flash: Any = None
        self._edge_failure: str | None = None

    def open(self, on_edge: Callable[[Edge], None]) -> None:
        """Claims the pins and starts reporting edges.

        Raises:
            PinFactoryUnusable, PinUnusable, PanelSocketUnusable: all of them DeviceMissing.
        """
        try:
            self._open(on_edge)
        except BaseException:
            self.close()
            raise

    def _open(self, on_edge: Callable[[Edge], None]) -> None:
        options = self._options
        self._factory = open_factory(options)
        name_lines = getattr(self._factory, "name_lines", None)
        if name_lines is not None:
            name_lines(dict(options.pins()), frozenset(CHANNELS) if options.common_anode else frozenset())
        rgb = self._claim(
            "red, green, blue",
            options.red,
            lambda: gpiozero.RGBLED(
                options.red,
                options.green,
                options.blue,
                active_high=not options.common_anode,
                pin_factory=self._factory,
            ),
        )
        self._flash = self._output("flash", options.flash, gpiozero.LED)
        buzzer = self._output("buzzer", options.buzzer, gpiozero.Buzzer)
        self._lights = _Lights(rgb, buzzer)
        self._lights.start()
        for button in Button:
            self._button(button, on_edge)
        lines_claimed = getattr(self._factory, "lines_claimed", None)
        if lines_claimed is not None:
            lines_claimed()

    def _button(self, button: Button, on_edge: Callable[[Edge], None]) -> None:
        pin = getattr(self._options, button.value)
        pull_up = self._options.buttons_pull_up
        made = self._claim(button.value, pin, lambda: gpiozero.Button(pin, pull_up=pull_up, pin_factory=self._factory))
        made.when_pressed = self._reporter(button, True, on_edge)
        made.when_released = self._reporter(button, False, on_edge)

    def _reporter(self, button: Button, pressed: bool, on_edge: Callable[[Edge], None]) -> Callable[[], None]:
        def report() -> None:
            try:
                on_edge(Edge(button, pressed, time.monotonic_ns()))
            # An exception here would end lgpio's one thread and with it every button; the owner hears of it from
            # the next call he makes.
            except Exception as error:
                self._edge_failure = f"edge not taken: {_reason(error)}"

        return report

    def _output(self, role: str, pin: int | None, kind: Callable[..., Any]) -> Any:
        if pin is None:
            return None
        return self._claim(role, pin, lambda: kind(pin, pin_factory=self._factory))

    def _claim(self, role: str, pin: int, make: Callable[[], Any]) -> Any:
        try:
            device = make()
        except GPIOPinInUse as error:
            raise PinUnusable(device="panel", where=f"GPIO{pin}", role=role, reason=str(error)) from error
        # lgpio raises its own error class, which cannot be named without importing it
        except Exception as error:
            raise PinUnusable(device="panel", where=f"GPIO{pin}", role=role, reason=_reason(error)) from error
        self._devices.append(device)
        return device

    def status(self, light: Light) -> None:
        """Sets the RGB status LED; the thread takes it to the pins. Raises DeviceFault once that has failed."""
        self._running().set_light(light)

    def flash(self, on: bool) -> None:
        """The white light for the portrait; on when this returns. Raises DeviceFault."""
        self._running()
        if self._flash is None:
            return
        try:
            self._flash.value = on
        except Exception as error:
            raise DeviceFault(device="panel", reason=_reason(error)) from error

    def beep(self, times: int) -> None:
        """Short beeps; a new row replaces one that still sounds."""
        self._running().beep(times)

    def _running(self) -> _Lights:
        if self._lights is None:
            raise DeviceFault(device="panel", reason="not open")
        self._lights.check()
        failure, self._edge_failure = self._edge_failure, None
        if failure is not None:
            raise DeviceFault(device="panel", reason=failure)
        return self._lights

    def close(self) -> None:
        """Lights off, pins released. Never raises; safe to call twice."""
        lights, self._lights = self._lights, None
        if lights is not None:
            lights.stop(self._options.close_timeout_s)
        flash, self._flash = self._flash, None
        if flash is not None:
            _quietly(flash.off)
        devices, self._devices = self._devices, []
        for device in reversed(devices):
            _quietly(device.close)
        factory, self._factory = self._factory, None
        if factory is not None:
            _quietly(factory.close)


class _Lights(threading.Thread):
    """The only writer of the LED and the buzzer. `check` tells the owner what went wrong in here."""

    def __init__(self, rgb: Any, buzzer: Any) -> None:
        super().__init__(name="panel-lights", daemon=True)
        self._rgb = rgb
        self._buzzer = buzzer
        self._changed = threading.Condition()
        self._light = DARK
        self._light_since_s = 0.0
        self._beeps = Beeps(0)
        self._beeps_since_s = 0.0
        self._stopping = False
        self._failure: str | None = None

    def set_light(self, light: Light) -> None:
        with self._changed:
            if light != self._light:
                self._light = light
                self._light_since_s = time.monotonic()
                self._changed.notify()

    def beep(self, times: int) -> None:
        with self._changed:
            self._beeps = Beeps(max(0, times))
            self._beeps_since_s = time.monotonic()
            self._changed.notify()

    def check(self) -> None:
        if self._failure is not None:
            raise DeviceFault(device="panel", reason=self._failure)

    def stop(self, timeout_s: float) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self.is_alive():
            self.join(timeout_s)

    def run(self) -> None:
        colour: Colour = BLACK
        sounding = False
        try:
            while True:
                with self._changed:
                    now_s = time.monotonic()
                    stopping = self._stopping
                    wanted = BLACK if stopping else colour_at(self._light, now_s - self._light_since_s)
                    loud = not stopping and self._beeps.sounding(now_s - self._beeps_since_s)
                    if wanted == colour and loud == sounding:
                        if stopping:
                            return
                        self._changed.wait(self._until_change_s(now_s))
                        continue
                # Pins are written outside the lock: a slow line must not hold up the owner.
                if wanted != colour:
                    self._rgb.value = wanted
                    colour = wanted
                if loud != sounding:
                    if self._buzzer is not None:
                        self._buzzer.value = loud
                    sounding = loud
        except Exception as error:
            self._failure = _reason(error)

    def _until_change_s(self, now_s: float) -> float | None:
        pending = (
            next_change_s(self._light, now_s - self._light_since_s),
            self._beeps.next_change_s(now_s - self._beeps_since_s),
        )
        # Never shorter than a millisecond: rounding must not turn the wait into a busy loop.
        return min((max(0.001, wait_s) for wait_s in pending if wait_s is not None), default=None)


def open_factory(options: PanelOptions) -> Any:
    """The pin factory named in the options, and no other. Raises PinFactoryUnusable, PanelSocketUnusable."""
    named = entry_points(group="gpiozero_pin_factories", name=options.pin_factory)
    if not named:
        raise PinFactoryUnusable(device="panel", where=options.pin_factory, reason="no such gpiozero pin factory")
    try:
        factory = next(iter(named)).load()
    # Not ImportError alone: lgpio makes a FIFO in the working directory when it is imported and fails with
    # FileNotFoundError where it may not.
    except Exception as error:
        raise PinFactoryUnusable(device="panel", where=options.pin_factory, reason=_reason(error)) from error
    if options.pin_factory == "eid_emulated":
        return factory(socket_path=options.socket)
    try:
        return factory(chip=options.chip)
    except Exception as error:
        where = options.pin_factory if options.chip is None else f"{options.pin_factory} chip {options.chip}"
        raise PinFactoryUnusable(device="panel", where=where, reason=_reason(error)) from error


def _reason(error: BaseException) -> str:
    return str(error).strip("'\" ") or type(error).__name__


def _quietly(step: Callable[[], None]) -> None:
    # Closing goes on whatever happens; there is nobody left who could act on it.
    with contextlib.suppress(Exception):
        step()
