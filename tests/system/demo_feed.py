"""Everything that happens at a site, on one time axis: a readable line per event with the process it came from.

Reads what the processes write anyway (logs, screens, LED changes, the outside systems' memory of questions); nothing
in the product knows of it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text as Line

from drivers.display.follow import ScreenFollower, Shown
from drivers.panel.remote import PanelRemote

COLOURS = {
    "capture": "cyan",
    "link": "blue",
    "centre": "magenta",
    "register": "yellow",
    "authority": "yellow",
    "display": "white",
    "LED": "green",
    "officer": "bright_green",
    "applicant": "bright_green",
    "broker": "blue",
}
_NOISE = {"step", "loop.stall"}
_TONES = {"error": "red", "warning": "yellow", "success": "green", "action": "blue", "busy": "white"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the time axis; `at_s` since the start of the main job."""

    at_s: float
    source: str
    text: str


class Feed:
    """Prints as things happen, and remembers them for the summary."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.happened: list[Happening] = []
        self.screens: list[Shown] = []
        self.lights: list[tuple[float, str]] = []
        self._started_wall = time.time()
        self._started_ns = time.monotonic_ns()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def restart_clock(self) -> None:
        """Zero of the time axis: the main job starts now."""
        self._started_wall, self._started_ns = time.time(), time.monotonic_ns()

    def say(self, source: str, text: str, at_s: float | None = None) -> None:
        """One line."""
        when = (time.monotonic_ns() - self._started_ns) / 1e9 if at_s is None else at_s
        with self._lock:
            self.happened.append(Happening(when, source, text))
            line = Line(f"{when:7.2f}  ")
            line.append(f"{source:<10}", style=COLOURS.get(source, "white"))
            line.append(text)
            self.console.print(line, soft_wrap=True)

    def wall_s(self, wall: float) -> float:
        return wall - self._started_wall

    # -- sources -------------------------------------------------------------------------------------------------------

    def follow_log(self, path: Path, name: str) -> None:
        """A JSON log of a process."""
        self._start(lambda: self._tail(path, name))

    def follow_screens(self, follower: ScreenFollower) -> None:
        self._start(lambda: self._watch_screens(follower))

    def follow_lights(self, panel: PanelRemote) -> None:
        self._start(lambda: self._watch_lights(panel))

    def follow_questions(self, name: str, ask: Callable[[], list[dict[str, Any]]]) -> None:
        """What an outside system was asked."""
        self._start(lambda: self._watch_questions(name, ask))

    def close(self) -> None:
        """Everything still on its way is printed first."""
        self._ended.set()
        for thread in self._threads:
            thread.join(3.0)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _tail(self, path: Path, name: str) -> None:
        offset = 0
        while True:
            last = self._ended.is_set()
            data = path.read_bytes()[offset:] if path.exists() else b""
            whole = data[: data.rfind(b"\n") + 1]
            offset += len(whole)
            for raw in whole.splitlines():
                self._log_line(raw, name)
            if last:
                return
            self._ended.wait(0.05)

    def _log_line(self, raw: bytes, name: str) -> None:
        try:
            entry = json.loads(raw)
            code = str(entry["event"])
            at_s = self.wall_s(_seconds(entry["at"]))
        except (ValueError, KeyError, TypeError):
            return
        hidden = {"at", "event", "process", "level", "worker", "pid", "system"}
        rest = "  ".join(f"{key}={value}" for key, value in entry.items() if key not in hidden and value != "")
        if code not in _NOISE:
            self.say(name, f"{code}  {rest}".rstrip(), at_s)

    def _watch_screens(self, follower: ScreenFollower) -> None:
        while True:
            last = self._ended.is_set()
            while (shown := follower.poll()) is not None:
                self._screen(shown)
            if last:
                return
            self._ended.wait(0.02)

    def _screen(self, shown: Shown) -> None:
        at_s = (shown.monotonic_ns - self._started_ns) / 1e9
        self.say(
            "display", f"{shown.screen_id}" + (f"  page {shown.page}/{shown.pages}" if shown.page > 1 else ""), at_s
        )
        with self._lock:
            self.screens.append(shown)
            if shown.page == 1:
                self.console.print(drawn(shown))

    def _watch_lights(self, panel: PanelRemote) -> None:
        before = ""
        with panel.watch() as changes:
            while not self._ended.is_set():
                try:
                    change = changes.next(0.2)
                except Exception:  # the deadline is the poll; a panel that went away ends the watch
                    if self._ended.is_set():
                        return
                    continue
                if change.name != "status" or not isinstance(change.value, tuple):
                    continue
                colour = colour_name(change.value)
                if colour not in (before, "dark"):
                    before = colour
                    at_s = (change.monotonic_ns - self._started_ns) / 1e9
                    self.lights.append((at_s, colour))
                    self.say("LED", colour, at_s)

    def _watch_questions(self, name: str, ask: Callable[[], list[dict[str, Any]]]) -> None:
        told = 0
        while True:
            last = self._ended.is_set()
            try:
                questions = ask()
            except Exception:  # the system is down for a moment: its own log says so
                questions = []
            for question in questions[told:]:
                images = f"  {len(question['images'])} images" if question["images"] else ""
                text = f"{question['operation']}  {len(question['attributes'])} attributes{images}"
                self.say(name, f"{text}  answered {question['answered']}", self.wall_s(question["at_s"]))
            told = max(told, len(questions))
            if last:
                return
            self._ended.wait(0.2)


def drawn(shown: Shown) -> Panel:
    """A screen as the terminal can show it."""
    body: list[Any] = [Line(shown.title.vi, style="bold"), Line(shown.title.en, style="dim")]
    for line in shown.lines:
        body.append(Line(line.vi))
        if line.en != line.vi:
            body.append(Line(line.en, style="dim"))
    if shown.progress is not None:
        done, total = shown.progress
        body.append(Line("●" * done + "○" * (total - done)))
    if shown.keys:
        keys = Table.grid(padding=(0, 2))
        keys.add_row(*(Line(f"[{text.vi} / {text.en}]", style="reverse") for _, text in shown.keys))
        body.append(keys)
    return Panel(
        Group(*body), width=64, border_style=_TONES.get(shown.tone, "white"), subtitle=shown.screen_id, padding=(0, 1)
    )


def colour_name(rgb: tuple[float, float, float]) -> str:
    """The nearest name of what the LED shows."""
    red, green, blue = rgb
    if max(rgb) < 0.05:
        return "dark"
    if min(rgb) > 0.6 * max(rgb):
        return "white"
    if blue == max(rgb):
        return "blue"
    if red == max(rgb):
        return "amber" if green > 0.3 * red else "red"
    return "green"


def _seconds(at: Any) -> float:
    return float(at) if isinstance(at, int | float) else datetime.fromisoformat(str(at)).timestamp()
