"""The camera's thread: reads QR codes and the document, guides, takes the portrait. It also owns the models.

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
from models.document.consensus import MrzConsensus
from models.document.portrait import DocumentPortrait, portrait_on_page, prints
from models.document.reader import DocumentReader
from models.errors import ModelError
from models.face.pipeline import FacePipeline
from models.face.types import Assessment, Component, Embedding
from models.policy import FacePolicy
from station.capture.worker import Post, Worker
from station.workflow.effects import CameraMode, UseCamera
from station.workflow.events import (
    DocumentGuided,
    DocumentMissed,
    DocumentRead,
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
_PAGE_STEADY_FRAMES = 1
"""A look at a page takes up to seconds on a small machine: what is wrong is told after the first one."""
_PORTRAIT_LOOKS = 4
_PASSPORT = "passport"
"""Guidance: the page must go before a portrait can be taken."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How long one attempt at document or portrait runs, and for how many frames all gates must hold."""

    document_s: float
    portrait_s: float
    window_frames: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What the camera's thread sees with: face models and the reader of documents."""

    faces: FacePipeline
    documents: DocumentReader


class CameraWorker(Worker[UseCamera]):
    """Owns the camera and the face pipeline.

    Args:
        camera: the driver, not opened.
        load: loads the models; called once in this thread, raises ModelError.
        now: the station's clock.
        driver: its name in the configuration, for the bundle.
    """

    name = "camera"

    def __init__(
        self,
        post: Post,
        camera: CameraPort,
        load: Callable[[], Sight],
        policy: FacePolicy,
        settings: CameraSettings,
        now: Callable[[], Instant],
        driver: str,
    ) -> None:
        super().__init__(post)
        self._camera = camera
        self._load = load
        self._policy = policy
        self._settings = settings
        self._now = now
        self._driver = driver
        self._info: CameraInfo | None = None
        self._failed = False
        self._wanted = UseCamera(CameraMode.OFF)
        self._last_qr = ("", 0.0)
        self._page_there = False

    def serve(self) -> None:
        # A missing or wrong model ends the daemon with its sentence: nothing can be captured without it.
        sight = self._load()
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
                    case CameraMode.DOCUMENT:
                        self._document(sight, self._wanted)
                    case CameraMode.PORTRAIT:
                        self._portrait(sight, self._wanted)
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

    # -- the document -----------------------------------------------------------------------------------------------

    def _document(self, sight: Sight, wanted: UseCamera) -> None:
        """One attempt: guides until the same zone was read in two frames, or the time is over."""
        guide, consensus = Guide("show_page", _PAGE_STEADY_FRAMES), MrzConsensus()
        lines: tuple[str, ...] | None = None
        looks = 0
        deadline = time.monotonic() + self._settings.document_s
        self._post(DocumentGuided(wanted.run, guide.shown))
        while time.monotonic() < deadline and not self._stopping.is_set():
            if self._take_commands(0):
                return
            frame = self._camera.frame(_FRAME_S, main=True)
            assert frame.main is not None
            page = sight.documents.frame(frame.main)
            self._beat()
            if guide.frame(page.guide, time.monotonic_ns()):
                self._post(DocumentGuided(wanted.run, guide.shown))
            lines = consensus.add(page.lines) or lines
            if lines is None:
                continue
            # The portrait of this very page; a thumb or a reflection on it may be gone a moment later.
            looks += 1
            portrait = None
            if page.lines == lines and page.corners is not None:
                portrait = portrait_on_page(sight.faces, frame.main, page.corners)
            if portrait is not None or looks >= _PORTRAIT_LOOKS:
                self._tell_read(wanted, lines, portrait)
                return
        if lines is not None:
            self._tell_read(wanted, lines, None)
            return
        if not self._stopping.is_set():
            verdict = guide.shown or "not-read"
            self._answer(DocumentMissed(wanted.run, self._page(verdict), self._device()))

    def _tell_read(self, wanted: UseCamera, lines: tuple[str, ...], portrait: DocumentPortrait | None) -> None:
        embedding = None if portrait is None else _embedding(portrait.template)
        verdict = "accepted" if portrait is not None else "no-portrait"
        self._answer(DocumentRead(wanted.run, lines, embedding, self._page(verdict), self._device()))

    def _page(self, verdict: str) -> bundle.AttemptEntry:
        return bundle.AttemptEntry(step="document", attempt=1, verdict=verdict, at_monotonic_ns=time.monotonic_ns())

    # -- portrait ----------------------------------------------------------------------------------------------------

    def _portrait(self, sight: Sight, wanted: UseCamera) -> None:
        """One attempt: guides until every gate holds, then takes the shot; or the time is over."""
        guide, window = Guide(), Window(self._settings.window_frames)
        self._page_there = False
        deadline = time.monotonic() + self._settings.portrait_s
        assert self._info is not None
        scale = self._info.main_size[0] / self._info.lores_size[0]
        self._post(PortraitGuided(wanted.run, guide.shown))
        while time.monotonic() < deadline and not self._stopping.is_set():
            if self._take_commands(0):
                return
            frame = self._camera.frame(_FRAME_S)
            seen = sight.faces.analyse(frame.lores, self._policy, scale=scale)
            # The small picture cannot tell a page; what the last shot saw holds until the next one.
            said = seen.guide or (_PASSPORT if self._page_there else None)
            if guide.frame(said, time.monotonic_ns()):
                self._post(PortraitGuided(wanted.run, guide.shown))
            if window.frame(seen.acceptable):
                window.reset()
                if self._shoot(sight, wanted, guide):
                    return
        if not self._stopping.is_set():
            self._give_up(sight, wanted)

    def _shoot(self, sight: Sight, wanted: UseCamera, guide: Guide) -> bool:
        """Locks focus and exposure, takes one frame that began afterwards, judges that very frame."""
        frame, seen = self._still(sight.faces)
        if seen.acceptable and self._is_page(sight, frame, seen):
            # Told at once: the passport that was read a moment ago is still there, and its picture has a good face.
            guide.tell(_PASSPORT, time.monotonic_ns())
            self._page_there = True
            self._post(PortraitGuided(wanted.run, guide.shown))
            return False
        self._page_there = False
        if not seen.acceptable or seen.face is None:
            if guide.frame(seen.guide, time.monotonic_ns()):
                self._post(PortraitGuided(wanted.run, guide.shown))
            return False
        portrait = self._record(sight.faces, frame, seen, "quality")
        if portrait is None:
            return False
        self._answer(
            PortraitTaken(wanted.run, portrait, self._entry("accepted", seen), self._device(), tuple(seen.advice))
        )
        return True

    def _give_up(self, sight: Sight, wanted: UseCamera) -> None:
        frame, seen = self._still(sight.faces)
        # Handed out all the same: where lines on a wall are mistaken for a zone, the officer decides and signs.
        page = self._is_page(sight, frame, seen)
        best = self._record(sight.faces, frame, seen, "officer")
        verdict = _PASSPORT if page else "no-face" if seen.face is None else (seen.guide or "unsteady")
        self._answer(PortraitMissed(wanted.run, best, self._entry(verdict, seen), self._device(), tuple(seen.advice)))

    def _is_page(self, sight: Sight, frame: Frame, seen: Assessment) -> bool:
        """Whether the face is the one printed above a zone: it must never pass for the person at the desk."""
        assert frame.main is not None
        page = sight.documents.frame(frame.main)
        self._beat()
        return page.corners is not None and seen.face is not None and prints(page.corners, seen.face)

    def _still(self, pipeline: FacePipeline) -> tuple[Frame, Assessment]:
        try:
            self._camera.lock(_LOCK_S)
            frame = self._camera.frame(_STILL_S, main=True, not_before_ns=time.monotonic_ns())
        finally:
            self._camera.unlock()
        assert frame.main is not None
        self._beat()
        return frame, pipeline.analyse(frame.main, self._policy)

    def _answer(self, event: DocumentRead | DocumentMissed | PortraitTaken | PortraitMissed) -> None:
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
        return bundle.Portrait(
            jpeg=picture.jpeg,
            width_px=picture.width,
            height_px=picture.height,
            policy=self._policy.policy_id,
            components=[_component(component) for component in seen.components],
            embedding=_embedding(template),
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


def _embedding(template: Embedding) -> bundle.Embedding:
    return bundle.Embedding(
        model_id=template.model_id,
        weights_sha256=bytes.fromhex(template.weights_sha256),
        alignment=template.alignment,
        dimension=len(template.vector),
        vector=template.vector.astype("<f4").tobytes(),
    )


def _component(component: Component) -> bundle.QualityComponent:
    return bundle.QualityComponent(
        name=component.name, raw=float(component.raw), score=round(component.score), passed=bool(component.passed)
    )


__all__ = ["CameraSettings", "CameraWorker", "ModelError", "Sight"]
