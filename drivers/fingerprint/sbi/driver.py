"""The driver `sbi`: a scanner behind a MOSIP device service on 127.0.0.1, several fingers at once.

Discovery, the session and one verified request; what one attempt is made of stands in attempt.py. The interface has no
way to compare fingers, so the host does (gallery.py). A session stays with the device that gave its first fingers.
Must never keep an image of an answer of which any part did not verify.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.errors import DeviceFault, DeviceLost, DeviceMissing, DeviceTimeout
from drivers.fingerprint.errors import SbiRejected, StepUnfit, WrongSensor
from drivers.fingerprint.port import Attempt, AttemptOutcome, CapturePolicy, Progress, SensorClass, SensorInfo
from drivers.fingerprint.sbi import messages, verify
from drivers.fingerprint.sbi.attempt import SlapAttempt
from drivers.fingerprint.sbi.client import HOST, SbiClient
from drivers.fingerprint.sbi.gallery import Gallery
from drivers.fingerprint.sbi.verify import Answered, Asked, Device, Refused, Trust
from drivers.fingerprint.uart import DEVICE
from wire.fingers import FingerPosition

LOG = logging.getLogger(__name__)
PLATEN_PX = (1600, 1500)
"""Nominal platen of a 4-4-2 scanner (FAP 60) at 500 ppi; each record says its own size."""


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
        self._bound: str | None = None
        self._gallery = Gallery()

    def open(self) -> SensorInfo:
        """Discovers the service and verifies its device.

        Raises:
            DeviceMissing: no registration device answers on any port, or the trust anchors cannot be read.
            SbiRejected: a device answered but does not verify.
            WrongSensor: it is another device than the one that gave the first fingers of the running session.
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
        if self._bound not in (None, found.info.serial_no):
            raise WrongSensor(device=DEVICE, expected=self._bound, found=found.info.serial_no)
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

        `taken` holds pictures (PNG), since this driver gives no templates; anything else in it is passed over.
        """
        self._previous_hash = messages.EMPTY_HASH
        if not taken:
            # The same person goes on after a reconnect: on the same scanner.
            self._bound = None
        self._gallery = Gallery()
        for position, png in (taken or {}).items():
            self._gallery.restore(position, png)

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
        """One attempt for fingers that lie on the platen together, or for those of them that the person has.

        All that were asked for are captured, or none of them; see FingerprintPort and SlapAttempt. The fingers of the
        same part of the scanner that were not asked for are announced to it as exceptions.

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
        serial_no = self._device.info.serial_no

        def ask() -> Answered:
            return self._asked(positions, sub_id, policy.finger_wait_s, stop)

        attempt = SlapAttempt(ask, positions, policy, self._gallery, progress).run()
        if attempt.outcome is AttemptOutcome.CAPTURED:
            self._bound = serial_no
        return attempt

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
