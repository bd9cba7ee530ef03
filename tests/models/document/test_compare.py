from __future__ import annotations

from typing import Any

import pytest

from models.document.compare import differences
from wire.bundle import Document
from wire.rules.mrz import MrzInvalid, check_digit

FIELDS = ("number", "valid_until", "birth_date", "sex", "nationality", "issuing_state", "surname", "given_names")


def zone(
    name: str = "NGUYEN<<THI<ANH",
    *,
    issuer: str = "KOR",
    nation: str = "KOR",
    number: str = "M12345678",
    birth: str = "850312",
    sex: str = "F",
    expiry: str = "300311",
) -> tuple[str, str]:
    """A TD3 zone whose check digits fit."""
    number = number.ljust(9, "<")
    parts = f"{number}{check_digit(number)}", f"{birth}{check_digit(birth)}", f"{expiry}{check_digit(expiry)}"
    second = f"{parts[0]}{nation.ljust(3, '<')}{parts[1]}{sex}{parts[2]}{'<' * 14}0"
    second += check_digit(second[0:10] + second[13:20] + second[21:43])
    return f"P<{issuer.ljust(3, '<')}{name}".ljust(44, "<")[:44], second


def document(**changed: Any) -> Document:
    """The case that agrees with `zone()`."""
    fields: dict[str, Any] = {
        "source": "tk01",
        "type": "passport",
        "issuing_state": "KOR",
        "number": "M12345678",
        "valid_until": "2030-03-11",
        "surname": "Nguyễn",
        "given_names": "Thị Ánh",
        "birth_date": "1985-03-12",
        "sex": "F",
        "nationality": "KOR",
    }
    return Document(**(fields | changed))


def test_a_case_that_agrees_differs_in_nothing() -> None:
    """Marks and letter case are no difference."""
    assert differences(zone(), document()) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "M12345679"),
        ("valid_until", "2030-03-12"),
        ("birth_date", "1985-12-03"),
        ("sex", "M"),
        ("nationality", "PRK"),
        ("surname", "Nguyên Van"),
        ("given_names", "Ánh Thị"),
    ],
)
def test_each_field_is_named_alone(field: str, value: str) -> None:
    """By the name it has in the bundle; never by its value."""
    assert field in Document.model_fields
    assert differences(zone(), document(**{field: value})) == (field,)


def test_issuing_state_counts_where_somebody_read_it() -> None:
    """A case from the form has none of its own: a refugee's document names another state than the person's."""
    assert differences(zone(issuer="D"), document()) == ()
    assert differences(zone(issuer="D"), document(source="chip")) == ("issuing_state",)
    assert differences(zone(issuer="D"), document(source="chip", issuing_state="DEU")) == ()


def test_kind_of_document_is_held_against_the_form() -> None:
    """The centre refuses a zone of another kind: the desk tells it first."""
    card = ("I" + zone()[0][1:], zone()[1])

    assert differences(card, document()) == ("type",)
    assert differences(card, document(type="travel_document")) == ()


def test_everything_may_differ_at_once() -> None:
    """In the order of the bundle's fields."""
    other = zone("SMITH<<JO", issuer="USA", nation="USA", number="A1", birth="900101", sex="M", expiry="310101")
    found = differences(other, document(source="chip"))

    assert set(found) == set(FIELDS)
    assert list(found) == [name for name in Document.model_fields if name in FIELDS]


def test_the_same_thing_written_otherwise_is_no_difference() -> None:
    """Blanks in a number, small letters in a code, Germany's one letter, a sex that is left open."""
    written = document(number="m 123-45678", issuing_state="deu", nationality="D", sex="X")

    assert differences(zone(issuer="D", nation="D", sex="<"), written) == ()


def test_a_name_that_fills_the_field_may_be_cut() -> None:
    """39 characters are all there is."""
    long = "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<KRASUANG"[:39]
    same = document(surname="Nilavadhanananda", given_names="Chayapa Dejthamrong Krasuang")
    other = document(surname="Nilavadhanananda", given_names="Chayapa Krasuang Dejthamrong")

    assert differences(zone(long), same) == ()
    assert differences(zone(long), other) == ("given_names",)


def test_a_surname_that_fills_the_field_leaves_no_room() -> None:
    """Then the given names cannot contradict."""
    name = "VIRABHADRAVENKATANARASIMHARAJUVARIPETAVENKATA"
    assert differences(zone(name), document(surname=name.title(), given_names="Raju")) == ()


@pytest.mark.parametrize(("surname", "given"), [("Suharto", ""), ("", "Suharto")])
def test_a_person_of_one_name(surname: str, given: str) -> None:
    """It stands in the first part of the zone, in the case wherever the form has it."""
    assert differences(zone("SUHARTO"), document(surname=surname, given_names=given)) == ()


def test_unknown_parts_of_a_date_contradict_nothing() -> None:
    """A document may leave day and month of birth open."""
    assert differences(zone(birth="85<<<<"), document()) == ()
    assert differences(zone(birth="86<<<<"), document()) == ("birth_date",)


def test_lines_whose_check_digits_do_not_fit_are_refused() -> None:
    """They say nothing about the case."""
    first, second = zone()
    with pytest.raises(MrzInvalid):
        differences((first, second[:-1] + str((int(second[-1]) + 1) % 10)), document())
