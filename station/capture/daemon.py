"""The capture daemon's owner loop: event -> step -> effects, and the only thread that knows the state.

Adapter threads only put events into the inbox. No effect here takes long: they are messages to the workers. A worker
without a sign of life, or an exception nobody expected, ends the process; the draft brings the session back.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import assert_never

from drivers.display.port import Icon, Screen, Tone
from drivers.errors import DriverNotLoadable, DriverOptionsInvalid, UnknownDriver
from drivers.panel.debounce import DebouncePolicy, Press, PressKind
from drivers.panel.port import Button, Edge, PanelPort
from models.errors import ModelError
from station.capture.camera_worker import CameraWorker
from station.capture.display_worker import DisplayWorker, Leave, Show, Wake
from station.capture.finger_worker import Begin, Capture, End, FingerWorker, to_compare
from station.capture.front import FrontPanel
from station.capture.storage_worker import StorageWorker
from station.capture.worker import Fatal, origin
from station.clock import StationClock
from station.errors import ConfigInvalid, KeyFileUnusable, RuntimeDirNotMemory
from station.log import Level, Log
from station.notify import Notifier
from station.workflow.effects import (
    Beep,
    BeginFingers,
    CameraMode,
    CaptureFingers,
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
    Tick,
)
from station.workflow.state import State
from station.workflow.table import step
from station.workflow.view import View, view
from wire.catalogue import Catalogue
from wire.errors import EidError
from wire.fingers import FingerPosition
from wire.keys import KeyInvalid

_TICK_S = 0.25
_JOIN_S = 5.0
_STALL_S = 0.05
_AT_ONCE = 256

EXIT_OK, EXIT_FAILED, EXIT_CONFIG = 0, 70, 78

_ADMINS = (
    ConfigInvalid,
    KeyFileUnusable,
    KeyInvalid,
    RuntimeDirNotMemory,
    UnknownDriver,
    DriverNotLoadable,
    DriverOptionsInvalid,
    ModelError,
)


def exit_code(error: BaseException) -> int:
    """EXIT_CONFIG for what only an admin can mend: systemd does not start us again then. A card that refuses may
    recover, and a station must never stay dead because of it."""
    return EXIT_CONFIG if isinstance(error, _ADMINS) else EXIT_FAILED


@dataclass(frozen=True, slots=True)
class Dimming:
    """After how many seconds without anything happening the display is dimmed, at rest and in a session."""

    idle_s: float
    session_s: float


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

    Attributes:
        stuck: after `run`: a thread did not end; the process must not wait for it.
    """

    def __init__(
        self,
        state: State,
        inbox: Inbox,
        workers: Workers,
        panel: PanelPort,
        debounce: DebouncePolicy,
        dimming: Dimming,
        clock: StationClock,
        texts: Catalogue,
        log: Log,
        notifier: Notifier,
    ) -> None:
        self._state = state
        self._inbox = inbox
        self._workers = workers
        self._front = FrontPanel(panel, debounce, inbox.put)
        self._dimming = dimming
        self._clock = clock
        self._texts = texts
        self._log = log
        self._notifier = notifier
        self._shown: View | None = None
        self._finger_stop = threading.Event()
        self._ended = threading.Event()
        self._exit_code = EXIT_OK
        self.stuck = False

    def end(self) -> None:
        """Asks for a clean end; may be called from a signal handler."""
        self._ended.set()

    def run(self, restored: DraftRestored | DraftLost | None) -> int:
        """The loop until `end` or a failure; the process's exit code."""
        for worker in self._workers.all():
            worker.start()
        try:
            self._tend_panel()
            self._run_effects((UseCamera(CameraMode.QR),))
            if restored is not None:
                self._handle(restored)
            self._show()
            self._notifier.ready()
            self._log.event("capture.ready")
            self._loop()
        except Exception as error:
            # Not its text: that of a refused value holds the value.
            self._exit_code = exit_code(error)
            self._log.event("loop.died", Level.ERROR, error=type(error).__name__, where=origin(error))
        finally:
            self._close()
        return self._exit_code

    def _tend_panel(self) -> None:
        """The buttons; tried again until they are there, with the display telling the officer."""
        told = self._front.tend()
        if told is not None:
            self._handle(told)

    def _loop(self) -> None:
        ticked_at = time.monotonic()
        while not self._ended.is_set():
            timeout_s = max(0.0, min(ticked_at + _TICK_S - time.monotonic(), self._until_press()))
            # All that lies there before time passes for the buttons: a release may be among it.
            for _ in range(_AT_ONCE):
                event = self._wait(timeout_s)
                if event is None:
                    break
                self._take(event)
                timeout_s = 0.0
            for press in self._front.tick(time.monotonic_ns()):
                self._pressed(press)
            if time.monotonic() - ticked_at >= _TICK_S:
                ticked_at = time.monotonic()
                self._handle(Tick())
                self._tend_panel()
                self._supervise()

    def _wait(self, timeout_s: float) -> Event | Edge | Fatal | None:
        try:
            return self._inbox.get(timeout=timeout_s) if timeout_s > 0 else self._inbox.get_nowait()
        except queue.Empty:
            return None

    def _take(self, event: Event | Edge | Fatal) -> None:
        match event:
            case Edge():
                for press in self._front.edge(event):
                    self._pressed(press)
            case Fatal():
                self._fatal(event)
            case _:
                self._handle(event)

    def _pressed(self, press: Press) -> None:
        self._workers.display.send(Wake())
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
            self._notifier.status(self._state.step.value)
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
        if shown is None or (wanted.screen, wanted.resting) != (shown.screen, shown.resting):
            dim_after_s = self._dimming.idle_s if wanted.resting else self._dimming.session_s
            self._workers.display.send(Show(wanted.screen, dim_after_s))
        failed = self._front.show(wanted.light, wanted.flash)
        if failed is not None:
            self._handle(failed)

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
            case CaptureFingers(run, positions):
                self._finger_stop.set()
                self._finger_stop = threading.Event()
                workers.finger.send(Capture(run, positions, self._finger_stop))
            case StopFinger():
                self._finger_stop.set()
            case EndFingers():
                self._finger_stop.set()
                workers.finger.send(End())
            case Beep(times):
                failed = self._front.beep(times)
                if failed is not None:
                    self._inbox.put(failed)
            case Note(code, subject):
                self._log.event(code, subject=subject)
            case _:
                assert_never(effect)

    def _taken(self) -> dict[FingerPosition, bytes]:
        session = self._state.session
        return {} if session is None else to_compare(session.fingers)

    def _until_press(self) -> float:
        deadline_ns = self._front.next_deadline_ns()
        return _TICK_S if deadline_ns is None else max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9)

    def _supervise(self) -> None:
        """Every native call has a deadline: a worker that is silent for too long ends the process."""
        now_ns = time.monotonic_ns()
        for worker in self._workers.all():
            if worker.is_silent(now_ns):
                self._log.event("worker.silent", Level.ERROR, worker=worker.name)
                self._exit_code = EXIT_FAILED
                self._ended.set()
        self._notifier.alive()

    def _fatal(self, fatal: Fatal) -> None:
        """Shows the sentence where there is one, then ends: systemd starts us again, the draft brings the session."""
        error = fatal.error
        self._exit_code = exit_code(error)
        if isinstance(error, EidError):
            self._log.error(error)
            self._workers.display.send(Leave(fatal_screen(self._texts, error)))
        else:
            named = type(error).__name__
            self._log.event("worker.died", Level.ERROR, worker=fatal.worker, error=named, where=origin(error))
        self._ended.set()

    def _close(self) -> None:
        """All stop first, then all join; a worker that will not end is left to the end of the process."""
        self._notifier.stopping()
        self._finger_stop.set()
        for worker in self._workers.all():
            worker.stop()
        deadline = time.monotonic() + _JOIN_S
        for worker in reversed(self._workers.all()):  # what saves, first
            if not worker.join(max(0.0, deadline - time.monotonic())):
                self.stuck = True
                self._log.event("worker.stuck", Level.WARNING, worker=worker.name)
        self._front.close()


def fatal_screen(texts: Catalogue, error: EidError) -> Screen:
    """What the officer sees when the daemon cannot go on."""
    return Screen(
        "fatal",
        texts.text("screen.fatal"),
        (texts.of_error(error),),
        tone=Tone.ERROR,
        icon=Icon.ERROR,
    )
