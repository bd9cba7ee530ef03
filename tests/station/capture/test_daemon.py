"""The owner loop with the emulated devices around it: what ends it, what does not, and with which exit code."""

from __future__ import annotations

import io
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers.camera.emulated import EmulatedCamera, EmulatedOptions
from drivers.display.emulated import EmulatedDisplay
from drivers.display.emulated import EmulatedOptions as DisplayOptions
from drivers.display.follow import ScreenFollower
from drivers.fingerprint.serial import SerialFingerprint, SerialOptions
from drivers.panel.debounce import DebouncePolicy
from drivers.panel.gpiozero import GpiozeroPanel, PanelOptions
from drivers.panel.port import Button, Edge, Light
from drivers.panel.remote import PanelRemote
from models import policy as portrait_policies
from models.errors import ModelMissing
from station import policy as policies
from station.capture.camera_worker import CameraSettings, CameraWorker
from station.capture.daemon import EXIT_CONFIG, EXIT_FAILED, EXIT_OK, CaptureDaemon, Dimming, Inbox, Workers, exit_code
from station.capture.display_worker import DisplayWorker
from station.capture.finger_worker import FingerWorker
from station.capture.front import FrontPanel
from station.capture.storage_worker import Parts, StorageWorker
from station.errors import ConfigInvalid, StorageFull
from station.log import Log
from station.notify import Notifier
from station.workflow.events import DraftRestored, Part, PartBack, PartFailed
from station.workflow.session import Session
from station.workflow.state import State, Step
from tests.station.workflow.conftest import BUNDLE, POLICY, at, make_case
from wire.catalogue import Catalogue, bundled

DEBOUNCE = DebouncePolicy(settle_s=0.02, long_s={Button.OFFICER_BACK: 1.5})
SECRET = "NGUYEN-VAN-SECRET"


@dataclass
class Desk:
    """A daemon in a thread of this process."""

    folder: Path
    parts: Parts
    inbox: Inbox = field(default_factory=queue.SimpleQueue)
    log: io.StringIO = field(default_factory=io.StringIO)
    load: Callable[[], Any] = lambda: None
    texts: Catalogue = field(default_factory=bundled)
    code: int | None = None

    def __post_init__(self) -> None:
        panel_options = {"pin_factory": "eid_emulated", "socket": str(self.folder / "panel" / "p.sock")}
        self.panel = GpiozeroPanel(PanelOptions.model_validate(panel_options))
        self.storage = StorageWorker(self.inbox.put, self.parts)
        face = portrait_policies.bundled()[-1]
        camera = EmulatedCamera(EmulatedOptions(frame_rate=5.0))
        sensor = SerialFingerprint(SerialOptions(device=str(self.folder / "no-sensor")))
        fingers = policies.finger("single-finger-2026-11").capture()
        display = EmulatedDisplay(DisplayOptions(directory=self.folder / "screens"))
        self.workers = Workers(
            CameraWorker(
                self.inbox.put, camera, self._loaded, face, CameraSettings(20.0, 20.0, 3), lambda: at(1), "emulated"
            ),
            FingerWorker(self.inbox.put, sensor, fingers, "serial"),
            DisplayWorker(self.inbox.put, display),
            self.storage,
        )
        self.screens = ScreenFollower(self.folder / "screens", 20.0)

    def _loaded(self) -> Any:
        return self.load()

    def start(self, restored: DraftRestored | None = None) -> None:
        log = Log(self.log, "capture", lambda: 0)
        state = State(policy=POLICY, officer_id="CB01")
        self.daemon = CaptureDaemon(
            state,
            self.inbox,
            self.workers,
            self.panel,
            DEBOUNCE,
            Dimming(120.0, 1200.0),
            self.parts.clock,
            self.texts,
            log,
            Notifier({}),
        )
        self.thread = threading.Thread(target=lambda: setattr(self, "code", self.daemon.run(restored)))
        self.thread.start()

    def ended(self, timeout_s: float = 20.0) -> int | None:
        """The exit code of a daemon that ends by itself."""
        self.thread.join(timeout_s)
        assert not self.thread.is_alive()
        return self.code

    def until(self, condition: Callable[[], object], timeout_s: float = 10.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.01)

    def logged(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in found if line["event"] == event]


