"""The LCD driver: real luma SPI and real gpiozero lines down to an emulated controller."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops

from drivers.display.controllers import Ili9341Controller
from drivers.display.draw import Layout, draw
from drivers.display.lcd import DIM_LEVEL, Lcd320x240, LcdOptions
from drivers.display.lines import DisplayLines
from drivers.display.port import Screen
from drivers.errors import DeviceMissing, DriverError


class SpiDevice:
    """Stands in for spidev.SpiDev; `is_data` tells the level of the D/C line."""

    def __init__(self, controller: Ili9341Controller, is_data: Callable[[], bool]) -> None:
        self.controller = controller
        self._is_data = is_data
        self.opened: tuple[int, int] | None = None
        self.max_speed_hz = 0
        self.fails: OSError | None = None
        self.closed = False

    def open(self, port: int, device: int) -> None:
        self.opened = (port, device)

    def writebytes(self, values: list[int] | bytes) -> None:
        if self.fails is not None:
            raise self.fails
        assert len(values) <= 4096
        if self._is_data():
            self.controller.data(values)
            return
        for value in values:
            self.controller.command(value)

    def close(self) -> None:
        self.closed = True


class BenchLcd(Lcd320x240):
    """The driver with a bus of ours where spidev would be; all else is its own."""

    def __init__(self, options: LcdOptions) -> None:
        super().__init__(options)
        self.controller = Ili9341Controller()
        self.lines: DisplayLines | None = None
        self.spi_device = SpiDevice(self.controller, self._is_data)

    def _is_data(self) -> bool:
        assert self.lines is not None
        return bool(self.lines._outputs[24].value)

    def _spi(self, lines: DisplayLines) -> Any:
        self.lines = lines
        return self.spi_device


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    return {"pin_factory": "eid_emulated", "socket": tmp_path / "lcd.sock"}


@pytest.mark.parametrize("chip", ["ili9341", "st7789"])
def test_the_picture_on_the_glass_is_the_one_that_was_drawn(
    chip: Any, options: dict[str, Any], finger_screen: Screen
) -> None:
    """Commands with D/C low, pixels with D/C high, windows inside the glass, every pixel in its place."""
    display = BenchLcd(LcdOptions(chip=chip, **options))
    display.open()
    display.show(finger_screen)
    settled = display.settle(10)
    seen, on = display.controller.image(), display.controller.on
    display.close()
    drawn = draw(finger_screen, Layout.LCD_320X240)[0].image

    assert settled
    assert on
    assert ImageChops.difference(seen, drawn).getbbox() is None
    assert display.spi_device.opened == (0, 0)
    assert display.spi_device.max_speed_hz == 32_000_000
    assert not display.controller.on
    assert display.spi_device.closed


def test_dimming_lowers_the_backlight(options: dict[str, Any], plain_screen: Screen, finger_screen: Screen) -> None:
    """PWM on the backlight's line; the next screen wakes it."""
    display = BenchLcd(LcdOptions(**options))
    display.open()
    assert display.lines is not None
    levels = [display.lines._backlight.value]
    display.show(plain_screen)
    display.idle(True)
    display.settle(5)
    levels.append(display.lines._backlight.value)
    display.show(finger_screen)
    display.settle(5)
    levels.append(display.lines._backlight.value)
    display.close()

    assert levels == [1.0, DIM_LEVEL, 1.0]


def test_a_missing_spidev_is_a_missing_device(options: dict[str, Any]) -> None:
    """Without the library or the bus the error says what was tried, and the lines are free again."""
    for _ in range(2):
        with pytest.raises(DeviceMissing) as caught:
            Lcd320x240(LcdOptions(port=1, device=1, **options)).open()

        assert "/dev/spidev1.1" in str(caught.value.params["where"])


def test_a_missing_gpio_is_a_missing_device() -> None:
    """Off a Raspberry Pi `lgpio` cannot be opened, and nothing takes its place."""
    with pytest.raises(DeviceMissing, match="lgpio"):
        Lcd320x240(LcdOptions()).open()


def test_a_fault_on_the_bus_surfaces_and_the_display_comes_back(
    options: dict[str, Any], plain_screen: Screen, finger_screen: Screen
) -> None:
    """The lines are released with the fault, so that they can be claimed again."""
    display = BenchLcd(LcdOptions(**options))
    display.open()
    display.spi_device.fails = OSError(5, "Input/output error")
    display.show(plain_screen)
    display.settle(5)
    with pytest.raises(DriverError):
        display.idle(False)
    display.spi_device.fails = None
    display.settle(5)
    with contextlib.suppress(DriverError):
        display.show(finger_screen)
    display.settle(5)
    seen = display.controller.image()
    display.close()

    assert ImageChops.difference(seen, draw(finger_screen, Layout.LCD_320X240)[0].image).getbbox() is None


def test_lines_are_outputs_only(options: dict[str, Any]) -> None:
    """A display has nothing to say on these lines."""
    lines = DisplayLines("eid_emulated", options["socket"], None)
    with pytest.raises(ValueError, match="outputs only"):
        lines.setup(24, 1)
    lines.light(0.5)
    lines.close()
    lines.close()

    assert not options["socket"].exists()
