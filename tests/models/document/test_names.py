from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.document.names import MOST_SPELLINGS, same_name, spellings


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Nguyễn Thị Ánh", "NGUYEN THI ANH"),
        ("Đặng Thuỳ Dương", "DANG THUY DUONG"),
        ("Müller", "MUELLER"),
        ("Müller", "MULLER"),
        ("Weiß", "WEISS"),
        ("Ångström", "AANGSTROEM"),
        ("Ångström", "ANGSTROM"),
        ("Sørensen", "SORENSEN"),
        ("Núñez", "NUNEZ"),
        ("Núñez", "NUNXXEZ"),
        ("Łukasz", "LUKASZ"),
        ("Þórdís", "THORDIS"),
        ("Çelik", "CELIK"),
        ("Işık", "ISIK"),
        ("O'Connor", "OCONNOR"),
        ("d’Arc", "DARC"),
        ("Smith-Jones", "SMITH JONES"),
        ("van der Berg", "VAN DER BERG"),
        ("MacDonald", "MAC DONALD"),
        ("J. R.", "JR"),
        ("", ""),
    ],
)
def test_a_name_agrees_with_its_transliteration(typed: str, zone: str) -> None:
    """Marks, double letters, apostrophes and hyphens as ICAO Doc 9303 part 3 has them."""
    assert same_name(typed, zone, cut=False)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("Nguyen", "NGUYEM"), ("Anna", "ANNA MARIA"), ("Anna Maria", "ANNA"), ("", "ANNA"), ("Anna", ""), ("王", "WANG")],
)
def test_another_name_does_not_agree(typed: str, zone: str) -> None:
    """A whole field holds the whole name."""
    assert not same_name(typed, zone, cut=False)


@pytest.mark.parametrize(
    ("typed", "zone", "agrees"),
    [
        ("Bennelong Wooloomooloo Warrandyte", "BENNELONG WOOLOOMOOLOO WARRAND", True),
        ("Bennelong Wooloomooloo Warrandyte", "BENNELONG W W", True),
        ("Bennelong Wooloomooloo Warrandyte", "BENNELONG WARRANDYTE", True),
        ("Bennelong Wooloomooloo Warrandyte", "WARRANDYTE BENNELONG", False),
        ("Bennelong", "BENNELONGX", False),
        ("Anna", "", False),
    ],
)
def test_a_full_field_may_hold_a_cut_name(typed: str, zone: str, agrees: bool) -> None:
    """Words are shortened or left out, never moved."""
    assert same_name(typed, zone, cut=True) is agrees


@given(st.text(max_size=60))
def test_any_text_has_at_least_one_and_not_too_many_spellings(typed: str) -> None:
    """Words of A to Z and digits only, whatever was typed."""
    found = spellings(typed)

    assert 1 <= len(found) <= MOST_SPELLINGS
    assert all(word and word.isascii() and word.isalnum() for words in found for word in words)


@given(st.text("ÄÖÜÅØÑ", min_size=1, max_size=30))
def test_many_special_letters_do_not_explode(typed: str) -> None:
    """A long name is compared in bounded time."""
    assert len(spellings(typed)) <= MOST_SPELLINGS
