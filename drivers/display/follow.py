"""Follows the record of an emulated display from another process: for the demo and for tests.

Every wait has a deadline. Must never be used by the station itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.display.emulated import RECORD_NAME
from drivers.display.errors import ScreenUnseen
from drivers.panel.port import Button
from wire.catalogue import Text

POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of a screen as it came on the glass.

    Attributes:
        file: its PNG.
        page, pages: which page of how many; a screen begins with page 1.
        monotonic_ns: CLOCK_MONOTONIC; the same clock in all processes of one machine.
    """

    number: int
    file: Path
    screen_id: str
    page: int
    pages: int
    tone: str
    title: Text
    lines: tuple[Text, ...]
    keys: tuple[tuple[Button, Text], ...]
    detail: str
    hand: tuple[int, ...]
    progress: tuple[int, int] | None
    monotonic_ns: int


class ScreenFollower:
    """Reads the screens of an emulated display one after the other, from the first in the record.

    Args:
        directory: the display's directory; need not exist yet.
        timeout_s: default wait.
        from_now: skips what is in the record already.
    """

    def __init__(self, directory: Path, timeout_s: float = 5.0, *, from_now: bool = False) -> None:
        self._directory = directory
        self._timeout_s = timeout_s
        self._path = directory / RECORD_NAME
        self._offset = self._path.stat().st_size if from_now and self._path.exists() else 0
        self._ready: list[Shown] = []

    def next(self, timeout_s: float | None = None) -> Shown:
        """The next screen or page. Raises ScreenUnseen when none comes in time."""
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        deadline_s = time.monotonic() + wait_s
        while (found := self.poll()) is None:
            if time.monotonic() >= deadline_s:
                raise ScreenUnseen(device="display", after_s=wait_s)
            time.sleep(POLL_S)
        return found

    def wait_for(self, screen_id: str | Callable[[Shown], bool], timeout_s: float | None = None) -> Shown:
        """The next screen of that id, or that the function accepts. Raises ScreenUnseen."""
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        deadline_s = time.monotonic() + wait_s
        while True:
            try:
                shown = self.next(max(0.0, deadline_s - time.monotonic()))
            except ScreenUnseen as unseen:
                raise ScreenUnseen(device="display", after_s=wait_s) from unseen
            if shown.screen_id == screen_id if isinstance(screen_id, str) else screen_id(shown):
                return shown

    def poll(self) -> Shown | None:
        """The next screen or page if there is one; never waits."""
        if not self._ready:
            self._read()
        return self._ready.pop(0) if self._ready else None

    def _read(self) -> None:
        try:
            with self._path.open("rb") as record:
                size = record.seek(0, 2)
                # Smaller than what was read: the record was begun anew.
                self._offset = 0 if size < self._offset else self._offset
                record.seek(self._offset)
                data = record.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            entry = json.loads(line)
            if entry.get("event") == "screen":
                self._ready.append(self._shown(entry))

    def _shown(self, entry: dict[str, Any]) -> Shown:
        progress = entry["progress"]
        return Shown(
            number=entry["number"],
            file=self._directory / entry["file"],
            screen_id=entry["screen_id"],
            page=entry["page"],
            pages=entry["pages"],
            tone=entry["tone"],
            title=Text(**entry["title"]),
            lines=tuple(Text(**text) for text in entry["lines"]),
            keys=tuple((Button(key["button"]), Text(key["vi"], key["en"])) for key in entry["keys"]),
            detail=entry["detail"],
            hand=tuple(entry["hand"]),
            progress=(progress[0], progress[1]) if progress is not None else None,
            monotonic_ns=entry["monotonic_ns"],
        )
