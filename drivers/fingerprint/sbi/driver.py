"""The driver `sbi`: a scanner behind a MOSIP device service on 127.0.0.1, several fingers at once.

One attempt is `presses_per_finger` registration captures of the same fingers; each must verify and each finger must
pass the quality gate for itself, or the whole capture is repeated. The interface has no way to compare fingers: whether
a finger was already taken is left to the scanner, which must refuse the same segment twice, and to the centre; this
driver only refuses an image that it has already seen in this session.
Must never keep an image of an answer of which any part did not verify.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from drivers.errors import DeviceFault, DeviceLost, DeviceMissing, DeviceTimeout
from drivers.fingerprint import quality
from drivers.fingerprint.errors import SbiRejected, StepUnfit
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
    SensorClass,
    SensorInfo,
)
from drivers.fingerprint.sbi import messages, verify
from drivers.fingerprint.sbi.client import HOST, SbiClient
from drivers.fingerprint.sbi.verify import Answered, Asked, Device, Refused, Trust
from drivers.fingerprint.uart import DEVICE, Interrupted
from wire.fingers import FingerPosition
from wire.records.fir import FingerRecord

LOG = logging.getLogger(__name__)
PLATEN_PX = (1600, 1500)
"""Nominal platen of a 4-4-2 scanner (FAP 60) at 500 ppi; each record says its own size."""
_VERDICTS = {101: PressVerdict.NO_FINGER, 102: PressVerdict.IMAGING_FAILED, 105: PressVerdict.WRONG_HAND}
_GONE = frozenset({106, 202})
_PROMPTS = {
    PressVerdict.NO_FINGER: Prompt.PLACE,
    PressVerdict.WRONG_HAND: Prompt.OTHER_FINGER,
    PressVerdict.SMALL_AREA: Prompt.COVER_MORE,
    PressVerdict.LOW_QUALITY: Prompt.WIPE_DRY,
}


class SbiOptions(BaseModel):
    """Options of the driver `sbi`.

    Attributes:
        trust_anchors: PEM file of the certificates that device certificates must lead to.
        first_port, last_port: where to look for the service; the specification reserves 4501 to 4600.
        env: environment the device must be registered in.
        serial_no: the one device to accept, or None for any trusted one.
        requested_score: quality the scanner should reach before it captures (NFIQ 2, 0..100).
        answer_timeout_s: for discovery and device info.
        grace_s: how much longer than its own timeout a capture may take to answer.
        skew_s: how far the device's clock may differ.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    trust_anchors: str = Field(min_length=1)
    first_port: int = Field(4501, ge=1024, le=65535)
    last_port: int = Field(4600, ge=1024, le=65535)
    env: Literal["Staging", "Developer", "Pre-Production", "Production"] = "Production"
    serial_no: str | None = None
    requested_score: int = Field(40, ge=0, le=100)
    answer_timeout_s: float = Field(5.0, gt=0, le=60)
    grace_s: float = Field(3.0, gt=0, le=60)
    skew_s: float = Field(5.0, ge=0, le=300)


