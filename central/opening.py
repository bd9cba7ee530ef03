"""Opening an envelope for an audit: the bundle as JSON, its images and ISO records as files.

The station's signatures are verified first, always, also those of a station that is revoked by now (its record keeps
its keys).
What is written is personal data in the clear: the folder is made for its owner alone, and must be new or empty.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from central.clock import instant
from central.errors import BundleRejected, EnvelopeUnreadable, OutputExists
from central.stations import StationDirectory
from wire import envelope
from wire.bundle import Bundle, Finger, Press
from wire.envelope import EnvelopeRejected, EnvelopeType, Reason
from wire.keys import OpeningKey
from wire.records import fac, fir, png4
from wire.records.fir import Compression, Technology

RECORD_IMAGES = {
    "png": Compression.PNG,
    "raw": Compression.RAW,
    "packed": Compression.PACKED,
    "jp2": Compression.JPEG2000_LOSSLESS,
}
"""How an image can lie inside a finger record, by the names of the command line; all of them lossless."""
TECHNOLOGIES = {"single-capacitive": Technology.SEMICONDUCTOR_CAPACITIVE}
"""Device class to the standard's identifier. Optical classes stay unspecified: the standard tells optical devices apart
by their light and by how they look at the finger, and a bundle says neither."""


def open_envelope(
    path: Path,
    out: Path,
    stations: StationDirectory,
    opening: Sequence[OpeningKey],
    compression: Compression = Compression.PNG,
) -> list[Path]:
    """Opens the envelope in `path` into the folder `out`; the files written.

    Args:
        compression: how the image lies inside the finger records.

    Raises:
        EnvelopeUnreadable, OutputExists, StationUnknown, EnvelopeRejected, BundleInvalid, BundleRejected, RecordInvalid
    """
    try:
        raw = path.read_bytes()
    except OSError:
        raise EnvelopeUnreadable(file=str(path)) from None
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputExists(where=str(out))
    files = files_of(_opened(raw, stations, opening), compression)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    out.chmod(0o700)
    return [_write(out / name, content) for name, content in files.items()]


def files_of(bundle: Bundle, compression: Compression = Compression.PNG) -> dict[str, bytes]:
    """File name to content. In `bundle.json` an image is replaced by the name of its file. Raises RecordInvalid."""
    files = {"portrait.jpg": bundle.portrait.jpeg, "portrait.fac": _face_record(bundle)}
    value = bundle.model_dump(mode="json")
    value["portrait"]["jpeg"] = "portrait.jpg"
    for finger, plain in zip(bundle.fingers, value["fingers"], strict=True):
        for number, press in enumerate(finger.presses, start=1):
            name = f"{finger.position.key}-{number}"
            files[f"{name}.png"] = press.png
            files[f"{name}.fir"] = _finger_record(bundle, finger, press, compression)
            plain["presses"][number - 1]["png"] = f"{name}.png"
        plain["position"] = finger.position.key
    return {"bundle.json": _json(value), **files}


def _opened(raw: bytes, stations: StationDirectory, opening: Sequence[OpeningKey]) -> Bundle:
    parsed = envelope.parse(raw)
    if parsed.routing.type is not EnvelopeType.BUNDLE:
        raise EnvelopeRejected(Reason.WRONG_TYPE)
    verified = envelope.verify(parsed, stations.get(parsed.routing.sender).verifying())
    bundle = Bundle.decode(envelope.open_content(verified, opening))
    if (bundle.station_id, bundle.bundle_id) != (parsed.routing.sender, parsed.routing.object_id):
        raise BundleRejected(Reason.ROUTING_MISMATCH.value)
    return bundle


def _face_record(bundle: Bundle) -> bytes:
    return fac.write(fac.FaceRecord(bundle.portrait.jpeg, instant(bundle.portrait.captured.wall_ms)))


def _finger_record(bundle: Bundle, finger: Finger, press: Press, compression: Compression) -> bytes:
    """One press as ISO/IEC 19794-4:2011; every field that the bundle does not know says so."""
    # The press is dated on the monotonic clock; the bundle says how that stood to the wall clock.
    earlier_ms = (bundle.confirmed.monotonic_ns - press.at_monotonic_ns) // 1_000_000
    record = fir.FingerRecord(
        position=finger.position,
        image=png4.decode_grey(press.png),
        ppi=press.ppi,
        captured_at=instant(max(0, bundle.confirmed.wall_ms - max(0, earlier_ms))),
        technology=_technology(bundle),
        quality=tuple(fir.QualityBlock(component.score) for component in press.quality if component.score is not None),
    )
    return fir.write(record, compression)


def _technology(bundle: Bundle) -> Technology:
    """Of the one fingerprint device; unspecified where there is none, or more than one kind."""
    classes = {device.device_class for device in bundle.devices if device.kind == "fingerprint"}
    return TECHNOLOGIES.get(classes.pop(), Technology.UNSPECIFIED) if len(classes) == 1 else Technology.UNSPECIFIED


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def _write(path: Path, content: bytes) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path
