"""Errors of the front panel.

DeviceMissing
├── PinFactoryUnusable     the GPIO chip or its library is not there, or not for us
├── PinUnusable            one line is in use elsewhere, or is not a line of this board
└── PanelSocketUnusable    the control socket of the emulated panel cannot be opened
DeviceTimeout
└── PanelSilent            the emulated panel did not do in time what a remote waited for
DeviceFault
└── PanelRefused           the emulated panel did not accept a command
"""

from __future__ import annotations

from drivers.errors import DeviceFault, DeviceMissing, DeviceTimeout


class PinFactoryUnusable(DeviceMissing):
    """Parameters: device, where (name of the factory), reason."""

    message_id = "error.panel.factory"


class PinUnusable(DeviceMissing):
    """Parameters: device, where (e.g. `GPIO17`), role, reason."""

    message_id = "error.panel.pin"


class PanelSocketUnusable(DeviceMissing):
    """Parameters: device, where (path of the socket), reason."""

    message_id = "error.panel.socket"


class PanelSilent(DeviceTimeout):
    """Parameters: device, after_s."""

    message_id = "error.panel.silent"


class PanelRefused(DeviceFault):
    """Parameters: device, reason."""

    message_id = "error.panel.refused"
