"""OSIA `BiometricData` of a bundle: the images as they were captured, base64. Pure.

Field and value names as in the OSIA data formats (Secure Identity Alliance, OSIA 7, `BiometricData`).
"""

from __future__ import annotations

import base64
from typing import Any

from central.clock import instant
from wire.bundle import Bundle


def face(bundle: Bundle) -> list[dict[str, Any]]:
    """The portrait."""
    captured = instant(bundle.portrait.captured.wall_ms).isoformat()
    return [_entry("FACE", "PORTRAIT", bundle.portrait.jpeg, "image/jpeg", captured)]


def fingers(bundle: Bundle) -> list[dict[str, Any]]:
    """The first press of every captured finger; fingers that were not captured, with their state as the reason."""
    captured = instant(bundle.confirmed.wall_ms).isoformat()
    found: list[dict[str, Any]] = []
    for finger in bundle.fingers:
        kind = finger.position.name
        if finger.presses:
            found.append(_entry("FINGER", kind, finger.presses[0].png, "image/png", captured))
        else:
            missing = [{"biometricSubType": kind, "presence": finger.state.name}]
            found.append({"biometricType": "FINGER", "biometricSubType": kind, "missing": missing})
    return found


def has_fingers(bundle: Bundle) -> bool:
    """Whether any finger was captured."""
    return any(finger.presses for finger in bundle.fingers)


def _entry(kind: str, sub_kind: str, image: bytes, mime_type: str, captured: str) -> dict[str, Any]:
    return {
        "biometricType": kind,
        "biometricSubType": sub_kind,
        "image": base64.b64encode(image).decode("ascii"),
        "mimeType": mime_type,
        "captureDate": captured,
    }
