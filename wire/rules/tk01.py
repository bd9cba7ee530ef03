"""The form TK01 as the officer takes it in: JSON in and out, every wrong field named.

The model holds what a form can say; lengths, labels, choices and conditional sections come from the versioned form file
(`data/tk01-*.toml`). Pure. Must never cut a value, and must never hold consent: that is given at the station.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ValidationError, ValidationInfo

from wire.rules.case import CardLastDay, CardSymbol, DocumentName
from wire.rules.conditions import FactValue, holds
from wire.rules.data_files import FormField, FormFile, PhoneFile
from wire.rules.errors import FieldProblem, PhoneInvalid, Tk01Invalid
from wire.rules.fields import STRICT, Email, IsoDate, Nationality, NfcText, problem, problems_of, read_json
from wire.rules.loader import load_rules
from wire.rules.model import Rules
from wire.rules.phones import to_e164

Sex = Literal["M", "F", "X"]
PhoneOwner = Literal["self", "representative", "enterprise", "other", "unknown"]


def _after_issue(valid_until: date | None, info: ValidationInfo) -> date | None:
    issued_on = info.data.get("issued_on")
    if issued_on is not None and valid_until is not None and valid_until < issued_on:
        raise problem("ends_before_issue")
    return valid_until


class FormModel(BaseModel):
    """Base of the form's models."""

    model_config = STRICT


class Tk01Document(FormModel):
    """The passport or international travel document."""

    type: DocumentName
    number: NfcText
    issued_on: IsoDate | None = None
    issued_at: NfcText | None = None
    valid_until: Annotated[IsoDate, AfterValidator(_after_issue)]


class Tk01Card(FormModel):
    """The residence card; a permanent card has no symbol and may have no last day."""

    kind: Literal["permanent", "temporary"]
    number: NfcText
    symbol: CardSymbol = None
    issued_on: IsoDate | None = None
    valid_until: Annotated[CardLastDay, AfterValidator(_after_issue)] = None


class Tk01Phone(FormModel):
    """The number for the account; `number` is E.164 once parsed."""

    number: NfcText
    owner: PhoneOwner


class Tk01Representative(FormModel):
    """The representative or guardian who came along; `phone` is E.164 once parsed.

    `lawful` False where the officer finds that this person may not represent.
    """

    surname: NfcText
    given_names: NfcText | None = None
    birth_date: IsoDate
    sex: Sex
    nationality: Nationality
    document_number: NfcText
    phone: NfcText
    relation: NfcText
    lawful: bool = True


class Tk01(FormModel):
    """One filled form. Dates are plain dates, texts NFC, phone numbers E.164.

    `given_names` is None for persons with a single name. `form` is the id of the form version it was filled on.
    """

    form: NfcText
    surname: NfcText
    given_names: NfcText | None = None
    birth_date: IsoDate
    sex: Sex
    nationality: Nationality
    is_ward: bool = False
    document: Tk01Document
    card: Tk01Card | None = None
    stay_valid_until: IsoDate | None = None
    phone: Tk01Phone | None = None
    email: Email | None = None
    representative: Tk01Representative | None = None
    further_information: NfcText | None = None
    form_signed: bool = False

    def to_json(self) -> bytes:
        """UTF-8 JSON that `parse_tk01` reads back to an equal form."""
        return self.model_dump_json().encode("utf-8")


def parse_tk01(data: bytes | str, rules: Rules | None = None, on: date | None = None) -> Tk01:
    """A form from its JSON.

    Args:
        data: one JSON object, UTF-8; without `form` it is read as the version of `on`.
        rules: the data files; None for the bundled ones.
        on: the local date; None for the newest version there is, even if it is not in force yet.

    Raises:
        Tk01Invalid: with one problem per wrong field. A form that is merely unfinished parses; see `incomplete`.
    """
    found = read_json(data, Tk01Invalid)
    assert isinstance(found, dict)
    return tk01_of({str(key): value for key, value in found.items()}, rules, on)


