"""The camera's thread: reads QR codes, guides, takes the portrait. It also owns the face models.

One exposure gives the whole portrait: image, quality and embedding come from the same frame. Must never keep a frame
longer than the attempt it belongs to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import zxingcpp

from drivers.camera.port import CameraInfo, CameraPort, Frame
from drivers.errors import DriverError
from models.errors import ModelError
from models.face.pipeline import FacePipeline
from models.face.types import Assessment, Component
from models.policy import FacePolicy
from station.capture.worker import Post, Worker
from station.workflow.effects import CameraMode, UseCamera
from station.workflow.events import (
    Part,
    PartBack,
    PartFailed,
    PortraitGuided,
    PortraitMissed,
    PortraitTaken,
    QrSeen,
)
from station.workflow.guidance import Guide, Window
from wire import bundle
from wire.bundle import Instant

_QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_FRAME_S = 2.0
_STILL_S = 3.0
_LOCK_S = 4.0
_RETRY_S = 1.0
_QR_PERIOD_S = 0.15
_QR_AGAIN_S = 3.0


@dataclass(frozen=True, slots=True)
class PortraitSettings:
    """How one attempt runs: its length, and for how many frames all gates must hold."""

    attempt_s: float
    window_frames: int


class CameraWorker(Worker[UseCamera]):
    """Owns the camera and the face pipeline.

    Args:
        camera: the driver, not opened.
        load_pipeline: loads the models; called once in this thread, raises ModelError.
        now: the station's clock.
        driver: its name in the configuration, for the bundle.
    """

    name = "camera"

    def __init__(
        self,
        post: Post,
        camera: CameraPort,
        load_pipeline: Callable[[], FacePipeline],
        policy: FacePolicy,
        settings: PortraitSettings,
        now: Callable[[], Instant],
        driver: str,
    ) -> None:
        super().__init__(post)
        self._camera = camera
        self._load_pipeline = load_pipeline
        self._policy = policy
        self._settings = settings
        self._now = now
        self._driver = driver
        self._info: CameraInfo | None = None
        self._failed = False
        self._wanted = UseCamera(CameraMode.OFF)
        self._last_qr = ("", 0.0)

    def serve(self) -> None:
        # A missing or wrong model ends the daemon with its sentence: nothing can be captured without it.
        pipeline = self._load_pipeline()
        while not self._stopping.is_set():
            self._take_commands(0.25 if self._wanted.mode is CameraMode.OFF and self._info else 0)
            try:
                if self._info is None:
                    self._info = self._camera.open()
                if self._failed:
                    # A camera that opens but gives no frames is not back.
                    self._camera.frame(_FRAME_S)
                    self._failed = False
                    self._post(PartBack(Part.CAMERA))
                match self._wanted.mode:
                    case CameraMode.OFF:
                        continue
                    case CameraMode.QR:
                        self._look_for_code()
                    case CameraMode.PORTRAIT:
                        self._portrait(pipeline, self._wanted)
            except DriverError as error:
                self._fault(error)

    def release(self) -> None:
        self._camera.close()

    def _take_commands(self, timeout_s: float) -> bool:
        """Takes up the newest command; whether it differs from the running one."""
        command = self._next(timeout_s)
        changed = False
        while command is not None:
            changed = changed or command != self._wanted
            self._wanted = command
            command = self._next(0)
        return changed

    def _fault(self, error: DriverError) -> None:
        if self._info is not None:
            self._camera.close()
        self._info = None
        self._failed = True
        self._post(PartFailed(Part.CAMERA, error.message_id, error.params))
        self._stopping.wait(_RETRY_S)

    # -- QR codes --------------------------------------------------------------------------------------------------

    def _look_for_code(self) -> None:
        frame = self._camera.frame(_FRAME_S)
        for code in zxingcpp.read_barcodes(frame.lores, formats=_QR_CODES):
            seen_at = time.monotonic()
            text, last_at = self._last_qr
            if code.text != text or seen_at - last_at > _QR_AGAIN_S:
                self._last_qr = (code.text, seen_at)
                self._post(QrSeen(code.text))
        self._stopping.wait(_QR_PERIOD_S)

    # -- portrait ----------------------------------------------------------------------------------------------------

    def _portrait(self, pipeline: FacePipeline, wanted: UseCamera) -> None:
        """One attempt: guides until every gate holds, then takes the shot; or the time is over."""
        guide, window = Guide(), Window(self._settings.window_frames)
        deadline = time.monotonic() + self._settings.attempt_s
        assert self._info is not None
        scale = self._info.main_size[0] / self._info.lores_size[0]
        self._post(PortraitGuided(wanted.run, guide.shown))
        while time.monotonic() < deadline and not self._stopping.is_set():
            if self._take_commands(0):
                return
            frame = self._camera.frame(_FRAME_S)
            seen = pipeline.analyse(frame.lores, self._policy, scale=scale)
            if guide.frame(seen.guide, time.monotonic_ns()):
                self._post(PortraitGuided(wanted.run, guide.shown))
            if window.frame(seen.acceptable):
                window.reset()
                if self._shoot(pipeline, wanted, guide):
                    return
        if not self._stopping.is_set():
            self._give_up(pipeline, wanted)

    def _shoot(self, pipeline: FacePipeline, wanted: UseCamera, guide: Guide) -> bool:
        """Locks focus and exposure, takes one frame that began afterwards, judges that very frame."""
        frame, seen = self._still(pipeline)
        if not seen.acceptable or seen.face is None:
            if guide.frame(seen.guide, time.monotonic_ns()):
                self._post(PortraitGuided(wanted.run, guide.shown))
            return False
        portrait = self._record(pipeline, frame, seen, "quality")
        if portrait is None:
            return False
        self._answer(PortraitTaken(wanted.run, portrait, self._entry("accepted", seen), self._device()))
        return True

    def _give_up(self, pipeline: FacePipeline, wanted: UseCamera) -> None:
        frame, seen = self._still(pipeline)
        best = self._record(pipeline, frame, seen, "officer")
        verdict = "no-face" if seen.face is None else (seen.guide or "unsteady")
        self._answer(PortraitMissed(wanted.run, best, self._entry(verdict, seen), self._device()))

    def _still(self, pipeline: FacePipeline) -> tuple[Frame, Assessment]:
        try:
            self._camera.lock(_LOCK_S)
            frame = self._camera.frame(_STILL_S, main=True, not_before_ns=time.monotonic_ns())
        finally:
            self._camera.unlock()
        assert frame.main is not None
        self._beat()
        return frame, pipeline.analyse(frame.main, self._policy)

    def _answer(self, event: PortraitTaken | PortraitMissed) -> None:
        """Posted once; then the camera waits for the next command."""
        self._wanted = UseCamera(CameraMode.OFF)
        self._post(event)

    def _record(
        self, pipeline: FacePipeline, frame: Frame, seen: Assessment, accepted_by: str
    ) -> bundle.Portrait | None:
        """The portrait of this very frame; None without a face, or with one that no portrait can be made of."""
        assert frame.main is not None
        if seen.face is None:
            return None
        try:
            picture = pipeline.portrait(frame.main, seen.face, self._policy)
            template = pipeline.embed(frame.main, seen.face)
        except ValueError:
            return None
        vector = template.vector.astype("<f4").tobytes()
        return bundle.Portrait(
            jpeg=picture.jpeg,
            width_px=picture.width,
            height_px=picture.height,
            policy=self._policy.policy_id,
            components=[_component(component) for component in seen.components],
            embedding=bundle.Embedding(
                model_id=template.model_id,
                weights_sha256=bytes.fromhex(template.weights_sha256),
                alignment=template.alignment,
                dimension=len(template.vector),
                vector=vector,
            ),
            accepted_by="quality" if accepted_by == "quality" else "officer",
            attempts=1,
            captured=self._now(),
            exposure_us=frame.exposure_us,
            analogue_gain=float(frame.analogue_gain),
        )

    def _device(self) -> bundle.Device:
        assert self._info is not None
        return bundle.Device(kind="camera", driver=self._driver, model=self._info.model, device_class="rgb-camera")

    def _entry(self, verdict: str, seen: Assessment) -> bundle.AttemptEntry:
        return bundle.AttemptEntry(
            step="portrait",
            attempt=1,
            verdict=verdict,
            quality=[_component(component) for component in seen.components],
            at_monotonic_ns=time.monotonic_ns(),
        )


def _component(component: Component) -> bundle.QualityComponent:
    return bundle.QualityComponent(
        name=component.name, raw=float(component.raw), score=round(component.score), passed=bool(component.passed)
    )


__all__ = ["CameraWorker", "ModelError", "PortraitSettings"]
