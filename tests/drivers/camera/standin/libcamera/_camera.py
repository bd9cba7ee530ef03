"""The stand-in's camera: an IMX708 (Camera Module 3) as the Raspberry Pi pipeline presents it.

Raw modes, format and stride adjustment, exposure and gain control, white balance, autofocus, metadata, frame pacing.
One thread (`standin-sensor`) plays the sensor from start() to stop().
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from enum import Enum
from typing import Any

import numpy as np

from libcamera import _values as v
from libcamera._world import NEUTRAL, picture, world, yuv420

MODES = {
    "SRGGB10_CSI2P": ((1536, 864), (2304, 1296), (4608, 2592)),
    "SRGGB10": ((1536, 864), (2304, 1296), (4608, 2592)),
}
BYTES_PER_PIXEL = {"BGR888": 3, "RGB888": 3, "XBGR8888": 4, "XRGB8888": 4}
ORDERS = {"BGR888": (0, 1, 2), "RGB888": (2, 1, 0), "XBGR8888": (0, 1, 2), "XRGB8888": (2, 1, 0)}
MIRRORS = {
    v.Orientation.Rotate0: (False, False),
    v.Orientation.Rotate0Mirror: (True, False),
    v.Orientation.Rotate180Mirror: (False, True),
    v.Orientation.Rotate180: (True, True),
}
CONTROL_DELAY_FRAMES = 2
READOUT_NS = 5_000_000
_LUMA_WEIGHTS = {"Rec601": (0.299, 0.114), "Rec709": (0.2126, 0.0722)}


class SensorConfiguration:
    def __init__(self) -> None:
        self.bit_depth, self.output_size = 0, v.Size()


class StreamFormats:
    pixel_formats = tuple(v.PixelFormat(name) for name in MODES)

    def sizes(self, pixel_format: v.PixelFormat) -> list[v.Size]:
        return [v.Size(*size) for size in MODES[str(pixel_format)]]


class Stream:
    configuration: Any = None


class StreamConfiguration:
    def __init__(self, role: v.StreamRole) -> None:
        self.role = role
        self.stream = Stream()
        self.formats = StreamFormats()
        self.size, self.pixel_format = v.Size(640, 480), v.PixelFormat("XRGB8888")
        self.stride = self.frame_size = 0
        self.buffer_count = 4
        self.color_space: v.ColorSpace | None = None

    def settle(self) -> bool:
        """Fills stride and size; True where something asked for was changed."""
        name, adjusted = str(self.pixel_format), False
        known = {*BYTES_PER_PIXEL, "YUV420"} - set(world.refused_formats)
        if self.role is v.StreamRole.Raw:
            known = set(MODES)
        if name not in known:
            name, adjusted = ("XRGB8888" if self.role is not v.StreamRole.Raw else next(iter(MODES))), True
            self.pixel_format = v.PixelFormat(name)
        align = world.stride_align
        width, height = self.size.width, self.size.height
        if name in BYTES_PER_PIXEL:
            self.stride = -(-width * BYTES_PER_PIXEL[name] // align) * align
            self.frame_size = self.stride * height
        elif name == "YUV420":
            self.stride = -(-width // (2 * align)) * 2 * align
            self.frame_size = self.stride * height * 3 // 2
            if world.lores_colour_space is not None:
                self.color_space, adjusted = getattr(v.ColorSpace, world.lores_colour_space)(), True
        else:
            self.stride = (
                -(-width * 5 // 4 // align) * align if name.endswith("CSI2P") else -(-width * 2 // align) * align
            )
            self.frame_size = self.stride * height
        self.stream.configuration = self
        return adjusted


class CameraConfiguration:
    class Status(Enum):
        Valid = 0
        Adjusted = 1
        Invalid = 2

    def __init__(self, roles: list[v.StreamRole]) -> None:
        self._streams = [StreamConfiguration(role) for role in roles]
        self.sensor_config: SensorConfiguration | None = None
        self.orientation = v.Orientation.Rotate0

    def at(self, index: int) -> StreamConfiguration:
        return self._streams[index]

    def __iter__(self) -> Any:
        return iter(self._streams)

    def validate(self) -> Status:
        adjusted = [stream.settle() for stream in self._streams]
        if self.orientation not in MIRRORS or (not world.mirrors and self.orientation is not v.Orientation.Rotate0):
            self.orientation, adjusted = v.Orientation.Rotate0, [True]
        if self.sensor_config is not None:
            size = (self.sensor_config.output_size.width, self.sensor_config.output_size.height)
            if self.sensor_config.bit_depth != 10 or size not in MODES["SRGGB10"]:
                return self.Status.Invalid
        return self.Status.Adjusted if any(adjusted) else self.Status.Valid


class FrameMetadata:
    class Status(Enum):
        Success = 0
        Error = 1
        Cancelled = 2

    def __init__(self) -> None:
        self.status = self.Status.Success


class FrameBuffer:
    class Plane:
        def __init__(self) -> None:
            self.fd, self.offset, self.length = -1, 0, 0

    def __init__(self, planes: list[Plane]) -> None:
        self.planes = planes
        self.metadata = FrameMetadata()


class Request:
    class Status(Enum):
        Pending = 0
        Complete = 1
        Cancelled = 2

    def __init__(self, cookie: int) -> None:
        self.cookie = cookie
        self.buffers: dict[Stream, FrameBuffer] = {}
        self.reuse()

    def add_buffer(self, stream: Stream, buffer: FrameBuffer) -> None:
        self.buffers[stream] = buffer

    def set_control(self, control: v.ControlId, value: Any) -> None:
        self.controls[control] = value

    def reuse(self) -> None:
        self.status = self.Status.Pending
        self.controls: dict[v.ControlId, Any] = {}
        self.metadata: dict[v.ControlId, Any] = {}


class Algorithms:
    """Exposure, gain, white balance and focus, one step a frame."""

    def __init__(self) -> None:
        self.exposure_us, self.gain = 20_000.0, 1.0
        self.auto_exposure = self.auto_gain = self.auto_white = True
        self.colour_gains = (1.8, 1.6)
        self.mode, self.state, self.lens, self.scan = v.AfModeEnum.Manual, v.AfStateEnum.Idle, 1.0, 0
        self.duration_us = 33_333

    def obey(self, asked: dict[v.ControlId, Any]) -> None:
        named = {control.name: value for control, value in asked.items()}
        if "FrameDurationLimits" in named:
            self.duration_us = named["FrameDurationLimits"][0]
        if "AeEnable" in named:
            self.auto_exposure = self.auto_gain = bool(named["AeEnable"])
        if "ExposureTimeMode" in named:
            self.auto_exposure = named["ExposureTimeMode"] == 0
        if "AnalogueGainMode" in named:
            self.auto_gain = named["AnalogueGainMode"] == 0
        if named.get("ExposureTime") and not self.auto_exposure:
            self.exposure_us = float(min(named["ExposureTime"], self.duration_us))
        if named.get("AnalogueGain") and not self.auto_gain:
            self.gain = float(named["AnalogueGain"])
        self.auto_white = bool(named.get("AwbEnable", self.auto_white))
        if "ColourGains" in named and not self.auto_white:
            self.colour_gains = tuple(named["ColourGains"])
        self._obey_focus(named)

    def _obey_focus(self, named: dict[str, Any]) -> None:
        if "AfMode" in named and named["AfMode"] != self.mode:
            self.mode = v.AfModeEnum(named["AfMode"])
            continuous = self.mode is v.AfModeEnum.Continuous
            self.state, self.scan = (v.AfStateEnum.Scanning, 4) if continuous else (v.AfStateEnum.Idle, 0)
        if self.mode is v.AfModeEnum.Auto and named.get("AfTrigger") == v.AfTriggerEnum.Start:
            self.state, self.scan = v.AfStateEnum.Scanning, 4
        if self.mode is v.AfModeEnum.Manual and "LensPosition" in named:
            self.lens = float(named["LensPosition"])

    def step(self) -> None:
        if self.auto_exposure and self.auto_gain:
            aim = min(max(NEUTRAL / world.lux, 100.0), self.duration_us * 16.0)
            reached = aim * (self.exposure_us * self.gain / aim) ** 0.6
            self.exposure_us = min(reached, float(self.duration_us))
            self.gain = max(1.0, reached / self.exposure_us)
        if self.auto_white:
            self.colour_gains = (1.5 + 0.5 * math.tanh(world.lux / 800), 1.6)
        if self.state is v.AfStateEnum.Scanning and not world.af_never_ends:
            self.scan -= 1
            if self.scan <= 0:
                self.lens = world.subject_dioptres if world.focusable else 1.0
                self.state = v.AfStateEnum.Focused if world.focusable else v.AfStateEnum.Failed
        elif self.mode is v.AfModeEnum.Continuous and abs(self.lens - world.subject_dioptres) > 0.2 and world.focusable:
            self.state, self.scan = v.AfStateEnum.Scanning, 4


class Camera:
    id = "/base/axi/pcie/rp1/i2c@88000/imx708@1a"

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._lock = threading.Condition()
        self._queue: deque[Request] = deque()
        self._thread: threading.Thread | None = None
        self._config: CameraConfiguration | None = None
        self._running = self._acquired = False
        self._number = 0

    @property
    def controls(self) -> dict[v.ControlId, v.ControlInfo]:
        c, info = v.controls, v.ControlInfo
        full = v.Rectangle(0, 0, 4608, 2592)
        known = {
            c.AeEnable: info(False, True, True),
            c.AwbEnable: info(False, True, True),
            c.ExposureTime: info(0, 112_000_000, 20_000),
            c.ExposureTimeMode: info(0, 1, 0),
            c.AnalogueGain: info(1.0, 16.0, 1.0),
            c.AnalogueGainMode: info(0, 1, 0),
            c.ColourGains: info(0.0, 32.0, 0.0),
            c.FrameDurationLimits: info(17_849, 220_535_845, 33_333),
            c.draft.NoiseReductionMode: info(0, 4, 0),
            c.ScalerCrop: info(v.Rectangle(0, 0, 128, 128), full, full),
        }
        if world.autofocus:
            known |= {c.AfMode: info(0, 2, 0), c.AfTrigger: info(0, 1, 0), c.LensPosition: info(0.0, 32.0, 1.0)}
        return known

    @property
    def properties(self) -> dict[v.ControlId, Any]:
        p = v.properties
        return {p.Model: "imx708", p.Location: 2, p.Rotation: 180, p.draft.ColorFilterArrangement: 0}

    def acquire(self) -> None:
        if self._acquired or not world.acquirable:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        self._acquired = True

    def release(self) -> None:
        self._acquired = False

    def generate_configuration(self, roles: list[v.StreamRole]) -> CameraConfiguration:
        return CameraConfiguration(roles)

    def configure(self, config: CameraConfiguration) -> None:
        self._config = config

    def create_request(self, cookie: int) -> Request:
        return Request(cookie)

    def queue_request(self, request: Request) -> None:
        with self._lock:
            self._queue.append(request)

    def start(self, controls: dict[v.ControlId, Any]) -> None:
        self._running = True
        self._algorithms = Algorithms()
        self._algorithms.obey(controls)
        self._thread = threading.Thread(target=self._play, name="standin-sensor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._running = False
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join()
        while self._queue:
            request = self._queue.popleft()
            request.status = Request.Status.Cancelled
            self._manager.completed(request)

    def _play(self) -> None:
        pending: deque[dict[v.ControlId, Any]] = deque({} for _ in range(CONTROL_DELAY_FRAMES))
        ready_ns = time.monotonic_ns()
        while True:
            ready_ns = max(ready_ns + self._algorithms.duration_us * 1000, time.monotonic_ns())
            with self._lock:
                while self._running and (left_s := (ready_ns - time.monotonic_ns()) / 1e9) > 0:
                    self._lock.wait(left_s)
                if not self._running:
                    return
            self._number += 1
            self._algorithms.step()
            with world.exposing:
                if world.stalled or not self._queue:
                    continue
                request = self._queue.popleft()
                pending.append(request.controls)
                self._algorithms.obey(pending.popleft())
                self._expose(request, ready_ns)
                self._manager.completed(request)

    def _expose(self, request: Request, ready_ns: int) -> None:
        failed = world.error_frames > 0
        if failed:
            world.error_frames -= 1
        status = FrameMetadata.Status.Error if failed else FrameMetadata.Status.Success
        brightness = world.lux * self._algorithms.exposure_us * self._algorithms.gain / NEUTRAL
        for stream, buffer in request.buffers.items():
            buffer.metadata.status = status
            if not failed and stream.configuration.role is not v.StreamRole.Raw:
                os.pwrite(buffer.planes[0].fd, self._bytes(stream.configuration, brightness), 0)
        request.metadata = self._metadata(ready_ns)
        request.status = Request.Status.Complete

    def _bytes(self, stream: StreamConfiguration, brightness: float) -> bytes:
        assert self._config is not None
        image = picture((stream.size.width, stream.size.height), self._number, brightness)
        mirrored, flipped = MIRRORS[self._config.orientation]
        image = image[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        name = str(stream.pixel_format)
        if name == "YUV420":
            assert stream.color_space is not None
            space = stream.color_space
            full = space.range is v.ColorSpace.Range.Full
            return yuv420(image, stream.stride, _LUMA_WEIGHTS[space.ycbcrEncoding.name], full).tobytes()
        height, width, _ = image.shape
        if name == "BGR888" and stream.stride == width * 3:
            return np.ascontiguousarray(image).tobytes()
        rows = np.full((height, stream.stride), 255, dtype=np.uint8)
        pixels = np.full((height, width, BYTES_PER_PIXEL[name]), 255, dtype=np.uint8)
        pixels[:, :, :3] = image[:, :, ORDERS[name]]
        rows[:, : width * BYTES_PER_PIXEL[name]] = pixels.reshape(height, -1)
        return rows.tobytes()

    def _metadata(self, ready_ns: int) -> dict[v.ControlId, Any]:
        c, a = v.controls, self._algorithms
        found = {
            c.SensorTimestamp: ready_ns - READOUT_NS,
            c.ExposureTime: int(a.exposure_us),
            c.AnalogueGain: a.gain,
            c.DigitalGain: 1.0,
            c.ColourGains: a.colour_gains,
            c.ColourTemperature: 4200,
            c.Lux: world.lux,
            c.FrameDuration: a.duration_us,
        }
        if world.autofocus:
            found |= {c.AfState: int(a.state), c.LensPosition: a.lens, c.FocusFoM: 1200}
        return {control: value for control, value in found.items() if control.name not in world.drop_metadata}
