"""The OLED driver: real luma and real smbus2 messages down to an emulated controller; faults, hangs, recovery."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import smbus2
from PIL import ImageChops

from drivers.display.controllers import Ssd1306Controller
from drivers.display.draw import Layout, draw
from drivers.display.oled import DIM_CONTRAST, FULL_CONTRAST, Oled128x64, OledOptions
from drivers.display.port import Screen
from drivers.errors import DeviceFault, DeviceMissing, DeviceTimeout, DriverError


class Anything(Ssd1306Controller):
    """Takes whatever comes: the SH1106 has commands of its own."""

    def command(self, *sent: int) -> None:
        pass

    def data(self, sent: Iterable[int]) -> None:
        pass


class I2cBus:
    """Stands in for smbus2.SMBus; messages are smbus2's own objects.

    Attributes:
        fails: raised by every transfer while set.
        gate: transfers wait while it is cleared.
    """

    def __init__(self, controller: Ssd1306Controller) -> None:
        self.controller = controller
        self.fails: OSError | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.frames = 0
        self.data_bytes = bytearray()
        self.opened: list[int] = []

    def __call__(self, port: int) -> I2cBus:
        self.opened.append(port)
        return self

    def _transfer(self) -> None:
        self.gate.wait(20)
        if self.fails is not None:
            raise self.fails

    def write_i2c_block_data(self, address: int, register: int, values: list[int]) -> None:
        self._transfer()
        assert address == 0x3C
        assert register == 0x00
        self.controller.command(*values)

    def i2c_rdwr(self, message: Any) -> None:
        self._transfer()
        sent = list(message)
        assert sent[0] == 0x40
        self.frames += 1
        self.data_bytes += bytes(sent[1:])
        self.controller.data(sent[1:])

    def close(self) -> None:
        pass


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[I2cBus]:
    made = I2cBus(Ssd1306Controller())
    monkeypatch.setattr(smbus2, "SMBus", made)
    yield made
    made.gate.set()


def test_a_missing_bus_is_a_missing_device() -> None:
    """The path that was tried stands in the error."""
    with pytest.raises(DeviceMissing) as caught:
        Oled128x64(OledOptions(bus=29)).open()

    assert "/dev/i2c-29" in str(caught.value.params["where"])


def test_a_display_that_does_not_answer_is_a_missing_device(bus: I2cBus) -> None:
    """The bus is there, the display is not: no acknowledge."""
    bus.fails = OSError(errno.EREMOTEIO, "Remote I/O error")
    with pytest.raises(DeviceMissing) as caught:
        Oled128x64(OledOptions()).open()

    assert "0x3C" in str(caught.value.params["where"])


@pytest.mark.parametrize("rotate", [0, 2])
def test_the_picture_on_the_glass_is_the_one_that_was_drawn(bus: I2cBus, plain_screen: Screen, rotate: Any) -> None:
    """Through luma, over I2C, into the controller's memory and out again, pixel by pixel."""
    display = Oled128x64(OledOptions(rotate=rotate))
    display.open()
    display.show(plain_screen)
    settled = display.settle(5)
    seen = bus.controller.image()
    display.close()
    drawn = draw(plain_screen, Layout.OLED_128X64)[0].image

    assert settled
    assert bus.opened == [1]
    assert (
        ImageChops.difference((drawn.rotate(180) if rotate else drawn).convert("L"), seen.convert("L")).getbbox()
        is None
    )
    assert not bus.controller.on


def test_the_sh1106_gets_eight_pages_of_its_own_kind(bus: I2cBus, plain_screen: Screen) -> None:
    """Eight pages of 128 bytes, the drawn pixels in them."""
    bus.controller = Anything()
    display = Oled128x64(OledOptions(chip="sh1106"))
    display.open()
    bus.data_bytes.clear()
    display.show(plain_screen)
    settled = display.settle(5)
    sent = bytes(bus.data_bytes)
    display.close()
    drawn = draw(plain_screen, Layout.OLED_128X64)[0].image
    expected = bytes(
        sum(1 << bit for bit in range(8) if drawn.getpixel((x, page * 8 + bit)))
        for page in range(8)
        for x in range(128)
    )

    assert settled
    assert sent == expected


