"""From the meaning of a screen to pictures of it: one or more pages for each size of display.

Pure: same screen, same pixels, on every machine. Must never clip a text: a text that is too long is drawn smaller,
then wrapped, then spread over pages that the display turns by itself. Each page tells which text it shows and where,
so that tests can hold it to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from PIL import Image

from drivers.display import colour, mono
from drivers.display.flow import Canvas, Run
from drivers.display.port import Screen


class Layout(StrEnum):
    """The two sizes that screens are drawn for."""

    OLED_128X64 = "oled-128x64"
    LCD_320X240 = "lcd-320x240"


@dataclass(frozen=True, slots=True)
class Page:
    """One picture.

    Attributes:
        image: mode `1` and 128 x 64, or mode `RGB` and 320 x 240. On the OLED the outermost pixels are empty, so that
            the picture can be shifted against burn-in.
        runs: every piece of text in it, in reading order.
    """

    image: Image.Image
    runs: tuple[Run, ...]


def draw(screen: Screen, layout: Layout) -> list[Page]:
    """The pages of a screen, the most important first; at least one."""
    match layout:
        case Layout.OLED_128X64:
            pages = mono.draw_pages(screen)
        case Layout.LCD_320X240:
            pages = colour.draw_pages(screen)
        case unreachable:
            assert_never(unreachable)
    return [_page(canvas) for canvas in pages]


def _page(canvas: Canvas) -> Page:
    return Page(canvas.image, tuple(canvas.runs))
