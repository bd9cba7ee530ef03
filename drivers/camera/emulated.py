"""The camera's emulated twin: plays scenes at a real pace, told what to show by another process.

Light, exposure, gain, focus and noise follow one model for both streams (`sensor`, `render`); scenes move by the
frames' clock (`script`, `film`) and are changed live over an owner-only Unix socket (`control`, `remote`). Must never
be the fallback of a real camera: it is chosen by name or not at all.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from drivers.camera.commands import AnyScene, Command, Empty, Fault, Get, Light
from drivers.camera.control import ControlServer
from drivers.camera.errors import CameraMissing, SceneInvalid
from drivers.camera.port import CameraInfo, Frame
from drivers.camera.render import Renderer, View
from drivers.camera.scene import drift_px, focus_m, transmission
from drivers.camera.sensor import LORES_HEIGHT, LORES_WIDTH, MAIN_HEIGHT, MAIN_WIDTH, SensorState
from drivers.camera.show import Now, Show, made
from drivers.errors import DeviceFault, DeviceTimeout

_READOUT_NS = 8_000_000
"""From the end of the exposure to the frame in memory."""

_REMEMBERED_FRAMES = 30
_SOCKET_PATH_LIMIT_BYTES = 107


def _bindable(path: Path) -> Path:
    if len(str(path).encode()) > _SOCKET_PATH_LIMIT_BYTES:
        raise ValueError(f"a Unix socket's path has at most {_SOCKET_PATH_LIMIT_BYTES} bytes")
    return path


class EmulatedOptions(BaseModel):
    """Options of the emulated camera.

    Attributes:
        frame_rate: frames per second, 1 to 60.
        control_socket: where another process may change the scene (mode 0600); None for no control.
        scene: what is seen at first, as in a control command.
        lux: light at the subject.
        fault: `missing` starts without a camera.
        seed: of the noise.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    frame_rate: Annotated[float, Field(ge=1.0, le=60.0)] = 15.0
    control_socket: Annotated[Path, Field(strict=False), AfterValidator(_bindable)] | None = None
    scene: AnyScene = Empty(scene="empty")
    lux: Annotated[float, Field(ge=0.01, le=100_000.0)] = 400.0
    fault: Literal["none", "stall", "missing"] = "none"
    seed: Annotated[int, Field(ge=0)] = 1


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is before the lens from `since_ns` on: a show that began at `began_ns`, in this light."""

    since_ns: int
    began_ns: int
    show: Show
    lux: float

    def at(self, when_ns: int) -> Now:
        """What plays at a moment."""
        return self.show.at((when_ns - self.began_ns) / 1e9, self.lux)


@dataclass(frozen=True, slots=True)
class _Moment:
    """One frame of the timeline: its number, when it is in memory, when its exposure started, and how it was taken."""

    number: int
    ready_ns: int
    started_ns: int
    sensor: SensorState
    stage: _Stage
    now: Now

    @property
    def lux(self) -> float:
        """Light that reaches the lens."""
        return self.now.lux * transmission(self.now.sight.still)

    @property
    def subject_dioptres(self) -> float:
        return 1.0 / focus_m(self.now.sight.still)


class EmulatedCamera:
    """A CameraPort without a camera.

    The control socket is served from the first `open`, also one that raises DeviceMissing, until `close`. Scene, light
    and fault outlive `close`.
    """

    Options = EmulatedOptions

    def __init__(self, options: EmulatedOptions) -> None:
        self._options = options
        self._period_ns = round(1e9 / options.frame_rate)
        self._changed = threading.Condition()
        self._stages: list[_Stage] = []
        self._fault = options.fault
        self._mended_ns = 0
        self._opened_ns: int | None = None
        self._last = 0
        self._sensor = SensorState()
        self._renderer: Renderer | None = None
        path = options.control_socket
        self._server = None if path is None else ControlServer(path, self._obey)

    def open(self) -> CameraInfo:
        """Raises CameraMissing under the fault `missing`; DeviceFault where the first scene cannot be drawn."""
        if not self._stages:
            self._stages.append(self._first_stage())
        if self._server is not None:
            self._server.start()
        with self._changed:
            if self._fault == "missing":
                raise CameraMissing(device="camera", where="emulated")
            if self._opened_ns is None:
                self._opened_ns = time.monotonic_ns()
                self._last = 0
                self._sensor = SensorState()
        if self._renderer is None:
            self._renderer = Renderer(self._options.seed)
        return CameraInfo("emulated", (LORES_WIDTH, LORES_HEIGHT), (MAIN_WIDTH, MAIN_HEIGHT))

    def frame(self, timeout_s: float, *, main: bool = False, not_before_ns: int = 0) -> Frame:
        """See CameraPort. A main frame costs some 40 ms more."""
        moment = self._next(time.monotonic_ns() + round(timeout_s * 1e9), timeout_s, not_before_ns)
        assert self._renderer is not None
        sensor, sight = moment.sensor, moment.now.sight
        closed = moment.stage.at(moment.started_ns + sensor.exposure_us * 1000)
        drift = drift_px(sight.still, closed.sight.still)
        view = View(moment.number, sensor.brightness(moment.lux), sensor.gain, sensor.lens, drift)
        return Frame(
            lores=self._renderer.lores(sight, view),
            main=self._renderer.main(sight, view) if main else None,
            started_ns=moment.started_ns,
            exposure_us=sensor.exposure_us,
            analogue_gain=sensor.gain,
            lux=moment.lux,
            lens_position=sensor.lens,
            focus_locked=sensor.locked,
            exposure_locked=sensor.locked,
        )

    def lock(self, timeout_s: float) -> None:
        """Lets the lens reach the subject, then holds lens, exposure and gain."""
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        while True:
            moment = self._next(deadline_ns, timeout_s, 0)
            if moment.sensor.locked or moment.sensor.focused(moment.subject_dioptres):
                break
        with self._changed:
            self._sensor = replace(self._sensor, locked=True)

    def unlock(self) -> None:
        """Lens and exposure follow the scene again."""
        with self._changed:
            self._sensor = replace(self._sensor, locked=False)

    def close(self) -> None:
        """Stops the frames and the control socket."""
        if self._server is not None:
            self._server.stop()
        with self._changed:
            self._opened_ns = None
        self._renderer = None

    def _first_stage(self) -> _Stage:
        try:
            show = made(self._options.scene)
        except SceneInvalid as error:
            raise DeviceFault(device="camera", reason=str(error)) from None
        return _Stage(0, time.monotonic_ns(), show, self._options.lux)

    def _next(self, deadline_ns: int, timeout_s: float, not_before_ns: int) -> _Moment:
        """Waits for the next frame of the timeline and takes it. Skipped frames have aged the sensor too."""
        with self._changed:
            while True:
                if self._opened_ns is None:
                    raise DeviceFault(device="camera", reason="not open")
                now_ns = time.monotonic_ns()
                wake_ns = deadline_ns
                if self._fault == "none":
                    moment = self._candidate(now_ns, max(not_before_ns, self._mended_ns, self._opened_ns))
                    if moment.ready_ns <= now_ns:
                        self._last, self._sensor = moment.number, moment.sensor
                        self._forget_before(moment.started_ns)
                        return moment
                    wake_ns = min(deadline_ns, moment.ready_ns)
                if now_ns >= deadline_ns:
                    raise DeviceTimeout(device="camera", after_s=round(timeout_s, 3))
                self._changed.wait((wake_ns - now_ns) / 1e9)

    def _candidate(self, now_ns: int, not_before_ns: int) -> _Moment:
        """The newest finished frame not yet handed out, else the next; later where it must not start before."""
        assert self._opened_ns is not None
        number = max(self._last + 1, (now_ns - self._opened_ns) // self._period_ns)
        while True:
            ready_ns = self._opened_ns + number * self._period_ns
            sensor = self._aged(number)
            started_ns = ready_ns - _READOUT_NS - sensor.exposure_us * 1000
            if started_ns >= not_before_ns:
                return self._moment(number, ready_ns, started_ns, sensor)
            number += max(1, math.floor((not_before_ns - started_ns) / self._period_ns))

    def _aged(self, number: int) -> SensorState:
        """The sensor at a frame: it has seen every frame since the last one, each in its own light."""
        assert self._opened_ns is not None
        sensor, last = self._sensor, self._last
        while last < number:
            # Of a long pause the first part counts as one light: exposure and focus come to rest in the second.
            step = max(1, number - last - _REMEMBERED_FRAMES)
            last += step
            ready_ns = self._opened_ns + last * self._period_ns
            seen = self._moment(last, ready_ns, ready_ns - _READOUT_NS - sensor.exposure_us * 1000, sensor)
            sensor = sensor.advanced(step, seen.lux, seen.subject_dioptres)
        return sensor

    def _moment(self, number: int, ready_ns: int, started_ns: int, sensor: SensorState) -> _Moment:
        stage = self._stage_at(started_ns)
        return _Moment(number, ready_ns, started_ns, sensor, stage, stage.at(started_ns))

    def _stage_at(self, started_ns: int) -> _Stage:
        for stage in reversed(self._stages):
            if stage.since_ns <= started_ns:
                return stage
        return self._stages[0]

    def _forget_before(self, started_ns: int) -> None:
        while len(self._stages) > 1 and self._stages[1].since_ns <= started_ns:
            del self._stages[0]

    def _obey(self, command: Command) -> dict[str, Any]:
        """Runs in the control thread; the drawing is made before anything is held."""
        match command:
            case Get():
                return self._state()
            case Light():
                with self._changed:
                    return self._set_stage(replace(self._stages[-1], lux=command.lux))
            case Fault():
                return self._set_fault(command.fault)
            case _:
                show = made(command)
                with self._changed:
                    return self._set_stage(replace(self._stages[-1], show=show), anew=True)

    def _set_stage(self, stage: _Stage, *, anew: bool = False) -> dict[str, Any]:
        since_ns = time.monotonic_ns()
        began_ns = since_ns if anew else stage.began_ns
        self._stages.append(replace(stage, since_ns=since_ns, began_ns=began_ns))
        if self._opened_ns is None:
            del self._stages[:-1]
        return {"from_ns": since_ns}

    def _set_fault(self, fault: Literal["none", "stall", "missing"]) -> dict[str, Any]:
        with self._changed:
            if fault == "none" and self._fault != "none":
                self._mended_ns = time.monotonic_ns()
            self._fault = fault
            self._changed.notify_all()
            return {"from_ns": time.monotonic_ns()}

    def _state(self) -> dict[str, Any]:
        with self._changed:
            stage = self._stages[-1]
            now_ns = time.monotonic_ns()
            return {
                "scene": stage.show.name,
                "lux": stage.at(now_ns).lux,
                "fault": self._fault,
                "opened": self._opened_ns is not None,
                "locked": self._sensor.locked,
                "frame": self._last,
                **stage.show.state((now_ns - stage.began_ns) / 1e9, stage.began_ns),
            }
