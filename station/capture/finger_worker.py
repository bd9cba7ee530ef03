"""The fingerprint device's thread: runs attempts, brings a lost device back, and never mixes two runs.

An attempt that a fault interrupted is repeated whole at the same finger; nothing of the interrupted one is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.errors import DriverError
from drivers.fingerprint.port import (
    Attempt,
    AttemptOutcome,
    CapturePolicy,
    FingerprintPort,
    Press,
    PressLog,
    Prompt,
    Quality,
    SensorInfo,
)
from station.capture.worker import Post, Worker
from station.workflow.events import FingerProgressed, FingersMissed, FingersTaken, Part, PartBack, PartFailed
from wire import bundle
from wire.fingers import FingerPosition
from wire.records import png4

_RETRY_S = 1.0
_TEXT = 200
"""What a bundle takes of what a device says of itself."""


class _WatchedStop(threading.Event):
    """A stop that beats when it is looked at.

    A driver may wait for minutes for a sensor that was unplugged; as long as it keeps asking whether to stop it is
    alive, and only one that no longer asks is hung.
    """

    def __init__(self, stop: threading.Event, ending: threading.Event, beat: Callable[[], None]) -> None:
        super().__init__()
        self._stop = stop
        self._ending = ending
        self._looked = beat

    def is_set(self) -> bool:
        self._looked()
        return self._stop.is_set() or self._ending.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self._looked()
        return self._stop.wait(timeout) or self._ending.is_set()


@dataclass(frozen=True, slots=True)
class Begin:
    """Forget everything of an earlier person; `taken` are this one's fingers so far, as `to_compare` gives them."""

    taken: dict[FingerPosition, bytes]


@dataclass(frozen=True, slots=True)
class End:
    """Forget everything."""


@dataclass(frozen=True, slots=True)
class Capture:
    run: int
    positions: tuple[FingerPosition, ...]
    stop: threading.Event


def to_compare(fingers: Iterable[bundle.Finger]) -> dict[FingerPosition, bytes]:
    """What a device can hold new fingers against: the template, or the first press where the device gives none."""
    return {
        finger.position: finger.presses[0].png if finger.template is None else finger.template.data
        for finger in fingers
        if finger.presses
    }


