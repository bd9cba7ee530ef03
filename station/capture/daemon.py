"""The capture daemon's owner loop: event -> step -> effects, and the only thread that knows the state.

Adapter threads only put events into the inbox. No effect here takes long: they are messages to the workers. A worker
without a sign of life, or an exception nobody expected, ends the process; the draft brings the session back.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from typing import assert_never

from drivers.display.port import Icon, Screen, Tone
from drivers.errors import DriverError
from drivers.panel.debounce import Debouncer, Press, PressKind
from drivers.panel.port import Button, Edge, PanelPort
from station.capture.camera_worker import CameraWorker
from station.capture.display_worker import DisplayWorker
from station.capture.finger_worker import Begin, Capture, End, FingerWorker
from station.capture.storage_worker import StorageWorker
from station.capture.worker import Fatal
from station.clock import StationClock
from station.log import Level, Log
from station.notify import Notifier
from station.workflow.effects import (
    Beep,
    BeginFingers,
    CameraMode,
    CaptureFinger,
    Effect,
    EndFingers,
    EraseDraft,
    Note,
    OpenCase,
    RequestCase,
    SaveDraft,
    Seal,
    StopFinger,
    UseCamera,
)
from station.workflow.events import (
    DraftLost,
    DraftRestored,
    Event,
    Key,
    KeyPressed,
    Part,
    PartBack,
    PartFailed,
    Tick,
)
from station.workflow.state import State
from station.workflow.table import step
from station.workflow.view import View, view
from wire.catalogue import Catalogue
from wire.errors import EidError
from wire.fingers import FingerPosition

_TICK_S = 0.25
_WORKER_SILENCE_S = 30.0
_JOIN_S = 3.0
_STALL_S = 0.05
_PANEL_RETRY_S = 2.0

EXIT_OK, EXIT_FAILED, EXIT_CONFIG = 0, 70, 78


@dataclass(frozen=True, slots=True)
class Workers:
    camera: CameraWorker
    finger: FingerWorker
    display: DisplayWorker
    storage: StorageWorker

    def all(self) -> tuple[CameraWorker | FingerWorker | DisplayWorker | StorageWorker, ...]:
        return (self.camera, self.finger, self.display, self.storage)


Inbox = queue.SimpleQueue[Event | Edge | Fatal]

_KEYS = {
    Button.OFFICER_OK: Key.OK,
    Button.OFFICER_BACK: Key.BACK,
    Button.OFFICER_SKIP: Key.SKIP,
    Button.APPLICANT_YES: Key.YES,
    Button.APPLICANT_NO: Key.NO,
}


class CaptureDaemon:
    """One run of the daemon.

    Args:
        state: the first state.
        restored: what the draft said.
    """

    def __init__(
        self,
        state: State,
        inbox: Inbox,
        workers: Workers,
        panel: PanelPort,
        debouncer: Debouncer,
        clock: StationClock,
        texts: Catalogue,
        log: Log,
        notifier: Notifier,
    ) -> None:
        self._state = state
        self._inbox = inbox
        self._workers = workers
        self._panel = panel
        self._debouncer = debouncer
        self._clock = clock
        self._texts = texts
        self._log = log
        self._notifier = notifier
        self._shown: View | None = None
        self._finger_stop = threading.Event()
        self._ended = threading.Event()
        self._exit_code = EXIT_OK
        self._panel_open = False
        self._panel_tried_at = 0.0

    def end(self) -> None:
        """Asks for a clean end; may be called from a signal handler."""
        self._ended.set()

    def run(self, restored: DraftRestored | DraftLost | None) -> int:
        """The loop until `end` or a failure; the process's exit code."""
        for worker in self._workers.all():
            worker.start()
        self._open_panel()
        self._run_effects((UseCamera(CameraMode.QR),))
        if restored is not None:
            self._handle(restored)
        self._show()
        self._notifier.ready()
        self._log.event("capture.ready")
        try:
            self._loop()
        finally:
            self._close()
        return self._exit_code

    def _open_panel(self) -> None:
        """The buttons; tried again until they are there, with the display telling the officer."""
        self._panel_tried_at = time.monotonic()
        try:
            self._panel.open(self._inbox.put)
        except DriverError as error:
            self._panel.close()
            self._handle(PartFailed(Part.PANEL, error.message_id, error.params))
            return
        self._panel_open = True
        self._shown = None
        self._handle(PartBack(Part.PANEL))

    def _loop(self) -> None:
        ticked_at = time.monotonic()
        while not self._ended.is_set():
            timeout_s = max(0.0, min(ticked_at + _TICK_S - time.monotonic(), self._until_press()))
            with contextlib.suppress(queue.Empty):
                self._take(self._inbox.get(timeout=timeout_s) if timeout_s > 0 else self._inbox.get_nowait())
            for press in self._debouncer.tick(time.monotonic_ns()):
                self._pressed(press)
            if time.monotonic() - ticked_at >= _TICK_S:
                ticked_at = time.monotonic()
                self._handle(Tick())
                if not self._panel_open and ticked_at - self._panel_tried_at > _PANEL_RETRY_S:
                    self._open_panel()
                self._supervise()

    def _take(self, event: Event | Edge | Fatal) -> None:
        match event:
            case Edge():
                for press in self._debouncer.edge(event):
                    self._pressed(press)
            case Fatal():
                self._fatal(event)
            case _:
                self._handle(event)

    def _pressed(self, press: Press) -> None:
        if press.kind is PressKind.LONG:
            if press.button is Button.OFFICER_BACK:
                self._handle(KeyPressed(Key.CANCEL))
            return
        self._handle(KeyPressed(_KEYS[press.button]))

    def _handle(self, event: Event) -> None:
        began = time.monotonic()
        before = self._state
        self._state, effects = step(before, event, self._clock.now())
        if self._state.step is not before.step:
            self._log.event("step", step=self._state.step.value)
        self._run_effects(effects)
        if self._state is not before:
            self._show()
        took_s = time.monotonic() - began
        if took_s > _STALL_S:
            self._log.event("loop.stall", Level.WARNING, ms=round(took_s * 1000), what=type(event).__name__)

    def _show(self) -> None:
        wanted = view(self._state, self._texts)
        shown = self._shown
        self._shown = wanted
        if self._panel_open and (shown is None or wanted.light != shown.light):
            self._panel.status(wanted.light)
        if self._panel_open and (shown is None or wanted.flash != shown.flash):
            self._panel.flash(wanted.flash)
        if shown is None or wanted.screen != shown.screen:
            self._workers.display.send(wanted.screen)

    def _run_effects(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self._run_effect(effect)

    def _run_effect(self, effect: Effect) -> None:
        workers = self._workers
        match effect:
            case UseCamera():
                workers.camera.send(effect)
            case OpenCase() | RequestCase() | SaveDraft() | EraseDraft() | Seal():
                workers.storage.send(effect)
            case BeginFingers():
                workers.finger.send(Begin(self._taken()))
            case CaptureFinger(run, position, _):
                self._finger_stop.set()
                self._finger_stop = threading.Event()
                workers.finger.send(Capture(run, position, self._finger_stop))
            case StopFinger():
                self._finger_stop.set()
            case EndFingers():
                self._finger_stop.set()
                workers.finger.send(End())
            case Beep(times):
                if self._panel_open:
                    self._panel.beep(times)
            case Note(code, subject):
                self._log.event(code, subject=subject)
            case _:
                assert_never(effect)

    def _taken(self) -> dict[FingerPosition, bytes]:
        session = self._state.session
        fingers = () if session is None else session.fingers
        return {finger.position: finger.template.data for finger in fingers if finger.template is not None}

    def _until_press(self) -> float:
        deadline_ns = self._debouncer.next_deadline_ns()
        return _TICK_S if deadline_ns is None else max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9)

    def _supervise(self) -> None:
        """Every native call has a deadline: a worker that is silent for too long ends the process."""
        now_ns = time.monotonic_ns()
        for worker in self._workers.all():
            if now_ns - worker.beat_ns > _WORKER_SILENCE_S * 1e9:
                self._log.event("worker.silent", Level.ERROR, worker=worker.name)
                self._exit_code = EXIT_FAILED
                self._ended.set()
        self._notifier.alive()

    def _fatal(self, fatal: Fatal) -> None:
        """Shows the sentence where there is one, then ends: systemd starts us again, the draft brings the session."""
        self._exit_code = EXIT_FAILED
        if isinstance(fatal.error, EidError):
            self._exit_code = EXIT_CONFIG
            self._log.error(fatal.error)
            self._workers.display.leave(fatal_screen(self._texts, fatal.error))
        else:
            self._log.event("worker.died", Level.ERROR, worker=fatal.worker, error=type(fatal.error).__name__)
        self._ended.set()

    def _close(self) -> None:
        """All stop first, then all join; a worker that will not end is left to the end of the process."""
        self._notifier.stopping()
        self._finger_stop.set()
        for worker in self._workers.all():
            worker.stop()
        for worker in self._workers.all():
            if not worker.join(_JOIN_S):
                self._log.event("worker.stuck", Level.WARNING, worker=worker.name)
        self._panel.close()


def fatal_screen(texts: Catalogue, error: EidError) -> Screen:
    """What the officer sees when the daemon cannot go on."""
    return Screen(
        "fatal",
        texts.text("screen.fatal"),
        (texts.of_error(error),),
        tone=Tone.ERROR,
        icon=Icon.ERROR,
    )
