"""The display's emulated twin: luma's own device code, an emulated controller behind it, and a PNG of each new screen.

For demonstrations and tests: it writes what a screen says to disk, which a station never does. Another process follows
with drivers/display/follow.py.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import deque
from pathlib import Path
from typing import Any

from luma.lcd.device import ili9341
from PIL import Image
from pydantic import Field

from drivers.display.controllers import Ili9341Controller, Ssd1306Controller
from drivers.display.draw import Layout
from drivers.display.errors import ScreenFolderUnusable
from drivers.display.lcd import DIM_LEVEL
from drivers.display.oled import DIM_CONTRAST, FULL_CONTRAST, Ssd1306
from drivers.display.port import Screen
from drivers.display.presenter import Picture
from drivers.display.shell import Glass, ScreenOptions, ScreenShell, moved

RECORD_NAME = "screens.jsonl"
MAX_RECORD_BYTES = 4 * 1024 * 1024


class EmulatedOptions(ScreenOptions):
    """The emulated display in the configuration.

    Attributes:
        layout: size to emulate.
        directory: where pictures and `screens.jsonl` go; made when it is not there. Must lie outside the station's
            state directory: nothing readable is ever kept there.
        keep: number of pictures kept; the oldest go first.
        shift_s: as for the OLED.
    """

    layout: Layout = Field(default=Layout.LCD_320X240, strict=False)
    directory: Path = Field(strict=False)
    keep: int = Field(default=400, ge=1, le=10_000)
    shift_s: float = Field(default=60.0, gt=0, le=3600)


class EmulatedDisplay(ScreenShell):
    """DisplayPort on a directory. Every screen that is handed over is drawn, none is skipped."""

    Options = EmulatedOptions

    def __init__(self, options: EmulatedOptions) -> None:
        oled = options.layout is Layout.OLED_128X64
        super().__init__(options.layout, options, options.shift_s if oled else None, every=True)
        self._emulated = options

    def _open_glass(self) -> Glass:
        record = _Record(self._emulated)
        if self._emulated.layout is Layout.OLED_128X64:
            return _OledGlass(record, self._emulated.rotate)
        return _LcdGlass(record, self._emulated.rotate)


class _Record:
    """Numbered pictures and one JSON line for each."""

    def __init__(self, options: EmulatedOptions) -> None:
        self._options = options
        self._directory = options.directory
        self._seen: tuple[Screen, frozenset[int]] | None = None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = sorted(path.name for path in self._directory.glob("[0-9][0-9][0-9][0-9]*-*.png"))
            self._append({"event": "open", "layout": options.layout.value, "monotonic_ns": time.monotonic_ns()})
        except OSError as error:
            raise ScreenFolderUnusable(
                device="display", where=str(self._directory), reason=error.strerror or str(error)
            ) from error
        self._names = deque(found)
        self._number = max((int(name.split("-")[0]) for name in found), default=0)

    def keep(self, picture: Picture, shown: Image.Image) -> None:
        """Writes the picture of each page of a screen once, then its line."""
        pages = self._seen[1] if self._seen is not None and self._seen[0] is picture.screen else frozenset()
        if picture.number in pages:
            return
        self._seen = (picture.screen, pages | {picture.number})
        self._number += 1
        turn = f"-p{picture.number}" if picture.number > 1 else ""
        name = f"{self._number:04d}-{re.sub(r'[^A-Za-z0-9._]+', '_', picture.screen.screen_id)[:60]}{turn}.png"
        unfinished = self._directory / f".{name}.part"
        shown.save(unfinished, format="PNG")
        unfinished.replace(self._directory / name)
        self._names.append(name)
        self._append(_described(self._number, name, picture, self._options.layout))
        while len(self._names) > self._options.keep:
            (self._directory / self._names.popleft()).unlink(missing_ok=True)

    def lit(self, level: float) -> None:
        """Notes the light of the glass."""
        self._append({"event": "light", "level": level, "monotonic_ns": time.monotonic_ns()})

    def closed(self) -> None:
        """Notes the end."""
        self._append({"event": "close", "monotonic_ns": time.monotonic_ns()})

    def _append(self, entry: dict[str, Any]) -> None:
        path = self._directory / RECORD_NAME
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if path.exists() and path.stat().st_size + len(line) > MAX_RECORD_BYTES:
            path.replace(path.with_suffix(".jsonl.1"))
        # One write of one line: a follower never sees half of it.
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def _described(number: int, name: str, picture: Picture, layout: Layout) -> dict[str, Any]:
    screen = picture.screen
    return {
        "event": "screen",
        "number": number,
        "file": name,
        "layout": layout.value,
        "screen_id": screen.screen_id,
        "page": picture.number,
        "pages": picture.pages,
        "tone": screen.tone.value,
        "icon": screen.icon.value,
        "title": {"vi": screen.title.vi, "en": screen.title.en},
        "lines": [{"vi": text.vi, "en": text.en} for text in screen.lines],
        "keys": [{"button": key.button.value, "vi": key.text.vi, "en": key.text.en} for key in screen.keys],
        "progress": list(screen.progress) if screen.progress is not None else None,
        "detail": screen.detail,
        "hand": list(screen.hand),
        "monotonic_ns": time.monotonic_ns(),
    }


class _OledGlass:
    def __init__(self, record: _Record, rotate: int) -> None:
        self._record = record
        self._controller = Ssd1306Controller()
        self._device = Ssd1306(self._controller, width=128, height=64, rotate=rotate)

    def show(self, picture: Picture, image: Image.Image) -> None:
        self._device.display(moved(image, picture.shift))
        self._record.keep(picture, self._controller.image())

    def light(self, dim: bool) -> None:
        self._device.contrast(DIM_CONTRAST if dim else FULL_CONTRAST)
        self._record.lit(round(self._controller.contrast / 255, 2))

    def close(self) -> None:
        self._device.cleanup()
        self._record.closed()


class _LcdGlass:
    def __init__(self, record: _Record, rotate: int) -> None:
        self._record = record
        self._controller = Ili9341Controller()
        self._device = ili9341(
            self._controller, width=320, height=240, rotate=rotate, backlight=self._controller.switch
        )

    def show(self, picture: Picture, image: Image.Image) -> None:
        self._device.display(image)
        self._record.keep(picture, self._controller.image())

    def light(self, dim: bool) -> None:
        self._controller.backlight = DIM_LEVEL if dim else 1.0
        self._record.lit(self._controller.backlight)

    def close(self) -> None:
        self._device.cleanup()
        self._record.closed()
