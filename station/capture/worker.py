"""What the daemon's worker threads share: one command queue, a heartbeat, stop with a deadline.

A worker posts events; it must never touch the state. An exception it did not expect is posted as Fatal and ends the
process (crash-only): the draft brings the session back.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from station.workflow.events import Event

_SILENCE_S = 30.0

Command = TypeVar("Command")


@dataclass(frozen=True, slots=True)
class Fatal:
    """A worker cannot go on. `error` is for the log and the exit code."""

    worker: str
    error: BaseException


Post = Callable[["Event | Fatal"], None]


def origin(error: BaseException) -> str:
    """Where an unexpected exception was raised, `file.py:line`. Its text may hold personal data and is never logged."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "-"


class Worker(ABC, Generic[Command]):
    """One thread that owns one device.

    Attributes:
        beat_ns: monotonic time of the last sign of life.
        silence_s: without one for so long the worker counts as hung, and the main loop ends the process.
    """

    name: str = "worker"
    silence_s: float = _SILENCE_S

    def __init__(self, post: Post) -> None:
        self._post = post
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.beat_ns = time.monotonic_ns()

    def start(self) -> None:
        self._thread.start()

    def send(self, command: Command) -> None:
        self._commands.put(command)

    def stop(self) -> None:
        """Asks for the end; `join` waits for it."""
        self._stopping.set()

    def is_silent(self, now_ns: int) -> bool:
        """Whether the last sign of life is too old."""
        return now_ns - self.beat_ns > self.silence_s * 1e9

    def join(self, timeout_s: float) -> bool:
        """Whether the thread ended in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.serve()
        except BaseException as error:
            self._post(Fatal(self.name, error))
        finally:
            self.release()

    def _beat(self) -> None:
        self.beat_ns = time.monotonic_ns()

    def _next(self, timeout_s: float) -> Command | None:
        """The next command, or None after `timeout_s`; each call is a sign of life."""
        self._beat()
        try:
            return self._commands.get(timeout=timeout_s) if timeout_s > 0 else self._commands.get_nowait()
        except queue.Empty:
            return None

    @abstractmethod
    def serve(self) -> None:
        """The thread's work until `_stopping` is set."""

    @abstractmethod
    def release(self) -> None:
        """Gives the device back. Must not raise."""