@pytest.fixture
def desk(short_dir: Path, parts: Parts) -> Iterator[Desk]:
    (short_dir / "panel").mkdir()
    made = Desk(short_dir, parts)
    yield made
    if hasattr(made, "daemon"):
        made.daemon.end()
        assert made.ended() is not None


def session() -> Session:
    return Session(bundle_id=BUNDLE, officer_id="CB01", case=make_case(), started=at(0))


def fail_with(error: Exception) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load


class TestEnds:
    """Crash-only: the draft brings the session back."""

    def test_clean_end(self, desk: Desk) -> None:
        """SIGTERM: 0, and no thread is left behind."""
        desk.start()
        desk.until(lambda: desk.logged("capture.ready"))
        desk.daemon.end()

        assert desk.ended() == EXIT_OK
        assert not desk.daemon.stuck

    def test_dying_worker_ends_the_process_and_the_draft_survives(self, desk: Desk) -> None:
        """Non-zero, with the place in the log and nothing of the exception's text."""
        desk.parts.draft.save(session())
        desk.load = fail_with(RuntimeError(SECRET))
        desk.start(DraftRestored(session(), sealed=False))
        code = desk.ended()
        (died,) = desk.logged("worker.died")

        assert code == EXIT_FAILED
        assert (died["worker"], died["error"]) == ("camera", "RuntimeError")
        assert died["where"].startswith("test_daemon.py:")
        assert SECRET not in desk.log.getvalue()
        assert desk.parts.draft.load() == session()

    def test_missing_model_is_shown_and_left_to_the_admin(self, desk: Desk) -> None:
        """The sentence stays on the glass; systemd does not try again."""
        desk.load = fail_with(ModelMissing(file="mesh.tflite", sha256="0" * 64, origin="https://example.org"))
        desk.start()

        assert desk.ended() == EXIT_CONFIG
        assert "mesh.tflite" in desk.screens.wait_for("fatal").lines[0].en

    def test_silent_worker_ends_the_process(self, desk: Desk) -> None:
        """A hung native call: systemd starts us again."""
        desk.workers.display.silence_s = -1.0
        desk.start()

        assert desk.ended() == EXIT_FAILED
        assert desk.logged("worker.silent")[0]["worker"] == "display"

    def test_exception_in_the_loop_is_named_without_its_text(self, desk: Desk) -> None:
        """P2: the text of a refused value holds the value."""
        desk.texts = Catalogue({})
        desk.start()

        assert desk.ended() == EXIT_FAILED
        assert desk.logged("loop.died")[0]["error"] == "CatalogueError"
        assert ".py:" in desk.logged("loop.died")[0]["where"]

    def test_card_that_refuses_never_leaves_a_station_dead(self) -> None:
        """Exit status 78 is not started again: for the admin's errors only."""
        assert exit_code(ConfigInvalid(file="f", field="x", reason="r")) == EXIT_CONFIG
        assert exit_code(StorageFull(where="outbox", reason="ENOSPC")) == EXIT_FAILED
        assert exit_code(RuntimeError()) == EXIT_FAILED


