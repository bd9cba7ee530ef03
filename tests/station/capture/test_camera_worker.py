"""The camera thread with the emulated camera and the real models: codes, portraits, stalls, useless frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from drivers.camera.document import td3_lines
from drivers.camera.emulated import EmulatedCamera, EmulatedOptions
from drivers.camera.page import font_file
from drivers.camera.remote import CameraRemote
from models import policy as portrait_policies
from models.demo_portrait import demo_portrait
from models.document.reader import DocumentReader
from models.errors import ModelError
from models.face.pipeline import FacePipeline
from models.store import ModelStore
from station.capture.camera_worker import CameraSettings, CameraWorker, Sight
from station.capture.worker import Fatal
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
from station.workflow.matching import compared
from station.workflow.state import MatchPolicy
from tests.station.capture.posted import Posted
from tests.station.workflow.conftest import at
from tests.system.played import eyes_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pipeline() -> FacePipeline:
    missing = ModelStore.standard(demo=True).needed()
    if missing:
        pytest.skip(f"model file {missing[0].file} is missing; its origin: {missing[0].origin}")
    return FacePipeline.open(ModelStore.standard(demo=True))


@pytest.fixture(scope="module")
def reader() -> DocumentReader:
    return DocumentReader.load()


@pytest.fixture(scope="module")
def portrait() -> Path:
    try:
        return demo_portrait(ROOT / ".cache" / "portrait")
    except ModelError as error:
        pytest.skip(f"no portrait: {error}")


@pytest.fixture
def make_worker(
    short_dir: Path, posted: Posted, pipeline: FacePipeline, reader: DocumentReader
) -> Iterator[Callable[..., CameraWorker]]:
    made: list[CameraWorker] = []

    def make(attempt_s: float = 20.0, **options: object) -> CameraWorker:
        given = {"control_socket": str(short_dir / "camera.sock"), **options}
        worker = CameraWorker(
            posted.put,
            EmulatedCamera(EmulatedOptions.model_validate(given)),
            lambda: Sight(pipeline, reader),
            portrait_policies.bundled()[-1],
            CameraSettings(attempt_s, attempt_s, 2),
            lambda: at(1),
            "emulated",
        )
        made.append(worker)
        worker.start()
        return worker

    yield make
    for worker in made:
        worker.stop()
        assert worker.join(15.0)


@pytest.fixture
def remote(short_dir: Path) -> Iterator[CameraRemote]:
    found = CameraRemote(short_dir / "camera.sock", 20.0)
    yield found
    found.close()


def test_code_is_reported_again_while_it_lies_there(
    make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted
) -> None:
    """Every three seconds, so that the workflow knows that it was never taken away."""
    make_worker().send(UseCamera(CameraMode.QR))
    remote.send(scene="qr", text="EID1:A")
    posted.wait_for(QrSeen)
    first_at = time.monotonic()
    again = posted.wait_for(QrSeen, timeout_s=10.0)

    assert again.text == "EID1:A"
    assert time.monotonic() - first_at > 2.0


def test_no_code_is_read_while_the_camera_is_off(
    make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted
) -> None:
    """A session is not disturbed by a code on the desk."""
    worker = make_worker()
    worker.send(UseCamera(CameraMode.QR))
    remote.send(scene="qr", text="EID1:A")
    posted.wait_for(QrSeen)
    worker.send(UseCamera(CameraMode.OFF))
    beat = worker.beat_ns
    remote.send(scene="qr", text="EID1:B")
    deadline = time.monotonic() + 10.0
    while worker.beat_ns - beat < 1_000_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert [event.text for event in posted.drain() if isinstance(event, QrSeen)] == ["EID1:A"]


def test_portrait_is_whole_and_of_one_exposure(
    make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
) -> None:
    """Picture, quality, embedding, exposure; the camera is free again afterwards."""
    make_worker(lux=600.0).send(UseCamera(CameraMode.PORTRAIT, 3))
    remote.send(scene="person", portrait=portrait)
    taken = posted.wait_for(PortraitTaken)

    assert taken.run == 3
    assert taken.portrait.jpeg[:3] == b"\xff\xd8\xff"
    assert all(component.passed for component in taken.portrait.components)
    assert taken.portrait.exposure_us > 0
    assert not remote.state()["locked"]


def test_stall_in_the_middle_of_a_portrait(
    make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
) -> None:
    """P4: told once, back when frames flow again, and the same attempt ends in a portrait."""
    make_worker().send(UseCamera(CameraMode.PORTRAIT, 5))
    posted.wait_for(PortraitGuided)
    remote.send(fault="stall")
    failed = posted.wait_for(PartFailed)
    posted.wait_for(PartFailed)
    remote.connect()
    remote.send(fault="none")
    remote.send(scene="person", portrait=portrait)
    posted.wait_for(PartBack)
    taken = posted.wait_for(PortraitTaken)
    told = [type(event) for event in posted.seen if isinstance(event, PartFailed | PartBack)]

    assert failed.part is Part.CAMERA
    assert taken.run == 5
    assert told[-1] is PartBack
    assert told.count(PartBack) == 1


def test_person_that_is_never_good_enough_is_missed_with_the_reason(
    make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
) -> None:
    """The best there is, for the officer, and what was wrong."""
    make_worker(attempt_s=2.0, lux=0.2).send(UseCamera(CameraMode.PORTRAIT, 1))
    remote.send(scene="person", portrait=portrait)
    missed = posted.wait_for(PortraitMissed)

    assert missed.run == 1
    assert missed.log.verdict != "accepted"
    assert not all(component.passed for component in missed.log.quality) or missed.best is None
    assert missed.best is None or missed.best.accepted_by == "officer"


def test_nobody_is_missed_without_a_picture(make_worker: Callable[..., CameraWorker], posted: Posted) -> None:
    """An empty chair gives nothing to accept."""
    make_worker(attempt_s=1.0).send(UseCamera(CameraMode.PORTRAIT, 1))
    missed = posted.wait_for(PortraitMissed)

    assert missed.best is None
    assert missed.log.verdict in ("no-face", "camera-covered")


def test_face_of_which_no_portrait_can_be_made_ends_nothing(
    make_worker: Callable[..., CameraWorker],
    remote: CameraRemote,
    posted: Posted,
    portrait: Path,
    pipeline: FacePipeline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A degenerate face is refused by the models with ValueError: a miss, not the end of the daemon."""

    def refuse(*_: object) -> None:
        raise ValueError("the face has no extent in this image")

    monkeypatch.setattr(pipeline, "embed", refuse)
    make_worker(attempt_s=2.0, lux=600.0).send(UseCamera(CameraMode.PORTRAIT, 1))
    remote.send(scene="person", portrait=portrait)
    missed = posted.wait_for(PortraitMissed)

    assert missed.best is None


