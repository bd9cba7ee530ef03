"""The machine-readable zone: ICAO's specimens, every check digit, specific errors, fuzz."""

from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wire.catalogue import bundled
from wire.rules import load_rules
from wire.rules.facts import mrz_birth_date, mrz_expiry
from wire.rules.mrz import (
    MrzCharacterError,
    MrzCheckDigitError,
    MrzCodeError,
    MrzDate,
    MrzDateError,
    MrzInvalid,
    MrzShapeError,
    check_digit,
    parse_mrz,
)

TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
TD1_LONG = ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")
TD2_LONG = ("I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<", "D23145890<UTO3407127M95071227349<<<8")
KOREAN = "M123456788KOR8503127M3003116<<<<<<<<<<<<<<<0"
GERMAN = "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4"
NAMES = "P<XXXSURNAME<<GIVEN".ljust(44, "<")
SPECIMENS = [TD3, TD2, TD1, TD1_LONG, TD2_LONG, (NAMES, KOREAN), (NAMES, GERMAN)]


@pytest.mark.parametrize(("lines", "number"), [(TD3, "L898902C3"), (TD2, "D23145890"), (TD1, "D23145890")])
def test_icao_specimens(lines: tuple[str, ...], number: str) -> None:
    """The specimen person of ICAO Doc 9303 parts 4, 5 and 6."""
    mrz = parse_mrz(lines)

    assert (mrz.surname, mrz.given_names, mrz.number, mrz.nationality) == ("ERIKSSON", "ANNA MARIA", number, "UTO")
    assert (mrz.birth, mrz.sex, mrz.expiry) == (MrzDate(74, 8, 12), "F", MrzDate(12, 4, 15))
    assert (mrz.issuer, mrz.name_cut) == ("UTO", False)


@pytest.mark.parametrize("lines", [TD1_LONG, TD2_LONG])
def test_icao_specimens_with_a_long_number(lines: tuple[str, ...]) -> None:
    """A number over nine characters goes on in the optional field, with its digit behind it."""
    mrz = parse_mrz(lines)

    assert (mrz.number, mrz.optional, mrz.surname) == ("D23145890734", "", "STEVENSON")


def test_german_and_korean_second_lines() -> None:
    """`D<<` is D; the optional field's digit may be a filler or a zero."""
    assert parse_mrz((NAMES, GERMAN)).nationality == "D"
    assert parse_mrz((NAMES, KOREAN)).nationality == "KOR"
    assert parse_mrz((NAMES, KOREAN)).optional == ""


@pytest.mark.parametrize("lines", SPECIMENS)
def test_every_wrong_character_under_a_check_digit_is_found(lines: tuple[str, ...]) -> None:
    """Replacing any digit of a checked field by its neighbour is refused."""
    changed_lines = 1 if len(lines) == 2 else 2
    for row in range(len(lines) - changed_lines, len(lines)) if len(lines) == 2 else range(2):
        for position, char in enumerate(lines[row]):
            if not char.isdigit():
                continue
            wrong = lines[row][:position] + str((int(char) + 1) % 10) + lines[row][position + 1 :]
            with pytest.raises(MrzInvalid):
                parse_mrz([*lines[:row], wrong, *lines[row + 1 :]])


@pytest.mark.parametrize(
    ("position", "field"),
    [(9, "number"), (19, "birth_date"), (27, "valid_until"), (42, "optional"), (43, "composite")],
)
def test_a_wrong_check_digit_names_its_field(position: int, field: str) -> None:
    """Each of the five digits of TD3 has its own name in the error."""
    wrong = TD3[1][:position] + str((int(TD3[1][position]) + 1) % 10) + TD3[1][position + 1 :]
    with pytest.raises(MrzCheckDigitError) as raised:
        parse_mrz((TD3[0], wrong))

    assert raised.value.field == field
    assert field in bundled().of_error(raised.value).en


@pytest.mark.parametrize(
    "lines",
    [(), (TD3[0],), (TD3[0], TD3[1][:-1]), (TD3[0] + "<", TD3[1]), (TD2[0], TD3[1]), (*TD1, TD1[0]), (*TD3, TD3[1])],
)
def test_a_wrong_shape(lines: tuple[str, ...]) -> None:
    """Only 2 x 44, 2 x 36 and 3 x 30 are zones."""
    with pytest.raises(MrzShapeError):
        parse_mrz(lines)


@pytest.mark.parametrize("char", ["a", " ", "É", "Đ", "０", "-", "\n"])
def test_a_foreign_character_names_its_place(char: str) -> None:
    """Lower case, blanks, diacritics and full-width digits are not in the zone's alphabet."""
    with pytest.raises(MrzCharacterError) as raised:
        parse_mrz((TD3[0], TD3[1][:4] + char + TD3[1][5:]))

    assert raised.value.params == {"field": "lines", "line": 2, "position": 5}


def second_line(
    number: str = "L898902C3", nationality: str = "KOR", birth: str = "740812", expiry: str = "300415"
) -> str:
    """A TD3 second line with right check digits."""
    line = number + check_digit(number) + nationality + birth + check_digit(birth) + "F" + expiry + check_digit(expiry)
    line += "<" * 14 + "0"
    return line + check_digit(line[0:10] + line[13:20] + line[21:43])


@pytest.mark.parametrize("birth", ["741312", "740832", "750229", "7408<2", "<<0812", "74<<12", "74AB12"])
def test_a_birth_date_that_does_not_exist(birth: str) -> None:
    """Right check digits do not make a day exist."""
    with pytest.raises(MrzDateError) as raised:
        parse_mrz((NAMES, second_line(birth=birth)))

    assert raised.value.field == "birth_date"


