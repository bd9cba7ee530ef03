"""The emulated panel's control socket, from this and from another process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.panel.debounce import Debouncer, PressKind
from drivers.panel.emulated import EmulatedFactory
from drivers.panel.errors import PanelRefused, PanelSilent, PanelSocketUnusable
from drivers.panel.port import Button, Light, Pattern
from drivers.panel.remote import PanelRemote

STATION = """
import sys, queue
from pathlib import Path
from drivers.panel.gpiozero import GpiozeroPanel, PanelOptions
from drivers.panel.port import Light
edges = queue.SimpleQueue()
panel = GpiozeroPanel(PanelOptions(pin_factory="eid_emulated", socket=Path(sys.argv[1])))
panel.open(edges.put)
for _ in range(2):
    edge = edges.get(timeout=20)
    panel.status(Light(0, 1, 0) if edge.pressed else Light(1, 0, 0))
edges.get(timeout=20)
panel.close()
"""


def raw(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(path))
    return connection


def ask(connection: socket.socket, line: bytes) -> dict[str, Any]:
    connection.sendall(line + b"\n")
    found: dict[str, Any] = json.loads(connection.makefile("rb").readline())
    return found


def test_another_process_presses_and_sees(socket_path: Path) -> None:
    """The demo's way: a station in one process, hands and eyes in another."""
    station = subprocess.Popen([sys.executable, "-c", STATION, str(socket_path)])
    try:
        with PanelRemote(socket_path, timeout_s=20) as remote, remote.watch() as watch:
            touched_ns = remote.press(Button.OFFICER_OK)
            green = watch.wait_for(lambda change: change.value == (0, 1, 0))
            remote.release(Button.OFFICER_OK)
            watch.wait_for(lambda change: change.value == (1, 0, 0))
            remote.press(Button.OFFICER_OK)
            rest = list(watch)
        code = station.wait(10)
    finally:
        station.kill()
        station.wait(10)

    assert code == 0
    assert 0 < green.monotonic_ns - touched_ns < 1_000_000_000
    assert rest[-1].name == "status"
    assert rest[-1].value == (0, 0, 0)


def test_who_presses_too_early_is_served_when_the_lines_are_claimed(socket_path: Path) -> None:
    """A touch in the middle of claiming must neither be lost nor meet a half-made button."""
    factory = EmulatedFactory(socket_path)
    try:
        factory.name_lines({Button.OFFICER_OK.value: 5})
        connection = raw(socket_path)
        connection.sendall(b'{"op": "press", "pin": "officer_ok"}\n')
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        pressed: list[bool] = []
        button = gpiozero.Button(5, pin_factory=factory)
        button.when_pressed = lambda: pressed.append(True)
        factory.lines_claimed()
        connection.settimeout(5)
        answer = json.loads(connection.makefile("rb").readline())
        connection.close()

        assert answer["ok"]
        assert pressed == [True]
    finally:
        factory.close()


def test_the_socket_is_the_owners_alone(bench: Any) -> None:
    """Nobody else may press an officer's button."""
    assert bench.socket.stat().st_mode & 0o777 == 0o600


def test_a_tap_is_answered_when_the_button_is_up_again(bench: Any) -> None:
    """The caller need not guess how long to wait."""
    begun_s = time.monotonic()
    bench.remote.tap(Button.OFFICER_OK, for_s=0.1)
    took_s = time.monotonic() - begun_s

    assert took_s >= 0.1
    assert bench.remote.get().down == frozenset()
    assert [bench.edge().pressed, bench.edge().pressed] == [True, False]


def test_a_hold_becomes_a_long_press(bench: Any) -> None:
    """From another hand through real gpiozero and the debouncer."""
    bench.remote.hold(Button.OFFICER_BACK, for_s=1.6)
    debouncer = Debouncer()
    presses = [press for _ in range(2) for press in debouncer.edge(bench.edge())]

    assert [(press.button, press.kind) for press in presses] == [(Button.OFFICER_BACK, PressKind.LONG)]


def test_a_bounce_is_many_edges_and_one_press(bench: Any) -> None:
    """Real bounces reach the driver; debouncing makes one of them."""
    bench.remote.bounce(Button.OFFICER_OK, times=6)
    edges = [bench.edge()]
    while not bench.edges.empty():
        edges.append(bench.edge())
    debouncer = Debouncer()
    presses = [press for edge in edges for press in debouncer.edge(edge)]
    presses += debouncer.tick(time.monotonic_ns() + 1_000_000_000)

    assert len(edges) == 26
    assert [press.kind for press in presses] == [PressKind.TAP]


def test_buttons_may_be_named_by_number(bench: Any) -> None:
    """BCM numbers are names too."""
    bench.remote.tap(17)

    assert bench.edge().button is Button.OFFICER_OK


@pytest.mark.parametrize(
    ("pin", "reason"), [("red", "is an output"), ("door", "not a line"), (21, "not in use"), (99, "not in use")]
)
def test_a_line_that_is_no_button_is_refused(bench: Any, pin: Any, reason: str) -> None:
    """The reply says why, and the conversation goes on."""
    with pytest.raises(PanelRefused, match=reason):
        bench.remote._ask({"op": "press", "pin": pin}, 0)

    assert bench.remote.get().down == frozenset()


