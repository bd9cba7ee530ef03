"""What one person's fingers looked like so far, so that none is filed under two positions.

The interface has no command that compares fingers and gives no templates, so the pictures are compared here. In memory
only, for one session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from drivers.fingerprint import minutiae, quality
from drivers.fingerprint.minutiae import Minutiae
from wire.fingers import FingerPosition
from wire.records import png4
from wire.records.errors import RecordInvalid

_MOST_MINUTIAE = 64


class Gallery:
    """Hashes of every picture seen, and the minutiae of the fingers taken."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._taken: dict[FingerPosition, Minutiae] = {}

    def restore(self, position: FingerPosition, png: bytes) -> None:
        """A finger taken before, from its stored picture. Anything but such a picture is passed over."""
        try:
            image = png4.decode_grey(png)
        except RecordInvalid:
            return
        pixels = png4.unpack(image.pixels) if image.bit_depth == 4 else image.pixels
        grey = np.frombuffer(pixels, np.uint8).reshape(image.height_px, image.width_px)
        if min(grey.shape) >= quality.OCL_BLOCK_PX:
            self.seen.add(hashlib.sha256(image.pixels).digest())
            self._taken[position] = described(grey)

    def keep(self, found: dict[FingerPosition, Minutiae]) -> None:
        """Fingers that were captured; one taken again replaces its earlier self."""
        self._taken.update(found)

    def same_as(
        self, position: FingerPosition, shown: Minutiae, *beside: Mapping[FingerPosition, Minutiae]
    ) -> FingerPosition | None:
        """The other finger that `shown` looks like, among those taken and those `beside` it, or None."""
        best: tuple[int, FingerPosition | None] = (minutiae.SAME_FINGER - 1, None)
        for known in (self._taken, *beside):
            for other, theirs in known.items():
                if other is not position and (score := minutiae.match(shown, theirs)) > best[0]:
                    best = (score, other)
        return best[1]


def described(grey: NDArray[np.uint8]) -> Minutiae:
    """Minutiae to compare by, of 8-bit pixels (height, width) of about 500 ppi."""
    return minutiae.innermost(minutiae.features(grey).minutiae, _MOST_MINUTIAE)
