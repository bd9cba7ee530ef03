"""The facts of a case as they cross an edge: the auditors' JSON, the centre's store, the station's intake.

Pure. What is not known stays unknown: an absent value is never read as a good one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from wire.fingers import FingerPosition
from wire.rules.errors import CaseInvalid, NoPolicy, PhoneInvalid
from wire.rules.fields import STRICT, Email, Instant, IsoDate, Nationality, NfcText, problem, problems_of, read_json
from wire.rules.model import Rules
from wire.rules.phones import to_e164

FINGER_KEYS = tuple(position.key for position in FingerPosition)
FingerState = Literal["captured", "missing", "bandaged", "worn", "refused", "not_required"]
Answer = Literal["yes", "no", "unknown"]
DocumentName = Literal["passport", "travel_document"]


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
_INSTANT = TypeAdapter[datetime](Instant)
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What the fields are checked against: the data files, and the local date of the visit where that can be told."""

    rules: Rules
    visited: date | None


def _within_the_rules(visit: datetime, info: ValidationInfo) -> datetime:
    if isinstance(info.context, _Known):
        try:
            info.context.rules.policy_on(info.context.rules.calendar.local_date(visit))
        except OverflowError:
            raise problem("no_calendar") from None
        except NoPolicy:
            raise problem("no_policy") from None
    return visit


def _born(birth: date, info: ValidationInfo) -> date:
    known = info.context
    if isinstance(known, _Known) and known.visited is not None and birth > known.visited:
        raise problem("birth_after_visit")
    return birth


def _mobile(number: str, info: ValidationInfo) -> str:
    if isinstance(info.context, _Known):
        try:
            to_e164(number, info.context.rules.phones)
        except PhoneInvalid:
            raise problem("phone", digits=info.context.rules.phones.digits) from None
    return number


def _symbol_fits_kind(symbol: str | None, info: ValidationInfo) -> str | None:
    if info.data.get("kind") == "permanent" and symbol is not None:
        raise problem("symbol_permanent")
    return symbol


def _last_day_fits_kind(valid_until: date | None, info: ValidationInfo) -> date | None:
    if info.data.get("kind") == "temporary" and valid_until is None:
        raise problem("card_last_day")
    return valid_until


CardSymbol = Annotated[NfcText | None, AfterValidator(_symbol_fits_kind), Field(validate_default=True)]
"""None for a permanent card. For a model that has `kind` before it."""
CardLastDay = Annotated[IsoDate | None, AfterValidator(_last_day_fits_kind), Field(validate_default=True)]
"""Not None for a temporary card. For a model that has `kind` before it."""


class CaseModel(BaseModel):
    """Base of the case's models."""

    model_config = STRICT


class Applicant(CaseModel):
    """Who asks. `is_ward`: a ward or a represented person."""

    nationality: Nationality
    birth_date: Annotated[IsoDate, AfterValidator(_born)]
    is_ward: bool = False


class TravelDocument(CaseModel):
    """What was presented. `type` None where nobody said; `valid_until` None where the last day could not be read.

    `number` as typed; None where nobody typed one, then the zone's stands alone.
    """

    type: DocumentName | None = None
    number: str | None = None
    valid_until: IsoDate | None
    readable: bool
    specimen: bool = False
    mrz: MrzLines | None = None


class ResidenceCard(CaseModel):
    """The residence card. A permanent card has no symbol and may have no last day."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"allOf": _CARD_CONDITIONS})

    kind: Literal["permanent", "temporary"]
    symbol: CardSymbol = None
    valid_until: CardLastDay = None


class Representative(CaseModel):
    """Whether a representative came and may represent."""

    present: bool
    lawful: bool = False


class Phone(CaseModel):
    """The number for the account. `linked_elsewhere` None where nobody looked."""

    number: Annotated[NfcText, AfterValidator(_mobile)] | None = None
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

    visit: Annotated[Instant, AfterValidator(_within_the_rules)]
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
        return CaseFacts.model_validate(values, context=_Known(rules, _visited(values, rules)))
    except ValidationError as error:
        raise CaseInvalid(problems_of(error)) from None


def _visited(values: object, rules: Rules) -> date | None:
    """The visit's local date, read before the fields: so a birth date is checked whatever else is wrong."""
    try:
        return rules.calendar.local_date(
            _INSTANT.validate_python(values["visit"] if isinstance(values, dict) else None)
        )
    except (KeyError, ValidationError, OverflowError):
        return None


def case_schema() -> dict[str, JsonValue]:
    """The JSON Schema (2020-12) of the case, committed as central/schema/case.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **CaseFacts.model_json_schema(by_alias=True),
        "title": "Case facts of eid-central decide",
    }
