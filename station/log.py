"""One JSON line per event, for the journal; values that are not plain identifiers are withheld (no personal data).

    {"at":"2026-11-21T08:00:00.123Z","process":"link","level":"info","event":"link.connected","session_present":true}

An event is a code, not a sentence; the sentence for a person stands in the catalogue under the error's message_id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from wire.errors import EidError

Value = str | int | float | bool | None

WITHHELD = "(withheld)"

_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_PLAIN = re.compile(r"[A-Za-z0-9 _.,:;/()+\[\]=-]{0,200}")


class Level(StrEnum):
    """As in syslog, four of them."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Log:
    """Writes events of one process.

    Args:
        stream: where the lines go (stderr).
        process: `capture` or `link`.
        wall_ms: the current time, Unix milliseconds.
        debug: whether debug events are written.
    """

    def __init__(self, stream: TextIO, process: str, wall_ms: Callable[[], int], *, debug: bool = False) -> None:
        self._stream = stream
        self._process = process
        self._wall_ms = wall_ms
        self._debug = debug

    def event(self, code: str, level: Level = Level.INFO, **values: Value) -> None:
        """One line. Raises ValueError for a code that is not one (a programming error, found by tests)."""
        if not _CODE.fullmatch(code):
            raise ValueError("event code")
        if level is Level.DEBUG and not self._debug:
            return
        at = datetime.fromtimestamp(self._wall_ms() / 1000, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Value] = {
            "at": at.replace("+00:00", "Z"),
            "process": self._process,
            "level": level.value,
            "event": code,
        }
        line |= {name: plain(value) for name, value in values.items() if name not in line}
        try:
            self._stream.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # A full or closed journal must not stop a capture; there is nowhere left to say so.
            return

    def error(self, error: EidError, level: Level = Level.ERROR) -> None:
        """An error of the tree: its message_id as event, its parameters as values."""
        self.event(error.message_id, level, **error.params)


def plain(value: Value) -> Value:
    """`value` where it is a number, a truth value or a short ASCII identifier; WITHHELD otherwise."""
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return WITHHELD
    return value
