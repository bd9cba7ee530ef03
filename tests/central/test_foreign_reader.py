"""A reader written by somebody else opens our records: every field, every pixel, every way of storing them.

The images come from both sensor models and the slap scanner through the real drivers, go into a sealed bundle and out
of it through `open`. The reader is the package iso19794 of IDEMIA (PyPI); it needs a Pillow below 10.1 and therefore an
interpreter of its own, named by EID_FOREIGN_READER (docs/records.md, section 5, says how to make one).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import features

from central.clock import instant
from central.opening import RECORD_IMAGES, open_envelope
from drivers.fingerprint.port import AttemptOutcome, CapturePolicy, FingerprintPort, Press, SensorInfo
from drivers.fingerprint.remote import Applicant, EmulatedProcess, EmulatedSbiProcess, SlapApplicant
from drivers.registry import create
from tests.central.centre import Centre
from wire import bundle as wire
from wire.fingers import FingerPosition
from wire.records import png4

READER = os.environ.get("EID_FOREIGN_READER")
SCRIPT = Path(__file__).with_name("foreign_reader.py")
POLICY = CapturePolicy(3, 6, 5.0, 5.0, 0.3, 0.3, 0.3, True, True)
STORAGE = {"png": "PNG", "raw": "RAW", "packed": "RAW_PACKED", "jp2": "JPEG2000_LOSSLESS"}
SINGLES = ((FingerPosition.RIGHT_INDEX,), (FingerPosition.LEFT_THUMB,))
SLAPS = (
    tuple(FingerPosition(number) for number in range(2, 6)),
    tuple(FingerPosition(number) for number in range(7, 11)),
    (FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_THUMB),
)
NAMES = {position: position.name + ("" if position.key.endswith("thumb") else "_FINGER") for position in FingerPosition}
BETWEEN_MS = 1_234
CASES = [(kind, image) for kind in ("r307", "r503", "sbi") for image in STORAGE if (kind, image) != ("sbi", "packed")]
"""Packed storage is for pixels of 4 bits; the slap scanner has 8."""
TECHNOLOGY = {"r307": 0, "r503": 14, "sbi": 0}


@contextmanager
def _device(kind: str, folder: Path) -> Iterator[tuple[FingerprintPort, Any, tuple[Any, ...]]]:
    """A driver, its applicant and the steps of its plan."""
    peer = EmulatedSbiProcess(folder) if kind == "sbi" else EmulatedProcess(folder, kind)
    with peer as process, closing(process.remote()) as remote:
        if isinstance(process, EmulatedSbiProcess):
            ports = {"first_port": process.port, "last_port": process.port}
            options = {"trust_anchors": str(process.anchors), "env": "Developer", **ports}
            yield create("fingerprint", "sbi", options), SlapApplicant(remote, "a"), SLAPS
        else:
            options = {"device": str(process.link), "poll_s": 0.02}
            yield create("fingerprint", "serial", options), Applicant(remote, "a"), SINGLES


def _captured(kind: str, folder: Path) -> tuple[SensorInfo, list[Press]]:
    with _device(kind, folder) as (driver, applicant, steps):
        info = driver.open()
        driver.begin_session()
        presses: list[Press] = []
        for step in steps:
            attempt = driver.capture(step, POLICY, applicant, threading.Event())
            assert attempt.outcome is AttemptOutcome.CAPTURED
            presses += attempt.presses
        driver.end_session()
        driver.close()
    return info, presses


def _finger(position: FingerPosition, presses: list[Press], confirmed: wire.Instant) -> wire.Finger:
    taken = [press for press in presses if press.position is position]
    return wire.Finger(
        position=position,
        state=wire.FingerState.CAPTURED,
        attempts=1,
        presses=[
            wire.Press(
                png=png4.encode_grey(
                    png4.GreyImage(press.packed, press.width_px, press.height_px, press.bit_depth), press.ppi
                ),
                packed_sha256=press.sha256,
                width_px=press.width_px,
                height_px=press.height_px,
                ppi=press.ppi,
                bit_depth=4 if press.bit_depth == 4 else 8,
                quality=[wire.QualityComponent(name="scored", raw=0.5, score=50 + number, passed=True)],
                at_monotonic_ns=confirmed.monotonic_ns - (number + 1) * BETWEEN_MS * 1_000_000,
            )
            for number, press in enumerate(taken)
        ],
    )


def _read(files: list[Path]) -> dict[str, Any]:
    assert READER is not None
    ran = subprocess.run(
        [READER, str(SCRIPT), *map(str, files)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.skipif(READER is None, reason="EID_FOREIGN_READER names no interpreter with the package iso19794")
@pytest.mark.parametrize(("kind", "image"), CASES)
def test_a_strangers_reader_reads_every_field_and_every_pixel(
    sqlite_centre: Centre, tmp_path: Path, kind: str, image: str
) -> None:
    """Position, date, device, quality, resolutions, size, depth, compression and the pixels themselves."""
    if image == "jp2" and not features.check("jpg_2000"):
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    info, presses = _captured(kind, tmp_path)
    positions = sorted({press.position for press in presses})
    device = wire.Device(kind="fingerprint", driver="d", model=info.model, device_class=info.sensor_class.value)
    registered = sqlite_centre.register()
    confirmed = sqlite_centre.bundle(registered).confirmed
    fingers = [_finger(position, presses, confirmed) for position in positions]
    bundle = sqlite_centre.bundle(registered, fingers=fingers, devices=[device])
    sealed = tmp_path / "bundle.cose"
    sealed.write_bytes(sqlite_centre.sealed(bundle))
    out = tmp_path / "opened"
    open_envelope(sealed, out, sqlite_centre.stations, sqlite_centre.keys.opening, RECORD_IMAGES[image])
    found = _read(sorted(out.glob("*.fir")))

    assert len(found) == len(presses) == sum(len(finger.presses) for finger in bundle.fingers)
    for finger in bundle.fingers:
        for number, press in enumerate(finger.presses, start=1):
            fields = found[str(out / f"{finger.position.key}-{number}.fir")]
            decoded = png4.decode_grey(press.png)
            wide = png4.unpack(decoded.pixels) if decoded.bit_depth == 4 and image != "packed" else decoded.pixels
            assert fields == {
                "reader": "0.1.0",
                "version": "020\0",
                "lengths": [True, True, True],
                "counts": [1, 1, 0],
                "certified": False,
                "captured_at": _fields_of(instant(bundle.confirmed.wall_ms - number * BETWEEN_MS)),
                "technology": TECHNOLOGY[kind],
                "vendor": "0000",
                "device_type": "0000",
                "quality": [[50 + number - 1, "0000", "0000"]],
                "position": NAMES[finger.position],
                "scale": "PPI",
                "scan": [press.ppi, press.ppi],
                "image": [press.ppi, press.ppi],
                "depth": 4 if image == "packed" else 8,
                "storage": STORAGE[image],
                "impression": "LIVESCAN_PLAIN",
                "size": [press.width_px, press.height_px],
                "line_lengths": [press.width_px, press.height_px],
                "pixels": hashlib.sha256(wide).hexdigest(),
            }
            assert hashlib.sha256(decoded.pixels).digest() == press.packed_sha256


def _fields_of(moment: datetime) -> list[int]:
    """Year to second, and the milliseconds, which that reader files as microseconds."""
    return [*moment.timetuple()[:6], moment.microsecond // 1000]
