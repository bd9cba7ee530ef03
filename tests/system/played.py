"""People who have never seen the station, played before the real camera thread with the real models.

Nobody tells them what to do but the guidance: each scripted scene begins with something wrong and ends with the person
doing what the display says. Used by the tests and by `benchmarks/portrait_scenes.py`.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from drivers.camera.emulated import EmulatedCamera, EmulatedOptions
from drivers.camera.remote import CameraRemote
from drivers.camera.script import Script, named_script
from models import policy as portrait_policies
from models.document.reader import DocumentReader
from models.face.landmarks import five_points
from models.face.pipeline import FacePipeline
from station import policy as policies
from station.capture.camera_worker import CameraSettings, CameraWorker, Sight
from station.workflow.effects import CameraMode, UseCamera
from station.workflow.events import PortraitGuided, PortraitMissed, PortraitTaken
from wire.bundle import ClockTrust, Instant


@dataclass(frozen=True, slots=True)
class Scene:
    """A script, from which of its steps on it is played, and what must and must not happen in it.

    Attributes:
        begin: the first step at which something is wrong, where the script begins with a person sitting well.
        wrong: so many steps from there are wrong throughout: no portrait may be taken before they are over.
        said: sentences of which at least one must be shown; empty where nothing need be said.
    """

    script: str
    begin: int
    wrong: int
    said: frozenset[str] = frozenset()

    def steps(self, whole: Script) -> Script:
        """The part that is played."""
        return whole.model_copy(update={"steps": whole.steps[self.begin :]})

    def wrong_s(self, whole: Script) -> float:
        """Seconds from the beginning in which no portrait may be taken."""
        return sum(step.for_s for step in whole.steps[self.begin : self.begin + self.wrong])


SCENES = (
    Scene("enters", 0, 2, frozenset({"no-face"})),
    Scene("too-far", 0, 1, frozenset({"closer"})),
    Scene("looks-away", 1, 1, frozenset({"look-straight"})),
    Scene("looks-away", 3, 1, frozenset({"chin-up"})),
    Scene("blinks", 0, 0),
    Scene("blinks", 6, 1),
    Scene("second-person", 2, 1, frozenset({"one-person"})),
    Scene("walks-past", 1, 0),
    Scene("child-held-low", 0, 1, frozenset({"move-up", "one-person", "move-left", "head-level"})),
    Scene("lights-off", 1, 1, frozenset({"too-dark"})),
    Scene("covered", 1, 1, frozenset({"camera-covered"})),
    Scene("glasses", 0, 1, frozenset({"glasses"})),
    Scene("masked", 0, 2, frozenset({"mask", "hat-mask"})),
)
"""Everybody a station meets, and in the end each of them sits as the guidance asks."""

DESK_POLICY = "desk-2026-11"
Eyes = tuple[tuple[float, float], tuple[float, float]]


@dataclass(slots=True)
class Played:
    """How one scene went.

    Attributes:
        wrong_s: so long something was wrong.
        said: (seconds, sentence); None means: hold still.
        after_s: until the portrait was there; None when the attempt ended without one.
    """

    scene: Scene
    wrong_s: float
    said: list[tuple[float, str | None]] = field(default_factory=list)
    after_s: float | None = None
    taken: PortraitTaken | None = None


class Stage:
    """One camera thread, its camera and its pipeline; scenes are played one after the other."""

    def __init__(self, folder: Path, pipeline: FacePipeline, portrait: Path, second: Path | None = None) -> None:
        desk = policies.desk(DESK_POLICY)
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._portrait, self._second = portrait, second or portrait
        self._eyes = {path: eyes_of(pipeline, path) for path in {self._portrait, self._second}}
        control = folder / "camera.sock"
        self._worker = CameraWorker(
            self._inbox.put,
            EmulatedCamera(EmulatedOptions.model_validate({"control_socket": str(control)})),
            lambda: Sight(pipeline, DocumentReader.load()),
            portrait_policies.bundled()[-1],
            CameraSettings(desk.document_attempt_s, desk.portrait_attempt_s, desk.portrait_window_frames),
            _now,
            "emulated",
        )
        self._worker.start()
        self._remote = CameraRemote(control, 20.0).connect()
        self._run = 0

    def play(self, scene: Scene, timeout_s: float = 30.0) -> Played:
        """One attempt, from the moment somebody is asked for a portrait."""
        whole = named_script(
            scene.script,
            portrait=self._portrait,
            second=self._second,
            eyes=self._eyes[self._portrait],
            second_eyes=self._eyes[self._second],
        )
        script = scene.steps(whole)
        self._run += 1
        played = Played(scene, scene.wrong_s(whole))
        self._remote.send(**script.command())
        began = time.monotonic()
        self._worker.send(UseCamera(CameraMode.PORTRAIT, self._run))
        while True:
            event = self._inbox.get(timeout=max(0.1, began + timeout_s - time.monotonic()))
            passed_s = time.monotonic() - began
            match event:
                case PortraitGuided(run, guide) if run == self._run:
                    played.said.append((passed_s, guide))
                case PortraitTaken(run, _, _, _) if run == self._run:
                    played.after_s, played.taken = passed_s, event
                    return played
                case PortraitMissed(run, _, _, _) if run == self._run:
                    return played
                case _:
                    continue

    def close(self) -> None:
        self._remote.close()
        self._worker.stop()
        self._worker.join(15.0)


@contextmanager
def stage(pipeline: FacePipeline, portrait: Path, second: Path | None = None) -> Iterator[Stage]:
    """A stage in a short place: Unix socket paths have a limit of 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="eid-"))
    made = Stage(folder, pipeline, portrait, second)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def eyes_of(pipeline: FacePipeline, portrait: Path) -> Eyes | None:
    """Both pupils as shares of the picture, left in the picture first; None where no face is found."""
    with Image.open(portrait) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    face = pipeline.find(rgb)
    if face is None:
        return None
    height, width = rgb.shape[:2]
    left, right = sorted((float(x) / width, float(y) / height) for x, y in five_points(face)[:2])
    return left, right


def _now() -> Instant:
    ns = time.monotonic_ns()
    return Instant(wall_ms=time.time_ns() // 1_000_000, monotonic_ns=ns, boot_id="played", trust=ClockTrust.SYNCED)