def tk01_of(values: dict[str, Any], rules: Rules | None = None, on: date | None = None) -> Tk01:
    """Like `parse_tk01`, from parsed JSON (the console's form fields)."""
    known = rules or load_rules()
    newest = known.forms[-1] if on is None else known.form_on(on)
    values = {"form": newest.id, **values}
    problems: dict[str, FieldProblem] = {}
    tk01: Tk01 | None = None
    try:
        tk01 = Tk01.model_validate(values)
    except ValidationError as error:
        problems = {found.field: found for found in problems_of(error)}
    form = known.form(str(values["form"]))
    if form is None:
        problems.setdefault("form", FieldProblem("form", "form_version"))
    else:
        for field in form.fields():
            for found in _field_problems(value_at(tk01 or values, field.path), field, form, known.phones):
                problems.setdefault(found.field, found)
    if tk01 is None or problems:
        raise Tk01Invalid([problems[path] for path in sorted(problems)])
    return _with_e164(tk01, known.phones)


def value_at(tk01: object, path: str) -> object:
    """The value of a form file's path in a form or its JSON values, None where it or its section is missing."""
    value = tk01
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def representative_phone_agrees(tk01: Tk01) -> bool | None:
    """Whether the number for the account is the representative's own one; None where the form lacks either."""
    if tk01.phone is None or tk01.representative is None:
        return None
    return tk01.phone.number == tk01.representative.phone


def incomplete(tk01: Tk01, facts: dict[str, FactValue], rules: Rules | None = None) -> tuple[FieldProblem, ...]:
    """The required fields still empty, sections with a condition only where it holds; empty when complete.

    Args:
        facts: the facts the form's conditions may name: `represented` (see `wire.rules.facts`).
    """
    form = (rules or load_rules()).form(tk01.form)
    assert form is not None, "a Tk01 is only made with a known form"
    return tuple(
        FieldProblem(field.path, "missing")
        for section in form.section
        if section.when is None or holds(section.when, facts)
        for field in section.field
        if field.required and value_at(tk01, field.path) is None
    )


def _field_problems(value: object, field: FormField, form: FormFile, phones: PhoneFile) -> list[FieldProblem]:
    if not isinstance(value, str):
        return []
    value = unicodedata.normalize("NFC", value).strip()
    if field.max_length is not None and len(value) > field.max_length:
        return [FieldProblem(field.path, "too_long", (("limit", field.max_length),))]
    if field.kind == "name" and not _is_name(value, form.name_punctuation):
        return [FieldProblem(field.path, "name")]
    if field.kind == "choice" and value not in {choice.value for choice in field.choices}:
        choices = ", ".join(choice.value for choice in field.choices)
        return [FieldProblem(field.path, "choice", (("choices", choices),))]
    if field.kind == "phone" and not _is_phone(value, phones):
        return [FieldProblem(field.path, "phone", (("digits", phones.digits),))]
    return []


def _is_name(value: str, punctuation: str) -> bool:
    """At least one letter; otherwise letters and marks of any script and the form's punctuation."""
    categories = [unicodedata.category(char)[0] for char in value if char not in punctuation]
    return "L" in categories and set(categories) <= {"L", "M"}


def _is_phone(value: str, phones: PhoneFile) -> bool:
    try:
        to_e164(value, phones)
    except PhoneInvalid:
        return False
    return True


def _with_e164(tk01: Tk01, phones: PhoneFile) -> Tk01:
    changes: dict[str, object] = {}
    if tk01.phone is not None:
        changes["phone"] = tk01.phone.model_copy(update={"number": to_e164(tk01.phone.number, phones)})
    if tk01.representative is not None:
        number = to_e164(tk01.representative.phone, phones)
        changes["representative"] = tk01.representative.model_copy(update={"phone": number})
    return tk01.model_copy(update=changes)
