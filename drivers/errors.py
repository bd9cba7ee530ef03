"""Errors of devices.

    DriverError(EidError)
    ├── UnknownDriver          the configured name is not one of ours
    ├── DriverNotLoadable      the driver's library is not installed or does not import
    ├── DriverOptionsInvalid   the options in the configuration do not fit the driver
    ├── DeviceMissing          the device is not there (unplugged, wrong path, no permission)
    ├── DeviceLost             it was there and went away
    ├── DeviceTimeout          it did not answer within its deadline
    └── DeviceFault            it answered, but wrongly

Each kind of device derives its own classes below these in its `errors.py` where a more specific sentence helps.
"""

from __future__ import annotations

from wire.errors import EidError


class DriverError(EidError):
    """Root of the branch. Parameter `device` is the kind: camera, fingerprint, panel, display."""

    message_id = "error.driver.text"


class UnknownDriver(DriverError, LookupError):
    """Parameters: device, name, known (comma separated)."""

    message_id = "error.driver.unknown"


class DriverNotLoadable(DriverError, ImportError):
    """Parameters: device, name, reason."""

    message_id = "error.driver.not_loadable"


class DriverOptionsInvalid(DriverError, ValueError):
    """Parameters: device, name, reason."""

    message_id = "error.driver.options"


class DeviceMissing(DriverError):
    """Parameters: device, where."""

    message_id = "error.driver.missing"


class DeviceLost(DriverError):
    """Parameters: device."""

    message_id = "error.driver.lost"


class DeviceTimeout(DriverError, TimeoutError):
    """Parameters: device, after_s."""

    message_id = "error.driver.timeout"


class DeviceFault(DriverError):
    """Parameters: device, reason."""

    message_id = "error.driver.fault"
