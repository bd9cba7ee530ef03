"""Finger positions, by their standard numbers. Must never be renumbered: they stand in records kept for years."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class FingerPosition(IntEnum):
    """ISO/IEC 19794-4:2011 table 5 (the same codes in 39794-4): 1-5 right thumb to little, 6-10 left."""

    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10

    @property
    def key(self) -> str:
        """The name used in files, forms and the catalogue, e.g. `right_thumb`."""
        return self.name.lower()

    @classmethod
    def from_key(cls, key: str) -> FingerPosition:
        """The position of a key. Raises KeyError for anything else."""
        return cls[key.upper()]


TOGETHER = (
    frozenset(FingerPosition(number) for number in (2, 3, 4, 5)),
    frozenset(FingerPosition(number) for number in (7, 8, 9, 10)),
    frozenset((FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_THUMB)),
)
"""What lies on a slap scanner at once: the four fingers of a hand, or both thumbs (the parts of a 4-4-2 capture)."""


def lie_together(positions: Iterable[FingerPosition]) -> bool:
    """Whether these fingers can be shown at once: all of them belong to the same part."""
    shown = set(positions)
    return any(shown <= part for part in TOGETHER)
