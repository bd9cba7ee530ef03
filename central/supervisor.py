"""`eid-central run`: every worker as a process of its own, in one group; one that ends is started again.

Crash-only: a worker that meets what it cannot handle ends, and a fresh one takes over a moment later. When the
supervisor itself dies, however it dies, its workers notice and end too: they hold the reading end of a pipe whose other
end only it holds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from central import log

WORKERS = ("ingest", "jobs")
PIPE_VARIABLE = "EID_CENTRAL_PARENT_PIPE"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HEALTHY_S = 30.0
STOP_DEADLINE_S = 15.0


@dataclass
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    started_s: float
    failures: int
    restart_s: float | None = None


class Supervisor:
    """Args: config: path of the configuration; names: workers to run."""

    def __init__(self, config: Path, names: Sequence[str]) -> None:
        self._config = config
        self._names = names
        self._stop = threading.Event()
        self._reader, self._writer = os.pipe()

    def run(self) -> int:
        """Until SIGTERM or SIGINT; exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        children = [self._start(name, 0) for name in self._names]
        while not self._stop.wait(0.1):
            for child in children:
                self._look_after(child)
        return self._end(children)

    def _look_after(self, child: _Child) -> None:
        now_s = time.monotonic()
        if child.restart_s is not None:
            if now_s >= child.restart_s:
                fresh = self._start(child.name, child.failures)
                child.process, child.started_s, child.restart_s = fresh.process, fresh.started_s, None
            return
        status = child.process.poll()
        if status is None:
            return
        child.failures = 1 if now_s - child.started_s > HEALTHY_S else child.failures + 1
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(child.failures - 1, 10))
        child.restart_s = now_s + pause_s
        log.warning("worker_ended", name=child.name, status=status, pause_s=pause_s)

    def _start(self, name: str, failures: int) -> _Child:
        command = [sys.executable, "-m", "central", "--config", str(self._config), "run", "--only", name]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=(self._reader,),
            env={**os.environ, PIPE_VARIABLE: str(self._reader)},
        )
        log.event("worker_started", name=name, child=process.pid)
        return _Child(name, process, time.monotonic(), failures)

    def _end(self, children: Sequence[_Child]) -> int:
        for child in children:
            if child.process.poll() is None:
                child.process.terminate()
        until = time.monotonic() + STOP_DEADLINE_S
        for child in children:
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker_killed", name=child.name)
                child.process.kill()
                child.process.wait()
        return 0


def end_with_parent() -> None:
    """In a worker: ends this process at once when the supervisor is gone. Does nothing where there is none."""
    number = os.environ.pop(PIPE_VARIABLE, None)
    if number is None:
        return

    def wait() -> None:
        os.read(int(number), 1)
        os._exit(3)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
