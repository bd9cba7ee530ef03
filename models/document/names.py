"""Whether a name as typed and a name in a machine-readable zone may be the same name.

The zone holds A to Z only: marks are dropped, some letters become two, and what does not fit is cut (ICAO Doc 9303
part 3 sections 4.6 and 6, part 4 section 4.2.3). Must never be used the other way: no typed name is made from a zone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import product

MOST_SPELLINGS = 512
_APOSTROPHES = "'’‘ʼ`´ʻʹ"
_LETTERS: dict[str, tuple[str, ...]] = {
    "Ä": ("AE", "A"), "Ö": ("OE", "O"), "Ü": ("UE", "UXX", "U"), "Å": ("AA", "A"), "Æ": ("AE",), "Ø": ("OE", "O"),
    "Œ": ("OE",), "ẞ": ("SS",), "Ñ": ("N", "NXX"), "Đ": ("D",), "Ð": ("D",), "Þ": ("TH",), "Ł": ("L",), "Ħ": ("H",),
    "Ŧ": ("T",), "Ŋ": ("N",), "Ĳ": ("IJ",), "ı": ("I",), "ĸ": ("Q", "K"), "Ə": ("E", "A"), "Ŀ": ("L",),
}  # fmt: skip
"""Letters that no mark can be taken from, or that part 3 section 6 gives in more than one way."""


def same_name(typed: str, zone: str, *, cut: bool) -> bool:
    """Whether the words of a zone can be those of a typed name.

    Args:
        typed: as in the case, any Latin letters.
        zone: the words in the zone, separated by blanks.
        cut: the zone's field is full, so words may be shortened or left out.
    """
    words = zone.split()
    return any(_fits(spelling, words, cut=cut) for spelling in spellings(typed))


def spellings(typed: str) -> tuple[tuple[str, ...], ...]:
    """The ways a typed name may be written in a zone, each as words of A to Z; at most MOST_SPELLINGS."""
    ways: list[tuple[str, ...]] = []
    many = 1
    for char in unicodedata.normalize("NFC", typed):
        choices = _choices(char)
        # Beyond the limit the first way is taken: only names with many such letters get there.
        choices = choices if many * len(choices) <= MOST_SPELLINGS else choices[:1]
        many *= len(choices)
        ways.append(choices)
    return tuple(dict.fromkeys(tuple("".join(letters).split()) for letters in product(*ways)))


def _choices(char: str) -> tuple[str, ...]:
    if char in _APOSTROPHES:
        return ("",)
    upper = "ẞ" if char in "ßẞ" else "ı" if char == "ı" else char.upper()
    if upper in _LETTERS:
        return _LETTERS[upper]
    plain = "".join(part for part in unicodedata.normalize("NFKD", upper) if not unicodedata.combining(part))
    if len(plain) == 1 and plain in _LETTERS:
        return _LETTERS[plain]
    return ("".join(part if part.isascii() and part.isalnum() else "" if part == "." else " " for part in plain),)


def _fits(typed: Sequence[str], zone: Sequence[str], *, cut: bool) -> bool:
    """Equal but for the borders of words; of a cut name each word begins one of the typed ones, in order."""
    if "".join(typed) == "".join(zone):
        return True
    if not cut or not zone:
        return False
    waiting = iter(typed)
    return all(any(word.startswith(part) for word in waiting) for part in zone)
