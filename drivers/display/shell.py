"""The thread between the owner and a luma device.

A frame takes 25 to 250 ms on the wire, so the owner never writes it: `show` hands the screen over and returns. What
goes wrong in the thread reaches the owner at the next call as a DriverError; a device that does not come back from a
call within `deadline_s` is a DeviceTimeout and never a hang. After a fault the device is set up anew for the next
screen.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

from PIL import Image, ImageChops
from pydantic import BaseModel, ConfigDict, Field

from drivers.display.draw import Layout
from drivers.display.port import Screen
from drivers.display.presenter import Picture, Presenter
from drivers.errors import DeviceFault, DeviceMissing, DeviceTimeout, DriverError

MOST_WAITING = 64


class ScreenOptions(BaseModel):
    """What all displays have in the configuration.

    Attributes:
        page_s: how long each page of a screen that does not fit one stands.
        deadline_s: longest time the device may take for one call; for opening, closing and each frame.
        rotate: 0, or 2 when it is mounted upside down.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    page_s: float = Field(default=3.0, gt=0, le=60)
    deadline_s: float = Field(default=3.0, gt=0, le=30)
    rotate: Literal[0, 2] = 0


class Glass(Protocol):
    """One opened device. Any exception means that it failed."""

    def show(self, picture: Picture, image: Image.Image) -> None:
        """Puts the image, shifted where the picture says so, on the glass."""
        ...

    def light(self, dim: bool) -> None:
        """Full or little light."""
        ...

    def close(self) -> None:
        """Blank, and hands the bus back."""
        ...


class ScreenShell:
    """DisplayPort over a Glass. One thread, `display-bus`.

    Args:
        layout: size of the display.
        options: times.
        shift_s: how long a picture may stand before it moves by a pixel, or None.
        every: True draws every screen that was handed over (the twin keeps a record); False only the newest.
    """

    def __init__(self, layout: Layout, options: ScreenOptions, shift_s: float | None, every: bool = False) -> None:
        self._options = options
        self._layout = layout
        self._shift_s = shift_s
        self._presenter = Presenter(layout, options.page_s, shift_s)
        self._every = every
        self._wake = threading.Condition()
        self._waiting: deque[Screen | bool] = deque(maxlen=MOST_WAITING)
        self._failure: DriverError | None = None
        self._busy_since_s: float | None = None
        self._opened = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def _open_glass(self) -> Glass:
        """Sets the device up; called in the thread. Raises DeviceMissing or anything the device raises."""
        raise NotImplementedError

    def open(self) -> None:
        """Sets the device up and starts. Raises DeviceMissing, DeviceFault, DeviceTimeout."""
        if self._thread is not None:
            return
        self._stopping = False
        self._failure = self._busy_since_s = None
        # A device that was opened anew shows nothing yet, whatever was on it before.
        self._waiting.clear()
        self._presenter = Presenter(self._layout, self._options.page_s, self._shift_s)
        self._opened.clear()
        self._thread = threading.Thread(target=self._run, name="display-bus", daemon=True)
        self._thread.start()
        in_time = self._opened.wait(self._options.deadline_s)
        failure = self._take_failure()
        if in_time and failure is None:
            return
        self.close()
        raise failure or DeviceTimeout(device="display", after_s=self._options.deadline_s)

    def show(self, screen: Screen) -> None:
        """Hands the screen over; drawn within a few ms, on the glass when the bus is done."""
        self._hand_over(screen)

    def idle(self, dim: bool) -> None:
        """Dims or wakes; `show` wakes too."""
        self._hand_over(dim)

    def _hand_over(self, what: Screen | bool) -> None:
        if self._thread is None:
            raise DeviceFault(device="display", reason="not open")
        with self._wake:
            if not self._every and isinstance(what, Screen):
                self._waiting.clear()
            self._waiting.append(what)
            self._wake.notify()
        failure = self._take_failure()
        if failure is not None:
            raise failure
        busy_since_s = self._busy_since_s
        if busy_since_s is not None and time.monotonic() - busy_since_s > self._options.deadline_s:
            raise DeviceTimeout(device="display", after_s=self._options.deadline_s)

    def settle(self, timeout_s: float) -> bool:
        """Waits until all that was handed over is on the glass; False when it is not in time. For tests and tools."""
        deadline_s = time.monotonic() + timeout_s
        with self._wake:
            return self._wake.wait_for(
                lambda: not self._waiting and self._busy_since_s is None, max(0.0, deadline_s - time.monotonic())
            )

    def close(self) -> None:
        """Blank. Never raises; safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        thread.join(self._options.deadline_s)

    def _take_failure(self) -> DriverError | None:
        with self._wake:
            failure, self._failure = self._failure, None
        return failure

    def _run(self) -> None:
        glass = self._guarded(self._open_glass)
        self._opened.set()
        if glass is None:
            return
        dim = False
        while (task := self._next_task()) is not None:
            picture = task()
            if glass is None:
                glass, dim = self._guarded(self._open_glass), False
                picture = picture or self._presenter.again()
            if glass is not None and picture is not None:
                if picture.dim != dim:
                    dim = picture.dim
                    glass = self._tried(glass, partial(glass.light, picture.dim))
                if glass is not None:
                    image = picture.page.image
                    glass = self._tried(glass, partial(glass.show, picture, image))
            self._done()
        if glass is not None:
            self._tried(glass, glass.close)

    def _next_task(self) -> Callable[[], Picture | None] | None:
        """The next thing to do, after waiting for it; None to stop. What was handed over before the stop is done."""
        with self._wake:
            while True:
                now_s = time.monotonic()
                if self._waiting:
                    what = self._waiting.popleft()
                    self._busy_since_s = now_s
                    if isinstance(what, Screen):
                        return lambda: self._presenter.show(what, now_s)
                    return lambda: self._presenter.idle(what, now_s)
                if self._stopping:
                    return None
                due_s = self._presenter.next_change_s()
                if due_s is not None and due_s <= now_s:
                    self._busy_since_s = now_s
                    return lambda: self._presenter.tick(now_s)
                self._wake.wait(None if due_s is None else due_s - now_s)

    def _done(self) -> None:
        with self._wake:
            self._busy_since_s = None
            self._wake.notify_all()

    def _tried(self, glass: Glass, step: Callable[[], None]) -> Glass | None:
        """The glass when the step went well; else None, and the device is let go."""

        def whole() -> bool:
            step()
            return True

        if self._guarded(whole):
            return glass
        remembered = self._failure
        self._guarded(glass.close)
        with self._wake:
            self._failure = remembered
        return None

    def _guarded(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except DriverError as error:
            failure = error
        # luma, smbus2 and spidev raise classes of their own and OSError; all mean that the device failed
        except Exception as error:
            failure = DeviceFault(device="display", reason=str(error).strip() or type(error).__name__)
        with self._wake:
            self._failure = failure
        return None


def moved(image: Image.Image, shift: tuple[int, int]) -> Image.Image:
    """The image moved by a pixel. Its outermost pixels are empty, so nothing is lost and nothing wraps round."""
    return image if shift == (0, 0) else ImageChops.offset(image, *shift)


def missing(where: str, error: BaseException) -> DeviceMissing:
    """The error for a device that did not open."""
    return DeviceMissing(device="display", where=f"{where} ({str(error).strip() or type(error).__name__})")
