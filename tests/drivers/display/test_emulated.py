"""The emulated display: pictures as the glass would show them, and a record that another process can follow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from drivers.display import emulated
from drivers.display.controllers import Ili9341Controller, Ssd1306Controller
from drivers.display.draw import Layout, draw
from drivers.display.emulated import EmulatedDisplay, EmulatedOptions
from drivers.display.errors import ScreenFolderUnusable, ScreenUnseen
from drivers.display.follow import ScreenFollower
from drivers.display.port import Screen
from drivers.errors import DeviceFault
from drivers.panel.port import Button
from wire.catalogue import Text

STATION = """
import sys
from pathlib import Path
from drivers.display.emulated import EmulatedDisplay, EmulatedOptions
from drivers.display.port import Screen
from wire.catalogue import Text
display = EmulatedDisplay(EmulatedOptions(directory=Path(sys.argv[1])))
display.open()
for name in ("idle", "consent.ask", "done"):
    display.show(Screen(name, Text("Sẵn sàng", "Ready")))
display.close()
"""


def opened(directory: Path, **more: Any) -> EmulatedDisplay:
    display = EmulatedDisplay(EmulatedOptions(directory=directory, **more))
    display.open()
    return display


def numbered(count: int) -> list[Screen]:
    return [Screen(f"s.{number}", Text(f"Số {number}", f"Number {number}")) for number in range(count)]


@pytest.mark.parametrize("layout", list(Layout))
def test_the_png_is_what_the_glass_shows(tmp_path: Path, layout: Layout, finger_screen: Screen) -> None:
    """Drawn, sent by luma, decoded by the controller, saved: pixel by pixel the same."""
    display = opened(tmp_path, layout=layout)
    display.show(finger_screen)
    settled = display.settle(10)
    display.close()
    shown = ScreenFollower(tmp_path).next()
    with Image.open(shown.file) as saved:
        difference = ImageChops.difference(saved.convert("RGB"), draw(finger_screen, layout)[0].image.convert("RGB"))

    assert settled
    assert difference.getbbox() is None
    assert shown.file.name == "0001-fingers.place.png"


def test_the_record_says_what_was_shown(tmp_path: Path, finger_screen: Screen) -> None:
    """Texts, keys, progress and hand, so that a demo can draw it in a terminal."""
    display = opened(tmp_path)
    display.show(finger_screen)
    display.settle(10)
    display.close()
    shown = ScreenFollower(tmp_path).wait_for("fingers.place")

    assert shown.title == finger_screen.title
    assert shown.lines == finger_screen.lines
    assert shown.keys[2] == (Button.OFFICER_SKIP, Text("Bỏ qua ngón này", "Skip this finger"))
    assert (shown.progress, shown.hand, shown.page, shown.pages, shown.tone) == ((3, 10), (1,), 1, 1, "action")


def test_each_page_is_saved_once_with_its_number(tmp_path: Path, finger_screen: Screen) -> None:
    """Pages turn for ever; the directory does not grow with them."""
    display = opened(tmp_path, layout=Layout.OLED_128X64, page_s=0.02)
    display.show(finger_screen)
    follower = ScreenFollower(tmp_path)
    pages = [follower.next() for _ in range(4)]
    with pytest.raises(ScreenUnseen):
        follower.next(timeout_s=0.2)
    display.close()

    assert [shown.page for shown in pages] == [1, 2, 3, 4]
    assert [shown.file.name for shown in pages][1:3] == ["0002-fingers.place-p2.png", "0003-fingers.place-p3.png"]


def test_no_screen_is_skipped(tmp_path: Path) -> None:
    """A burst of screens is recorded whole, in order."""
    display = opened(tmp_path, layout=Layout.OLED_128X64)
    for screen in numbered(20):
        display.show(screen)
    settled = display.settle(20)
    display.close()
    follower = ScreenFollower(tmp_path)

    assert settled
    assert [follower.next().screen_id for _ in range(20)] == [f"s.{number}" for number in range(20)]


def test_the_directory_is_bounded(tmp_path: Path) -> None:
    """Only the newest pictures stay."""
    display = opened(tmp_path, layout=Layout.OLED_128X64, keep=3)
    for screen in numbered(8):
        display.show(screen)
    display.settle(20)
    display.close()

    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["0006-s.5.png", "0007-s.6.png", "0008-s.7.png"]
    assert not list(tmp_path.glob(".*.part"))


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """A daemon that was killed does not write over what it showed before."""
    for screen in numbered(2):
        display = opened(tmp_path, layout=Layout.OLED_128X64)
        display.show(screen)
        display.settle(10)
        display.close()

    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["0001-s.0.png", "0002-s.1.png"]


def test_the_record_begins_anew_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded too, and a follower notices."""
    monkeypatch.setattr(emulated, "MAX_RECORD_BYTES", 1500)
    display = opened(tmp_path, layout=Layout.OLED_128X64)
    follower = ScreenFollower(tmp_path)
    seen = []
    for screen in numbered(12):
        display.show(screen)
        seen.append(follower.next().screen_id)
    display.close()

    assert seen == [f"s.{number}" for number in range(12)]
    assert (tmp_path / "screens.jsonl").stat().st_size <= 1500
    assert (tmp_path / "screens.jsonl.1").exists()


