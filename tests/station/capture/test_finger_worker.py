"""The fingerprint thread with the emulated sensor on its serial line: faults repeat the finger, never mix two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from drivers.fingerprint.port import CapturePolicy, Prompt
from drivers.fingerprint.proto import Command
from drivers.fingerprint.remote import Applicant, EmulatedProcess, SensorRemote
from drivers.fingerprint.serial import SerialFingerprint, SerialOptions
from station.capture.finger_worker import Begin, Capture, End, FingerWorker
from station.workflow.events import FingerProgressed, FingersMissed, FingersTaken, Part, PartBack, PartFailed
from tests.station.capture.posted import Posted
from wire.fingers import FingerPosition

POLICY = CapturePolicy(
    presses_per_finger=2,
    max_presses=4,
    finger_wait_s=3.0,
    lift_wait_s=3.0,
    min_foreground_share=0.3,
    min_coherent_area=0.3,
    min_orientation_certainty=0.3,
    verify_last_press=True,
    check_uniqueness=True,
)
EventT = TypeVar("EventT")
RIGHT, LEFT = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX


@pytest.fixture
def sensor(short_dir: Path) -> Iterator[SensorRemote]:
    process = EmulatedProcess(short_dir)
    remote = process.remote()
    yield remote
    remote.close()
    process.stop()


@pytest.fixture
def make_worker(short_dir: Path, posted: Posted) -> Iterator[Callable[..., FingerWorker]]:
    """Makes one running worker; options are the driver's."""
    made: list[FingerWorker] = []

    def make(**options: object) -> FingerWorker:
        given = {"device": str(short_dir / "sensor*"), "baud": 115200, "poll_s": 0.02, "reconnect_poll_s": 0.05}
        driver = SerialFingerprint(SerialOptions.model_validate(given | options))
        worker = FingerWorker(posted.put, driver, POLICY, "serial")
        made.append(worker)
        worker.start()
        return worker

    yield make
    for worker in made:
        worker.stop()
        assert worker.join(10.0)


