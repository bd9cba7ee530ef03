"""What every front panel must do, whatever it is made of.

Runs against the emulated panel everywhere, and against real hardware when EID_PANEL_HARDWARE holds the options of the
driver as JSON, e.g. `{"pin_factory": "lgpio"}`. Touches on hardware need the test rig of docs/panel.md: EID_PANEL_RIG
names the line wired to each button, e.g. `{"officer_ok": 5, "officer_back": 6}`.
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from drivers.panel.debounce import Debouncer, Press, PressKind
from drivers.panel.gpiozero import GpiozeroPanel, PanelOptions
from drivers.panel.port import DARK, Button, Edge, Light, PanelPort, Pattern
from drivers.panel.remote import PanelRemote

HARDWARE = os.environ.get("EID_PANEL_HARDWARE")
RIG = os.environ.get("EID_PANEL_RIG")


class Hand(Protocol):
    """Whoever presses."""

    def press(self, button: Button) -> None: ...

    def release(self, button: Button) -> None: ...


class RemoteHand:
    """Presses over the control socket."""

    def __init__(self, remote: PanelRemote) -> None:
        self._remote = remote

    def press(self, button: Button) -> None:
        self._remote.press(button)

    def release(self, button: Button) -> None:
        self._remote.release(button)


class RigHand:
    """Presses with wires: one output for each button, low is pressed, floating is up."""

    def __init__(self) -> None:
        import gpiozero
        from gpiozero.pins.lgpio import LGPIOFactory

        self._factory = LGPIOFactory()
        wires: dict[str, int] = json.loads(RIG or "{}")
        self._lines = {
            Button(name): gpiozero.DigitalOutputDevice(
                pin, active_high=False, initial_value=False, pin_factory=self._factory
            )
            for name, pin in wires.items()
        }

    def press(self, button: Button) -> None:
        self._lines[button].on()

    def release(self, button: Button) -> None:
        self._lines[button].off()

    def close(self) -> None:
        for line in self._lines.values():
            line.close()
        self._factory.close()


class Subject:
    """One panel under test, made anew for each test."""

    def __init__(self, options: PanelOptions) -> None:
        self.options = options
        self.panel: PanelPort = GpiozeroPanel(options)
        self.edges: queue.SimpleQueue[Edge] = queue.SimpleQueue()

    def level(self, role: str) -> float:
        """The level of an output line, as the pin factory reports it."""
        factory: Any = self.panel._factory  # type: ignore[attr-defined]
        return float(factory.pin(getattr(self.options, role)).state)

    def wait_for_level(self, role: str, wanted: float, timeout_s: float = 2.0) -> float:
        """Waits for a level; returns the seconds it took."""
        begun_s = time.monotonic()
        while abs(self.level(role) - wanted) > 0.02:
            assert time.monotonic() - begun_s < timeout_s, f"{role} is {self.level(role)}, not {wanted}"
            time.sleep(0.0005)
        return time.monotonic() - begun_s

    def press_of(self, count: int, debouncer: Debouncer) -> list[Press]:
        """What the debouncer makes of the next edges."""
        return [press for _ in range(count) for press in debouncer.edge(self.edges.get(timeout=5))]


@pytest.fixture(params=["emulated", "hardware"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "hardware":
        if HARDWARE is None:
            pytest.skip("EID_PANEL_HARDWARE is not set")
        with open("/run/lock/eid-panel-test", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = Subject(PanelOptions.model_validate_json(HARDWARE))
            yield made
            made.panel.close()
        return
    made = Subject(PanelOptions(pin_factory="eid_emulated", socket=tmp_path / "panel.sock"))
    yield made
    made.panel.close()


@pytest.fixture
def hand(subject: Subject) -> Iterator[Hand]:
    """Opens the panel and puts a hand at it."""
    if subject.options.pin_factory == "lgpio":
        if RIG is None:
            pytest.skip("EID_PANEL_RIG is not set")
        rig = RigHand()
        subject.panel.open(subject.edges.put)
        yield rig
        rig.close()
        return
    subject.panel.open(subject.edges.put)
    assert subject.options.socket is not None
    with PanelRemote(subject.options.socket) as remote:
        yield RemoteHand(remote)


@pytest.mark.parametrize("button", list(Button))
def test_every_button_reports_press_and_release(subject: Subject, hand: Hand, button: Button) -> None:
    """Both edges, in order, with times of CLOCK_MONOTONIC."""
    before_ns = time.monotonic_ns()
    hand.press(button)
    pressed = subject.edges.get(timeout=5)
    hand.release(button)
    released = subject.edges.get(timeout=5)

    assert (pressed.button, pressed.pressed) == (button, True)
    assert (released.button, released.pressed) == (button, False)
    assert before_ns < pressed.monotonic_ns < released.monotonic_ns < time.monotonic_ns()


def test_a_press_makes_one_tap(subject: Subject, hand: Hand) -> None:
    """Through the debouncer, as the station uses it."""
    hand.press(Button.OFFICER_OK)
    presses = subject.press_of(1, Debouncer())
    hand.release(Button.OFFICER_OK)

    assert [(press.button, press.kind) for press in presses] == [(Button.OFFICER_OK, PressKind.TAP)]


def test_a_press_reaches_the_led_within_100_ms(subject: Subject, hand: Hand) -> None:
    """The promise to the finger: press, edge, colour."""
    took_s = []
    for turn in range(5):
        hand.press(Button.OFFICER_OK)
        pressed = subject.edges.get(timeout=5)
        subject.panel.status(Light(1, turn % 2, 0))
        subject.wait_for_level("green", turn % 2)
        subject.wait_for_level("red", 1.0)
        took_s.append(time.monotonic() - pressed.monotonic_ns / 1e9)
        hand.release(Button.OFFICER_OK)
        subject.edges.get(timeout=5)

    assert statistics.median(took_s) < 0.1


def test_colours_reach_their_lines(subject: Subject) -> None:
    """Each channel on its own, mixed, and dark."""
    subject.panel.open(subject.edges.put)
    for colour in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0.5, 0), (0, 0, 0)):
        subject.panel.status(Light(*colour))
        for role, level in zip(("red", "green", "blue"), colour, strict=True):
            subject.wait_for_level(role, level)

    assert subject.edges.empty()


def test_a_blinking_light_goes_on_and_off_by_itself(subject: Subject) -> None:
    """No call is needed to keep it going; another light ends it."""
    subject.panel.open(subject.edges.put)
    subject.panel.status(Light(0, 1, 0, Pattern.BLINK, 0.4))
    for level in (1.0, 0.0, 1.0, 0.0):
        subject.wait_for_level("green", level)
    subject.panel.status(DARK)
    subject.wait_for_level("green", 0.0)
    time.sleep(0.45)

    assert subject.level("green") == 0


def test_the_flash_is_on_when_the_call_returns(subject: Subject) -> None:
    """The camera may fire at once."""
    subject.panel.open(subject.edges.put)
    levels = []
    for on in (True, False, True):
        subject.panel.flash(on)
        levels.append(subject.level("flash"))

    assert levels == [1, 0, 1]


def test_beeping_returns_at_once(subject: Subject) -> None:
    """Three beeps last longer than the call."""
    subject.panel.open(subject.edges.put)
    begun_s = time.monotonic()
    subject.panel.beep(3)
    took_s = time.monotonic() - begun_s
    subject.wait_for_level("buzzer", 1.0)
    subject.wait_for_level("buzzer", 0.0)

    assert took_s < 0.3


def test_close_is_safe_twice_and_the_panel_opens_again(subject: Subject) -> None:
    """Lines are released and no thread is left."""
    before = set(threading.enumerate())
    for _ in range(2):
        subject.panel.open(subject.edges.put)
        subject.panel.status(Light(1, 1, 1, Pattern.PULSE))
        subject.panel.close()
        subject.panel.close()

    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"lgpio"}
