"""Errors that only a camera has.

    DeviceMissing
    ├── CameraMissing         libcamera lists no camera with this number
    ├── CameraBusy            it is there, but another process holds it
    └── CameraMemoryDenied    the heap for camera buffers cannot be opened
    DeviceFault
    └── CameraModeChanged     the camera silently configured something else than was asked for

    ValueError
    └── SceneInvalid          a scene of the emulated camera cannot be drawn

Everything else is a DeviceTimeout or DeviceFault of `drivers.errors`.
"""

from __future__ import annotations

from drivers.errors import DeviceFault, DeviceMissing


class CameraMissing(DeviceMissing):
    """Parameters: device, where."""

    message_id = "error.camera.missing"


class CameraBusy(DeviceMissing):
    """Parameters: device, where."""

    message_id = "error.camera.busy"


class CameraMemoryDenied(DeviceMissing):
    """Parameters: device, where."""

    message_id = "error.camera.memory"


class CameraModeChanged(DeviceFault):
    """Parameters: device, reason (what was asked and what came)."""

    message_id = "error.camera.mode"


class SceneInvalid(ValueError):
    """A scene that cannot be drawn: one sentence, without path or text. Answered to the control socket's client."""
