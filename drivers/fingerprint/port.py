"""What the station asks of a fingerprint device.

The unit of work is one *attempt*: a set of presses for one step of the capture plan (one finger on a single-finger
sensor, several at once on a slap scanner). The device runs the attempt and says how it went; the workflow decides
whether there is another. One thread owns a device. Every call ends within its deadline or when `stop` is set.

A device must never return an image that is short, altered or from another press, nor file it under a position that
was not asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wire.fingers import FingerPosition


class SensorClass(StrEnum):
    """Goes into every bundle: what the images are worth."""

    SINGLE_OPTICAL = "single-optical"
    SINGLE_CAPACITIVE = "single-capacitive"
    SLAP_OPTICAL = "slap-optical"


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """What was found. No serial number of a person, no personal data."""

    model: str
    firmware: str
    sensor_class: SensorClass
    width_px: int
    height_px: int
    ppi: int
    bit_depth: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Values per press; never averaged over fingers. Shares are 0..1.

    `foreground_share`: blocks with ridges; `coherent_area`: mean of coherence x foreground over 16x16 blocks;
    `orientation_certainty`: mean OCL of ISO/IEC 29794-4.
    """

    foreground_share: float
    coherent_area: float
    orientation_certainty: float


@dataclass(frozen=True, slots=True)
class Press:
    """One accepted press, as received.

    Attributes:
        position: the finger it belongs to.
        packed: pixels exactly as received; bit_depth 4 packs two pixels a byte, high nibble first.
        sha256: of `packed`.
    """

    position: FingerPosition
    packed: bytes
    sha256: bytes
    width_px: int
    height_px: int
    ppi: int
    bit_depth: int
    quality: Quality
    monotonic_ns: int


class PressVerdict(StrEnum):
    """What became of one press. Everything but ACCEPTED carries a hint for the officer and applicant."""

    ACCEPTED = "accepted"
    NO_FINGER = "no_finger"
    IMAGING_FAILED = "imaging_failed"
    MESSY = "messy"
    TOO_FEW_FEATURES = "too_few_features"
    SMALL_AREA = "small_area"
    LOW_QUALITY = "low_quality"
    IDENTICAL_IMAGE = "identical_image"
    DISAGREES = "disagrees"
    NOT_VERIFIED = "not_verified"
    DUPLICATE_FINGER = "duplicate_finger"
    WRONG_HAND = "wrong_hand"
    DEVICE_FAULT = "device_fault"


@dataclass(frozen=True, slots=True)
class PressLog:
    """One line of the attempt log; bad presses are logged too.

    `position` is the finger the line is about; None where it is about all that were asked for together.
    """

    press: int
    verdict: PressVerdict
    quality: Quality | None
    monotonic_ns: int
    position: FingerPosition | None = None


class Prompt(StrEnum):
    """What the applicant should do now; catalogue key `finger.prompt.<value>`."""

    PLACE = "place"
    HOLD = "hold"
    LIFT = "lift"
    PLACE_AGAIN = "place_again"
    PRESS_HARDER = "press_harder"
    PRESS_LIGHTER = "press_lighter"
    WIPE_DRY = "wipe_dry"
    COVER_MORE = "cover_more"
    OTHER_FINGER = "other_finger"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class Progress:
    """Sent while an attempt runs: which finger, which press of how many, what to do, and what was wrong before.

    Attributes:
        position: the finger it is about. Of several asked for together: the first one that `verdict` refused; where
            nothing was refused, or all of them together (nobody there, picture failed), the first one asked for. The
            prompt is always for the whole hand: PLACE means all fingers asked for.
        press: the number of the accepted press this one would become, 1 to `presses`.
        verdict: on the press before, None before the first. LIFT comes with the verdict on the press just made.
    """

    position: FingerPosition
    press: int
    presses: int
    prompt: Prompt
    verdict: PressVerdict | None = None


class AttemptOutcome(StrEnum):
    """How an attempt ended; all fingers asked for share it.

    CAPTURED: every finger asked for has all its presses. REJECTED: the presses are used up and nothing is handed out,
    not even the good fingers of a slap. STOPPED: `stop` was set, and nothing is handed out.
    """

    CAPTURED = "captured"
    REJECTED = "rejected"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt went.

    Attributes:
        presses: of exactly the fingers asked for, `presses_per_finger` each; none unless CAPTURED. Press by press, the
            fingers of one press in the order asked for.
        templates: vendor-specific and opaque; empty for a device that gives none.
        log: every press, refused ones too: one line a finger, or one line without a finger where the press gave no
            pictures. A slap of which one finger was refused shows the others as ACCEPTED in the same press.
    """

    outcome: AttemptOutcome
    presses: tuple[Press, ...]
    templates: dict[FingerPosition, bytes] = field(default_factory=dict)
    log: tuple[PressLog, ...] = ()


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """The dated policy of one plan, as the device needs it (station/policy/*.toml; never constants in code)."""

    presses_per_finger: int
    max_presses: int
    finger_wait_s: float
    lift_wait_s: float
    min_foreground_share: float
    min_coherent_area: float
    min_orientation_certainty: float
    verify_last_press: bool
    check_uniqueness: bool


class FingerprintPort(Protocol):
    """One device. The class says in FINGERS_AT_ONCE how many fingers one `capture` takes (drivers/registry.py).

    Errors: DeviceMissing, DeviceLost, DeviceTimeout, DeviceFault and those of drivers/fingerprint/errors.py.
    """

    def open(self) -> SensorInfo:
        """Finds the device, checks it and makes it ready. May be called again after DeviceLost."""
        ...

    def begin_session(self, taken: Mapping[FingerPosition, bytes] | None = None) -> None:
        """Forgets everything: no template of an earlier person may remain.

        `taken`: this person's fingers captured before, so that the same finger cannot be filed twice across a restart
        of the daemon or the loss of the device: for each its template or, where the attempt gave none, the PNG of one
        of its presses. A driver passes over what it cannot compare. Fingers that are to be taken anew, with others
        because hands were mixed up, are left out.
        """
        ...

    def capture(
        self,
        positions: tuple[FingerPosition, ...],
        policy: CapturePolicy,
        progress: Callable[[Progress], None],
        stop: threading.Event,
    ) -> Attempt:
        """Runs one attempt for one step of the plan, or for what is left of it.

        All or none: see AttemptOutcome. When a finger of a slap cannot be had, the officer signs it as missing and the
        others are asked for in a call of their own, in the same session; the driver tells the scanner which ones are
        not there. Whatever is raised, nothing of the attempt is kept, and the session goes on with the next call.

        Args:
            positions: different fingers that lie on the device together, at least one.

        Raises:
            StepUnfit: more fingers than the device takes at once, fingers that do not lie together, none, or one twice;
                before anything is captured.
        """
        ...

    def end_session(self) -> None:
        """As begin_session; also called after a cancelled session and at start-up."""
        ...

    def close(self) -> None:
        """Releases the device. Never raises; safe to call twice."""
        ...
