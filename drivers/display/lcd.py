"""The 320 x 240 LCD on SPI: ILI9341 or ST7789, over luma.lcd and spidev.

luma would drive the D/C, reset and backlight lines with RPi.GPIO, which does not exist on a Raspberry Pi 5; they are
gpiozero devices here (drivers/display/lines.py). Data sheets: ILITEK ILI9341 v1.11, Sitronix ST7789V v1.6.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from luma.core.interface.serial import spi
from luma.lcd.device import ili9341, st7789
from PIL import Image
from pydantic import Field

from drivers.display.draw import Layout
from drivers.display.lines import DisplayLines
from drivers.display.presenter import Picture
from drivers.display.shell import Glass, ScreenOptions, ScreenShell, missing
from drivers.panel.gpiozero import OptionalPin

CHIPS = {"ili9341": ili9341, "st7789": st7789}
DIM_LEVEL = 0.12


class LcdOptions(ScreenOptions):
    """The LCD in the configuration. Pins are BCM numbers.

    Attributes:
        chip: the controller on the module.
        port, device: SPI bus and chip select (`/dev/spidev0.0`).
        speed_mhz: of the SPI bus; long wires want less.
        data_command, reset, backlight: lines of the module; backlight `"none"` where it is wired to 3.3 V.
        pin_factory: `lgpio` on a Raspberry Pi, `eid_emulated` in tests.
        bgr: swaps red and blue, for ILI9341 modules that want it.
    """

    chip: Literal["ili9341", "st7789"] = "ili9341"
    port: int = Field(default=0, ge=0, le=1)
    device: int = Field(default=0, ge=0, le=1)
    speed_mhz: Literal[8, 16, 20, 24, 28, 32, 36, 40] = 32
    data_command: int = Field(default=24, ge=0, le=27)
    reset: int = Field(default=25, ge=0, le=27)
    backlight: OptionalPin = 18
    pin_factory: Literal["lgpio", "eid_emulated"] = "lgpio"
    socket: Path | None = Field(default=None, strict=False)
    bgr: bool = False


class LcdGlass:
    """A luma device of 320 x 240 and its backlight."""

    def __init__(self, device: Any, lines: DisplayLines) -> None:
        self._device = device
        self._lines = lines

    def show(self, picture: Picture, image: Image.Image) -> None:
        """Writes the frame. LCDs do not burn in, so the picture stays where it is."""
        self._device.display(image)

    def light(self, dim: bool) -> None:
        """Sets the backlight."""
        self._lines.light(DIM_LEVEL if dim else 1.0)

    def close(self) -> None:
        """Dark and empty; the lines are released even where the bus fails."""
        try:
            self._device.cleanup()
        finally:
            self._lines.close()


class Lcd320x240(ScreenShell):
    """DisplayPort on an SPI LCD."""

    Options = LcdOptions

    def __init__(self, options: LcdOptions) -> None:
        super().__init__(Layout.LCD_320X240, options, None)
        self._lcd = options

    def _spi(self, lines: DisplayLines) -> Any:
        """An unopened spidev.SpiDev; `lines` are those that go with the bus."""
        import spidev  # type: ignore[import-not-found]

        return spidev.SpiDev()

    def _open_glass(self) -> Glass:
        options = self._lcd
        where = f"/dev/spidev{options.port}.{options.device}"
        lines = DisplayLines(options.pin_factory, options.socket, options.backlight)
        try:
            serial = spi(
                spi=self._spi(lines),
                gpio=lines,
                port=options.port,
                device=options.device,
                bus_speed_hz=options.speed_mhz * 1_000_000,
                gpio_DC=options.data_command,
                gpio_RST=options.reset,
                reset_hold_time=0.01,
                reset_release_time=0.12,
            )
            more = {"bgr": options.bgr} if options.chip == "ili9341" else {}
            made = CHIPS[options.chip](
                serial, width=320, height=240, rotate=options.rotate, backlight=lines.switch, **more
            )
        # luma's errors derive from Exception alone; spidev raises OSError; a missing spidev is an ImportError
        except Exception as error:
            lines.close()
            raise missing(where, error) from error
        return LcdGlass(made, lines)
