"""From a case to the named facts that conditions test (`fact_types.py` lists them, docs/rules.md explains them).

Pure. Must never decide: no age, day or text is compared with a limit here, only measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wire.rules.case import CaseFacts, FingerState, ResidenceCard, TravelDocument
from wire.rules.conditions import FactValue, holds
from wire.rules.data_files import LeapDay, PolicyFile
from wire.rules.errors import CalendarUnknown
from wire.rules.model import Rules
from wire.rules.mrz import Mrz, MrzInvalid, parse_mrz
from wire.rules.phones import prefix_is_known, to_e164

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault found while measuring: the code of a warning and the field it concerns."""

    code: str
    field: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the case: of the clock that gave the visit's instant, and of the form."""

    clock_trusted: bool = True
    form_complete: bool = True
    representative_phone_agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The facts of a case on its date, groups of the policy included."""

    received: date
    facts: Mapping[str, FactValue]
    findings: tuple[Finding, ...]


def age_on(birth: date, on: date, leap_day: LeapDay) -> int:
    """Completed years. A person completes a year at 00:00 of the birthday (Civil Code 2015 art. 148)."""
    years = on.year - birth.year
    return years if on >= _birthday(birth, on.year, leap_day) else years - 1


def _birthday(birth: date, year: int, leap_day: LeapDay) -> date:
    try:
        return birth.replace(year=year)
    except ValueError:
        last_of_february = birth.replace(year=year, day=birth.day - 1)
        return last_of_february if leap_day is LeapDay.FEBRUARY_28 else last_of_february + _DAY


def measure(case: CaseFacts, rules: Rules, policy: PolicyFile, beside: Beside) -> Measured:
    """All facts of a case. Raises PhoneInvalid for a number that `case_of` would have refused."""
    received = rules.calendar.local_date(case.visit)
    mrz_state, findings = _mrz(case, rules)
    facts: dict[str, FactValue] = {
        "request": case.request,
        "dossier_open": case.open_dossier is not None,
        "nationality": plain_code(case.applicant.nationality, rules),
        "nationality_known": is_nationality(case.applicant.nationality, rules),
        "age": age_on(case.applicant.birth_date, received, policy.leap_day),
        "is_ward": case.applicant.is_ward,
        "mrz": mrz_state,
        "stay_days_left": _days_left(case.stay_valid_until, received),
        "representative_present": case.representative is not None and case.representative.present,
        "representative_lawful": case.representative is not None and case.representative.lawful,
        "representative_phone_agrees": beside.representative_phone_agrees,
        "email_given": case.email is not None,
        "form_signed": case.form_signed,
        "form_complete": beside.form_complete,
        "consent": case.consent,
        "face_ok": case.face_ok,
        "register_face": case.register_answer.face,
        "register_fingers": case.register_answer.fingers,
        "register_match": case.register_answer.match,
        "campaign": case.campaign,
        "campaign_in_force": in_campaign(case.visit, rules),
        "in_reception_hours": _in_hours(case.visit, rules),
        "clock_trusted": beside.clock_trusted,
        "calendar_projected": False,
    }
    facts |= _document(case.document, received) | _card(case.card, received, rules)
    facts |= _phone(case, rules) | _fingers(case)
    for name, group in policy.groups.items():
        facts[name] = holds(group.when, facts)
    return Measured(received, facts, findings)


def _days_left(valid_until: date | None, on: date) -> int | None:
    """Days after the date through which something is still valid: 0 on its last day, below 0 once it is over."""
    return None if valid_until is None else (valid_until - on).days


def _document(document: TravelDocument | None, on: date) -> dict[str, FactValue]:
    return {
        "document_given": document is not None,
        "document_type": document.type if document else None,
        "document_readable": document.readable if document else None,
        "document_specimen": document.specimen if document else None,
        "document_days_left": _days_left(document.valid_until, on) if document else None,
    }


def _card(card: ResidenceCard | None, on: date, rules: Rules) -> dict[str, FactValue]:
    years = None
    if card is not None and card.symbol is not None:
        years = longest_term_years(card.symbol, rules)
    temporary = card is not None and card.kind == "temporary"
    beyond = None
    if years is not None and card is not None and card.valid_until is not None:
        beyond = card.valid_until > _years_after(on, years)
    return {
        "card_given": card is not None,
        "card_kind": card.kind if card else None,
        "card_symbol": card.symbol if card else None,
        "card_symbol_known": years is not None if temporary else None,
        "card_days_left": _days_left(card.valid_until, on) if card else None,
        "card_beyond_term": beyond,
    }


def longest_term_years(symbol: str, rules: Rules) -> int | None:
    """The longest term of a temporary card's symbol, None for a symbol that is not in the list."""
    written = symbol.upper()
    return next((term.years for term in rules.symbols.term if written in term.symbols), None)


