"""The 128 x 64 OLED on I2C: SSD1306 or SH1106, over luma.oled and smbus2.

Data sheets: Solomon Systech SSD1306 rev. 1.1, Sino Wealth SH1106 v2.3. Both burn in: the picture moves by a pixel
every minute and an idle display is dimmed.
"""

from __future__ import annotations

from typing import Any, Literal

from luma.core.interface.serial import i2c
from luma.oled.device import sh1106, ssd1306
from PIL import Image
from pydantic import Field

from drivers.display.draw import Layout
from drivers.display.presenter import Picture
from drivers.display.shell import Glass, ScreenOptions, ScreenShell, missing, moved


class _Flattened:
    """luma reads frames with Pillow's `getdata`, which warns since Pillow 12.1 and goes with 14; its successor gives
    the same. `preprocess` is the place luma offers for changing a frame before it is sent."""

    def preprocess(self, image: Any) -> Any:
        """The frame as luma is to read it."""
        frame = super().preprocess(image)  # type: ignore[misc]
        frame.getdata = frame.get_flattened_data
        return frame


class Ssd1306(_Flattened, ssd1306):  # type: ignore[misc]
    """luma's SSD1306."""


class Sh1106(_Flattened, sh1106):  # type: ignore[misc]
    """luma's SH1106."""


CHIPS = {"ssd1306": Ssd1306, "sh1106": Sh1106}
FULL_CONTRAST = 0xCF
DIM_CONTRAST = 0x08


class OledOptions(ScreenOptions):
    """The OLED in the configuration.

    Attributes:
        chip: the controller on the module; 1.3 inch modules mostly carry the SH1106.
        bus: number of the I2C bus (`/dev/i2c-1`).
        address: 0x3C, or 0x3D with the address jumper set.
        shift_s: how long a picture stands before it moves by a pixel.
    """

    chip: Literal["ssd1306", "sh1106"] = "ssd1306"
    bus: int = Field(default=1, ge=0, le=30)
    address: int = Field(default=0x3C, ge=0x08, le=0x77)
    shift_s: float = Field(default=60.0, gt=0, le=3600)


class OledGlass:
    """A luma device of 128 x 64."""

    def __init__(self, device: Any) -> None:
        self._device = device

    def show(self, picture: Picture, image: Image.Image) -> None:
        """Writes the frame."""
        self._device.display(moved(image, picture.shift))

    def light(self, dim: bool) -> None:
        """Sets the contrast, which on an OLED is the brightness."""
        self._device.contrast(DIM_CONTRAST if dim else FULL_CONTRAST)

    def close(self) -> None:
        """Off and empty."""
        self._device.cleanup()


class Oled128x64(ScreenShell):
    """DisplayPort on an I2C OLED."""

    Options = OledOptions

    def __init__(self, options: OledOptions) -> None:
        super().__init__(Layout.OLED_128X64, options, options.shift_s)
        self._oled = options

    def _open_glass(self) -> Glass:
        where = f"/dev/i2c-{self._oled.bus} 0x{self._oled.address:02X}"
        try:
            serial = i2c(port=self._oled.bus, address=self._oled.address)
            device = CHIPS[self._oled.chip](serial, width=128, height=64, rotate=self._oled.rotate)
        # luma's errors derive from Exception alone
        except Exception as error:
            raise missing(where, error) from error
        return OledGlass(device)
