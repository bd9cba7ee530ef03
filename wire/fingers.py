"""Finger positions, by their standard numbers. Must never be renumbered: they stand in records kept for years."""

from __future__ import annotations

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
