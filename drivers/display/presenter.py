"""Which picture is on the display when: pages turn, an idle display dims, a standing picture moves by a pixel.

Pure: time comes in as CLOCK_MONOTONIC seconds. The thread that talks to the device is in drivers/display/shell.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.display.draw import Layout, Page, draw
from drivers.display.port import Screen


@dataclass(frozen=True, slots=True)
class Picture:
    """What the device is to show now.

    Attributes:
        screen: where the picture comes from.
        page: the page, and its number among `pages`, from 1.
        shift: (right, down) in px against burn-in.
        dim: with little light.
    """

    screen: Screen
    page: Page
    number: int
    pages: int
    shift: tuple[int, int]
    dim: bool


SHIFTS = ((0, 0), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


class Presenter:
    """The state of one display.

    Args:
        layout: size of the display.
        page_s: how long each page of a screen stands.
        shift_s: how long a picture stands before it moves by a pixel; None where nothing burns in.
    """

    def __init__(self, layout: Layout, page_s: float, shift_s: float | None) -> None:
        self._layout = layout
        self._page_s = page_s
        self._shift_s = shift_s
        self._screen: Screen | None = None
        self._pages: list[Page] = []
        self._number = 0
        self._turned_s = 0.0
        self._shifted_s = 0.0
        self._shift = 0
        self._dim = False

    def show(self, screen: Screen, now_s: float) -> Picture | None:
        """Takes a new screen; None when it is the one already shown. Ends dimming."""
        if screen == self._screen:
            return self.idle(False, now_s)
        self._dim = False
        self._screen = screen
        self._pages = draw(screen, self._layout)
        self._number = 0
        self._turned_s = self._shifted_s = now_s
        return self._picture()

    def idle(self, dim: bool, now_s: float) -> Picture | None:
        """Dims or wakes; None when nothing changes."""
        if dim == self._dim:
            return None
        self._dim = dim
        return self._picture()

    def tick(self, now_s: float) -> Picture | None:
        """Lets time pass; the new picture when a page turns or the picture moves."""
        changed = False
        if len(self._pages) > 1 and now_s - self._turned_s >= self._page_s:
            # One page however late it is: a page that nobody saw is a text that was lost.
            self._number = (self._number + 1) % len(self._pages)
            self._turned_s = now_s
            changed = True
        if self._shift_s is not None and now_s - self._shifted_s >= self._shift_s:
            self._shift = (self._shift + 1) % len(SHIFTS)
            self._shifted_s = now_s
            changed = True
        return self._picture() if changed else None

    def next_change_s(self) -> float | None:
        """When `tick` must be called next, or None."""
        if self._screen is None:
            return None
        due = [self._turned_s + self._page_s] if len(self._pages) > 1 else []
        if self._shift_s is not None:
            due.append(self._shifted_s + self._shift_s)
        return min(due, default=None)

    def again(self) -> Picture | None:
        """The present picture, for a device that came back."""
        return self._picture()

    def _picture(self) -> Picture | None:
        if self._screen is None:
            return None
        page = self._pages[self._number]
        return Picture(self._screen, page, self._number + 1, len(self._pages), SHIFTS[self._shift], self._dim)
