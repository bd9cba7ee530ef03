"""The Raspberry Pi camera through picamera2 (Raspberry Pi Ltd, 0.3.x), one thread, every wait bounded.

Rules that the library's users learned the hard way: never fork while the camera is open; no callback of ours runs in
the library's thread, since an exception there ends all frames; a wait without a deadline may last for ever; what was
configured may differ silently from what was asked; a timed-out job stays queued until it is cancelled.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Annotated, Any

import libcamera
import numpy as np
from numpy.typing import NDArray
from picamera2 import picamera2 as library
from pydantic import BaseModel, ConfigDict, Field

from drivers.camera.errors import CameraBusy, CameraMemoryDenied, CameraMissing, CameraModeChanged
from drivers.camera.port import CameraInfo, Frame
from drivers.camera.yuv import Matrix, rgb_of_yuv420
from drivers.errors import DeviceFault, DeviceTimeout

MAIN_SIZE, LORES_SIZE = (2304, 1296), (640, 360)
SENSOR_BIT_DEPTH = 10

_MAIN_FORMAT = "BGR888"
"""Bytes in the order red, green, blue: the name is that of a little-endian word (DRM fourcc BG24)."""

_LORES_FORMAT = "YUV420"
_FOCUS_SHARE = 0.6
"""Part of a lock's deadline that the focus may take; the rest is for the controls to arrive."""

_CONTROL_DELAY_FRAMES = 2
"""From a request's controls to the sensor obeying them, beyond the requests already queued."""

_HELD_TOLERANCE = 0.02


