"""The panel driver on real gpiozero objects over the emulated pins."""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from pydantic import ValidationError

from drivers.errors import DeviceFault, DeviceMissing, DriverOptionsInvalid
from drivers.panel.emulated import EmulatedFactory
from drivers.panel.errors import PanelSilent, PanelSocketUnusable, PinFactoryUnusable, PinUnusable
from drivers.panel.gpiozero import RESERVED, GpiozeroPanel, PanelOptions
from drivers.panel.port import DARK, Button, Light, Pattern
from drivers.panel.remote import PanelRemote
from drivers.registry import create
from wire.catalogue import bundled


def options(path: Path, **more: Any) -> PanelOptions:
    return PanelOptions(pin_factory="eid_emulated", socket=path, **more)


def test_the_pin_factory_must_be_named() -> None:
    """gpiozero's silent choice of a library is never used."""
    with pytest.raises(DriverOptionsInvalid) as caught:
        create("panel", "gpiozero", {})

    assert "pin_factory" in str(caught.value.params["reason"])


def test_the_default_pins_leave_the_buses_free() -> None:
    """I2C, SPI0, UART and EEPROM are for others; GPIO 2-8 are used by nobody."""
    pins = [pin for _, pin in PanelOptions(pin_factory="lgpio").pins()]

    assert len(pins) == len(set(pins)) == 10
    assert not set(pins) & (set(RESERVED) | set(range(2, 9)) | {18, 24, 25})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"red": 17}, "GPIO17 is given to both officer_ok and red"),
        ({"buzzer": 2}, "GPIO2 for buzzer belongs to I2C"),
        ({"flash": 40}, "less than or equal to 27"),
        ({"button": 1}, "Extra inputs"),
        ({"officer_ok": "17"}, "valid integer"),
    ],
)
def test_wrong_options_are_refused_with_a_reason(wrong: dict[str, Any], reason: str) -> None:
    """One line, one role; no line of a bus; no key that does not exist."""
    with pytest.raises(ValidationError, match=reason):
        PanelOptions(pin_factory="lgpio", **wrong)


def test_a_missing_gpio_library_or_chip_is_a_missing_device() -> None:
    """Off a Raspberry Pi `lgpio` cannot be opened; the error names the factory and nothing takes its place."""
    panel = GpiozeroPanel(PanelOptions(pin_factory="lgpio", chip=15))
    with pytest.raises(PinFactoryUnusable) as caught:
        panel.open(lambda edge: None)

    assert isinstance(caught.value, DeviceMissing)
    assert "lgpio" in str(caught.value.params["where"])
    assert caught.value.params["reason"]
    assert bundled().of_error(caught.value).en


def test_a_library_that_fails_while_it_loads_is_a_missing_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """lgpio fails with FileNotFoundError in a working directory where it may not make its FIFO."""

    class Broken:
        def load(self) -> None:
            raise FileNotFoundError(2, "No such file or directory", ".lgd-nfy-3")

    monkeypatch.setattr("drivers.panel.gpiozero.entry_points", lambda **which: [Broken()])
    with pytest.raises(PinFactoryUnusable, match=r"\.lgd-nfy-3"):
        GpiozeroPanel(PanelOptions(pin_factory="lgpio")).open(lambda edge: None)


def test_a_pin_in_use_names_the_pin_and_its_role(socket_path: Path) -> None:
    """Two programs on one line: the officer learns which."""
    taken = EmulatedFactory(socket_path)
    led = gpiozero.LED(26, pin_factory=taken)
    panel = GpiozeroPanel(options(socket_path))
    panel._factory = taken

    with pytest.raises(PinUnusable) as caught:
        panel._output("flash", 26, gpiozero.LED)
    led.close()
    taken.close()
    assert caught.value.params["where"] == "GPIO26"
    assert caught.value.params["role"] == "flash"
    assert "in use" in str(caught.value.params["reason"])


def test_a_socket_that_cannot_be_made_is_a_missing_device(tmp_path: Path) -> None:
    """No such folder, a path too long, none given."""
    for path in (tmp_path / "none" / "p.sock", tmp_path / ("x" * 120)):
        with pytest.raises(PanelSocketUnusable):
            GpiozeroPanel(options(path)).open(lambda edge: None)

    assert "panel-control" not in [thread.name for thread in threading.enumerate()]


def test_edges_carry_their_own_time(bench: Any) -> None:
    """The time of the edge is taken in the callback, on the clock that all processes share."""
    before_ns = time.monotonic_ns()
    bench.remote.tap(Button.APPLICANT_YES)
    pressed, released = bench.edge(), bench.edge()

    assert (pressed.button, pressed.pressed, released.pressed) == (Button.APPLICANT_YES, True, False)
    assert before_ns < pressed.monotonic_ns < released.monotonic_ns < time.monotonic_ns()
    assert released.monotonic_ns - pressed.monotonic_ns >= 50_000_000