def _years_after(on: date, years: int) -> date:
    try:
        return _birthday(on, on.year + years, LeapDay.MARCH_1)
    except ValueError:
        return date.max


def _phone(case: CaseFacts, rules: Rules) -> dict[str, FactValue]:
    phone = case.phone
    given = phone is not None and phone.number is not None
    known = None
    if phone is not None and phone.number is not None:
        known = prefix_is_known(to_e164(phone.number, rules.phones), rules.phones)
    return {
        "phone_given": given,
        "phone_owner": phone.owner if phone else None,
        "phone_linked": phone.linked_elsewhere if phone else None,
        "phone_prefix_known": known,
    }


def _fingers(case: CaseFacts) -> dict[str, FactValue]:
    plan = tuple(case.fingers) if case.plan is None else case.plan
    states: list[FingerState | None] = [case.fingers.get(finger) for finger in plan]
    return {
        "fingers_planned": len(plan),
        "fingers_captured": sum(state == "captured" for state in case.fingers.values()),
        "fingers_explained": sum(state not in (None, "captured") for state in states),
        "fingers_unexplained": states.count(None),
        "fingers_signed": case.fingers_signed,
    }


def in_campaign(visit: datetime, rules: Rules) -> bool:
    """Whether a campaign of the data files is in force on an aware instant's local date."""
    on = rules.calendar.local_date(visit)
    return any(campaign.in_force(on) for campaign in rules.reception.campaign)


def _in_hours(visit: datetime, rules: Rules) -> bool:
    local = rules.calendar.local(visit)
    try:
        working = rules.calendar.is_working(local.date())
    except CalendarUnknown:
        return False
    return working and any(span.opens <= local.time() <= span.closes for span in rules.reception.hours)


def plain_code(code: str, rules: Rules) -> str:
    """A nationality code in the form of the list: `DEU` as `D`."""
    return rules.countries.same.get(code, code)


def is_nationality(code: str, rules: Rules) -> bool:
    """Whether a code is a nationality a genuine document can bear; reserved and specimen codes are not."""
    plain = plain_code(code, rules)
    return plain in rules.countries.states or plain in rules.countries.special


def _mrz(case: CaseFacts, rules: Rules) -> tuple[str, tuple[Finding, ...]]:
    if case.document is None or case.document.mrz is None:
        return "absent", ()
    try:
        mrz = parse_mrz(case.document.mrz)
    except MrzInvalid as fault:
        return "invalid", (Finding("MRZ_INVALID", f"document.mrz.{fault.field}"),)
    contradictions = tuple(Finding("MRZ_CONTRADICTS", field) for field in _contradictions(case, mrz, rules))
    specimens = tuple(
        Finding("MRZ_SPECIMEN", f"document.mrz.{field}")
        for field, code in (("issuer", mrz.issuer), ("nationality", mrz.nationality))
        if not is_nationality(code, rules)
    )
    if specimens:
        return "specimen", specimens + contradictions
    return ("contradicts" if contradictions else "good"), contradictions


def _contradictions(case: CaseFacts, mrz: Mrz, rules: Rules) -> list[str]:
    """The typed fields the zone speaks against, as paths of the case."""
    document = case.document
    assert document is not None
    found = []
    types = rules.documents.types
    kinds = types.values() if document.type is None else [types[document.type]]
    if not any(mrz.document_code.startswith(kind.mrz_codes) for kind in kinds):
        found.append("document.type")
    if document.number is not None and _plain_number(mrz.number) != _plain_number(document.number):
        found.append("document.number")
    if document.valid_until is not None and mrz.expiry is not None and not mrz.expiry.agrees_with(document.valid_until):
        found.append("document.valid_until")
    if not mrz.birth.agrees_with(case.applicant.birth_date):
        found.append("applicant.birth_date")
    if plain_code(mrz.nationality, rules) != plain_code(case.applicant.nationality, rules):
        found.append("applicant.nationality")
    return found


def _plain_number(number: str) -> str:
    """Letters and digits: blanks and hyphens are written in different ways."""
    return "".join(char for char in number.upper() if char.isalnum())


def mrz_birth_date(mrz: Mrz, on: date, rules: Rules) -> date | None:
    """The date of birth the zone means, seen from a date: the latest one that is not after it."""
    back = rules.documents.birth_years_back
    return mrz.birth.between(_shifted(on, -back) + _DAY, on)


def mrz_expiry(mrz: Mrz, on: date, rules: Rules) -> date | None:
    """The date of expiry the zone means, seen from a date; None where the document bears none."""
    if mrz.expiry is None:
        return None
    first = _shifted(on, -rules.documents.expiry_years_back) + _DAY
    return mrz.expiry.between(first, _shifted(on, rules.documents.expiry_years_ahead))


def _shifted(on: date, years: int) -> date:
    year = min(max(on.year + years, date.min.year), date.max.year)
    try:
        return on.replace(year=year)
    except ValueError:
        return on.replace(year=year, day=on.day - 1)
