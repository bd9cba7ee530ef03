"""Errors of displays.

DeviceMissing
├── FontMissing            the package that carries the font is not installed
└── ScreenFolderUnusable   the emulated display cannot write its pictures
DeviceTimeout
└── ScreenUnseen           a follower waited in vain for a screen
"""

from __future__ import annotations

from drivers.errors import DeviceMissing, DeviceTimeout


class FontMissing(DeviceMissing):
    """Parameters: device, where."""

    message_id = "error.display.font"


class ScreenFolderUnusable(DeviceMissing):
    """Parameters: device, where, reason."""

    message_id = "error.display.folder"


class ScreenUnseen(DeviceTimeout):
    """Parameters: device, after_s."""

    message_id = "error.display.unseen"
