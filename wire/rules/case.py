"""The facts of a case as they cross an edge: the auditors' JSON, the centre's store, the station's intake.

Pure. What is not known stays unknown: an absent value is never read as a good one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from wire.fingers import FingerPosition
from wire.rules.errors import CaseInvalid, FieldProblem, PhoneInvalid
from wire.rules.fields import STRICT, Email, Instant, IsoDate, Nationality, NfcText, problem, problems_of, read_json
from wire.rules.model import Rules
from wire.rules.phones import to_e164

FINGER_KEYS = tuple(position.key for position in FingerPosition)
FingerState = Literal["captured", "missing", "bandaged", "worn", "refused", "not_required"]
Answer = Literal["yes", "no", "unknown"]


def _mrz_lines(value: object) -> object:
    lines = tuple(value) if isinstance(value, (list, tuple)) else None
    if lines is None or len(lines) not in _MRZ_LINES or not all(isinstance(line, str) for line in lines):
        raise problem("mrz_lines")
    return lines


def _finger(value: object) -> object:
    if value not in FINGER_KEYS:
        raise problem("finger")
    return value


def _unique(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise problem("finger_twice")
    return value


def _array(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_MRZ_LINES = range(2, 4)
MrzLines = Annotated[
    tuple[str, ...],
    BeforeValidator(_mrz_lines),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}),
]
FingerKey = Annotated[str, BeforeValidator(_finger), WithJsonSchema({"type": "string", "enum": list(FINGER_KEYS)})]

_CARD_CONDITIONS: list[JsonValue] = [
    {
        "if": {"properties": {"kind": {"const": "permanent"}}},
        "then": {"properties": {"symbol": {"type": "null"}}},
        "else": {"required": ["valid_until"], "properties": {"valid_until": {"type": "string"}}},
    }
]


def check_card_fits_kind(kind: str, symbol: str | None, valid_until: date | None) -> None:
    """A permanent card has no symbol, a temporary one has a last day. For a pydantic validator, which reports it."""
    if kind == "permanent" and symbol is not None:
        raise problem("symbol_permanent", at="symbol")
    if kind == "temporary" and valid_until is None:
        raise problem("card_last_day", at="valid_until")


class CaseModel(BaseModel):
    """Base of the case's models."""

    model_config = STRICT


class Applicant(CaseModel):
    """Who asks. `is_ward`: a ward or a represented person."""

    nationality: Nationality
    birth_date: IsoDate
    is_ward: bool = False


class TravelDocument(CaseModel):
    """What was presented. `type` None where nobody said; `valid_until` None where the last day could not be read."""

    type: Literal["passport", "travel_document"] | None = None
    valid_until: IsoDate | None
    readable: bool
    specimen: bool = False
    mrz: MrzLines | None = None


class ResidenceCard(CaseModel):
    """The residence card. A permanent card has no symbol and may have no last day."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"allOf": _CARD_CONDITIONS})

    kind: Literal["permanent", "temporary"]
    symbol: NfcText | None = None
    valid_until: IsoDate | None = None

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        check_card_fits_kind(self.kind, self.symbol, self.valid_until)
        return self


class Representative(CaseModel):
    """Whether a representative came and may represent."""

    present: bool
    lawful: bool = False


class Phone(CaseModel):
    """The number for the account. `linked_elsewhere` None where nobody looked."""

    number: NfcText | None = None
    owner: Literal["self", "representative", "enterprise", "other", "unknown"] = "unknown"
    linked_elsewhere: bool | None = None


class Register(CaseModel):
    """What the immigration register answered."""

    face: Answer = "unknown"
    fingers: Answer = "unknown"
    match: Literal["yes", "no", "unsure", "unknown"] = "unknown"


class OpenDossier(CaseModel):
    """A dossier of the same document that is still open; `due` None where it has none yet."""

    id: NfcText
    due: IsoDate | None


class CaseFacts(CaseModel):
    """Everything a decision rests on, and nothing else. The JSON Schema is central/schema/case.json.

    `visit` is the instant on which the dossier was received; its local date starts every count.
    """

    visit: Instant
    request: Literal["issue", "lock", "unlock"] = "issue"
    campaign: bool = False
    applicant: Applicant
    document: TravelDocument | None
    card: ResidenceCard | None = None
    stay_valid_until: IsoDate | None = None
    representative: Representative | None = None
    phone: Phone | None = None
    email: Email | None = None
    form_signed: bool = False
    consent: bool = False
    face_ok: bool = False
    plan: Annotated[tuple[FingerKey, ...], BeforeValidator(_array), AfterValidator(_unique)] | None = None
    fingers: dict[FingerKey, FingerState] = Field(default_factory=dict)
    fingers_signed: bool = False
    register_answer: Register = Field(default_factory=Register, alias="register")
    open_dossier: OpenDossier | None = None

    def with_register(self, register: Register) -> CaseFacts:
        """The same case after the register answered; received when it was received."""
        return self.model_copy(update={"register_answer": register})

    def sha256(self) -> str:
        """Hash of the facts in one canonical JSON (keys sorted, the visit in UTC), for the record of a decision."""
        values = self.model_dump(mode="json", by_alias=True) | {"visit": self.visit.astimezone(UTC).isoformat()}
        canonical = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def parse_case(data: bytes | str, rules: Rules) -> CaseFacts:
    """A case from its JSON.

    Raises:
        CaseInvalid: with one problem per wrong field.
    """
    return case_of(read_json(data, CaseInvalid), rules)


def case_of(values: object, rules: Rules) -> CaseFacts:
    """Like `parse_case`, from parsed JSON."""
    try:
        case = CaseFacts.model_validate(values)
    except ValidationError as error:
        raise CaseInvalid(problems_of(error)) from None
    problems = list(_problems(case, rules))
    if problems:
        raise CaseInvalid(problems)
    return case


def _problems(case: CaseFacts, rules: Rules) -> Iterator[FieldProblem]:
    try:
        if case.applicant.birth_date > rules.calendar.local_date(case.visit):
            yield FieldProblem("applicant.birth_date", "birth_after_visit")
    except OverflowError:
        yield FieldProblem("visit", "no_calendar")
    if case.phone is not None and case.phone.number is not None:
        try:
            to_e164(case.phone.number, rules.phones)
        except PhoneInvalid:
            yield FieldProblem("phone.number", "phone", (("digits", rules.phones.digits),))


def case_schema() -> dict[str, JsonValue]:
    """The JSON Schema (2020-12) of the case, committed as central/schema/case.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **CaseFacts.model_json_schema(by_alias=True),
        "title": "Case facts of eid-central decide",
    }