def test_a_failing_receiver_never_ends_the_callback_thread(socket_path: Path) -> None:
    """An exception in a callback would silence every button for good; it surfaces at the owner's next call."""
    heard = threading.Event()

    def on_edge(edge: object) -> None:
        heard.set()
        raise RuntimeError("queue is gone")

    panel = GpiozeroPanel(options(socket_path))
    panel.open(on_edge)
    with PanelRemote(socket_path) as remote:
        remote.tap(Button.OFFICER_OK)
        first = heard.is_set()
        heard.clear()
        remote.tap(Button.OFFICER_BACK)
    with pytest.raises(DeviceFault, match="queue is gone"):
        panel.beep(0)
    panel.close()

    assert first
    assert heard.is_set()


def test_only_changes_reach_the_pins(bench: Any) -> None:
    """The same light again writes nothing."""
    pin = bench.panel._factory._pin(12)
    bench.panel.status(Light(1, 0, 0))
    with bench.remote.watch() as watch:
        watch.wait_for(lambda change: change.name == "status" and change.value == (1, 0, 0))
    written = len(pin.states)
    for _ in range(20):
        bench.panel.status(Light(1, 0, 0))
    bench.panel.status(Light(1, 1, 0))
    with bench.remote.watch() as watch:
        watch.wait_for(lambda change: change.name == "status" and change.value == (1, 1, 0))

    assert len(pin.states) == written


def test_the_same_light_again_does_not_begin_its_pattern_anew(bench: Any) -> None:
    """An owner that sets the light at every turn of its loop must still see it blink."""
    blink = Light(1, 0, 0, Pattern.BLINK, 0.6)
    with bench.remote.watch() as watch:
        bench.panel.status(blink)
        watch.wait_for(lambda change: change.value == (1, 0, 0))
        deadline_s = time.monotonic() + 5
        dark = None
        while dark is None and time.monotonic() < deadline_s:
            bench.panel.status(blink)
            with contextlib.suppress(PanelSilent):
                dark = watch.wait_for(lambda change: change.value == (0, 0, 0), timeout_s=0.05)

    assert dark is not None


def test_status_and_beep_return_at_once(bench: Any) -> None:
    """Nothing over 50 ms on the owner's thread, also while a pattern runs."""
    took_s = []
    for turn in range(50):
        begun_s = time.perf_counter()
        bench.panel.status(Light(turn / 50, 0, 1, Pattern.PULSE, 0.5))
        bench.panel.beep(3)
        took_s.append(time.perf_counter() - begun_s)

    assert statistics.median(took_s) < 0.05


def test_close_turns_lights_off_and_joins_its_threads(socket_path: Path) -> None:
    """After close nothing of the panel runs and its lines are free for the next."""
    before = set(threading.enumerate())
    for _ in range(2):
        panel = GpiozeroPanel(options(socket_path))
        panel.open(lambda edge: None)
        panel.status(Light(1, 1, 1, Pattern.BLINK))
        panel.flash(True)
        panel.close()
        panel.close()

    assert set(threading.enumerate()) - before == set()
    assert not socket_path.exists()


def test_a_closed_panel_says_so(socket_path: Path) -> None:
    """Calls after close are a fault, not silence."""
    panel = GpiozeroPanel(options(socket_path))
    with pytest.raises(DeviceFault, match="not open"):
        panel.status(DARK)


def test_a_panel_without_buzzer_and_flash_does_nothing(socket_path: Path) -> None:
    """Optional parts may be absent."""
    panel = create(
        "panel",
        "gpiozero",
        {"pin_factory": "eid_emulated", "socket": str(socket_path), "buzzer": "none", "flash": "none"},
    )
    panel.open(lambda edge: None)
    panel.beep(2)
    panel.flash(True)
    panel.close()

    assert dict(options(socket_path, buzzer="none").pins()).keys().isdisjoint({"buzzer"})


def test_common_anode_and_pull_down_keep_their_meaning(socket_path: Path) -> None:
    """Another wiring changes levels on the lines, not what they mean."""
    edges: list[Any] = []
    panel = GpiozeroPanel(options(socket_path, common_anode=True, buttons_pull_up=False))
    panel.open(edges.append)
    with PanelRemote(socket_path) as remote, remote.watch() as watch:
        panel.status(Light(1, 0, 0.5))
        watch.wait_for(lambda change: change.value == (1.0, 0.0, 0.5))
        raw = panel._factory._pin(12).state
        remote.press(Button.OFFICER_SKIP)
        down = remote.get().down
    panel.close()

    assert raw == 0
    assert down == {Button.OFFICER_SKIP}
    assert [(edge.button, edge.pressed) for edge in edges[:1]] == [(Button.OFFICER_SKIP, True)]


def test_the_variable_names_the_socket_where_the_options_do_not(
    socket_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EID_PANEL_SOCKET serves plain gpiozero programs too."""
    monkeypatch.setenv("EID_PANEL_SOCKET", os.fspath(socket_path))
    panel = GpiozeroPanel(PanelOptions(pin_factory="eid_emulated"))
    panel.open(lambda edge: None)
    there = socket_path.is_socket()
    panel.close()
    monkeypatch.delenv("EID_PANEL_SOCKET")

    assert there
    with pytest.raises(PanelSocketUnusable, match="EID_PANEL_SOCKET"):
        GpiozeroPanel(PanelOptions(pin_factory="eid_emulated")).open(lambda edge: None)
