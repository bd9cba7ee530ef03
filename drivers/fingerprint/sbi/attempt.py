"""One attempt at the slap scanner: captures of the same fingers until there are enough, or no presses are left.

A press is one registration capture of all fingers asked for. It counts as a whole or not at all: every finger must
verify (verify.py), be a new picture, pass the quality gate for itself, and look like itself and no other finger;
the first finger that does not is named to the officer, and all of them are captured again.
Must never hand out a press of which one finger was refused.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drivers.errors import DeviceFault, DeviceLost
from drivers.fingerprint import quality
from drivers.fingerprint.errors import SbiRejected, StepUnfit
from drivers.fingerprint.minutiae import AGREES, Minutiae, match
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
from drivers.fingerprint.sbi.gallery import Gallery, described
from drivers.fingerprint.sbi.verify import Answered, Refused
from drivers.fingerprint.uart import DEVICE, Interrupted
from wire.fingers import FingerPosition
from wire.records.fir import FingerRecord

_VERDICTS = {101: PressVerdict.NO_FINGER, 102: PressVerdict.IMAGING_FAILED, 105: PressVerdict.WRONG_HAND}
_GONE = frozenset({106, 202})
_TOO_MANY = 109
_PROMPTS = {
    PressVerdict.NO_FINGER: Prompt.PLACE,
    PressVerdict.WRONG_HAND: Prompt.OTHER_FINGER,
    PressVerdict.DUPLICATE_FINGER: Prompt.OTHER_FINGER,
    PressVerdict.NOT_VERIFIED: Prompt.OTHER_FINGER,
    PressVerdict.SMALL_AREA: Prompt.COVER_MORE,
    PressVerdict.LOW_QUALITY: Prompt.WIPE_DRY,
}
MIRRORED = 5
"""Distance between the numbers of the same finger of both hands."""


@dataclass(slots=True)
class _Finger:
    """One finger of one answer, and what became of it."""

    press: Press
    verdict: PressVerdict
    minutiae: Minutiae | None = None


class SlapAttempt:
    """One call of capture.

    Args:
        ask: one verified answer of the scanner.
        positions: all on one part of the scanner.
        gallery: of the session; the fingers of a successful attempt are added.
    """

    def __init__(
        self,
        ask: Callable[[], Answered],
        positions: tuple[FingerPosition, ...],
        policy: CapturePolicy,
        gallery: Gallery,
        progress: Callable[[Progress], None],
    ) -> None:
        self._ask = ask
        self._positions = positions
        self._policy = policy
        self._gallery = gallery
        self._progress = progress
        self._presses: list[Press] = []
        self._minutiae: dict[FingerPosition, Minutiae] = {}
        self._log: list[PressLog] = []
        self._pressed = 0
        self._taken = 0

    def run(self) -> Attempt:
        """CAPTURED with `presses_per_finger` presses of every finger, or REJECTED or STOPPED with none.

        Raises:
            SbiRejected, StepUnfit, DeviceLost, DeviceTimeout, DeviceFault: nothing of the attempt may be used.
        """
        prompt, verdict, finger = Prompt.PLACE, None, self._positions[0]
        try:
            while self._taken < self._policy.presses_per_finger:
                if self._policy.max_presses - self._pressed < self._policy.presses_per_finger - self._taken:
                    return Attempt(AttemptOutcome.REJECTED, (), {}, tuple(self._log))
                self._tell(finger, prompt, verdict)
                verdict, finger = self._press()
                prompt = _PROMPTS.get(verdict, Prompt.PLACE_AGAIN)
                self._tell(finger, Prompt.LIFT, verdict)
        except Interrupted:
            return Attempt(AttemptOutcome.STOPPED, (), {}, tuple(self._log))
        self._gallery.keep(self._minutiae)
        return Attempt(AttemptOutcome.CAPTURED, tuple(self._presses), {}, tuple(self._log))

    def _press(self) -> tuple[PressVerdict, FingerPosition]:
        """The verdict on all fingers together, and the finger it is about."""
        self._pressed += 1
        try:
            answered = self._ask()
        except Refused as refusal:
            return self._refused(refusal), self._positions[0]
        except SbiRejected:
            self._note(PressVerdict.DEVICE_FAULT, None)
            raise
        at_ns = time.monotonic_ns()
        fingers = {position: self._judged(position, record, at_ns) for position, record in answered.records.items()}
        self._compare(fingers)
        self._gallery.seen |= {finger.press.sha256 for finger in fingers.values()}
        for position, finger in fingers.items():
            self._note(finger.verdict, finger.press.quality, position)
        for position, finger in fingers.items():
            if finger.verdict is not PressVerdict.ACCEPTED:
                return finger.verdict, position
        self._presses += [finger.press for finger in fingers.values()]
        for position, finger in fingers.items():
            if finger.minutiae is not None:
                self._minutiae.setdefault(position, finger.minutiae)
        self._taken += 1
        return PressVerdict.ACCEPTED, self._positions[0]

    def _judged(self, position: FingerPosition, record: FingerRecord, at_ns: int) -> _Finger:
        image = record.image
        digest = hashlib.sha256(image.pixels).digest()
        grey = np.frombuffer(image.pixels, np.uint8).reshape(image.height_px, image.width_px)
        if min(image.width_px, image.height_px) < quality.OCL_BLOCK_PX:
            raise SbiRejected(device=DEVICE, reason="image too small")
        press = Press(
            position=position,
            packed=image.pixels,
            sha256=digest,
            width_px=image.width_px,
            height_px=image.height_px,
            ppi=record.ppi,
            bit_depth=image.bit_depth,
            quality=quality.measure(grey),
            monotonic_ns=at_ns,
        )
        if digest in self._gallery.seen:
            return _Finger(press, PressVerdict.IDENTICAL_IMAGE)
        policy = self._policy
        found = described(grey) if policy.check_uniqueness or policy.verify_last_press else None
        return _Finger(press, self._gate(press.quality), found)

    def _compare(self, fingers: dict[FingerPosition, _Finger]) -> None:
        """Each good finger with itself in the first press, and with all others: taken, of this attempt, beside it."""
        beside = {position: finger.minutiae for position, finger in fingers.items() if finger.minutiae is not None}
        for position, finger in fingers.items():
            if finger.verdict is PressVerdict.ACCEPTED and position in beside:
                finger.verdict = self._compared(position, beside)

    def _compared(self, position: FingerPosition, beside: dict[FingerPosition, Minutiae]) -> PressVerdict:
        policy, first = self._policy, self._minutiae.get(position)
        if policy.verify_last_press and first is not None and match(beside[position], first) < AGREES:
            return PressVerdict.NOT_VERIFIED
        if not policy.check_uniqueness:
            return PressVerdict.ACCEPTED
        same = self._gallery.same_as(position, beside[position], beside, self._minutiae)
        if same is None:
            return PressVerdict.ACCEPTED
        return PressVerdict.WRONG_HAND if abs(same - position) == MIRRORED else PressVerdict.DUPLICATE_FINGER

    def _gate(self, value: Quality) -> PressVerdict:
        policy = self._policy
        if value.foreground_share < policy.min_foreground_share:
            return PressVerdict.SMALL_AREA
        if (
            value.coherent_area < policy.min_coherent_area
            or value.orientation_certainty < policy.min_orientation_certainty
        ):
            return PressVerdict.LOW_QUALITY
        return PressVerdict.ACCEPTED

    def _refused(self, refusal: Refused) -> PressVerdict:
        verdict = _VERDICTS.get(refusal.code)
        if verdict is not None:
            self._note(verdict, None)
            return verdict
        self._note(PressVerdict.DEVICE_FAULT, None)
        if refusal.code in _GONE:
            raise DeviceLost(device=DEVICE) from None
        if refusal.code == _TOO_MANY:
            raise StepUnfit(device=DEVICE, reason="number of fingers not supported") from None
        raise DeviceFault(device=DEVICE, reason=f"SBI error {refusal.code}") from None

    def _note(self, verdict: PressVerdict, value: Quality | None, position: FingerPosition | None = None) -> None:
        self._log.append(PressLog(self._pressed, verdict, value, time.monotonic_ns(), position))

    def _tell(self, finger: FingerPosition, prompt: Prompt, verdict: PressVerdict | None) -> None:
        presses = self._policy.presses_per_finger
        press = min(self._taken + 1, presses)
        self._progress(Progress(finger, press, presses, prompt, verdict))
