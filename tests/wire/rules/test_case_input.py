"""The case as input: what is required, nullable, malformed; the committed JSON Schema says the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.rules import CaseInvalid, case_of, load_rules, parse_case
from wire.rules.case import case_schema

CaseWith = Callable[..., dict[str, Any]]
RULES = load_rules()
SCHEMA_FILE = Path(__file__).parents[3] / "central" / "schema" / "case.json"
VALIDATOR = jsonschema.Draft202012Validator(case_schema(), format_checker=jsonschema.FormatChecker(["date"]))


def problems(case: object) -> dict[str, str]:
    """Field to code of a refused case."""
    with pytest.raises(CaseInvalid) as raised:
        case_of(case, RULES)
    fields = [problem.field for problem in raised.value.problems]

    assert len(set(fields)) == len(fields)
    return {problem.field: problem.code for problem in raised.value.problems}


def test_the_committed_schema_is_the_models() -> None:
    """central/schema/case.json says what the code checks."""
    assert json.loads(SCHEMA_FILE.read_text("utf-8")) == case_schema()
    jsonschema.Draft202012Validator.check_schema(case_schema())


@pytest.mark.parametrize(
    "path",
    [
        "campaign",
        "request",
        "applicant.is_ward",
        "document.type",
        "document.specimen",
        "document.mrz",
        "card",
        "card.symbol",
        "stay_valid_until",
        "representative",
        "representative.lawful",
        "phone",
        "phone.number",
        "phone.owner",
        "phone.linked_elsewhere",
        "email",
        "form_signed",
        "consent",
        "face_ok",
        "plan",
        "fingers",
        "fingers_signed",
        "register",
        "register.face",
        "register.fingers",
        "register.match",
        "open_dossier",
    ],
)
def test_an_optional_field_may_be_absent(case_with: CaseWith, path: str) -> None:
    """Absent is accepted, by the schema too."""
    case = case_with({})
    *parents, last = path.split(".")
    place = case
    for parent in parents:
        place = place[parent]
    del place[last]

    assert case_of(case, RULES)
    assert VALIDATOR.is_valid(case)


@pytest.mark.parametrize(
    "path",
    [
        "visit",
        "applicant",
        "applicant.nationality",
        "applicant.birth_date",
        "document",
        "document.valid_until",
        "document.readable",
        "card.kind",
        "card.valid_until",
        "representative.present",
    ],
)
def test_a_required_field_may_not_be_absent(case_with: CaseWith, path: str) -> None:
    """Missing names the field, in the schema too."""
    case = case_with({})
    *parents, last = path.split(".")
    place = case
    for parent in parents:
        place = place[parent]
    del place[last]

    assert set(problems(case)) == {path}
    assert not VALIDATOR.is_valid(case)


@pytest.mark.parametrize(
    "path",
    [
        "document",
        "document.valid_until",
        "document.mrz",
        "card",
        "stay_valid_until",
        "representative",
        "phone",
        "phone.number",
        "email",
        "plan",
        "open_dossier",
    ],
)
def test_a_nullable_field_may_be_null(case_with: CaseWith, path: str) -> None:
    """Null where the schema says so."""
    case = case_with({path: None})

    assert case_of(case, RULES)
    assert VALIDATOR.is_valid(case)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"visit": "2025-07-04T16:45:00"}, {"visit": "instant"}),
        ({"visit": "2025-07-04"}, {"visit": "instant"}),
        ({"visit": "2025-02-30T10:00:00Z"}, {"visit": "instant"}),
        ({"visit": "2025-07-04T24:00:00Z"}, {"visit": "instant"}),
        ({"visit": 1751622300}, {"visit": "instant"}),
        ({"visit": None}, {"visit": "instant"}),
        ({"campaign": "no"}, {"campaign": "boolean"}),
        ({"request": "renew"}, {"request": "choice"}),
        ({"applicant.nationality": "kor"}, {"applicant.nationality": "nationality"}),
        ({"applicant.nationality": "D<<"}, {"applicant.nationality": "nationality"}),
        ({"applicant.nationality": "ĐĐĐ"}, {"applicant.nationality": "nationality"}),
        ({"applicant.nationality": ""}, {"applicant.nationality": "nationality"}),
        ({"applicant.birth_date": "85-03-12"}, {"applicant.birth_date": "date"}),
        ({"applicant.birth_date": "2025-07-05"}, {"applicant.birth_date": "birth_after_visit"}),
        ({"applicant.is_ward": 0}, {"applicant.is_ward": "boolean"}),
        ({"document.mrz": "P<UTO"}, {"document.mrz": "mrz_lines"}),
        ({"document.mrz": ["one"]}, {"document.mrz": "mrz_lines"}),
        ({"document.mrz": [1, 2]}, {"document.mrz": "mrz_lines"}),
        ({"document.readable": None}, {"document.readable": "boolean"}),
        ({"card.kind": "visa"}, {"card.kind": "choice"}),
        ({"card.kind": "permanent"}, {"card.symbol": "symbol_permanent"}),
        ({"card.valid_until": None}, {"card.valid_until": "card_last_day"}),
        ({"phone.number": "12345"}, {"phone.number": "phone"}),
        ({"phone.owner": "friend"}, {"phone.owner": "choice"}),
        ({"phone.linked_elsewhere": "no"}, {"phone.linked_elsewhere": "boolean"}),
        ({"email": "nobody"}, {"email": "email"}),
        ({"plan": ["nose"]}, {"plan[0]": "finger"}),
        ({"plan": ["left_ring", "left_ring"]}, {"plan": "finger_twice"}),
        ({"plan": "left_ring"}, {"plan": "list"}),
        ({"fingers": {"nose": "captured"}}, {"fingers.nose": "finger"}),
        ({"fingers": {"left_ring": "cut"}}, {"fingers.left_ring": "choice"}),
        ({"fingers": []}, {"fingers": "object"}),
        ({"register.face": "unsure"}, {"register.face": "choice"}),
        ({"register.match": "maybe"}, {"register.match": "choice"}),
        ({"open_dossier": {"id": "", "due": None}}, {"open_dossier.id": "empty"}),
        ({"open_dossier": {"id": "7"}}, {"open_dossier.due": "missing"}),
        ({"colour": "red"}, {"colour": "unknown"}),
        ({"applicant.name": "A"}, {"applicant.name": "unknown"}),
        ({"representative.phone": "0912345678"}, {"representative.phone": "unknown"}),
    ],
)
def test_a_malformed_field_is_named(case_with: CaseWith, changes: dict[str, Any], expected: dict[str, str]) -> None:
    """One sentence per wrong field."""
    assert problems(case_with(changes)) == expected


@pytest.mark.parametrize("visit", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:00:00-11:00"])
def test_an_instant_outside_all_calendars_is_named(case_with: CaseWith, visit: str) -> None:
    """No overflow reaches the caller."""
    assert "visit" in problems(case_with({"visit": visit, "applicant.birth_date": "0001-01-01"}))


def test_several_wrong_fields_are_all_named(case_with: CaseWith) -> None:
    """Nothing is hidden behind the first fault."""
    case = case_with({"visit": "now", "email": "x", "card.kind": "visa", "register.match": "?"})

    assert set(problems(case)) == {"visit", "email", "card.kind", "register.match"}


def test_what_only_the_data_files_show_is_named_beside_the_rest(case_with: CaseWith) -> None:
    """A number, a card or a birth date that the rules refuse does not wait for the other fields to be right."""
    wrong = {"email": "x", "phone.number": "12", "applicant.birth_date": "2025-07-05", "card.valid_until": None}

    assert set(problems(case_with(wrong))) == set(wrong)
    assert set(problems(case_with(wrong | {"applicant.nationality": "kor", "card.symbol": 5}))) == {
        *wrong,
        "applicant.nationality",
        "card.symbol",
    }
    assert problems(case_with({"visit": "2023-01-01T10:00:00+07:00", "phone.number": "12"})) == {
        "visit": "no_policy",
        "phone.number": "phone",
    }


def test_choices_are_listed_without_words_of_a_language(case_with: CaseWith) -> None:
    """The same list stands in the Vietnamese and in the English sentence."""
    with pytest.raises(CaseInvalid) as raised:
        case_of(case_with({"card.kind": "visa"}), RULES)

    assert raised.value.problems[0].sentence() == (
        "card.kind: phải là một trong: permanent, temporary / must be one of: permanent, temporary"
    )


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"\xff", b'{"visit": 1, "visit": 2}', b'{"visit": NaN}', b"[" * 99999]
)
def test_what_is_no_json_object_is_one_problem(data: bytes) -> None:
    """Never another exception."""
    with pytest.raises(CaseInvalid) as raised:
        parse_case(data, RULES)

    assert len(raised.value.problems) == 1


def test_problems_hold_no_personal_data(case_with: CaseWith) -> None:
    """Errors reach logs: they name fields, never values."""
    with pytest.raises(CaseInvalid) as raised:
        case_of(case_with({"phone.number": "0987", "email": "secret", "applicant.birth_date": "2031-01-01"}), RULES)
    shown = str(raised.value) + "".join(problem.sentence() for problem in raised.value.problems)

    assert "0987" not in shown
    assert "secret" not in shown
    assert "2031" not in shown


def test_the_hash_is_of_the_facts(case_with: CaseWith) -> None:
    """Order and zone of writing do not matter, every fact does."""
    base = case_of(case_with({}), RULES).sha256()
    reordered = json.loads(json.dumps(dict(reversed(case_with({"visit": "2025-07-04T09:45:00Z"}).items()))))

    assert case_of(reordered, RULES).sha256() == base
    assert case_of(case_with({"consent": False}), RULES).sha256() != base
    assert case_of(case_with({"fingers.left_little": "worn"}), RULES).sha256() != base


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.data(), json_values)
def test_any_value_anywhere_is_taken_or_refused(case_with: CaseWith, data: st.DataObject, value: object) -> None:
    """Fuzz: a case, or a CaseInvalid; what is taken the schema takes too."""
    base = case_with({})
    paths = [*base, *(f"{name}.{inner}" for name, child in base.items() if isinstance(child, dict) for inner in child)]
    case = case_with({data.draw(st.sampled_from(sorted(paths))): value})
    try:
        case_of(case, RULES)
    except CaseInvalid as error:
        taken, named = False, all(problem.sentence() for problem in error.problems)
    else:
        taken, named = True, True

    assert named
    assert not taken or VALIDATOR.is_valid(case)
