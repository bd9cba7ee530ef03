"""The display's thread with an emulated display: a broken one stops nobody, a dark one wakes."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.display.emulated import EmulatedDisplay, EmulatedOptions
from drivers.display.follow import ScreenFollower
from drivers.display.port import Screen
from station.capture.display_worker import DisplayWorker, Leave, Show, Wake
from station.workflow.events import Part, PartBack, PartFailed
from tests.station.capture.posted import Posted
from wire.catalogue import Text

HELLO = Screen("hello", Text("Xin chào", "Hello"))
NEXT = Screen("next", Text("Tiếp", "Next"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "screens"


@pytest.fixture
def worker(folder: Path, posted: Posted) -> Iterator[DisplayWorker]:
    found = DisplayWorker(posted.put, EmulatedDisplay(EmulatedOptions(directory=folder)))
    found.start()
    yield found
    found.stop()
    assert found.join(5.0)


def lights(folder: Path) -> list[float]:
    lines = (folder / "screens.jsonl").read_text("utf-8").splitlines()
    return [entry["level"] for line in lines if (entry := json.loads(line))["event"] == "light"]


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


def test_only_changes_of_light_reach_the_glass_and_a_press_wakes_it(worker: DisplayWorker, folder: Path) -> None:
    """Dimmed when nothing happens; awake again at a press that changes no screen."""
    worker.send(Show(HELLO, dim_after_s=0.3))
    ScreenFollower(folder).wait_for("hello")
    until(lambda: lights(folder)[-1:] and lights(folder)[-1] < 1.0)
    worker.send(Wake())
    until(lambda: lights(folder)[-1] == 1.0)
    drawn = (folder / "screens.jsonl").read_text("utf-8").count('"event":"screen"')

    assert drawn == 1


def test_a_screen_of_a_session_is_not_dimmed_early(worker: DisplayWorker, folder: Path) -> None:
    """Nobody should read the consent on a dark display."""
    worker.send(Show(HELLO, dim_after_s=60.0))
    ScreenFollower(folder).wait_for("hello")
    beat = worker.beat_ns
    until(lambda: worker.beat_ns - beat > 700_000_000)

    assert [level for level in lights(folder) if level < 1.0] == []


def test_broken_display_is_told_once_and_shows_the_newest_screen_when_it_is_back(
    worker: DisplayWorker, folder: Path, posted: Posted
) -> None:
    """P4: the capture goes on; what was missed is made up for."""
    worker.send(Show(HELLO, 60.0))
    ScreenFollower(folder).wait_for("hello")
    shutil.rmtree(folder)
    folder.write_text("not a folder")
    worker.send(Show(NEXT, 60.0))
    failed = posted.wait_for(PartFailed)
    folder.unlink()
    posted.wait_for(PartBack)
    shown = ScreenFollower(folder).wait_for("next")

    assert failed.part is Part.DISPLAY
    assert shown.title.en == "Next"
    assert posted.seen.count(failed) == 1


def test_a_failure_is_noticed_without_a_new_screen(worker: DisplayWorker, folder: Path, posted: Posted) -> None:
    """A glass that went dark while nothing changed is set up again by itself."""
    worker.send(Show(HELLO, dim_after_s=0.2))
    ScreenFollower(folder).wait_for("hello")
    shutil.rmtree(folder)
    folder.write_text("not a folder")

    assert posted.wait_for(PartFailed).part is Part.DISPLAY
    folder.unlink()
    assert posted.wait_for(PartBack).part is Part.DISPLAY


def test_last_screen_stays_when_the_process_ends(folder: Path, posted: Posted) -> None:
    """The sentence why the station cannot work is drawn although the end was asked for at the same moment."""
    worker = DisplayWorker(posted.put, EmulatedDisplay(EmulatedOptions(directory=folder)))
    worker.start()
    worker.send(Leave(HELLO))
    worker.stop()

    assert worker.join(5.0)
    assert ScreenFollower(folder).wait_for("hello").title.en == "Hello"
    assert '"close"' not in (folder / "screens.jsonl").read_text("utf-8")