def test_new_command_ends_a_running_attempt(make_worker: Callable[..., CameraWorker], posted: Posted) -> None:
    """Back, cancel, retake: the older run says nothing more."""
    worker = make_worker()
    worker.send(UseCamera(CameraMode.PORTRAIT, 1))
    posted.wait_for(PortraitGuided)
    worker.send(UseCamera(CameraMode.OFF))
    worker.send(UseCamera(CameraMode.PORTRAIT, 2))
    second = posted.wait_for(PortraitGuided, lambda event: event.run == 2)

    assert second.guide == "no-face"
    assert not [event for event in posted.drain() if isinstance(event, PortraitMissed)]


def test_missing_model_ends_the_daemon(posted: Posted, tmp_path: Path) -> None:
    """P5: nothing is captured without the models; the error names the file."""
    worker = CameraWorker(
        posted.put,
        EmulatedCamera(EmulatedOptions()),
        lambda: Sight(FacePipeline.open(ModelStore([tmp_path])), DocumentReader.load()),
        portrait_policies.bundled()[-1],
        CameraSettings(1.0, 1.0, 1),
        lambda: at(1),
        "emulated",
    )
    worker.start()
    fatal = posted.wait_for(Fatal)

    assert isinstance(fatal.error, ModelError)
    assert worker.join(5.0)


LINES = td3_lines("MAU", "NGUOI", "M00000000", "KOR", date(1985, 3, 12), date(2030, 3, 11), sex="M")