def test_another_process_follows(tmp_path: Path) -> None:
    """The demo's way: a station in one process, eyes in another, from before the directory exists."""
    directory = tmp_path / "screens"
    follower = ScreenFollower(directory, timeout_s=20)
    station = subprocess.Popen([sys.executable, "-c", STATION, str(directory)])
    try:
        last = follower.wait_for("done")
        code = station.wait(20)
    finally:
        station.kill()
        station.wait(10)
    with Image.open(last.file) as saved:
        size = saved.size

    assert code == 0
    assert (last.number, size) == (3, (320, 240))


def test_dimming_is_recorded(tmp_path: Path, plain_screen: Screen) -> None:
    """The light of the glass, as the controller has it."""
    display = opened(tmp_path)
    display.show(plain_screen)
    display.idle(True)
    display.idle(False)
    display.settle(10)
    display.close()
    entries = [json.loads(line) for line in (tmp_path / "screens.jsonl").read_text("utf-8").splitlines()]

    assert [entry["level"] for entry in entries if entry["event"] == "light"] == [0.12, 1.0]
    assert [entry["event"] for entry in entries] == ["open", "screen", "light", "light", "close"]


def test_a_directory_that_cannot_be_written_is_a_missing_device(tmp_path: Path) -> None:
    """The path and the reason stand in the error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ScreenFolderUnusable) as caught:
        opened(tmp_path / "file" / "screens")

    assert str(tmp_path / "file") in str(caught.value.params["where"])


def test_a_directory_that_goes_away_is_a_fault(tmp_path: Path, plain_screen: Screen) -> None:
    """The owner hears of it at the next call and goes on."""
    directory = tmp_path / "screens"
    display = opened(directory)
    (directory / "screens.jsonl").unlink()
    os.rmdir(directory)
    display.show(plain_screen)
    display.settle(10)
    with pytest.raises(DeviceFault):
        display.idle(True)
    display.close()


def test_a_screen_id_never_leaves_the_directory(tmp_path: Path) -> None:
    """Names of files come from code, and are cleaned all the same."""
    display = opened(tmp_path, layout=Layout.OLED_128X64)
    display.show(Screen("../../x/y", Text("Thử", "Try")))
    display.settle(10)
    display.close()

    assert [path.name for path in tmp_path.glob("*.png")] == ["0001-.._.._x_y.png"]


@given(st.binary(max_size=64))
def test_the_emulated_oled_takes_or_refuses_any_command(sent: bytes) -> None:
    """Garbled bytes are an error or a command, and nothing else."""
    controller = Ssd1306Controller()
    try:
        controller.command(*sent)
    except ValueError:
        return
    assert 0 <= controller.contrast <= 255


def test_the_emulated_lcd_refuses_pixels_outside_its_window() -> None:
    """A driver that counts wrongly is found out."""
    controller = Ili9341Controller()
    controller.command(0x2A)
    with pytest.raises(ValueError, match="outside"):
        controller.data([0, 0, 1, 200])
    controller.command(0x2C)
    with pytest.raises(ValueError, match="more pixels"):
        controller.data(bytes(320 * 240 * 3 + 1))
