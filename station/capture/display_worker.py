"""The display's thread: shows the newest screen, dims when nothing happens, survives a broken display."""

from __future__ import annotations

import time
from collections.abc import Callable

from drivers.display.port import DisplayPort, Screen
from drivers.errors import DriverError
from station.capture.worker import Post, Worker
from station.workflow.events import Part, PartBack, PartFailed

_RETRY_S = 2.0
_SETTLE_S = 2.0


class DisplayWorker(Worker[Screen]):
    """Owns the display. Screens that were overtaken before they were drawn are not drawn."""

    name = "display"

    def __init__(self, post: Post, display: DisplayPort, idle_dim_s: float) -> None:
        super().__init__(post)
        self._display = display
        self._idle_dim_s = idle_dim_s
        self._wanted: Screen | None = None
        self._open = False
        self._failed = False
        self._left = False

    def serve(self) -> None:
        shown_at = time.monotonic()
        while not self._stopping.is_set() or self._left:
            newest = self._newest()
            if newest is None and self._left:
                return
            if newest is not None:
                self._wanted, shown_at = newest, time.monotonic()
                self._try(self._show)
            elif self._failed:
                self._stopping.wait(_RETRY_S)
                self._try(self._show)
            elif time.monotonic() - shown_at > self._idle_dim_s:
                self._try(lambda: self._display.idle(True))

    def leave(self, screen: Screen) -> None:
        """The last screen of a process that cannot go on: it stays on the glass after the end."""
        self._left = True
        self.send(screen)

    def release(self) -> None:
        if not self._left:
            self._display.close()

    def _newest(self) -> Screen | None:
        newest = self._next(0.25)
        while newest is not None:
            later = self._next(0)
            if later is None:
                return newest
            newest = later
        return None

    def _show(self) -> None:
        if not self._open:
            self._display.open()
            self._open = True
        if self._wanted is not None:
            self._display.show(self._wanted)
            if self._left:
                self._display.settle(_SETTLE_S)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except DriverError as error:
            self._open = False
            self._display.close()
            if not self._failed:
                self._post(PartFailed(Part.DISPLAY, error.message_id, error.params))
            self._failed = True
            return
        if self._failed:
            self._post(PartBack(Part.DISPLAY))
        self._failed = False
