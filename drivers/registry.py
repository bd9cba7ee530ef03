"""Drivers by name. The configuration says `driver: NAME`; this table says what that is.

Must never fall back: an unknown name, a library that does not import or options that do not fit are errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from drivers.errors import DriverNotLoadable, DriverOptionsInvalid, UnknownDriver

DRIVERS: Mapping[str, Mapping[str, str]] = {
    "camera": {
        "picamera2": "drivers.camera.picamera2:Picamera2Camera",
        "emulated": "drivers.camera.emulated:EmulatedCamera",
    },
    "fingerprint": {
        "serial": "drivers.fingerprint.serial:SerialFingerprint",
        "sbi": "drivers.fingerprint.sbi.driver:SbiFingerprint",
    },
    "panel": {
        "gpiozero": "drivers.panel.gpiozero:GpiozeroPanel",
    },
    "display": {
        "oled-128x64": "drivers.display.oled:Oled128x64",
        "lcd-320x240": "drivers.display.lcd:Lcd320x240",
        "emulated": "drivers.display.emulated:EmulatedDisplay",
    },
}
"""Each class has a pydantic model `Options` (extra keys forbidden) and takes one instance of it."""


def create(device: str, name: str, options: Mapping[str, Any]) -> Any:
    """The driver `name` of a kind of device, constructed but not opened.

    Raises:
        UnknownDriver, DriverNotLoadable, DriverOptionsInvalid.
    """
    driver = _loaded(device, name)
    try:
        parsed = driver.Options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "options"
        raise DriverOptionsInvalid(device=device, name=name, reason=f"{field}: {first['msg']}") from error
    return driver(parsed)


def fingers_at_once(driver: str) -> int:
    """How many fingers the fingerprint driver of that name takes in one `capture` at most; 1 is a single-finger sensor.

    Known without opening or even constructing the device, so that a plan can be held against the configuration at
    start-up. It is a property of the driver: a scanner that turns out to have fewer parts refuses with StepUnfit.

    Raises:
        UnknownDriver, DriverNotLoadable.
    """
    at_once: int = _loaded("fingerprint", driver).FINGERS_AT_ONCE
    return at_once


def _loaded(device: str, name: str) -> Any:
    """The class of a driver."""
    known = DRIVERS[device]
    target = known.get(name)
    if target is None:
        raise UnknownDriver(device=device, name=name, known=", ".join(sorted(known)))
    module_name, class_name = target.split(":")
    try:
        return getattr(import_module(module_name), class_name)
    except ImportError as error:
        raise DriverNotLoadable(device=device, name=name, reason=str(error.name or error)) from error
