"""Errors of fingerprint devices, below drivers/errors.py.

DeviceFault
├── LinkError           bytes on the line were damaged, late or of the wrong length
├── CommandRefused      the sensor said no to a command that it should have carried out
├── WrongPassword       the sensor is there but its password is another (never mistaken for missing wiring)
├── WrongSensor         another model than configured, or than the one this session began with
├── StepUnfit           the plan asks for something this device cannot do
└── SbiRejected         an SBI device service answered with something that does not verify
DeviceTimeout
└── SensorSilent        the port opens but nothing answers at any baud rate
DeviceLost
└── SensorRestarted     the sensor restarted by itself: its buffers are gone
"""

from __future__ import annotations

from drivers.errors import DeviceFault, DeviceLost, DeviceTimeout


class LinkError(DeviceFault):
    """Parameters: device, reason."""

    message_id = "error.fingerprint.link"


class CommandRefused(DeviceFault):
    """Parameters: device, command, code."""

    message_id = "error.fingerprint.refused"

    @property
    def code(self) -> int:
        """The confirmation code."""
        return int(self.params["code"])


class WrongPassword(DeviceFault):
    """Parameters: device."""

    message_id = "error.fingerprint.password"


class WrongSensor(DeviceFault):
    """Parameters: device, expected, found."""

    message_id = "error.fingerprint.wrong_sensor"


class StepUnfit(DeviceFault, ValueError):
    """Parameters: device, reason."""

    message_id = "error.fingerprint.step"


class SbiRejected(DeviceFault):
    """Parameters: device, reason."""

    message_id = "error.fingerprint.sbi"


class SensorSilent(DeviceTimeout):
    """Parameters: device, after_s."""

    message_id = "error.fingerprint.silent"


class SensorRestarted(DeviceLost):
    """Parameters: device."""

    message_id = "error.fingerprint.restarted"
