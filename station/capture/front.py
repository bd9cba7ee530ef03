"""The front panel as the main thread uses it: presses in, lights and beeps out, and back again after a fault.

No method raises: what the panel says becomes an event. Must never turn a fault into a press.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from drivers.errors import DriverError
from drivers.panel.debounce import DebouncePolicy, Debouncer, Press
from drivers.panel.port import Edge, Light, PanelPort
from station.workflow.events import Part, PartBack, PartFailed

_RETRY_S = 2.0

Outcome = PartFailed | PartBack | None


class FrontPanel:
    """One panel, closed at first.

    Args:
        panel: the driver, not opened.
        policy: when a contact counts.
        post_edge: called in the driver's threads; may only queue.
    """

    def __init__(self, panel: PanelPort, policy: DebouncePolicy, post_edge: Callable[[Edge], None]) -> None:
        self._panel = panel
        self._policy = policy
        self._post_edge = post_edge
        self._debouncer = Debouncer(policy)
        self._open = False
        self._tried_at: float | None = None
        self._wanted: tuple[Light, bool] | None = None
        self._shown: tuple[Light | None, bool | None] = (None, None)

    def tend(self) -> Outcome:
        """Opens the panel where it is closed, every two seconds anew."""
        now = time.monotonic()
        if self._open or (self._tried_at is not None and now - self._tried_at < _RETRY_S):
            return None
        self._tried_at = now
        try:
            self._panel.open(self._post_edge)
        except DriverError as error:
            return self._lost(error)
        self._open = True
        failed = self._apply()
        return failed or PartBack(Part.PANEL)

    def show(self, light: Light, flash: bool) -> Outcome:
        """What the lights are to say; told again to a panel that came back."""
        self._wanted = (light, flash)
        return self._apply()

    def beep(self, times: int) -> Outcome:
        """A panel that is not there stays silent."""
        return self._guarded(lambda: self._panel.beep(times)) if self._open else None

    def edge(self, edge: Edge) -> list[Press]:
        return self._debouncer.edge(edge)

    def tick(self, now_ns: int) -> list[Press]:
        return self._debouncer.tick(now_ns)

    def next_deadline_ns(self) -> int | None:
        return self._debouncer.next_deadline_ns()

    def close(self) -> None:
        """Lights off, pins released."""
        self._open = False
        self._panel.close()

    def _apply(self) -> Outcome:
        if not self._open or self._wanted is None:
            return None
        light, flash = self._wanted
        if light != self._shown[0] and (failed := self._guarded(lambda: self._panel.status(light))):
            return failed
        if flash != self._shown[1] and (failed := self._guarded(lambda: self._panel.flash(flash))):
            return failed
        self._shown = (light, flash)
        return None

    def _guarded(self, action: Callable[[], None]) -> Outcome:
        try:
            action()
        except DriverError as error:
            return self._lost(error)
        return None

    def _lost(self, error: DriverError) -> PartFailed:
        """A button that was down when the panel went must not become a long press: nobody holds it any more."""
        self.close()
        self._debouncer = Debouncer(self._policy)
        self._shown = (None, None)
        return PartFailed(Part.PANEL, error.message_id, error.params)
