"""Vietnamese mobile numbers: from the written form to E.164. A prefix proves no ownership and never blocks.

Pure. Must never decide whose number it is: that is the operator's or the officer's knowledge.
"""

from __future__ import annotations

import unicodedata

import phonenumbers

from wire.rules.data_files import PhoneFile
from wire.rules.errors import PhoneInvalid


def to_e164(written: str, phones: PhoneFile) -> str:
    """`0912 345 678`, `+84 912 345 678` or `84912345678` as `+84912345678` (ITU-T E.164).

    Raises PhoneInvalid for anything that is not a national number of the length the data file gives.
    """
    compact = "".join(char for char in unicodedata.normalize("NFKC", written) if char not in phones.separators)
    digits = compact.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        raise PhoneInvalid
    if not compact.startswith("+") and compact.startswith(phones.country_code):
        compact = f"+{compact}"
    try:
        number = phonenumbers.parse(compact, phones.region)
    except phonenumbers.NumberParseException:
        raise PhoneInvalid from None
    national = phones.trunk_prefix + phonenumbers.national_significant_number(number)
    if str(number.country_code) != phones.country_code or len(national) != phones.digits:
        raise PhoneInvalid
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def prefix_is_known(e164: str, phones: PhoneFile) -> bool:
    """Whether the national number starts with a prefix given out to mobile operators; `e164` from `to_e164`."""
    national = phones.trunk_prefix + e164.removeprefix(f"+{phones.country_code}")
    return national.startswith(tuple(phones.prefixes))
