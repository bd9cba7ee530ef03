"""Logging: one JSON object per line on stderr, an event code and identifiers, nothing else.

Must never print a name, a document number, a value from a form or a bundle, or the text of an exception that is not
ours: library messages repeat their input.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from types import TracebackType
from typing import Any

from wire.errors import EidError

_LOGGER = logging.getLogger("eid.central")
Value = str | int | float | bool | None


class _JsonLines(logging.Formatter):
    """Only what `event` put there; foreign records are reduced to logger and level."""

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "fields", None) or {"event": "library", "logger": record.name}
        head = {"at": round(record.created, 3), "level": record.levelname.lower(), "worker": self._worker}
        return json.dumps({**head, "pid": os.getpid(), **fields}, ensure_ascii=False)


def set_up(worker: str) -> None:
    """Sends everything to stderr as JSON lines, uncaught exceptions too; libraries from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(worker))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(logging.INFO)
    sys.excepthook = _uncaught


def event(name: str, /, **ids: Value) -> None:
    """Something that happened in order."""
    _LOGGER.info(name, extra={"fields": {"event": name, **ids}})


def warning(name: str, /, **ids: Value) -> None:
    """Something an admin should look at."""
    _LOGGER.warning(name, extra={"fields": {"event": name, **ids}})


def failure(name: str, error: BaseException, /, **ids: Value) -> None:
    """Something that went wrong: our own error in full, of a foreign one the class and the places."""
    _LOGGER.error(name, extra={"fields": {"event": name, **ids, **describe(error)}})


def describe(error: BaseException) -> dict[str, Value]:
    """What may be said of an exception: ours carries no personal data, a foreign one may."""
    if isinstance(error, EidError):
        return {"error": str(error)}
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno}" for frame in reversed(frames))
    return {"error": type(error).__name__, "where": places}


def _uncaught(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    failure("uncaught", error)
