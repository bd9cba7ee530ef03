"""The keyboard as front panel, for `make demo ARGS=--interactive`."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.panel.port import Button
from tests.system.demo_feed import Feed
from tests.system.players import Desk
from tests.system.rig_site import SiteRig
from wire.case import qr_text

HELP = """
  o  officer: OK            n  a new case is registered and its QR code held up
  b  officer: back          f  the applicant sits down before the camera
  s  officer: skip          d  the passport is held to the camera
  c  officer: long press    e  nobody before the camera
  y  applicant: yes         p  the asked finger is placed (again: lifted)
  x  applicant: no          h  this help
                            q  end
"""

_BUTTONS = {
    "o": Button.OFFICER_OK,
    "b": Button.OFFICER_BACK,
    "s": Button.OFFICER_SKIP,
    "y": Button.APPLICANT_YES,
    "x": Button.APPLICANT_NO,
}


def interactive(site: SiteRig, desk: Desk, feed: Feed, form: Path) -> None:
    """Reads keys until `q` or the end of the input; the site runs on meanwhile."""
    feed.console.print(HELP)
    placed = False
    with _raw_keys():
        for key in _keys():
            match key:
                case "q":
                    return
                case "c":
                    desk.panel.hold(Button.OFFICER_BACK)
                case "n":
                    case = site.register_case(form, next(iter(site.stations)))
                    desk.camera.send(scene="qr", text=qr_text(case.dossier_id))
                case "d":
                    desk.passport()
                case "f":
                    desk.camera.send(scene="person", portrait=str(desk.portrait))
                case "e":
                    desk.camera.send(scene="empty")
                case "p":
                    placed = _finger(desk, feed, placed)
                case "h":
                    feed.console.print(HELP)
                case _ if key in _BUTTONS:
                    desk.panel.tap(_BUTTONS[key])
                case _:
                    continue


def _finger(desk: Desk, feed: Feed, placed: bool) -> bool:
    """Places the finger that the newest screen asks for, or lifts it; whether it is placed now."""
    shown = feed.screens[-1].screen_id.split(".") if feed.screens else []
    if placed or len(shown) != 3 or shown[0] != "finger":
        desk.sensor.lift()
        return False
    desk.touches += 1
    desk.sensor.place(desk.person, shown[1], desk.touches)
    return True


def _keys() -> Iterator[str]:
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], 0.5)
        if ready:
            # Unbuffered: what a text stream had read ahead, select would not see.
            key = os.read(sys.stdin.fileno(), 1)
            if not key:
                return
            yield key.decode("ascii", "replace")


@contextmanager
def _raw_keys() -> Iterator[None]:
    """Single keys where there is a terminal; lines of keys otherwise."""
    if not sys.stdin.isatty() or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
