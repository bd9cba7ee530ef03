"""Machine-readable lines of specimen documents for the emulated camera: TD3 passports and TD1 cards.

ICAO Doc 9303 part 3 (section 4: fields, check digits), part 4 (TD3) and part 5 (TD1). Must never be used for a real
person's document: it serves tests and demonstrations.
"""

from __future__ import annotations

import unicodedata
from datetime import date

from wire.rules.mrz import check_digit

TD3_LENGTH, TD1_LENGTH = 44, 30
_NUMBER_LENGTH = 9


def td3_lines(
    surname: str,
    given_names: str,
    number: str,
    nationality: str,
    birth: date,
    expiry: date,
    *,
    sex: str = "F",
    issuer: str | None = None,
    optional: str = "",
) -> tuple[str, str]:
    """The two lines of a passport, all check digits right.

    Args:
        surname, given_names: Latin letters; marks are dropped, blanks, hyphens and apostrophes become fillers.
        number: 1 to 9 letters and digits. nationality, issuer: three-letter codes; the issuer defaults to the former.
        sex: F, M or `<`. optional: up to 14 characters of personal data.

    Raises:
        ValueError: a field is too long or has characters outside A-Z and 0-9.
    """
    names = f"{_name(surname)}<<{_name(given_names)}"[: TD3_LENGTH - 5]
    first = f"P<{_filled(issuer or nationality, 3)}{names}".ljust(TD3_LENGTH, "<")
    numbered = _checked(_filled(number, _NUMBER_LENGTH))
    born, until = _checked(f"{birth:%y%m%d}"), _checked(f"{expiry:%y%m%d}")
    personal = _checked(_filled(optional, 14))
    whole = check_digit(numbered + born + until + personal)
    return first, f"{numbered}{_filled(nationality, 3)}{born}{_filled(sex, 1)}{until}{personal}{whole}"


def td1_lines(
    surname: str,
    given_names: str,
    number: str,
    nationality: str,
    birth: date,
    expiry: date,
    *,
    sex: str = "F",
    issuer: str | None = None,
    optional: str = "",
) -> tuple[str, str, str]:
    """The three lines of an identity card; as `td3_lines`, with up to 15 optional characters in the first line."""
    numbered = _checked(_filled(number, _NUMBER_LENGTH))
    first = f"I<{_filled(issuer or nationality, 3)}{numbered}{_filled(optional, 15)}"
    born, until = _checked(f"{birth:%y%m%d}"), _checked(f"{expiry:%y%m%d}")
    second_optional = "<" * 11
    whole = check_digit(first[5:] + born + until + second_optional)
    second = f"{born}{_filled(sex, 1)}{until}{_filled(nationality, 3)}{second_optional}{whole}"
    third = f"{_name(surname)}<<{_name(given_names)}"[:TD1_LENGTH].ljust(TD1_LENGTH, "<")
    return first, second, third


def _checked(field: str) -> str:
    return field + check_digit(field)


def _filled(text: str, length: int) -> str:
    text = text.upper()
    if len(text) > length or not all(char.isascii() and (char.isalnum() or char == "<") for char in text):
        raise ValueError(f"a field of {length} characters takes letters, digits and fillers only")
    return text.ljust(length, "<")


def _name(text: str) -> str:
    """Letters without marks; the words joined by fillers."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D")).upper()
    kept = "".join(char if char.isalpha() else " " for char in plain if not unicodedata.combining(char))
    if not kept.isascii():
        raise ValueError("a name takes Latin letters only")
    return "<".join(kept.split())
