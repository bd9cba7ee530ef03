"""The emulated scanner: fingers on its platen, and the answers it signs, honest or not. No I/O.

Every lie has a name in `LIES`; a client that accepts any of them is broken.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from drivers.fingerprint.emulated import prints
from drivers.fingerprint.emulated_sbi.keys import Authority, DeviceKey, authority
from drivers.fingerprint.sbi.jws import encoded
from drivers.fingerprint.sbi.messages import POSITIONS, SPEC_VERSION, SUBTYPES, chained
from wire.fingers import FingerPosition
from wire.records import fir
from wire.records.fir import Compression, FingerRecord, Impression, Technology
from wire.records.png4 import GreyImage

SERIAL_NO = "000000000042"
FINGER_PX = {"thumb": (352, 432), "little": (288, 352)}
"""Segments differ in size, as fingers do; the others are OTHER_PX."""
OTHER_PX = (320, 400)
LIES = (
    "bad_signature",
    "unsigned",
    "foreign_chain",
    "expired_certificate",
    "other_device_key",
    "other_digital_id",
    "wrong_transaction",
    "old_timestamp",
    "future_timestamp",
    "wrong_env",
    "wrong_purpose",
    "broken_hash",
    "unchained_hash",
    "replay",
    "wrong_finger",
    "mislabelled_record",
    "missing_finger",
    "extra_finger",
    "same_image",
    "short_image",
    "four_bit_image",
    "mixed_resolution",
    "thousand_ppi",
    "huge_image",
    "rolled_image",
    "no_biometrics",
)


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose fingers lie on the platen.

    `shown` says for a finger asked for which one is there instead (the other hand, a neighbour), `finger` for all of
    them; `moisture` is of all, or of those in `wet` alone. The scanner notices nothing of it.
    """

    person: str
    seed: int = 0
    finger: str | None = None
    moisture: float | None = None
    shown: Mapping[str, str] = field(default_factory=dict)
    wet: tuple[str, ...] | list[str] = ()

    def there(self, asked: FingerPosition) -> str:
        """Which finger lies where `asked` is expected."""
        return self.shown.get(asked.key, self.finger or asked.key)