class Person:
    """Does what the display says, with the finger that lies there or another one."""

    def __init__(self, posted: Posted, sensor: SensorRemote) -> None:
        self._posted = posted
        self._applicant = Applicant(sensor, "applicant-1")

    def until(self, kind: type[EventT], instead: FingerPosition | None = None, timeout_s: float = 40.0) -> EventT:
        """Follows the progress until an event of that kind; `instead` is the finger really laid down."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._posted.wait_for(object, timeout_s=deadline - time.monotonic())
            if isinstance(event, kind):
                return event
            if isinstance(event, FingerProgressed):
                self._applicant(replace(event.progress, position=instead or event.progress.position))

    def until_prompt(self, prompt: Prompt) -> None:
        while (progress := self.until(FingerProgressed).progress).prompt is not prompt:
            self._applicant(progress)


@pytest.fixture
def person(posted: Posted, sensor: SensorRemote) -> Person:
    return Person(posted, sensor)


def ask(worker: FingerWorker, run: int, position: FingerPosition) -> threading.Event:
    stop = threading.Event()
    worker.send(Capture(run, (position,), stop))
    return stop


def test_captures_what_was_asked_for(make_worker: Callable[..., FingerWorker], person: Person) -> None:
    """Each press as its own lossless image, with sensor, template and log."""
    worker = make_worker()
    worker.send(Begin({}))
    ask(worker, 7, RIGHT)
    taken = person.until(FingersTaken)

    assert taken.run == 7
    assert taken.fingers[0].position is RIGHT
    assert len({press.packed_sha256 for press in taken.fingers[0].presses}) == 2
    assert taken.fingers[0].template is not None
    assert [line.verdict for line in taken.log] == ["accepted"] * 2
    assert taken.device.driver == "serial"


def test_unplugged_in_a_press_and_back_under_another_name(
    make_worker: Callable[..., FingerWorker], sensor: SensorRemote, person: Person, posted: Posted
) -> None:
    """P4: the driver gives up, the worker does not: told once, brought back, the same finger from its beginning."""
    worker = make_worker(reconnect_wait_s=0.0)
    worker.send(Begin({}))
    sensor.arm(Command.UP_IMAGE, "unplug", {"after_bytes": 9000}, skip=1)
    ask(worker, 1, RIGHT)
    failed = person.until(PartFailed)
    pts = sensor.status()["pts"]
    sensor.request("plug", "sensor-2")
    person.until(PartBack)
    taken = person.until(FingersTaken)
    sent = {entry[0] for entry in sensor.status()["sent"]}

    assert failed.part is Part.FINGERPRINT
    assert taken.fingers[0].position is RIGHT
    assert len(taken.fingers[0].presses) == 2
    assert {press.packed_sha256.hex() for press in taken.fingers[0].presses} <= sent
    assert sensor.status()["link"].endswith("sensor-2")
    assert pts is None or sensor.status()["pts"] is not None


def test_sensor_that_opens_but_does_not_work_is_not_back(
    make_worker: Callable[..., FingerWorker], sensor: SensorRemote, person: Person, posted: Posted
) -> None:
    """One fault and one alarm, however often it is tried; then the finger goes on."""
    worker = make_worker(max_faults=1)
    worker.send(Begin({}))
    sensor.request("nak", {"command": int(Command.GET_IMAGE), "code": 1, "n": 100_000})
    ask(worker, 1, RIGHT)
    posted.wait_for(PartFailed)
    posted.wait_for(PartFailed)
    posted.wait_for(PartFailed)
    during = [event for event in posted.seen if isinstance(event, PartBack)]
    sensor.clear()
    person.until(PartBack)
    taken = person.until(FingersTaken)

    assert during == []
    assert taken.fingers[0].position is RIGHT


def test_waiting_for_a_sensor_is_a_sign_of_life(
    make_worker: Callable[..., FingerWorker], sensor: SensorRemote, person: Person
) -> None:
    """The driver waits two minutes for a plug; a daemon that took this for a hung thread would kill the session."""
    worker = make_worker(reconnect_wait_s=120.0)
    worker.send(Begin({}))
    sensor.arm(Command.UP_IMAGE, "unplug", {"after_bytes": 100})
    stop = ask(worker, 1, RIGHT)
    person.until_prompt(Prompt.RECONNECT)
    began = time.monotonic_ns()
    oldest = 0
    while time.monotonic_ns() - began < 2_500_000_000:
        oldest = max(oldest, time.monotonic_ns() - worker.beat_ns)
        time.sleep(0.02)
    stop.set()

    assert oldest < 1_500_000_000
    assert not worker.is_silent(time.monotonic_ns())


def test_a_thread_that_no_longer_looks_is_hung(make_worker: Callable[..., FingerWorker]) -> None:
    """Longer than any wait of the policy, and then it counts."""
    worker = make_worker()
    beat = worker.beat_ns

    assert worker.silence_s == 30.0 + 3.0
    assert not worker.is_silent(beat + 32_000_000_000)
    assert worker.is_silent(time.monotonic_ns() + 34_000_000_000)


def test_stop_is_quick_and_silent(
    make_worker: Callable[..., FingerWorker], sensor: SensorRemote, person: Person, posted: Posted
) -> None:
    """The next finger is asked for within a second; the stopped one says nothing more."""
    worker = make_worker()
    worker.send(Begin({}))
    stop = ask(worker, 1, RIGHT)
    person.until(FingerProgressed)
    stopped_at = time.monotonic()
    stop.set()
    ask(worker, 2, LEFT)
    posted.wait_for(FingerProgressed, lambda event: event.run == 2)
    took_s = time.monotonic() - stopped_at

    assert took_s < 1.0
    assert not [event for event in posted.drain() if isinstance(event, FingersTaken | FingersMissed)]


def test_stopped_before_it_began_never_begins(make_worker: Callable[..., FingerWorker], posted: Posted) -> None:
    """Commands wait while the sensor is missing; those that were taken back are not made up for."""
    worker = make_worker(device="/nonexistent/sensor")
    posted.wait_for(PartFailed)
    stop = ask(worker, 1, RIGHT)
    stop.set()
    worker.send(End())

    assert not [event for event in posted.drain() if isinstance(event, FingerProgressed)]


@pytest.mark.usefixtures("sensor")
def test_same_finger_for_two_positions_is_refused(
    make_worker: Callable[..., FingerWorker], person: Person, posted: Posted
) -> None:
    """The right index finger shown again for the left hand: the log says so, nothing is filed."""
    worker = make_worker()
    worker.send(Begin({}))
    ask(worker, 1, RIGHT)
    person.until(FingersTaken)
    ask(worker, 2, LEFT)
    missed = person.until(FingersMissed, instead=RIGHT)

    assert missed.positions == (LEFT,)
    assert {line.verdict for line in missed.log} == {"wrong_hand"}


@pytest.mark.usefixtures("sensor")
def test_mixed_hands_can_be_mended(make_worker: Callable[..., FingerWorker], person: Person) -> None:
    """The left finger was filed as the right one; taken back, the sensor takes the right one and then the left."""
    worker = make_worker()
    worker.send(Begin({}))
    ask(worker, 1, RIGHT)
    person.until(FingersTaken, instead=LEFT)
    worker.send(Begin({}))
    ask(worker, 2, RIGHT)
    first = person.until(FingersTaken)
    ask(worker, 3, LEFT)
    second = person.until(FingersTaken)

    assert (first.fingers[0].position, second.fingers[0].position) == (RIGHT, LEFT)


@pytest.mark.usefixtures("sensor")
def test_templates_of_the_session_come_back_with_begin(
    make_worker: Callable[..., FingerWorker], person: Person, posted: Posted
) -> None:
    """After a restart of the daemon the same finger cannot be filed twice."""
    worker = make_worker()
    worker.send(Begin({}))
    ask(worker, 1, RIGHT)
    taken = person.until(FingersTaken)
    assert taken.fingers[0].template is not None
    worker.send(End())
    worker.send(Begin({RIGHT: taken.fingers[0].template.data}))
    ask(worker, 2, LEFT)
    missed = person.until(FingersMissed, instead=RIGHT)

    assert missed.positions == (LEFT,)