class FingerWorker(Worker[Begin | End | Capture]):
    """Owns the fingerprint device.

    Args:
        device: the driver, not opened.
        policy: limits per press and attempt.
        driver: its name in the configuration, for the bundle.
    """

    name = "finger"

    def __init__(self, post: Post, device: FingerprintPort, policy: CapturePolicy, driver: str) -> None:
        super().__init__(post)
        self._device = device
        self._policy = policy
        self._driver = driver
        self._info: SensorInfo | None = None
        self._failed = False
        self._taken: dict[FingerPosition, bytes] = {}
        self.silence_s += max(policy.finger_wait_s, policy.lift_wait_s)

    def serve(self) -> None:
        self._reach(lambda: None, self._stopping)
        while not self._stopping.is_set():
            command = self._next(0.25)
            match command:
                case None:
                    continue
                case Begin(taken):
                    self._taken = dict(taken)
                    self._reach(lambda: self._device.begin_session(self._taken), self._stopping)
                case End():
                    self._taken = {}
                    self._reach(self._device.end_session, self._stopping)
                case Capture():
                    self._capture(command)

    def release(self) -> None:
        self._device.close()

    def _capture(self, command: Capture) -> None:
        """One attempt; repeated from its beginning when the device failed in between."""

        stop = _WatchedStop(command.stop, self._stopping, self._beat)

        def work() -> None:
            attempt = self._device.capture(
                command.positions,
                self._policy,
                lambda progress: self._progress(FingerProgressed(command.run, progress)),
                stop,
            )
            self._answer(command, attempt)

        self._reach(work, command.stop)

    def _answer(self, command: Capture, attempt: Attempt) -> None:
        log = tuple(self._entry(command.positions, line) for line in attempt.log)
        match attempt.outcome:
            case AttemptOutcome.STOPPED:
                return
            case AttemptOutcome.REJECTED:
                self._post(FingersMissed(command.run, command.positions, log))
            case AttemptOutcome.CAPTURED:
                fingers = self._fingers(command.positions, attempt)
                self._taken |= to_compare(fingers)
                self._post(FingersTaken(command.run, fingers, log, self._described()))

    def _fingers(self, positions: tuple[FingerPosition, ...], attempt: Attempt) -> tuple[bundle.Finger, ...]:
        """Every finger that was asked for, with presses of its own and no others; else a fault of the driver."""
        if {press.position for press in attempt.presses} != set(positions) or not set(attempt.templates) <= set(
            positions
        ):
            raise AssertionError("the device filed a press under another finger, or left one out")
        return tuple(self._finger(position, attempt) for position in positions)

    def _finger(self, position: FingerPosition, attempt: Attempt) -> bundle.Finger:
        assert self._info is not None
        template = attempt.templates.get(position)
        return bundle.Finger(
            position=position,
            state=bundle.FingerState.CAPTURED,
            presses=[self._press(press) for press in attempt.presses if press.position is position],
            template=None
            if template is None
            else bundle.Template(
                sensor_model=self._info.model[:_TEXT], firmware=self._info.firmware[:_TEXT], data=template
            ),
            attempts=1,
        )

    def _described(self) -> bundle.Device:
        assert self._info is not None
        return bundle.Device(
            kind="fingerprint",
            driver=self._driver,
            model=self._info.model[:_TEXT],
            firmware=self._info.firmware[:_TEXT],
            device_class=self._info.sensor_class.value,
        )

    def _press(self, press: Press) -> bundle.Press:
        image = png4.GreyImage(press.packed, press.width_px, press.height_px, press.bit_depth)
        return bundle.Press(
            png=png4.encode_grey(image, press.ppi),
            packed_sha256=press.sha256,
            width_px=press.width_px,
            height_px=press.height_px,
            ppi=press.ppi,
            bit_depth=4 if press.bit_depth == 4 else 8,
            quality=self._quality(press.quality),
            at_monotonic_ns=press.monotonic_ns,
        )

    def _entry(self, positions: tuple[FingerPosition, ...], line: PressLog) -> bundle.AttemptEntry:
        return bundle.AttemptEntry(
            step="finger",
            position=line.position or (positions[0] if len(positions) == 1 else None),
            attempt=1,
            press=line.press,
            verdict=line.verdict.value,
            quality=[] if line.quality is None else self._quality(line.quality),
            at_monotonic_ns=line.monotonic_ns,
        )

    def _quality(self, quality: Quality) -> list[bundle.QualityComponent]:
        limits = {
            "foreground_share": (quality.foreground_share, self._policy.min_foreground_share),
            "coherent_area": (quality.coherent_area, self._policy.min_coherent_area),
            "orientation_certainty": (quality.orientation_certainty, self._policy.min_orientation_certainty),
        }
        return [
            bundle.QualityComponent(name=name, raw=float(value), passed=bool(value >= limit))
            for name, (value, limit) in limits.items()
        ]

    def _progress(self, event: FingerProgressed) -> None:
        self._beat()
        if event.progress.prompt is not Prompt.RECONNECT:
            self._well()
        self._post(event)

    def _well(self) -> None:
        """The device did what it was asked for: one that only opens is not back."""
        if self._failed:
            self._failed = False
            self._post(PartBack(Part.FINGERPRINT))

    def _reach(self, work: Callable[[], None], stop: threading.Event) -> None:
        """Runs `work` on an open device; a fault is told once, the device is brought back, `work` starts anew."""
        while not (stop.is_set() or self._stopping.is_set()):
            self._beat()
            try:
                if self._info is None:
                    self._info = self._device.open()
                    self._device.begin_session(self._taken)
                work()
                self._well()
                return
            except DriverError as error:
                self._info = None
                self._device.close()
                self._failed = True
                self._post(PartFailed(Part.FINGERPRINT, error.message_id, error.params))
                self._stopping.wait(_RETRY_S)
