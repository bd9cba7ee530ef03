"""The form TK01: JSON in and out, field errors, names of all scripts, conditional sections, versions."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from wire.rules import Rules, Tk01Invalid, load_rules
from wire.rules.tk01 import Tk01, incomplete, parse_tk01, representative_phone_agrees, tk01_of

EXAMPLES = resources.files("wire.rules") / "data" / "examples"
RULES = load_rules()
REPRESENTED, ALONE = {"represented": True}, {"represented": False}


def example(name: str = "adult") -> dict[str, Any]:
    """A complete form as JSON values."""
    values: dict[str, Any] = json.loads((EXAMPLES / f"tk01-{name}.json").read_text("utf-8"))
    return values


def problems(values: dict[str, Any]) -> dict[str, str]:
    """Field to code of a refused form."""
    with pytest.raises(Tk01Invalid) as raised:
        tk01_of(values)
    assert all(problem.sentence().startswith(problem.field) for problem in raised.value.problems)

    return {problem.field: problem.code for problem in raised.value.problems}


@pytest.mark.parametrize(("name", "facts"), [("adult", ALONE), ("child", REPRESENTED)])
def test_the_examples_are_valid_complete_and_read_back(name: str, facts: dict[str, Any]) -> None:
    """JSON out is JSON in."""
    form = parse_tk01((EXAMPLES / f"tk01-{name}.json").read_bytes())

    assert parse_tk01(form.to_json()) == form
    assert incomplete(form, facts) == ()


def test_phone_numbers_are_stored_as_e164() -> None:
    """The applicant's and the representative's."""
    child = tk01_of(example("child"))

    assert child.phone is not None
    assert child.representative is not None
    assert (child.phone.number, child.representative.phone) == ("+84900000001", "+84900000001")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("surname", None, "text"),
        ("surname", "", "empty"),
        ("surname", "   ", "empty"),
        ("surname", "R2D2", "name"),
        ("surname", "A\x00B", "characters"),
        ("surname", "A\nB", "characters"),
        ("surname", "\ud800", "characters"),
        ("surname", "-'", "name"),
        ("surname", "A" * 201, "too_long"),
        ("further_information", "A" * 2001, "too_long"),
        ("birth_date", "12/03/1985", "date"),
        ("birth_date", "1985-02-30", "date"),
        ("birth_date", "1985-03-12T00:00:00", "date"),
        ("birth_date", 479433600, "date"),
        ("sex", "male", "choice"),
        ("nationality", "kor", "nationality"),
        ("nationality", "KO1", "nationality"),
        ("nationality", "KORE", "nationality"),
        ("is_ward", "false", "boolean"),
        ("form_signed", 1, "boolean"),
        ("document", None, "object"),
        ("document.type", "visa", "choice"),
        ("document.number", "", "empty"),
        ("document.valid_until", None, "date"),
        ("phone.number", "12345", "phone"),
        ("phone.number", "+821012345678", "phone"),
        ("phone.owner", "friend", "choice"),
        ("email", "nobody", "email"),
        ("email", "a b@example.com", "email"),
        ("email", "a@" + "b" * 260 + ".com", "too_long"),
        ("form", "tk01-1999", "form_version"),
        ("colour", "red", "unknown"),
        ("document.colour", "red", "unknown"),
    ],
)
def test_a_wrong_field_is_named_with_its_reason(path: str, value: object, code: str) -> None:
    """One problem, at the field, saying what is expected."""
    values = example()
    *parents, last = path.split(".")
    place = values
    for parent in parents:
        place = place[parent]
    place[last] = value

    assert problems(values) == {path: code}


def test_a_document_or_card_that_contradicts_itself_is_refused() -> None:
    """Ends before issue, symbol on a permanent card, temporary card without last day."""
    document = example()["document"] | {"issued_on": "2030-03-12"}
    card = example()["card"]

    assert problems(example() | {"document": document}) == {"document.valid_until": "ends_before_issue"}
    assert problems(example() | {"card": card | {"kind": "permanent"}}) == {"card.symbol": "symbol_permanent"}
    assert problems(example() | {"card": card | {"valid_until": None}}) == {"card.valid_until": "card_last_day"}
    assert problems(example() | {"card": card | {"valid_until": "2024-12-31"}}) == {
        "card.valid_until": "ends_before_issue"
    }
    assert tk01_of(example() | {"document": document | {"valid_until": "2030-03-12"}})


def test_all_wrong_fields_are_named_at_once() -> None:
    """The officer corrects the form in one go."""
    values = example()
    values |= {"surname": "", "sex": "?", "email": "x"}
    del values["birth_date"]

    assert problems(values) == {"birth_date": "missing", "email": "email", "sex": "choice", "surname": "empty"}


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"a": NaN}', b'{"surname": "A", "surname": "B"}', b"[" * 100_000, b"7"],
)
def test_what_is_no_json_object_is_one_clear_problem(data: bytes) -> None:
    """Never another exception."""
    with pytest.raises(Tk01Invalid) as raised:
        parse_tk01(data)

    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].sentence()


@pytest.mark.parametrize(
    "name",
    [
        "김철수",
        "山田",
        "Müller-Lüdenscheidt",
        "O’Brien",
        "D'Souza",
        "Иванов",
        "محمد",
        "ณัฐพล",
        "Nguyễn",
        "A/L Kumar",
        "ß",
        "𠮷田",
        "कुमार",
    ],
)
def test_names_of_every_script_are_kept(name: str) -> None:
    """Letters and marks of any script, as typed."""
    assert tk01_of(example() | {"surname": name}).surname == unicodedata.normalize("NFC", name)


def test_a_decomposed_name_becomes_nfc_and_nothing_else_changes() -> None:
    """NFC is the only normalisation; outer blanks go."""
    form = tk01_of(example() | {"surname": unicodedata.normalize("NFD", " Nguyễn Đức  Việt ")})

    assert form.surname == "Nguyễn Đức  Việt"


def test_a_person_with_one_name_needs_no_given_names() -> None:
    """`given_names` may be absent."""
    values = example()
    del values["given_names"]

    assert tk01_of(values).given_names is None
    assert incomplete(tk01_of(values), ALONE) == ()


def test_a_representative_is_lawful_unless_the_form_says_otherwise() -> None:
    """Forms taken in before the field was there still read."""
    values = example("child")
    unlawful = {**values, "representative": {**values["representative"], "lawful": False}}
    parsed = [tk01_of(form).representative for form in (values, unlawful)]

    assert [one.lawful for one in parsed if one is not None] == [True, False]


def test_the_account_number_is_compared_with_the_representatives_however_written() -> None:
    """Both are E.164 by then; without either number nothing can be told."""
    child = example("child")
    other = {**child, "phone": {"number": "0900000009", "owner": "representative"}}

    assert representative_phone_agrees(tk01_of(child)) is True
    assert representative_phone_agrees(tk01_of(other)) is False
    assert representative_phone_agrees(tk01_of({**child, "phone": None})) is None
    assert representative_phone_agrees(tk01_of(example())) is None


def test_the_representatives_section_is_asked_for_only_where_it_applies() -> None:
    """Conditional section: complete alone, incomplete when represented."""
    adult = tk01_of(example())
    missing = {problem.field for problem in incomplete(adult, REPRESENTED)}

    assert incomplete(adult, ALONE) == ()
    assert missing == {
        f"representative.{field}"
        for field in ("surname", "birth_date", "sex", "nationality", "document_number", "phone", "relation")
    }


def test_a_form_without_number_is_incomplete_not_malformed() -> None:
    """An unfinished form parses, and says what it lacks."""
    form = tk01_of(example() | {"phone": None})

    assert [problem.field for problem in incomplete(form, ALONE)] == ["phone.number", "phone.owner"]


def paths_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """All leaf paths of the form's model."""
    for name, field in model.model_fields.items():
        inner = [one for one in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(one, type)]
        nested = [one for one in inner if issubclass(one, BaseModel)]
        if nested:
            yield from paths_of(nested[0], f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_field_of_the_model_has_a_label_and_the_reverse() -> None:
    """The form file and the model name the same fields; all labels stand in both languages, NFC."""
    for form in RULES.forms:
        labelled = {field.path for field in form.fields()}

        assert labelled == set(paths_of(Tk01)) - {"form"}
        for field in form.fields():
            assert unicodedata.is_normalized("NFC", field.label.vi + field.label.en)
            assert (field.kind == "choice") == bool(field.choices)


def test_a_new_form_version_changes_limits_and_labels_without_code(tmp_path: Path) -> None:
    """A file beside the first adds a version; forms name the version they were filled on."""
    text = (resources.files("wire.rules") / "data" / "tk01-2024-07-01.toml").read_text("utf-8")
    text = text.replace("2024-07-01", "2027-01-01").replace("max_length = 200", "max_length = 3")
    (tmp_path / "tk01-2027-01-01.toml").write_text(text, "utf-8")
    rules = load_rules(tmp_path)

    assert rules.form_on(date(2026, 12, 31)).id == "tk01-2024-07-01"
    assert rules.form_on(date(2027, 1, 1)).id == "tk01-2027-01-01"
    assert tk01_of(example(), rules).form == "tk01-2024-07-01"
    undated = {key: value for key, value in example().items() if key != "form"}
    assert tk01_of(undated, rules, date(2026, 12, 31)).form == "tk01-2024-07-01"
    with pytest.raises(Tk01Invalid) as raised:
        tk01_of(example() | {"form": "tk01-2027-01-01"}, rules)
    assert {problem.code for problem in raised.value.problems} == {"too_long"}


def test_the_permitted_stay_may_be_given() -> None:
    """Where it is stated apart from the card, the rules look at it too."""
    assert tk01_of(example() | {"stay_valid_until": "2026-01-31"}).stay_valid_until == date(2026, 1, 31)
    assert problems(example() | {"stay_valid_until": "31/01/2026"}) == {"stay_valid_until": "date"}


def test_the_consent_is_no_field_of_the_form() -> None:
    """Consent is taken at the station, never typed by an officer."""
    assert problems(example() | {"consent": True}) == {"consent": "unknown"}


letters = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Lt", "Lm"]), min_size=1, max_size=100)


@settings(deadline=None)
@given(letters, letters)
def test_no_name_is_ever_cut(surname: str, given_names: str) -> None:
    """Any letters come out as they went in, normalised, through JSON and back."""
    form = tk01_of(example() | {"surname": surname, "given_names": given_names})
    again = parse_tk01(form.to_json())

    assert again.surname == unicodedata.normalize("NFC", surname)
    assert again.given_names == unicodedata.normalize("NFC", given_names)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_what_the_form_file_refuses_is_named_beside_the_rest() -> None:
    """Lengths, names and numbers do not wait for the other fields to be right."""
    values = example("adult") | {
        "birth_date": "1985-02-30",
        "surname": "A1",
        "phone": {"number": "12", "owner": "self"},
    }
    values["document"] = values["document"] | {"valid_until": "2019-01-01", "number": "9" * 51}

    assert problems(values) == {
        "birth_date": "date",
        "document.number": "too_long",
        "document.valid_until": "ends_before_issue",
        "phone.number": "phone",
        "surname": "name",
    }
    assert problems(values | {"form": "tk01-1900-01-01", "email": "x"}).keys() >= {"form", "email", "birth_date"}


@settings(deadline=None)
@given(st.sampled_from(sorted(example("child"))), json_values)
def test_any_value_in_any_field_is_taken_or_refused_by_name(rules_field: str, value: object) -> None:
    """Fuzz: a form or a Tk01Invalid that names the field, nothing else."""
    refused: Tk01Invalid | None = None
    try:
        tk01_of(example("child") | {rules_field: value})
    except Tk01Invalid as error:
        refused = error

    assert refused is None or all(problem.field.startswith(rules_field) for problem in refused.problems)


@settings(deadline=None)
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_with_sentences(data: bytes) -> None:
    """Fuzz: no bytes lead to another exception."""
    with pytest.raises(Tk01Invalid) as raised:
        parse_tk01(data)

    assert all("\n" not in problem.sentence() for problem in raised.value.problems)


def test_rules_and_forms_are_loaded_once(rules: Rules) -> None:
    """The bundled rules are one value."""
    assert load_rules() is rules
