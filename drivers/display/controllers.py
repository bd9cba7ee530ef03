"""The far end of the display's bus, emulated: what the controller makes of the bytes that luma sends.

Takes the place of luma's serial interface, so that luma's own device code runs down to the last byte and the picture
that comes out is the one the glass would show. Knows the commands that luma uses; a byte sequence that a real
controller would misread is an error here.
"""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image

_SSD1306_ARGUMENTS = {
    0x20: 1,
    0x21: 2,
    0x22: 2,
    0x81: 1,
    0x8D: 1,
    0xA8: 1,
    0xD3: 1,
    0xD5: 1,
    0xD9: 1,
    0xDA: 1,
    0xDB: 1,
}
"""Bytes that follow a command (SSD1306 data sheet rev. 1.1, table 9-1)."""


class Ssd1306Controller:
    """An SSD1306 of 128 x 64 in horizontal addressing mode.

    Attributes:
        on: the display is switched on.
        contrast: 0..255.
    """

    WIDTH, PAGES = 128, 8

    def __init__(self) -> None:
        self.on = False
        self.contrast = 0x7F
        self._memory = bytearray(self.WIDTH * self.PAGES)
        self._columns = (0, self.WIDTH - 1)
        self._pages = (0, self.PAGES - 1)
        self._at = (0, 0)

    def command(self, *sent: int) -> None:
        """Commands with their arguments in one go, as luma sends them."""
        bytes_left = list(sent)
        while bytes_left:
            code = bytes_left.pop(0)
            count = _SSD1306_ARGUMENTS.get(code, 0)
            if len(bytes_left) < count:
                raise ValueError(f"command 0x{code:02X} lacks {count - len(bytes_left)} bytes")
            self._carry_out(code, [bytes_left.pop(0) for _ in range(count)])

    def _carry_out(self, code: int, arguments: list[int]) -> None:
        match code:
            case 0x20 if arguments != [0]:
                raise ValueError("only horizontal addressing is emulated")
            case 0x21:
                self._columns = (arguments[0], arguments[1])
                self._at = (arguments[0], self._at[1])
            case 0x22:
                self._pages = (arguments[0], arguments[1])
                self._at = (self._at[0], arguments[0])
            case 0x81:
                self.contrast = arguments[0]
            case 0xAE | 0xAF:
                self.on = code == 0xAF
            case _:
                pass

    def data(self, sent: Iterable[int]) -> None:
        """Bytes of eight pixels each, the lowest bit on top, along the pages."""
        column, page = self._at
        for value in sent:
            self._memory[page * self.WIDTH + column] = value
            column += 1
            if column > self._columns[1]:
                column, page = self._columns[0], page + 1
            if page > self._pages[1]:
                page = self._pages[0]
        self._at = (column, page)

    def cleanup(self) -> None:
        """luma's call at the end."""

    def image(self) -> Image.Image:
        """What the glass shows, mode 1; dark when switched off."""
        shown = Image.new("1", (self.WIDTH, self.PAGES * 8), 0)
        if self.on:
            lit = [
                255 * (self._memory[(y // 8) * self.WIDTH + x] >> (y % 8) & 1)
                for y in range(self.PAGES * 8)
                for x in range(self.WIDTH)
            ]
            shown = Image.frombytes("L", shown.size, bytes(lit)).convert("1", dither=Image.Dither.NONE)
        return shown


class Ili9341Controller:
    """An ILI9341 of 320 x 240 with three bytes a pixel.

    Attributes:
        on: the display is switched on.
        backlight: 0..1.
    """

    WIDTH, HEIGHT = 320, 240

    def __init__(self) -> None:
        self.on = False
        self.backlight = 0.0
        self._image = Image.new("RGB", (self.WIDTH, self.HEIGHT), 0)
        self._window = [0, 0, self.WIDTH - 1, self.HEIGHT - 1]
        self._code = 0
        self._written = bytearray()

    def command(self, code: int) -> None:
        """One command byte; its arguments come as data."""
        self._code = code
        self._written.clear()
        if code in (0x28, 0x29):
            self.on = code == 0x29

    def data(self, sent: Iterable[int]) -> None:
        """Arguments of the last command, or pixels after Memory Write."""
        arguments = bytes(sent)
        match self._code:
            case 0x2A | 0x2B:
                start, end = int.from_bytes(arguments[:2]), int.from_bytes(arguments[2:4])
                first = 0 if self._code == 0x2A else 1
                limit = self.WIDTH if first == 0 else self.HEIGHT
                if len(arguments) != 4 or not start <= end < limit:
                    raise ValueError(f"window {start}..{end} is outside the glass")
                self._window[first], self._window[first + 2] = start, end
            case 0x2C:
                self._written += arguments
                self._take_pixels()
            case _:
                pass

    def _take_pixels(self) -> None:
        left, top, right, bottom = self._window
        size = (right - left + 1, bottom - top + 1)
        if len(self._written) > size[0] * size[1] * 3:
            raise ValueError("more pixels than the window holds")
        if len(self._written) == size[0] * size[1] * 3:
            self._image.paste(Image.frombytes("RGB", size, bytes(self._written)), (left, top))
            self._written.clear()

    def cleanup(self) -> None:
        """luma's call at the end."""

    def switch(self, on: bool) -> None:
        """The backlight, as luma calls it."""
        self.backlight = 1.0 if on else 0.0

    def image(self) -> Image.Image:
        """What the glass shows, mode RGB; black when switched off."""
        return self._image.copy() if self.on else Image.new("RGB", self._image.size, 0)
