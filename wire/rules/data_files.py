"""The shape of every data file: what an administrator may write, checked when it is read.

Pure models (pydantic, strict, unknown keys are errors). Must hold no date, age, day count or text of its own.
"""

from __future__ import annotations

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from wire.rules.fields import STRICT, NfcText


class Outcome(StrEnum):
    """What the desk does next. CONTINUE never ends the table."""

    L2_ACCEPT = "L2_ACCEPT"
    L1_ONLY = "L1_ONLY"
    INCOMPLETE = "INCOMPLETE"
    REFUSE = "REFUSE"
    ESCALATE = "ESCALATE"
    REDIRECT = "REDIRECT"
    EXISTING = "EXISTING"
    CONTINUE = "CONTINUE"


class Stage(StrEnum):
    """When a row's facts are known: at the intake desk, after the capture, after the register answered."""

    INTAKE = "intake"
    CAPTURE = "capture"
    REGISTER = "register"


class LeapDay(StrEnum):
    """On which day a person born on 29 February completes a year of age in a common year."""

    MARCH_1 = "march_1"
    FEBRUARY_28 = "february_28"


Comparison = dict[str, Any]
Alternative = dict[str, bool | int | str | tuple[str, ...] | Comparison]
When = tuple[Alternative, ...]
"""Alternatives; one that holds is enough. All facts named in an alternative must hold. `{}` always holds."""

UpperCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]+$")]


Count = Annotated[int, Field(gt=0, le=date.max.year)]
"""Days or years that are counted on a calendar."""

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]+$")]


class DataModel(BaseModel):
    """Base of all data file models."""

    model_config = STRICT


class Labels(DataModel):
    """One text in both languages."""

    vi: NfcText
    en: NfcText


