"""One attempt for one finger on a single-finger sensor: a state machine over a small sensor protocol.

No I/O of its own, no thread: the sensor, the clock, the wait and the progress callback come in. What one press goes
through::

    CLEAR ─▶ WAIT ─▶ IMAGE ─▶ FEATURES ─▶ AGREE ─▶ (CLEAR for the next press | DONE)
      ▲        │       │         │          │
      └────────┴───────┴─────────┴──────────┘  a press that was not accepted, while presses are left

Rules: the finger is lifted between presses; the same picture twice is refused; each press passes the quality gate for
itself; the first two presses must agree (two disagreements discard both); every further press is verified against their
model; the finger must not be one already taken. The attempt ends REJECTED when `max_presses` are used up.
Must never hand out a press that did not go through all of it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, assert_never

from drivers.fingerprint import quality
from drivers.fingerprint.errors import CommandRefused
from drivers.fingerprint.port import (
    Attempt,
    AttemptOutcome,
    CapturePolicy,
    Press,
    PressLog,
    PressVerdict,
    Progress,
    Prompt,
    Quality,
)
from drivers.fingerprint.profiles import Profile
from drivers.fingerprint.proto import Code
from drivers.fingerprint.sensor import Light
from wire.fingers import FingerPosition

_LIGHT_TOUCH_DARKNESS = 0.25
"""Below this the ridges are thin: the finger should be pressed harder rather than wiped."""
_HEAVY_TOUCH_DARKNESS = 0.65
_DROWNED = 0.6


class CaptureSensor(Protocol):
    """The commands the procedure uses; `sensor.Sensor` is the real one. Codes are confirmation codes."""

    @property
    def profile(self) -> Profile: ...
    def get_image(self) -> int: ...
    def download_image(self) -> bytes: ...
    def extract(self, buffer: int) -> int: ...
    def make_model(self) -> int: ...
    def download_template(self, buffer: int = 1) -> bytes: ...
    def upload_template(self, template: bytes, buffer: int = 2) -> None: ...
    def compare(self) -> tuple[int, int]: ...
    def search(self) -> tuple[int, int]: ...
    def store(self, page: int) -> None: ...
    def delete(self, page: int) -> None: ...
    def show(self, light: Light) -> None: ...


class Step(Enum):
    CLEAR = "clear"
    WAIT = "wait"
    IMAGE = "image"
    FEATURES = "features"
    AGREE = "agree"
    DONE = "done"


_PROMPT_AFTER: Mapping[PressVerdict, Prompt] = {
    PressVerdict.NO_FINGER: Prompt.PLACE,
    PressVerdict.IMAGING_FAILED: Prompt.PLACE_AGAIN,
    PressVerdict.MESSY: Prompt.WIPE_DRY,
    PressVerdict.TOO_FEW_FEATURES: Prompt.PRESS_HARDER,
    PressVerdict.SMALL_AREA: Prompt.COVER_MORE,
    PressVerdict.LOW_QUALITY: Prompt.WIPE_DRY,
    PressVerdict.IDENTICAL_IMAGE: Prompt.PLACE_AGAIN,
    PressVerdict.DISAGREES: Prompt.PLACE_AGAIN,
    PressVerdict.NOT_VERIFIED: Prompt.OTHER_FINGER,
    PressVerdict.DUPLICATE_FINGER: Prompt.OTHER_FINGER,
    PressVerdict.WRONG_HAND: Prompt.OTHER_FINGER,
}


@dataclass(slots=True)
class Gallery:
    """The models of the fingers already taken from the person at the desk. Erased with the session."""

    models: dict[FingerPosition, bytes] = field(default_factory=dict)

    def others(self, position: FingerPosition) -> dict[FingerPosition, bytes]:
        """Every finger but this one (a finger may be taken again)."""
        return {taken: model for taken, model in self.models.items() if taken is not position}


@dataclass(slots=True)
class _Taken:
    packed: bytes
    digest: bytes
    quality: Quality
    monotonic_ns: int


class Procedure:
    """Runs one attempt. Errors are those of the sensor; after any of them nothing of the attempt may be used.

    Args:
        wait: called with seconds between polls; raises Interrupted when the attempt is to stop.
        now_ns: monotonic nanoseconds for the log.
    """

    def __init__(
        self,
        sensor: CaptureSensor,
        position: FingerPosition,
        policy: CapturePolicy,
        gallery: Gallery,
        progress: Callable[[Progress], None],
        wait: Callable[[float], None],
        *,
        poll_s: float = 0.1,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.log: list[PressLog] = []
        self._sensor = sensor
        self._position = position
        self._policy = policy
        self._gallery = gallery
        self._progress = progress
        self._wait = wait
        self._poll_s = poll_s
        self._now_ns = now_ns
        self._accepted: list[_Taken] = []
        self._seen: set[bytes] = set()
        self._pressed = 0
        self._mismatches = 0
        self._template: bytes | None = None
        self._current: _Taken | None = None
        self._last: PressVerdict | None = None
        self._hint: Prompt | None = None
        self._outcome = AttemptOutcome.REJECTED

    def run(self) -> Attempt:
        """The attempt from the first prompt to its outcome (CAPTURED or REJECTED)."""
        step = Step.CLEAR
        while step is not Step.DONE:
            step = self._run_step(step)
        if self._outcome is AttemptOutcome.CAPTURED:
            return self._captured()
        self._forget_model()
        self._sensor.show(Light.BAD)
        return Attempt(AttemptOutcome.REJECTED, (), {}, tuple(self.log))

    def _run_step(self, step: Step) -> Step:
        match step:
            case Step.CLEAR:
                return self._clear()
            case Step.WAIT:
                return self._await_finger()
            case Step.IMAGE:
                return self._image()
            case Step.FEATURES:
                return self._features()
            case Step.AGREE:
                return self._agree()
            case Step.DONE:
                return step
            case _:
                assert_never(step)

    def _clear(self) -> Step:
        """Nothing may lie on the sensor before a press begins."""
        end_ns = self._deadline_ns(self._policy.lift_wait_s)
        told = False
        while self._sensor.get_image() != Code.NO_FINGER:
            if not told:
                self._tell(Prompt.LIFT)
                self._sensor.show(Light.LIFT)
                told = True
            if self._now_ns() >= end_ns:
                return self._refuse(PressVerdict.IDENTICAL_IMAGE)
            self._wait(self._poll_s)
        return Step.WAIT

    def _await_finger(self) -> Step:
        self._tell(self._hint or (Prompt.PLACE_AGAIN if self._accepted else Prompt.PLACE))
        self._sensor.show(Light.WAIT)
        end_ns = self._deadline_ns(self._policy.finger_wait_s)
        while (code := self._sensor.get_image()) == Code.NO_FINGER:
            if self._now_ns() >= end_ns:
                return self._refuse(PressVerdict.NO_FINGER)
            self._wait(self._poll_s)
        if code != Code.OK:
            return self._refuse(PressVerdict.IMAGING_FAILED)
        return Step.IMAGE

    def _image(self) -> Step:
        self._tell(Prompt.HOLD)
        self._sensor.show(Light.HOLD)
        at_ns = self._now_ns()
        try:
            packed = self._sensor.download_image()
        except CommandRefused:
            return self._refuse(PressVerdict.IMAGING_FAILED)
        digest = hashlib.sha256(packed).digest()
        profile = self._sensor.profile
        grey = quality.unpacked(packed, profile.width_px, profile.height_px)
        self._current = _Taken(packed, digest, quality.measure(grey), at_ns)
        if digest in self._seen:
            return self._refuse(PressVerdict.IDENTICAL_IMAGE)
        self._seen.add(digest)
        return self._gate(self._current.quality, quality.mean_darkness(grey), 1.0 - float(grey.mean()) / 255.0)

    def _gate(self, value: Quality, darkness: float, overall: float) -> Step:
        """`darkness` within the ridges, `overall` of the whole picture: a drowned print has no ridges left to see."""
        policy = self._policy
        touch = Prompt.PRESS_HARDER if darkness < _LIGHT_TOUCH_DARKNESS else None
        if value.foreground_share < policy.min_foreground_share and overall > _DROWNED:
            return self._refuse(PressVerdict.LOW_QUALITY, Prompt.PRESS_LIGHTER)
        if value.foreground_share < policy.min_foreground_share:
            return self._refuse(PressVerdict.SMALL_AREA, touch)
        if (
            value.coherent_area < policy.min_coherent_area
            or value.orientation_certainty < policy.min_orientation_certainty
        ):
            return self._refuse(
                PressVerdict.LOW_QUALITY, Prompt.PRESS_LIGHTER if darkness > _HEAVY_TOUCH_DARKNESS else touch
            )
        return Step.FEATURES

    def _features(self) -> Step:
        buffer = 2 if len(self._accepted) == 1 else 1
        code = self._sensor.extract(buffer)
        match code:
            case Code.OK:
                pass
            case Code.IMAGE_MESSY:
                return self._refuse(PressVerdict.MESSY)
            case Code.FEATURE_FAIL:
                return self._refuse(PressVerdict.TOO_FEW_FEATURES)
            case _:
                return self._refuse(PressVerdict.IMAGING_FAILED)
        return Step.AGREE

    def _agree(self) -> Step:
        """A press is compared with what it must match before it is compared with what it must not match."""
        count = len(self._accepted)
        if count >= 2 and self._policy.verify_last_press and not self._verified():
            return self._refuse(PressVerdict.NOT_VERIFIED)
        if count == 1 and not self._modelled():
            return Step.DONE if self._used_up() else Step.CLEAR
        if count != 1 and self._policy.check_uniqueness and (verdict := self._already_taken()) is not None:
            return self._refuse(verdict)
        return self._accept()

    def _modelled(self) -> bool:
        code = self._sensor.make_model()
        if code == Code.OK:
            self._template = self._sensor.download_template()
            if self._sensor.profile.model_buffer:
                self._sensor.store(self._position)
            return True
        self._mismatches += 1
        self._refuse(PressVerdict.DISAGREES)
        if self._mismatches >= 2:
            self._mismatches = 0
            self._accepted.clear()
        return False

    def _verified(self) -> bool:
        """Press in buffer 1 against the model: in buffer 2 after RegModel, or in the library on ModelBuffer models."""
        if self._sensor.profile.model_buffer:
            code, page = self._sensor.search()
            return code == Code.OK and page == self._position
        if self._template is None:
            return False
        self._sensor.upload_template(self._template, 2)
        code, _ = self._sensor.compare()
        return code == Code.OK

    def _already_taken(self) -> PressVerdict | None:
        others = self._gallery.others(self._position)
        if not others:
            return None
        if self._sensor.profile.model_buffer:
            code, page = self._sensor.search()
            if code != Code.OK or page == self._position:
                return None
            return self._same_as(FingerPosition(page)) if page in {int(taken) for taken in others} else None
        for taken, model in others.items():
            self._sensor.upload_template(model, 2)
            code, _ = self._sensor.compare()
            if code == Code.OK:
                return self._same_as(taken)
        return None

    def _same_as(self, taken: FingerPosition) -> PressVerdict:
        """The same finger of the other hand asked for means that the hands were mixed up."""
        mirrored = abs(taken - self._position) == 5
        return PressVerdict.WRONG_HAND if mirrored else PressVerdict.DUPLICATE_FINGER

    def _accept(self) -> Step:
        if self._current is None:
            raise AssertionError("a press without an image")
        self._accepted.append(self._current)
        self._note(PressVerdict.ACCEPTED)
        self._hint = None
        if len(self._accepted) == self._policy.presses_per_finger:
            self._outcome = AttemptOutcome.CAPTURED
            return Step.DONE
        return Step.DONE if self._used_up() else Step.CLEAR

    def _refuse(self, verdict: PressVerdict, hint: Prompt | None = None) -> Step:
        self._note(verdict)
        self._hint = hint or _PROMPT_AFTER[verdict]
        self._sensor.show(Light.BAD)
        return Step.DONE if self._used_up() else Step.CLEAR

    def _note(self, verdict: PressVerdict) -> None:
        measured = self._current.quality if self._current else None
        self._pressed += 1
        self._last = verdict
        self._current = None
        self.log.append(PressLog(self._pressed, verdict, measured, self._now_ns()))

    def _used_up(self) -> bool:
        """Also when the presses left cannot reach the number asked for."""
        left = self._policy.max_presses - self._pressed
        return left < self._policy.presses_per_finger - len(self._accepted)

    def _captured(self) -> Attempt:
        profile = self._sensor.profile
        templates: dict[FingerPosition, bytes] = {}
        if self._template is not None:
            templates[self._position] = self._template
            self._gallery.models[self._position] = self._template
        self._sensor.show(Light.GOOD)
        presses = tuple(
            Press(
                position=self._position,
                packed=taken.packed,
                sha256=taken.digest,
                width_px=profile.width_px,
                height_px=profile.height_px,
                ppi=profile.ppi,
                bit_depth=4,
                quality=taken.quality,
                monotonic_ns=taken.monotonic_ns,
            )
            for taken in self._accepted
        )
        return Attempt(AttemptOutcome.CAPTURED, presses, templates, tuple(self.log))

    def _forget_model(self) -> None:
        """A model that led nowhere must not stay in the library, where it would look like a finger taken."""
        if self._template is None or not self._sensor.profile.model_buffer:
            return
        self._sensor.delete(self._position)
        earlier = self._gallery.models.get(self._position)
        if earlier is not None:
            self._sensor.upload_template(earlier)
            self._sensor.store(self._position)

    def _tell(self, prompt: Prompt) -> None:
        press = min(len(self._accepted) + 1, self._policy.presses_per_finger)
        self._progress(Progress(self._position, press, self._policy.presses_per_finger, prompt, self._last))

    def _deadline_ns(self, seconds: float) -> int:
        return self._now_ns() + round(seconds * 1e9)
