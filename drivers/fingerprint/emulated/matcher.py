"""The emulated sensor's matching: decided on what the image shows, never on a label.

Features and likeness come from drivers/fingerprint/minutiae.py; here is the character file they travel in, which is the
emulator's own and opaque to the station.
"""

from __future__ import annotations

import struct

import numpy as np

from drivers.fingerprint.minutiae import Minutiae, features, innermost, match

__all__ = ["MAGIC", "THRESHOLDS", "features", "match", "match_files", "pack", "unpack"]

MAGIC = b"EMU1"
THRESHOLDS = {1: 620, 2: 650, 3: 680, 4: 700, 5: 720}
"""Score from which two fingers are one, by security level."""


def pack(minutiae: Minutiae, size_bytes: int) -> bytes:
    """A character file of exactly `size_bytes`; the minutiae nearest the centre of gravity are kept."""
    room = (size_bytes - len(MAGIC) - 1) // 4
    chosen = innermost(minutiae, room)
    out = MAGIC + bytes([len(chosen)])
    for x, y, angle in chosen.tolist():
        turn = int(angle / (2 * np.pi) * 128) % 128
        word = (min(int(x), 511) << 16) | (min(int(y), 511) << 7) | turn
        out += struct.pack(">I", word)
    return out.ljust(size_bytes, b"\0")


def unpack(file: bytes) -> Minutiae:
    """The minutiae of a character file; none where it is not one."""
    if len(file) < 5 or file[:4] != MAGIC or len(file) < 5 + 4 * file[4]:
        return np.zeros((0, 3), np.float32)
    words = struct.unpack(f">{file[4]}I", file[5 : 5 + 4 * file[4]])
    rows = [(word >> 16, word >> 7 & 511, (word & 127) / 128 * 2 * np.pi) for word in words]
    return np.array(rows, np.float32).reshape(-1, 3)


def match_files(left: list[bytes], right: list[bytes]) -> int:
    """The best score between any character file of one side and any of the other."""
    return max((match(unpack(a), unpack(b)) for a in left for b in right), default=0)