class TestGoesOn:
    """What must not end it."""

    def test_missing_panel_is_told_and_comes_back(self, desk: Desk) -> None:
        """The display tells; plugged in, the buttons work without a restart."""
        (desk.folder / "panel").rmdir()
        desk.start()
        wanted = bundled().text("part.panel.failed")
        desk.screens.wait_for(lambda shown: wanted in (shown.title, *shown.lines))
        told = desk.daemon._state.faults[Part.PANEL]
        (desk.folder / "panel").mkdir()
        desk.until(lambda: Part.PANEL not in desk.daemon._state.faults)
        with PanelRemote(desk.folder / "panel" / "p.sock") as remote:
            remote.tap(Button.OFFICER_OK)
            desk.until(lambda: desk.daemon._state.notice is not None)

        assert told.message_id == "error.panel.socket"

    def test_broken_display_does_not_stop_the_session(self, desk: Desk) -> None:
        """The steps go on; the light tells."""
        (desk.folder / "screens").write_text("not a folder")
        desk.start(DraftRestored(session(), sealed=False))
        desk.until(lambda: Part.DISPLAY in desk.daemon._state.faults)
        with PanelRemote(desk.folder / "panel" / "p.sock") as remote:
            remote.tap(Button.OFFICER_OK)
            desk.until(lambda: desk.daemon._state.step is Step.CONSENT)

    def test_tap_that_waited_in_the_queue_is_no_long_press(self, desk: Desk) -> None:
        """The loop was busy for three seconds: press and release lay there together."""
        long_ago = time.monotonic_ns() - 3_000_000_000
        edges = [(Button.OFFICER_OK, True), (Button.OFFICER_OK, False)]
        edges += [(Button.OFFICER_BACK, True), (Button.OFFICER_BACK, False)]
        for number, (button, pressed) in enumerate(edges):
            desk.inbox.put(Edge(button, pressed, long_ago + number * 100_000_000))
        desk.start(DraftRestored(session(), sealed=False))
        desk.until(lambda: len(desk.logged("step")) >= 3)

        assert [line["step"] for line in desk.logged("step")][:3] == ["case", "consent", "case"]


class TestFront:
    """The panel alone."""

    @pytest.fixture
    def edges(self) -> queue.SimpleQueue[Edge]:
        return queue.SimpleQueue()

    @pytest.fixture
    def front(self, short_dir: Path, edges: queue.SimpleQueue[Edge]) -> Iterator[FrontPanel]:
        options = {"pin_factory": "eid_emulated", "socket": str(short_dir / "p.sock")}
        made = FrontPanel(GpiozeroPanel(PanelOptions.model_validate(options)), DEBOUNCE, edges.put)
        yield made
        made.close()

    def test_light_that_fails_is_a_fault_and_the_panel_is_opened_anew(
        self, front: FrontPanel, short_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not the end of the daemon; the lights say again what they said."""
        light = Light(0.0, 0.0, 1.0)
        assert front.tend() == PartBack(Part.PANEL)
        assert front.show(light, flash=True) is None
        lights = front._panel._lights  # type: ignore[attr-defined]
        lights._failure = "line gone"
        failed = front.beep(1)
        silent = (front.beep(1), front.show(light, flash=False), front.tend())
        monkeypatch.setattr(front, "_tried_at", 0.0)
        back = front.tend()
        with PanelRemote(short_dir / "p.sock") as remote, remote.watch() as watch:
            shown = watch.wait_for(lambda change: change.name == "status" and change.value == (0.0, 0.0, 1.0), 5.0)

        assert isinstance(failed, PartFailed)
        assert failed.part is Part.PANEL
        assert silent == (None, None, None)
        assert back == PartBack(Part.PANEL)
        assert shown.value == (0.0, 0.0, 1.0)

    def test_button_held_while_the_panel_went_is_not_a_long_press(self, front: FrontPanel) -> None:
        """Nobody knows whether it is still held; a cancelled session is too much to guess."""
        front.tend()
        front.edge(Edge(Button.OFFICER_BACK, True, 1_000_000_000))
        front._panel._lights._failure = "line gone"  # type: ignore[attr-defined]
        front.beep(1)

        assert front.next_deadline_ns() is None
        assert front.tick(60_000_000_000) == []


def test_what_the_station_does_not_need_is_not_loaded() -> None:
    """Start-up time and memory: calendars, telephone numbers and forms are the centre's business."""
    code = "import sys, station.capture.build; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"phonenumbers", "holidays", "sqlalchemy", "wire.rules.case", "wire.rules.decision"} & set(loaded) == set()
