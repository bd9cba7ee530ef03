"""What every display must do, whatever it is made of.

Runs against the emulated display in both sizes everywhere, and against real hardware when EID_DISPLAY_HARDWARE names
the driver (`oled-128x64` or `lcd-320x240`) and EID_DISPLAY_OPTIONS holds its options as JSON. On hardware somebody must
look: the suite shows each screen and holds the driver to its times and errors.
"""

from __future__ import annotations

import fcntl
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.display.shell import ScreenShell
from drivers.errors import DeviceFault
from drivers.panel.port import Button
from drivers.registry import create
from wire.catalogue import Text

HARDWARE = os.environ.get("EID_DISPLAY_HARDWARE")

SCREENS = [
    Screen(
        f"{tone.value}.{icon.value}",
        Text("Nhìn thẳng vào camera", "Look straight at the camera"),
        (Text("Mở to hai mắt, không cười", "Open both eyes, do not smile"),),
        tone,
        icon,
        progress=(number, len(Icon)),
        keys=(KeyHint(Button.OFFICER_OK, Text("Chụp", "Capture")), KeyHint(Button.APPLICANT_NO, Text("Không", "No"))),
        hand=(number % 10 + 1,) if number % 11 else (),
    )
    for number, (tone, icon) in enumerate(zip(list(Tone) * 3, Icon, strict=False))
]


@pytest.fixture(params=["oled-128x64", "lcd-320x240", "hardware"])
def display(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ScreenShell]:
    if request.param != "hardware":
        made: ScreenShell = create("display", "emulated", {"layout": request.param, "directory": str(tmp_path)})
        yield made
        made.close()
        return
    if HARDWARE is None:
        pytest.skip("EID_DISPLAY_HARDWARE is not set")
    with open("/run/lock/eid-display-test", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = create("display", HARDWARE, json.loads(os.environ.get("EID_DISPLAY_OPTIONS", "{}")))
        yield made
        made.close()


def test_every_tone_icon_and_hand_is_shown(display: ScreenShell) -> None:
    """No screen is a fault."""
    display.open()
    for screen in SCREENS:
        display.show(screen)

        assert display.settle(10)
    display.idle(False)


def test_showing_returns_at_once(display: ScreenShell) -> None:
    """The owner loop has 50 ms for all it does."""
    display.open()
    took_s = []
    for screen in SCREENS:
        begun_s = time.perf_counter()
        display.show(screen)
        took_s.append(time.perf_counter() - begun_s)
    settled = display.settle(20)

    assert statistics.median(took_s) < 0.05
    assert settled


def test_the_display_dims_and_wakes(display: ScreenShell) -> None:
    """Both without a fault, also when it is so already."""
    display.open()
    display.show(SCREENS[0])
    for dim in (True, True, False, False, True):
        display.idle(dim)
    display.show(SCREENS[0])

    assert display.settle(10)
    display.idle(False)


def test_a_closed_display_says_so(display: ScreenShell) -> None:
    """Before open and after close."""
    with pytest.raises(DeviceFault, match="not open"):
        display.show(SCREENS[0])
    display.open()
    display.close()
    with pytest.raises(DeviceFault, match="not open"):
        display.idle(True)


def test_close_is_safe_twice_and_the_display_opens_again(display: ScreenShell) -> None:
    """The bus is handed back and no thread is left."""
    for _ in range(2):
        display.open()
        display.show(SCREENS[1])
        display.close()
        display.close()

    assert [thread for thread in threading.enumerate() if thread.name == "display-bus"] == []


def test_what_was_handed_over_before_close_is_still_shown(display: ScreenShell) -> None:
    """The last word of a session, "finished", must not be lost in a shutdown."""
    display.open()
    display.show(SCREENS[2])
    display.close()
    waiting = len(display._waiting)

    assert waiting == 0