@pytest.mark.parametrize(("birth", "expected"), [("74<<<<", (74, None, None)), ("7408<<", (74, 8, None))])
def test_an_unknown_part_of_a_birth_date_stays_unknown(
    birth: str, expected: tuple[int, int | None, int | None]
) -> None:
    """Fillers stand for what is not known (9303-3 section 4.8); known parts still have to agree."""
    found = parse_mrz((NAMES, second_line(birth=birth))).birth

    assert (found.year, found.month, found.day) == expected
    assert found.agrees_with(date(1974, 8, 30))
    assert not found.agrees_with(date(1975, 8, 30))
    assert found.between(date(1925, 1, 1), date(2025, 1, 1)) is None


def test_a_wholly_unknown_birth_date_contradicts_nothing() -> None:
    """Six fillers leave the date open."""
    assert parse_mrz((NAMES, second_line(birth="<<<<<<"))).birth.agrees_with(date(1999, 9, 9))


@pytest.mark.parametrize("nationality", ["<<<", "K0R", "<KO"])
def test_a_nationality_that_is_no_code(nationality: str) -> None:
    """Letters first, fillers after."""
    with pytest.raises(MrzCodeError):
        parse_mrz((NAMES, second_line(nationality=nationality)))


def test_a_full_name_field_may_be_cut() -> None:
    """A name that fills its field is marked: it must not be shown as the person's name."""
    mrz = parse_mrz(("P<KOR" + "NGUYENVAN<<" + "A" * 28, KOREAN))

    assert mrz.name_cut


@pytest.mark.parametrize(
    ("digits", "on", "expected"),
    [
        (MrzDate(25, 7, 8), date(2025, 7, 8), date(2025, 7, 8)),
        (MrzDate(25, 7, 9), date(2025, 7, 8), date(1925, 7, 9)),
        (MrzDate(85, 3, 12), date(2025, 7, 8), date(1985, 3, 12)),
        (MrzDate(0, 2, 29), date(2025, 7, 8), date(2000, 2, 29)),
    ],
)
def test_the_century_of_a_birth_is_the_latest_not_in_the_future(digits: MrzDate, on: date, expected: date) -> None:
    """Seen from the visit, nobody is born tomorrow."""
    rules = load_rules()
    mrz = parse_mrz((NAMES, second_line(birth=f"{digits.year:02}{digits.month:02}{digits.day:02}")))

    assert mrz_birth_date(mrz, on, rules) == expected


@pytest.mark.parametrize(
    ("expiry", "expected"), [("300311", date(2030, 3, 11)), ("990311", date(1999, 3, 11)), ("750704", date(2075, 7, 4))]
)
def test_the_century_of_an_expiry_is_the_nearest(expiry: str, expected: date) -> None:
    """Fifty years either side of the visit."""
    assert mrz_expiry(parse_mrz((NAMES, second_line(expiry=expiry))), date(2025, 7, 8), load_rules()) == expected


zone_text = st.text(st.sampled_from(string.ascii_uppercase + string.digits + "<"))


@settings(deadline=None)
@given(
    st.lists(st.text(), max_size=4)
    | st.tuples(st.text(min_size=44, max_size=44), st.text(min_size=44, max_size=44))
    | st.tuples(*[zone_text.map(lambda text: text[:44].ljust(44, "<"))] * 2)
    | st.tuples(*[zone_text.map(lambda text: text[:36].ljust(36, "<"))] * 2)
    | st.tuples(*[zone_text.map(lambda text: text[:30].ljust(30, "<"))] * 3)
)
def test_any_text_is_parsed_or_refused_with_a_named_field(lines: list[str] | tuple[str, ...]) -> None:
    """Never another exception, and never a field without a sentence."""
    refused: MrzInvalid | None = None
    try:
        parse_mrz(lines)
    except MrzInvalid as error:
        refused = error

    assert refused is None or (refused.field and bundled().of_error(refused).vi)


@settings(deadline=None)
@given(
    st.text(st.sampled_from(string.ascii_uppercase + string.digits), min_size=9, max_size=9),
    st.dates(date(1940, 1, 1), date(2024, 12, 31)),
    st.dates(date(2025, 1, 1), date(2060, 12, 31)),
)
def test_a_written_zone_reads_back(number: str, birth: date, expiry: date) -> None:
    """What is written with right check digits is read as it was written."""
    mrz = parse_mrz((NAMES, second_line(number, "FRA", f"{birth:%y%m%d}", f"{expiry:%y%m%d}")))

    assert (mrz.number, mrz.nationality) == (number, "FRA")
    assert mrz.birth.agrees_with(birth)
    assert mrz.expiry is not None
    assert mrz.expiry.agrees_with(expiry)


@settings(deadline=None)
@given(st.sampled_from(SPECIMENS), st.data())
def test_one_changed_character_is_never_silently_another_number(lines: tuple[str, ...], data: st.DataObject) -> None:
    """A digit read as another one never yields a different valid number or date.

    A letter read as a digit can (`L` and `1` weigh the same, ICAO Doc 9303-3 section 4.9): the typed fields show it.
    """
    row = data.draw(st.integers(0, len(lines) - 1))
    digits = [position for position, char in enumerate(lines[row]) if char.isdigit()]
    assume(digits)
    position = data.draw(st.sampled_from(digits))
    digit = data.draw(st.sampled_from(string.digits))
    wrong = [*lines[:row], lines[row][:position] + digit + lines[row][position + 1 :], *lines[row + 1 :]]
    try:
        read, true = parse_mrz(wrong), parse_mrz(lines)
    except MrzInvalid:
        return

    assert (read.number, read.birth, read.expiry) == (true.number, true.birth, true.expiry)