def test_dimming_lowers_the_contrast_and_showing_raises_it(
    bus: I2cBus, plain_screen: Screen, finger_screen: Screen
) -> None:
    """Against burn-in; the next screen wakes it."""
    display = Oled128x64(OledOptions())
    display.open()
    display.show(plain_screen)
    display.idle(True)
    display.settle(5)
    dimmed = bus.controller.contrast
    display.show(finger_screen)
    display.settle(5)
    woken = bus.controller.contrast
    display.close()

    assert (dimmed, woken) == (DIM_CONTRAST, FULL_CONTRAST)


def test_only_changes_reach_the_bus(bus: I2cBus, plain_screen: Screen) -> None:
    """The same screen again is not sent again."""
    display = Oled128x64(OledOptions())
    display.open()
    display.show(plain_screen)
    display.settle(5)
    frames = bus.frames
    for _ in range(5):
        display.show(plain_screen)
        display.settle(5)
    after = bus.frames
    display.close()

    assert after == frames


def test_the_picture_moves_against_burn_in(bus: I2cBus, plain_screen: Screen) -> None:
    """By a pixel, whole."""
    display = Oled128x64(OledOptions(shift_s=0.05))
    display.open()
    display.show(plain_screen)
    drawn = draw(plain_screen, Layout.OLED_128X64)[0].image
    deadline_s = time.monotonic() + 5
    offsets = set()
    while len(offsets) < 3 and time.monotonic() < deadline_s:
        display.settle(1)
        seen = bus.controller.image()
        offsets |= {
            (x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if ImageChops.offset(drawn, x, y).tobytes() == seen.tobytes()
        }
    display.close()

    assert len(offsets) >= 3


def test_a_fault_surfaces_once_and_the_display_comes_back(
    bus: I2cBus, plain_screen: Screen, finger_screen: Screen
) -> None:
    """A loose cable must not stop a capture, and a fixed one needs no restart."""
    display = Oled128x64(OledOptions())
    display.open()
    bus.fails = OSError(errno.EIO, "Input/output error")
    display.show(plain_screen)
    display.settle(5)
    with pytest.raises((DeviceFault, DeviceMissing)):
        display.idle(False)
    bus.fails = None
    display.settle(5)
    with contextlib.suppress(DriverError):
        display.show(finger_screen)
    display.settle(5)
    seen = bus.controller.image()
    display.idle(False)
    display.close()

    assert seen.tobytes() == draw(finger_screen, Layout.OLED_128X64)[0].image.tobytes()


def test_a_display_opened_again_shows_the_same_screen_again(bus: I2cBus, plain_screen: Screen) -> None:
    """The glass is empty after opening, also when the screen is the one it had before."""
    display = Oled128x64(OledOptions())
    for _ in range(2):
        display.open()
        display.show(plain_screen)
        display.settle(5)
        seen = bus.controller.image()
        display.close()

        assert seen.getbbox() is not None


def test_a_hanging_bus_never_hangs_the_owner(bus: I2cBus, plain_screen: Screen, finger_screen: Screen) -> None:
    """Calls return at once; past the deadline they say so; close gives up in time."""
    display = Oled128x64(OledOptions(deadline_s=0.2))
    display.open()
    bus.gate.clear()
    display.show(plain_screen)
    deadline_s = time.monotonic() + 5
    slowest_s, caught = 0.0, None
    while caught is None and time.monotonic() < deadline_s:
        begun_s = time.monotonic()
        try:
            display.show(finger_screen)
        except DeviceTimeout as error:
            caught = error
        slowest_s = max(slowest_s, time.monotonic() - begun_s)
    begun_s = time.monotonic()
    display.close()
    closing_s = time.monotonic() - begun_s
    bus.gate.set()

    assert caught is not None
    assert slowest_s < 0.05
    assert closing_s < 1.0


def test_a_bus_that_hangs_while_opening_is_a_timeout(bus: I2cBus) -> None:
    """The daemon must come up without its display."""
    bus.gate.clear()
    begun_s = time.monotonic()
    with pytest.raises(DeviceTimeout):
        Oled128x64(OledOptions(deadline_s=0.2)).open()
    took_s = time.monotonic() - begun_s
    bus.gate.set()

    assert took_s < 2.0


def test_close_leaves_no_thread(bus: I2cBus, plain_screen: Screen) -> None:
    """Twice is safe; showing afterwards is a fault."""
    before = set(threading.enumerate())
    display = Oled128x64(OledOptions())
    display.open()
    display.show(plain_screen)
    display.close()
    display.close()

    assert "display-bus" not in [thread.name for thread in set(threading.enumerate()) - before]
    with pytest.raises(DeviceFault, match="not open"):
        display.show(plain_screen)