class Scanner:
    """State of the scanner; `changed` wakes a capture that waits for fingers, `frozen` repeats the last pictures.

    Args:
        seed: of the synthetic prints.
        env: environment it claims to be registered in.
    """

    def __init__(self, seed: int, env: str) -> None:
        self.root: Authority = authority()
        self.status = "Ready"
        self.serial_no = SERIAL_NO
        self.hand: Hand | None = None
        self.lie: str | None = None
        self.error = 0
        self.sent: deque[tuple[str, str, str]] = deque(maxlen=512)
        self.asked: deque[dict[str, list[str]]] = deque(maxlen=64)
        self.frozen = False
        self.changed = threading.Condition()
        self._seed = seed
        self._env = env
        self._key: DeviceKey = self.root.device(self.serial_no)
        self._false_keys: dict[str, DeviceKey] = {}
        self._replayed: dict[str, Any] | None = None
        self._shots = 0

    def become(self, serial_no: str) -> None:
        """Another device of the same make, with a certificate of its own, is plugged in."""
        self.serial_no = serial_no
        self._key = self.root.device(serial_no)

    def discovery(self, port: int) -> list[dict[str, Any]]:
        """The SBIDISC answer."""
        return [{**self._facts(port), "digitalId": encoded(b"{}"), "error": {"errorCode": "0", "errorInfo": ""}}]

    def info(self, port: int) -> list[dict[str, Any]]:
        """The SBIINFO answer."""
        payload = {**self._facts(port), "firmware": "1.2.3", "env": self._env, "digitalId": self._digital_id()}
        lie = self._lie_if({"bad_signature", "unsigned", "foreign_chain", "expired_certificate"})
        token = self._signer(lie).token(
            payload, algorithm="none" if lie == "unsigned" else "RS256", damage=lie == "bad_signature"
        )
        return [{"deviceInfo": token, "error": {"errorCode": "0", "errorInfo": ""}}]

    def capture(self, request: dict[str, Any]) -> dict[str, Any]:
        """The RCAPTURE answer: waits until fingers lie there or the request's timeout is over."""
        bio = request["bio"][0]
        self.asked.append({"fingers": list(bio["bioSubType"]), "exception": list(bio["exception"])})
        if self.error:
            error, self.error = self.error, 0
            return _failed(error)
        end = time.monotonic() + int(request["timeout"]) / 1000
        with self.changed:
            while self.hand is None:
                left_s = end - time.monotonic()
                if left_s <= 0 or not self.changed.wait(left_s):
                    return _failed(101)
            hand = self.hand
        lie = self._lie_if(set(LIES))
        if lie == "replay" and self._replayed is not None:
            return self._replayed
        names = [POSITIONS[name] for name in bio["bioSubType"]]
        answer = {"biometrics": self._biometrics(request, bio, names, hand, lie)}
        self._replayed = answer
        return answer

    def _biometrics(
        self, request: dict[str, Any], bio: dict[str, Any], asked: list[FingerPosition], hand: Hand, lie: str | None
    ) -> list[dict[str, Any]]:
        if lie == "no_biometrics":
            return []
        shown = list(asked)
        if lie == "missing_finger":
            shown = shown[:-1]
        if lie == "extra_finger":
            shown.append(next(other for other in FingerPosition if other not in shown))
        if lie == "wrong_finger":
            shown[0] = next(other for other in FingerPosition if other not in shown)
        previous = bio["previousHash"]
        if lie == "unchained_hash":
            previous = hashlib.sha256(b"other").hexdigest()
        out: list[dict[str, Any]] = []
        first: bytes | None = None
        for position in shown:
            pixels = self._picture(hand, position)
            if lie == "same_image" and first is not None and len(first) == len(pixels):
                pixels = first
            first = first or pixels
            iso = self._record(position, pixels, lie)
            previous = chained(previous, iso)
            stated = previous if lie != "broken_hash" else previous[::-1]
            out.append({"specVersion": SPEC_VERSION, "data": self._signed(request, bio, position, iso, lie)})
            out[-1] |= {"hash": stated, "error": {"errorCode": "0", "errorInfo": ""}, "additionalInfo": {}}
            self.sent.append((hashlib.sha256(pixels).hexdigest(), hand.person, hand.there(position)))
        return out

    def _picture(self, hand: Hand, position: FingerPosition) -> bytes:
        self._shots += not self.frozen
        finger = hand.there(position)
        touch = prints.natural_touch(prints.seed_of(hand.person, finger, hand.seed, self._shots))
        if hand.moisture is not None and (not hand.wet or position.key in hand.wet):
            touch = replace(touch, moisture=hand.moisture)
        ridges = prints.master(self._seed, hand.person, finger)
        return prints.impression(ridges, touch, *_size_of(position)).tobytes()

    def _record(self, position: FingerPosition, pixels: bytes, lie: str | None) -> bytes:
        width_px, height_px = _size_of(position)
        stated = FingerPosition(position % 10 + 1) if lie == "mislabelled_record" else position
        image = GreyImage(pixels, width_px, height_px, 8)
        if lie == "four_bit_image":
            nibbles = bytes(a & 0xF0 | b >> 4 for a, b in zip(pixels[0::2], pixels[1::2], strict=True))
            image = GreyImage(nibbles, width_px, height_px, 4)
        if lie == "huge_image":
            image = GreyImage(pixels * 4, width_px, height_px * 4, 8)
        ppi = {"mixed_resolution": 500 + position, "thousand_ppi": 1000}.get(lie or "", 500)
        impression = Impression.LIVE_ROLLED if lie == "rolled_image" else Impression.LIVE_PLAIN
        technology = Technology.MONOCHROMATIC_VISIBLE_OPTICAL_TIR
        record = FingerRecord(stated, image, ppi, datetime.now(UTC), technology, impression=impression)
        iso = fir.write(record, Compression.PACKED if lie == "four_bit_image" else Compression.RAW)
        return iso[:-40] if lie == "short_image" else iso

    def _signed(
        self, request: dict[str, Any], bio: dict[str, Any], position: FingerPosition, iso: bytes, lie: str | None
    ) -> str:
        moment = datetime.now(UTC)
        moment += {"old_timestamp": -timedelta(minutes=5), "future_timestamp": timedelta(minutes=5)}.get(
            lie or "", timedelta()
        )
        payload = {
            "digitalId": self._digital_id(
                "999999999999" if lie == "other_digital_id" else self.serial_no, self._signer(lie)
            ),
            "bioType": "Finger",
            "deviceServiceVersion": SPEC_VERSION,
            "bioSubType": SUBTYPES[position],
            "purpose": "Auth" if lie == "wrong_purpose" else "Registration",
            "env": "Staging" if lie == "wrong_env" else request["env"],
            "bioValue": encoded(iso),
            "transactionId": "0" if lie == "wrong_transaction" else request["transactionId"],
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestedScore": bio["requestedScore"],
            "qualityScore": "70",
        }
        algorithm = "none" if lie == "unsigned" else "RS256"
        return self._signer(lie).token(payload, algorithm=algorithm, damage=lie == "bad_signature")

    def _signer(self, lie: str | None) -> DeviceKey:
        """The key for a lie; slow to make, so made when first needed and kept."""
        if lie not in ("foreign_chain", "expired_certificate", "other_device_key"):
            return self._key
        if lie not in self._false_keys:
            issuer = authority() if lie == "foreign_chain" else self.root
            self._false_keys[lie] = issuer.device(self.serial_no, expired=lie == "expired_certificate")
        return self._false_keys[lie]

    def _digital_id(self, serial_no: str | None = None, signer: DeviceKey | None = None) -> str:
        return (signer or self._key).token(
            {
                "serialNo": serial_no or self.serial_no,
                "make": "Emulated",
                "model": "Slap 442",
                "type": "Finger",
                "deviceSubType": "Slap",
                "deviceProvider": "Emulated provider",
                "dateTime": datetime.now(UTC).isoformat(),
            }
        )

    def _facts(self, port: int) -> dict[str, Any]:
        return {
            "serialNo": self.serial_no,
            "deviceStatus": self.status,
            "certification": "SBI 1.0",
            "serviceVersion": "1.2.3",
            "deviceSubId": ["1", "2", "3"],
            "callbackId": f"http://127.0.0.1:{port}/",
            "specVersion": [SPEC_VERSION],
            "purpose": "Registration",
        }

    def _lie_if(self, known: set[str]) -> str | None:
        if self.lie not in known:
            return None
        lie, self.lie = self.lie, None
        return lie


def _size_of(position: FingerPosition) -> tuple[int, int]:
    return FINGER_PX.get(position.key.split("_")[1], OTHER_PX)


def _failed(code: int) -> dict[str, Any]:
    return {"biometrics": [{"data": "", "hash": "", "error": {"errorCode": str(code), "errorInfo": "emulated"}}]}
