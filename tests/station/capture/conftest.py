"""Keys and directories for the capture daemon's own tests."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from station.capture.vault import Vault
from station.capture.worker import Fatal
from station.workflow.events import Event
from wire.keys import OpeningKey, SigningKey

MEMORY = Path("/dev/shm")


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A directory in memory, as /run is on a station."""
    if not MEMORY.is_dir():
        pytest.skip("/dev/shm is missing on this machine: nothing lies in memory here")
    directory = Path(tempfile.mkdtemp(prefix="eid-test-", dir=MEMORY))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def centre() -> tuple[SigningKey, OpeningKey]:
    return SigningKey.generate(), OpeningKey(os.urandom(32))


@pytest.fixture
def vault(centre: tuple[SigningKey, OpeningKey]) -> Vault:
    signing, opening = centre
    return Vault(
        station_id="st-0001",
        signer=SigningKey.generate(),
        opening=OpeningKey(os.urandom(32)),
        centre_verifying=signing.verifying_key,
        centre_sealing=opening.sealing_key,
    )


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


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Unix socket paths have a limit of 107 bytes; pytest's own directories are too long."""
    directory = Path(tempfile.mkdtemp(prefix="eid-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