class DatedModel(DataModel):
    """Something in force from 00:00 local time of `valid_from` through 24:00 of `valid_until`."""

    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self

    def in_force(self, on: date) -> bool:
        """Whether the local date lies within the validity."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )

    def overlaps(self, other: DatedModel) -> bool:
        """Whether both are in force on some date."""
        first = max(self.valid_from or date.min, other.valid_from or date.min)
        return self.in_force(first) and other.in_force(first)


class Row(DatedModel):
    """One row of the decision table."""

    when: When
    outcome: Annotated[Outcome, Field(strict=False)]
    stage: Annotated[Stage, Field(strict=False)]
    source: NfcText
    reason: UpperCode | None = None
    text: NfcText | None = None
    working_days: Count | None = None
    alarm_working_days: Count | None = None
    provisional: bool = False
    capture: bool = True
    notify: tuple[str, ...] = ()
    warnings: tuple[UpperCode, ...] = ()
    records: tuple[UpperCode, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.outcome is Outcome.L2_ACCEPT) != (self.working_days is not None):
            raise ValueError("working_days belongs to L2_ACCEPT and to nothing else")
        if self.provisional != (self.alarm_working_days is not None):
            raise ValueError("alarm_working_days belongs to provisional rows and to nothing else")
        if self.outcome is not Outcome.CONTINUE and self.reason is None and self.text is None:
            raise ValueError("a row needs a reason or a text")
        return self


class WarningRule(DatedModel):
    """Something to tell beside the answer: where `when` holds, or where a row names it."""

    when: When = ()
    source: NfcText
    field: NfcText | None = None


class Group(DataModel):
    """A named condition that rows use like a fact."""

    when: When


class Activation(DataModel):
    """What follows the notified result."""

    calendar_days: Count
    row: NfcText
    text: NfcText
    source: NfcText


class PolicyFile(DatedModel):
    """One profile: the decision table and what belongs to it."""

    id: NfcText
    valid_from: date
    based_on: NfcText | None = None
    source: NfcText
    leap_day: Annotated[LeapDay, Field(strict=False)]
    order: tuple[str, ...]
    groups: dict[str, Group] = {}
    rows: dict[str, Row]
    warnings: dict[UpperCode, WarningRule] = {}
    channels: dict[str, When]
    activation: Activation
    texts: dict[str, Labels] = {}


class CalendarYear(DataModel):
    """One year: which weekdays are off and which Saturdays are worked."""

    year: int
    off: tuple[date, ...]
    working_saturdays: tuple[date, ...] = ()
    source: NfcText


class Projection(DataModel):
    """Which years beyond the data may be projected by the `holidays` library."""

    country: NfcText
    first_year: int
    last_year: int


class CalendarFile(DataModel):
    """The working-day calendar. Weekdays are ISO numbers, 1 = Monday."""

    timezone: NfcText
    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1)]
    projection: Projection
    year: tuple[CalendarYear, ...]


DayKind = Literal["off", "working"]


class Hours(DataModel):
    """One span of reception hours, local time, both ends within."""

    opens: time
    closes: time

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("closes must lie after opens")
        return self


class Campaign(DatedModel):
    """Days with reception round the clock."""

    name: NfcText
    valid_from: date
    valid_until: date
    source: NfcText


class ReceptionFile(DataModel):
    """Reception hours on working days, and campaigns."""

    source: NfcText
    hours: tuple[Hours, ...]
    campaign: tuple[Campaign, ...] = ()


class PhoneFile(DatedModel):
    """How a Vietnamese mobile number looks."""

    source: NfcText
    region: NfcText
    country_code: Digits
    trunk_prefix: Digits
    digits: Count
    separators: str
    prefixes: Annotated[tuple[Digits, ...], Field(min_length=1)]


class DocumentType(DataModel):
    """A kind of travel document and the first letters its MRZ may have."""

    labels: Labels
    mrz_codes: tuple[str, ...]


class DocumentsFile(DataModel):
    """Travel documents, and how two-digit years of the MRZ are read."""

    source: NfcText
    types: dict[str, DocumentType]
    expiry_years_back: Count
    expiry_years_ahead: Count
    birth_years_back: Count


class CardTerm(DataModel):
    """Symbols of temporary residence cards that share a longest term."""

    years: Count
    symbols: tuple[NfcText, ...]


class CardSymbolsFile(DatedModel):
    """The symbols of temporary residence cards."""

    source: NfcText
    term: tuple[CardTerm, ...]


class CountriesFile(DataModel):
    """Nationality codes of ICAO Doc 9303-3 section 5, without fillers."""

    source: NfcText
    states: tuple[str, ...]
    special: tuple[str, ...]
    same: dict[str, str]


class Procedure(DatedModel):
    """One row of the annex: a procedure at one level of authority."""

    row: NfcText
    part: Literal["new", "amended"]
    level: Literal["central", "province", "district", "commune"]
    number: int
    name: NfcText
    agency: NfcText
    at_place: NfcText | None = None


class ProcedureName(DataModel):
    """The English name of a procedure, other words people use for it, and texts that mean it together with others."""

    en: NfcText
    ours: bool = False
    also: tuple[NfcText, ...] = ()
    together: tuple[NfcText, ...] = ()


class ProceduresFile(DataModel):
    """The procedures and who handles them."""

    source: NfcText
    names: dict[str, ProcedureName]
    procedure: tuple[Procedure, ...]


class KindLabels(Labels):
    """What a kind of unit is called, and its written short forms."""

    also: tuple[NfcText, ...] = ()


class UnitKind(DatedModel):
    """What a unit was in a time: a province or a city under central authority."""

    kind: Literal["province", "city"]


class Unit(DatedModel):
    """A provincial unit, and the former units that became part of it on `since`."""

    name: NfcText
    also: tuple[NfcText, ...] = ()
    merged: tuple[NfcText, ...] = ()
    since: date | None = None
    kind: tuple[UnitKind, ...]


class ProvincesFile(DataModel):
    """The provincial units over time."""

    source: NfcText
    kinds: dict[str, KindLabels]
    unit: tuple[Unit, ...]


class FormChoice(DataModel):
    """One value of a choice field."""

    value: str
    vi: NfcText
    en: NfcText


class FormField(DataModel):
    """One field of the form."""

    path: NfcText
    kind: Literal["name", "text", "date", "choice", "nationality", "boolean", "phone", "email"]
    required: bool
    label: Labels
    max_length: int | None = None
    choices: tuple[FormChoice, ...] = ()


class FormSection(DataModel):
    """A group of fields; with `when` it is asked for only where the condition holds."""

    id: NfcText
    label: Labels
    field: tuple[FormField, ...]
    when: When | None = None


class FormFile(DatedModel):
    """One version of the form TK01."""

    id: NfcText
    valid_from: date
    source: NfcText
    name_punctuation: str
    title: Labels
    section: tuple[FormSection, ...]

    def fields(self) -> tuple[FormField, ...]:
        """All fields of all sections, in order."""
        return tuple(field for section in self.section for field in section.field)
