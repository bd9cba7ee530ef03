"""What a worker says, for the tests of the workers."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TypeVar

from station.capture.worker import Fatal
from station.workflow.events import Event

EventT = TypeVar("EventT")


class Posted:
    """What a worker said, in order; waits have a deadline."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event | Fatal] = queue.SimpleQueue()
        self.seen: list[Event | Fatal] = []

    def put(self, event: Event | Fatal) -> None:
        self._queue.put(event)

    def wait_for(
        self, kind: type[EventT], accept: Callable[[EventT], bool] = lambda _: True, timeout_s: float = 20.0
    ) -> EventT:
        """The next event of that kind. A Fatal that nobody asked for fails the test."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                event = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind.__name__}; seen: {[type(e).__name__ for e in self.seen]}") from None
            self.seen.append(event)
            if isinstance(event, kind) and accept(event):
                return event
            assert not isinstance(event, Fatal), event

    def drain(self) -> list[Event | Fatal]:
        """All that is there now."""
        while True:
            try:
                self.seen.append(self._queue.get_nowait())
            except queue.Empty:
                return self.seen
