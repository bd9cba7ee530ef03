"""What may stand where in a machine-readable zone (ICAO Doc 9303 parts 4, 5 and 6, section 4.2).

A reader may use this to choose among letters and digits that look alike, and to refuse a text that no issuer prints.
Must never be used to change a text until its check digits fit.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.document.glyphs import CLASSES
from wire.rules.mrz import FILLER, Format

LINES: dict[Format, tuple[int, int]] = {"TD3": (2, 44), "TD2": (2, 36), "TD1": (3, 30)}
"""Number of lines and characters in each."""

Kind = Literal["L", "D", "A", "S", "C", "N"]
_ALLOWED: dict[Kind, str] = {
    "L": string.ascii_uppercase,
    "N": string.ascii_uppercase + FILLER,
    "D": string.digits,
    "C": string.digits + FILLER,
    "A": string.digits + string.ascii_uppercase + FILLER,
    "S": "MFX" + FILLER,
}
_LAYOUT: dict[Format, tuple[tuple[tuple[Kind, int], ...], ...]] = {
    "TD3": (
        (("L", 1), ("N", 4), ("N", 39)),
        (("A", 9), ("D", 1), ("N", 3), ("C", 6), ("D", 1), ("S", 1), ("C", 6), ("D", 1), ("A", 14), ("C", 1), ("D", 1)),
    ),
    "TD2": (
        (("L", 1), ("N", 4), ("N", 31)),
        (("A", 9), ("C", 1), ("N", 3), ("C", 6), ("D", 1), ("S", 1), ("C", 6), ("D", 1), ("A", 7), ("D", 1)),
    ),
    "TD1": (
        (("L", 1), ("N", 1), ("N", 3), ("A", 9), ("C", 1), ("A", 15)),
        (("C", 6), ("D", 1), ("S", 1), ("C", 6), ("D", 1), ("N", 3), ("A", 11), ("D", 1)),
        (("N", 30),),
    ),
}
_NAME_LINE: dict[Format, tuple[int, int]] = {"TD3": (0, 5), "TD2": (0, 5), "TD1": (2, 0)}


def allowed(form: Format) -> NDArray[np.bool_]:
    """(lines * characters, 37) which classes may stand at each position."""
    kinds = [kind for line in _LAYOUT[form] for kind, many in line for _ in range(many)]
    return np.array([[char in _ALLOWED[kind] for char in CLASSES] for kind in kinds])


def plausible(form: Format, lines: Sequence[str]) -> bool:
    """Whether the name field is one that is printed: it begins with a letter and nothing follows its padding."""
    line, start = _NAME_LINE[form]
    name = lines[line][start:]
    return name[0] != FILLER and FILLER * 3 not in name.rstrip(FILLER)