class TestDocument:
    """The page of a passport that is held to the camera."""

    @pytest.fixture(autouse=True)
    def _font(self) -> None:
        if font_file() is None:
            pytest.skip("the font OCR-B is missing; make setup unpacks it")

    def test_zone_and_portrait_of_the_page(
        self, make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
    ) -> None:
        """Read in two frames, told once; the camera then rests. The face beside it is nobody's business."""
        worker = make_worker()
        worker.send(UseCamera(CameraMode.DOCUMENT, 3))
        guided = posted.wait_for(DocumentGuided)
        remote.send(scene="page", lines=list(LINES), portrait=str(portrait))
        read = posted.wait_for(DocumentRead, timeout_s=30.0)

        assert guided.guide == "show_page"
        assert (read.run, read.lines) == (3, LINES)
        assert read.embedding is not None
        assert read.log.step == "document"
        assert read.device.driver == "emulated"

    def test_page_and_person_of_the_same_portrait_match(
        self, make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
    ) -> None:
        """Page and living face through the same models: far above the line of acceptance."""
        worker = make_worker()
        worker.send(UseCamera(CameraMode.DOCUMENT, 1))
        remote.send(scene="page", lines=list(LINES), portrait=str(portrait))
        page = posted.wait_for(DocumentRead, timeout_s=30.0)
        worker.send(UseCamera(CameraMode.PORTRAIT, 2))
        remote.send(scene="person", portrait=str(portrait))
        taken = posted.wait_for(PortraitTaken, timeout_s=30.0)
        live = taken.portrait.embedding
        match = compared(page.embedding, live, MatchPolicy(live.model_id, accept=0.5, review=0.34))

        assert match is not None
        assert match.score > 0.5

    def test_page_without_a_portrait_is_read_all_the_same(
        self, make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted
    ) -> None:
        """The zone counts; there is nothing to compare, and the log says so."""
        worker = make_worker()
        worker.send(UseCamera(CameraMode.DOCUMENT, 1))
        remote.send(scene="page", lines=list(LINES))
        read = posted.wait_for(DocumentRead, timeout_s=30.0)

        assert read.lines == LINES
        assert read.embedding is None
        assert read.log.verdict == "no-portrait"

    def test_zone_with_a_wrong_check_digit_is_never_read(
        self, make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted
    ) -> None:
        """However often it is seen; the attempt ends in time."""
        wrong = (LINES[0], LINES[1][:-1] + ("1" if LINES[1][-1] != "1" else "2"))
        worker = make_worker(attempt_s=4.0)
        worker.send(UseCamera(CameraMode.DOCUMENT, 1))
        remote.send(scene="page", lines=list(wrong))
        missed = posted.wait_for(DocumentMissed, timeout_s=30.0)

        assert missed.run == 1
        assert not [event for event in posted.drain() if isinstance(event, DocumentRead)]

    def test_nothing_is_read_off_a_face(
        self, make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
    ) -> None:
        """A person before the camera is no document."""
        worker = make_worker(attempt_s=3.0)
        remote.send(scene="person", portrait=str(portrait))
        worker.send(UseCamera(CameraMode.DOCUMENT, 1))
        missed = posted.wait_for(DocumentMissed, timeout_s=30.0)

        assert missed.log.verdict == "show_page"

    def test_portrait_is_never_taken_off_the_page(
        self,
        make_worker: Callable[..., CameraWorker],
        remote: CameraRemote,
        posted: Posted,
        portrait: Path,
        pipeline: FacePipeline,
    ) -> None:
        """The passport is still held up when the portrait begins: its face passes every gate, and is refused."""
        worker = make_worker(attempt_s=6.0)
        remote.send(scene="page", lines=list(LINES), portrait=str(portrait), eyes=eyes_of(pipeline, portrait))
        worker.send(UseCamera(CameraMode.PORTRAIT, 5))
        guided = posted.wait_for(PortraitGuided, lambda event: event.guide == "passport", timeout_s=30.0)
        missed = posted.wait_for(PortraitMissed, timeout_s=30.0)

        assert guided.run == missed.run == 5
        assert missed.log.verdict == "passport"

    def test_two_lines_on_a_wall_stop_nobody(
        self, make_worker: Callable[..., CameraWorker], remote: CameraRemote, posted: Posted, portrait: Path
    ) -> None:
        """P4: a zone that hangs behind a person is not under that person's face."""
        worker = make_worker()
        behind = {"scene": "person", "portrait": str(portrait)}
        wall = {"scene": "page", "lines": list(LINES), "distance_m": 0.5, "offset_y": 0.3}
        remote.send(scene="page", **{key: value for key, value in wall.items() if key != "scene"}, behind=behind)
        worker.send(UseCamera(CameraMode.PORTRAIT, 5))

        assert posted.wait_for(PortraitTaken, timeout_s=40.0).run == 5

    def test_portrait_follows_when_the_page_is_taken_away(
        self,
        make_worker: Callable[..., CameraWorker],
        remote: CameraRemote,
        posted: Posted,
        portrait: Path,
        pipeline: FacePipeline,
    ) -> None:
        """The same attempt goes on with the person."""
        worker = make_worker()
        remote.send(scene="page", lines=list(LINES), portrait=str(portrait), eyes=eyes_of(pipeline, portrait))
        worker.send(UseCamera(CameraMode.PORTRAIT, 5))
        posted.wait_for(PortraitGuided, lambda event: event.guide == "passport", timeout_s=30.0)
        remote.send(scene="person", portrait=str(portrait))

        assert posted.wait_for(PortraitTaken, timeout_s=30.0).run == 5