class Picamera2Options(BaseModel):
    """Options of the Raspberry Pi camera.

    Attributes:
        camera_number: in the order of `rpicam-hello --list-cameras`.
        frame_rate: frames per second.
        buffer_count: frames in flight; each costs 13 MB of contiguous memory.
        hflip, vflip: for a camera mounted in a mirror or upside down (both).
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    camera_number: Annotated[int, Field(ge=0, le=7)] = 0
    frame_rate: Annotated[float, Field(ge=1.0, le=56.0)] = 15.0
    buffer_count: Annotated[int, Field(ge=2, le=8)] = 4
    hflip: bool = False
    vflip: bool = False


@dataclass(frozen=True, slots=True)
class _Held:
    """What a lock holds. `lens` is None without autofocus."""

    exposure_us: int
    gain: float
    lens: float | None


@dataclass(frozen=True, slots=True)
class _LoresLayout:
    stride: int
    matrix: Matrix
    full_range: bool


class Picamera2Camera:
    """A CameraPort on a Raspberry Pi. Cameras without autofocus work; their focus counts as held."""

    Options = Picamera2Options

    def __init__(self, options: Picamera2Options) -> None:
        self._options = options
        self._camera: Any = None
        self._layout: _LoresLayout | None = None
        self._held: _Held | None = None

    def open(self) -> CameraInfo:
        """Configures and starts the streams.

        Raises:
            CameraMissing: libcamera lists no such camera. CameraBusy: another process has it.
            CameraMemoryDenied: no access to the buffer heap. CameraModeChanged: the mode was adjusted silently.
            DeviceFault: anything else that the library refuses.
        """
        if self._camera is None:
            camera = self._acquired()
            try:
                self._layout = self._configured(camera)
                camera.start()
            except BaseException as error:
                with contextlib.suppress(Exception):
                    camera.close()
                if isinstance(error, RuntimeError | OSError) and not isinstance(error, DeviceFault):
                    raise DeviceFault(device="camera", reason=str(error)) from error
                raise
            self._camera, self._held = camera, None
        model = str(self._camera.camera_properties.get("Model", "unknown"))
        return CameraInfo(model, LORES_SIZE, MAIN_SIZE)

    def frame(self, timeout_s: float, *, main: bool = False, not_before_ns: int = 0) -> Frame:
        """See CameraPort. Raises DeviceFault where a frame lacks the times that the port promises."""
        request = self._request(time.monotonic() + timeout_s, timeout_s, not_before_ns)
        try:
            metadata = request.get_metadata()
            lores = self._lores(request.make_array("lores"))
            whole = request.make_array("main") if main else None
        finally:
            request.release()
        exposure_us, gain = self._exposure(metadata)
        lens = metadata.get("LensPosition")
        held = self._held
        return Frame(
            lores=lores,
            main=whole,
            started_ns=int(metadata["SensorTimestamp"]) - 1000 * exposure_us,
            exposure_us=exposure_us,
            analogue_gain=gain,
            lux=metadata.get("Lux"),
            lens_position=lens,
            focus_locked=held is not None and _near(held.lens, lens),
            exposure_locked=held is not None and _near(held.exposure_us * held.gain, exposure_us * gain),
        )

    def lock(self, timeout_s: float) -> None:
        """Runs one autofocus cycle, then holds what the camera chose.

        A cycle that ends unfocused, or not at all while frames still flow, leaves the lens where it is: whether the
        picture is sharp is for the quality gate to say.
        """
        deadline = time.monotonic() + timeout_s
        camera = self._opened()
        if "AfMode" in camera.camera_controls:
            self._focus_once(timeout_s * _FOCUS_SHARE)
        metadata = self._metadata(deadline, timeout_s)
        exposure_us, gain = self._exposure(metadata)
        lens = metadata.get("LensPosition")
        wanted = {
            "AeEnable": False,
            "AwbEnable": False,
            "ExposureTime": exposure_us,
            "AnalogueGain": gain,
            "ColourGains": metadata.get("ColourGains"),
            "AfMode": libcamera.controls.AfModeEnum.Manual,
            "LensPosition": lens,
        }
        self._set(wanted)
        # Requests already queued still carry the old controls; frames from after them do not.
        for _ in range(self._options.buffer_count + _CONTROL_DELAY_FRAMES):
            self._metadata(deadline, timeout_s)
        self._held = _Held(exposure_us, gain, lens)

    def unlock(self) -> None:
        """Continuous focus, automatic exposure and white balance. Takes effect within the frames in flight."""
        self._held = None
        self._set(
            {
                "AeEnable": True,
                "AwbEnable": True,
                # picamera2 turns a zero into "automatic" for libcamera versions that have separate modes
                "ExposureTime": 0,
                "AnalogueGain": 0.0,
                "AfMode": libcamera.controls.AfModeEnum.Continuous,
            }
        )

    def close(self) -> None:
        """Stops the streams and releases the device."""
        camera, self._camera, self._held = self._camera, None, None
        if camera is not None:
            with contextlib.suppress(Exception):
                camera.cancel_all_and_flush()
            with contextlib.suppress(Exception):
                camera.close()

    def _acquired(self) -> Any:
        number = self._options.camera_number
        where = f"libcamera {number}"
        found = library.Picamera2.global_camera_info()
        if number >= len(found):
            raise CameraMissing(device="camera", where=where)
        self._refuse_busy(found[number]["Id"], where)
        try:
            # Made first: where Picamera2 makes it itself and fails, the half-made object keeps the camera for ever.
            allocator = library.DmaAllocator()
        except (OSError, RuntimeError) as error:
            heap = getattr(error, "filename", None) or "/dev/dma_heap"
            raise CameraMemoryDenied(device="camera", where=heap) from error
        try:
            return library.Picamera2(number, allocator=allocator)
        except RuntimeError as error:
            raise CameraBusy(device="camera", where=where) from error

    @staticmethod
    def _refuse_busy(camera_id: str, where: str) -> None:
        """Asked of libcamera itself: a Picamera2 that cannot acquire its camera leaks a pipe at every attempt."""
        probe = libcamera.CameraManager.singleton().get(camera_id)
        try:
            probe.acquire()
        except (RuntimeError, OSError) as error:
            raise CameraBusy(device="camera", where=where) from error
        probe.release()

    def _configured(self, camera: Any) -> _LoresLayout:
        options = self._options
        controls: dict[str, Any] = {"FrameRate": options.frame_rate}
        if "AfMode" in camera.camera_controls:
            controls["AfMode"] = libcamera.controls.AfModeEnum.Continuous
        transform = libcamera.Transform(hflip=options.hflip, vflip=options.vflip)
        camera.configure(
            camera.create_video_configuration(
                main={"size": MAIN_SIZE, "format": _MAIN_FORMAT},
                lores={"size": LORES_SIZE, "format": _LORES_FORMAT},
                sensor={"output_size": MAIN_SIZE, "bit_depth": SENSOR_BIT_DEPTH},
                transform=transform,
                # sRGB: what a portrait file is read as
                colour_space=libcamera.ColorSpace.Sycc(),
                buffer_count=options.buffer_count,
                controls=controls,
            )
        )
        got = camera.camera_configuration()
        for name, size, fmt in (("main", MAIN_SIZE, _MAIN_FORMAT), ("lores", LORES_SIZE, _LORES_FORMAT)):
            found = (tuple(got[name]["size"]), got[name]["format"])
            if found != (size, fmt):
                reason = f"{name} {size[0]}x{size[1]} {fmt} became {found[0][0]}x{found[0][1]} {found[1]}"
                raise CameraModeChanged(device="camera", reason=reason)
        turned = got["transform"]
        if (bool(turned.hflip), bool(turned.vflip), bool(turned.transpose)) != (options.hflip, options.vflip, False):
            raise CameraModeChanged(device="camera", reason=f"transform became {turned}")
        return _lores_layout(camera, int(got["lores"]["stride"]))

    def _opened(self) -> Any:
        if self._camera is None:
            raise DeviceFault(device="camera", reason="not open")
        return self._camera

    def _request(self, deadline: float, timeout_s: float, not_before_ns: int) -> Any:
        """The next completed request; the caller releases it."""
        camera = self._opened()
        job = camera.capture_request(wait=False, flush=not_before_ns or None)
        result = self._result(camera, job, deadline - time.monotonic())
        if result is None:
            raise DeviceTimeout(device="camera", after_s=round(timeout_s, 3))
        return result

    def _result(self, camera: Any, job: Any, timeout_s: float) -> Any:
        """The job's result, or None after the time, the job being gone from the library's queue."""
        try:
            return camera.wait(job, timeout=max(0.0, timeout_s))
        except FutureTimeout:
            camera.cancel_all_and_flush()
        except (KeyError, RuntimeError, OSError) as error:
            raise DeviceFault(device="camera", reason=f"{type(error).__name__}: {error}") from error
        # It may have been taken off the queue just before the cancelling: then its result still comes, and dropping it
        # would leak one of the few buffers.
        try:
            return camera.wait(job, timeout=0.5)
        except (CancelledError, FutureTimeout):
            return None

    def _metadata(self, deadline: float, timeout_s: float) -> dict[str, Any]:
        request = self._request(deadline, timeout_s, 0)
        try:
            metadata: dict[str, Any] = request.get_metadata()
            return metadata
        finally:
            request.release()

    def _focus_once(self, timeout_s: float) -> None:
        camera = self._opened()
        self._result(camera, camera.autofocus_cycle(wait=False), timeout_s)

    def _set(self, wanted: dict[str, Any]) -> None:
        camera = self._opened()
        known = camera.camera_controls
        camera.set_controls({name: value for name, value in wanted.items() if name in known and value is not None})

    @staticmethod
    def _exposure(metadata: dict[str, Any]) -> tuple[int, float]:
        try:
            exposure_us, gain = int(metadata["ExposureTime"]), float(metadata["AnalogueGain"])
            int(metadata["SensorTimestamp"])
        except KeyError as missing:
            raise DeviceFault(device="camera", reason=f"frames carry no {missing.args[0]}") from None
        return exposure_us, gain

    def _lores(self, buffer: NDArray[np.uint8]) -> NDArray[np.uint8]:
        layout = self._layout
        assert layout is not None
        return rgb_of_yuv420(buffer, LORES_SIZE, layout.stride, layout.matrix, full_range=layout.full_range)


def _near(held: float | None, found: float | None) -> bool:
    if held is None or found is None:
        return held is found
    return abs(held - found) <= _HELD_TOLERANCE * max(abs(held), 1.0)


def _lores_layout(camera: Any, stride: int) -> _LoresLayout:
    """How the low-resolution stream is encoded. The stream's own colour space counts, not the main stream's."""
    space = camera.libcamera_config.at(camera.lores_index).color_space
    encodings = {
        libcamera.ColorSpace.YcbcrEncoding.Rec601: Matrix.REC601,
        libcamera.ColorSpace.YcbcrEncoding.Rec709: Matrix.REC709,
    }
    matrix = None if space is None else encodings.get(space.ycbcrEncoding)
    if matrix is None:
        raise CameraModeChanged(device="camera", reason=f"lores colour space {space}")
    return _LoresLayout(stride, matrix, space.range == libcamera.ColorSpace.Range.Full)
