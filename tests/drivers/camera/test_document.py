"""Specimen lines: the product's own strict reader accepts them, and foreign characters are refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.document import td1_lines, td3_lines
from wire.rules.mrz import parse_mrz

BIRTH, EXPIRY = date(1974, 8, 12), date(2030, 4, 15)
_NAMES = st.text("ABCDEFGHIKLMNOPRSTUVY -'", min_size=1, max_size=40).filter(lambda text: text[0].isalpha())
_DATES = st.dates(date(1930, 1, 1), date(2029, 12, 31))


def test_the_specimen_of_the_standard() -> None:
    """The example of ICAO Doc 9303 part 4, appendix B."""
    lines = td3_lines("Eriksson", "Anna Maria", "L898902C3", "UTO", BIRTH, date(2012, 4, 15), optional="ZE184226B")

    assert lines == ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


@given(_NAMES, _NAMES, st.text("ABCX0123456789", min_size=1, max_size=9), _DATES, _DATES, st.sampled_from("FM<"))
def test_what_is_made_is_read(surname: str, given: str, number: str, born: date, until: date, sex: str) -> None:
    """Both formats, every check digit."""
    for made in (td3_lines, td1_lines):
        read = parse_mrz(made(surname, given, number, "VNM", born, until, sex=sex))

        assert (read.number, read.nationality, read.sex) == (number, "VNM", sex.replace("<", "X"))
        assert read.birth.agrees_with(born)


def test_marks_are_dropped_and_words_joined() -> None:
    """Vietnamese names, hyphens, apostrophes."""
    read = parse_mrz(td3_lines("Nguyễn", "Đình Anne-Marie D'Arc", "B1", "VNM", BIRTH, EXPIRY))

    assert (read.surname, read.given_names) == ("NGUYEN", "DINH ANNE MARIE D ARC")


@pytest.mark.parametrize(
    ("surname", "number"), [("Иванов", "B1"), ("A", "1234567890"), ("A", "B-1"), ("A", "É1"), ("A", "٣")]
)
def test_what_does_not_fit_is_refused(surname: str, number: str) -> None:
    """Other scripts and overlong numbers."""
    with pytest.raises(ValueError, match="letters"):
        td3_lines(surname, "B", number, "VNM", BIRTH, EXPIRY)