def test_a_watch_begins_with_the_present_state(bench: Any) -> None:
    """Whoever comes late knows how things stand."""
    bench.panel.flash(True)
    with bench.remote.watch() as watch:
        seen = {change.name: change.value for change in (watch.next(), watch.next(), watch.next())}

    assert seen.keys() == {"status", "flash", "buzzer"}
    assert seen["status"] == (0, 0, 0)


def test_a_blink_is_seen_with_its_times(bench: Any) -> None:
    """Timestamps are those of the change, on the shared clock."""
    with bench.remote.watch() as watch:
        bench.panel.status(Light(1, 0, 0, Pattern.BLINK, 0.4))
        watch.wait_for(lambda change: change.value == (1, 0, 0))
        changes = [watch.wait_for(lambda change: change.name == "status") for _ in range(5)]
    gaps = [(after.monotonic_ns - before.monotonic_ns) / 1e9 for before, after in pairwise(changes)]

    assert [change.value for change in changes] == [(0, 0, 0), (1, 0, 0)] * 2 + [(0, 0, 0)]
    assert sum(gaps) == pytest.approx(0.8, abs=0.15)


def test_a_pulse_shows_levels_between(bench: Any) -> None:
    """PWM values pass through, not only on and off."""
    with bench.remote.watch() as watch:
        bench.panel.status(Light(0, 0, 1, Pattern.PULSE, 1.0))
        levels = {watch.wait_for(lambda change: change.name == "status").value[2] for _ in range(12)}

    assert len(levels) >= 8


def test_beeps_are_counted(bench: Any) -> None:
    """Two beeps are two."""
    with bench.remote.watch(timeout_s=0.6) as watch:
        bench.panel.beep(2)
        sounds = [change.value for change in watch if change.name == "buzzer"]

    assert sounds == [0, 1, 0, 1, 0]


def test_a_slow_watcher_is_dropped_and_holds_up_nobody(bench: Any) -> None:
    """A watcher that does not read loses its conversation; the panel stays quick."""
    sleeper = raw(bench.socket)
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.sendall(b'{"op":"watch"}\n')
    quick = raw(bench.socket)
    replies = quick.makefile("rb")
    longest_s = 0.0
    for _ in range(40):
        begun_s = time.monotonic()
        quick.sendall(b'{"op":"press","pin":"officer_ok"}\n{"op":"release","pin":"officer_ok"}\n' * 50)
        for _ in range(100):
            replies.readline()
        longest_s = max(longest_s, time.monotonic() - begun_s)
    sleeper.settimeout(5)
    received = 0
    while data := sleeper.recv(65536):
        received += len(data)
    quick.close()
    replies.close()
    sleeper.close()

    assert received < 4000 * 80, "the watcher got everything and was not slow"
    assert longest_s < 2.0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=120).map(lambda data: data.replace(b"\n", b"")))
def test_no_line_ends_the_conversation(bench: Any, line: bytes) -> None:
    """Rubbish is answered; the next command works."""
    with raw(bench.socket) as connection:
        if line.strip():
            assert ask(connection, line)["ok"] in (True, False)
        assert ask(connection, b'{"op":"get","id":7}')["id"] == 7


def test_an_endless_line_is_cut_off(bench: Any) -> None:
    """Memory stays bounded."""
    with raw(bench.socket) as connection:
        connection.sendall(b"x" * 20_000)
        reply = json.loads(connection.makefile("rb").readline())

    assert reply["ok"] is False
    assert "longer" in reply["error"]


def test_a_stale_socket_is_taken_over(socket_path: Path) -> None:
    """After kill -9 the file is still there; nobody listens on it."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(socket_path))
    factory = EmulatedFactory(socket_path)
    with PanelRemote(socket_path) as remote:
        reply = remote._ask({"op": "get"}, 0)
    factory.close()

    assert reply["ok"] is True


def test_a_living_socket_is_not_taken_over(bench: Any) -> None:
    """Two panels on one socket would fight."""
    with pytest.raises(PanelSocketUnusable):
        EmulatedFactory(bench.socket)

    assert bench.remote.get().down == frozenset()


def test_a_file_in_the_way_is_left_alone(socket_path: Path) -> None:
    """Only sockets are removed."""
    socket_path.write_text("mine")
    with pytest.raises(PanelSocketUnusable):
        EmulatedFactory(socket_path)

    assert socket_path.read_text() == "mine"


def test_remote_waits_have_deadlines(bench: Any, tmp_path: Path) -> None:
    """Nothing waits for ever: no panel, no change."""
    with pytest.raises(PanelSocketUnusable, match="nobody listens"):
        PanelRemote(tmp_path / "nobody.sock", timeout_s=0.1)
    with bench.remote.watch() as watch, pytest.raises(PanelSilent):
        watch.wait_for(lambda change: False, timeout_s=0.1)
