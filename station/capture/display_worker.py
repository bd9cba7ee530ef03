"""The display's thread: shows the newest screen, dims when nothing happens, survives a broken display."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from drivers.display.port import DisplayPort, Screen
from drivers.errors import DriverError
from station.capture.worker import Post, Worker
from station.workflow.events import Part, PartBack, PartFailed

_RETRY_S = 2.0
_SETTLE_S = 2.0
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Show:
    """A screen, and after how long it may be dimmed."""

    screen: Screen
    dim_after_s: float


@dataclass(frozen=True, slots=True)
class Wake:
    """Somebody is there."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The last screen of a process that cannot go on: it stays on the glass after the end."""

    screen: Screen


class DisplayWorker(Worker[Show | Wake | Leave]):
    """Owns the display. Screens that were overtaken before they were drawn are not drawn."""

    name = "display"

    def __init__(self, post: Post, display: DisplayPort) -> None:
        super().__init__(post)
        self._display = display
        self._wanted: Show | None = None
        self._woken_at = time.monotonic()
        self._open = False
        self._failed = False
        self._failed_at = 0.0
        self._left = False

    def serve(self) -> None:
        while not (self._stopping.is_set() or self._left):
            self._take(self._next(_LOOK_S))
        # A last screen that was sent before the end was asked for is still shown.
        while not self._left and (command := self._next(0)) is not None:
            self._take(command)

    def release(self) -> None:
        if not self._left:
            self._display.close()

    def _take(self, command: Show | Wake | Leave | None) -> None:
        """The command and all behind it; only the newest screen is drawn."""
        new = False
        while command is not None:
            self._woken_at = time.monotonic()
            match command:
                case Show():
                    self._wanted, new = command, True
                case Leave(screen):
                    self._left = True
                    self._wanted = Show(screen, 0.0)
                    self._try(self._show)
                    return
                case Wake():
                    pass
            command = self._next(0)
        if self._failed and not new and time.monotonic() - self._failed_at < _RETRY_S:
            return
        # Also where nothing is new: the display tells what went wrong in its own thread only when it is asked.
        self._try(self._show if new or self._failed else self._tend)

    def _tend(self) -> None:
        if self._open and self._wanted is not None:
            self._display.idle(time.monotonic() - self._woken_at > self._wanted.dim_after_s)

    def _show(self) -> None:
        if not self._open:
            self._display.open()
            self._open = True
        if self._wanted is not None:
            self._display.show(self._wanted.screen)
            if self._left:
                self._display.settle(_SETTLE_S)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except DriverError as error:
            self._open = False
            self._display.close()
            self._failed_at = time.monotonic()
            if not self._failed:
                self._post(PartFailed(Part.DISPLAY, error.message_id, error.params))
            self._failed = True
            return
        if self._failed:
            self._failed = False
            self._post(PartBack(Part.DISPLAY))