class SbiFingerprint:
    """FingerprintPort over the Secure Biometric Interface.

    Args:
        options: see SbiOptions.
        clock: monotonic seconds.
        now: wall time, aware; certificates and timestamps are judged by it.
    """

    Options = SbiOptions
    FINGERS_AT_ONCE = 4

    def __init__(
        self,
        options: SbiOptions,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._options = options
        self._clock = clock
        self._now = now
        self._client: SbiClient | None = None
        self._device: Device | None = None
        self._trust: Trust | None = None
        self._previous_hash = messages.EMPTY_HASH
        self._seen: set[bytes] = set()

    def open(self) -> SensorInfo:
        """Discovers the service and verifies its device.

        Raises:
            DeviceMissing: no registration device answers on any port, or the trust anchors cannot be read.
            SbiRejected: a device answered but does not verify.
            DeviceFault: it is not ready.
        """
        self.close()
        self._trust = self._anchored()
        client = self._discovered()
        try:
            answer = client.call("SBIINFO", "/info", messages.discovery_request(), self._options.answer_timeout_s)
            found = verify.device(answer, self._trust, self._now(), self._options.serial_no)
        except Refused as refusal:
            raise DeviceFault(device=DEVICE, reason=f"SBI error {refusal.code}") from None
        if found.info.status != messages.READY:
            raise DeviceFault(device=DEVICE, reason=f"device status {found.info.status}")
        self._client, self._device = client, found
        slap = found.identity.sub_type == "Slap"
        width_px, height_px = PLATEN_PX
        return SensorInfo(
            model=f"{found.identity.make} {found.identity.model}",
            firmware=found.info.firmware,
            sensor_class=SensorClass.SLAP_OPTICAL if slap else SensorClass.SINGLE_OPTICAL,
            width_px=width_px,
            height_px=height_px,
            ppi=500,
            bit_depth=8,
        )

    def begin_session(self, taken: Mapping[FingerPosition, bytes] | None = None) -> None:
        """Starts a new hash chain and forgets the images seen. The service keeps nothing between captures.

        `taken` is of no use here: the interface gives and takes no templates.
        """
        self._previous_hash = messages.EMPTY_HASH
        self._seen.clear()

    def end_session(self) -> None:
        """As begin_session."""
        self.begin_session()

    def close(self) -> None:
        """Forgets the service; there is no connection to keep."""
        self._client = self._device = None

    def capture(
        self,
        positions: tuple[FingerPosition, ...],
        policy: CapturePolicy,
        progress: Callable[[Progress], None],
        stop: threading.Event,
    ) -> Attempt:
        """One attempt for fingers that lie on the platen together; see FingerprintPort.

        Raises:
            StepUnfit: fingers that no part of the scanner takes at once.
            SbiRejected: an answer did not verify.
            DeviceLost, DeviceTimeout, DeviceFault.
        """
        sub_id = messages.sub_id_of(positions)
        if sub_id is None or len(set(positions)) != len(positions):
            raise StepUnfit(device=DEVICE, reason="these fingers do not lie together")
        if self._device is None or self._client is None:
            raise DeviceLost(device=DEVICE)
        if sub_id not in self._device.info.sub_ids:
            raise StepUnfit(device=DEVICE, reason=f"scanner has no part {sub_id}")
        return _Attempt(self, positions, sub_id, policy, progress, stop).run()

    def _anchored(self) -> Trust:
        try:
            anchors = verify.load_anchors(Path(self._options.trust_anchors).read_bytes())
        except (OSError, ValueError) as error:
            raise DeviceMissing(device=DEVICE, where=self._options.trust_anchors) from error
        return Trust(tuple(anchors), self._options.env, timedelta(seconds=self._options.skew_s))

    def _discovered(self) -> SbiClient:
        """The first service with a ready registration device that names this very address as its own."""
        options = self._options
        end = self._clock() + options.answer_timeout_s
        for port in range(options.first_port, options.last_port + 1):
            client = SbiClient(port, self._clock)
            try:
                left_s = max(0.1, end - self._clock())
                answer = client.call("SBIDISC", "/device", messages.discovery_request(), left_s)
                devices = verify.discovered(answer)
            except (DeviceLost, DeviceTimeout, SbiRejected):
                continue
            for found in devices:
                here = found.callback.rstrip("/") == f"http://{HOST}:{port}"
                if here and found.purpose == messages.PURPOSE and messages.SPEC_VERSION in found.versions:
                    return client
        where = f"{HOST}:{options.first_port}-{options.last_port}"
        raise DeviceMissing(device=DEVICE, where=where)

    def _asked(
        self, positions: tuple[FingerPosition, ...], sub_id: int, wait_s: float, stop: threading.Event
    ) -> Answered:
        """One RCAPTURE, verified; raises before anything of it can be used."""
        if self._client is None or self._device is None or self._trust is None:
            raise DeviceLost(device=DEVICE)
        asked = Asked(positions, str(uuid.uuid4()), self._previous_hash, self._now())
        body = messages.capture_request(
            env=self._options.env,
            transaction_id=asked.transaction_id,
            at=asked.at,
            timeout_ms=round(wait_s * 1000),
            positions=positions,
            sub_id=sub_id,
            serial_no=self._device.info.serial_no,
            requested_score=self._options.requested_score,
            previous_hash=asked.previous_hash,
        )
        answer = self._client.call("RCAPTURE", "/capture", body, wait_s + self._options.grace_s, stop)
        verified = verify.answered(answer, asked, self._device, self._trust, self._now())
        self._previous_hash = verified.hash
        return verified


class _Attempt:
    """One call of capture."""

    def __init__(
        self,
        driver: SbiFingerprint,
        positions: tuple[FingerPosition, ...],
        sub_id: int,
        policy: CapturePolicy,
        progress: Callable[[Progress], None],
        stop: threading.Event,
    ) -> None:
        self._driver = driver
        self._positions = positions
        self._sub_id = sub_id
        self._policy = policy
        self._progress = progress
        self._stop = stop
        self._presses: list[Press] = []
        self._log: list[PressLog] = []
        self._pressed = 0
        self._taken = 0

    def run(self) -> Attempt:
        prompt, verdict = Prompt.PLACE, None
        try:
            while self._taken < self._policy.presses_per_finger:
                if self._policy.max_presses - self._pressed < self._policy.presses_per_finger - self._taken:
                    return Attempt(AttemptOutcome.REJECTED, (), {}, tuple(self._log))
                self._tell(prompt, verdict)
                verdict = self._press()
                prompt = _PROMPTS.get(verdict, Prompt.PLACE_AGAIN)
                self._tell(Prompt.LIFT, verdict)
        except Interrupted:
            return Attempt(AttemptOutcome.STOPPED, (), {}, tuple(self._log))
        return Attempt(AttemptOutcome.CAPTURED, tuple(self._presses), {}, tuple(self._log))

    def _press(self) -> PressVerdict:
        """One capture of all fingers: the first finger that fails decides for all of them."""
        self._pressed += 1
        try:
            answered = self._driver._asked(self._positions, self._sub_id, self._policy.finger_wait_s, self._stop)
        except Refused as refusal:
            return self._refused(refusal)
        except SbiRejected:
            self._note(PressVerdict.DEVICE_FAULT, None)
            raise
        at_ns = time.monotonic_ns()
        presses, verdicts = [], []
        for position, record in answered.records.items():
            press, verdict = self._judged(position, record, at_ns)
            presses.append(press)
            verdicts.append(verdict)
            self._note(verdict, press.quality, position)
        worst = next((verdict for verdict in verdicts if verdict is not PressVerdict.ACCEPTED), PressVerdict.ACCEPTED)
        self._driver._seen |= {press.sha256 for press in presses}
        if worst is PressVerdict.ACCEPTED:
            self._presses += presses
            self._taken += 1
        return worst

    def _judged(self, position: FingerPosition, record: FingerRecord, at_ns: int) -> tuple[Press, PressVerdict]:
        image = record.image
        digest = hashlib.sha256(image.pixels).digest()
        grey = np.frombuffer(image.pixels, np.uint8).reshape(image.height_px, image.width_px)
        if min(image.width_px, image.height_px) < quality.OCL_BLOCK_PX:
            raise SbiRejected(device=DEVICE, reason="image too small")
        value = quality.measure(grey)
        press = Press(
            position=position,
            packed=image.pixels,
            sha256=digest,
            width_px=image.width_px,
            height_px=image.height_px,
            ppi=record.ppi,
            bit_depth=image.bit_depth,
            quality=value,
            monotonic_ns=at_ns,
        )
        if digest in self._driver._seen:
            return press, PressVerdict.IDENTICAL_IMAGE
        return press, self._gate(value)

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
        if refusal.code == 109:
            raise StepUnfit(device=DEVICE, reason="number of fingers not supported") from None
        raise DeviceFault(device=DEVICE, reason=f"SBI error {refusal.code}") from None

    def _note(self, verdict: PressVerdict, value: Quality | None, position: FingerPosition | None = None) -> None:
        self._log.append(PressLog(self._pressed, verdict, value, time.monotonic_ns(), position))

    def _tell(self, prompt: Prompt, verdict: PressVerdict | None) -> None:
        presses = self._policy.presses_per_finger
        press = min(self._taken + 1, presses)
        self._progress(Progress(self._positions[0], press, presses, prompt, verdict))
