"""Vietnamese mobile numbers: E.164 out, prefixes known or not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.rules import load_rules
from wire.rules.errors import PhoneInvalid
from wire.rules.phones import prefix_is_known, to_e164

PHONES = load_rules().phones


@pytest.mark.parametrize(
    "written",
    [
        "0912345678",
        "0912 345 678",
        "0912.345.678",
        "0912-345-678",
        "+84912345678",
        "+84 912 345 678",
        "84912345678",
        "(091)2345678",
        "０９１２３４５６７８",
    ],
)
def test_every_written_form_is_one_number(written: str) -> None:
    """Blanks, dots, country code and full-width digits mean the same number."""
    assert to_e164(written, PHONES) == "+84912345678"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "091234567",
        "09123456789",
        "02412345678",
        "+821012345678",
        "912345678x",
        "0912345678 ext 5",
        "+",
        "++84912345678",
        "0912345678;1",
        "٠٩١٢٣٤٥٦٧٨9",
    ],
)
def test_what_is_no_number_of_ten_digits_is_refused(written: str) -> None:
    """Landlines, foreign numbers, extensions and wrong lengths."""
    with pytest.raises(PhoneInvalid):
        to_e164(written, PHONES)


@pytest.mark.parametrize(("number", "known"), [(f"0{digit}12345678", digit in "35789") for digit in "123456789"])
def test_the_prefix_warns_and_never_blocks(number: str, known: bool) -> None:
    """03, 05, 07, 08 and 09 are mobile prefixes; any other is unknown, and still a number."""
    assert prefix_is_known(to_e164(number, PHONES), PHONES) is known


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    """Fuzz: E.164 of ten national digits or PhoneInvalid."""
    try:
        found = to_e164(text, PHONES)
    except PhoneInvalid:
        found = "+84912345678"

    assert found.startswith("+84")
    assert len(found) == len("+84912345678")


@settings(deadline=None)
@given(st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True))
def test_a_number_is_stable_under_a_second_reading(number: str) -> None:
    """E.164 read again is itself."""
    e164 = to_e164(number, PHONES)

    assert to_e164(e164, PHONES) == e164
    assert e164 == "+84" + number[1:]
