"""The centre's clock, as a value that is handed in. Must be the only place that reads the system's time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

NowMs = Callable[[], int]
"""Milliseconds since the Unix epoch."""


def system_ms() -> int:
    """The system clock."""
    return time.time_ns() // 1_000_000


def instant(at_ms: int) -> datetime:
    """The aware moment of `at_ms`, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
