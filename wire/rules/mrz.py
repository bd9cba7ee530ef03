"""The machine-readable zone of TD1, TD2 and TD3 documents: strict parsing, every check digit, specific errors.

Layouts and check digits: ICAO Doc 9303 parts 3 (section 4), 4, 5 and 6. Pure; years stay two-digit until a reference
date is given. Must never correct a character, and names from here must never replace typed ones: they are
transliterated and cut.

    MrzInvalid
    ├── MrzShapeError        number or length of lines fits no format
    ├── MrzCharacterError    a character outside A-Z, 0-9 and the filler
    ├── MrzCheckDigitError   names the field whose digit does not fit
    ├── MrzDateError         a date that does not exist
    └── MrzCodeError         a code or name field that is not well-formed
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from typing import Literal

from wire.rules.errors import RulesError

FILLER = "<"
_VALUES = {char: value for value, char in enumerate(string.digits + string.ascii_uppercase)} | {FILLER: 0}
_WEIGHTS = (7, 3, 1)
_MODULUS = 10
_CENTURY = 100
_LEAP_CENTURY = 400
Format = Literal["TD1", "TD2", "TD3"]


class MrzInvalid(RulesError, ValueError):
    """A machine-readable zone that must not be used. `field` names the part concerned."""

    message_id = "error.rules.mrz.text"

    def __init__(self, field: str, **params: str | int) -> None:
        self.field = field
        super().__init__(**({"field": field} | params))


class MrzShapeError(MrzInvalid):
    """The number or length of the lines fits none of TD1, TD2, TD3."""

    message_id = "error.rules.mrz.shape"


class MrzCharacterError(MrzInvalid):
    """A character outside A-Z, 0-9 and the filler; `line` and `position` count from 1."""

    message_id = "error.rules.mrz.character"


class MrzCheckDigitError(MrzInvalid):
    """The check digit of `field` does not fit."""

    message_id = "error.rules.mrz.check_digit"


class MrzDateError(MrzInvalid):
    """The date `field` does not exist in any century."""

    message_id = "error.rules.mrz.date"


class MrzCodeError(MrzInvalid):
    """A code or name field that is not well-formed."""

    message_id = "error.rules.mrz.code"


@dataclass(frozen=True, slots=True)
class MrzDate:
    """A date with a two-digit year; parts are None where the document leaves them open (9303-3 section 4.8)."""

    year: int | None
    month: int | None
    day: int | None

    def agrees_with(self, typed: date) -> bool:
        """Whether a full date has the same known parts; the century is not in the zone."""
        return (
            self.year in (None, typed.year % _CENTURY)
            and self.month in (None, typed.month)
            and self.day in (None, typed.day)
        )

    def between(self, first: date, last: date) -> date | None:
        """The latest full date of these digits in `first` to `last`, None when there is none or a part is open."""
        if self.year is None or self.month is None or self.day is None:
            return None
        for year in range(last.year, first.year - 1, -1):
            if year % _CENTURY != self.year:
                continue
            try:
                found = date(year, self.month, self.day)
            except ValueError:
                continue
            if first <= found <= last:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Mrz:
    """A checked machine-readable zone.

    Args:
        format: TD1, TD2 or TD3.
        document_code: one or two letters, fillers removed.
        issuer: issuing state or organisation, fillers removed.
        surname, given_names: transliterated, words separated by blanks; may be cut (see `name_cut`).
        number: document number, fillers removed, with its continuation in TD1 and TD2.
        nationality: fillers removed (`D` for Germany).
        birth, expiry: two-digit years; expiry None where the document bears none.
        sex: M, F or X.
        optional: optional or personal data, fillers removed.
        name_cut: the name field is full, so that the name may be longer than it shows.
    """

    format: Format
    document_code: str
    issuer: str
    surname: str
    given_names: str
    number: str
    nationality: str
    birth: MrzDate
    sex: Literal["M", "F", "X"]
    expiry: MrzDate | None
    optional: str
    name_cut: bool


def check_digit(text: str) -> str:
    """The digit of 9303-3 section 4.9: weights 7, 3, 1 repeated, modulus 10. Raises KeyError for foreign characters."""
    total = sum(_VALUES[char] * weight for char, weight in zip(text, cycle(_WEIGHTS), strict=False))
    return str(total % _MODULUS)


def parse_mrz(lines: Sequence[str]) -> Mrz:
    """A checked zone from its two or three lines.

    Raises:
        MrzInvalid: one of the subclasses above, for the first fault: shape, characters, check digits, then the rest.
    """
    match [len(line) for line in lines]:
        case [44, 44]:
            reader = _td3
        case [36, 36]:
            reader = _td2
        case [30, 30, 30]:
            reader = _td1
        case _:
            raise MrzShapeError("lines", lines=len(lines))
    for number, line in enumerate(lines, 1):
        for position, char in enumerate(line, 1):
            if char not in _VALUES:
                raise MrzCharacterError("lines", line=number, position=position)
    return reader(lines)


def _td3(lines: Sequence[str]) -> Mrz:
    first, second = lines
    _check("number", second[0:9], second[9])
    _check("birth_date", second[13:19], second[19])
    _check("valid_until", second[21:27], second[27])
    _check("optional", second[28:42], second[42], may_be_filler=True)
    _check("composite", second[0:10] + second[13:20] + second[21:43], second[43])
    surname, given = _names(first[5:44])
    return Mrz(
        format="TD3",
        document_code=_document_code(first[0:2]),
        issuer=_code("issuer", first[2:5]),
        surname=surname,
        given_names=given,
        number=_unfilled("number", second[0:9]),
        nationality=_code("nationality", second[10:13]),
        birth=_birth(second[13:19]),
        sex=_sex(second[20]),
        expiry=_expiry(second[21:27]),
        optional=_spaced(second[28:42]),
        name_cut=first[43] != FILLER,
    )


def _td2(lines: Sequence[str]) -> Mrz:
    first, second = lines
    number, optional = _long_number(second[0:9], second[9], second[28:35])
    _check("birth_date", second[13:19], second[19])
    _check("valid_until", second[21:27], second[27])
    _check("composite", second[0:10] + second[13:20] + second[21:35], second[35])
    surname, given = _names(first[5:36])
    return Mrz(
        format="TD2",
        document_code=_document_code(first[0:2]),
        issuer=_code("issuer", first[2:5]),
        surname=surname,
        given_names=given,
        number=number,
        nationality=_code("nationality", second[10:13]),
        birth=_birth(second[13:19]),
        sex=_sex(second[20]),
        expiry=_expiry(second[21:27]),
        optional=optional,
        name_cut=first[35] != FILLER,
    )


def _td1(lines: Sequence[str]) -> Mrz:
    first, second, third = lines
    number, optional = _long_number(first[5:14], first[14], first[15:30])
    _check("birth_date", second[0:6], second[6])
    _check("valid_until", second[8:14], second[14])
    _check("composite", first[5:30] + second[0:7] + second[8:15] + second[18:29], second[29])
    surname, given = _names(third)
    return Mrz(
        format="TD1",
        document_code=_document_code(first[0:2]),
        issuer=_code("issuer", first[2:5]),
        surname=surname,
        given_names=given,
        number=number,
        nationality=_code("nationality", second[15:18]),
        birth=_birth(second[0:6]),
        sex=_sex(second[7]),
        expiry=_expiry(second[8:14]),
        optional=" ".join(part for part in (optional, _spaced(second[18:29])) if part),
        name_cut=third[29] != FILLER,
    )


def _check(field: str, text: str, digit: str, *, may_be_filler: bool = False) -> None:
    if may_be_filler and digit == FILLER and not text.strip(FILLER):
        return
    if digit != check_digit(text):
        raise MrzCheckDigitError(field)


def _long_number(number: str, digit: str, optional: str) -> tuple[str, str]:
    """The number and the rest of the optional field.

    A number over nine characters has a filler for its digit and goes on in the optional field, followed by the digit
    over the whole and a filler (9303-5 and 9303-6, section 4.2.2, note on long document numbers).
    """
    if digit != FILLER:
        _check("number", number, digit)
        return _unfilled("number", number), _spaced(optional)
    tail, _, rest = optional.partition(FILLER)
    if not tail:
        raise MrzCheckDigitError("number")
    whole = number + tail[:-1]
    _check("number", whole, tail[-1])
    return _unfilled("number", whole), _spaced(rest)


def _unfilled(field: str, text: str) -> str:
    stripped = text.rstrip(FILLER)
    if not stripped:
        raise MrzCodeError(field)
    return stripped.replace(FILLER, " ")


def _spaced(text: str) -> str:
    return " ".join(text.replace(FILLER, " ").split())


def _document_code(text: str) -> str:
    code = text.rstrip(FILLER)
    if not code or not text[0].isalpha() or FILLER in code:
        raise MrzCodeError("document_code")
    return code


def _code(field: str, text: str) -> str:
    code = text.rstrip(FILLER)
    if not code or not code.isalpha():
        raise MrzCodeError(field)
    return code


def _sex(char: str) -> Literal["M", "F", "X"]:
    match char:
        case "M":
            return "M"
        case "F":
            return "F"
        case "<" | "X":
            return "X"
        case _:
            raise MrzCodeError("sex")


def _names(text: str) -> tuple[str, str]:
    primary, _, secondary = text.partition(FILLER * 2)
    surname, given = _spaced(primary), _spaced(secondary)
    if not surname or any(char.isdigit() for char in text):
        raise MrzCodeError("name")
    return surname, given


def _birth(text: str) -> MrzDate:
    return _date("birth_date", text)


def _expiry(text: str) -> MrzDate | None:
    if text == FILLER * len(text):
        return None
    found = _date("valid_until", text)
    if None in (found.year, found.month, found.day):
        raise MrzDateError("valid_until")
    return found


def _date(field: str, text: str) -> MrzDate:
    year, month, day = (_two_digits(field, text[start : start + 2]) for start in range(0, len(text), 2))
    later_without_earlier = (year is None and month is not None) or (month is None and day is not None)
    if later_without_earlier or (year is not None and month is not None and not _exists(year, month, day or 1)):
        raise MrzDateError(field)
    return MrzDate(year, month, day)


def _two_digits(field: str, text: str) -> int | None:
    if text == FILLER * len(text):
        return None
    if not text.isdigit():
        raise MrzDateError(field)
    return int(text)


def _exists(year: int, month: int, day: int) -> bool:
    """Whether the day exists in the century that begins with a leap year, which has every day the others have."""
    try:
        date(_LEAP_CENTURY + year, month, day)
    except ValueError:
        return False
    return True
